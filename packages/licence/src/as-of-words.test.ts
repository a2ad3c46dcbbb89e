import { describe, expect, it } from 'vitest'
import { asOfWords } from './as-of-words.ts'
import { couldNotLook } from './could-not-look.ts'
import type { AsOf } from './verdict.ts'

const findings = (asOf: AsOf | undefined, position: bigint, dataTimeMs: number) => ({
  ...couldNotLook(
    { identifier: '', matter: '', receivingZone: '', policy: { name: '', version: 0 }, asOf },
    position,
    'NOT_CHECKED',
  ),
  dataTimeMs,
})
// 2026-03-01T02:00:00Z and a day later.
const receivedMs = 1_772_330_400_000
const askedMs = receivedMs + 86_400_000

describe('the words beside a verdict', () => {
  it('are none where it is about now', () => {
    expect(asOfWords(findings(undefined, 12n, receivedMs))).toBeUndefined()
  })

  it('name the clock and the position it is of, in China Standard Time', () => {
    expect(asOfWords(findings({ kind: 'position', position: 12n }, 12n, receivedMs))).toEqual({
      zh: '截至 2026-03-01 10:00:00（位置 12）的结论，并非现时',
      en: 'as of 2026-03-01 10:00:00 (position 12), not about now',
    })
    expect(asOfWords(findings({ kind: 'time', timeMs: askedMs }, 12n, receivedMs))?.en).toBe(
      'as of 2026-03-02 10:00:00 (position 12), not about now',
    )
  })

  it('name what was asked where nothing could be looked at', () => {
    expect(asOfWords(findings({ kind: 'position', position: 12n }, 0n, 0))?.en).toBe('as of position 12, not about now')
    expect(asOfWords(findings({ kind: 'time', timeMs: askedMs }, 0n, 0))?.en).toBe(
      'as of 2026-03-02 10:00:00, not about now',
    )
    const beyond = findings({ kind: 'time', timeMs: Number.MAX_SAFE_INTEGER }, 3n, receivedMs)
    expect(asOfWords(beyond)?.en).toBe('as of position 3, not about now')
  })
})
