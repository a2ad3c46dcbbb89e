import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dateAt, endOfDayMs, firstMomentMs, isDate } from './date.ts'

describe('isDate', () => {
  it.each(['2024-02-29', '2000-02-29', '1999-12-31', '9999-12-31', '1000-01-01'])('takes %s', (text) => {
    expect(isDate(text)).toBe(true)
  })

  it.each([
    '',
    '2023-02-30',
    '2023-02-29',
    '1900-02-29',
    '2023-04-31',
    '2023-13-01',
    '2023-00-10',
    '2023-01-00',
    '2023-1-1',
    '2023/01/01',
    '20230101',
    '2023-01-01 ',
    '2023-01-01T00:00',
    '-023-01-01',
    '0999-01-01',
    '２023-01-01',
    '2023-0x-01',
  ])('refuses "%s"', (text) => {
    expect(isDate(text)).toBe(false)
  })
})

describe('a day in China Standard Time', () => {
  it('begins and ends eight hours before the day of UTC', () => {
    expect(firstMomentMs('2026-11-24')).toBe(Date.parse('2026-11-23T16:00:00Z'))
    expect(endOfDayMs('2026-11-24')).toBe(Date.parse('2026-11-24T16:00:00Z'))
    expect(endOfDayMs('2024-02-28')).toBe(firstMomentMs('2024-02-29'))
  })

  it('knows no summer time, also in the years that had one', () => {
    expect(firstMomentMs('1988-07-01')).toBe(Date.parse('1988-06-30T16:00:00Z'))
  })

  it('throws on what is no date', () => {
    expect(() => firstMomentMs('2023-02-30')).toThrow(TypeError)
    expect(() => endOfDayMs('')).toThrow(TypeError)
  })

  it('holds exactly the moments whose date it is', () => {
    const earliest = Date.parse('1000-01-02')
    fc.assert(
      fc.property(fc.integer({ min: earliest, max: Date.parse('9999-12-30') }), (atMs) => {
        const date = dateAt(atMs)
        expect(isDate(date)).toBe(true)
        expect(firstMomentMs(date)).toBeLessThanOrEqual(atMs)
        expect(endOfDayMs(date)).toBeGreaterThan(atMs)
      }),
    )
  })
})
