import { Readable } from 'node:stream'
import { isRefusal, type Refusal, refusal } from '@hutong/licence'
import { type CsvError, parse } from 'csv-parse'
import { CommandError, exits } from '../exit.ts'
import { type Layout, layoutOf, licenceFrom, unmendedFault, zoneFrom } from './fields.ts'
import { type ImportRow, rowSizeMax, sourceTextMax, type ZoneChoice } from './row.ts'

/** What follows one of these cannot be told apart into rows any more. */
const fatalFaults: ReadonlySet<string> = new Set(['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE'])

/**
 * The rows of a table in CSV (RFC 4180, LF or CRLF) whose first row names the fields. A row that is no CSV is told in its turn, and the
 * rows behind it are read; behind a quotation mark that nobody closed nothing is.
 *
 * @throws {CommandError} the heading is not one of licences.
 */
export async function* csvRows(text: AsyncIterable<string>, choice: ZoneChoice): AsyncGenerator<ImportRow> {
  const parser = parse({
    info: true,
    raw: true,
    record_delimiter: ['\r\n', '\n'],
    skip_empty_lines: true,
    relax_column_count: true,
    skip_records_with_error: true,
    max_record_size: rowSizeMax,
  })
  const source = Readable.from(text)
  const skipped: ImportRow[] = []
  let fatal: CsvError | undefined
  parser.on('skip', (error: CsvError, raw: string | undefined) => {
    if (!fatalFaults.has(error.code)) skipped.push(notCsv(error, raw))
    else if (fatal === undefined) {
      fatal = error
      source.unpipe(parser)
      parser.end()
    }
  })
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let layout: Layout | undefined
  let endLine = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (fatal !== undefined && info.lines >= linesOf(fatal)) break
      yield* skipped.splice(0, skipped.findIndex(({ line }) => line > info.lines) >>> 0)
      endLine = info.lines
      if (layout === undefined) layout = readHeading(record, choice)
      else yield rowFrom(layout, record, endLine - newlinesIn(record))
    }
  } finally {
    source.destroy()
  }
  if (layout === undefined) throw headingFault('the file has no heading')
  yield* skipped
  if (fatal !== undefined) yield { ...notCsv(fatal, undefined), line: endLine + 1, restUnread: true }
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

function readHeading(names: readonly string[], choice: ZoneChoice): Layout {
  const layout = layoutOf(names, choice)
  if (!isRefusal(layout)) return layout
  throw headingFault(`${layout.code} ${layout.field}: want ${layout.expected || 'it'}`)
}

function rowFrom(layout: Layout, values: readonly string[], line: number): ImportRow {
  const source = { kind: 'fields', names: layout.names, values } as const
  const refused =
    values.length === layout.columns
      ? unmendedFault(layout, values)
      : refusal('ITEM_COUNT', { field: 'row', expected: `${layout.columns} columns` })
  if (refused === undefined) {
    return { kind: 'licence', line, zone: zoneFrom(layout, values), licence: licenceFrom(layout, values), source }
  }
  return { kind: 'refused', line, refusal: refused, restUnread: false, source }
}

function notCsv(error: CsvError, raw: string | undefined): ImportRow & { kind: 'refused' } {
  const text = (raw ?? '').slice(0, sourceTextMax)
  const source = { kind: 'text', text } as const
  return { kind: 'refused', line: linesOf(error), refusal: csvRefusal(error), restUnread: false, source }
}

function csvRefusal(error: CsvError): Refusal {
  // What the library says may name the content of the row behind the colon.
  const isOpen = error.code === 'CSV_QUOTE_NOT_CLOSED'
  const expected = isOpen ? 'the quotation mark that closes a field' : error.message.split(':')[0]!
  return refusal('NOT_CSV', { field: 'row', expected })
}

function linesOf(error: CsvError): number {
  return 'lines' in error && typeof error.lines === 'number' ? error.lines : 0
}

function newlinesIn(record: readonly string[]): number {
  return record.reduce((count, field) => count + field.split('\n').length - 1, 0)
}

function headingFault(what: string): CommandError {
  return new CommandError(exits.usage, 'HEADING', `the heading of the file: ${what}`)
}
