import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isResidentIdentity, residentIdentityCheckCharacter } from './resident-identity.ts'

describe('isResidentIdentity', () => {
  it('takes the example of GB 11643', () => {
    expect(isResidentIdentity('11010519491231002X')).toBe(true)
  })

  it.each([
    ['another check character', '110105194912310021'],
    ['a small x', '11010519491231002x'],
    ['seventeen digits', '11010519491231002'],
    ['fifteen digits, the old form', '110105491231002'],
    ['nothing', ''],
    ['a letter', '1101051949123100AX'],
    ['full-width digits', '１1010519491231002X'],
  ])('refuses %s', (_, number) => {
    expect(isResidentIdentity(number)).toBe(false)
  })

  it.each(['19490230', '19491301', '19490431', '19000229', '00000101', '17991231'])(
    'refuses the birth date %s, although the check character is right',
    (born) => {
      const body = `110105${born}002`
      expect(isResidentIdentity(body + residentIdentityCheckCharacter(body))).toBe(false)
    },
  )

  it('takes a leap day that existed', () => {
    const body = '11010520000229002'
    expect(isResidentIdentity(body + residentIdentityCheckCharacter(body))).toBe(true)
  })

  it('notices every substitution of one digit', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(digits, fc.nat({ max: 16 }), fc.nat({ max: 9 }), (tail, at, other) => {
        const body = `11010519491231${tail}`
        const number = body + residentIdentityCheckCharacter(body)
        expect(isResidentIdentity(number)).toBe(true)
        fc.pre(number[at] !== String(other))
        expect(isResidentIdentity(number.slice(0, at) + other + number.slice(at + 1))).toBe(false)
      }),
    )
  })
})
