import type { Event, Refusal } from '@hutong/licence'
import {
  eventToWire,
  PublisherServiceClient,
  type PublishOutcome,
  PublishRequest,
  refusalFromWire,
  Stage,
} from '@hutong/wire'
import { contractBroken } from './call-error.ts'
import { answersOf, ask, openPeer, type PeerCall, type PeerOptions, streamDeadlineMs } from './peer.ts'

/** The publisher takes no more events in one request. */
export const itemsPerRequestMax = 256
/** Events of one request together, encoded; a batch of the log is never larger (formats F7). */
export const requestSizeMaxBytes: number = 900 * 1024

/** How far an event has come: durable in the zone's log; in H, never to move; under a cosigned head. */
export type StageName = 'sealed' | 'sequenced' | 'witnessed'

/** An event to publish. */
export interface ToPublish {
  /** 1 to 64 bytes, unique for the caller: same content, same answer; other content, CONFLICT. */
  readonly requestId: string
  readonly event: Event
}

/** What became of an event. */
export type Outcome =
  | PublishedEvent
  | { readonly kind: 'refused'; readonly requestId: string; readonly refusal: Refusal }

export interface PublishedEvent {
  readonly kind: 'published'
  readonly requestId: string
  /** The event id is `<origin>/<index>`. */
  readonly origin: string
  readonly index: bigint
  readonly leafHash: Uint8Array
  readonly stage: StageName
  /** The H index of its batch, from `sequenced` on. */
  readonly position: bigint | undefined
  /** It was there already, with equal content. */
  readonly duplicate: boolean
}

export interface PublishOptions extends PeerCall {
  /** Default `sequenced`. */
  readonly waitFor?: StageName
}

/** A zone's publisher, as its systems call it. */
export interface PublisherClient extends Disposable {
  /**
   * Publishes 1 to 256 events; an outcome for each, in order. Returns when the stage is reached or shortly before the deadline,
   * whichever is first: the stage reached stands in the outcome. Repeating a call with the same request ids publishes nothing twice.
   *
   * @throws {CallError} nothing is known of any of the events; repeat with the same request ids.
   */
  publish(items: readonly ToPublish[], options?: PublishOptions): Promise<readonly Outcome[]>
  /**
   * The same without end: outcomes for each list, in order. The source is read at the pace of the publisher.
   *
   * @throws {CallError} what was sent and not answered is unknown; repeat it with the same request ids.
   */
  publishStream(
    lists: AsyncIterable<readonly ToPublish[]> | Iterable<readonly ToPublish[]>,
    options?: PublishOptions,
  ): AsyncIterable<readonly Outcome[]>
  /** How the publisher stands. @throws {CallError} */
  status(options?: PeerCall): Promise<PublisherStatus>
  /** Takes over what this zone had signed and its publisher has lost (operator only). @throws {CallError} */
  adopt(
    dryRun: boolean,
    options?: PeerCall,
  ): Promise<{ readonly oldSize: bigint; readonly newSize: bigint; readonly refusal: Refusal | undefined }>
}

export interface PublisherStatus {
  readonly zone: string
  readonly origin: string
  readonly size: bigint
  /** Batches sealed and not yet answered by the hub. */
  readonly outbox: number
  readonly hubAnswered: boolean
  /** Why it seals nothing, a reason code; empty for none. */
  readonly refuses: string
  readonly refusesZh: string
  readonly refusesEn: string
}

