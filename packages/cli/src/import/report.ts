import type { Cli } from '../command.ts'
import { plain, span } from '../print.ts'
import type { ImportProgress, ImportReport, ImportSurroundings } from './import-file.ts'
import type { RefusedRow } from './tally.ts'

/** Refused rows told one by one at the terminal; all are counted, and stand in the table of `--refused`. */
const refusedToldMax = 100

/** Tells a person at the terminal how an import goes; under `--json` only the report is told. */
export class Telling implements Pick<ImportSurroundings, 'onReading' | 'onRefused' | 'onProgress'> {
  readonly #cli: Cli
  readonly #isJson: boolean
  readonly #startedAtMs: number
  #told = 0

  constructor(cli: Cli, isJson: boolean) {
    this.#cli = cli
    this.#isJson = isJson
    this.#startedAtMs = cli.nowMs()
  }

  onReading: ImportSurroundings['onReading'] = ({ encoding, format }) => {
    if (this.#isJson) return
    const read = `${format.format} (by ${format.by}), ${encoding.encoding} (by ${encoding.by})`
    this.#cli.print.line(`read as ${read}`)
  }

  onRefused = ({ item, line, refusal: { code, zh, en, field, expected } }: RefusedRow): void => {
    this.#told += 1
    if (this.#isJson || this.#told > refusedToldMax + 1) return
    this.#cli.print.progress('')
    if (this.#told > refusedToldMax) {
      this.#cli.print.line('… further refused rows are counted, and written with --refused')
      return
    }
    const about = field === '' ? '' : `  (${field}${expected === '' ? '' : `: want ${expected}`})`
    this.#cli.print.line(`line ${line}, row ${item}  ${code}  ${plain(zh)}  ${plain(en)}${plain(about)}`)
  }

  onProgress = (progress: ImportProgress): void => {
    this.#cli.print.progress(progressText(progress, this.#cli.nowMs() - this.#startedAtMs))
  }

  report(report: ImportReport): void {
    this.#cli.print.progress('')
    if (this.#isJson) this.#cli.print.json(report)
    else printReport(this.#cli, report)
  }
}

/** How far it is, how fast, and how long it will still take at that pace. */
export function progressText({ pass, bytesRead, sizeBytes, rows, refused }: ImportProgress, tookMs: number): string {
  const share = sizeBytes === 0 ? 1 : bytesRead / sizeBytes
  const rate = tookMs < 1 ? 0 : Math.round((rows * 1_000) / tookMs)
  const left = share > 0 && share < 1 ? `, about ${span((tookMs * (1 - share)) / share)} left` : ''
  return `${pass}: ${Math.floor(share * 100)} % of the file, ${rows} rows, ${refused} refused, ${rate} rows/s${left}`
}

function printReport({ print }: Cli, report: ImportReport): void {
  const { mode, sent, read, published, duplicates, refusedCount, resumedRows, refusedTable, notJudged } = report
  const isTold = sent || mode === 'dry_run'
  print.table(
    ['zone', sent ? 'published' : 'good', 'duplicates', 'refused', 'stage'],
    report.zones.map(({ zone, ...one }) => [
      plain(zone),
      String(one.published),
      String(one.duplicates),
      String(one.refused),
      one.stage?.toUpperCase() ?? '',
    ]),
  )
  const good = sent ? `${published} published` : `${published} could be published`
  print.line(`${read} rows: ${good}, ${duplicates} duplicates, ${refusedCount} refused`)
  if (resumedRows > 0) print.line(`${resumedRows} of them were settled in an earlier run`)
  if (mode === 'dry_run') print.line(`试运行 dry run: nothing was written. Not judged: ${notJudged.join('; ')}`)
  if (mode === 'atomic' && sent && refusedCount > 0) {
    print.line('every row was judged good, and the publisher refused some all the same; the others are published')
  }
  if (!isTold) print.line('全部未发布 nothing was published: --atomic, and rows were refused')
  if (report.unasked > 0)
    print.line(`${report.unasked} rows were judged without their zone's verifier, which did not answer`)
  if (report.restUnread) print.line('the rest of the file could not be told apart into rows and was not read')
  printNotRunning({ print }, report)
  if (refusedTable !== undefined) print.line(`refused rows: ${refusedTable}, to be mended and imported again`)
}

function printNotRunning({ print }: Pick<Cli, 'print'>, { notRunning }: ImportReport): void {
  if (notRunning.length === 0) return
  const rows = notRunning.reduce((sum, one) => sum + one.rows, 0)
  const zones = notRunning
    .slice(0, 20)
    .map(({ zone, rows: count }) => `${plain(zone).slice(0, 40) || '(none)'} ${count}`)
  const more = notRunning.length > zones.length ? ', …' : ''
  print.line(`${rows} rows are for zones that do not run here (ZONE_NOT_RUNNING): ${zones.join(', ')}${more}`)
}
