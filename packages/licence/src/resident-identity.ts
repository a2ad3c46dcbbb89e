import { digitsBetween, isDigitsBetween } from './alphanumeric.ts'
import { isCalendarDay } from './date.ts'

const NUMBER_LENGTH = 18
const CHECK_CHARACTERS = '10X98765432'
/** 2^(17 - i) mod 11 for the 17 digits before the check character. */
const weights: Uint8Array = Uint8Array.from({ length: NUMBER_LENGTH - 1 }, (_, at) => 2 ** (17 - at) % 11)
const EARLIEST_BIRTH_YEAR = 1800

/**
 * Whether a text is a resident identity number (GB 11643): six digits of a region, a birth date that exists, three
 * digits, and the right check character, a capital X for ten. Whether such a person exists is not known here.
 */
export function isResidentIdentity(text: string): boolean {
  if (text.length !== NUMBER_LENGTH || residentIdentityCheckCharacter(text) !== text[NUMBER_LENGTH - 1]) return false
  const year = digitsBetween(text, 6, 10)
  return year >= EARLIEST_BIRTH_YEAR && isCalendarDay(year, digitsBetween(text, 10, 12), digitsBetween(text, 12, 14))
}

/** The check character over the first 17 digits (ISO 7064 MOD 11-2); undefined where one of them is no digit. */
export function residentIdentityCheckCharacter(text: string): string | undefined {
  if (!isDigitsBetween(text, 0, NUMBER_LENGTH - 1)) return undefined
  let sum = 0
  for (let at = 0; at < weights.length; at++) sum += (text.charCodeAt(at) - 48) * weights[at]!
  return CHECK_CHARACTERS[sum % 11]
}
