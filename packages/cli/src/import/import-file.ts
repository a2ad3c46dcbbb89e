import { resolve } from 'node:path'
import type { StageName } from '@hutong/sdk'
import { CommandError, exits } from '../exit.ts'
import { ImportFile } from './file.ts'
import { type JudgeSurroundings, judgeRows } from './judge-rows.ts'
import { type PublishSurroundings, publishRows } from './publish-rows.ts'
import { RefusedTable } from './refused-table.ts'
import { type FileReading, type ReadingOptions, readingOf, rowsOf } from './rows.ts'
import type { SettledRow } from './rows-in-order.ts'
import { type ImportState, readState, writeState } from './state.ts'
import { type Counts, type RefusedRow, Tally } from './tally.ts'

/** How often the state is written, in milliseconds, at most. */
const statePaceMs = 1_000
/** How often progress is told, in milliseconds, at most. */
const progressPaceMs = 200

/** `publish`: row by row. `dry_run`: only judge. `atomic`: judge all, then publish all or nothing. */
export type ImportMode = 'publish' | 'dry_run' | 'atomic'

/** What is done with a file. */
export interface ImportOptions extends ReadingOptions {
  readonly mode: ImportMode
  readonly waitFor: StageName
  /** Where it is kept how far the import has come; a run that finds it goes on from there. */
  readonly statePath?: string | undefined
  /** Where the table of refused rows goes. */
  readonly refusedPath?: string | undefined
  /** A table that is there may be replaced. Default: only by the import that wrote it. */
  readonly mayReplaceTable?: boolean
  /** Default true. */
  readonly isLinkAllowed?: boolean
}

/** What an import needs of the world. */
export interface ImportSurroundings extends PublishSurroundings, JudgeSurroundings {
  /** SHA-256 of charter 0, hex: which alliance it is. What is settled in one is not in another. */
  readonly pinnedSha256: string
  /** Told how the file is read, before the first row. */
  onReading(reading: FileReading): void
  /** Told of each refused row, in the order of the file. */
  onRefused(row: RefusedRow): void
  onProgress(progress: ImportProgress): void
}

export interface ImportProgress {
  /** `judging` also where it is the first of two passes. */
  readonly pass: 'judging' | 'publishing'
  readonly bytesRead: number
  readonly sizeBytes: number
  /** Rows settled in this run; of an earlier run: `resumedRows`. */
  readonly rows: number
  readonly refused: number
}

/** What became of a file. */
export interface ImportReport extends Omit<Counts, 'line' | 'zones'> {
  readonly mode: ImportMode
  /** Whether anything was sent at all: not by a dry run, and not by an atomic import with a refused row. */
  readonly sent: boolean
  readonly encoding: FileReading['encoding']['encoding']
  readonly encodingBy: FileReading['encoding']['by']
  readonly format: FileReading['format']['format']
  readonly formatBy: FileReading['format']['by']
  readonly sizeBytes: number
  /** SHA-256 of the file, hex; only where a state was kept or all was judged first. */
  readonly sha256: string | undefined
  /** Rows that an earlier run had settled. */
  readonly resumedRows: number
  /** Rows judged without their zone's verifier, which did not answer. */
  readonly unasked: number
  /** What only the publisher knows and no judging ahead of it can tell; empty where nothing was judged ahead. */
  readonly notJudged: readonly string[]
  /** By zone; stage: what all its events have reached that were sent in this run. */
  readonly zones: readonly (Counts['zones'][number] & { readonly stage: StageName | undefined })[]
  /** Where the table of refused rows is; undefined: no row was refused, or none was asked for. */
  readonly refusedTable: string | undefined
}

/**
 * Imports a file of licences. What was told as settled stays so: after an exception, a kill or an interruption the same call publishes
 * what was missing, with a state file from where it was, without one from the beginning, and nothing twice.
 *
 * An atomic import reads the file twice: first every row is judged and nothing is sent; if one row is refused, nothing ever is. In the
 * second pass every block of the file is compared with what was judged before a row of it is sent. What is decided is not undone: dying
 * in the middle leaves a part published, which the next run of the same import completes.
 *
 * @throws {CommandError} the file, its heading, its encoding, or the state is not as it must be; FILE_CHANGED; or a publisher took nothing
 *   for a minute.
 * @throws {CallError} a publisher or verifier did not answer in time.
 */
