import { describe, expect, it } from 'vitest'
import { periodAt } from './period.ts'

const year = { validFrom: '2025-01-01', validUntil: '2025-12-31' }

describe('periodAt', () => {
  it.each([
    ['2024-12-31T15:59:59.999Z', 'before'],
    ['2024-12-31T16:00:00.000Z', 'within'],
    ['2025-12-31T15:59:59.999Z', 'within'],
    ['2025-12-31T16:00:00.000Z', 'after'],
  ])('says at %s: %s', (at, answer) => {
    expect(periodAt(year, Date.parse(at))).toBe(answer)
  })

  it('takes an empty end for none', () => {
    expect(periodAt({ ...year, validFrom: '' }, 0)).toBe('within')
    expect(periodAt({ ...year, validUntil: '' }, Date.parse('9999-12-31'))).toBe('within')
    expect(periodAt({ validFrom: '', validUntil: '' }, 0)).toBe('within')
  })

  it('throws on an end that is no date', () => {
    expect(() => periodAt({ validFrom: '', validUntil: 'never' }, 0)).toThrow(TypeError)
  })
})
