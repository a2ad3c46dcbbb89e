import type { Command } from 'commander'
import { type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { exitOfRefusal, exits } from './exit.ts'
import { plain } from './print.ts'
import { addWatch } from './publisher-watch.ts'

const adoptDeadlineMs = 300_000

/** `hutong publisher …`: the publisher of a zone. */
export function publisherCommand(cli: Cli): Command {
  const command = noun('publisher', "a zone's publisher")
  withData(verb(command, 'status', 'how it stands; exit 1 if it seals nothing', ['publisher status --zone beijing']))
    .requiredOption('--zone <zone>', 'whose publisher')
    .action(async (options: Common & BoxOptions & { zone: string }) => {
      cli.exitCode = await status(cli, options)
    })
  withData(
    verb(command, 'adopt', 'after a restore: take over from the hub what this zone had signed and has lost', [
      'publisher adopt --zone beijing --dry-run',
      'publisher adopt --zone beijing',
    ]),
  )
    .requiredOption('--zone <zone>', 'whose publisher')
    .option('--dry-run', 'only say what would be taken')
    .action(async (options: Common & BoxOptions & { zone: string; dryRun?: true }) => {
      cli.exitCode = await adopt(cli, options)
    })
  addWatch(cli, command)
  return command
}

async function status(cli: Cli, options: Common & BoxOptions & { zone: string }): Promise<number> {
  const box = await findBox(cli, options)
  using publisher = box.publisher(knownZone(box, options.zone), 'operator')
  const one = await publisher.status({ signal: cli.signal })
  if (options.json) cli.print.json(one)
  else {
    cli.print.line(`${plain(one.origin)}  ${one.size} leaves, ${one.outbox} batches wait for the hub`)
    if (!one.hubAnswered) cli.print.line('the hub has not answered yet: nothing is sealed')
    if (one.refuses !== '') cli.print.line(`${plain(one.refuses)}  ${plain(one.refusesZh)}  ${plain(one.refusesEn)}`)
  }
  return one.refuses === '' && one.hubAnswered ? exits.done : exits.negative
}

async function adopt(cli: Cli, options: Common & BoxOptions & { zone: string; dryRun?: true }): Promise<number> {
  const box = await findBox(cli, options)
  using publisher = box.publisher(knownZone(box, options.zone), 'operator')
  const call = { signal: cli.signal, deadlineMs: adoptDeadlineMs }
  const { oldSize, newSize, refusal } = await publisher.adopt(options.dryRun === true, call)
  if (options.json) cli.print.json({ oldSize, newSize, refusal })
  else if (refusal !== undefined) cli.print.line(`${refusal.code}  ${plain(refusal.zh)}  ${plain(refusal.en)}`)
  else cli.print.line(`${options.dryRun ? 'would take' : 'took'} leaves ${oldSize} to ${newSize}`)
  return refusal === undefined ? exits.done : exitOfRefusal(refusal.code)
}
