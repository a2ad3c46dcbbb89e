import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafArbitrary } from './arbitraries.ts'
import { decodeLeaf, encodeLeaf, type Leaf, largestLeafBytes } from './leaf.ts'
import { delimited, number, tag, varint } from './wire-bytes.ts'

const subject = Uint8Array.from({ length: 32 }, (_, at) => at)
const payloadCommitment = Uint8Array.from({ length: 32 }, (_, at) => 32 + at)
const leaf: Leaf = {
  version: 1,
  index: 300n,
  kind: 5,
  loggedAtMs: 1_795_507_200_000,
  subject,
  previous: 12n,
  payloadCommitment,
}

// Made by `buf convert --type hutong.v1.Leaf` from JSON.
const golden =
  '080110ac0218052080c0c6e4a0342a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f300c3a20202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f'

const fields = {
  version: number(1, 1),
  index: number(2, 300),
  kind: number(3, 5),
  time: number(4, 1_795_507_200_000),
  subject: delimited(5, subject),
  previous: number(6, 12),
  commitment: delimited(7, payloadCommitment),
}
const written = (changed: Partial<Record<keyof typeof fields, Uint8Array>> = {}, ...more: Uint8Array[]): Buffer =>
  Buffer.concat([...Object.values({ ...fields, ...changed }), ...more])

describe('a leaf', () => {
  it('is written as the contract has it', () => {
    expect(Buffer.from(encodeLeaf(leaf)).toString('hex')).toBe(golden)
  })

  it('is read from the bytes that another implementation wrote', () => {
    expect(decodeLeaf(Buffer.from(golden, 'hex'))).toEqual({ kind: 'leaf', leaf })
  })

  it('comes back as it went', () => {
    fc.assert(
      fc.property(leafArbitrary, (any) => {
        expect(decodeLeaf(encodeLeaf(any))).toEqual({ kind: 'leaf', leaf: any })
      }),
    )
  })

  it('is read from any part of a larger buffer, and from a plain Uint8Array', () => {
    const around = new Uint8Array([9, ...Buffer.from(golden, 'hex'), 9])
    expect(decodeLeaf(around.subarray(1, -1))).toEqual({ kind: 'leaf', leaf })
  })

  it('is read with its fields in another order and with a default written out', () => {
    const other = Buffer.concat([fields.commitment, fields.subject, fields.time, fields.kind, fields.index])
    expect(decodeLeaf(Buffer.concat([other, fields.version, number(6, 0)]))).toEqual({
      kind: 'leaf',
      leaf: { ...leaf, previous: 0n },
    })
  })

  it('keeps a kind that nobody knows, for the caller to judge', () => {
    expect(decodeLeaf(written({ kind: number(3, 99) }))).toEqual({ kind: 'leaf', leaf: { ...leaf, kind: 99 } })
  })

  it('passes over a field from 1000 on', () => {
    expect(decodeLeaf(written({}, delimited(1000, 'more'), number(70_000, 1)))).toEqual({ kind: 'leaf', leaf })
  })

  it.each([
    ['a field numbered 8', written({}, number(8, 1)), leaf],
    ['a field numbered 999', written({}, delimited(999, 'x')), leaf],
    ['version 2', written({ version: number(1, 2) }), { ...leaf, version: 2 }],
    ['no version', written({ version: Buffer.alloc(0) }), { ...leaf, version: 0 }],
  ])('with %s is not understood, and its place is told all the same', (_, bytes, expected) => {
    expect(decodeLeaf(bytes)).toMatchObject({ kind: 'not_understood', leaf: expected })
  })

  it.each([
    ['nothing in it', Buffer.alloc(0)],
    ['text instead of protobuf', Buffer.from('{"version":1}')],
    ['a subject of 31 bytes', written({ subject: delimited(5, subject.subarray(1)) })],
    ['no subject', written({ subject: Buffer.alloc(0) })],
    ['a commitment of 33 bytes', written({ commitment: delimited(7, payloadCommitment, 'x') })],
    ['an index of 2^63', written({ index: number(2, 2n ** 63n) })],
    ['a previous of 2^64 - 1', written({ previous: number(6, 2n ** 64n - 1n) })],
    ['a time of 2^53', written({ time: number(4, 2n ** 53n) })],
    ['a negative kind', written({ kind: number(3, -1) })],
    ['a kind of 2^31', written({ kind: number(3, 2 ** 31) })],
    ['a version of 2^32 + 1', written({ version: number(1, 2 ** 32 + 1) })],
    ['an index twice', written({}, number(2, 300))],
    ['a subject twice', written({}, fields.subject)],
    ['an index of the wrong wire type', written({ index: delimited(2, 'x') })],
    ['a subject of the wrong wire type', written({ subject: number(5, 1) })],
    ['a stretched number', written({ index: Buffer.concat([tag(2, 0), varint(300, 4)]) })],
    ['a stretched tag', written({ index: Buffer.concat([varint(16, 2), varint(300)]) })],
    ['a number of eleven bytes', written({ index: Buffer.concat([tag(2, 0), varint(300, 11)]) })],
    ['a number of 70 bits', written({ index: Buffer.from('10ffffffffffffffffff02', 'hex') })],
    [
      'a number of 70 bits in a field that is passed over',
      written({}, tag(1000, 0), Buffer.from('ffffffffffffffffff02', 'hex')),
    ],
    ['tag 0 and a rest behind it', written({}, Buffer.from([0, 1, 2, 3]))],
    ['a field numbered 0', written({}, Buffer.from([2, 0]))],
    ['an end-group tag and a rest behind it', written({}, Buffer.from([0x0c, 1, 2, 3]))],
    ['a group', written({}, tag(1000, 3), tag(1000, 4))],
    ['wire type 6', written({}, tag(1000, 6))],
    ['a field that is cut off', written().subarray(0, -1)],
    ['a tag without a value', written({}, tag(1000, 0))],
    ['an unknown fixed number cut off', written({}, tag(1000, 1), Buffer.alloc(7))],
    ['a length beyond its end', written({}, tag(1000, 2), varint(5), Buffer.alloc(4))],
    ['a length of 4 GiB', written({}, tag(1000, 2), varint(0xffff_ffff), Buffer.alloc(4))],
    ['more than 65535 bytes', written({}, delimited(1000, Buffer.alloc(largestLeafBytes)))],
  ])('with %s is unreadable', (_, bytes) => {
    expect(decodeLeaf(bytes)).toMatchObject({ kind: 'unreadable', why: expect.stringMatching(/./) })
  })

  it('is never read from fewer bytes than it has', () => {
    const whole = Buffer.from(golden, 'hex')
    for (let length = 0; length < whole.length; length++) {
      expect(decodeLeaf(whole.subarray(0, length)).kind).toBe('unreadable')
    }
  })

  it('answers any bytes with a value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(['leaf', 'not_understood', 'unreadable']).toContain(decodeLeaf(bytes).kind)
      }),
    )
  })

  it.each<[string, Partial<Leaf>]>([
    ['another version', { version: 2 }],
    ['a short subject', { subject: new Uint8Array(31) }],
    ['a long commitment', { payloadCommitment: new Uint8Array(33) }],
    ['kind 0', { kind: 0 }],
    ['a negative index', { index: -1n }],
    ['an index of 2^63', { index: 2n ** 63n }],
    ['a previous event after itself', { previous: 301n }],
    ['half a millisecond', { loggedAtMs: 0.5 }],
    ['a time before 1970', { loggedAtMs: -1 }],
  ])('with %s is not written', (_, wrong) => {
    expect(() => encodeLeaf({ ...leaf, ...wrong })).toThrow(RangeError)
  })
})
