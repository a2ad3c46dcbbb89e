import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identifierCheckCharacter, identifierSubjectString, nextVersionOf, readIdentifier } from './identifier.ts'

// Published examples; their check characters were not made here.
const good = [
  ['11100000000013338W011', '11430000006122244L', '20230000403', '001', 'U'],
  ['11100000000013338W009', '11330105002500287C', '2025052201', '002', '0'],
  ['11100000000013338W032', '11220000013544541J', '2430599', '001', 'F'],
  ['11100000000013338W011', '11110000000021135M', '20250000001', '001', 'E'],
  ['11100000MB03271699022', '340100', '000000016', '001', '9'],
] as const

const written = (parts: readonly string[]) => `1.2.156.3005.2.${parts.join('.')}`
const example = written(good[0])
const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ']
const alphanumeric = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength })

describe('readIdentifier', () => {
  it.each(good)('reads the published example %s %s %s %s %s', (...parts) => {
    const [licenceType, code, serial, version, check] = parts
    expect(readIdentifier(written(parts))).toEqual({
      kind: 'well_formed',
      identifier: written(parts),
      licenceType,
      issuer: { kind: code.length === 6 ? 'region' : 'credit_code', code },
      serial,
      version,
      subjectString: `1.2.156.3005.2.${licenceType}.${code}.${serial}`,
    })
    expect(identifierCheckCharacter(licenceType + code + serial + version)).toBe(check)
  })

  it.each([
    ['nothing', '', 'MISSING_IDENTIFIER', ''],
    ['blanks around it', ` ${example}`, 'MALFORMED_IDENTIFIER', 'root'],
    ['a blank after it', `${example} `, 'MALFORMED_IDENTIFIER', 'check character'],
    ['a line end after it', `${example}\n`, 'MALFORMED_IDENTIFIER', 'check character'],
    ['another root', example.replace('3005', '3006'), 'MALFORMED_IDENTIFIER', 'root'],
    ['the root alone', '1.2.156.3005.2.', 'MALFORMED_IDENTIFIER', 'licence type'],
    ['a type of 20 characters', example.replace('W011', 'W01'), 'MALFORMED_IDENTIFIER', 'licence type'],
    ['small letters in the type', example.replace('W011', 'w011'), 'MALFORMED_IDENTIFIER', 'licence type'],
    ['full-width digits in the type', example.replace('W011', 'W01１'), 'MALFORMED_IDENTIFIER', 'licence type'],
    ['an issuer of 17 characters', example.replace('244L', '24L'), 'MALFORMED_IDENTIFIER', 'issuer'],
    [
      'letters in a region',
      written(['11100000MB03271699022', '34010A', '1', '001', '9']),
      'MALFORMED_IDENTIFIER',
      'issuer',
    ],
    ['no serial', example.replace('20230000403', ''), 'MALFORMED_IDENTIFIER', 'serial'],
    ['a serial of 33 characters', example.replace('20230000403', '1'.repeat(33)), 'MALFORMED_IDENTIFIER', 'serial'],
    ['a dash in the serial', example.replace('2023', '2-23'), 'MALFORMED_IDENTIFIER', 'serial'],
    ['a version of two digits', example.replace('.001.', '.01.'), 'MALFORMED_IDENTIFIER', 'version'],
    ['version 000', example.replace('.001.', '.000.'), 'MALFORMED_IDENTIFIER', 'version'],
    ['no check character', example.slice(0, -2), 'MALFORMED_IDENTIFIER', 'version'],
    ['a dot at the end', example.slice(0, -1), 'MALFORMED_IDENTIFIER', 'check character'],
    ['one part more', `${example}.1`, 'MALFORMED_IDENTIFIER', 'check character'],
    ['a wrong check character', `${example.slice(0, -1)}V`, 'CHECK_CHARACTER', ''],
    ['129 characters', example + '0'.repeat(129 - example.length), 'MALFORMED_IDENTIFIER', 'length'],
    ['a dot too many in the branch', '1.2.156.3003.2.1..2', 'MALFORMED_IDENTIFIER', 'branch 3003'],
    ['an empty branch', '1.2.156.3003.2.', 'MALFORMED_IDENTIFIER', 'branch 3003'],
  ])('calls %s malformed and names the part', (_, text, code, part) => {
    const reading = readIdentifier(text)
    expect(reading).toMatchObject({ kind: 'malformed', refusal: { code, field: 'identifier' } })
    expect(reading.kind === 'malformed' && reading.refusal.en).toContain(part)
  })

  it('says which check character was expected', () => {
    const reading = readIdentifier(`${example.slice(0, -1)}V`)
    expect(reading).toMatchObject({ refusal: { expected: 'U' } })
  })

  it('names the branch 3003 as a variant that stands whole, with type and issuer where they are laid out', () => {
    const laidOut = example.replace('3005', '3003')
    expect(readIdentifier(laidOut)).toEqual({
      kind: 'variant',
      variant: 'branch_3003',
      identifier: laidOut,
      subjectString: laidOut,
      licenceType: '11100000000013338W011',
      issuer: { kind: 'credit_code', code: '11430000006122244L' },
    })
    expect(readIdentifier('1.2.156.3003.2.77.A1')).toEqual({
      kind: 'variant',
      variant: 'branch_3003',
      identifier: '1.2.156.3003.2.77.A1',
      subjectString: '1.2.156.3003.2.77.A1',
    })
  })

  it('notices every substitution of one character', () => {
    const identifiers = fc
      .tuple(alphanumeric(21, 21), alphanumeric(18, 18), alphanumeric(1, 32), fc.integer({ min: 1, max: 999 }))
      .map(([type, issuer, serial, number]) => [type, issuer, serial, String(number).padStart(3, '0')] as const)
    fc.assert(
      fc.property(identifiers, fc.nat(), fc.constantFrom(...alphabet), (parts, seed, other) => {
        const text = written([...parts, identifierCheckCharacter(parts.join(''))])
        expect(readIdentifier(text).kind).toBe('well_formed')
        const at = 15 + (seed % (text.length - 15))
        fc.pre(text[at] !== '.' && text[at] !== other)
        expect(readIdentifier(text.slice(0, at) + other + text.slice(at + 1)).kind).toBe('malformed')
      }),
    )
  })

  it('never throws, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `1.2.156.3005.2.${text}`),
        ),
        (text) => {
          expect(readIdentifier(text).kind).toBe('malformed')
        },
      ),
    )
  })
})

