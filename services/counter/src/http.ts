import { type ApiRoute, addApiRoute, type HttpRoutes } from '@hutong/service'
import { verdictJsonSchema, verdictToJson } from '@hutong/wire'
import { admitted, nameOf } from './admission.ts'
import type { IdentifyAsker } from './askers.ts'
import type { Counter } from './counter.ts'
import { lengths, noSuchReceipt, questionOf, refused } from './question.ts'

/** What the JSON interface of a counter is made of. */
export interface CounterHttpParts {
  readonly zone: string
  readonly counter: Counter
  readonly identify: IdentifyAsker
}

/** Verdicts with receipt numbers in JSON, to be mounted under `/z/<zone>`. */
export function counterHttp({ zone, counter, identify }: CounterHttpParts): HttpRoutes {
  const admit: ApiRoute['admit'] = (request) => admitted(identify, request)
  return (app, draining) => {
    app.addSchema({ $id: 'Verdict', ...verdictJsonSchema() })
    addApiRoute(app, zone, draining, { ...askRoute, admit }, async ({ body, context }) => {
      const answer = await counter.ask(questionOf(body), nameOf(context.caller))
      if (answer.kind === 'refused') throw refused(answer.refusal)
      return verdictToJson(answer.verdict)
    })
    addApiRoute(app, zone, draining, { ...shownRoute, admit }, async ({ params }) => {
      const verdict = await counter.shown(params.receipt ?? '')
      if (verdict === undefined) throw noSuchReceipt()
      return verdictToJson(verdict)
    })
  }
}

const service = 'counter'

/** POST /v1/verdicts. */
const askRoute: Omit<ApiRoute, 'admit'> = {
  method: 'POST',
  path: '/v1/verdicts',
  name: 'askVerdict',
  service,
  summary: 'Asks for a verdict, numbered and kept: what a clerk acts upon.',
  description:
    'Whatever fails on the way is UNDETERMINED, never an error. An empty `receiptNumber` says that it could not be kept: such a ' +
    'verdict is UNDETERMINED too.',
  body: {
    type: 'object',
    required: ['identifier', 'matter'],
    properties: {
      identifier: { type: 'string', maxLength: lengths.identifier, description: 'Licence identifier.' },
      matter: { type: 'string', maxLength: lengths.matter },
      holderCode: {
        type: 'string',
        maxLength: lengths.holderCode,
        description: "The presenter's number; empty for none.",
      },
      asOf: {
        type: 'object',
        description:
          "Up to which position of the hub's log, or up to which time, the question is; left out: about now. Beyond the newest cosigned " +
          'head held here it is refused, NOT_YET.',
        properties: {
          position: {
            anyOf: [
              { type: 'integer', minimum: 0 },
              { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$' },
            ],
          },
          time: { type: 'string', maxLength: 40, examples: ['2026-11-24T16:00:00+08:00'] },
        },
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 1,
      },
    },
    additionalProperties: false,
  },
  answer: { $ref: 'Verdict#' },
  mayBeOpen: true,
}

/** GET /v1/verdicts/{receipt}. */
const shownRoute: Omit<ApiRoute, 'admit'> = {
  method: 'GET',
  path: '/v1/verdicts/:receipt',
  name: 'shownVerdict',
  service,
  summary: 'The verdict as it was shown under a receipt number.',
  params: {
    type: 'object',
    required: ['receipt'],
    properties: { receipt: { type: 'string', minLength: 1, maxLength: 64, examples: ['tianjin-1'] } },
  },
  answer: { $ref: 'Verdict#' },
  mayBeOpen: true,
}
