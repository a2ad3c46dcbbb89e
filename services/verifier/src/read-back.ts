import { type Document, keyFromIndex, type Store } from '@hutong/store'
import { decodeHubLeaf, type Entry, type EntryRecord, type LoggedRecord } from '@hutong/wire'
import {
  collections,
  decodeKeptCharter,
  decodeKeptEvent,
  decodeKeptLeaf,
  decodeOpening,
  type KeptLeaf,
  openingPlace,
  placeKey,
} from './documents.ts'
import type { View } from './view.ts'

/** Leaves of H read at a time. */
const leavesPerPage = 16

/**
 * What this verifier keeps, from an H index on, in the form of the hub's Read: every leaf of H, leaf, salt and payload as they came, then
 * the newest head and cosigned head. A hub that has lost its log takes it back from here.
 */
export async function* readBack(
  store: Store,
  view: View,
  fromIndex: bigint,
  signal: AbortSignal,
): AsyncGenerator<LoggedRecord> {
  const { position } = view.state
  let index = fromIndex
  while (index < position) {
    const to = index + BigInt(leavesPerPage) < position ? index + BigInt(leavesPerPage) : position
    const keys = Array.from({ length: Number(to - index) }, (_, at) => keyFromIndex(index + BigInt(at)))
    const leaves = await store.getMany(collections.leaves, keys)
    for (const key of keys) {
      signal.throwIfAborted()
      yield await entryOf(store, index, decodeKeptLeaf(leaves.get(key), index))
      index += 1n
    }
  }
  if (view.head !== undefined) yield { kind: 'head', checkpoint: view.head.signed.note }
  if (view.cosigned !== undefined) yield { kind: 'cosigned', checkpoint: view.cosigned.note }
}

/** One leaf of H as the hub would give it; what is not kept of a payload is left out. */
async function entryOf(store: Store, index: bigint, kept: KeptLeaf): Promise<EntryRecord> {
  const charter = isCharter(kept.hubLeaf) ? await store.get(collections.charters, keyFromIndex(index)) : undefined
  return {
    kind: 'entry',
    index,
    leaf: kept.hubLeaf,
    entries: await entriesOf(store, index, kept),
    charter: charter === undefined ? nothing : decodeKeptCharter(charter).bytes,
    redacted: [],
  }
}

async function entriesOf(store: Store, index: bigint, { zone, leaves }: KeptLeaf): Promise<readonly Entry[]> {
  const places = leaves.map((leaf, place) => openingPlace(zone, leaf, index, place))
  const keysIn = (collection: string) => places.filter((one) => one.collection === collection).map(({ key }) => key)
  const events = await store.getMany(collections.events, keysIn(collections.events))
  const informative = await store.getMany(collections.informative, keysIn(collections.informative))
  const late = await store.getMany(
    collections.late,
    leaves.map((_, place) => placeKey(index, place)),
  )
  return leaves.map((leaf, place): Entry => {
    const { collection, key } = places[place]!
    const found = (collection === collections.events ? events : informative).get(key)
    const { salt, payload } = openingOf(late.get(placeKey(index, place)), found, collection)
    return { leaf, salt, payload, payloadEncoding: 0 }
  })
}

function openingOf(
  late: Document | undefined,
  found: Document | undefined,
  collection: string,
): Pick<Entry, 'salt' | 'payload'> {
  if (late !== undefined) return decodeOpening(late.value, `${collections.late}/${late.key}`)
  if (found === undefined) return { salt: nothing, payload: nothing }
  if (collection === collections.events) return decodeKeptEvent(found)
  return decodeOpening(found.value, `${collection}/${found.key}`)
}

function isCharter(hubLeaf: Uint8Array): boolean {
  const decoded = decodeHubLeaf(hubLeaf)
  return decoded.kind === 'hub_leaf' && decoded.leaf.entry.kind === 'charter'
}

const nothing = new Uint8Array(0)
