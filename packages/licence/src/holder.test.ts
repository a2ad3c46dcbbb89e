import { describe, expect, it } from 'vitest'
import { checkHolder, holderMatches } from './holder.ts'

const company = { name: '示范有限公司', code: '91370406L24894136J', codeType: '001' }
const person = { name: '刘𬭎', code: '11010519491231002X', codeType: '111' }

describe('checkHolder', () => {
  it.each([
    company,
    person,
    { name: 'Li', code: 'E12345678', codeType: '414' },
    { name: '某协会', code: '京社证字第1号', codeType: '099' },
    { name: '𬭎'.repeat(200), code: '1', codeType: '999' },
  ])('takes $codeType $code', (holder) => {
    expect(checkHolder(holder, 'event.licence_issued.holder')).toBeUndefined()
  })

  it.each([
    ['a wrong credit code', { ...company, code: '91370406L24894136K' }, 'HOLDER_CREDIT_CODE', 'code'],
    ['a wrong resident number', { ...person, code: '110105194912310021' }, 'HOLDER_CREDIT_CODE', 'code'],
    ['a resident number called a credit code', { ...person, codeType: '001' }, 'HOLDER_CREDIT_CODE', 'code'],
    ['a code with a blank', { name: 'Li', code: 'E1 2', codeType: '414' }, 'HOLDER_CODE', 'code'],
    ['a code of 65 characters', { ...company, codeType: '999', code: '1'.repeat(65) }, 'TEXT_TOO_LONG', 'code'],
    ['no code', { ...company, code: '' }, 'MISSING_TEXT', 'code'],
    ['no name', { ...company, name: '' }, 'MISSING_TEXT', 'name'],
    ['a name of blanks', { ...company, name: ' \u3000' }, 'MISSING_TEXT', 'name'],
    ['a name of 201 characters', { ...company, name: '𬭎'.repeat(201) }, 'TEXT_TOO_LONG', 'name'],
    ['a NUL in the name', { ...company, name: '北\u0000京' }, 'NAME_CONTROL_CHARACTER', 'name'],
    ['a turned direction in the name', { ...company, name: '北\u202e京' }, 'NAME_CONTROL_CHARACTER', 'name'],
    ['half a character in the name', { ...company, name: '刘\ud874' }, 'LONE_SURROGATE', 'name'],
    ['a type of two digits', { ...company, codeType: '01' }, 'HOLDER_CODE_TYPE', 'code_type'],
    ['a type of letters', { ...company, codeType: 'abc' }, 'HOLDER_CODE_TYPE', 'code_type'],
  ])('refuses %s', (_, holder, code, field) => {
    expect(checkHolder(holder, 'event.licence_issued.holder')).toMatchObject({
      code,
      field: `event.licence_issued.holder.${field}`,
    })
  })
})

describe('holderMatches', () => {
  it('lets the letters of a checked number be typed small', () => {
    expect(holderMatches(person, '11010519491231002x')).toBe(true)
    expect(holderMatches(company, '91370406l24894136j')).toBe(true)
  })

  it.each(['', '110105194912310021', '11010519491231002X ', '11010519491231002'])('does not take "%s"', (number) => {
    expect(holderMatches(person, number)).toBe(false)
  })

  it('compares every other type character for character', () => {
    const passport = { name: 'Li', code: 'E12345678', codeType: '414' }
    expect(holderMatches(passport, 'E12345678')).toBe(true)
    expect(holderMatches(passport, 'e12345678')).toBe(false)
  })

  it('never matches a holder without a code', () => {
    expect(holderMatches({ name: '', code: '', codeType: '' }, '')).toBe(false)
  })
})
