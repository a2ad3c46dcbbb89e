import {
  type ExportedProof,
  exportProof,
  type ProofFails,
  type ProofHolds,
  type ProvenEvent,
  proofSentence,
  verifyProof,
} from '@hutong/sdk'
import { eventToJson, type JsonObject, type JsonValue, proofLimits } from '@hutong/wire'
import type { Command } from 'commander'
import { type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { charterOption, type GivenCharter, givenCharter } from './charter-option.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile, writeNewFile } from './files.ts'
import { moment, plain } from './print.ts'
import { issuerOf } from './publish.ts'

const example = '1.2.156.3005.2.11100000000013338W011.11110115010000001Q.202600000001.001.J'

/** `hutong proof …`: proofs of licences to carry away (formats F10). */
export function proofCommand(cli: Cli): Command {
  const command = noun('proof', 'export and check proofs of licences')
  withData(
    verb(command, 'export <id>', 'write what the log holds about a licence, with its proofs, to a file', [
      `proof export ${example} -o licence.proof.json`,
      `proof export ${example} -o licence.proof.json --up-to 7`,
    ]),
  )
    .requiredOption('-o, --out <file>', 'where it goes; a file that is there is left as it is')
    .option('--zone <zone>', 'whose copy is asked (default: the issuing zone)')
    .option('--up-to <event>', 'the last event to show: its id, or its index alone')
    .action(async (id: string, options: ExportOptions) => {
      cli.exitCode = await exportToFile(cli, id, options)
    })
  charterOption(
    verb(command, 'verify <file>', 'exit 0 if the proof holds, 1 if it does not; needs no box and no network', [
      'proof verify licence.proof.json --charter charter-0.bin',
    ]),
  ).action(async (file: string, options: Common & GivenCharter) => {
    cli.exitCode = await verifyFile(cli, file, options)
  })
  return command
}

interface ExportOptions extends Common, BoxOptions {
  readonly out: string
  readonly zone?: string
  readonly upTo?: string
}

async function exportToFile(cli: Cli, identifier: string, options: ExportOptions): Promise<number> {
  const last = options.upTo === undefined ? undefined : eventFromOption('--up-to', options.upTo)
  const box = await findBox(cli, options)
  const zone = options.zone ?? issuerOf(await box.charter(), identifier).zone
  using verifier = box.verifier(knownZone(box, zone), 'auditor')
  using log = box.log('auditor')
  const sources = { verifier, log, charter: await box.charterBytes() }
  const exported = await exportProof(sources, identifier, {
    signal: cli.signal,
    ...(last === undefined ? {} : { upTo: last.index }),
  })
  if (exported.kind !== 'exported') return notExported(cli, exported, options)
  const { verdict, bytes } = exported
  if (last?.origin !== undefined && last.origin !== verdict.origin) throw noSuchEvent(options.upTo!)
  // Payloads are in it: names and numbers of the holder.
  await writeNewFile(options.out, bytes, 0o600)
  if (options.json) cli.print.json({ file: options.out, sizeBytes: bytes.length, ...toldVerdict(verdict) })
  else {
    cli.print.line(`${options.out}  ${bytes.length} bytes, ${verdict.events.length} events`)
    tellSentence(cli, verdict)
  }
  return exits.done
}

/** `<origin>/<index>`, or the index alone. @throws {CommandError} it is neither. */
export function eventFromOption(
  option: string,
  text: string,
): { readonly origin: string | undefined; readonly index: bigint } {
  const [, origin, index] = /^(?:(.+)\/)?(0|[1-9][0-9]{0,17})$/.exec(text) ?? []
  if (index !== undefined) return { origin, index: BigInt(index) }
  throw new CommandError(exits.usage, 'USAGE', `${option}: want <origin>/<index>, got "${text}"`)
}

function notExported(
  cli: Cli,
  exported: Exclude<ExportedProof, { readonly kind: 'exported' }>,
  { json, upTo = '' }: ExportOptions,
): number {
  switch (exported.kind) {
    case 'not_witnessed':
      throw new CommandError(
        exits.unavailable,
        'NOT_YET',
        `事件 ${exported.index} 尚未见证 event ${exported.origin}/${exported.index} is under no cosigned head yet`,
      )
    case 'payload_missing':
      throw new CommandError(
        exits.notFound,
        'PAYLOAD_MISSING',
        `事件 ${exported.index} 的载荷不在该区 the payload of event ${exported.origin}/${exported.index} is not held there`,
      )
    case 'no_such_event':
      throw noSuchEvent(upTo)
    case 'fails':
      tellVerdict(cli, exported, json)
      return exits.negative
  }
}

function noSuchEvent(event: string): CommandError {
  return new CommandError(exits.notFound, 'NOT_FOUND', `没有此事件 the licence has no such event ${event}`.trim())
}

async function verifyFile(cli: Cli, file: string, options: Common & GivenCharter): Promise<number> {
  const charter = await givenCharter(options)
  const bytes = await bytesOfFile(file, proofLimits.fileBytes)
  const verdict = verifyProof(bytes, charter.bytes, charter.pinnedSha256)
  tellVerdict(cli, verdict, options.json)
  return verdict.kind === 'holds' ? exits.done : exits.negative
}

function tellVerdict(cli: Cli, verdict: ProofHolds | ProofFails, json: true | undefined): void {
  if (json) cli.print.json(toldVerdict(verdict))
  else if (verdict.kind === 'holds') tellHolds(cli, verdict)
  else tellFails(cli, verdict)
}

function tellHolds({ print, ...cli }: Cli, verdict: ProofHolds): void {
  tellSentence({ ...cli, print }, verdict)
  print.line()
  print.table(
    ['event 事件', 'kind', "zone's clock", "hub's clock", 'stands 成立'],
    verdict.events.map(({ index, event, loggedAtMs, receivedAtMs, stands }) => [
      String(index),
      event.kind,
      moment(loggedAtMs),
      moment(receivedAtMs),
      stands ? 'yes 是' : 'no 否',
    ]),
  )
  for (const event of verdict.events) {
    print.line()
    print.line(`${plain(event.origin)}/${event.index}`)
    for (const [name, value] of Object.entries(contentOf(event))) print.line(`  ${name}: ${plain(textOf(value))}`)
  }
  print.line()
  print.line('这是登记的内容，不是查验结论；能否据以办事，请向本区查验。')
  print.line('This is what was logged and no verdict: whether it may be relied on, ask the verifier of your zone.')
}

function tellFails({ print, ...cli }: Cli, verdict: ProofFails): void {
  tellSentence({ ...cli, print }, verdict)
  print.line(`expected ${plain(verdict.expected)}`)
  for (const head of verdict.evidence?.heads ?? []) print.line(`\n${head.trimEnd().split('\n').map(plain).join('\n')}`)
}

function tellSentence({ print }: Cli, verdict: ProofHolds | ProofFails): void {
  const { zh, en } = proofSentence(verdict)
  print.line(plain(en))
  print.line(plain(zh))
}

function toldVerdict(verdict: ProofHolds | ProofFails): object {
  const sentence = proofSentence(verdict)
  if (verdict.kind === 'fails') return { holds: false, ...verdict, ...sentence }
  const { kind: _, events, ...holds } = verdict
  const told = events.map(({ event, ...place }) => ({ ...place, kind: event.kind, content: contentOf({ event }) }))
  return { holds: true, ...sentence, laterEventsCovered: false, ...holds, events: told }
}

/**
 * What an event says. The period is called a period: "validFrom" and "validUntil", beside a proof, would be read as the word of a
 * verdict, which a proof never gives.
 */
function contentOf({ event }: Pick<ProvenEvent, 'event'>): JsonObject {
  const { kind: _, ...content } = eventToJson(event)
  return periodsNamed(content)
}

function periodsNamed(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name.replace(/^valid(?=[A-Z])/, 'period'),
      isObject(value) ? periodsNamed(value) : value,
    ]),
  )
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: JsonValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