describe('identifierSubjectString', () => {
  it.each(good)('agrees with the reading of %s %s %s', (...parts) => {
    const [licenceType, code, serial] = parts
    expect(identifierSubjectString(written(parts))).toBe(`1.2.156.3005.2.${licenceType}.${code}.${serial}`)
  })

  it('finds the licence also of an identifier whose version or check character is wrong', () => {
    expect(identifierSubjectString(example.replace('.001.U', '.1.Z'))).toBe(example.slice(0, -6))
  })

  it.each(['', '1.2.156.3003.2.77.A1', '1.2.156.3005.2.a.b', 'x', example.replace('3005', '3003'), `${example}.1`])(
    'lets "%s" stand whole',
    (text) => {
      expect(identifierSubjectString(text)).toBe(text)
    },
  )
})

describe('nextVersionOf', () => {
  // Check characters computed by another implementation of ISO 7064 MOD 37,36.
  it.each([
    ['11100000000013338W011.11110000000021135M.20250000001.001.E', '.002.C'],
    ['11100000000013338W011.11110000000021135M.20250000001.002.C', '.003.A'],
    ['11100000000013338W009.11330105002500287C.2025052201.002.0', '.003.Y'],
    ['11100000MB03271699022.340100.000000016.001.9', '.002.7'],
  ])('of %s ends with %s', (rest, end) => {
    const text = `1.2.156.3005.2.${rest}`
    expect(nextVersionOf(text)).toBe(`${identifierSubjectString(text)}${end}`)
  })

  it.each([
    ['a variant', '1.2.156.3003.2.11100000000013338W011.11110000000021135M.20250000001.001.E'],
    ['a malformed one', example.slice(0, -1)],
    ['version 999', '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.999.U'],
  ])('of %s is none', (_, text) => {
    expect(nextVersionOf(text)).toBeUndefined()
  })
})

describe('identifierCheckCharacter', () => {
  it('throws on what is not of 0-9A-Z', () => {
    expect(() => identifierCheckCharacter('12.4')).toThrow(TypeError)
  })
})
