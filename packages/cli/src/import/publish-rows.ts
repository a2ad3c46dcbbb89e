import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type LicenceIssued, type Refusal, refusal } from '@hutong/licence'
import {
  CallError,
  itemSizeBytes,
  itemsPerRequestMax,
  type Outcome,
  type PublisherClient,
  requestSizeMaxBytes,
  type StageName,
  type ToPublish,
} from '@hutong/sdk'
import type { ImportRow } from './csv-rows.ts'

/** Refused lines that are kept for the summary; all are counted, and all are told one by one. */
const refusedKeptMax = 10_000
/** How long one batch may be tried again before the import gives up, and how long it waits between, in milliseconds. */
const retryLimitMs = 60_000
const retryPauseMs = 500
/** How long the end may wait for the stage, in milliseconds. */
const stageDeadlineMs = 10_000

/** These say nothing about the event: the same event is taken later. */
const passing: ReadonlySet<string> = new Set([
  'HUB_NOT_ANSWERED',
  'VERIFIER_NOT_ANSWERED',
  'VERIFIER_AWAY',
  'QUEUE_FULL',
  'PEER_UNAVAILABLE',
  'WAITING_FOR_WITNESSES',
])

/** A line that is not in, and why. */
export interface RefusedLine {
  readonly line: number
  /** Empty where the line could not be read so far. */
  readonly zone: string
  readonly refusal: Refusal
}

/** What became of a file. */
export interface ImportSummary {
  readonly read: number
  readonly published: number
  readonly duplicates: number
  readonly refusedCount: number
  readonly refused: readonly RefusedLine[]
  /** The file went on after its last line told here, and could not be told apart into rows. */
  readonly restUnread: boolean
  /** By zone, those that had anything to publish. */
  readonly zones: readonly {
    readonly zone: string
    readonly published: number
    readonly duplicates: number
    readonly refused: number
    /** The stage that all of this zone's events have reached; undefined: nothing of it is in. */
    readonly stage: StageName | undefined
  }[]
}

/** What an import needs of the world. */
export interface ImportSurroundings {
  /** The publisher of a zone; undefined for a zone that is not there. */
  publisherOf(zone: string): Pick<PublisherClient, 'publish'> | undefined
  readonly nowMs: () => number
  readonly signal: AbortSignal
  /** Told of each refused line as it comes. */
  onRefused(line: RefusedLine): void
  onProgress(counts: { readonly read: number; readonly published: number; readonly refused: number }): void
}

/**
 * Publishes the licences of a file in batches of 256, one batch of a zone in flight at a time, so that memory is bounded by the number of
 * zones. A row already in is a quiet duplicate: importing a file again after whatever happened publishes what was missing.
 *
 * @throws {CallError} a zone's publisher did not answer for a minute; what is not in the summary of a later import is not lost.
 */
export async function importLicences(
  rows: AsyncIterable<ImportRow>,
  waitFor: StageName,
  surroundings: ImportSurroundings,
): Promise<ImportSummary> {
  const tally = new Tally(surroundings)
  const zones = new Map<string, ZoneImport>()
  for await (const row of rows) {
    surroundings.signal.throwIfAborted()
    tally.read += 1
    if (row.kind === 'refused') {
      tally.restUnread ||= row.restUnread
      tally.refuse({ line: row.line, zone: '', refusal: row.refusal })
      continue
    }
    const zone = zones.get(row.zone) ?? newZone(row.zone, surroundings, tally)
    if (zone === undefined) {
      const parameters = { zone: row.zone }
      tally.refuse({
        line: row.line,
        zone: row.zone,
        refusal: refusal('ZONE_NOT_RUNNING', { field: 'zone', parameters }),
      })
    } else {
      zones.set(row.zone, zone)
      await zone.add(row.line, { requestId: requestIdOf(row.zone, row.licence), event: row.licence })
    }
  }
  const summaries = await Promise.all([...zones.values()].map((zone) => zone.finish(waitFor)))
  return { ...tally.counts(), zones: summaries }
}

/** The request id of a row: SHA-256 over the zone and the row in one canonical form (domain, "Requests"), in hex. */
export function requestIdOf(zone: string, licence: LicenceIssued): string {
  const { holder, extensions } = licence
  const row = [
    licence.identifier,
    licence.authority,
    licence.authorityName,
    licence.licenceType,
    licence.name,
    licence.number,
    licence.issuedOn,
    holder.name,
    holder.code,
    holder.codeType,
    licence.validFrom,
    licence.validUntil,
    extensions.map(({ name, value }) => [name, value]),
    licence.demonstration,
  ]
  return createHash('sha256')
    .update(JSON.stringify(['hutong/import/v1', zone, row]))
    .digest('hex')
}

function newZone(zone: string, surroundings: ImportSurroundings, tally: Tally): ZoneImport | undefined {
  const publisher = surroundings.publisherOf(zone)
  return publisher && new ZoneImport(zone, publisher, surroundings, tally)
}

/** What was counted, over all zones. */
class Tally {
  read = 0
  published = 0
  duplicates = 0
  refusedCount = 0
  restUnread = false
  readonly refused: RefusedLine[] = []
  readonly #surroundings: ImportSurroundings

  constructor(surroundings: ImportSurroundings) {
    this.#surroundings = surroundings
  }

