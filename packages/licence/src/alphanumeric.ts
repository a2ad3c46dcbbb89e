/** Values of 0-9A-Z by character code, -1 for everything else. */
const values: Int8Array = new Int8Array(128).fill(-1)
for (const [value, character] of [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'].entries()) {
  values[character.charCodeAt(0)] = value
}

/** The value 0 to 35 of a character of 0-9A-Z by its UTF-16 code; -1 for every other. */
export function alphanumericValue(characterCode: number): number {
  return characterCode < 128 ? values[characterCode]! : -1
}

/** Whether a text has exactly `length` characters, all of 0-9A-Z. */
export function isAlphanumeric(text: string, length: number): boolean {
  return text.length === length && isAlphanumericBetween(text, 0, length)
}

/** Whether the characters of `text` from `start` up to `end` (exclusive) are all of 0-9A-Z. */
export function isAlphanumericBetween(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (alphanumericValue(text.charCodeAt(at)) < 0) return false
  return true
}

/** Whether the characters of `text` from `start` up to `end` (exclusive) are all of 0-9. */
export function isDigitsBetween(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (!(code >= 48 && code <= 57)) return false
  }
  return true
}

/** The number written in digits from `start` up to `end` (exclusive). */
export function digitsBetween(text: string, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + text.charCodeAt(at) - 48
  return value
}
