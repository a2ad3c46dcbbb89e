import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from './caller.ts'
import type { CallContext } from './grpc-route.ts'
import { notAcceptable } from './problem.ts'
import { problemResponses } from './problem-schema.ts'
import { validatorsOf } from './schema-validation.ts'

/** JSON Schema, 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** One route of the JSON interface. What is said here validates requests, stands in the document, and is what answers are tested against. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST'
  /** Below `/z/<zone>`; `:name` is a parameter. */
  readonly path: string
  /** Unique among the routes of a zone. */
  readonly name: string
  /** The service it belongs to. */
  readonly service: string
  readonly summary: string
  readonly description?: string
  readonly params?: JsonSchema
  readonly query?: JsonSchema
  /** In lower case. */
  readonly headers?: JsonSchema
  readonly body?: JsonSchema
  readonly answer: JsonSchema
  /** Of the answer; default application/json. */
  readonly mediaType?: string
  readonly answerHeaders?: Readonly<Record<string, JsonSchema>>
  /** Whether it can be open to callers without a token. */
  readonly mayBeOpen?: true
  /** Lets a caller in, before the body is read. @throws what `refuse` makes. */
  readonly admit: (request: FastifyRequest) => Caller
  /** Looks at the body before it is held against the schema, to refuse with better words. @throws what `refuse` makes. */
  readonly look?: (body: unknown) => void
}

/** A request that is as its route describes. */
export interface ApiRequest<Body, Query> {
  readonly body: Body
  readonly query: Query
  readonly headers: FastifyRequest['headers']
  readonly params: Readonly<Record<string, string>>
  readonly context: ApiContext
  readonly reply: FastifyReply
}

/** What a route knows of the call it answers; without a deadline, since HTTP names none. */
export type ApiContext = Omit<CallContext, 'deadlineMs'>

/** Adds a route to an application, after the schemas it refers to. What `answer` resolves to is sent as JSON; a text is sent as it is. */
export function addApiRoute<Body = undefined, Query = undefined>(
  app: FastifyInstance,
  zone: string,
  draining: AbortSignal,
  route: ApiRoute,
  answer: (request: ApiRequest<Body, Query>) => Promise<unknown>,
): void {
  const { method, path, admit, look, mediaType = 'application/json' } = route
  const callers = new WeakMap<FastifyRequest, Caller>()
  app.route({
    method,
    url: path,
    schema: fastifySchema(route, mediaType),
    validatorCompiler: validatorsOf(app),
    onRequest: async (request) => {
      callers.set(request, admit(request))
      if (request.accepts().type([mediaType]) === false) throw notAcceptable(mediaType)
    },
    ...(look && { preValidation: async (request) => look(request.body) }),
    handler: async (request, reply) => {
      const caller = callers.get(request)
      if (caller === undefined) throw new Error('a request that nobody let in')
      const context = { caller, zone, draining, signal: goneSignal(reply) }
      const { params, headers } = request
      const answered = await answer({
        body: request.body as Body,
        query: request.query as Query,
        params: params as Readonly<Record<string, string>>,
        headers,
        context,
        reply,
      })
      const contentType = `${mediaType}; charset=utf-8`
      return reply.type(contentType).send(typeof answered === 'string' ? answered : JSON.stringify(answered))
    },
  })
}

function fastifySchema(route: ApiRoute, mediaType: string): Readonly<Record<string, unknown>> {
  const { name, service, summary, description, params, query, headers, body, answer, answerHeaders, mayBeOpen } = route
  const answered = {
    description: summary,
    content: { [mediaType]: { schema: answer } },
    ...(answerHeaders && { headers: answerHeaders }),
  }
  return {
    operationId: name,
    tags: [service],
    summary,
    ...(description && { description }),
    security: [{ bearer: [] }, ...(mayBeOpen ? [{}] : [])],
    ...(params && { params }),
    ...(query && { querystring: query }),
    ...(headers && { headers }),
    ...(body && { body }),
    response: { 200: answered, ...problemResponses() },
  }
}

/** Aborts when nobody waits for the answer any more. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(new Error('the answer is given, or the caller is gone')))
  return gone.signal
}
