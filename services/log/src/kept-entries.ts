import { type Document, keyFromIndex, type Store } from '@hutong/store'
import { decodeHubLeaf, decodeLeaf, type Entry, type EntryRecord } from '@hutong/wire'
import {
  collections,
  DocumentDamagedError,
  decodeLeaves,
  decodeOpening,
  hex,
  keptValue,
  keysBetween,
  payloadKey,
  readHubLeaves,
} from './documents.ts'

/** Bytes of entries held in memory, so that those who follow closely cost no reading. */
const recentBytesMax: number = 16 * 1024 * 1024
/** Entries read at a time: each may have 900 KiB. */
const entriesPerReadMax = 8

/** What stands behind each leaf of H, out of the store, the newest out of memory. */
export class KeptEntries {
  readonly #store: Store
  readonly #recent = new Map<bigint, EntryRecord>()
  #recentBytes = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Holds what was just committed. */
  keep(record: EntryRecord): void {
    this.#recent.set(record.index, record)
    this.#recentBytes += sizeOf(record)
    for (const [index, oldest] of this.#recent) {
      if (this.#recentBytes <= recentBytesMax) break
      this.#recent.delete(index)
      this.#recentBytes -= sizeOf(oldest)
    }
  }

  /** After a deletion nothing deleted may come out of memory. */
  forget(): void {
    this.#recent.clear()
    this.#recentBytes = 0
  }

  /**
   * At least one of the entries from `from` on, below `to`, which is at most the committed size; at most `entriesPerReadMax`.
   * @throws {DocumentDamagedError} a document is missing or damaged.
   */
  async read(from: bigint, to: bigint): Promise<readonly EntryRecord[]> {
    const recent: EntryRecord[] = []
    for (let index = from; index < to && recent.length < entriesPerReadMax; index++) {
      const record = this.#recent.get(index)
      if (record === undefined) break
      recent.push(record)
    }
    if (recent.length > 0) return recent
    const end = from + BigInt(entriesPerReadMax)
    return this.#readStored(from, end < to ? end : to)
  }

  async #readStored(from: bigint, to: bigint): Promise<readonly EntryRecord[]> {
    const leaves = await readHubLeaves(this.#store, from, to)
    const batches = await this.#store.getMany(collections.batches, keysBetween(from, to))
    const records: EntryRecord[] = []
    for (const [at, leaf] of leaves.entries()) {
      records.push(await this.#record(from + BigInt(at), leaf, batches.get(keyFromIndex(from + BigInt(at)))))
    }
    return records
  }

  async #record(index: bigint, leaf: Uint8Array, batch: Document | undefined): Promise<EntryRecord> {
    const key = keyFromIndex(index)
    const decoded = decodeHubLeaf(leaf)
    if (decoded.kind !== 'hub_leaf') throw new DocumentDamagedError(`${collections.leaves}/${key}`, decoded.why)
    if (decoded.leaf.entry.kind === 'charter') {
      const charter = keptValue(await this.#store.get(collections.charters, key), collections.charters, key)
      return { kind: 'entry', index, leaf, entries: [], charter, redacted: [] }
    }
    const { entries, redacted } = await this.#entries(index, decodeLeaves(keptValue(batch, collections.batches, key)))
    return { kind: 'entry', index, leaf, entries, charter: new Uint8Array(), redacted }
  }

  async #entries(
    index: bigint,
    leaves: readonly Uint8Array[],
  ): Promise<{ readonly entries: readonly Entry[]; readonly redacted: readonly number[] }> {
    const keys = leaves.map((_, place) => payloadKey(index, place))
    const openings = await this.#store.getMany(collections.payloads, keys)
    const entries: Entry[] = []
    const redacted: number[] = []
    for (const [place, leaf] of leaves.entries()) {
      const opening = openings.get(keys[place]!)
      if (opening === undefined && (await isRedacted(this.#store, leaf))) redacted.push(place)
      entries.push(opening === undefined ? { leaf, ...notGiven } : { leaf, ...decodeOpening(opening.value) })
    }
    return { entries, redacted }
  }
}

const notGiven: Omit<Entry, 'leaf'> = { salt: new Uint8Array(), payload: new Uint8Array(), payloadEncoding: 0 }

/** The same entry without what opens its leaves. */
export function withoutPayloads(record: EntryRecord): EntryRecord {
  return { ...record, entries: record.entries.map(({ leaf }) => ({ leaf, ...notGiven })) }
}

/** Whether the subject of a zone's leaf was deleted here. */
export async function isRedacted(store: Store, leaf: Uint8Array): Promise<boolean> {
  const decoded = decodeLeaf(leaf)
  if (decoded.kind === 'unreadable') return false
  return (await store.get(collections.redactions, hex(decoded.leaf.subject))) !== undefined
}

function sizeOf(record: EntryRecord): number {
  const entries = record.entries.reduce(
    (sum, { leaf, salt, payload }) => sum + leaf.length + salt.length + payload.length,
    0,
  )
  return record.leaf.length + record.charter.length + entries
}
