import { randomUUID } from 'node:crypto'
import type { Charter, Event } from '@hutong/licence'
import { readIdentifier } from '@hutong/licence'
import type { Outcome, StageName } from '@hutong/sdk'
import type { Command } from 'commander'
import { type Box, type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { type Cli, type Common, wordOf } from './command.ts'
import { CommandError, exitOfRefusal, exits } from './exit.ts'
import { plain } from './print.ts'

/** How long publishing waits for the stage, in milliseconds. */
const publishDeadlineMs = 10_000

export const stageNames = ['sealed', 'sequenced', 'witnessed'] as const

export interface PublishOptions extends Common, BoxOptions {
  readonly zone?: string
  readonly wait: string
}

/** Adds the options of a command that publishes. */
export function withPublishing(command: Command): Command {
  return withData(command)
    .option('--zone <zone>', 'the zone that publishes (default: the zone of the issuing authority)')
    .option('--wait <stage>', `answer at this stage: ${stageNames.join(', ')}`, 'witnessed')
}

/**
 * Publishes one event and tells what became of it. Exit 0 when it is in and at least sequenced (or as far as was asked), 6 when it is
 * only sealed: it is safe in the zone's log and the hub has not taken it yet.
 */
export async function publishOne(
  cli: Cli,
  options: PublishOptions,
  eventFor: (box: Box) => Promise<{ readonly zone: string; readonly event: Event; readonly requestId?: string }>,
): Promise<number> {
  const waitFor = wordOf('--wait', stageNames, options.wait)
  const box = await findBox(cli, options)
  const { zone, event, requestId = randomUUID() } = await eventFor(box)
  using publisher = box.publisher(knownZone(box, zone))
  cli.print.progress(`publishing in ${zone} …`)
  const call = { waitFor, deadlineMs: publishDeadlineMs, signal: cli.signal }
  const [outcome] = await publisher.publish([{ requestId, event }], call)
  cli.print.progress('')
  return tellOutcome(cli, options, zone, waitFor, outcome!)
}

/** The zone whose authority a licence identifier names. @throws {CommandError} malformed (exit 2), or of no zone here. */
export function issuerOf(charter: Charter, identifier: string): { readonly zone: string; readonly authority: string } {
  const reading = readIdentifier(identifier)
  if (reading.kind === 'malformed') {
    const { code, en, expected } = reading.refusal
    throw new CommandError(exits.usage, code, expected === '' ? en : `${en}; want ${expected}`)
  }
  const issuer = reading.issuer
  const zone = charter.zones.find(({ region, authorities }) =>
    issuer?.kind === 'region' ? region === issuer.code : authorities.some(({ code }) => code === issuer?.code),
  )
  if (zone === undefined) {
    throw new CommandError(exits.notFound, 'ZONE_NOT_MEMBER', 'no authority of this alliance issued such a licence')
  }
  return { zone: zone.id, authority: issuer?.kind === 'credit_code' ? issuer.code : zone.authorities[0]!.code }
}

function tellOutcome(cli: Cli, options: Common, zone: string, waitFor: StageName, outcome: Outcome): number {
  if (options.json) cli.print.json({ zone, ...outcome })
  if (outcome.kind === 'refused') {
    const { code, zh, en, field, expected } = outcome.refusal
    if (!options.json) {
      cli.print.line(cli.print.colour('red', `拒绝 refused  ${code}`))
      cli.print.line(`${plain(zh)}  ${plain(en)}`)
      if (field !== '') cli.print.line(plain(`${field}${expected === '' ? '' : `: ${expected}`}`))
    }
    return exitOfRefusal(code)
  }
  if (!options.json) {
    const { origin, index, stage, position, duplicate } = outcome
    cli.print.line(`${stageWords[stage]}  ${stage.toUpperCase()}${duplicate ? '  (已登记 was there already)' : ''}`)
    cli.print.line(`event     ${plain(origin)}/${index}`)
    if (position !== undefined) cli.print.line(`position  ${position}`)
    if (stage === 'sealed' && waitFor !== 'sealed') {
      cli.print.line('it is safe in the zone’s log; the hub has not taken it yet, and will get it by itself')
    }
  }
  return outcome.stage === 'sealed' && waitFor !== 'sealed' ? exits.unavailable : exits.done
}

const stageWords: Readonly<Record<StageName, string>> = {
  sealed: '已封存',
  sequenced: '已定序',
  witnessed: '已见证',
}
