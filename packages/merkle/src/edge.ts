import { maxPosition } from './strict-text.ts'
import { type Hash, hashSizeBytes, type TreeHash } from './tree-hash.ts'

/**
 * The growing right-hand edge of an RFC 6962 tree: all that must be kept of it in order to append and to know the root.
 * `hashes` are the roots of the perfect subtrees that `size` falls into, largest (leftmost) first, one for each bit set in `size`.
 */
export interface Edge {
  readonly size: bigint
  readonly hashes: readonly Hash[]
}

/** The edge of the tree without leaves. */
export const emptyEdge: Edge = { size: 0n, hashes: [] }

/** The edge after one more leaf; `edge` itself stays as it is. */
export function appendLeafHash(tree: TreeHash, edge: Edge, leafHash: Hash): Edge {
  return appendLeafHashes(tree, edge, [leafHash])
}

/**
 * The edge after these leaves, in one pass: about one node hash a leaf, and no edge in between.
 * @throws {RangeError} a hash is not 32 bytes, or the tree would grow past 2^63 − 1 leaves.
 */
export function appendLeafHashes(tree: TreeHash, edge: Edge, leafHashes: readonly Hash[]): Edge {
  const size = edge.size + BigInt(leafHashes.length)
  if (size > maxPosition) throw new RangeError('a tree holds at most 2^63 - 1 leaves')
  const hashes = [...edge.hashes]
  let position = edge.size
  for (const leafHash of leafHashes) {
    if (leafHash.length !== hashSizeBytes) throw new RangeError(`a leaf hash has ${leafHash.length} bytes, not 32`)
    let hash = leafHash
    for (let merges = trailingOnes(position); merges > 0; merges--) hash = tree.node(hashes.pop()!, hash)
    hashes.push(hash)
    position += 1n
  }
  return { size, hashes }
}

/** The root of the whole tree (RFC 6962 §2.1); `H("")` at size 0. */
export function edgeRoot(tree: TreeHash, edge: Edge): Hash {
  return edge.hashes.length === 0 ? tree.empty() : rootOfPeaks(tree, edge.hashes)
}

/** The root over these leaves: the same as appending them to nothing. */
export function rootOfLeafHashes(tree: TreeHash, leafHashes: readonly Hash[]): Hash {
  return edgeRoot(tree, appendLeafHashes(tree, emptyEdge, leafHashes))
}

/** The hash above neighbouring perfect subtrees, largest first: the smaller ones join before the larger. Not for an empty list. */
export function rootOfPeaks(tree: TreeHash, peaks: readonly Hash[]): Hash {
  return peaks.reduceRight((right, left) => tree.node(left, right))
}

/** An edge as bytes: the size as big-endian u64, then its hashes, largest subtree first. */
export function encodeEdge(edge: Edge): Uint8Array {
  const bytes = Buffer.alloc(sizeFieldBytes + edge.hashes.length * hashSizeBytes)
  bytes.writeBigUInt64BE(edge.size)
  for (const [at, hash] of edge.hashes.entries()) bytes.set(hash, sizeFieldBytes + at * hashSizeBytes)
  return bytes
}

/** The edge in these bytes; `undefined` unless they are exactly what `encodeEdge` writes for a size up to 2^63 − 1. */
export function decodeEdge(bytes: Uint8Array): Edge | undefined {
  if (bytes.length < sizeFieldBytes) return undefined
  const size = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigUInt64BE()
  const count = onesOf(size)
  if (size > maxPosition || bytes.length !== sizeFieldBytes + count * hashSizeBytes) return undefined
  const hashes = Array.from({ length: count }, (_, at) => {
    const start = sizeFieldBytes + at * hashSizeBytes
    return Uint8Array.from(bytes.subarray(start, start + hashSizeBytes))
  })
  return { size, hashes }
}

const sizeFieldBytes = 8

/** How many subtrees close when the leaf at `position` is appended. */
function trailingOnes(position: bigint): number {
  const low = Number(BigInt.asUintN(32, position))
  if (low === 0xffff_ffff) return 32 + trailingOnes(position >> 32n)
  return 31 - Math.clz32(~low & (low + 1))
}

function onesOf(size: bigint): number {
  let count = 0
  for (let rest = size; rest > 0n; rest &= rest - 1n) count++
  return count
}
