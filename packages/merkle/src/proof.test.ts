import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countVerdicts, fromHex, readVectors, toHex, type VectorCase, vectorCounts } from '../vectors/read.ts'
import { appendLeafHashes, edgeRoot, emptyEdge, rootOfLeafHashes } from './edge.ts'
import { consistencyProof, hashReaderOfLeaves, inclusionProof, verifyConsistency, verifyInclusion } from './proof.ts'
import { type Hash, sha256Tree, sm3Tree, type TreeHash } from './tree-hash.ts'

interface InclusionCase extends VectorCase {
  readonly index: number
  readonly size: number
  readonly leaf_hash: string
  readonly root: string
  readonly proof: readonly string[]
}
interface ConsistencyCase extends VectorCase {
  readonly old_size: number
  readonly new_size: number
  readonly old_root: string
  readonly new_root: string
  readonly proof: readonly string[]
}
interface Proofs {
  readonly inclusion: readonly InclusionCase[]
  readonly consistency: readonly ConsistencyCase[]
}
interface HashVectors extends Proofs {
  readonly leaf_hashes: readonly string[]
  readonly roots: readonly string[]
  readonly big: readonly (Proofs & { readonly size: number; readonly root: string })[]
}
interface TreeVectors {
  readonly big_prefix: string
  readonly leaves: readonly string[]
  readonly sha256: HashVectors
  readonly sm3: HashVectors
}

const vectors = readVectors<TreeVectors>('tree.json')
const suites: readonly [TreeHash, HashVectors][] = [
  [sha256Tree, vectors.sha256],
  [sm3Tree, vectors.sm3],
]

const accepts = (holds: boolean): string => (holds ? 'accept' : 'reject')
const checkInclusion = (tree: TreeHash, one: InclusionCase): boolean =>
  verifyInclusion(
    tree,
    BigInt(one.index),
    BigInt(one.size),
    fromHex(one.leaf_hash),
    one.proof.map(fromHex),
    fromHex(one.root),
  )
const checkConsistency = (tree: TreeHash, one: ConsistencyCase): boolean =>
  verifyConsistency(
    tree,
    BigInt(one.old_size),
    BigInt(one.new_size),
    fromHex(one.old_root),
    fromHex(one.new_root),
    one.proof.map(fromHex),
  )

describe.each(suites.map(([tree, group]) => ({ name: tree.name, tree, group })))(
  'the tree over $name',
  ({ tree, group }) => {
    it('hashes leaves and roots of every size as other implementations do', () => {
      const leafHashes = vectors.leaves.map((leaf) => tree.leaf(fromHex(leaf)))
      expect(leafHashes.map(toHex)).toEqual(group.leaf_hashes)
      const roots = group.roots.map((_, size) => toHex(rootOfLeafHashes(tree, leafHashes.slice(0, size))))
      expect(roots).toEqual(group.roots)
    })

    it('decides every proof as other implementations do', () => {
      const inclusion = [group, ...group.big].flatMap((part) => part.inclusion)
      const consistency = [group, ...group.big].flatMap((part) => part.consistency)
      const wrong = [
        ...inclusion.filter((one) => accepts(checkInclusion(tree, one)) !== one.expect),
        ...consistency.filter((one) => accepts(checkConsistency(tree, one)) !== one.expect),
      ]
      expect(wrong.map((one) => one.id)).toEqual([])
    })

    it('makes the very proofs that other implementations make', async () => {
      const reader = hashReaderOfLeaves(tree, group.leaf_hashes.map(fromHex))
      let made = 0
      for (const one of group.inclusion.filter((each) => each.id.endsWith('-ok'))) {
        const proof = await inclusionProof(tree, BigInt(one.index), BigInt(one.size), reader)
        expect(proof.map(toHex), one.id).toEqual(one.proof)
        made++
      }
      for (const one of group.consistency.filter((each) => each.expect === 'accept')) {
        const proof = await consistencyProof(tree, BigInt(one.old_size), BigInt(one.new_size), reader)
        expect(proof.map(toHex), one.id).toEqual(one.proof)
        made++
      }
      expect(made).toBeGreaterThan(100)
    })

    it('makes them in large trees too', async () => {
      for (const big of group.big) {
        const leafHashes = Array.from({ length: big.size }, (_, i) =>
          tree.leaf(Buffer.from(`${vectors.big_prefix}${i}`)),
        )
        expect(toHex(rootOfLeafHashes(tree, leafHashes))).toBe(big.root)
        const reader = hashReaderOfLeaves(tree, leafHashes)
        for (const one of big.inclusion) {
          expect((await inclusionProof(tree, BigInt(one.index), BigInt(one.size), reader)).map(toHex)).toEqual(
            one.proof,
          )
        }
        for (const one of big.consistency) {
          const proof = await consistencyProof(tree, BigInt(one.old_size), BigInt(one.new_size), reader)
          expect(proof.map(toHex)).toEqual(one.proof)
        }
      }
    })
  },
)

