import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Event } from '@hutong/licence'
import { CallError, createPublisherClient, type Outcome, type ToPublish } from '@hutong/sdk'
import { demonstrationDeclarations, demonstrationLicences } from './demonstration.ts'
import type { RunningBox } from './local.ts'

/** How long the first events may be tried, and how long is waited in between, in milliseconds. */
const publishLimitMs = 120_000
const retryPauseMs = 200
const callDeadlineMs = 10_000

/** These pass by themselves while a box starts. */
const passing: ReadonlySet<string> = new Set([
  'HUB_NOT_ANSWERED',
  'VERIFIER_NOT_ANSWERED',
  'VERIFIER_AWAY',
  'WAITING_FOR_WITNESSES',
  'PEER_UNAVAILABLE',
])

/**
 * Publishes the licences and declarations of the demonstration in every zone. Request ids and contents are the same at each start, so
 * that a first start cut short is completed by the next one and a complete one is a no-op.
 *
 * @throws {Error} a publisher refused one of them, or did not answer for two minutes.
 */
export async function publishFirstEvents(box: RunningBox, signal: AbortSignal): Promise<void> {
  await Promise.all(box.zones.map((zone) => publishIn(box, zone, signal)))
}

async function publishIn(box: RunningBox, zone: string, signal: AbortSignal): Promise<void> {
  using publisher = createPublisherClient(box.grpcAddress, { zone, token: box.tokens.of(zone, 'client') })
  const untilMs = performance.now() + publishLimitMs
  let items = firstEvents(box, zone)
  for (;;) {
    const outcomes = await publishedOrAway(() =>
      publisher.publish(items, { waitFor: 'sealed', deadlineMs: callDeadlineMs, signal }),
    )
    if (outcomes !== undefined) items = items.filter((_, at) => !isIn(zone, outcomes[at]!))
    if (items.length === 0) return
    if (performance.now() > untilMs) throw new Error(`${zone}: its publisher does not take the first events`)
    await pause(retryPauseMs, undefined, { signal })
  }
}

function firstEvents(box: RunningBox, zone: string): readonly ToPublish[] {
  // In force from the first start on: at that moment nobody can have asked anything yet.
  const fromMs = Date.parse(box.alliance.configuration.createdAt)
  return [...demonstrationDeclarations(zone, box.zones, fromMs), ...demonstrationLicences(zone)].map((event) => ({
    requestId: requestIdOf(event),
    event,
  }))
}

function requestIdOf(event: Event): string {
  const name =
    event.kind === 'recognition_declared' ? event.declarationId : 'identifier' in event ? event.identifier : ''
  return createHash('sha256').update(`hutong/demonstration/v1\n${event.kind}\n${name}`).digest('hex')
}

async function publishedOrAway(publish: () => Promise<readonly Outcome[]>): Promise<readonly Outcome[] | undefined> {
  try {
    return await publish()
  } catch (error) {
    if (error instanceof CallError && error.kind === 'unavailable') return undefined
    throw error
  }
}

function isIn(zone: string, outcome: Outcome): boolean {
  if (outcome.kind === 'published') return true
  const { code, en } = outcome.refusal
  if (passing.has(code)) return false
  throw new Error(`${zone} refuses an event of the demonstration: ${code}, ${en}`)
}
