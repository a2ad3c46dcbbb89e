import { endOfDayMs, firstMomentMs } from './date.ts'
import type { LicenceIssued } from './event.ts'

/**
 * Where a moment (milliseconds since the epoch) lies against a licence's period: from the first moment of its first day
 * to the end of its last, China Standard Time; an empty end is none.
 *
 * @throws {TypeError} an end is neither empty nor a date: the licence never passed `checkForm`.
 */
export function periodAt(
  { validFrom, validUntil }: Pick<LicenceIssued, 'validFrom' | 'validUntil'>,
  atMs: number,
): 'before' | 'within' | 'after' {
  if (validUntil !== '' && atMs >= endOfDayMs(validUntil)) return 'after'
  return validFrom !== '' && atMs < firstMomentMs(validFrom) ? 'before' : 'within'
}
