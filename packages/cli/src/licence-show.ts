import type { Event } from '@hutong/licence'
import type { VerifierClient } from '@hutong/sdk'
import { eventFromWire, eventToJson } from '@hutong/wire'
import type { Command } from 'commander'
import { type AsOfOption, asOfFrom, withAsOf } from './as-of.ts'
import { type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { type Cli, type Common, verb } from './command.ts'
import { exits } from './exit.ts'
import { type MohurdCode, mohurdOperationIn, mohurdStateIn, type ToldEvent, versionsOf } from './licence-versions.ts'
import { moment, plain } from './print.ts'
import { issuerOf } from './publish.ts'

const example = '1.2.156.3005.2.11100000000013338W011.11110115010000001Q.202600000001.001.J'

interface ShowOptions extends Common, BoxOptions, AsOfOption {
  readonly atZone?: string
}

/** `hutong licence show`: every event about a licence, the versions they made, and how it stands. */
export function addShow(cli: Cli, command: Command): void {
  withAsOf(
    withData(
      verb(command, 'show <id>', 'what happened to a licence, as a zone holds it; exit 5 if it holds nothing', [
        `licence show ${example}`,
        `licence show ${example} --at-zone tianjin --json`,
        `licence show ${example} --as-of 120`,
      ]),
    ),
  )
    .option('--at-zone <zone>', 'whose copy is asked (default: the issuing zone)')
    .action(async (id: string, options: ShowOptions) => {
      cli.exitCode = await show(cli, id, options)
    })
}

type HistoryEvent = Awaited<ReturnType<VerifierClient['history']>>['events'][number]

async function show(cli: Cli, identifier: string, options: ShowOptions): Promise<number> {
  const asOf = asOfFrom(options)
  const box = await findBox(cli, options)
  const zone = options.atZone ?? issuerOf(await box.charter(), identifier).zone
  using verifier = box.verifier(knownZone(box, zone, '--at-zone'), 'auditor')
  const {
    events,
    position,
    state,
    atMs = BigInt(cli.nowMs()),
  } = await verifier.history(identifier, { signal: cli.signal, asOf })
  const told = events.map(toldOf)
  const mohurd = mohurdStateIn(told, Number(atMs))
  if (options.json) {
    const rows = events.map((one, at) => ({
      ...one,
      event: eventJson(one),
      mohurdOperation: mohurdOperationIn(told[at]!),
    }))
    cli.print.json({
      identifier,
      zone,
      position,
      at: new Date(Number(atMs)).toISOString(),
      state,
      mohurdState: mohurd,
      versions: versionsOf(told),
      events: rows,
    })
  } else {
    printEvents(cli, events, told)
    printVersions(cli, told)
    const code = mohurd === undefined ? '' : ` (${inWords(mohurd)})`
    const at = asOf === undefined ? '' : `, as of ${moment(Number(atMs))}`
    cli.print.line(`state ${plain(state)}${code}, as ${zone} holds it at position ${position}${at}`)
  }
  return events.length === 0 ? exits.notFound : exits.done
}

function printEvents({ print }: Cli, events: readonly HistoryEvent[], told: readonly ToldEvent[]): void {
  print.table(
    ['event', 'position', 'kind', 'operation', 'logged', 'verdict', 'signer'],
    events.map(({ eventId, position, kind, loggedAtMs, verdict, signer }, at) => {
      const operation = mohurdOperationIn(told[at]!)
      return [
        plain(eventId),
        String(position),
        plain(kind),
        operation === undefined ? '' : inWords(operation),
        moment(Number(loggedAtMs)),
        plain(verdict),
        plain(signer),
      ]
    }),
  )
}

function printVersions({ print }: Cli, told: readonly ToldEvent[]): void {
  const versions = versionsOf(told)
  if (versions.length < 2) return
  print.table(
    ['version', 'made by', 'superseded by'],
    versions.map(({ identifier, madeBy, supersededBy = '' }) => [
      plain(identifier),
      plain(madeBy),
      plain(supersededBy),
    ]),
  )
}

function inWords({ code, zh, en }: MohurdCode): string {
  return `${code} ${zh} ${en}`
}

function toldOf({ eventId, verdict, event: message }: HistoryEvent): ToldEvent {
  const reading = message === undefined ? undefined : eventFromWire(message)
  const event = reading?.kind === 'event' ? reading.event : undefined
  return { eventId, verdict, event: licenceEvent(event), neutral: event?.kind === 'restated' }
}

function licenceEvent(event: Event | undefined): ToldEvent['event'] {
  switch (event?.kind) {
    case 'licence_issued':
    case 'licence_amended':
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
    case 'licence_renewed':
    case 'licence_corrected':
      return event
    case 'recognition_declared':
    case 'recognition_withdrawn':
    case 'restated':
    case 'observed':
    case undefined:
      return undefined
  }
}

function eventJson({ event: message }: HistoryEvent): unknown {
  if (message === undefined) return undefined
  const reading = eventFromWire(message)
  return reading.kind === 'event' ? eventToJson(reading.event) : { unreadable: reading.why }
}
