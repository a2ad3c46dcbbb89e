import { setTimeout as pause } from 'node:timers/promises'
import { subjectStringOf } from '@hutong/licence'
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
import { CommandError, exits } from '../exit.ts'
import { requestIdOf } from './request-id.ts'
import type { LicenceRow } from './row.ts'
import type { RowOutcome } from './rows-in-order.ts'
import type { Slots } from './slots.ts'

/** Requests of one zone on their way at once: the publisher seals one while the next ones come in. */
const requestsInFlightMax = 4
/** How long one request may take, in milliseconds: a publisher answers with what it has after 30 s. */
const requestDeadlineMs = 35_000
/** How long one request may be tried again before the import gives up, and how long it waits between, in milliseconds. */
const retryLimitMs = 60_000
const retryPauseMs = 500
/** How long the end may wait for the stage, in milliseconds. */
const stageDeadlineMs = 10_000

/** These say nothing about the event: the same event is taken later. Never told of a row. */
const passing: ReadonlySet<string> = new Set([
  'HUB_NOT_ANSWERED',
  'VERIFIER_NOT_ANSWERED',
  'VERIFIER_AWAY',
  'QUEUE_FULL',
  'PEER_UNAVAILABLE',
  'WAITING_FOR_WITNESSES',
  'NOT_SEALED_IN_TIME',
  'STORE_UNAVAILABLE',
  'SHUTTING_DOWN',
  'CLOCK_OFF',
  'DISK_FULL',
])

/** What a sender needs of the world. */
export interface SenderParts {
  readonly publisher: Pick<PublisherClient, 'publish'>
  readonly nowMs: () => number
  readonly signal: AbortSignal
  /** Room on the way, shared by all zones. */
  readonly slots: Slots
  /** Told of each row once. */
  readonly settle: (item: number, outcome: RowOutcome) => void
}

/**
 * The part of an import that goes to one zone: a request that fills while those before are on their way. Rows about one licence are
 * judged in the order of the file: one whose licence is on its way waits until that is answered.
 */
export class ZoneSender {
  readonly #zone: string
  readonly #parts: SenderParts
  readonly #inFlight = new Set<Promise<void>>()
  /** Licences that fill or are on their way. */
  readonly #open = new Set<string>()
  #filling: Line[] = []
  #fillingBytes = 0
  #failure: { readonly error: unknown } | undefined
  #newest: ToPublish | undefined
  #newestIndex = -1n

  constructor(zone: string, parts: SenderParts) {
    this.#zone = zone
    this.#parts = parts
  }

  /** @throws {CallError | CommandError} an earlier request was not answered in time; rows not settled are to be sent again. */
  async add(item: number, { licence }: LicenceRow): Promise<void> {
    const subject = subjectStringOf(licence) ?? licence.identifier
    if (this.#open.has(subject)) await this.drain()
    const event: ToPublish = { requestId: requestIdOf(this.#zone, licence), event: licence }
    const sizeBytes = itemSizeBytes(event)
    const isFull = this.#filling.length >= itemsPerRequestMax || this.#fillingBytes + sizeBytes > requestSizeMaxBytes
    if (isFull) await this.flush()
    this.#filling.push({ item, subject, event })
    this.#fillingBytes += sizeBytes
    this.#open.add(subject)
  }

  /** Sends what fills, as soon as there is room. */
  async flush(): Promise<void> {
    while (this.#inFlight.size >= requestsInFlightMax) await Promise.race(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    const lines = this.#filling
    if (lines.length === 0) return
    this.#filling = []
    this.#fillingBytes = 0
    const sending: Promise<void> = this.#send(lines)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#inFlight.delete(sending))
    this.#inFlight.add(sending)
  }

  /** Sends what fills and waits until nothing is on its way. */
  async drain(): Promise<void> {
    await this.flush()
    await Promise.all(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /**
   * The stage that all events sent have reached; undefined: none is in. The one with the largest index is asked for once more: stages are
   * reached in the order of the log, so it speaks for all before it.
   */
  async stage(waitFor: StageName): Promise<StageName | undefined> {
    if (this.#newest === undefined) return undefined
    if (waitFor === 'sealed') return 'sealed'
    const options = { waitFor, deadlineMs: stageDeadlineMs, signal: this.#parts.signal }
    try {
      const [outcome] = await this.#parts.publisher.publish([this.#newest], options)
      return outcome?.kind === 'published' ? outcome.stage : 'sealed'
    } catch (error) {
      // Each of its events was answered as sealed before; how much further they are is not known now.
      if (error instanceof CallError && error.kind === 'unavailable') return 'sealed'
      throw error
    }
  }

  async #send(lines: readonly Line[]): Promise<void> {
    const untilMs = this.#parts.nowMs() + retryLimitMs
    for (let open = lines; ; ) {
      const outcomes = await this.#tryPublish(open, untilMs)
      if (outcomes !== undefined) open = open.filter((line, at) => !this.#take(line, outcomes[at]!, untilMs))
      if (open.length === 0) return
      await pause(retryPauseMs, undefined, { signal: this.#parts.signal })
    }
  }

  /** The outcomes, or undefined where nothing was settled and it may be tried again. */
  async #tryPublish(lines: readonly Line[], untilMs: number): Promise<readonly Outcome[] | undefined> {
    try {
      const events = lines.map(({ event }) => event)
      const call = { waitFor: 'sealed', deadlineMs: requestDeadlineMs, signal: this.#parts.signal } as const
      return await this.#parts.slots.within(() => this.#parts.publisher.publish(events, call))
    } catch (error) {
      const passes = error instanceof CallError && (error.kind === 'unavailable' || passing.has(error.code))
      if (!passes || this.#parts.nowMs() >= untilMs) throw error
      return undefined
    }
  }

  /** Whether the row is settled. */
  #take({ item, subject, event }: Line, outcome: Outcome, untilMs: number): boolean {
    if (outcome.kind === 'refused') {
      const { code, en } = outcome.refusal
      if (passing.has(code)) {
        if (this.#parts.nowMs() < untilMs) return false
        throw new CommandError(exits.unavailable, code, `${this.#zone}: ${en}; importing the file again is safe`)
      }
      this.#open.delete(subject)
      this.#parts.settle(item, { kind: 'refused', refusal: outcome.refusal })
      return true
    }
    if (outcome.index > this.#newestIndex) {
      this.#newest = event
      this.#newestIndex = outcome.index
    }
    this.#open.delete(subject)
    this.#parts.settle(item, { kind: outcome.duplicate ? 'duplicate' : 'published' })
    return true
  }
}

interface Line {
  readonly item: number
  readonly subject: string
  readonly event: ToPublish
}
