import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { type LicenceIssued, type Refusal, refusal } from '@hutong/licence'
import { type CsvError, parse } from 'csv-parse'
import { CommandError, exits } from '../exit.ts'
import { isCode } from '../files.ts'

/** A longer row is no row of licences: it is a quotation mark that nobody closed. In characters. */
const rowSizeMax = 131_072
/** What follows one of these cannot be told apart into rows any more. */
const fatalFaults: ReadonlySet<string> = new Set(['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE'])

/** The encodings that licence files come in. */
export const encodings = ['utf-8', 'gb18030'] as const
export type Encoding = (typeof encodings)[number]

/** A line of a file: a licence, or why there is none in it. `line` is that of its first character, from 1. */
export type ImportRow =
  | { readonly kind: 'licence'; readonly line: number; readonly zone: string; readonly licence: LicenceIssued }
  | { readonly kind: 'refused'; readonly line: number; readonly refusal: Refusal; readonly restUnread: boolean }

/** Which zone a row is for: the same for all, or as a column says. */
export type ZoneChoice =
  | { readonly kind: 'zone'; readonly zone: string }
  | { readonly kind: 'field'; readonly name: string }

/**
 * The rows of a file of licences in CSV, one at a time. Headers are those of GB/T 36903 in pinyin or in English; other columns than
 * those and the extension fields (`KZ_…`, `extend_info`) are refused, for a misspelt end of period must not become a licence without end.
 *
 * @throws {CommandError} the file cannot be read, is not of the encoding, or its heading is not one of licences.
 */
export async function* licenceRows(path: string, encoding: Encoding, choice: ZoneChoice): AsyncGenerator<ImportRow> {
  yield* licenceRowsOf(decoded(path, encoding), choice)
}

/** The same of text that is there already. A line that is no CSV may be told before licences that stand above it. */
export async function* licenceRowsOf(text: AsyncIterable<string>, choice: ZoneChoice): AsyncGenerator<ImportRow> {
  const parser = parse({
    info: true,
    record_delimiter: ['\r\n', '\n'],
    skip_empty_lines: true,
    relax_column_count: true,
    skip_records_with_error: true,
    max_record_size: rowSizeMax,
  })
  const source = Readable.from(text)
  const skipped: ImportRow[] = []
  let fatal: CsvError | undefined
  parser.on('skip', (error: CsvError) => {
    if (!fatalFaults.has(error.code)) skipped.push(notCsv(error))
    else if (fatal === undefined) {
      fatal = error
      source.unpipe(parser)
      parser.end()
    }
  })
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let heading: Heading | undefined
  let endLine = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (fatal !== undefined && info.lines >= linesOf(fatal)) break
      endLine = info.lines
      if (heading === undefined) heading = readHeading(record, choice)
      else yield rowFrom(heading, record, endLine - newlinesIn(record))
      yield* skipped.splice(0)
    }
  } finally {
    source.destroy()
  }
  if (heading === undefined) throw new CommandError(exits.usage, 'HEADING', 'the file has no heading')
  yield* skipped
  if (fatal !== undefined) yield { ...notCsv(fatal), line: endLine + 1, restUnread: true }
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Where in a row each thing stands. */
interface Heading {
  readonly columns: number
  readonly fields: Readonly<Record<FieldName, number>>
  readonly extensions: readonly { readonly name: string; readonly column: number }[]
  readonly zone: { readonly zone: string } | { readonly column: number }
}

type FieldName = keyof typeof fieldNames

const fieldNames = {
  name: ['ZZMC', 'certificate_name'],
  licenceType: ['ZZLXDM', 'certificate_type_name_code'],
  number: ['ZZBH', 'certificate_number'],
  identifier: ['ZZBS', 'certificate_identifier'],
  authorityName: ['ZZBFJG', 'issuing_authority_name'],
  authority: ['ZZBFJGDM', 'issuing_authority_code'],
  issuedOn: ['ZZBFRQ', 'issuing_authority_date'],
  holderName: ['CZZT', 'holder_name'],
  holderCode: ['CZZTDM', 'holder_code'],
  holderCodeType: ['CZZTDMLXDM', 'holder_type'],
  validFrom: ['ZZYXQQSRQ', 'validate_start'],
  validUntil: ['ZZYXQJZRQ', 'validate_end'],
} as const

