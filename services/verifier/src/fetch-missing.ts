import { setTimeout as delay } from 'node:timers/promises'
import { keyFromIndex, type Store } from '@hutong/store'
import { type ReadEvent, readEvent } from '@hutong/verify'
import type { EntryRecord } from '@hutong/wire'
import { collections, decodeKeptEvent, decodeKeptLeaf, needsPayload, openingPlace } from './documents.ts'
import type { Follower } from './follower.ts'
import type { Hub } from './peers.ts'
import type { VerifierSettings } from './settings.ts'

/** Leaves of H asked for in one round. */
const leavesPerRound = 16
/** Marks looked at in one round. */
const marksPerRound = 256

/** What fetching needs. */
export interface FetchMissing {
  readonly store: Store
  readonly follower: Follower
  readonly hub: Hub
  readonly settings: Pick<VerifierSettings, 'initialMissingRetryMs' | 'maxMissingRetryMs'>
  readonly tell: (fact: string, details: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
}

/**
 * Asks the hub again for payloads that are missing or do not open their commitments, until `signal` aborts; the wait grows while none
 * comes. A payload is taken only where it opens the commitment in the leaf that is kept.
 */
export async function fetchMissing(work: FetchMissing): Promise<void> {
  const { settings, signal, tell } = work
  let waitMs = settings.initialMissingRetryMs
  while (!signal.aborted) {
    await delay(waitMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      const round = await fetchRound(work)
      if (round.found > 0) tell('missing payloads have come', { events: round.found })
      waitMs = round.found > 0 || round.missing === 0 ? settings.initialMissingRetryMs : longer(waitMs, work)
    } catch (error) {
      if (signal.aborted) return
      if (waitMs < settings.maxMissingRetryMs) tell('missing payloads could not be asked for', { err: error })
      waitMs = longer(waitMs, work)
    }
  }
}

function longer(waitMs: number, { settings }: FetchMissing): number {
  return Math.min(waitMs * 2, settings.maxMissingRetryMs)
}

async function fetchRound(work: FetchMissing): Promise<{ readonly missing: number; readonly found: number }> {
  const { store, follower, hub, signal } = work
  const position = keyFromIndex(follower.view.state.position)
  const marks = await store.range(collections.missing, { to: position, limit: marksPerRound })
  const indexes = [...new Set(marks.map(({ key }) => BigInt(key.slice(0, key.indexOf('/')))))].slice(0, leavesPerRound)
  let found = 0
  for (const index of indexes) {
    const record = await firstRecord(hub.read(index, false, signal))
    const events = record === undefined || record.index !== index ? [] : await fillable(store, record)
    if (events.length > 0 && !follower.lost) await follower.fill(events)
    found += events.length
  }
  return { missing: marks.length, found }
}

async function firstRecord(records: ReturnType<Hub['read']>): Promise<EntryRecord | undefined> {
  for await (const record of records) return record?.kind === 'entry' ? record : undefined
  return undefined
}

/** Events kept without a payload that opens their commitment, with the one that the hub gave now. */
async function fillable(store: Store, record: EntryRecord): Promise<readonly ReadEvent[]> {
  const { zone, leaves } = decodeKeptLeaf(await store.get(collections.leaves, keyFromIndex(record.index)), record.index)
  const filled: ReadEvent[] = []
  for (const [place, entry] of record.entries.entries()) {
    const leaf = leaves[place]
    if (leaf === undefined || entry.payload.length === 0) continue
    const { collection, key } = openingPlace(zone, leaf, record.index, place)
    const document = collection === collections.events ? await store.get(collection, key) : undefined
    if (document === undefined) continue
    const kept = decodeKeptEvent(document)
    const before = readEvent(kept)
    const after = readEvent({ ...kept, salt: entry.salt, payload: entry.payload })
    if (before !== undefined && after !== undefined && needsPayload(before) && !needsPayload(after)) filled.push(after)
  }
  return filled
}

/** Event ids whose payload is missing here; at most `limit`. */
export async function missingPayloads(store: Store, position: bigint, limit: number): Promise<readonly string[]> {
  const marks = await store.range(collections.missing, { to: keyFromIndex(position), limit })
  const ids: string[] = []
  for (const { key } of marks) {
    const [index = '', place = ''] = key.split('/')
    const { zone, leaves } = decodeKeptLeaf(await store.get(collections.leaves, index), BigInt(index))
    const leaf = leaves[Number(place)]
    if (leaf === undefined) continue
    const where = openingPlace(zone, leaf, BigInt(index), Number(place))
    const document = await store.get(where.collection, where.key)
    if (document === undefined) continue
    const kept = decodeKeptEvent(document)
    ids.push(`${kept.origin}/${kept.index}`)
  }
  return ids
}
