import { refusal } from '@hutong/licence'
import {
  type ApiRoute,
  addApiRoute,
  admitted,
  type HttpRoutes,
  type Identify,
  type RoleTable,
  type Routes,
  refuse,
  status,
} from '@hutong/service'
import {
  type AsOfMessage,
  asOfFromJson,
  asOfToWire,
  eventFromWire,
  eventJsonSchema,
  eventToJson,
  type HistoryEvent,
  integerToJson,
  type MatrixRow,
  type VerifierServiceService,
  type VerifierServiceStatusResponse,
  verdictFromWire,
  verdictJsonSchema,
  verdictToJson,
} from '@hutong/wire'
import { cursorFromText, cursorToText, pageEventsMax } from './event-feed.ts'
import { FeedReader } from './feed-reader.ts'
import { feedRoute, historyRoute, matrixRoute, statusRoute, verifyRoute } from './http-description.ts'
import { verifierServiceRoles } from './routes.ts'
import type { Verifier } from './verifier.ts'

/** What the HTTP interface of a verifier is made of. */
export interface VerifierHttpParts {
  /** VerifierService as gRPC has it: by HTTP it is the same service. */
  readonly routes: Routes<typeof VerifierServiceService>
  readonly verifier: Pick<Verifier, 'zone' | 'store' | 'follower'>
  readonly identify: Identify
}

/** The feed tells every event's content: it is for the zone's own systems, its operator and auditors. */
const roles: RoleTable = { ...verifierServiceRoles, '/v1/events': ['client', 'operator', 'auditor'] }

/** VerifierService in JSON, and the feed of events, to be mounted under `/z/<zone>`. */
export function verifierHttp({ routes, verifier, identify }: VerifierHttpParts): HttpRoutes {
  const { zone, store, follower } = verifier
  const doors = { zone, identify, allow: roles }
  const admit =
    (path: string): ApiRoute['admit'] =>
    ({ headers }) =>
      admitted(doors, path, headers.authorization)
  const rpc = (name: string) => admit(`/hutong.v1.VerifierService/${name}`)
  const deadlineMs = Number.POSITIVE_INFINITY
  const feed = new FeedReader(store, follower)
  return (app, draining) => {
    app.addSchema({ $id: 'Event', ...eventJsonSchema() })
    app.addSchema({ $id: 'Verdict', ...verdictJsonSchema() })

    addApiRoute<VerifyBody>(
      app,
      zone,
      draining,
      { ...verifyRoute, admit: rpc('Verify') },
      async ({ body, context }) => {
        const { identifier, matter, holderCode, fileSha256 = '', asOf } = body
        const question = { identifier, matter, holderCode, fileSha256: Buffer.from(fileSha256, 'hex'), ...asOfOf(asOf) }
        const { verdict } = await routes.verify(question, { ...context, deadlineMs })
        const reading = verdict && verdictFromWire(verdict)
        if (reading?.kind !== 'verdict') throw new Error(`an own verdict that is none: ${reading?.why}`)
        return verdictToJson(reading.verdict)
      },
    )

    addApiRoute<HistoryBody>(app, zone, draining, { ...historyRoute, admit: rpc('History') }, async (request) => {
      const { identifier, asOf } = request.body
      const context = { ...request.context, deadlineMs }
      const { events, position, state } = await routes.history({ identifier, ...asOfOf(asOf) }, context)
      return { events: events.map(historyEventToJson), position: integerToJson(position), state }
    })

    addApiRoute<undefined, MatrixQuery>(
      app,
      zone,
      draining,
      { ...matrixRoute, admit: rpc('Matrix') },
      async (request) => {
        const { receivingZone = '', asOfPosition: position, asOfTime: time } = request.query
        const asked = asOfOf(position !== undefined ? { position } : time === undefined ? undefined : { time })
        const answer = await routes.matrix({ receivingZone, ...asked }, { ...request.context, deadlineMs })
        return {
          rows: answer.rows.map(matrixRowToJson),
          position: integerToJson(answer.position),
          at: momentToJson(answer.atMs),
        }
      },
    )

    addApiRoute(app, zone, draining, { ...statusRoute, admit: rpc('Status') }, async ({ context }) =>
      statusToJson(await routes.status({}, { ...context, deadlineMs })),
    )

    addApiRoute<undefined, FeedQuery>(
      app,
      zone,
      draining,
      { ...feedRoute, admit: admit('/v1/events') },
      async (request) => {
        const { reply, context, query } = request
        const { after = '0', wait = 0, limit = pageEventsMax } = query
        const until = [context.signal, context.draining]
        const question = { from: cursorFromText(after), eventsMax: limit, waitMs: wait * 1_000, until }
        const page = await feed.read(question)
        if (page === 'busy') throw refuse({ ...refusal('QUEUE_FULL'), grpc: status.RESOURCE_EXHAUSTED })
        if (page === 'ahead') throw refuse({ ...refusal('NOT_YET', { field: 'after' }), grpc: status.ABORTED })
        const next = cursorToText(page.next)
        reply.header('hutong-next', next)
        reply.header('hutong-position', `${follower.view.state.position}`)
        reply.header('link', `<events?after=${next}&wait=${wait}&limit=${limit}>; rel="next"`)
        return `[${page.events.join(',')}]`
      },
    )
  }
}

