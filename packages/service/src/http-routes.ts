import type { FastifyInstance, FastifyPluginAsync } from 'fastify'

/**
 * Adds routes to a server or to the part of it under `/z/<zone>`. `draining` aborts when that part begins to stop: a route that waits for
 * something answers then with what it has.
 */
export type HttpRoutes = (app: FastifyInstance, draining: AbortSignal) => void | Promise<void>

/** Several as one, each in a scope of its own: how one reads bodies is no concern of the next. */
export function inScopes(...parts: readonly HttpRoutes[]): HttpRoutes {
  return async (app, draining) => {
    for (const routes of parts) {
      const scoped: FastifyPluginAsync = async (scope) => routes(scope, draining)
      await app.register(scoped)
    }
  }
}
