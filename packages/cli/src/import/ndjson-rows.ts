import { refusal } from '@hutong/licence'
import { createRecordReader, namesWrittenIn } from './json-record.ts'
import { linesOf } from './lines.ts'
import { type ImportRow, rowSizeMax, sourceTextMax, type ZoneChoice } from './row.ts'

/** The rows of a file with one JSON object to a line. A line that is none is told, and those behind it are read. */
export async function* ndjsonRows(text: AsyncIterable<string>, choice: ZoneChoice): AsyncGenerator<ImportRow> {
  const readRecord = createRecordReader(choice)
  let line = 0
  for await (const one of linesOf(text, rowSizeMax)) {
    line += 1
    if (one.isTooLong) {
      yield { ...notJson(line, one.text, `a line of at most ${rowSizeMax} characters`), restUnread: true }
      return
    }
    const trimmed = one.text.trim()
    if (trimmed === '') continue
    try {
      yield readRecord(JSON.parse(trimmed), line, namesWrittenIn(trimmed))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      yield notJson(line, trimmed, 'one JSON object')
    }
  }
}

function notJson(line: number, text: string, expected: string): ImportRow & { kind: 'refused' } {
  const source = { kind: 'text', text: text.slice(0, sourceTextMax) } as const
  return {
    kind: 'refused',
    line,
    refusal: refusal('NOT_JSON', { field: 'row', expected }),
    restUnread: false,
    source,
  }
}
