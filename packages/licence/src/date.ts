import { digitsBetween, isDigitsBetween } from './alphanumeric.ts'

/** China Standard Time is eight hours ahead of UTC. The summer times of 1986 to 1991 are not: a date is a calendar date. */
const CHINA_STANDARD_TIME_MS = 8 * 3_600_000
const DAY_MS = 24 * 3_600_000
const DASH = 45
const EARLIEST_YEAR = 1000

/** Whether a text is a date that exists, written YYYY-MM-DD; years 1000 to 9999, Gregorian calendar. */
export function isDate(text: string): boolean {
  if (text.length !== 10 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return false
  if (!isDigitsBetween(text, 0, 4) || !isDigitsBetween(text, 5, 7) || !isDigitsBetween(text, 8, 10)) return false
  return isCalendarDay(digitsBetween(text, 0, 4), digitsBetween(text, 5, 7), digitsBetween(text, 8, 10))
}

/** Whether a day exists in the Gregorian calendar, years 1000 to 9999. */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  if (year < EARLIEST_YEAR || month < 1 || month > 12 || day < 1) return false
  if (month === 2) return day <= (isLeapYear(year) ? 29 : 28)
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31)
}

/**
 * The first moment of a date in China Standard Time, in milliseconds since the epoch.
 *
 * @throws {TypeError} it is no date: ask `isDate` first.
 */
export function firstMomentMs(date: string): number {
  if (!isDate(date)) throw new TypeError(`date: want YYYY-MM-DD, got "${date}"`)
  return (
    Date.UTC(digitsBetween(date, 0, 4), digitsBetween(date, 5, 7) - 1, digitsBetween(date, 8, 10)) -
    CHINA_STANDARD_TIME_MS
  )
}

/**
 * The end of a date in China Standard Time, that is the first moment no longer in it, in milliseconds since the epoch.
 *
 * @throws {TypeError} as `firstMomentMs`.
 */
export function endOfDayMs(date: string): number {
  return firstMomentMs(date) + DAY_MS
}

/** The date, YYYY-MM-DD in China Standard Time, in which a moment lies; the moment in milliseconds since the epoch. */
export function dateAt(atMs: number): string {
  return new Date(atMs + CHINA_STANDARD_TIME_MS).toISOString().slice(0, 10)
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}
