import type { Bell } from './bell.ts'
import type { LogState } from './log-state.ts'

/** When the newest head becomes a record of `logged` (formats F8). */
export interface HeadPace {
  /** Milliseconds between two heads at least; after a longer pause the next goes at once. */
  readonly headIntervalMs: number
  /** After so many entries a head goes at once, whatever the time. */
  readonly headEntriesMax: number
}

/** At most one head per 100 ms, at the latest after 64 entries. */
export const defaultHeadPace: HeadPace = { headIntervalMs: 100, headEntriesMax: 64 }

/** Announced heads held in memory, so that a cosignature on one costs no second look at the hub's own signature. */
const recentHeadsMax = 64

/** A head that is, or will be, a record. */
export interface AnnouncedHead {
  readonly size: bigint
  readonly note: Uint8Array
}

/**
 * Chooses which of the committed heads are announced: every one is true, but witnesses sign each that is announced.
 * One timer at most. `changed` rings when a head is announced.
 */
export class HeadAnnouncer implements Disposable {
  readonly #pace: HeadPace
  readonly #monotonic: () => number
  readonly #changed: Bell
  #announced: AnnouncedHead | undefined
  #newest: AnnouncedHead | undefined
  #announcedAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  readonly #recent = new Map<bigint, Uint8Array>()

  constructor(pace: HeadPace, monotonic: () => number, changed: Bell) {
    this.#pace = pace
    this.#monotonic = monotonic
    this.#changed = changed
  }

  /** The newest announced head; undefined before the first. */
  get announced(): AnnouncedHead | undefined {
    return this.#announced
  }

  /** The note of one of the last announced heads. */
  recent(size: bigint): Uint8Array | undefined {
    return this.#recent.get(size)
  }

  /** A commit has happened. */
  committed({ edge, head }: LogState): void {
    this.#newest = { size: edge.size, note: head }
    const waitMs = this.#announcedAtMs + this.#pace.headIntervalMs - this.#monotonic()
    const entries = edge.size - (this.#announced?.size ?? 0n)
    if (waitMs <= 0 || entries >= BigInt(this.#pace.headEntriesMax)) this.#announce()
    else this.#timer ??= setTimeout(() => this.#announce(), waitMs)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #announce(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#announced = this.#newest
    if (this.#announced !== undefined) this.#recent.set(this.#announced.size, this.#announced.note)
    for (const size of this.#recent.keys()) {
      if (this.#recent.size <= recentHeadsMax) break
      this.#recent.delete(size)
    }
    this.#announcedAtMs = this.#monotonic()
    this.#changed.ring()
  }
}
