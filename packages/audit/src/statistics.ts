import type { FollowedEntry } from '@hutong/verify'
import type { RowNow, Texts } from './event-piece.ts'
import type { FoldBook } from './fold-book.ts'
import { standingWord } from './standing.ts'

/** So many days are told apart in a report; of older ones only the sum. */
const daysMax = 3660
/** Upper borders of how long events waited for the hub, in milliseconds; the last class has none. */
export const lagBordersMs: readonly number[] = [100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000]

/** What a report tells of a history in numbers: no licence, no person, no identifier. */
export interface ReplayStatistics {
  /** Events by zone and day, by the hub's clock, days in China Standard Time. `day` is empty for days beyond those told apart. */
  readonly days: readonly { readonly zone: string; readonly day: string; readonly events: number }[]
  /** Events of rows by zone and verdict code. */
  readonly verdicts: readonly { readonly zone: string; readonly code: string; readonly events: number }[]
  /** Subjects by zone and what check STATUS would say, when the last leaf was received. */
  readonly standings: readonly { readonly zone: string; readonly word: string; readonly subjects: number }[]
  /** By zone, how many events the hub received within each of `lagBordersMs` of being logged; one class more for the rest. */
  readonly lags: readonly { readonly zone: string; readonly classes: readonly number[] }[]
}

/** Counts as a replay goes. */
export class StatisticsBook {
  readonly #days: Map<string, number>
  readonly #verdicts: Map<string, number>
  readonly #lags: Map<string, number>

  constructor(kept: KeptStatistics = { days: [], verdicts: [], lags: [] }) {
    this.#days = new Map(kept.days)
    this.#verdicts = new Map(kept.verdicts)
    this.#lags = new Map(kept.lags)
  }

  take({ hubLeaf, events }: FollowedEntry): void {
    const zone = events[0]?.kept.zone
    if (zone === undefined) return
    const day = new Date(hubLeaf.receivedAtMs + chinaOffsetMs).toISOString().slice(0, 10)
    const key = `${zone} ${day}`
    add(this.#days, this.#days.has(key) || this.#days.size < daysMax ? key : `${zone} `, events.length)
    for (const { leaf } of events) {
      const lagMs = hubLeaf.receivedAtMs - leaf.loggedAtMs
      const found = lagBordersMs.findIndex((border) => lagMs <= border)
      add(this.#lags, `${zone} ${found < 0 ? lagBordersMs.length : found}`, 1)
    }
  }

  judged(zone: string, code: string): void {
    add(this.#verdicts, `${zone} ${code}`, 1)
  }

  /** As plain data, for `constructor`. */
  keep(): KeptStatistics {
    return { days: [...this.#days], verdicts: [...this.#verdicts], lags: [...this.#lags] }
  }

  told(book: FoldBook, words: Texts, atMs: number): ReplayStatistics {
    const standings = new Map<string, number>()
    for (let subject = 0; subject < book.count; subject++) {
      const standing: RowNow['standing'] = book.standing(subject)
      add(standings, `${book.key(subject).zone} ${standingWord(standing, words, atMs)}`, 1)
    }
    const zones = [...new Set([...this.#lags.keys()].map((key) => parts(key)[0]))].sort()
    return {
      days: sorted(this.#days).map(([zone, day, events]) => ({ zone, day, events })),
      verdicts: sorted(this.#verdicts).map(([zone, code, events]) => ({ zone, code, events })),
      standings: sorted(standings).map(([zone, word, subjects]) => ({ zone, word, subjects })),
      lags: zones.map((zone) => ({
        zone,
        classes: [...lagBordersMs, undefined].map((_, at) => this.#lags.get(`${zone} ${at}`) ?? 0),
      })),
    }
  }
}

/** Counts by `<zone> <what>`. */
export interface KeptStatistics {
  readonly days: readonly (readonly [string, number])[]
  readonly verdicts: readonly (readonly [string, number])[]
  readonly lags: readonly (readonly [string, number])[]
}

/** Days are those of China Standard Time. */
const chinaOffsetMs = 8 * 3_600_000

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

function sorted(counts: ReadonlyMap<string, number>): (readonly [string, string, number])[] {
  return [...counts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, count]) => [...parts(key), count] as const)
}

function parts(key: string): readonly [string, string] {
  const space = key.indexOf(' ')
  return [key.slice(0, space), key.slice(space + 1)]
}
