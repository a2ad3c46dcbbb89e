import type { Refusal } from '@hutong/licence'
import {
  type ApiRequest,
  type ApiRoute,
  addApiRoute,
  admitted,
  type HttpRoutes,
  type Identify,
  problemFromRefusal,
  type Routes,
  refuse,
  status,
} from '@hutong/service'
import {
  type EventJsonReading,
  eventFromJson,
  eventJsonSchema,
  eventToWire,
  integerToJson,
  type Published,
  type PublisherServiceService,
  type PublishOutcome,
  Stage,
} from '@hutong/wire'
import { publishedSchema, publishRoute, statusRoute } from './http-description.ts'
import type { Stage as StageName } from './receipts.ts'
import { refusalWithStatus } from './refusals.ts'
import { publisherServiceRoles } from './routes.ts'

/** How long a caller can be kept waiting for the stage it asked for, in milliseconds; then it is told the stage reached. */
const patienceMs = 10_000

/** What the HTTP interface of a publisher is made of. */
export interface PublisherHttpParts {
  readonly zone: string
  /** PublisherService as gRPC has it: by HTTP it is the same service. */
  readonly routes: Routes<typeof PublisherServiceService>
  readonly identify: Identify
}

/** PublisherService in JSON, to be mounted under `/z/<zone>`. */
export function publisherHttp({ zone, routes, identify }: PublisherHttpParts): HttpRoutes {
  const doors = { zone, identify, allow: publisherServiceRoles }
  const admit =
    (method: string): ApiRoute['admit'] =>
    ({ headers }) =>
      admitted(doors, `/hutong.v1.PublisherService/${method}`, headers.authorization)
  return (app, draining) => {
    app.addSchema({ $id: 'Event', ...eventJsonSchema() })
    app.addSchema(publishedSchema)

    addApiRoute<unknown, { readonly wait?: StageName }>(
      app,
      zone,
      draining,
      { ...publishRoute, admit: admit('Publish'), look: (body) => void itemsOf(body) },
      async (request) => {
        const asked = itemsOf(request.body)
        const requestIds = asked.map(({ requestId }) => requestId ?? idempotencyKey(request))
        const items = asked.map(({ event }, at) => ({ requestId: requestIds[at]!, event: eventToWire(event) }))
        const context = { ...request.context, deadlineMs: Date.now() + patienceMs }
        const { outcomes } = await routes.publish(
          { items, waitFor: stages[request.query.wait ?? 'sequenced'] },
          context,
        )
        return Array.isArray(request.body) ? { outcomes: outcomes.map(outcomeToJson) } : onlyOutcome(outcomes[0]!)
      },
    )

    addApiRoute(app, zone, draining, { ...statusRoute, admit: admit('Status') }, async ({ context }) => {
      const { size, outbox, hubAnswered, refuses, refusesZh, refusesEn, observedAtMs, origin } = await routes.status(
        {},
        { ...context, deadlineMs: Number.POSITIVE_INFINITY },
      )
      return {
        zone,
        origin,
        size: integerToJson(size),
        outbox,
        hubAnswered,
        ...(refuses !== '' && { refuses: { code: refuses, detail: refusesZh, detail_en: refusesEn } }),
        ...(observedAtMs > 0n && { observedAt: new Date(Number(observedAtMs)).toISOString() }),
      }
    })
  }
}

type ReadEvent = Extract<EventJsonReading, { kind: 'event' }>['event']

/** The events of a body. Whether it is otherwise as described, its schema says. */
function itemsOf(body: unknown): readonly { readonly requestId?: string; readonly event: ReadEvent }[] {
  if (!Array.isArray(body)) return [{ event: eventOf(body, '') }]
  return body.map((item: unknown, at) => {
    const { requestId, event } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>
    const read = eventOf(event, `[${at}].`)
    return typeof requestId === 'string' ? { requestId, event: read } : { event: read }
  })
}

function eventOf(json: unknown, path: string): ReadEvent {
  const reading = eventFromJson(json)
  if (reading.kind === 'event') return reading.event
  throw malformed(`${path}${reading.field}`, reading.expected)
}

/** The one event's request id: bare, or as the draft of the header writes it, in double quotes. */
function idempotencyKey({ headers }: Pick<ApiRequest<unknown, unknown>, 'headers'>): string {
  const key = headers['idempotency-key']
  if (typeof key !== 'string') throw malformed('idempotency-key', 'a request id of 1 to 64 bytes')
  return key.replace(/^"(.*)"$/, '$1')
}

const stages: Readonly<Record<StageName, Stage>> = {
  sealed: Stage.STAGE_SEALED,
  sequenced: Stage.STAGE_SEQUENCED,
  witnessed: Stage.STAGE_WITNESSED,
}

/** One event's outcome is the answer, or the refusal itself. */
function onlyOutcome({ requestId, outcome }: PublishOutcome): JsonObject {
  if (outcome?.$case === 'published') return publishedToJson(requestId, outcome.value)
  throw refuse(refusalWithStatus(refusalIn(outcome)))
}

function outcomeToJson({ requestId, outcome }: PublishOutcome): JsonObject {
  if (outcome?.$case === 'published') return publishedToJson(requestId, outcome.value)
  return { requestId, refusal: problemFromRefusal(refusalWithStatus(refusalIn(outcome))) }
}

type JsonObject = Readonly<Record<string, unknown>>

function refusalIn(outcome: PublishOutcome['outcome']): Refusal {
  if (outcome?.$case !== 'refusal') throw new Error('an outcome that is none')
  return outcome.value
}

function publishedToJson(requestId: string, published: Published): JsonObject {
  const { origin, index, leafHash, stage, position, duplicate } = published
  return {
    requestId,
    eventId: `${origin}/${index}`,
    origin,
    index: integerToJson(index),
    leafHash: leafHash.toString('hex'),
    stage: stageWord(stage),
    ...(position !== undefined && { position: integerToJson(position) }),
    duplicate,
  }
}

function stageWord(stage: Stage): StageName {
  const word = Object.entries(stages).find(([, number]) => number === stage)?.[0]
  if (word === undefined) throw new Error(`stage ${stage} is none`)
  return word as StageName
}

function malformed(field: string, expected: string): Error {
  return refuse({
    code: 'MALFORMED_REQUEST',
    field,
    expected,
    zh: '请求内容不符合接口说明。',
    en: 'the request is not as the interface describes it',
    grpc: status.INVALID_ARGUMENT,
  })
}
