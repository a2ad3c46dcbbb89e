import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { creditCodeCheckCharacter, isCreditCode } from './credit-code.ts'

const good = [
  '11100000000013338W',
  '11110000000021135M',
  '1110000000001332XW',
  '91370406L24894136J',
  '11430000006122244L',
]
const alphabet = [...'0123456789ABCDEFGHJKLMNPQRTUWXY']

describe('isCreditCode', () => {
  it.each(good)('takes the published code %s', (code) => {
    expect(isCreditCode(code)).toBe(true)
  })

  it.each([
    '',
    '11100000000013338V',
    '11100000000013338w',
    '1110000000001333W',
    '11100000000013338W0',
    '1110000000001333 8W',
    'I1100000000013338W',
    '１1100000000013338W',
    '\u0000'.repeat(18),
  ])('refuses "%s"', (code) => {
    expect(isCreditCode(code)).toBe(false)
  })

  it('notices every substitution of one character', () => {
    const bodies = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 17, maxLength: 17 })
    fc.assert(
      fc.property(bodies, fc.nat({ max: 17 }), fc.constantFrom(...alphabet), (body, at, other) => {
        const code = body + creditCodeCheckCharacter(body)
        expect(isCreditCode(code)).toBe(true)
        fc.pre(code[at] !== other)
        expect(isCreditCode(code.slice(0, at) + other + code.slice(at + 1))).toBe(false)
      }),
    )
  })
})
