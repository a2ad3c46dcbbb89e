import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CURVE_ORDER, derFromScalars, isStrictDerSignature, scalarFromBytes } from './der-signature.ts'

const SUITES = ['SM2-SM3', 'ECDSA-P256'] as const

describe('a signature in DER', () => {
  it.each([
    ['r = s = 1, the shortest', '3006020101020101'],
    ['r with its needed zero', '300702020080020101'],
    ['r = 127', '300602017f020101'],
  ])('is strict: %s', (_, hex) => {
    for (const suite of SUITES) expect(isStrictDerSignature(suite, fromHex(hex))).toBe(true)
  })

  it.each([
    ['no bytes', ''],
    ['no content', '3000'],
    ['one integer', '3003020101'],
    ['three integers', '3009020101020101020101'],
    ['a byte after it', '300602010102010100'],
    ['a byte after s inside', '300702010102010100'],
    ['a byte short', '30060201010201'],
    ['r = 0', '3006020100020101'],
    ['s = 0', '3006020101020100'],
    ['r = -1', '30060201ff020101'],
    ['s = -128', '3006020101020180'],
    ['r padded', '300702020001020101'],
    ['s padded', '300702010102020001'],
    ['r twice padded', '30080203000080020101'],
    ['r empty', '30050200020101'],
    ['s empty', '30050201010200'],
    ['long form length', '308106020101020101'],
    ['long form length of r', '30070281010102010100'],
    ['indefinite length', '30800201010201010000'],
    ['a SET', '3106020101020101'],
    ['a BIT STRING for r', '3006030101020101'],
    ['r longer than all of it', '3006027f01020101'],
    ['zeroes', '00'.repeat(72)],
  ])('is not strict: %s', (_, hex) => {
    for (const suite of SUITES) expect(isStrictDerSignature(suite, fromHex(hex))).toBe(false)
  })

  it('takes scalars up to n - 1 of its own curve and none from n on', () => {
    for (const suite of SUITES) {
      const order = CURVE_ORDER[suite]
      expect(isStrictDerSignature(suite, derFromScalars(order - 1n, order - 1n))).toBe(true)
      expect(isStrictDerSignature(suite, derFromScalars(order, 1n))).toBe(false)
      expect(isStrictDerSignature(suite, derFromScalars(1n, order))).toBe(false)
      expect(isStrictDerSignature(suite, derFromScalars(2n ** 256n - 1n, 1n))).toBe(false)
      expect(isStrictDerSignature(suite, derFromScalars(1n, 2n ** 256n + 1n))).toBe(false)
    }
    // n of SM2 is below n of P-256.
    expect(isStrictDerSignature('ECDSA-P256', derFromScalars(CURVE_ORDER['SM2-SM3'], 1n))).toBe(true)
  })

  it('is what OpenSSL writes', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    for (let i = 0; i < 200; i += 1) {
      expect(isStrictDerSignature('ECDSA-P256', sign('sha256', Uint8Array.of(i), privateKey))).toBe(true)
    }
  })

  it('written from two scalars reads back as them, and is no longer strict when any byte of its frame changes', () => {
    const scalar = fc.bigInt({ min: 1n, max: CURVE_ORDER['SM2-SM3'] - 1n })
    const small = fc.bigInt({ min: 1n, max: 0xffffn })
    fc.assert(
      fc.property(fc.oneof(scalar, small), fc.oneof(scalar, small), (r, s) => {
        const der = derFromScalars(r, s)
        const rLength = der[3] as number
        expect(isStrictDerSignature('SM2-SM3', der)).toBe(true)
        expect(scalarFromBytes(der.subarray(4, 4 + rLength))).toBe(r)
        expect(scalarFromBytes(der.subarray(6 + rLength))).toBe(s)
        // One byte more for r takes the tag of s: an s of 0x0101 to 0x017f would then be read as another, just as strict.
        const lengthOfR = s >> 8n === 1n ? [] : [3]
        for (const at of [0, 1, 2, ...lengthOfR, 4 + rLength, 5 + rLength]) {
          const changed = der.slice()
          changed[at] = (changed[at] as number) + 1
          expect(isStrictDerSignature('SM2-SM3', changed)).toBe(false)
        }
      }),
    )
  })
})

function fromHex(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}