export async function importFile(
  path: string,
  options: ImportOptions,
  surroundings: ImportSurroundings,
): Promise<ImportReport> {
  await using file = await ImportFile.open(path, options.isLinkAllowed)
  const reading = await readingOf(file, options)
  surroundings.onReading(reading)
  const needsFingerprint = options.statePath !== undefined || options.mode === 'atomic'
  const fingerprint = needsFingerprint ? await file.fingerprint(surroundings.signal) : undefined
  const before = await stateBefore(options, reading, surroundings, fingerprint?.sha256)
  const settled = before?.counts.read ?? 0
  const mayReplace = options.mayReplaceTable === true || before !== undefined
  const zoneField = options.choice.kind === 'field' ? options.choice.name : undefined
  await using table =
    options.refusedPath === undefined
      ? undefined
      : await RefusedTable.open(options.refusedPath, { settled, mayReplace, zoneField })
  const run = new Run(file, options, surroundings, table, before?.counts)
  const state = (complete: boolean, decided: boolean): ImportState | undefined =>
    fingerprint && {
      sha256: fingerprint.sha256,
      reading: readingKey(options, reading, surroundings),
      decided,
      complete,
      counts: run.counts,
    }

  let unasked = 0
  const isDecided = before?.decided === true
  const judges = options.mode === 'dry_run' || (options.mode === 'atomic' && !isDecided && before?.complete !== true)
  if (judges) {
    const rows = rowsOf(file, reading, options.choice, run.watching('judging', fingerprint))
    unasked = await judgeRows(
      rows,
      (row) => run.take(row),
      () => run.afterRows(undefined),
      surroundings,
    )
    if (options.mode === 'atomic' && unasked > 0) throw undecided(unasked)
  }
  const sends = options.mode === 'publish' || (options.mode === 'atomic' && (!judges || run.counts.refusedCount === 0))
  let stages: Awaited<ReturnType<typeof publishRows>> = new Map()
  if (sends && before?.complete !== true) {
    if (judges) run.startAnew()
    const decided = options.mode === 'atomic'
    const write = () => state(false, decided)
    try {
      const rows = rowsOf(file, reading, options.choice, run.watching('publishing', fingerprint))
      const progress = { settled, take: (row: SettledRow) => run.take(row), afterRow: () => run.afterRows(write) }
      if (decided) await run.keep(write())
      stages = await publishRows(rows, options.waitFor, progress, surroundings)
    } catch (error) {
      await run.keep(write())
      if (options.statePath === undefined) await table?.finish()
      throw error
    }
  }
  if (before?.complete !== true && sends) await run.keep(state(true, options.mode === 'atomic'))
  const hasTable = (await table?.finish()) === true
  return reportOf({
    file,
    options,
    reading,
    run,
    stages,
    unasked,
    sends,
    settled,
    hasTable,
    sha256: fingerprint?.sha256,
  })
}

const leftToThePublisher: readonly string[] = [
  'what the publisher has sealed and no verifier holds yet',
  'whom this client may speak for',
  "identifiers that could live in another zone's log",
]

/** One run over one file: what is counted, told and kept. */
class Run {
  readonly #file: ImportFile
  readonly #options: ImportOptions
  readonly #surroundings: ImportSurroundings
  readonly #table: RefusedTable | undefined
  #tally: Tally
  #pass: ImportProgress['pass'] = 'publishing'
  #bytesRead = 0
  #rows = 0
  #toldAtMs = 0
  #keptAtMs: number

  constructor(
    file: ImportFile,
    options: ImportOptions,
    surroundings: ImportSurroundings,
    table: RefusedTable | undefined,
    before: Counts | undefined,
  ) {
    this.#file = file
    this.#options = options
    this.#surroundings = surroundings
    this.#table = table
    this.#tally = new Tally(before)
    this.#keptAtMs = surroundings.nowMs()
  }

  get counts(): Counts {
    return this.#tally.counts
  }