function readHeading(names: readonly string[], choice: ZoneChoice): Heading {
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw headingFault(`the column ${twice} stands twice`)
  const known = new Set<string>(Object.values(fieldNames).flat())
  const extensions = names.flatMap((name, column) => (known.has(name) ? [] : [{ name, column }]))
  const zoneColumn = choice.kind === 'field' ? names.indexOf(choice.name) : -1
  if (choice.kind === 'field' && zoneColumn < 0) throw headingFault(`no column ${choice.name}`)
  const stranger = extensions.find(({ name, column }) => !isExtension(name) && column !== zoneColumn)
  if (stranger !== undefined) throw headingFault(`the column ${JSON.stringify(stranger.name)} is not known`)
  return {
    columns: names.length,
    fields: Object.fromEntries(
      Object.entries(fieldNames).map(([field, spellings]) => [field, columnOf(names, spellings)]),
    ) as Record<FieldName, number>,
    extensions: extensions.filter(({ name }) => isExtension(name)),
    zone: choice.kind === 'zone' ? { zone: choice.zone } : { column: zoneColumn },
  }
}

function columnOf(names: readonly string[], [pinyin, english]: readonly [string, string]): number {
  const column = names.includes(pinyin) ? names.indexOf(pinyin) : names.indexOf(english)
  if (column < 0) throw headingFault(`no column ${pinyin} (or ${english})`)
  if (names.includes(pinyin) && names.includes(english)) throw headingFault(`both ${pinyin} and ${english}`)
  return column
}

function isExtension(name: string): boolean {
  return name.startsWith('KZ_') || name === 'extend_info'
}

function rowFrom(heading: Heading, record: readonly string[], line: number): ImportRow {
  if (record.length !== heading.columns) {
    const expected = `${heading.columns} columns`
    return { kind: 'refused', line, refusal: refusal('ITEM_COUNT', { field: 'row', expected }), restUnread: false }
  }
  const text = (field: FieldName) => record[heading.fields[field]]!
  const licence: LicenceIssued = {
    kind: 'licence_issued',
    identifier: text('identifier'),
    authority: text('authority'),
    authorityName: text('authorityName'),
    licenceType: text('licenceType'),
    name: text('name'),
    number: text('number'),
    issuedOn: text('issuedOn'),
    holder: { name: text('holderName'), code: text('holderCode'), codeType: text('holderCodeType') },
    validFrom: text('validFrom'),
    validUntil: text('validUntil'),
    extensions: heading.extensions.map(({ name, column }) => ({ name, value: record[column]! })),
    files: [],
    demonstration: false,
  }
  const zone = 'zone' in heading.zone ? heading.zone.zone : record[heading.zone.column]!
  return { kind: 'licence', line, zone, licence }
}

function notCsv(error: CsvError): ImportRow & { kind: 'refused' } {
  const expected = error.message.split(':')[0]!
  const refused = refusal('NOT_CSV', { field: 'row', expected })
  return { kind: 'refused', line: linesOf(error), refusal: refused, restUnread: false }
}

function linesOf(error: CsvError): number {
  return 'lines' in error && typeof error.lines === 'number' ? error.lines : 0
}

async function* decoded(path: string, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  try {
    for await (const chunk of createReadStream(path)) yield decoder.decode(chunk as Buffer, { stream: true })
    yield decoder.decode()
  } catch (error) {
    if (isCode(error, 'ENOENT')) throw new CommandError(exits.usage, 'FILE', `${path}: no such file`, error)
    if (!(error instanceof TypeError)) throw error
    const other = encodings.find((one) => one !== encoding)
    const message = `${path}: not ${encoding}; what stands before is in. Is it --encoding ${other}?`
    throw new CommandError(exits.usage, 'ENCODING', message, error)
  }
}

function newlinesIn(record: readonly string[]): number {
  return record.reduce((count, field) => count + field.split('\n').length - 1, 0)
}

function headingFault(what: string): CommandError {
  return new CommandError(exits.usage, 'HEADING', `the heading of the file: ${what}`)
}
