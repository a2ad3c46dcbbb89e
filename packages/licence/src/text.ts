import { refusal } from './sentence.ts'
import type { Refusal } from './verdict.ts'

/** How long a text may be, in characters (Unicode code points); `shortest` 1 also refuses a text of blanks alone. */
export interface TextBounds {
  readonly shortest: 0 | 1
  readonly longest: number
}

/**
 * Why a text cannot stand in an event: missing, too long, half a character, or a control character. A name's control
 * characters have a code of their own, since they are what a forger would use to make two names look alike.
 */
export function checkText(
  text: string,
  bounds: TextBounds,
  field: string,
  kind: 'name' | 'text' = 'text',
): Refusal | undefined {
  // A character takes at most two UTF-16 units: what is longer than that need not be walked.
  if (text.length > 2 * bounds.longest) return tooLong(bounds, field)
  const found = scan(text)
  if (found === LONE_SURROGATE) return refusal('LONE_SURROGATE', { field, expected: 'whole characters' })
  if (found === CONTROL) {
    const code = kind === 'name' ? 'NAME_CONTROL_CHARACTER' : 'CONTROL_CHARACTER'
    return refusal(code, { field, expected: 'no control characters' })
  }
  if (found > bounds.longest) return tooLong(bounds, field)
  if (bounds.shortest === 1 && isBlank(text)) {
    return refusal('MISSING_TEXT', { field, expected: `1 to ${bounds.longest} characters` })
  }
  return undefined
}

/** The length of a text in UTF-8 bytes; a lone surrogate counts as three. */
export function utf8LengthBytes(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x80) continue
    bytes += code < 0x800 ? 1 : 2
    // A pair is four bytes: two units and two more; its second half is stepped over.
    if (isHighSurrogate(code) && isLowSurrogate(text.charCodeAt(at + 1))) at++
  }
  return bytes
}

const CONTROL = -1
const LONE_SURROGATE = -2

/** The number of code points, or what is wrong with one of them. */
function scan(text: string): number {
  let characters = text.length
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20) return CONTROL
    if (code < 0x7f) continue
    if (isControl(code)) return CONTROL
    if (code < 0xd800 || code > 0xdfff) continue
    if (!isHighSurrogate(code) || !isLowSurrogate(text.charCodeAt(at + 1))) return LONE_SURROGATE
    at++
    characters--
  }
  return characters
}

/** DEL and C1; line and paragraph separators; the marks that turn the direction of writing; noncharacters. */
function isControl(code: number): boolean {
  if (code <= 0x9f) return code >= 0x7f
  if (code >= 0x2028 && code <= 0x202e) return true
  return (code >= 0x2066 && code <= 0x2069) || code >= 0xfffe
}

function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x3000 && code !== 0xa0) return false
  }
  return true
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

function tooLong({ longest }: TextBounds, field: string): Refusal {
  return refusal('TEXT_TOO_LONG', { field, expected: `at most ${longest} characters` })
}
