import { type Edge, type Hash, type HashReader, type NodeCoordinate, sha256Tree } from '@hutong/merkle'
import { type Document, keyFromIndex, type Store } from '@hutong/store'
import { collections, DocumentDamagedError } from './documents.ts'

/** The name under which the nodes of H are kept; those of a zone's log lie under its origin. */
export const hubTree = 'h'

/** A perfect subtree that closed while a tree grew. */
export interface ClosedNode extends NodeCoordinate {
  readonly hash: Hash
}

/** A tree after these leaves, and the perfect subtrees from `leastLevel` on that closed on the way. */
export function growEdge(
  edge: Edge,
  leafHashes: readonly Hash[],
  leastLevel: number,
): { readonly edge: Edge; readonly closed: readonly ClosedNode[] } {
  const hashes = [...edge.hashes]
  const closed: ClosedNode[] = []
  let position = edge.size
  for (const leafHash of leafHashes) {
    let hash = leafHash
    let level = 0
    if (leastLevel === 0) closed.push({ level, index: position, hash })
    for (let rest = position; (rest & 1n) === 1n; rest >>= 1n) {
      hash = sha256Tree.node(hashes.pop()!, hash)
      level++
      if (level >= leastLevel) closed.push({ level, index: rest >> 1n, hash })
    }
    hashes.push(hash)
    position += 1n
  }
  return { edge: { size: position, hashes }, closed }
}

export function nodeDocument(tree: string, node: ClosedNode, term: bigint): Document {
  return { collection: collections.nodes, key: nodeKey(tree, node), term, value: node.hash }
}

/** Nodes of H held in memory at most: the right-hand edge of every tree that an answer needs, many times over. */
const keptNodesMax = 16_384

/**
 * The nodes of H for proofs and roots of earlier sizes. What was committed last is held in memory, the rest is read.
 * Ask only for nodes of leaves below the committed size: what lies above is a dead step's.
 */
export class HubNodes implements HashReader {
  readonly #store: Store
  readonly #kept = new Map<string, Hash>()

  constructor(store: Store) {
    this.#store = store
  }

  keep(nodes: readonly ClosedNode[]): void {
    for (const node of nodes) this.#kept.set(nodeKey(hubTree, node), node.hash)
    for (const key of this.#kept.keys()) {
      if (this.#kept.size <= keptNodesMax) break
      this.#kept.delete(key)
    }
  }

  async nodes(coordinates: readonly NodeCoordinate[]): Promise<readonly Hash[]> {
    const keys = coordinates.map((node) => nodeKey(hubTree, node))
    const missing = keys.filter((key) => !this.#kept.has(key))
    const read = missing.length === 0 ? undefined : await this.#store.getMany(collections.nodes, missing)
    return keys.map((key) => this.#kept.get(key) ?? hashOf(read?.get(key), key))
  }

  /** The edge of H when it had `size` leaves; `size` is at most the committed one. */
  async edgeAt(size: bigint): Promise<Edge> {
    return { size, hashes: await this.nodes(peaksOf(size)) }
  }
}

/** The perfect subtrees that a tree of `size` leaves falls into, largest first. */
function peaksOf(size: bigint): readonly NodeCoordinate[] {
  const peaks: NodeCoordinate[] = []
  let start = 0n
  for (let level = size.toString(2).length - 1; level >= 0; level--) {
    const width = 1n << BigInt(level)
    if ((size & width) === 0n) continue
    peaks.push({ level, index: start >> BigInt(level) })
    start += width
  }
  return peaks
}

/** Zone logs keep nodes from this level on: those below are hashed again from at most 256 leaves. */
export const zoneNodesLeastLevel = 8

/** The nodes of a zone's log; leaves come from `leavesBetween`, which answers exactly those from `from` to before `to`. */
export function zoneNodes(
  store: Store,
  origin: string,
  leavesBetween: (from: bigint, to: bigint) => Promise<readonly Uint8Array[]>,
): HashReader {
  const bySpan = new Map<bigint, Promise<readonly Hash[]>>()
  const spanHashes = (span: bigint, to: bigint): Promise<readonly Hash[]> => {
    const from = span << BigInt(zoneNodesLeastLevel)
    const hashes =
      bySpan.get(span) ?? leavesBetween(from, to).then((leaves) => leaves.map((leaf) => sha256Tree.leaf(leaf)))
    bySpan.set(span, hashes)
    return hashes
  }
  return {
    async nodes(coordinates) {
      const high = coordinates.filter(({ level }) => level >= zoneNodesLeastLevel).map((node) => nodeKey(origin, node))
      const kept = await store.getMany(collections.nodes, high)
      const ends = lowEnds(coordinates)
      return Promise.all(
        coordinates.map(async (node) => {
          const { level, index } = node
          if (level >= zoneNodesLeastLevel) return hashOf(kept.get(nodeKey(origin, node)), nodeKey(origin, node))
          const span = (index << BigInt(level)) >> BigInt(zoneNodesLeastLevel)
          const hashes = await spanHashes(span, ends.get(span)!)
          const from = Number((index << BigInt(level)) - (span << BigInt(zoneNodesLeastLevel)))
          return growEdge({ size: 0n, hashes: [] }, hashes.slice(from, from + 2 ** level), 64).edge.hashes[0]!
        }),
      )
    },
  }
}

/** For each span of 256 leaves that low nodes lie in, the end of the last of them. */
function lowEnds(coordinates: readonly NodeCoordinate[]): ReadonlyMap<bigint, bigint> {
  const ends = new Map<bigint, bigint>()
  for (const { level, index } of coordinates) {
    if (level >= zoneNodesLeastLevel) continue
    const span = (index << BigInt(level)) >> BigInt(zoneNodesLeastLevel)
    const end = (index + 1n) * 2n ** BigInt(level)
    if (end > (ends.get(span) ?? 0n)) ends.set(span, end)
  }
  return ends
}

function nodeKey(tree: string, { level, index }: NodeCoordinate): string {
  return `${tree}/${level.toString().padStart(2, '0')}/${keyFromIndex(index)}`
}

function hashOf(document: Document | undefined, key: string): Hash {
  if (document === undefined) throw new DocumentDamagedError(`${collections.nodes}/${key}`, 'is missing')
  return document.value
}
