import { describe, expect, it } from 'vitest'
import { asOfFrom, asOfInBody } from './as-of.ts'

describe('--as-of', () => {
  it.each([
    ['0', { kind: 'position', position: 0n }],
    ['2026', { kind: 'position', position: 2026n }],
    ['9223372036854775807', { kind: 'position', position: 9223372036854775807n }],
    ['2026-03-01T02:00:00Z', { kind: 'time', timeMs: 1_772_330_400_000 }],
    ['2026-03-01T10:00:00+08:00', { kind: 'time', timeMs: 1_772_330_400_000 }],
    ['2026-03-01T10:00', { kind: 'time', timeMs: 1_772_330_400_000 }],
    ['2026-03-01 10:00:00.5', { kind: 'time', timeMs: 1_772_330_400_500 }],
    // Up to the end of the day in China.
    ['2026-03-01', { kind: 'time', timeMs: Date.UTC(2026, 2, 1, 16) - 1 }],
  ])('reads %s', (text, asOf) => {
    expect(asOfFrom({ asOf: text })).toEqual(asOf)
  })

  it.each(['', '-1', '1.5', '9223372036854775808', '2026-02-30', '2026-03-01T', 'yesterday', '1960-01-01', '2026-3-1'])(
    'refuses %j as a mistake of the asker',
    (text) => {
      expect(() => asOfFrom({ asOf: text })).toThrow(expect.objectContaining({ exitCode: 2, code: 'AS_OF' }))
    },
  )

  it('is about now where it is left out', () => {
    expect(asOfFrom({})).toBeUndefined()
    expect(asOfInBody(undefined)).toEqual({})
    expect(asOfInBody({ kind: 'time', timeMs: 1_772_330_400_000 })).toEqual({
      asOf: { time: '2026-03-01T02:00:00.000Z' },
    })
    expect(asOfInBody({ kind: 'position', position: 12n })).toEqual({ asOf: { position: '12' } })
  })
})
