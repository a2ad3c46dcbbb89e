import type { Batch, BatchAdmitted } from '@hutong/batch'
import { type Document, keyFromIndex } from '@hutong/store'
import type { LoggedCharter } from '@hutong/verify'
import { type Entry, type EntryRecord, encodeHubLeaf, type HubLeaf } from '@hutong/wire'
import { collections, encodeLeaves, encodeOpening, firstKey, hex, payloadKey } from './documents.ts'
import { emptyZoneLog, type LogState, type ZoneLog } from './log-state.ts'
import { growEdge, nodeDocument, zoneNodesLeastLevel } from './tree-nodes.ts'
import { markValue } from './zone-batches.ts'

/** A leaf of H about to be committed, with everything that stands behind it. */
export interface DraftLeaf {
  readonly record: EntryRecord
  readonly documents: readonly Document[]
}

/** What is known of a batch that was admitted, or that was admitted once before. */
export type AdmittedBatch = Pick<BatchAdmitted, 'edge' | 'leafHashes' | 'newestLoggedAtMs' | 'leaves'>

/** Leaves of H on top of a committed state, before anything is written: plain memory, thrown away when the commit fails. */
export class Draft {
  readonly #term: bigint
  readonly #zones: Map<string, ZoneLog>
  readonly #leaves: DraftLeaf[] = []
  readonly #from: bigint
  #receivedAtMs: number

  constructor(state: LogState, term: bigint) {
    this.#term = term
    this.#zones = new Map(state.zones)
    this.#from = state.edge.size
    this.#receivedAtMs = state.receivedAtMs
  }

  get leaves(): readonly DraftLeaf[] {
    return this.#leaves
  }

  get zones(): ReadonlyMap<string, ZoneLog> {
    return this.#zones
  }

  get receivedAtMs(): number {
    return this.#receivedAtMs
  }

  /** The H index the next leaf gets. */
  get position(): bigint {
    return this.#from + BigInt(this.#leaves.length)
  }

  /** The log `origin` after what stands in the draft. */
  zone(origin: string): ZoneLog {
    return this.#zones.get(origin) ?? emptyZoneLog
  }

  /** Adds a batch as the next leaf of H; time in H never runs back, whatever the clock does. */
  addBatch(batch: Batch, admitted: BatchAdmitted, nowMs: number): void {
    const { origin, firstIndex, checkpoint } = batch
    const { root, size: newSize } = admitted
    this.#addBatchLeaf(
      this.#encode({ kind: 'batch', origin, oldSize: firstIndex, newSize, root, checkpoint }, nowMs),
      batch,
      admitted,
    )
  }

  addCharter(charter: LoggedCharter, note: Uint8Array, nowMs: number): void {
    const entry = { kind: 'charter', number: charter.charter.number, sha256: charter.sha256, note } as const
    this.#addCharterLeaf(this.#encode(entry, nowMs), charter.bytes)
  }

  /** Adds a leaf of H that was signed once before, byte for byte: on `adopt`. The batch was admitted at this position. */
  addAgain(record: EntryRecord, leaf: HubLeaf, admitted: AdmittedBatch | undefined): void {
    this.#receivedAtMs = leaf.receivedAtMs
    if (leaf.entry.kind === 'charter') {
      this.#addCharterLeaf(record.leaf, record.charter)
    } else if (admitted !== undefined) {
      const { origin, oldSize: firstIndex, checkpoint } = leaf.entry
      this.#addBatchLeaf(record.leaf, { origin, firstIndex, checkpoint, entries: record.entries }, admitted)
    }
  }

  #encode(entry: HubLeaf['entry'], nowMs: number): Uint8Array {
    this.#receivedAtMs = Math.max(this.#receivedAtMs, nowMs)
    return encodeHubLeaf({ index: this.position, receivedAtMs: this.#receivedAtMs, entry })
  }

  #addBatchLeaf(leaf: Uint8Array, batch: Batch, admitted: AdmittedBatch): void {
    const index = this.position
    const before = this.zone(batch.origin)
    const record: EntryRecord = {
      kind: 'entry',
      index,
      leaf,
      entries: batch.entries,
      charter: new Uint8Array(),
      redacted: [],
    }
    this.#leaves.push({ record, documents: this.#batchDocuments(index, leaf, batch, before, admitted) })
    this.#zones.set(batch.origin, {
      edge: admitted.edge,
      loggedAtMs: admitted.newestLoggedAtMs,
      checkpoint: batch.checkpoint,
      position: index,
    })
  }

  #addCharterLeaf(leaf: Uint8Array, charter: Uint8Array): void {
    const index = this.position
    const key = keyFromIndex(index)
    const record: EntryRecord = { kind: 'entry', index, leaf, entries: [], charter, redacted: [] }
    const documents = [
      { collection: collections.leaves, key, term: this.#term, value: leaf },
      { collection: collections.charters, key, term: this.#term, value: charter },
    ]
    this.#leaves.push({ record, documents })
  }

  #batchDocuments(
    index: bigint,
    leaf: Uint8Array,
    batch: Batch,
    before: ZoneLog,
    { leafHashes, leaves: readLeaves }: AdmittedBatch,
  ): readonly Document[] {
    const term = this.#term
    const key = keyFromIndex(index)
    const leaves = batch.entries.map((entry) => entry.leaf)
    const { closed } = growEdge(before.edge, leafHashes, zoneNodesLeastLevel)
    return [
      { collection: collections.leaves, key, term, value: leaf },
      { collection: collections.batches, key, term, value: encodeLeaves(leaves) },
      {
        collection: collections.firsts,
        key: firstKey(batch.origin, batch.firstIndex),
        term,
        value: markValue(index),
      },
      ...closed.map((node) => nodeDocument(batch.origin, node, term)),
      ...batch.entries.flatMap((entry, place) =>
        openingDocument(index, place, entry, readLeaves[place]!.subject, term),
      ),
    ]
  }
}

/** What opens a leaf's commitment as a document; none where it is not given. */
export function openingDocument(
  position: bigint,
  place: number,
  entry: Entry,
  subject: Uint8Array,
  term: bigint,
): readonly Document[] {
  if (entry.payload.length === 0) return []
  return [
    {
      collection: collections.payloads,
      key: payloadKey(position, place),
      term,
      value: encodeOpening(entry),
      subject: hex(subject),
    },
  ]
}
