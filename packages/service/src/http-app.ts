import accepts from '@fastify/accepts'
import { status } from '@grpc/grpc-js'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { HEADERS_LIMIT_BYTES } from './http-limits.ts'
import { jsonFromBody } from './json-body.ts'
import type { Logger } from './logger.ts'
import { methodNotAllowed, notFound, problemFromError } from './problem.ts'
import { refuse } from './refusal.ts'

/** What an application of `createHttpApp` is told. */
export interface HttpAppOptions {
  readonly log: Logger
  readonly bodyLimitBytes: number
  /** Whether it answers to a host name. */
  readonly knows: (hostname: string) => boolean
}

/**
 * The part of an HTTP server below one path: what holds for every route of ours, whatever it is about. Errors are problems with reason
 * codes; bodies are JSON that can be read in one way only; answers are written as the route gave them.
 */
export async function createHttpApp({ log, bodyLimitBytes, knows }: HttpAppOptions): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    bodyLimit: bodyLimitBytes,
    logger: false,
    exposeHeadRoutes: false,
    // The router's own limit answers in its own way, and repeats the path; a route's schema says how long a parameter may be.
    routerOptions: { maxParamLength: HEADERS_LIMIT_BYTES },
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, log),
  })
  // A serializer made from a schema would leave out what the schema forgot: a finding, for instance.
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(accepts)
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, body: string) =>
    jsonFromBody(body),
  )
  const methods = methodsByPath(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SAFE_HEADERS)
    if (!knows(request.hostname)) throw hostUnknown()
    const allowed = request.is404 ? methods(request.url) : []
    if (allowed.length === 0) return
    reply.header('allow', allowed.join(', '))
    throw methodNotAllowed(allowed)
  })
  app.setNotFoundHandler(async () => {
    throw notFound()
  })
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, log))
  return app
}

// Answers are about licences: no cache keeps them, no frame shows them, no script of others runs in them. A route may
// say otherwise for a file that never changes.
const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Seconds after which what passes by itself may be tried again. */
const RETRY_AFTER_S = 1

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): FastifyReply {
  // The pattern of the route, not the path: a path may hold a licence's number.
  const problem = problemFromError(error, log, `${request.method} ${request.routeOptions.url ?? 'unknown'}`)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  if (problem.status === 429 || problem.status === 503) reply.header('retry-after', RETRY_AFTER_S)
  return reply.status(problem.status).type('application/problem+json; charset=utf-8').send(JSON.stringify(problem))
}

/** Finds the methods of a path out of the routes' patterns: whoever asks by another is told which there are. */
function methodsByPath(app: FastifyInstance): (url: string) => readonly string[] {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = []
  app.addHook('onRoute', ({ method, url }) => {
    if (url.includes('*')) return
    const pattern = new RegExp(`^${url.replaceAll('.', '\\.').replace(/:[^/]+/g, '[^/]+')}$`)
    for (const each of [method].flat()) routes.push({ method: each, pattern })
  })
  return (url) => {
    const [path = ''] = url.split('?')
    return routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
  }
}

function hostUnknown(): Error {
  return refuse({
    code: 'HOST_UNKNOWN',
    field: 'host',
    zh: '不接受该主机名的请求。',
    en: 'this server does not answer to that host name',
    grpc: status.PERMISSION_DENIED,
  })
}
