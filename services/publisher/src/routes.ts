import type { Refusal } from '@hutong/licence'
import { type CallContext, type RoleTable, type Routes, refuse } from '@hutong/service'
import {
  eventFromWire,
  type PublisherServiceService,
  type PublishItem,
  type PublishOutcome,
  Stage as WireStage,
} from '@hutong/wire'
import type { Client } from './judge-request.ts'
import { inOrder } from './pipeline.ts'
import type { Outcome, PublishAnswer, Publisher } from './publisher.ts'
import type { Stage } from './receipts.ts'
import { publisherRefusal, refusalWithStatus } from './refusals.ts'
import type { PublisherSettings } from './settings.ts'

/** Requests of one stream that wait for their outcome, at most. */
const maxWaitingRequests = 64
/** Items of one request, at most. */
export const maxItems = 256

/** Who may call what. */
export const publisherServiceRoles: RoleTable = {
  '/hutong.v1.PublisherService/Publish': ['client', 'operator'],
  '/hutong.v1.PublisherService/PublishStream': ['client', 'operator'],
  '/hutong.v1.PublisherService/Status': ['verifier', 'counter', 'operator', 'auditor', 'client'],
  '/hutong.v1.PublisherService/Adopt': ['operator'],
}

/** PublisherService over a publisher: wire types end here. */
export function routesOf(publisher: Publisher, settings: PublisherSettings): Routes<typeof PublisherServiceService> {
  const origin = publisher.status().origin
  return {
    async publish({ items, waitFor }, context) {
      const answer = await publish(publisher, settings, items, waitFor, context)
      if (answer.kind === 'refused') throw refused(answer.refusal)
      return { outcomes: answer.outcomes.map((outcome, place) => outcomeToWire(outcome, items[place]!, origin)) }
    },

    publishStream: (requests, context) =>
      inOrder(requests, maxWaitingRequests, async ({ items, waitFor }) => {
        const answer = await publish(publisher, settings, items, waitFor, context)
        const outcomes = items.map((item, place) =>
          outcomeToWire(answer.kind === 'refused' ? answer : answer.outcomes[place]!, item, origin),
        )
        return { outcomes }
      }),

    async status() {
      const { zone, size, outbox, hubAnswered, refuses, observedHead, observedAtMs } = publisher.status()
      return {
        zone,
        origin,
        size,
        outbox,
        hubAnswered,
        refuses: refuses?.code ?? '',
        refusesZh: refuses?.zh ?? '',
        refusesEn: refuses?.en ?? '',
        observedHead: Buffer.from(observedHead),
        observedAtMs: BigInt(observedAtMs),
      }
    },

    async adopt({ dryRun }) {
      const adoption = await publisher.adopt(dryRun)
      if (adoption.kind === 'adopted') {
        const { oldSize, newSize } = adoption
        return { oldSize, newSize, refusal: undefined }
      }
      return { oldSize: adoption.oldSize, newSize: adoption.oldSize, refusal: adoption.refusal }
    },
  }
}

async function publish(
  publisher: Publisher,
  settings: PublisherSettings,
  items: readonly PublishItem[],
  waitFor: WireStage,
  { caller, deadlineMs, signal }: CallContext,
): Promise<PublishAnswer> {
  const client = clientOf(settings, caller)
  if (client === undefined) throw refused(publisherRefusal('NOT_AUTHORISED'))
  if (items.length < 1 || items.length > maxItems) {
    throw refused(publisherRefusal('TOO_MANY_ITEMS', { field: 'items', expected: `1 to ${maxItems}` }))
  }
  // The deadline was set by a clock of the transport, not by the zone's: it is told by the same.
  const leftMs = deadlineMs - Date.now() - settings.answerMarginMs
  return publisher.publish({
    client,
    items: items.map(({ requestId, event }) => ({
      requestId,
      event: event === undefined ? { kind: 'not_understood', why: 'an item without an event' } : eventFromWire(event),
    })),
    waitFor: stageFromWire(waitFor),
    patienceMs: Math.min(Math.max(leftMs, 0), settings.maxWaitMs),
    signal,
  })
}

function clientOf(settings: PublisherSettings, caller: CallContext['caller']): Client | undefined {
  const name = caller.name ?? caller.role
  const authorities = settings.clients.get(name)
  return authorities === undefined ? undefined : { name, authorities }
}

function stageFromWire(stage: WireStage): Stage {
  switch (stage) {
    case WireStage.STAGE_SEALED:
      return 'sealed'
    case WireStage.STAGE_WITNESSED:
      return 'witnessed'
    default:
      return 'sequenced'
  }
}

const wireStages = {
  sealed: WireStage.STAGE_SEALED,
  sequenced: WireStage.STAGE_SEQUENCED,
  witnessed: WireStage.STAGE_WITNESSED,
} as const

function outcomeToWire(outcome: Outcome, { requestId }: PublishItem, origin: string): PublishOutcome {
  if (outcome.kind === 'refused') return { requestId, outcome: { $case: 'refusal', value: outcome.refusal } }
  const { index, leafHash, stage, position, duplicate } = outcome
  const value = {
    origin,
    index,
    leafHash: Buffer.from(leafHash.buffer, leafHash.byteOffset, leafHash.byteLength),
    stage: wireStages[stage],
    ...(position === undefined ? {} : { position }),
    duplicate,
  }
  return { requestId, outcome: { $case: 'published', value } }
}

function refused(refusal: Refusal): Error {
  return refuse(refusalWithStatus(refusal))
}
