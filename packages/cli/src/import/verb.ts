import type { StageName } from '@hutong/sdk'
import type { Command } from 'commander'
import { type Box, type BoxOptions, findBox, knownZone, withData } from '../box.ts'
import { type Cli, type Common, verb, wordOf } from '../command.ts'
import { CommandError, exits } from '../exit.ts'
import { stageNames } from '../publish.ts'
import { BoxSurroundings } from './box-surroundings.ts'
import { type Encoding, encodings } from './encoding.ts'
import { type Format, formats } from './format.ts'
import { type ImportMode, type ImportReport, importFile } from './import-file.ts'
import { Telling } from './report.ts'
import type { ZoneChoice } from './row.ts'
import type { ReadingOptions } from './rows.ts'

/** Options by which rows find their zone, and how a file is read: of the import and of the folder watcher. */
export interface ReadingFlags {
  readonly zone?: string
  readonly zoneField?: string
  readonly encoding: string
  readonly format: string
}

interface ImportFlags extends Common, BoxOptions, ReadingFlags {
  readonly wait: string
  readonly dryRun?: true
  readonly atomic?: true
  readonly state?: string
  readonly refused?: string
}

/** Adds `licence import`. */
export function addImport(cli: Cli, command: Command): void {
  withReading(
    withData(
      verb(
        command,
        'import <file>',
        'publish every licence of a CSV, NDJSON or JSON file; exit 1 if a row was refused',
        [
          'licence import licences.csv --zone-field KZ_ZONE',
          'licence import licences.csv --zone beijing --dry-run',
          'licence import licences.json --zone beijing --atomic --refused refused.csv',
          'licence import licences.ndjson --zone beijing --state import.state --refused refused.csv',
        ],
      ),
    ),
  )
    .option('--dry-run', 'judge every row and write nothing')
    .option('--atomic', 'judge every row first, and publish all or none')
    .option('--state <file>', 'keep here how far it has come, and go on from there')
    .option('--refused <file>', 'write the refused rows here, as a table to be mended and imported again')
    .option('--wait <stage>', `wait at the end for this stage: ${stageNames.join(', ')}`, 'witnessed')
    .action(async (file: string, flags: ImportFlags) => {
      cli.exitCode = await importOne(cli, file, flags)
    })
}

/** Adds the options of `ReadingFlags`. */
export function withReading(command: Command): Command {
  return command
    .option('--zone <zone>', 'the zone of all rows')
    .option('--zone-field <name>', 'the field that names the zone of a row')
    .option('--encoding <encoding>', `one of auto, ${encodings.join(', ')}`, 'auto')
    .option('--format <format>', `one of auto, ${formats.join(', ')}`, 'auto')
}

/** How a file is to be read, of the flags. @throws {CommandError} exit 2. */
export function readingFrom(flags: ReadingFlags, box: Box): ReadingOptions {
  const encoding = wordOf<Encoding | 'auto'>('--encoding', ['auto', ...encodings], flags.encoding)
  const format = wordOf<Format | 'auto'>('--format', ['auto', ...formats], flags.format)
  const choice = zoneChoiceOf(flags)
  if (choice.kind === 'zone') knownZone(box, choice.zone)
  return { choice, ...(encoding === 'auto' ? {} : { encoding }), ...(format === 'auto' ? {} : { format }) }
}

async function importOne(cli: Cli, file: string, flags: ImportFlags): Promise<number> {
  const waitFor = wordOf('--wait', stageNames, flags.wait)
  const mode = modeOf(flags)
  zoneChoiceOf(flags)
  const box = await findBox(cli, flags)
  const reading = readingFrom(flags, box)
  using into = new BoxSurroundings(box)
  const telling = new Telling(cli, flags.json === true)
  const options = { ...reading, mode, waitFor, statePath: flags.state, refusedPath: flags.refused }
  const report = await importFile(file, options, await into.surroundings(cli, telling))
  telling.report(report)
  return exitOfImport(report, waitFor)
}

/** 1 if a row was refused, 6 if a row could not be judged for lack of an answer, or events are in and have not reached the stage. */
function exitOfImport(report: ImportReport, waitFor: StageName): number {
  if (report.refusedCount > 0) return exits.negative
  if (report.unasked > 0) return exits.unavailable
  return waitFor !== 'sealed' && report.zones.some(({ stage }) => stage === 'sealed') ? exits.unavailable : exits.done
}

function modeOf({ dryRun, atomic, state }: ImportFlags): ImportMode {
  if (dryRun && (atomic || state !== undefined)) {
    throw new CommandError(exits.usage, 'USAGE', '--dry-run writes nothing: leave --atomic and --state out')
  }
  if (dryRun) return 'dry_run'
  return atomic ? 'atomic' : 'publish'
}

/** For whom the rows are. @throws {CommandError} exit 2: neither or both. */
export function zoneChoiceOf({ zone, zoneField }: ReadingFlags): ZoneChoice {
  if (zone !== undefined && zoneField === undefined) return { kind: 'zone', zone }
  if (zone === undefined && zoneField !== undefined) return { kind: 'field', name: zoneField }
  throw new CommandError(exits.usage, 'USAGE', 'want either --zone or --zone-field')
}
