import { rootOfPeaks } from './edge.ts'
import { maxPosition, sameBytes } from './strict-text.ts'
import { type Hash, hashSizeBytes, type TreeHash } from './tree-hash.ts'

/** A perfect subtree of 2^`level` leaves, the `index`-th of its level from the left; level 0 are the leaf hashes. */
export interface NodeCoordinate {
  readonly level: number
  readonly index: bigint
}

/** Where proofs find the hashes of perfect subtrees: a store of nodes, or of tiles. */
export interface HashReader {
  /** The hashes in the order asked. Throws where one is absent. */
  nodes(coordinates: readonly NodeCoordinate[]): Promise<readonly Hash[]>
}

/**
 * The path from the leaf at `index` to the root of the first `size` leaves, the leaf's sibling first (RFC 6962 §2.1.1).
 * One call of the reader.
 * @throws {RangeError} `index` is not below `size`, or `size` is above 2^63 − 1.
 */
export function inclusionProof(tree: TreeHash, index: bigint, size: bigint, reader: HashReader): Promise<Hash[]> {
  if (index < 0n || index >= size || size > maxPosition) throw new RangeError(`no leaf ${index} in a tree of ${size}`)
  return readRanges(tree, reader, inclusionRanges(index, { start: 0n, end: size }))
}

/**
 * The hashes that show that the first `oldSize` leaves of the tree of `newSize` leaves are the tree of `oldSize` (RFC 6962 §2.1.2).
 * From 0 and from `newSize` itself there is nothing to show: no hashes.
 * @throws {RangeError} `oldSize` is above `newSize`, or `newSize` above 2^63 − 1.
 */
export function consistencyProof(
  tree: TreeHash,
  oldSize: bigint,
  newSize: bigint,
  reader: HashReader,
): Promise<Hash[]> {
  if (oldSize < 0n || oldSize > newSize || newSize > maxPosition) {
    throw new RangeError(`a tree does not grow from ${oldSize} to ${newSize}`)
  }
  return readRanges(tree, reader, consistencyRanges(oldSize, newSize))
}

/**
 * Whether `proof` leads from `leafHash` at `index` to `root` (RFC 9162 §2.1.3.2). It does not fix the size: only the signed
 * checkpoint ties size and root together.
 */
export function verifyInclusion(
  tree: TreeHash,
  index: bigint,
  size: bigint,
  leafHash: Hash,
  proof: readonly Hash[],
  root: Hash,
): boolean {
  if (index < 0n || index >= size || size > maxPosition) return false
  if (![leafHash, root, ...proof].every((hash) => hash.length === hashSizeBytes)) return false
  let node = index
  let last = size - 1n
  let hash = leafHash
  for (const sibling of proof) {
    if (last === 0n) return false
    if (isOdd(node) || node === last) {
      hash = tree.node(sibling, hash)
      // On the right edge the levels at which the node has no sibling add nothing to the path.
      while (!isOdd(node) && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      hash = tree.node(hash, sibling)
    }
    node >>= 1n
    last >>= 1n
  }
  return last === 0n && sameBytes(hash, root)
}

/**
 * Whether the tree with `newRoot` at `newSize` begins with the one with `oldRoot` at `oldSize` (RFC 9162 §2.1.4.2). From size 0
 * the proof is empty and the old root the hash of nothing; from equal sizes it is empty and the roots are the same.
 */
export function verifyConsistency(
  tree: TreeHash,
  oldSize: bigint,
  newSize: bigint,
  oldRoot: Hash,
  newRoot: Hash,
  proof: readonly Hash[],
): boolean {
  if (oldSize < 0n || oldSize > newSize || newSize > maxPosition) return false
  if (![oldRoot, newRoot, ...proof].every((hash) => hash.length === hashSizeBytes)) return false
  if (oldSize === newSize) return proof.length === 0 && sameBytes(oldRoot, newRoot)
  if (oldSize === 0n) return proof.length === 0 && sameBytes(oldRoot, tree.empty())

  // A perfect old tree is its own first hash: the prover leaves it out.
  const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...proof] : proof
  const [first, ...rest] = path
  if (first === undefined) return false
  let node = oldSize - 1n
  let last = newSize - 1n
  while (isOdd(node)) {
    node >>= 1n
    last >>= 1n
  }
  let oldHash = first
  let newHash = first
  for (const sibling of rest) {
    if (last === 0n) return false
    if (isOdd(node) || node === last) {
      oldHash = tree.node(sibling, oldHash)
      newHash = tree.node(sibling, newHash)
      while (!isOdd(node) && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      newHash = tree.node(newHash, sibling)
    }
    node >>= 1n
    last >>= 1n
  }
  return last === 0n && sameBytes(oldHash, oldRoot) && sameBytes(newHash, newRoot)
}

/** A reader over leaf hashes held in memory; it sees the leaves as they were when it was made. */
export function hashReaderOfLeaves(tree: TreeHash, leafHashes: readonly Hash[]): HashReader {
  const levels: (readonly Hash[])[] = [[...leafHashes]]
  for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
    levels.push(Array.from({ length: below.length >> 1 }, (_, at) => tree.node(below[2 * at]!, below[2 * at + 1]!)))
  }
  return {
    async nodes(coordinates) {
      return coordinates.map(({ level, index }) => {
        const hash = levels[level]?.[Number(index)]
        if (hash === undefined)
          throw new RangeError(`no node ${index} at level ${level} over ${leafHashes.length} leaves`)
        return hash
      })
    },
  }
}

/** Leaves from `start` up to but not including `end`: a node of the tree, perfect or at the right edge. */
interface LeafRange {
  readonly start: bigint
  readonly end: bigint
}

function inclusionRanges(index: bigint, whole: LeafRange): LeafRange[] {
  const ranges: LeafRange[] = []
  let { start, end } = whole
  while (end - start > 1n) {
    const middle = start + largestPowerBelow(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.reverse()
}

function consistencyRanges(oldSize: bigint, newSize: bigint): LeafRange[] {
  if (oldSize === 0n || oldSize === newSize) return []
  const ranges: LeafRange[] = []
  let start = 0n
  let end = newSize
  while (end !== oldSize) {
    const middle = start + largestPowerBelow(end - start)
    if (oldSize <= middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  // The verifier holds the old root: where it is this very node, it is not sent.
  if (start !== 0n) ranges.push({ start, end })
  return ranges.reverse()
}

async function readRanges(tree: TreeHash, reader: HashReader, ranges: readonly LeafRange[]): Promise<Hash[]> {
  const parts = ranges.map(perfectSubtrees)
  const hashes = await reader.nodes(parts.flat())
  let from = 0
  return parts.map((part) => {
    const peaks = hashes.slice(from, from + part.length)
    from += part.length
    return rootOfPeaks(tree, peaks)
  })
}

/** The perfect subtrees a node falls into, largest first. `start` is a multiple of the power of two at or above the width. */
function perfectSubtrees({ start, end }: LeafRange): NodeCoordinate[] {
  const coordinates: NodeCoordinate[] = []
  for (let at = start; at < end; ) {
    const level = bitLength(end - at) - 1
    coordinates.push({ level, index: at >> BigInt(level) })
    at += 1n << BigInt(level)
  }
  return coordinates
}

/** The largest power of two smaller than `width`, which is at least 2. */
function largestPowerBelow(width: bigint): bigint {
  return 1n << BigInt(bitLength(width - 1n) - 1)
}

function bitLength(value: bigint): number {
  return value.toString(2).length
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n
}
