import type { ApiRoute, JsonSchema } from '@hutong/service'
import { integerJsonSchema, largestIndex } from '@hutong/wire'
import { pageEventsMax } from './event-feed.ts'
import { feedWaitMaxS } from './feed-reader.ts'

const service = 'verifier'

/** Longest identifier, matter and holder number, in characters. */
const lengths = { identifier: 128, matter: 64, holderCode: 64, zone: 32 } as const

const text: JsonSchema = { type: 'string' }
const moment: JsonSchema = { type: 'string', format: 'date-time' }
const hash: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' }
const positionText = `a position of H from 0 to ${largestIndex}`

function object(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): JsonSchema {
  return { type: 'object', required, properties, additionalProperties: false }
}

function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items }
}

const momentPattern =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$'
const asOfMoment: JsonSchema = { type: 'string', pattern: momentPattern, examples: ['2026-11-24T16:00:00+08:00'] }

/** Up to when a question is asked, in a body. */
const asOf: JsonSchema = {
  description: 'Up to when; absent asks about now. 409 NOT_YET where this zone holds no witnessed data up to it yet.',
  oneOf: [
    object({ position: { ...integerJsonSchema, description: 'The first so many leaves of H.' } }, ['position']),
    object({ time: asOfMoment }, ['time']),
  ],
}

/** POST /v1/verify. */
export const verifyRoute: Omit<ApiRoute, 'admit'> = {
  method: 'POST',
  path: '/v1/verify',
  name: 'verify',
  service,
  summary: 'The verdict over a licence, here, for a matter.',
  description:
    'It has no receipt number: a verdict that a clerk acts upon is asked at the counter, which numbers and keeps it.',
  body: object(
    {
      identifier: {
        ...text,
        maxLength: lengths.identifier,
        description: 'Licence identifier, character for character.',
      },
      matter: { ...text, maxLength: lengths.matter },
      holderCode: { ...text, minLength: 1, maxLength: lengths.holderCode, description: "The presenter's number." },
      fileSha256: { ...hash, description: 'Of a presented file.' },
      asOf,
    },
    ['identifier', 'matter'],
  ),
  answer: { $ref: 'Verdict#' },
}

const historyEvent = object(
  {
    eventId: text,
    position: integerJsonSchema,
    place: { type: 'integer', minimum: 0, maximum: 255 },
    kind: text,
    loggedAt: { ...moment, description: "The zone's clock." },
    receivedAt: { ...moment, description: "The hub's clock." },
    leafHash: hash,
    verdict: { ...text, description: 'STANDS, or why it does not.' },
    signer: text,
    event: { $ref: 'Event#' },
  },
  ['eventId', 'position', 'place', 'kind', 'loggedAt', 'receivedAt', 'leafHash', 'verdict', 'signer'],
)

/** POST /v1/history. */
export const historyRoute: Omit<ApiRoute, 'admit'> = {
  method: 'POST',
  path: '/v1/history',
  name: 'history',
  service,
  summary: 'The events about a licence, with positions, signers and times.',
  body: object({ identifier: { ...text, maxLength: lengths.identifier }, asOf }, ['identifier']),
  answer: object({ events: list(historyEvent), position: integerJsonSchema, state: text }, [
    'events',
    'position',
    'state',
  ]),
}

/** GET /v1/matrix. */
export const matrixRoute: Omit<ApiRoute, 'admit'> = {
  method: 'GET',
  path: '/v1/matrix',
  name: 'matrix',
  service,
  summary: 'The declarations of recognition in force.',
  query: {
    type: 'object',
    properties: {
      receivingZone: { ...text, minLength: 1, maxLength: lengths.zone, description: 'Absent: all.' },
      asOfPosition: { type: 'string', pattern: '^(0|[1-9][0-9]{0,17})$', description: positionText },
      asOfTime: asOfMoment,
    },
    not: { required: ['asOfPosition', 'asOfTime'] },
    additionalProperties: false,
  },
  answer: object(
    {
      rows: list(
        object({ receivingZone: text, eventId: text, declaration: { $ref: 'Event#' } }, [
          'receivingZone',
          'eventId',
          'declaration',
        ]),
      ),
      position: integerJsonSchema,
      at: { ...moment, description: 'The clock it is told at.' },
    },
    ['rows', 'position', 'at'],
  ),
}