interface VerifyBody {
  readonly identifier: string
  readonly matter: string
  readonly holderCode?: string
  readonly fileSha256?: string
  readonly asOf?: unknown
}
interface HistoryBody {
  readonly identifier: string
  readonly asOf?: unknown
}
interface MatrixQuery {
  readonly receivingZone?: string
  readonly asOfPosition?: string
  readonly asOfTime?: string
}
interface FeedQuery {
  readonly after?: string
  readonly wait?: number
  readonly limit?: number
}
function asOfOf(json: unknown): { readonly asOf?: AsOfMessage } {
  if (json === undefined) return {}
  const asOf = asOfFromJson(json)
  if (asOf !== undefined) return { asOf: asOfToWire(asOf) }
  throw refuse({ ...refusal('AS_OF', { field: 'asOf' }), grpc: status.INVALID_ARGUMENT })
}

function historyEventToJson(told: HistoryEvent): Readonly<Record<string, unknown>> {
  const { eventId, position, place, kind, loggedAtMs, receivedAtMs, leafHash, verdict, signer, event } = told
  const reading = event && eventFromWire(event)
  return {
    eventId,
    position: integerToJson(position),
    place,
    kind,
    loggedAt: momentToJson(loggedAtMs),
    receivedAt: momentToJson(receivedAtMs),
    leafHash: leafHash.toString('hex'),
    verdict,
    signer,
    ...(reading?.kind === 'event' && { event: eventToJson(reading.event) }),
  }
}

function matrixRowToJson({ receivingZone, declaration, eventId }: MatrixRow): Readonly<Record<string, unknown>> {
  const reading = declaration && eventFromWire({ event: { $case: 'recognitionDeclared', value: declaration } })
  if (reading?.kind !== 'event') throw new Error('an own row of the matrix that is none')
  return { receivingZone, eventId, declaration: eventToJson(reading.event) }
}

function statusToJson(stands: VerifierServiceStatusResponse): Readonly<Record<string, unknown>> {
  const { zone, position, head, cosigned, zones, missingPayloads, fault, waiting } = stands
  return {
    zone,
    position: integerToJson(position),
    head: head.toString('utf8'),
    cosigned: cosigned.toString('utf8'),
    zones: zones.map(({ zone: id, newestLeafMs, size }) => ({
      zone: id,
      ...(newestLeafMs > 0n && { newestLeafAt: momentToJson(newestLeafMs) }),
      size: integerToJson(size),
    })),
    missingPayloads,
    ...(fault !== '' && { fault }),
    waiting,
  }
}

function momentToJson(milliseconds: bigint): string {
  return new Date(Number(milliseconds)).toISOString()
}
