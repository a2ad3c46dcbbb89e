import { keyFromIndex, type Store } from '@hutong/store'
import { type AcceptedBatch, decodeHubLeaf } from '@hutong/wire'
import { collections, DocumentDamagedError, decodeLeaves, firstKey, keptValue } from './documents.ts'

/** An accepted batch of a zone's log, found by that log's own numbering. */
export interface ZoneBatch {
  /** Its H index. */
  readonly position: bigint
  /** The bytes of its leaf of H. */
  readonly hubLeaf: Uint8Array
  readonly accepted: AcceptedBatch
}

/** Dead steps may have left marks above the truth; more of them than this before a true one is damage. */
const deadMarksMax = 64
/** Marks read at a time. */
const marksPerRead = 256

/** The batch that begins at `firstIndex` of the log `origin`, among the first `size` leaves of H. */
export async function batchFrom(
  store: Store,
  size: bigint,
  origin: string,
  firstIndex: bigint,
): Promise<ZoneBatch | undefined> {
  const mark = await store.get(collections.firsts, firstKey(origin, firstIndex))
  return mark === undefined ? undefined : zoneBatch(store, size, origin, firstIndex, positionOf(mark.value))
}

/** The batch that holds the leaf `index` of the log `origin`. */
export async function batchHolding(
  store: Store,
  size: bigint,
  origin: string,
  index: bigint,
): Promise<ZoneBatch | undefined> {
  const marks = await store.range(collections.firsts, {
    from: firstKey(origin, 0n),
    to: firstKey(origin, index + 1n),
    limit: deadMarksMax,
    reverse: true,
  })
  for (const { key, value } of marks) {
    const batch = await zoneBatch(store, size, origin, firstIndexOf(key), positionOf(value))
    if (batch !== undefined) return batch.accepted.newSize > index ? batch : undefined
  }
  return undefined
}

/** The leaves of one batch. @throws {DocumentDamagedError} they are not there. */
export async function leavesOf(store: Store, batch: ZoneBatch): Promise<readonly Uint8Array[]> {
  const key = keyFromIndex(batch.position)
  const leaves = decodeLeaves(keptValue(await store.get(collections.batches, key), collections.batches, key))
  if (BigInt(leaves.length) !== batch.accepted.newSize - batch.accepted.oldSize) {
    throw new DocumentDamagedError(`${collections.batches}/${key}`, `has ${leaves.length} leaves`)
  }
  return leaves
}

/**
 * The leaves of the log `origin` from `from` up to but not including `to`, which is at most what was accepted.
 * @throws {DocumentDamagedError} a batch in between cannot be found.
 */
export async function zoneLeaves(
  store: Store,
  size: bigint,
  origin: string,
  from: bigint,
  to: bigint,
): Promise<readonly Uint8Array[]> {
  const leaves: Uint8Array[] = []
  let batch = from < to ? await batchHolding(store, size, origin, from) : undefined
  let next = from
  let marks: ReadonlyMap<bigint, bigint> = new Map()
  while (next < to) {
    if (batch === undefined)
      throw new DocumentDamagedError(`${collections.firsts}/${origin}/${next}`, 'leads to no batch')
    const { oldSize, newSize } = batch.accepted
    const end = newSize < to ? newSize : to
    leaves.push(...(await leavesOf(store, batch)).slice(Number(next - oldSize), Number(end - oldSize)))
    next = end
    if (next === to) break
    if (!marks.has(next)) marks = await marksFrom(store, origin, next, to)
    const position = marks.get(next)
    batch = position === undefined ? undefined : await zoneBatch(store, size, origin, next, position)
  }
  return leaves
}

/** What a mark says is believed only where the leaf of H it names says the same. */
async function zoneBatch(
  store: Store,
  size: bigint,
  origin: string,
  firstIndex: bigint,
  position: bigint,
): Promise<ZoneBatch | undefined> {
  if (position >= size) return undefined
  const key = keyFromIndex(position)
  const hubLeaf = keptValue(await store.get(collections.leaves, key), collections.leaves, key)
  const decoded = decodeHubLeaf(hubLeaf)
  if (decoded.kind !== 'hub_leaf') throw new DocumentDamagedError(`${collections.leaves}/${key}`, decoded.why)
  const { entry } = decoded.leaf
  if (entry.kind !== 'batch' || entry.origin !== origin || entry.oldSize !== firstIndex) return undefined
  return { position, hubLeaf, accepted: entry }
}

async function marksFrom(store: Store, origin: string, from: bigint, to: bigint): Promise<ReadonlyMap<bigint, bigint>> {
  const marks = await store.range(collections.firsts, {
    from: firstKey(origin, from),
    to: firstKey(origin, to),
    limit: marksPerRead,
  })
  return new Map(marks.map(({ key, value }) => [firstIndexOf(key), positionOf(value)]))
}

/** A mark's value: the H index, decimal. */
export function markValue(position: bigint): Uint8Array {
  return Buffer.from(position.toString())
}

function positionOf(value: Uint8Array): bigint {
  return BigInt(Buffer.from(value).toString())
}

function firstIndexOf(key: string): bigint {
  return BigInt(key.slice(key.lastIndexOf('/') + 1))
}
