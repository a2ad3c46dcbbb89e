import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkText, utf8LengthBytes } from './text.ts'

const bounds = { shortest: 1, longest: 10 } as const

describe('checkText', () => {
  it.each(['a', '㐂𬭎', '𬭎'.repeat(10), "O'Br (北京)", 'a b', '\u00a1', 'é'])('takes "%s"', (text) => {
    expect(checkText(text, bounds, 'f')).toBeUndefined()
  })

  it.each([
    ['', 'MISSING_TEXT'],
    ['   ', 'MISSING_TEXT'],
    ['a'.repeat(11), 'TEXT_TOO_LONG'],
    ['𬭎'.repeat(11), 'TEXT_TOO_LONG'],
    ['a'.repeat(21), 'TEXT_TOO_LONG'],
    ['a\u0000', 'CONTROL_CHARACTER'],
    ['a\n', 'CONTROL_CHARACTER'],
    ['a\u007f', 'CONTROL_CHARACTER'],
    ['a\u0085', 'CONTROL_CHARACTER'],
    ['a\u2028', 'CONTROL_CHARACTER'],
    ['a\u202e', 'CONTROL_CHARACTER'],
    ['a\u2066', 'CONTROL_CHARACTER'],
    ['a\uffff', 'CONTROL_CHARACTER'],
    ['a\ud800', 'LONE_SURROGATE'],
    ['\udc00a', 'LONE_SURROGATE'],
    ['\udc00\ud800', 'LONE_SURROGATE'],
    ['\ud800\ud800\udc00', 'LONE_SURROGATE'],
  ])('refuses %j as %s', (text, code) => {
    expect(checkText(text, bounds, 'f')).toMatchObject({ code, field: 'f' })
  })

  it('takes nothing where nothing may be given', () => {
    expect(checkText('', { shortest: 0, longest: 10 }, 'f')).toBeUndefined()
  })

  it('takes a text only if it is well-formed Unicode', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0xd700, max: 0xe0ff }), { minLength: 1, maxLength: 8 }), (codes) => {
        const text = String.fromCharCode(...codes)
        expect(checkText(text, bounds, 'f') === undefined).toBe(text.isWellFormed())
      }),
    )
  })
})

describe('utf8LengthBytes', () => {
  it('counts as an encoder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8LengthBytes(text)).toBe(Buffer.from(text, 'utf8').length)
      }),
    )
  })
})
