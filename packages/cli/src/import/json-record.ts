import { isRefusal, type Refusal, refusal } from '@hutong/licence'
import { Tokenizer, TokenType } from '@streamparser/json'
import { type Layout, layoutOf, licenceFrom, zoneFrom } from './fields.ts'
import { type ImportRow, rowSizeMax, sourceTextMax, type ZoneChoice } from './row.ts'

/** Layouts kept, at most: the objects of one file hardly ever have more than a few. */
const layoutsKeptMax = 64

/**
 * Reads objects as rows, each with its own names. A value is text; `null` is empty; of an extension field a whole number, a truth value,
 * an object or a list is kept as its JSON. Of a name that stands twice a parser keeps the last, so the reader is told how many were
 * written: which of two ends of period was meant is not for us to guess.
 */
export function createRecordReader(
  choice: ZoneChoice,
): (value: unknown, line: number, namesWritten: number) => ImportRow {
  const layouts = new Map<string, Layout | Refusal>()
  return (value, line, namesWritten) => {
    if (!isObject(value)) return unread(line, refusal('NOT_JSON', { field: 'row', expected: 'an object' }), value)
    const names = Object.keys(value)
    if (names.length !== namesWritten) {
      return asText(line, refusal('FIELD_NAMES', { field: 'row', expected: 'every name once' }), value)
    }
    const key = JSON.stringify(names)
    const layout = layouts.get(key) ?? layoutOf(names, choice)
    if (layouts.size < layoutsKeptMax) layouts.set(key, layout)
    const texts = Object.values(value).map(textOfValue)
    // Under names that are not understood its values would come back, unmended, as what somebody guessed them to be.
    if (isRefusal(layout) && layout.code === 'FIELD_NAMES') return asText(line, layout, value)
    const odd = texts.indexOf(undefined)
    if (isRefusal(layout) || odd >= 0) {
      const expected = 'text in quotation marks'
      return unread(line, isRefusal(layout) ? layout : refusal('NOT_TEXT', { field: names[odd]!, expected }), value)
    }
    const field = Object.values(layout.fields).find((column) => !isTextual(Object.values(value)[column]))
    if (field !== undefined) {
      return unread(line, refusal('NOT_TEXT', { field: names[field]!, expected: 'text in quotation marks' }), value)
    }
    const values = texts as readonly string[]
    const source = { kind: 'fields', names, values } as const
    return { kind: 'licence', line, zone: zoneFrom(layout, values), licence: licenceFrom(layout, values), source }
  }
}

/** How many names the object in a valid JSON text has, repeated ones counted as often as they stand there. */
export function namesWrittenIn(text: string): number {
  const tokenizer = new Tokenizer()
  let [depth, names] = [0, 0]
  tokenizer.onToken = ({ token }) => {
    depth += depthChange(token)
    if (token === TokenType.COLON && depth === 1) names += 1
  }
  tokenizer.write(text)
  return names
}

/** What a token does to the depth. */
export function depthChange(token: TokenType): -1 | 0 | 1 {
  if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) return 1
  return token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET ? -1 : 0
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTextual(value: unknown): boolean {
  return typeof value === 'string' || value === null
}

/** Undefined: a number that is not the one in the file any more, or half a character, which no event can carry. */
function textOfValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? value : undefined
  if (value === null) return ''
  return isKept(value) ? JSON.stringify(value) : undefined
}

function isKept(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isKept)
}

function unread(line: number, refused: Refusal, value: unknown): ImportRow {
  return { kind: 'refused', line, refusal: refused, restUnread: false, source: sourceOf(value) }
}

function asText(line: number, refused: Refusal, value: unknown): ImportRow {
  const source = { kind: 'text', text: JSON.stringify(value).slice(0, sourceTextMax) } as const
  return { kind: 'refused', line, refusal: refused, restUnread: false, source }
}

function sourceOf(value: unknown): ImportRow['source'] {
  const isFlat = isObject(value) && Object.values(value).every((one) => textOfValue(one) !== undefined)
  if (!isFlat) return { kind: 'text', text: JSON.stringify(value).slice(0, sourceTextMax) }
  const values = Object.values(value).map((one) => textOfValue(one)!)
  const isSmall = values.reduce((sum, text) => sum + text.length, 0) <= rowSizeMax
  if (!isSmall) return { kind: 'text', text: JSON.stringify(value).slice(0, sourceTextMax) }
  return { kind: 'fields', names: Object.keys(value), values }
}
