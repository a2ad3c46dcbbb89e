import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../vectors/read.ts'
import { decodeEntryBundle, encodeEntryBundle } from './entry-bundle.ts'

describe('a bundle of entries', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }), (entries) => {
        const decoded = decodeEntryBundle(encodeEntryBundle(entries), entries.length)
        if (decoded.kind === 'refused') throw new Error(decoded.reason)
        expect(decoded.entries.map(toHex)).toEqual(entries.map(toHex))
      }),
    )
  })

  it('is a big-endian length and the bytes of each', () => {
    const entries = [fromHex('aabb'), fromHex(''), new Uint8Array(258)]
    expect(toHex(encodeEntryBundle(entries))).toBe(`0002aabb00000102${'00'.repeat(258)}`)
  })

  it.each([
    ['nothing where one entry should be', '', 1],
    ['half a length', '00', 1],
    ['an entry cut short', '0002aa', 1],
    ['an entry too few', '0001aa', 2],
    ['an entry too many', '0001aa0001bb', 1],
    ['a byte after the last', '0001aa00', 1],
  ])('with %s is none', (_, hex, width) => {
    expect(decodeEntryBundle(fromHex(hex), width)).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
  })

  it('holds entries up to 65535 bytes and up to 256 of them', () => {
    expect(encodeEntryBundle([new Uint8Array(65_535)])).toHaveLength(65_537)
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError)
    expect(() => encodeEntryBundle([])).toThrow(RangeError)
    expect(() => encodeEntryBundle(Array.from({ length: 257 }, () => new Uint8Array(1)))).toThrow(RangeError)
  })
})
