import { formatPolicy, formatVkey, maxTlogProofSizeBytes, parsePolicy } from '@hutong/merkle'
import { checkReceipt, type ProofFails, proofSentence, type ReceiptHolds } from '@hutong/sdk'
import { trustFromFirstCharter } from '@hutong/verify'
import type { Command } from 'commander'
import { type BoxOptions, findBox, withData } from './box.ts'
import { charterOption, type GivenCharter, givenCharter } from './charter-option.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile, writeNewFile } from './files.ts'
import { moment, plain } from './print.ts'
import { eventFromOption } from './proof.ts'

/** `hutong receipt …`: receipts of events (formats F9), as texts of C2SP tlog-proof that foreign tools read. */
export function receiptCommand(cli: Cli): Command {
  const command = noun('receipt', 'show and check receipts of events')
  withData(
    verb(command, 'show <event>', 'the receipt of an event <origin>/<index>, as two texts of tlog-proof@v1', [
      'receipt show jjj.hutong.example/z/beijing/1/7',
      'receipt show jjj.hutong.example/z/beijing/1/7 -o beijing-7',
    ]),
  )
    .option('-o, --out <prefix>', 'write <prefix>.batch.tlog-proof and <prefix>.event.tlog-proof')
    .action(async (event: string, options: ShowOptions) => {
      cli.exitCode = await show(cli, event, options)
    })
  charterOption(
    verb(command, 'verify <batch> [event]', 'exit 0 if the receipt holds, 1 if not; needs no box and no network', [
      'receipt verify beijing-7.batch.tlog-proof beijing-7.event.tlog-proof --charter charter-0.bin',
    ]),
  ).action(async (batch: string, event: string | undefined, options: Common & GivenCharter) => {
    cli.exitCode = await verifyFiles(cli, batch, event, options)
  })
  charterOption(
    verb(command, 'policy', 'the C2SP tlog-policy under which foreign tools check a receipt', [
      'receipt policy --charter charter-0.bin',
      'receipt policy --charter charter-0.bin --zone beijing',
    ]),
  )
    .option(
      '--zone <zone>',
      "the policy of this zone's log, for the event's text (default: of the hub's, for the batch's)",
    )
    .action(async (options: Common & GivenCharter & { zone?: string }) => {
      cli.exitCode = await policy(cli, options)
    })
  return command
}

interface ShowOptions extends Common, BoxOptions {
  readonly out?: string
}

async function show(cli: Cli, event: string, options: ShowOptions): Promise<number> {
  const { origin, index } = eventFromOption('<event>', event)
  if (origin === undefined)
    throw new CommandError(exits.usage, 'USAGE', `<event>: want <origin>/<index>, got "${event}"`)
  const box = await findBox(cli, options)
  using log = box.log('auditor')
  const { witnessed, position, batchProof, eventProof } = await log.receipt(origin, index, { signal: cli.signal })
  if (!witnessed) {
    throw new CommandError(exits.unavailable, 'NOT_YET', `${event} 尚未见证 is under no cosigned head yet`)
  }
  if (options.out !== undefined) {
    await writeNewFile(`${options.out}.batch.tlog-proof`, batchProof, 0o644)
    await writeNewFile(`${options.out}.event.tlog-proof`, eventProof, 0o644)
  }
  if (options.json) cli.print.json({ origin, index, position, batchProof, eventProof })
  else if (options.out === undefined) cli.print.line(`${batchProof}\n${eventProof.trimEnd()}`)
  else cli.print.line(`${plain(options.out)}.batch.tlog-proof\n${plain(options.out)}.event.tlog-proof`)
  return exits.done
}

async function verifyFiles(
  cli: Cli,
  batch: string,
  event: string | undefined,
  options: Common & GivenCharter,
): Promise<number> {
  const charter = await givenCharter(options)
  const batchProof = await bytesOfFile(batch, maxTlogProofSizeBytes)
  const eventProof = event === undefined ? undefined : await bytesOfFile(event, maxTlogProofSizeBytes)
  const receipt = eventProof === undefined ? { batchProof } : { batchProof, eventProof }
  const checked = checkReceipt(receipt, charter.bytes, charter.pinnedSha256)
  if (options.json) cli.print.json({ ...checked, holds: checked.kind === 'holds' })
  else if (checked.kind === 'holds') tellHolds(cli, checked)
  else tellFails(cli, checked)
  return checked.kind === 'holds' ? exits.done : exits.negative
}

function tellHolds(
  { print }: Cli,
  { origin, oldSize, newSize, position, receivedAtMs, event, signer }: ReceiptHolds,
): void {
  const what = event === undefined ? `${origin} ${oldSize}..${newSize}` : `${origin}/${event.index}`
  print.line(`RECEIPT HOLDS  ${plain(what)}  position ${position}, ${moment(receivedAtMs)}, signed by ${plain(signer)}`)
  print.line(`回执成立，位置 ${position}；此后的事件不在其内 what came after it is not covered`)
}

function tellFails({ print }: Cli, failed: ProofFails): void {
  const { zh, en } = proofSentence(failed)
  print.line(plain(en.replace(/^PROOF/, 'RECEIPT')))
  print.line(plain(zh.replace(/^证明/, '回执')))
  print.line(`expected ${plain(failed.expected)}`)
}

/** The charter's own witnesses and quorum; of the log the Ed25519 key alone, for foreign tools know no other. */
async function policy(cli: Cli, options: Common & GivenCharter & { zone?: string }): Promise<number> {
  const { bytes, pinnedSha256 } = await givenCharter(options)
  const trust = trustFromFirstCharter(bytes, pinnedSha256)
  if ('kind' in trust) throw new CommandError(exits.usage, trust.code, `${options.charter}: ${trust.reason}`)
  const { view, charter } = trust.charters[0]
  const owner = options.zone ?? 'hub'
  const log = [...view.logs.values()].find((one) => one.owner === owner)
  if (log === undefined) throw new CommandError(exits.usage, 'ZONE', `--zone: the charter has no log of "${owner}"`)
  const keys = log.keys.filter(({ key }) => key.publicKey.suite === 'Ed25519').map(({ key }) => key)
  const text =
    options.zone === undefined
      ? keys.map((key) => `log ${formatVkey(key)}\n`).join('') + withoutLogs(charter.witnessPolicy)
      : formatPolicy(keys, [], 0)
  // Two logs would be one too many: what is printed must be a policy.
  const parsed = parsePolicy(text)
  if (parsed.kind === 'refused') throw new CommandError(exits.ourBug, 'POLICY', parsed.reason)
  if (options.json) cli.print.json({ policy: text })
  else cli.print.line(text.trimEnd())
  return exits.done
}

function withoutLogs(witnessPolicy: string): string {
  return witnessPolicy
    .split('\n')
    .filter((line) => !/^[ \t]*log[ \t]/.test(line))
    .join('\n')
}