  watching(pass: ImportProgress['pass'], fingerprint: Awaited<ReturnType<ImportFile['fingerprint']>> | undefined) {
    this.#pass = pass
    const onRead = (bytes: number) => {
      this.#bytesRead = bytes
    }
    return { onRead, ...(fingerprint === undefined ? {} : { fingerprint }) }
  }

  /** The second pass counts what is published; the first found nothing to refuse. */
  startAnew(): void {
    this.#tally = new Tally()
    this.#rows = 0
  }

  take(settled: SettledRow): void {
    this.#rows += 1
    const refused = this.#tally.take(settled)
    if (refused === undefined) return
    this.#table?.add(refused, settled.row.source)
    this.#surroundings.onRefused(refused)
  }

  async afterRows(state: (() => ImportState | undefined) | undefined): Promise<void> {
    const nowMs = this.#surroundings.nowMs()
    if (nowMs - this.#toldAtMs >= progressPaceMs) {
      this.#toldAtMs = nowMs
      const { sizeBytes } = this.#file
      const [pass, bytesRead, rows] = [this.#pass, this.#bytesRead, this.#rows]
      this.#surroundings.onProgress({ pass, bytesRead, sizeBytes, rows, refused: this.#tally.refusedCount })
    }
    if (nowMs - this.#keptAtMs < statePaceMs) return
    this.#keptAtMs = nowMs
    await this.keep(state?.())
  }

  /** Refused rows are on the disk before a state that counts them. */
  async keep(state: ImportState | undefined): Promise<void> {
    await this.#table?.flush()
    const { statePath, mode } = this.#options
    if (state !== undefined && statePath !== undefined && mode !== 'dry_run') await writeState(statePath, state)
  }
}

async function stateBefore(
  { statePath, ...options }: ImportOptions,
  reading: FileReading,
  surroundings: ImportSurroundings,
  sha256: string | undefined,
): Promise<ImportState | undefined> {
  if (statePath === undefined || options.mode === 'dry_run') return undefined
  const state = await readState(statePath)
  if (state === undefined || (state.sha256 === sha256 && state.reading === readingKey(options, reading, surroundings)))
    return state
  const what = `${statePath}: the state of another file, or of this one read in another way, for another alliance, or with another table of refused rows; remove it to begin anew`
  throw new CommandError(exits.conflict, 'STATE_OF_ANOTHER_FILE', what)
}

/** The table belongs to it: in another one the rows refused so far would be missing. */
function readingKey(
  { choice, mode, refusedPath }: Pick<ImportOptions, 'choice' | 'mode' | 'refusedPath'>,
  { encoding, format }: FileReading,
  { pinnedSha256 }: ImportSurroundings,
): string {
  const table = refusedPath === undefined ? '' : resolve(refusedPath)
  return JSON.stringify([pinnedSha256, choice, mode, encoding.encoding, format.format, table])
}

function undecided(rows: number): CommandError {
  const what = `${rows} rows could not be judged, because a zone's verifier did not answer: nothing was sent`
  return new CommandError(exits.unavailable, 'VERIFIER_AWAY', what)
}

function reportOf(parts: {
  readonly file: ImportFile
  readonly options: ImportOptions
  readonly reading: FileReading
  readonly run: Run
  readonly stages: ReadonlyMap<string, StageName | undefined>
  readonly unasked: number
  readonly sends: boolean
  readonly settled: number
  readonly hasTable: boolean
  readonly sha256: string | undefined
}): ImportReport {
  const { line: _, zones, ...counts } = parts.run.counts
  const { encoding, format } = parts.reading
  return {
    ...counts,
    mode: parts.options.mode,
    sent: parts.sends,
    encoding: encoding.encoding,
    encodingBy: encoding.by,
    format: format.format,
    formatBy: format.by,
    sizeBytes: parts.file.sizeBytes,
    sha256: parts.sha256,
    resumedRows: parts.settled,
    unasked: parts.unasked,
    notJudged: parts.options.mode === 'publish' ? [] : leftToThePublisher,
    zones: zones.map((one) => ({ ...one, stage: parts.stages.get(one.zone) })),
    refusedTable: parts.hasTable ? parts.options.refusedPath : undefined,
  }
}
