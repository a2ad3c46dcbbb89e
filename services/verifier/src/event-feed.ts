import { setImmediate } from 'node:timers/promises'
import { isInformative } from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { keyFromIndex, type Store } from '@hutong/store'
import type { ReadEvent, Trust } from '@hutong/verify'
import { decodeHubLeaf, decodeLeaf } from '@hutong/wire'
import { cloudEventOf, type EventPlace, type Told } from './cloud-event.ts'
import { collections, DocumentDamagedError, decodeKeptLeaf, eventKey, type KeptLeaf } from './documents.ts'
import { foldSubjectEvents, readDocuments, readSubject } from './subjects.ts'
import type { View } from './view.ts'

/** Events in one page at most: as many as a batch has. */
export const pageEventsMax = 256

/** Where a page ends. */
export interface PageBounds {
  readonly eventsMax: number
  /** Bytes of JSON; one event always fits. */
  readonly bytesMax: number
  /** Leaves of H looked at: heartbeats alone fill no page. */
  readonly leavesMax: number
}

const pageBounds: PageBounds = { eventsMax: pageEventsMax, bytesMax: 2 * 1024 * 1024, leavesMax: 1_024 }

/** Events folded, and leaves looked at, before others get their turn. */
const eventsPerTurn = 16
const leavesPerTurn = 64

/** How far a reader has come: all of the first `position` leaves of H, and `places` leaves of the batch at that index. */
export interface FeedCursor {
  readonly position: bigint
  readonly places: number
}

/** Part of the feed. */
export interface FeedPage {
  /** CloudEvents as JSON texts, in the order of H. */
  readonly events: readonly string[]
  /** Where the next page begins. */
  readonly next: FeedCursor
  /** Whether everything that this copy has applied was looked at. */
  readonly atEnd: boolean
}

/** A cursor as text: `N`, or `N.P` between two events of one batch. */
export function cursorToText({ position, places }: FeedCursor): string {
  return places === 0 ? `${position}` : `${position}.${places}`
}

/** The cursor in a text of the form `N` or `N.P`; its caller has checked the form. */
export function cursorFromText(text: string): FeedCursor {
  const [position = '', places = '0'] = text.split('.')
  return { position: BigInt(position), places: Number(places) }
}

/**
 * The events of all zones that this copy has verified, from the cursor on, each once and in the order of H, with the state after it.
 * Kinds from 128 on (heartbeats) are no news and left out. What an event says of itself is judged by what is known now.
 *
 * @throws what the store throws; {DocumentDamagedError} a leaf of H is missing here.
 */
export async function readFeed(
  store: Store,
  view: View,
  from: FeedCursor,
  bounds: Partial<PageBounds> = {},
): Promise<FeedPage> {
  const { eventsMax, bytesMax, leavesMax } = { ...pageBounds, ...bounds }
  const { trust, position: end } = view.state
  const events: string[] = []
  let { position, places } = from
  if (trust === undefined) return { events, next: from, atEnd: true }
  let bytes = 0
  for (let leaves = 0; position < end && leaves < leavesMax; leaves++) {
    const kept = decodeKeptLeaf(await store.get(collections.leaves, keyFromIndex(position)), position)
    const news = newsOf(kept, position).filter(({ place }) => place >= places)
    for (const place of news) {
      if (events.length === eventsMax) return { events, next: { position, places: place.place }, atEnd: false }
      const event = JSON.stringify(cloudEventOf(place, await told(store, trust, place)))
      bytes += Buffer.byteLength(event)
      if (bytes > bytesMax && events.length > 0) {
        return { events, next: { position, places: place.place }, atEnd: false }
      }
      events.push(event)
      if (events.length % eventsPerTurn === 0) await setImmediate()
    }
    position += 1n
    places = 0
    if (leaves % leavesPerTurn === leavesPerTurn - 1) await setImmediate()
  }
  return { events, next: { position, places }, atEnd: position >= end }
}

/** The events of a leaf of H that are news, by what their leaves say. */
function newsOf({ zone, hubLeaf, leaves }: KeptLeaf, position: bigint): readonly EventPlace[] {
  const read = decodeHubLeaf(hubLeaf)
  if (read.kind !== 'hub_leaf') throw new DocumentDamagedError(`${collections.leaves}/${position}`, 'is no leaf of H')
  const { entry, receivedAtMs } = read.leaf
  if (entry.kind !== 'batch') return []
  return leaves.flatMap((bytes, place) => {
    const decoded = decodeLeaf(bytes)
    if (decoded.kind === 'unreadable') {
      throw new DocumentDamagedError(`${collections.leaves}/${position}`, `holds no leaf at ${place}`)
    }
    const { kind, index, subject } = decoded.leaf
    if (isInformative(kind)) return []
    const where = { zone, origin: entry.origin, index, position, place, receivedAtMs, kind }
    return [{ ...where, subject: hex(subject), leafHash: hex(sha256Tree.leaf(bytes)) }]
  })
}

/** The event and its subject up to and with it. One that is damaged here does not hold up those after it. */
async function told(store: Store, trust: Trust, where: EventPlace): Promise<Told> {
  const { zone, subject, position, place } = where
  const copy = { store, trust, position, places: place + 1 }
  try {
    const document = await store.get(collections.events, eventKey(zone, subject, position, place))
    if (document === undefined) return 'deleted'
    const [event] = await readDocuments(copy, [document])
    if (event === undefined) return 'damaged'
    const events: readonly ReadEvent[] = await readSubject(copy, zone, subject)
    return { event, foldAfter: await foldSubjectEvents(copy, zone, subject, events) }
  } catch (error) {
    if (error instanceof DocumentDamagedError) return 'damaged'
    throw error
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