  refuse(line: RefusedLine): void {
    this.refusedCount += 1
    if (this.refused.length < refusedKeptMax) this.refused.push(line)
    this.#surroundings.onRefused(line)
  }

  progress(): void {
    const { read, published, duplicates, refusedCount } = this
    this.#surroundings.onProgress({ read, published: published + duplicates, refused: refusedCount })
  }

  counts(): Omit<ImportSummary, 'zones'> {
    const { read, published, duplicates, refusedCount, restUnread } = this
    const refused = this.refused.toSorted((left, right) => left.line - right.line)
    return { read, published, duplicates, refusedCount, refused, restUnread }
  }
}

interface Line {
  readonly line: number
  readonly item: ToPublish
}

/** The part of an import that goes to one zone: a batch that fills while the one before is on its way. */
class ZoneImport {
  readonly #zone: string
  readonly #publisher: Pick<PublisherClient, 'publish'>
  readonly #surroundings: ImportSurroundings
  readonly #tally: Tally
  #filling: Line[] = []
  #fillingBytes = 0
  #sending: Promise<void> = Promise.resolve()
  #published = 0
  #duplicates = 0
  #refused = 0
  #newest: ToPublish | undefined
  #newestIndex = -1n

  constructor(
    zone: string,
    publisher: Pick<PublisherClient, 'publish'>,
    surroundings: ImportSurroundings,
    tally: Tally,
  ) {
    this.#zone = zone
    this.#publisher = publisher
    this.#surroundings = surroundings
    this.#tally = tally
  }

  async add(line: number, item: ToPublish): Promise<void> {
    const sizeBytes = itemSizeBytes(item)
    const isFull = this.#filling.length >= itemsPerRequestMax || this.#fillingBytes + sizeBytes > requestSizeMaxBytes
    if (isFull) await this.#send()
    this.#filling.push({ line, item })
    this.#fillingBytes += sizeBytes
  }

  async finish(waitFor: StageName): Promise<ImportSummary['zones'][number]> {
    await this.#send()
    await this.#sending
    return {
      zone: this.#zone,
      published: this.#published,
      duplicates: this.#duplicates,
      refused: this.#refused,
      stage: await this.#stage(waitFor),
    }
  }

  async #send(): Promise<void> {
    // A second batch of the zone leaves only after the first is answered: rows about one licence stay in the order of the file.
    await this.#sending
    const lines = this.#filling
    this.#filling = []
    this.#fillingBytes = 0
    if (lines.length === 0) return
    this.#sending = this.#publish(lines)
    // It is awaited by the next send or by the end; a failure in between must not count as unhandled.
    this.#sending.catch(() => {})
  }

  async #publish(lines: readonly Line[]): Promise<void> {
    const untilMs = this.#surroundings.nowMs() + retryLimitMs
    let open = lines
    while (open.length > 0) {
      const outcomes = await this.#tryPublish(open, untilMs)
      const isLast = this.#surroundings.nowMs() >= untilMs
      if (outcomes !== undefined) open = open.filter((line, at) => !this.#take(line, outcomes[at]!, isLast))
      this.#tally.progress()
      if (open.length > 0) await pause(retryPauseMs, undefined, { signal: this.#surroundings.signal })
    }
  }

  /** The outcomes, or undefined where nobody answered and it may be tried again. */
  async #tryPublish(lines: readonly Line[], untilMs: number): Promise<readonly Outcome[] | undefined> {
    try {
      const items = lines.map(({ item }) => item)
      return await this.#publisher.publish(items, { waitFor: 'sealed', signal: this.#surroundings.signal })
    } catch (error) {
      const mayRepeat =
        error instanceof CallError && error.kind === 'unavailable' && this.#surroundings.nowMs() < untilMs
      if (!mayRepeat) throw error
      return undefined
    }
  }

  /** Whether the line is settled. */
  #take({ line, item }: Line, outcome: Outcome, isLast: boolean): boolean {
    if (outcome.kind === 'refused') {
      if (passing.has(outcome.refusal.code) && !isLast) return false
      this.#refused += 1
      this.#tally.refuse({ line, zone: this.#zone, refusal: outcome.refusal })
      return true
    }
    if (outcome.index > this.#newestIndex) {
      this.#newest = item
      this.#newestIndex = outcome.index
    }
    if (outcome.duplicate) {
      this.#duplicates += 1
      this.#tally.duplicates += 1
    } else {
      this.#published += 1
      this.#tally.published += 1
    }
    return true
  }

  /** The event with the largest index is asked for once more: stages are reached in the order of the log, so it speaks for all before it. */
  async #stage(waitFor: StageName): Promise<StageName | undefined> {
    if (this.#newest === undefined) return undefined
    if (waitFor === 'sealed') return 'sealed'
    const options = { waitFor, deadlineMs: stageDeadlineMs, signal: this.#surroundings.signal }
    try {
      const [outcome] = await this.#publisher.publish([this.#newest], options)
      return outcome?.kind === 'published' ? outcome.stage : 'sealed'
    } catch (error) {
      // Each of its events was answered as sealed before; how much further they are is not known now.
      if (error instanceof CallError && error.kind === 'unavailable') return 'sealed'
      throw error
    }
  }
}
