import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hubLeafArbitrary } from './arbitraries.ts'
import { decodeHubLeaf, encodeHubLeaf, type HubLeaf } from './hub-leaf.ts'
import { delimited, number } from './wire-bytes.ts'

const root = Uint8Array.from({ length: 32 }, (_, at) => at)
const leaf: HubLeaf = {
  index: 7n,
  receivedAtMs: 1_795_507_200_123,
  entry: {
    kind: 'batch',
    origin: 'jjj.hutong.example/z/tianjin/1',
    oldSize: 300n,
    newSize: 301n,
    root,
    checkpoint: new TextEncoder().encode('note\n'),
  },
}

// Made by `buf convert --type hutong.v1.HubLeaf` from JSON.
const golden =
  '080710fbc0c6e4a0341a4f0a1e6a6a6a2e6875746f6e672e6578616d706c652f7a2f7469616e6a696e2f3110ac0218ad022220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2a056e6f74650a'

const batch = (oldSize: bigint, newSize: bigint, given: Uint8Array = root): Buffer =>
  delimited(3, number(2, oldSize), number(3, newSize), delimited(4, given))

describe('a leaf of H', () => {
  it('is written as the contract has it', () => {
    expect(Buffer.from(encodeHubLeaf(leaf)).toString('hex')).toBe(golden)
  })

  it('is read from the bytes that another implementation wrote', () => {
    expect(decodeHubLeaf(Buffer.from(golden, 'hex'))).toEqual({ kind: 'hub_leaf', leaf })
  })

  it('comes back as it went', () => {
    fc.assert(
      fc.property(hubLeafArbitrary, (any) => {
        expect(decodeHubLeaf(encodeHubLeaf(any))).toEqual({ kind: 'hub_leaf', leaf: any })
      }),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['an entry nobody knows', delimited(5, 'x')],
    ['a field numbered 999 in its batch', delimited(3, number(3, 1), delimited(4, root), number(999, 1))],
  ])('with %s is not understood', (_, bytes) => {
    expect(decodeHubLeaf(bytes).kind).toBe('not_understood')
  })

  it.each([
    ['a size that does not grow', batch(5n, 5n)],
    ['a size of 2^63', batch(5n, 2n ** 63n)],
    ['a root of 31 bytes', batch(5n, 6n, root.subarray(1))],
    ['two entries', Buffer.concat([batch(5n, 6n), delimited(4, delimited(2, root))])],
    ['a digest of 31 bytes', delimited(4, delimited(2, root.subarray(1)))],
    ['a time of 2^53', Buffer.concat([number(2, 2n ** 53n), batch(5n, 6n)])],
    ['an index of 2^63', Buffer.concat([number(1, 2n ** 63n), batch(5n, 6n)])],
    ['more than 65535 bytes', Buffer.concat([batch(5n, 6n), delimited(1000, Buffer.alloc(65_535))])],
  ])('with %s is unreadable', (_, bytes) => {
    expect(decodeHubLeaf(bytes).kind).toBe('unreadable')
  })

  it('that nobody would read is not written', () => {
    const entry = leaf.entry as Extract<HubLeaf['entry'], { kind: 'batch' }>
    expect(() => encodeHubLeaf({ ...leaf, entry: { ...entry, newSize: 300n } })).toThrow(RangeError)
    expect(() => encodeHubLeaf({ ...leaf, entry: { ...entry, root: new Uint8Array(3) } })).toThrow(RangeError)
    expect(() => encodeHubLeaf({ ...leaf, receivedAtMs: Number.NaN })).toThrow(RangeError)
  })
})
