import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../vectors/read.ts'
import { appendLeafHash, appendLeafHashes, decodeEdge, type Edge, edgeRoot, emptyEdge, encodeEdge } from './edge.ts'
import { sha256Tree, sm3Tree } from './tree-hash.ts'

const leafHashes = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => sha256Tree.leaf(Buffer.from(`leaf ${index}`)))

describe('a growing edge', () => {
  it('is the same whether leaves come one by one or in batches', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 12 }), (batches) => {
        const all = leafHashes(batches.reduce((sum, length) => sum + length, 0))
        let batched = emptyEdge
        let from = 0
        for (const length of batches) {
          batched = appendLeafHashes(sha256Tree, batched, all.slice(from, from + length))
          from += length
        }
        const single = all.reduce((edge: Edge, hash) => appendLeafHash(sha256Tree, edge, hash), emptyEdge)
        expect(toHex(encodeEdge(batched))).toBe(toHex(encodeEdge(single)))
      }),
    )
  })

  it('carries on across a position where 33 subtrees close at once', () => {
    const size = 2n ** 33n - 1n
    const full: Edge = { size, hashes: Array.from({ length: 33 }, (_, at) => sha256Tree.leaf(Uint8Array.of(at))) }
    const [leaf] = leafHashes(1)
    const root = full.hashes.reduceRight((right, left) => sha256Tree.node(left, right), leaf!)
    const grown = appendLeafHash(sha256Tree, full, leaf!)
    expect(grown.size).toBe(2n ** 33n)
    expect(grown.hashes.map(toHex)).toEqual([toHex(root)])
  })

  it('leaves the edge it grew from as it was', () => {
    const edge = appendLeafHashes(sha256Tree, emptyEdge, leafHashes(3))
    const before = toHex(encodeEdge(edge))
    appendLeafHashes(sha256Tree, edge, leafHashes(5))
    expect(toHex(encodeEdge(edge))).toBe(before)
  })

  it('refuses a leaf hash of another length and a tree past 2^63 - 1 leaves', () => {
    expect(() => appendLeafHash(sha256Tree, emptyEdge, new Uint8Array(31))).toThrow(RangeError)
    const largest = { size: 2n ** 63n - 1n, hashes: [] }
    expect(() => appendLeafHash(sha256Tree, largest, new Uint8Array(32))).toThrow(RangeError)
  })

  it('of size 0 has the hash of nothing as its root', () => {
    expect(toHex(edgeRoot(sha256Tree, emptyEdge))).toMatch(/^e3b0c44298fc1c14/)
    expect(toHex(edgeRoot(sm3Tree, emptyEdge))).toMatch(/^1ab21d8355cfa17f/)
  })
})

describe('an encoded edge', () => {
  it('is the size as big-endian u64 and the hashes, largest subtree first', () => {
    const edge = { size: 6n, hashes: [new Uint8Array(32).fill(0xaa), new Uint8Array(32).fill(0xbb)] }
    expect(toHex(encodeEdge(edge))).toBe(`0000000000000006${'aa'.repeat(32)}${'bb'.repeat(32)}`)
  })

  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.nat(600), (count) => {
        const edge = appendLeafHashes(sha256Tree, emptyEdge, leafHashes(count))
        const back = decodeEdge(encodeEdge(edge))
        expect(back?.size).toBe(edge.size)
        expect(back?.hashes.map(toHex)).toEqual(edge.hashes.map(toHex))
      }),
    )
  })

  it.each([
    ['no bytes', ''],
    ['seven bytes', '00000000000000'],
    ['a size without its hash', '0000000000000001'],
    ['a hash without its size', `0000000000000000${'aa'.repeat(32)}`],
    ['a byte too many', `0000000000000001${'aa'.repeat(33)}`],
    ['a byte too few', `0000000000000001${'aa'.repeat(31)}`],
    ['a hash too many', `0000000000000002${'aa'.repeat(64)}`],
    ['a size above 2^63 - 1', `8000000000000000${'aa'.repeat(32)}`],
  ])('with %s is none', (_, hex) => {
    expect(decodeEdge(fromHex(hex))).toBeUndefined()
  })
})
