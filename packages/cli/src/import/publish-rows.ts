import { setTimeout as pause } from 'node:timers/promises'
import { refusal } from '@hutong/licence'
import type { PublisherClient, StageName } from '@hutong/sdk'
import type { ImportRow } from './row.ts'
import { RowsInOrder, type SettledRow } from './rows-in-order.ts'
import { Slots } from './slots.ts'
import { ZoneSender } from './zone-sender.ts'

/** Requests of all zones on their way at once: more would wait in the queues of the publishers, and be late. */
const requestsInFlightMax = 16
/** Rows read and not settled, at most: the file is not read on before some are. */
const unsettledRowsMax = 16_384
/** Every so many rows each zone's request leaves, full or not, so that a zone with few rows holds nothing up. */
const flushPaceRows = 4_096

/** How often what came in is written down while nothing is read, in milliseconds. */
const keptUpPaceMs = 250

/** What publishing needs of the world. */
export interface PublishSurroundings {
  /** The publisher of a zone; undefined for a zone that is not there. */
  publisherOf(zone: string): Pick<PublisherClient, 'publish'> | undefined
  readonly nowMs: () => number
  readonly signal: AbortSignal
}

/** How much of the file is settled already, who is told of the rest, and what is done now and then. */
export interface PublishProgress {
  readonly settled: number
  /** Told of each row in the order of the file. */
  take(settled: SettledRow): void
  /** Awaited before each further row: what is told so far may be written down. */
  afterRow(): Promise<void>
}

/**
 * Publishes the licences of a file, several requests of each zone on their way at once. A row already in is a quiet duplicate: importing a
 * file again after whatever happened publishes what was missing. Returns the stage reached by zone.
 *
 * @throws {CallError | CommandError} a publisher did not answer, or took nothing, for a minute. What was told is settled; the rest may be
 *   in or not, and is to be sent again.
 */
export async function publishRows(
  rows: AsyncIterable<ImportRow>,
  waitFor: StageName,
  progress: PublishProgress,
  surroundings: PublishSurroundings,
): Promise<ReadonlyMap<string, StageName | undefined>> {
  const leaving = new AbortController()
  const signal = AbortSignal.any([surroundings.signal, leaving.signal])
  const order = new RowsInOrder(progress.settled, (settled) => progress.take(settled))
  const slots = new Slots(requestsInFlightMax)
  const senders = new Map<string, ZoneSender>()
  const senderOf = (zone: string) => {
    const publisher = surroundings.publisherOf(zone)
    if (publisher === undefined) return undefined
    const parts = { publisher, nowMs: surroundings.nowMs, signal, slots, settle: order.settle.bind(order) }
    const sender = senders.get(zone) ?? new ZoneSender(zone, parts)
    senders.set(zone, sender)
    return sender
  }
  const everySender = (work: (sender: ZoneSender) => Promise<void>) => Promise.all([...senders.values()].map(work))
  try {
    let read = 0
    for await (const row of rows) {
      surroundings.signal.throwIfAborted()
      read += 1
      if (read <= progress.settled) continue
      const item = order.open(row)
      const sender = row.kind === 'licence' ? senderOf(row.zone) : undefined
      if (row.kind === 'refused') order.settle(item, { kind: 'refused', refusal: row.refusal })
      else if (sender === undefined) order.settle(item, { kind: 'refused', refusal: notRunning(row.zone) })
      else await sender.add(item, row)
      if (read % flushPaceRows === 0) await everySender((one) => one.flush())
      if (order.waiting >= unsettledRowsMax)
        await keptUp(
          everySender((one) => one.drain()),
          progress,
        )
      await progress.afterRow()
    }
    await keptUp(
      everySender((one) => one.drain()),
      progress,
    )
    const stages = [...senders].map(async ([zone, one]) => [zone, await one.stage(waitFor)] as const)
    return new Map(await Promise.all(stages))
  } catch (error) {
    leaving.abort()
    await Promise.allSettled([...senders.values()].map((one) => one.drain()))
    throw error
  }
}

/** Waits, and lets be written down meanwhile what comes in. */
async function keptUp(work: Promise<unknown>, progress: PublishProgress): Promise<void> {
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  while (!isOver) {
    await Promise.race([over, pause(keptUpPaceMs)])
    await progress.afterRow()
  }
}

function notRunning(zone: string) {
  return refusal('ZONE_NOT_RUNNING', { field: 'zone', parameters: { zone } })
}
