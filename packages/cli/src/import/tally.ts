import type { Refusal } from '@hutong/licence'
import type { SettledRow } from './rows-in-order.ts'

/** Refused rows that are kept for the report; all are counted, and all stand in the table of refused rows. */
const refusedKeptMax = 1_000
/** Zones told one by one, at most; a field that is no zone at all names a new one in every row. */
const zonesToldMax = 256

/** A row that is not in, and why. */
export interface RefusedRow {
  readonly item: number
  readonly line: number
  /** Empty where the row could not be read so far. */
  readonly zone: string
  readonly refusal: Refusal
}

/** What came of the rows for one zone. */
export interface ZoneCounts {
  readonly zone: string
  readonly published: number
  readonly duplicates: number
  readonly refused: number
}

/** What came of the rows of a file, up to one of them. */
export interface Counts {
  readonly read: number
  readonly published: number
  readonly duplicates: number
  readonly refusedCount: number
  /** The first `refusedKeptMax` of them, in the order of the file. */
  readonly refused: readonly RefusedRow[]
  /** Line of the last row counted; 0 for none. */
  readonly line: number
  /** The file went on after its last row told here, and could not be told apart into rows. */
  readonly restUnread: boolean
  /** By zone, those that run here, in order of appearance. */
  readonly zones: readonly ZoneCounts[]
  /** Zones of the file that do not run here, with their rows, which are refused; those beyond 256 under one empty name. */
  readonly notRunning: readonly { readonly zone: string; readonly rows: number }[]
}

/** Counts rows in the order of the file. */
export class Tally {
  #counts: Omit<Counts, 'zones' | 'notRunning' | 'refused'>
  readonly #refused: RefusedRow[]
  readonly #zones: Map<string, ZoneCounts>
  readonly #notRunning: Map<string, number>

  /** Goes on from earlier counts. */
  constructor(before: Counts = none) {
    const { zones, notRunning, refused, ...counts } = before
    this.#counts = counts
    this.#refused = [...refused]
    this.#zones = new Map(zones.map((one) => [one.zone, one]))
    this.#notRunning = new Map(notRunning.map(({ zone, rows }) => [zone, rows]))
  }

  take({ item, row, outcome }: SettledRow): RefusedRow | undefined {
    const { read, published, duplicates, refusedCount, restUnread } = this.#counts
    this.#counts = {
      read: read + 1,
      published: published + (outcome.kind === 'published' ? 1 : 0),
      duplicates: duplicates + (outcome.kind === 'duplicate' ? 1 : 0),
      refusedCount: refusedCount + (outcome.kind === 'refused' ? 1 : 0),
      line: row.line,
      restUnread: restUnread || (row.kind === 'refused' && row.restUnread),
    }
    const zone = row.kind === 'licence' ? row.zone : ''
    if (outcome.kind === 'refused' && outcome.refusal.code === 'ZONE_NOT_RUNNING') addTo(this.#notRunning, zone)
    else if (row.kind === 'licence') this.#countZone(zone, outcome.kind)
    if (outcome.kind !== 'refused') return undefined
    const refused = { item, line: row.line, zone, refusal: outcome.refusal }
    if (this.#refused.length < refusedKeptMax) this.#refused.push(refused)
    return refused
  }

  get refusedCount(): number {
    return this.#counts.refusedCount
  }

  get counts(): Counts {
    return {
      ...this.#counts,
      refused: [...this.#refused],
      zones: [...this.#zones.values()],
      notRunning: [...this.#notRunning].map(([zone, rows]) => ({ zone, rows })),
    }
  }

  #countZone(zone: string, kind: SettledRow['outcome']['kind']): void {
    const one = this.#zones.get(zone) ?? { zone, published: 0, duplicates: 0, refused: 0 }
    const counted = { published: 'published', duplicate: 'duplicates', refused: 'refused' } as const
    this.#zones.set(zone, { ...one, [counted[kind]]: one[counted[kind]] + 1 })
  }
}

function addTo(counts: Map<string, number>, zone: string): void {
  const name = counts.has(zone) || counts.size < zonesToldMax ? zone : ''
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

const none: Counts = {
  read: 0,
  published: 0,
  duplicates: 0,
  refusedCount: 0,
  refused: [],
  line: 0,
  restUnread: false,
  zones: [],
  notRunning: [],
}