/** @throws {RangeError} a token would travel unprotected beyond this machine. */
export function createPublisherClient(address: string, options: PeerOptions): PublisherClient {
  const peer = openPeer(PublisherServiceClient, address, options)
  return {
    async publish(items, call = {}) {
      const response = await ask(peer, peer.client.publish, requestOf(items, call.waitFor), call)
      return outcomesOf(items, response.outcomes)
    },
    async *publishStream(lists, call = {}) {
      const running = peer.client.publishStream(...peer.arguments(call, streamDeadlineMs))
      const sent: (readonly ToPublish[])[] = []
      let sourceFailure: { readonly error: unknown } | undefined
      const sending = sendLists(running, lists, sent, call.waitFor).catch((error) => {
        sourceFailure = { error }
        running.cancel()
      })
      try {
        for await (const { outcomes } of answersOf(peer, running, call)) {
          const items = sent.shift()
          if (items === undefined) throw contractBroken('the publisher answered what nobody asked')
          yield outcomesOf(items, outcomes)
        }
      } catch (error) {
        // What the caller's own source threw says more than the cancellation that follows from it.
        throw sourceFailure === undefined ? error : sourceFailure.error
      }
      await sending
      if (sent.length > 0) throw contractBroken('the publisher ended with requests unanswered')
    },
    async status(call = {}) {
      const { zone, origin, size, outbox, hubAnswered, refuses, refusesZh, refusesEn } = await ask(
        peer,
        peer.client.status,
        {},
        call,
      )
      return { zone, origin, size, outbox, hubAnswered, refuses, refusesZh, refusesEn }
    },
    async adopt(dryRun, call = {}) {
      const { oldSize, newSize, refusal } = await ask(peer, peer.client.adopt, { dryRun }, call)
      return { oldSize, newSize, refusal: refusal && refusalFromWire(refusal) }
    },
    [Symbol.dispose]: () => peer[Symbol.dispose](),
  }
}

async function sendLists(
  running: ReturnType<PublisherServiceClient['publishStream']>,
  lists: AsyncIterable<readonly ToPublish[]> | Iterable<readonly ToPublish[]>,
  sent: (readonly ToPublish[])[],
  waitFor: StageName | undefined,
): Promise<void> {
  const ended = new AbortController()
  running.once('status', () => ended.abort())
  for await (const items of lists) {
    if (ended.signal.aborted) return
    sent.push(items)
    if (!running.write(requestOf(items, waitFor))) await room(running, ended.signal)
  }
  running.end()
}

function room(running: ReturnType<PublisherServiceClient['publishStream']>, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const go = () => {
      running.off('drain', go)
      ended.removeEventListener('abort', go)
      resolve()
    }
    // A call that has ended never says "drain".
    running.on('drain', go)
    ended.addEventListener('abort', go)
  })
}

/** Size of an event in a request, in bytes: lists are cut so that they stay below `requestSizeMaxBytes`. */
export function itemSizeBytes(item: ToPublish): number {
  return PublishRequest.encode(requestOf([item], undefined)).finish().length
}

function requestOf(items: readonly ToPublish[], waitFor: StageName | undefined): PublishRequest {
  return {
    items: items.map(({ requestId, event }) => ({ requestId, event: eventToWire(event) })),
    waitFor: waitFor === undefined ? Stage.STAGE_UNSPECIFIED : stageNumbers[waitFor],
  }
}

function outcomesOf(items: readonly ToPublish[], outcomes: readonly PublishOutcome[]): readonly Outcome[] {
  if (outcomes.length !== items.length) throw contractBroken('the publisher gave another number of outcomes')
  return outcomes.map((outcome, at) => outcomeOf(items[at]!.requestId, outcome))
}

function outcomeOf(requestId: string, { requestId: answered, outcome }: PublishOutcome): Outcome {
  if (answered !== requestId) throw contractBroken('the publisher answered another request id')
  switch (outcome?.$case) {
    case 'published': {
      const { origin, index, leafHash, stage, position, duplicate } = outcome.value
      const name = stages[stage]
      if (name === undefined) throw contractBroken('a stage that is not known here')
      return { kind: 'published', requestId, origin, index, leafHash, stage: name, position, duplicate }
    }
    case 'refusal':
      return { kind: 'refused', requestId, refusal: refusalFromWire(outcome.value) }
    case undefined:
      throw contractBroken('an outcome that is not known here')
  }
}

const stageNumbers: Readonly<Record<StageName, Stage>> = {
  sealed: Stage.STAGE_SEALED,
  sequenced: Stage.STAGE_SEQUENCED,
  witnessed: Stage.STAGE_WITNESSED,
}
const stages: readonly (StageName | undefined)[] = [undefined, 'sealed', 'sequenced', 'witnessed']
