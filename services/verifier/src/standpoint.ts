import { type AsOf, isRefusal, type Refusal, refusal } from '@hutong/licence'
import { keyFromIndex, type Store } from '@hutong/store'
import { type Knowledge, knowledgeAsOf, newestLeafMs } from '@hutong/verify'
import { decodeHubLeaf } from '@hutong/wire'
import { collections, DocumentDamagedError, decodeKeptLeaf } from './documents.ts'
import type { Copy } from './subjects.ts'
import type { View } from './view.ts'

/** Where a question is answered from: the copy as it was then, and what is known about it. */
export interface Standpoint {
  readonly copy: Copy
  readonly knowledge: Knowledge
}

/** About now: everything applied. Undefined before leaf 0. */
export function standpointNow(store: Store, view: View, nowMs: number): Standpoint | undefined {
  const { state, leaves, cosigned, fault } = view
  const { trust, position } = state
  if (trust === undefined) return undefined
  return {
    copy: { store, position, trust },
    knowledge: {
      kind: 'now',
      trust,
      position,
      nowMs,
      cosigned,
      newestLeafMs: (zone) => newestLeafMs(leaves, trust, position, zone),
      hubFault: fault?.code,
    },
  }
}

/**
 * As of a position or time (domain, "As of"). Refused: NOT_YET beyond the newest cosigned head held, and for a time at or after that of
 * its last leaf, since leaves of the same time may follow; BEFORE_FIRST_LEAF.
 * @throws {DocumentDamagedError} a leaf of H cannot be read. @throws what the store throws.
 */
export async function standpointAsOf(store: Store, view: View, asOf: AsOf): Promise<Standpoint | Refusal> {
  const { trust } = view.state
  const size = view.cosigned?.checkpoint.size ?? 0n
  if (trust === undefined || size === 0n) return refusal('NOT_YET', { field: 'as_of' })
  const position = asOf.kind === 'position' ? asOf.position : await positionAtTime(store, size, asOf.timeMs)
  if (isRefusal(position)) return position
  if (position > size) return refusal('NOT_YET', { field: 'as_of', expected: `a position up to ${size}` })
  if (position === 0n) return refusal('BEFORE_FIRST_LEAF', { field: 'as_of' })
  const receivedAtMs = await receivedAt(store, position - 1n)
  const knowledge = knowledgeAsOf({ asOf, position, receivedAtMs, trust, hubFault: view.fault?.code })
  return { copy: { store, position, trust: knowledge.trust }, knowledge }
}

/** How many of the first `size` leaves of H the hub had received by a time; its clock never falls from one leaf to the next. */
async function positionAtTime(store: Store, size: bigint, timeMs: number): Promise<bigint | Refusal> {
  if (timeMs >= (await receivedAt(store, size - 1n))) {
    return refusal('NOT_YET', {
      field: 'as_of',
      expected: 'a time before that of the newest leaf under a cosigned head',
    })
  }
  let from = 0n
  let to = size - 1n
  while (from < to) {
    const middle = (from + to) / 2n
    if ((await receivedAt(store, middle)) <= timeMs) from = middle + 1n
    else to = middle
  }
  return from
}

/** The hub's clock at a leaf of H, milliseconds since 1970. */
async function receivedAt(store: Store, index: bigint): Promise<number> {
  const { hubLeaf } = decodeKeptLeaf(await store.get(collections.leaves, keyFromIndex(index)), index)
  const decoded = decodeHubLeaf(hubLeaf)
  if (decoded.kind === 'hub_leaf' && decoded.leaf.index === index) return decoded.leaf.receivedAtMs
  throw new DocumentDamagedError(`${collections.leaves}/${keyFromIndex(index)}`, 'holds no leaf of H')
}
