import type { Command } from 'commander'
import { requireAsOf } from './as-of.ts'
import type { CompareOptions } from './audit-compare.ts'
import type { FollowOptions } from './audit-follow.ts'
import type { ReplayOptions } from './audit-replay.ts'
import type { AuditVerdictOptions } from './audit-verdict.ts'
import { withData } from './box.ts'
import { type Cli, noun, verb } from './command.ts'

/** `hutong audit …`: looking from outside. */
export function auditCommand(cli: Cli): Command {
  const command = noun('audit', 'replay everything and compare')
  replayVerb(cli, command)
  compareVerb(cli, command)
  followVerb(cli, command)
  verdictVerb(cli, command)
  return command
}

function replayVerb(cli: Cli, parent: Command): void {
  const shown = verb(
    parent,
    'replay',
    'rebuild everything from the hub or an export; hold roots against heads, state against every verifier',
    [
      'audit replay',
      'audit replay --from /srv/export --charter charter-0.bin',
      'audit replay --state replay.sqlite --html report.html --evidence evidence',
    ],
  )
  withAuditOptions(shown)
    .option(
      '--from <hub|directory>',
      'the hub of the running box, or an exported directory: then no box is needed',
      'hub',
    )
    .option('--verifiers', "with a directory: compare with the running box's verifiers too")
    .option('--state <file>', 'go on from what was saved here, and save: the file holds payloads, keep it as such')
    .option('--html <file>', 'write the report as one page that needs nothing else')
    .addHelpText('after', exitText)
    .action(async (options: ReplayOptions) => {
      cli.exitCode = await (await import('./audit-replay.ts')).replayCommand(cli, options)
    })
}

function compareVerb(cli: Cli, parent: Command): void {
  const shown = verb(
    parent,
    'compare <sides...>',
    'hold hub, verifiers and exports against each other, down to the first row or leaf that differs',
    [
      'audit compare hub verifier:tianjin',
      'audit compare verifier:beijing verifier:tianjin',
      'audit compare export:/srv/export hub verifier:tianjin --evidence evidence',
    ],
  )
  withAuditOptions(shown)
    .addHelpText('after', `\nA side is hub, verifier:<zone> or export:<directory>.${exitText}`)
    .action(async (sides: readonly string[], options: CompareOptions) => {
      cli.exitCode = await (await import('./audit-compare.ts')).compareCommand(cli, sides, options)
    })
}

function followVerb(cli: Cli, parent: Command): void {
  const shown = verb(
    parent,
    'follow',
    'replay as the hub goes on, compare every so often, end at the first difference',
    ['audit follow', 'audit follow --every 10 --metrics-port 9464 --evidence evidence'],
  )
  withAuditOptions(shown)
    .option('--every <seconds>', 'how often the verifiers are compared', '60')
    .option('--metrics-port <port>', 'Prometheus metrics on this port of 127.0.0.1; 0 takes a free one')
    .addHelpText('after', '\nExit codes: 1 something differs, 130 ended by Ctrl-C')
    .action(async (options: FollowOptions) => {
      cli.exitCode = await (await import('./audit-follow.ts')).followCommand(cli, options)
    })
}

function verdictVerb(cli: Cli, parent: Command): void {
  const id = '1.2.156.3005.2.11100000000013338W011.11110115010000001Q.202600000001.001.J'
  const shown = verb(
    parent,
    'verdict <id>',
    "rebuild a verdict as of a position or time from the records alone: no zone's verifier is asked",
    [
      `audit verdict ${id} --at-zone tianjin --matter KSTB-001 --as-of 120`,
      `audit verdict ${id} --at-zone tianjin --matter KSTB-001 --as-of 2026-03-01 --from /srv/export --charter charter-0.bin`,
    ],
  )
  requireAsOf(withData(shown))
    .requiredOption('--at-zone <zone>', 'the receiving zone')
    .requiredOption('--matter <code>', 'for which matter')
    .option('--holder <number>', "the presenter's number, compared with the holder's")
    .option('--from <hub|directory>', 'the hub of the running box, or an exported directory', 'hub')
    .option('--charter <file>', 'the bytes of charter 0 (default: that of the data directory)')
    .option('--charter-sha256 <hex>', 'the SHA-256 by which you pin it: another charter is refused')
    .addHelpText('after', '\nExit codes as of licence verify; 1 also where the records contradict themselves')
    .action(async (identifier: string, options: AuditVerdictOptions) => {
      cli.exitCode = await (await import('./audit-verdict.ts')).auditVerdictCommand(cli, identifier, options)
    })
}

function withAuditOptions(command: Command): Command {
  return withData(command)
    .option('--charter <file>', 'the bytes of charter 0 (default: that of the data directory)')
    .option('--charter-sha256 <hex>', 'the SHA-256 by which you pin it: another charter is refused')
    .option('--evidence <directory>', 'write what third parties can check into this directory')
}

const exitText = '\nExit codes: 0 everything agrees, 1 something differs, 6 something could not be compared'
