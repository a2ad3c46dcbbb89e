import { edgeRoot, formatVkey, type NoteSigner, sha256Tree } from '@hutong/merkle'
import { keyFromIndex, type Store } from '@hutong/store'
import { extendTrust, hubKeysAt, newestLogged, readHead, readZoneCheckpoint, type Trust } from '@hutong/verify'
import { decodeHubLeaf } from '@hutong/wire'
import { collections, DocumentDamagedError, keptValue, logPosition } from './documents.ts'
import type { LogState } from './log-state.ts'
import { HubNodes, hubTree } from './tree-nodes.ts'

/** What this hub was given to start with is not what its data says: another charter, other keys. Do not start. */
export class LogMismatchError extends Error {
  override readonly name = 'LogMismatchError'
}

/** Charters read at a time. */
const chartersPerRead = 64

/** Trust up to the committed size, out of the leaves; starts from charter 0 as given. @throws {LogMismatchError} leaf 0 has another. */
export async function readTrust(store: Store, size: bigint, first: Trust): Promise<Trust> {
  let trust = first
  let from = keyFromIndex(0n)
  while (size > 0n) {
    const charters = await store.range(collections.charters, { from, to: keyFromIndex(size), limit: chartersPerRead })
    for (const { key, value } of charters) trust = await withCharter(store, trust, key, value)
    if (charters.length < chartersPerRead) break
    from = keyFromIndex(BigInt(charters.at(-1)!.key) + 1n)
  }
  return trust
}

/**
 * Holds what a log says of itself against its own signatures and documents before it signs anything on top: the head against the edge,
 * each zone's checkpoint against its edge, the last leaf against the tree. One flipped bit here would end the log for ever.
 * @throws {DocumentDamagedError} it differs, and where.
 */
export async function checkLog(store: Store, state: LogState, trust: Trust): Promise<void> {
  const { edge, head, zones } = state
  if (edge.size === 0n) return
  const signed = readHead(trust, head)
  if (signed.kind === 'refused') throw new DocumentDamagedError(`${logPosition}: head`, signed.reason)
  const { checkpoint } = signed
  if (checkpoint.size !== edge.size || !sameBytes(checkpoint.root, edgeRoot(sha256Tree, edge))) {
    throw new DocumentDamagedError(`${logPosition}: edge`, 'is not that of the signed head')
  }
  for (const [origin, zone] of zones) {
    const place = `${logPosition}: ${origin}`
    const own = readZoneCheckpoint(trust, origin, zone.checkpoint, zone.position ?? 0n)
    if (own.kind === 'refused') throw new DocumentDamagedError(place, own.reason)
    if (own.checkpoint.size !== zone.edge.size || !sameBytes(own.checkpoint.root, edgeRoot(sha256Tree, zone.edge))) {
      throw new DocumentDamagedError(place, 'has an edge that is not that of its checkpoint')
    }
  }
  await checkLastLeaf(store, state)
}

/** @throws {LogMismatchError} the charter does not accept these signers for the next head, or asks for one more. */
export function checkSigners(trust: Trust, size: bigint, signers: readonly NoteSigner[]): void {
  const { keys, suite, origin } = hubKeysAt(trust, size)
  const accepted = new Set(keys.map(formatVkey))
  const stranger = signers.find((signer) => !accepted.has(formatVkey(signer.key)))
  if (stranger !== undefined) throw new LogMismatchError(`the charter accepts no key ${stranger.key.name} as given`)
  for (const wanted of [suite, 'Ed25519'] as const) {
    if (!signers.some((signer) => signer.key.publicKey.suite === wanted)) {
      throw new LogMismatchError(`the log ${origin} must be signed with ${wanted}, and no such key was given`)
    }
  }
}

async function withCharter(store: Store, trust: Trust, key: string, bytes: Uint8Array): Promise<Trust> {
  const leaf = decodeHubLeaf(keptValue(await store.get(collections.leaves, key), collections.leaves, key))
  // A charter that a dead step left under an index where a batch stands now.
  if (leaf.kind === 'hub_leaf' && leaf.leaf.entry.kind === 'batch') return trust
  if (leaf.kind !== 'hub_leaf' || leaf.leaf.entry.kind !== 'charter') {
    throw new DocumentDamagedError(`${collections.leaves}/${key}`, 'cannot be read')
  }
  const { number, sha256, note } = leaf.leaf.entry
  if (number === 0n) {
    if (sameBytes(sha256, newestLogged(trust).sha256)) return trust
    throw new LogMismatchError('leaf 0 has another charter 0 than the one given')
  }
  const next = extendTrust(trust, { position: BigInt(key), number, sha256, note, bytes })
  if ('kind' in next) throw new DocumentDamagedError(`${collections.charters}/${key}`, next.reason)
  return next
}

async function checkLastLeaf(store: Store, { edge }: LogState): Promise<void> {
  const last = edge.size - 1n
  const key = keyFromIndex(last)
  const leaf = keptValue(await store.get(collections.leaves, key), collections.leaves, key)
  const decoded = decodeHubLeaf(leaf)
  const [hash] = await new HubNodes(store).nodes([{ level: 0, index: last }])
  const stands = decoded.kind === 'hub_leaf' && decoded.leaf.index === last
  if (!stands || !sameBytes(sha256Tree.leaf(leaf), hash!)) {
    throw new DocumentDamagedError(`${collections.leaves}/${key}`, 'is not the leaf that was hashed')
  }
  const kept = await new HubNodes(store).edgeAt(edge.size)
  if (kept.hashes.some((node, at) => !sameBytes(node, edge.hashes[at]!))) {
    throw new DocumentDamagedError(`${collections.nodes}/${hubTree}`, 'does not come to the signed root')
  }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
