import { refusal } from '@hutong/licence'
import { CommandError, exits } from '../exit.ts'
import { csvRows } from './csv-rows.ts'
import { EncodedText, type Encoding, type EncodingChoice, encodingAsTold, encodingOf } from './encoding.ts'
import type { Fingerprint, ImportFile } from './file.ts'
import { type Format, type FormatChoice, formatOf } from './format.ts'
import { jsonRows } from './json-rows.ts'
import { ndjsonRows } from './ndjson-rows.ts'
import type { ImportRow, ZoneChoice } from './row.ts'

/** How a file is to be read; what is left open is found out. */
export interface ReadingOptions {
  readonly choice: ZoneChoice
  readonly encoding?: Encoding
  readonly format?: Format
}

/** How a file is read. */
export interface FileReading {
  readonly encoding: EncodingChoice
  readonly format: FormatChoice
}

/**
 * Finds out encoding and format, from the first block alone.
 *
 * @throws {CommandError} ENCODING: it is neither UTF-8 nor GB18030; FORMAT: it is empty.
 */
export async function readingOf(file: ImportFile, options: ReadingOptions): Promise<FileReading> {
  const first = await file.first()
  const encoding = options.encoding === undefined ? encodingOf(first) : encodingAsTold(first, options.encoding)
  if (encoding === undefined) {
    const what = `${file.path}: neither UTF-8 nor GB18030 from its beginning; save it as one of them, or name its --encoding to hear where it breaks`
    throw new CommandError(exits.usage, 'ENCODING', what)
  }
  const format = formatOf(file.path, firstText(first, encoding), options.format)
  if (format === undefined) throw new CommandError(exits.usage, 'FORMAT', `${file.path}: the file is empty`)
  return { encoding, format }
}

/**
 * The rows of a file, one at a time, in its order. Where its bytes stop being of its encoding a last row says line and byte, and nothing
 * behind is read.
 *
 * @throws {CommandError} HEADING: a table whose first row does not name the fields of a licence; FILE_CHANGED.
 */
export async function* rowsOf(
  file: ImportFile,
  reading: FileReading,
  choice: ZoneChoice,
  seen: { readonly fingerprint?: Fingerprint; readonly onRead?: (bytes: number) => void } = {},
): AsyncGenerator<ImportRow> {
  const text = new EncodedText(file.blocks(seen.fingerprint, seen.onRead), reading.encoding)
  for await (const row of readers[reading.format.format](text, choice)) {
    // A row that ends where the text breaks off is told by the break itself.
    if (row.kind === 'refused' && row.restUnread && text.fault !== undefined) break
    yield row
  }
  if (text.fault !== undefined) yield broken(reading.encoding, text.fault)
}

const readers: Readonly<Record<Format, (text: AsyncIterable<string>, choice: ZoneChoice) => AsyncIterable<ImportRow>>> =
  {
    csv: csvRows,
    ndjson: ndjsonRows,
    json: jsonRows,
  }

function broken(
  { encoding, by }: EncodingChoice,
  { line, byteOffset, cut }: NonNullable<EncodedText['fault']>,
): ImportRow {
  const other = encoding === 'utf-8' ? 'gb18030' : 'utf-8'
  const guess = by === 'byte order mark' ? '' : `; if all of the file looks wrong, try --encoding ${other}`
  const expected = cut ? `the rest of a character at byte ${byteOffset}` : `${encoding} at byte ${byteOffset}${guess}`
  const why = refusal(cut ? 'FILE_CUT' : 'NOT_IN_ENCODING', { field: 'file', expected })
  return { kind: 'refused', line, refusal: why, restUnread: true, source: { kind: 'text', text: '' } }
}

/** Enough of the text to tell the format; what is no text is found when it is read. */
function firstText(first: Uint8Array, { encoding, markBytes }: EncodingChoice): string {
  return new TextDecoder(encoding, { ignoreBOM: true }).decode(first.subarray(markBytes))
}
