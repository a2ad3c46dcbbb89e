import type { Command } from 'commander'
import { type Box, type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { plain } from './print.ts'

/** How long a part of the box may take to stop or start, in milliseconds; stopping drains for 8 s at most. */
const controlDeadlineMs = 30_000

/** The box's own endpoint, for its operator alone. */
export const controlPath = '/box/v1'

/** `hutong dev …`: the running box. */
export function devCommand(cli: Cli): Command {
  const command = noun('dev', 'stop and start parts of the running box')
  for (const action of ['stop', 'start'] as const) {
    const summary =
      action === 'stop' ? 'stop the hub or a zone; it drains first' : 'start it again; what was missed heals'
    withData(
      verb(command, `${action} <part> [zone]`, summary, [`dev ${action} hub`, `dev ${action} zone beijing`]),
    ).action(async (part: string, zone: string | undefined, options: Common & BoxOptions) => {
      cli.exitCode = await control(cli, action, part, zone, options)
    })
  }
  withData(
    verb(command, 'status', 'what runs, and how it stands; exit 1 if something does not', ['dev status']),
  ).action(async (options: Common & BoxOptions) => {
    cli.exitCode = await status(cli, options)
  })
  return command
}

async function control(
  cli: Cli,
  action: 'stop' | 'start',
  part: string,
  zone: string | undefined,
  options: Common & BoxOptions,
): Promise<number> {
  const box = await findBox(cli, options)
  const name = partName(box, part, zone)
  cli.print.progress(`${action} ${name} …`)
  const { status, body } = await box.request('POST', `${controlPath}/${action}`, {
    token: box.token('hub', 'operator'),
    body: { part: name },
    deadlineMs: controlDeadlineMs,
  })
  cli.print.progress('')
  if (status !== 200) throw new CommandError(exits.negative, 'BOX_CONTROL', `the box refused: ${JSON.stringify(body)}`)
  if (options.json) cli.print.json(body)
  else cli.print.line(`${name} ${action === 'stop' ? 'stopped' : 'started'}`)
  return exits.done
}

function partName(box: Box, part: string, zone: string | undefined): string {
  if (part === 'hub' && zone === undefined) return 'hub'
  if (part === 'zone' && zone !== undefined) return knownZone(box, zone, 'zone')
  throw new CommandError(exits.usage, 'USAGE', 'want "hub", or "zone" and its name')
}

/** What the box says of itself. */
export interface BoxStatus {
  readonly parts: readonly {
    /** `hub` or a zone. */
    readonly name: string
    readonly running: boolean
    /** Why it does not do its work, a reason code; empty for none. */
    readonly refuses: string
    /** Leaves: of H for the hub, of its own log for a zone. */
    readonly size: string
    /** Leaves of H that are witnessed (hub), or applied (zone). */
    readonly position: string
  }[]
}

async function status(cli: Cli, options: Common & BoxOptions): Promise<number> {
  const box = await findBox(cli, options)
  const answer = await box.request('GET', `${controlPath}/status`, { token: box.token('hub', 'operator') })
  if (answer.status !== 200) throw new CommandError(exits.unavailable, 'BOX_CONTROL', 'the box gave no status')
  const { parts } = answer.body as BoxStatus
  const stands = parts.every(({ running, refuses }) => running && refuses === '')
  if (options.json) cli.print.json({ stands, parts })
  else {
    cli.print.table(
      ['part', 'state', 'leaves', 'position'],
      parts.map(({ name, running, refuses, size, position }) => [
        plain(name),
        plain(running ? refuses || 'running' : 'stopped'),
        plain(size),
        plain(position),
      ]),
    )
  }
  return stands ? exits.done : exits.negative
}