it('no proof of tree.json was skipped', () => {
  const groups = suites.flatMap(([, group]) => [group, ...group.big])
  expect(countVerdicts(groups.flatMap((part) => [...part.inclusion, ...part.consistency]))).toEqual(
    vectorCounts('tree.json'),
  )
})

describe('proofs made here', () => {
  const hashes: Hash[] = Array.from({ length: 300 }, (_, i) => sha256Tree.leaf(Buffer.from(`leaf ${i}`)))
  const reader = hashReaderOfLeaves(sha256Tree, hashes)
  const rootAt = (size: number): Hash =>
    edgeRoot(sha256Tree, appendLeafHashes(sha256Tree, emptyEdge, hashes.slice(0, size)))
  const sizes = fc.integer({ min: 1, max: hashes.length })

  it('verify, and fail with one bit changed anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, leaf, bit) => {
        const index = leaf % size
        const proof = await inclusionProof(sha256Tree, BigInt(index), BigInt(size), reader)
        const verify = (path: readonly Hash[]): boolean =>
          verifyInclusion(sha256Tree, BigInt(index), BigInt(size), hashes[index]!, path, rootAt(size))
        expect(verify(proof)).toBe(true)
        expect(verify([...proof, hashes[0]!])).toBe(false)
        if (proof.length === 0) return
        expect(verify(proof.slice(1))).toBe(false)
        expect(verify(flipBit(proof, bit))).toBe(false)
      }),
    )
  })

  it('of consistency verify, and fail with one bit changed anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (newSize, old, bit) => {
        const oldSize = 1 + (old % newSize)
        const proof = await consistencyProof(sha256Tree, BigInt(oldSize), BigInt(newSize), reader)
        const verify = (path: readonly Hash[], oldRoot = rootAt(oldSize), newRoot = rootAt(newSize)): boolean =>
          verifyConsistency(sha256Tree, BigInt(oldSize), BigInt(newSize), oldRoot, newRoot, path)
        expect(verify(proof)).toBe(true)
        expect(verify(proof, flipBit([rootAt(oldSize)], bit)[0])).toBe(false)
        expect(verify(proof, rootAt(oldSize), flipBit([rootAt(newSize)], bit)[0])).toBe(false)
        expect(verify([...proof, hashes[0]!])).toBe(false)
        if (proof.length > 0) expect(verify(flipBit(proof, bit))).toBe(false)
      }),
    )
  })

  it('are not made for a leaf or a size that is not there', async () => {
    expect(() => inclusionProof(sha256Tree, 5n, 5n, reader)).toThrow(RangeError)
    expect(() => inclusionProof(sha256Tree, -1n, 5n, reader)).toThrow(RangeError)
    expect(() => consistencyProof(sha256Tree, 6n, 5n, reader)).toThrow(RangeError)
    await expect(inclusionProof(sha256Tree, 0n, 301n, reader)).rejects.toThrow(RangeError)
  })

  it('are refused with positions out of range or hashes of another length', () => {
    const root = rootAt(1)
    expect(verifyInclusion(sha256Tree, 0n, 1n, hashes[0]!, [], root)).toBe(true)
    expect(verifyInclusion(sha256Tree, -1n, 1n, hashes[0]!, [], root)).toBe(false)
    expect(verifyInclusion(sha256Tree, 1n, 1n, hashes[0]!, [], root)).toBe(false)
    expect(verifyInclusion(sha256Tree, 0n, 2n, hashes[0]!, [new Uint8Array(31)], root)).toBe(false)
    expect(verifyConsistency(sha256Tree, 0n, 1n, sha256Tree.empty(), root, [])).toBe(true)
    expect(verifyConsistency(sha256Tree, 0n, 1n, root, root, [])).toBe(false)
    expect(verifyConsistency(sha256Tree, -1n, 1n, root, root, [])).toBe(false)
    expect(verifyConsistency(sha256Tree, 1n, 0n, root, root, [])).toBe(false)
    expect(verifyConsistency(sha256Tree, 1n, 2n, root, root, [new Uint8Array(33)])).toBe(false)
  })
})

function flipBit(path: readonly Hash[], seed: number): Hash[] {
  const copy = path.map((hash) => Uint8Array.from(hash))
  const bit = seed % (copy.length * 256)
  copy[bit >> 8]![(bit & 255) >> 3]! ^= 1 << (bit & 7)
  return copy
}