/** GET /v1/verifier/status. */
export const statusRoute: Omit<ApiRoute, 'admit'> = {
  method: 'GET',
  path: '/v1/verifier/status',
  name: 'verifierStatus',
  service,
  summary: 'How the verifier stands: how far it has come, and how old its news of each zone is.',
  answer: object(
    {
      zone: text,
      position: {
        ...integerJsonSchema,
        description: 'Leaves of H applied; also the cursor of the feed for news from now on.',
      },
      head: { ...text, description: 'Newest head held, hub-signed; empty for none.' },
      cosigned: { ...text, description: 'Newest cosigned head held; empty for none.' },
      zones: list(object({ zone: text, newestLeafAt: moment, size: integerJsonSchema }, ['zone', 'size'])),
      missingPayloads: list(text),
      fault: { ...text, description: 'HUB_FAULT and what it rests on; absent: none.' },
      waiting: { type: 'integer', minimum: 0, description: 'Records that wait for the head that covers them.' },
    },
    ['zone', 'position', 'head', 'cosigned', 'zones', 'missingPayloads', 'waiting'],
  ),
}

const cloudEvent: JsonSchema = {
  type: 'object',
  required: [
    'specversion',
    'id',
    'source',
    'type',
    'subject',
    'time',
    'zone',
    'position',
    'place',
    'leafhash',
    'verdict',
  ],
  properties: {
    specversion: { const: '1.0' },
    id: { ...text, description: 'Event id, `<origin>/<index>`.' },
    source: { ...text, description: "Origin of the zone's log." },
    type: { ...text, pattern: '^cn\\.hutong\\.[a-z0-9.]+\\.v1$' },
    subject: { ...hash, description: "The leaf's subject." },
    time: { ...moment, description: "The hub's clock when it took the event." },
    zone: { ...text, description: 'The zone in whose log it stands.' },
    position: { ...text, pattern: '^(0|[1-9][0-9]*)$', description: 'H index of its batch.' },
    place: { type: 'integer', minimum: 0, maximum: 255, description: 'Place in the batch.' },
    leafhash: hash,
    verdict: { ...text, description: 'STANDS, or why it does not; only STANDS has changed the state.' },
    datacontenttype: { const: 'application/json' },
    data: {
      ...object({ event: { $ref: 'Event#' }, state: { type: 'object' }, clouds: list({ type: 'object' }) }, [
        'event',
        'state',
        'clouds',
      ]),
      description: 'The event and the folded state after it; absent where the payload is not here.',
    },
  },
  additionalProperties: false,
}

/** The form of the feed's cursor. */
const cursorPattern = '^(0|[1-9][0-9]{0,17})(\\.(0|[1-9][0-9]{0,2}))?$'

/** GET /v1/events. */
export const feedRoute: Omit<ApiRoute, 'admit'> = {
  method: 'GET',
  path: '/v1/events',
  name: 'eventFeed',
  service,
  summary: 'The events of all zones that this zone has verified, in the order of H, as CloudEvents.',
  description:
    'Start anywhere with `after`, then always with the cursor that the answer before names in `hutong-next` (and in ' +
    '`link`, rel `next`): then nothing is lost and nothing comes twice. Keep the cursor together with what was done with the events. ' +
    'An empty answer has a cursor too. Heartbeats are left out. What an event said once can later be judged otherwise (a stolen key): ' +
    'a case rests on a verdict, not on the feed.',
  mediaType: 'application/cloudevents-batch+json',
  query: {
    type: 'object',
    properties: {
      after: {
        type: 'string',
        pattern: cursorPattern,
        default: '0',
        description:
          'A cursor of an answer, or a position N: the first N leaves of H are known. `N.P`: and P leaves of the batch at index N. ' +
          'Beyond what this zone has applied: 409 NOT_YET.',
      },
      wait: {
        type: 'integer',
        minimum: 0,
        maximum: feedWaitMaxS,
        default: 0,
        description: 'How many seconds to wait for news where there is none.',
      },
      limit: { type: 'integer', minimum: 1, maximum: pageEventsMax, default: pageEventsMax },
    },
    additionalProperties: false,
  },
  answer: list(cloudEvent),
  answerHeaders: {
    'hutong-next': { ...text, pattern: cursorPattern, description: 'Where the next answer begins.' },
    'hutong-position': { ...text, description: 'Leaves of H this zone has applied.' },
    link: { ...text, description: 'The next answer, rel `next`.' },
  },
}
