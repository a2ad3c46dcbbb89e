import type { ReadEvent } from '@hutong/verify'
import type { EntryRecord, LoggedRecord } from '@hutong/wire'
import type { UnreadableRecord } from './ports.ts'
import type { ReplayBooks } from './replay-state.ts'
import type { Contradiction } from './report.ts'

/** Takes records of H into the books of a replay, one after the other, up to the first that no honest hub serves. */
export class RecordTaker {
  readonly #books: ReplayBooks
  /** The leaf of H that a contradiction is about, where it is about one. */
  #refusedLeaf: Uint8Array | undefined

  constructor(books: ReplayBooks) {
    this.#books = books
  }

  get refusedLeaf(): Uint8Array | undefined {
    return this.#refusedLeaf
  }

  take(record: LoggedRecord | UnreadableRecord): Contradiction | undefined {
    const { hub } = this.#books
    switch (record.kind) {
      case 'entry':
        return this.#takeEntry(record)
      case 'head':
        return hub.showHead({ note: record.checkpoint, shownBy: 'the hub', byHub: true })
      case 'cosigned':
        return hub.showCosigned(record.checkpoint)
      case 'unreadable':
        return hub.unreadable(record.why)
    }
  }

  #takeEntry(record: EntryRecord): Contradiction | undefined {
    const { hub, counts, statistics } = this.#books
    const followed = hub.takeEntry(record)
    if (!('kind' in followed)) {
      this.#refusedLeaf = record.leaf
      return followed
    }
    this.#books.counts = {
      events: counts.events + BigInt(followed.events.length),
      bytes: counts.bytes + sizeOf(record),
    }
    statistics.take(followed)
    for (const event of followed.events) this.#takeEvent(event, record)
    return hub.holdReachedHeads() ?? this.#showObservedHeads(followed.events)
  }

  #takeEvent(event: ReadEvent, record: EntryRecord): void {
    const { hub, folds, payloads } = this.#books
    if (hub.trust === undefined) throw new RangeError('an event before charter 0')
    if (folds.take(event, hub.trust)) payloads.take(event, record.redacted.includes(event.kept.place))
  }

  /** In its heartbeats a zone repeats the newest head that its verifier holds: where the hub showed it another H, here it comes to light. */
  #showObservedHeads(events: readonly ReadEvent[]): Contradiction | undefined {
    for (const { kept, reading } of events) {
      if (reading.kind !== 'read' || reading.payload.event.kind !== 'observed') continue
      const { head } = reading.payload.event
      const shownBy = `${kept.origin}/${kept.index}`
      // A copy: the record it is a view of is let go.
      const note = Uint8Array.from(head)
      const contradiction = this.#books.hub.showHead({ note, shownBy, byHub: false })
      if (contradiction !== undefined) return contradiction
    }
    return undefined
  }
}

function sizeOf({ leaf, entries, charter }: EntryRecord): bigint {
  const ofEntries = entries.reduce(
    (sum, entry) => sum + entry.leaf.length + entry.salt.length + entry.payload.length,
    0,
  )
  return BigInt(leaf.length + charter.length + ofEntries)
}
