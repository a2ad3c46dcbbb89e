import type { ApiRoute, JsonSchema } from '@hutong/service'
import { integerJsonSchema } from '@hutong/wire'
import { maxItems } from './routes.ts'

const service = 'publisher'
const stages = ['sealed', 'sequenced', 'witnessed'] as const

/** Where an event stands, as publishing answers it. */
export const publishedSchema: JsonSchema = {
  $id: 'Published',
  type: 'object',
  required: ['requestId', 'eventId', 'origin', 'index', 'leafHash', 'stage', 'duplicate'],
  properties: {
    requestId: { type: 'string' },
    eventId: { type: 'string', description: '`<origin>/<index>`.' },
    origin: { type: 'string', description: "Of the zone's log." },
    index: integerJsonSchema,
    leafHash: { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'RFC 6962 leaf hash.' },
    stage: {
      enum: stages,
      description: 'The stage reached: durable in the zone’s log; in H, where it never moves; under a cosigned head.',
    },
    position: { ...integerJsonSchema, description: 'From `sequenced` on: the H index of its batch.' },
    duplicate: { type: 'boolean', description: 'It was there already, with equal content.' },
  },
  additionalProperties: false,
}

const outcomesSchema: JsonSchema = {
  title: 'Outcomes',
  type: 'object',
  required: ['outcomes'],
  properties: {
    outcomes: {
      description: 'One for each item, in order.',
      type: 'array',
      items: {
        oneOf: [
          { $ref: 'Published#' },
          {
            title: 'Refused',
            type: 'object',
            required: ['requestId', 'refusal'],
            properties: { requestId: { type: 'string' }, refusal: { $ref: 'Problem#' } },
            additionalProperties: false,
          },
        ],
      },
    },
  },
  additionalProperties: false,
}

/** POST /v1/events. */
export const publishRoute: Omit<ApiRoute, 'admit'> = {
  method: 'POST',
  path: '/v1/events',
  name: 'publish',
  service,
  summary: 'Publishes one event, or a list of events.',
  description:
    'The body is one event, under the request id in `Idempotency-Key`; or a list, each item with its own `requestId`. Same ' +
    'request id and content: the same answer, marked `duplicate`; other content: 409 CONFLICT. One event that is refused is a ' +
    'problem; in a list each item has its own outcome. A body that is not as described is refused whole. 503 NOT_SEALED_IN_TIME ' +
    'says that nothing is known: send the same again.',
  headers: {
    type: 'object',
    properties: {
      'idempotency-key': {
        type: 'string',
        pattern: '^("[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,64}"|[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,64})$',
        description: 'Wanted for one event: its request id. Not heeded with a list.',
      },
    },
  },
  query: {
    type: 'object',
    properties: {
      wait: {
        enum: stages,
        description: 'Answer when this stage is reached, at the latest after 10 s; default `sequenced`.',
      },
    },
    additionalProperties: false,
  },
  body: {
    anyOf: [
      { $ref: 'Event#' },
      {
        type: 'array',
        minItems: 1,
        maxItems,
        items: {
          type: 'object',
          required: ['requestId', 'event'],
          properties: {
            requestId: { type: 'string', minLength: 1, maxLength: 64, description: '1 to 64 bytes of UTF-8.' },
            event: { $ref: 'Event#' },
          },
          additionalProperties: false,
        },
      },
    ],
  },
  answer: { anyOf: [{ $ref: 'Published#' }, outcomesSchema] },
}

/** GET /v1/publisher/status. */
export const statusRoute: Omit<ApiRoute, 'admit'> = {
  method: 'GET',
  path: '/v1/publisher/status',
  name: 'publisherStatus',
  service,
  summary: 'How the publisher stands.',
  answer: {
    type: 'object',
    required: ['zone', 'origin', 'size', 'outbox', 'hubAnswered'],
    properties: {
      zone: { type: 'string' },
      origin: { type: 'string' },
      size: integerJsonSchema,
      outbox: { type: 'integer', minimum: 0, description: 'Batches sealed and not yet answered by the hub.' },
      hubAnswered: {
        type: 'boolean',
        description: 'Whether the hub has answered in this run: before, nothing is sealed.',
      },
      refuses: {
        description: 'Why nothing is sealed; absent: events are taken.',
        type: 'object',
        required: ['code', 'detail', 'detail_en'],
        properties: { code: { type: 'string' }, detail: { type: 'string' }, detail_en: { type: 'string' } },
        additionalProperties: false,
      },
      observedAt: { type: 'string', format: 'date-time', description: 'Time of the newest heartbeat.' },
    },
    additionalProperties: false,
  },
}
