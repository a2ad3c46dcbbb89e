import { type Edge, edgeRoot, sha256Tree } from '@hutong/merkle'
import { hubEdgeAfter, readHead, type Trust } from '@hutong/verify'
import type { LoggedRecord } from '@hutong/wire'
import type { UnreadableRecord } from './ports.ts'

/** So many records are read after a refused leaf to find the head that covers it; an honest hub signs one after at most 64 entries. */
const maxRecordsToCoveringHead = 4096

/**
 * The hub-signed head that covers a leaf the replay refused: reads on, hashing leaves and believing none, until a head of the size reached
 * comes. Undefined where none comes, or it names another root: then the leaf is not what the hub has signed.
 */
export async function findCoveringHead(
  trust: Trust,
  before: Edge,
  leaf: Uint8Array,
  rest: AsyncIterator<LoggedRecord | UnreadableRecord>,
): Promise<Uint8Array | undefined> {
  let edge = hubEdgeAfter(before, [leaf])
  for (let read = 0; read < maxRecordsToCoveringHead; read++) {
    const next = await rest.next()
    if (next.done || next.value.kind === 'unreadable') return undefined
    const record = next.value
    if (record.kind === 'entry') edge = hubEdgeAfter(edge, [record.leaf])
    if (record.kind !== 'head') continue
    const signed = readHead(trust, record.checkpoint, edge.size)
    if (signed.kind === 'refused') return undefined
    if (signed.checkpoint.size < edge.size) continue
    const covers =
      signed.checkpoint.size === edge.size && Buffer.compare(signed.checkpoint.root, edgeRoot(sha256Tree, edge)) === 0
    return covers ? record.checkpoint : undefined
  }
  return undefined
}
