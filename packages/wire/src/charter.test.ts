import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { charterArbitrary } from './arbitraries.ts'
import { charterFromBytes, charterToBytes, largestCharterBytes } from './charter.ts'
import { delimited, number } from './wire-bytes.ts'

describe('a charter', () => {
  it('comes back as it went', () => {
    fc.assert(
      fc.property(charterArbitrary, (charter) => {
        expect(charterFromBytes(charterToBytes(charter))).toEqual({ kind: 'charter', charter })
      }),
    )
  })

  it.each([
    ['a suite nobody knows', delimited(8, number(3, 4))],
    ['no suite', delimited(8, delimited(1, 'o'))],
    ['a role nobody knows', delimited(9, number(2, 6))],
    ['no role', delimited(9, delimited(1, 'v'))],
    ['a field numbered 999', number(999, 1)],
    ['a field numbered 999 in a contact', delimited(7, delimited(6, delimited(4, number(999, 1))))],
  ])('with %s is not understood', (_, bytes) => {
    expect(charterFromBytes(bytes).kind).toBe('not_understood')
  })

  it.each([
    ['a name twice', Buffer.concat([delimited(4, '津'), delimited(4, '京')])],
    ['a name that is not UTF-8', delimited(4, Buffer.from([0xff]))],
    ['a key accepted from 2^63', delimited(9, number(2, 1), number(4, 2n ** 63n))],
    ['a key retired at 2^64 - 1', delimited(9, number(2, 1), number(5, 2n ** 64n - 1n))],
    ['a heartbeat of 2^53', number(13, 2n ** 53n)],
    ['a number of 2^63', number(1, 2n ** 63n)],
    ['a rest behind tag 0', Buffer.from([0, 1])],
    ['more than 512 KiB', delimited(1000, Buffer.alloc(largestCharterBytes))],
  ])('with %s is unreadable', (_, bytes) => {
    expect(charterFromBytes(bytes).kind).toBe('unreadable')
  })

  it('longer than 512 KiB is not written', () => {
    const [charter] = fc.sample(charterArbitrary, 1)
    expect(() => charterToBytes({ ...charter!, witnessPolicy: 'x'.repeat(largestCharterBytes) })).toThrow(RangeError)
  })
})
