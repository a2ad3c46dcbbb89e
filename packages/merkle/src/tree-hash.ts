import { createHash, hash } from 'node:crypto'

/** A node of the tree: 32 bytes. */
export type Hash = Uint8Array

export const hashSizeBytes = 32

/**
 * How a log hashes its leaves and nodes (RFC 6962 §2.1). It is a property of the log, fixed by its origin when the log is
 * created and never negotiated (formats F1).
 */
export interface TreeHash {
  readonly name: 'SHA-256' | 'SM3'
  /** `H(0x00 ‖ leaf)` */
  leaf(leaf: Uint8Array): Hash
  /** `H(0x01 ‖ left ‖ right)`; throws where a side is not 32 bytes. */
  node(left: Hash, right: Hash): Hash
  /** `H("")`, the root of the tree without leaves. */
  empty(): Hash
}

/** The longest leaf a C2SP entry bundle can hold; longer ones are hashed too, by a slower way. */
const scratchLeafSizeBytes = 65_535

export const sha256Tree: TreeHash = treeHash('SHA-256', 'sha256')
export const sm3Tree: TreeHash = treeHash('SM3', 'sm3')

/** The tree hash of the log with this origin: SM3 where the origin's last part is `sm3`, SHA-256 for every other log. */
export function treeHashOfOrigin(origin: string): TreeHash {
  return origin.endsWith('/sm3') ? sm3Tree : sha256Tree
}

function treeHash(name: TreeHash['name'], algorithm: string): TreeHash {
  // One buffer for all calls: hashing is the whole cost of a leaf, and everything here runs to its end before another call begins.
  const scratch = Buffer.alloc(1 + scratchLeafSizeBytes)
  const nodeScratch = Buffer.alloc(1 + 2 * hashSizeBytes)
  nodeScratch[0] = 0x01
  const empty = hash(algorithm, '', 'buffer')

  return {
    name,
    leaf(leaf) {
      if (leaf.length > scratchLeafSizeBytes) return createHash(algorithm).update('\0').update(leaf).digest()
      scratch.set(leaf, 1)
      return digestOf(algorithm, scratch.subarray(0, 1 + leaf.length))
    },
    node(left, right) {
      if (left.length !== hashSizeBytes || right.length !== hashSizeBytes) {
        throw new RangeError(
          `a node joins two hashes of ${hashSizeBytes} bytes, got ${left.length} and ${right.length}`,
        )
      }
      nodeScratch.set(left, 1)
      nodeScratch.set(right, 1 + hashSizeBytes)
      return digestOf(algorithm, nodeScratch)
    },
    empty: () => Uint8Array.from(empty),
  }
}

/** By way of a text of one character for each byte: a digest asked for as a Buffer costs two to three times as much. */
function digestOf(algorithm: string, bytes: Uint8Array): Hash {
  return Buffer.from(hash(algorithm, bytes, 'binary'), 'latin1')
}
