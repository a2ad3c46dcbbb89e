import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { status } from '@grpc/grpc-js'
import type { FastifyInstance } from 'fastify'
import { createHttpApp } from './http-app.ts'
import {
  BODY_LIMIT_BYTES,
  HEADERS_LIMIT_BYTES,
  HEADERS_LIMIT_MS,
  HTTP_CONNECTIONS_LIMIT,
  REQUEST_DRAIN_LIMIT_MS,
  REQUEST_LIMIT_MS,
} from './http-limits.ts'
import { type HttpRoutes, inScopes } from './http-routes.ts'
import type { Logger } from './logger.ts'
import { addressOf, checkedHost, isLoopback, type Listening } from './loopback.ts'
import type { Metrics } from './metrics.ts'
import { addOpenApi } from './open-api.ts'
import { refuse } from './refusal.ts'
import { answerUnreadable } from './unreadable-request.ts'
import { withinMs } from './within.ts'

/** Options of `createHttpServer`. */
export interface HttpServerOptions {
  readonly log: Logger
  /** Default BODY_LIMIT_BYTES. */
  readonly bodyLimitBytes?: number
  /** Default REQUEST_DRAIN_LIMIT_MS. */
  readonly drainLimitMs?: number
  /** What `/readyz` asks; default: always. */
  readonly ready?: () => boolean | Promise<boolean>
  /** With it, `/metrics` answers. */
  readonly metrics?: Metrics
  /** Routes outside of any zone. */
  readonly routes?: HttpRoutes
  /** Host names it answers to besides loopback's and the one it listens on. */
  readonly hostNames?: readonly string[]
}

/** One HTTP server for everything that runs in a process. */
export interface HttpServer extends AsyncDisposable {
  /**
   * Puts the routes of a zone's services up under `/z/<zone>`; they see paths without it. `/v1/openapi.json` there describes all of them
   * that are described. @throws {Error} the zone is already mounted.
   */
  mount(zone: string, ...services: readonly HttpRoutes[]): Promise<void>
  /** Takes them down: new requests get 503 ZONE_NOT_RUNNING at once, running ones are answered. */
  unmount(zone: string): Promise<void>
  /** Resolves with the real port. @throws {RangeError} see `Listening`. */
  listen(listening: Listening): Promise<{ readonly host: string; readonly port: number; readonly address: string }>
  /** Stops taking requests, lets the running ones finish within `drainLimitMs`, closes. Twice is quiet. */
  drain(): Promise<void>
}

/**
 * A server whose errors are all `application/problem+json` with a reason code, with `/healthz` (the process answers) and
 * `/readyz` (it can do its work). It answers only to host names it knows: else a page of a stranger could make a
 * clerk's browser ask it, by pointing the stranger's own name at loopback.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = new HutongHttpServer(options)
  await server.prepare()
  return server
}

class HutongHttpServer implements HttpServer {
  readonly #options: HttpServerOptions
  readonly #draining: AbortController = new AbortController()
  #root: FastifyInstance | undefined
  readonly #server: Server
  readonly #zones: Map<string, Mount> = new Map()
  readonly #hosts: Set<string>
  #drained: Promise<void> | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#hosts = new Set(options.hostNames)
    this.#server = createServer(
      {
        requestTimeout: REQUEST_LIMIT_MS,
        headersTimeout: HEADERS_LIMIT_MS,
        maxHeaderSize: HEADERS_LIMIT_BYTES,
      },
      (request, response) => this.#dispatch(request, response),
    )
    this.#server.maxConnections = HTTP_CONNECTIONS_LIMIT
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerUnreadable(error.code, socket))
  }

  async prepare(): Promise<void> {
    const { metrics, routes, ready } = this.#options
    const root = await this.#app()
    // Watchers ask by HEAD as well.
    const method = ['GET', 'HEAD']
    root.route({ method, url: '/healthz', handler: async () => ({ status: 'alive' }) })
    root.route({
      method,
      url: '/readyz',
      handler: async () => {
        if (!((await ready?.()) ?? true)) throw notReady()
        return { status: 'ready' }
      },
    })
    root.all('/z/*', async () => {
      throw zoneNotRunning()
    })
    if (metrics !== undefined)
      root.get('/metrics', async (_request, reply) => {
        const { contentType, body } = await metrics.text()
        return reply.type(contentType).send(body)
      })
    await routes?.(root, this.#draining.signal)
    await root.ready()
    this.#root = root
  }

  async mount(zone: string, ...services: readonly HttpRoutes[]): Promise<void> {
    if (!ZONE.test(zone)) throw new TypeError(`zone "${zone}": want lower-case letters, digits and hyphens`)
    const app = await this.#app()
    const draining = new AbortController()
    await addOpenApi(app, zone)
    await inScopes(...services)(app, draining.signal)
    await app.ready()
    if (this.#zones.has(zone)) throw new Error(`zone ${zone} is already mounted`)
    this.#zones.set(zone, { app, draining, running: new Set() })
  }

  async unmount(zone: string): Promise<void> {
    const mount = this.#zones.get(zone)
    if (mount === undefined) return
    this.#zones.delete(zone)
    mount.draining.abort()
    await withinMs(Promise.all(mount.running), this.#options.drainLimitMs ?? REQUEST_DRAIN_LIMIT_MS)
    await mount.app.close()
  }

  async listen(
    listening: Listening,
  ): Promise<{ readonly host: string; readonly port: number; readonly address: string }> {
    const host = checkedHost(listening)
    this.#hosts.add(host)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(listening.port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const bound = this.#server.address()
    if (bound === null || typeof bound === 'string') throw new Error('the server listens on no port')
    return { host, port: bound.port, address: addressOf(host, bound.port) }
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #drain(): Promise<void> {
    for (const { draining } of [...this.#zones.values(), { draining: this.#draining }]) draining.abort()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const cut = setTimeout(
      () => this.#server.closeAllConnections(),
      this.#options.drainLimitMs ?? REQUEST_DRAIN_LIMIT_MS,
    )
    await closed
    clearTimeout(cut)
    for (const { app } of this.#zones.values()) await app.close()
    await this.#root?.close()
  }

  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    // A connection kept alive by its client would hold up the end for seconds after its last answer.
    response.once('close', () => setImmediate(() => this.#drained && this.#server.closeIdleConnections()))
    const match = /^\/z\/([^/?#]*)(?=[/?#]|$)/.exec(request.url ?? '')
    const mount = match?.[1] === undefined ? undefined : this.#zones.get(match[1])
    if (match === null || mount === undefined) this.#root?.routing(request, response)
    else {
      const rest = (request.url ?? '').slice(match[0].length)
      request.url = rest.startsWith('/') ? rest : `/${rest}`
      const ended = new Promise<void>((resolve) => response.once('close', resolve))
      mount.running.add(ended)
      void ended.then(() => mount.running.delete(ended))
      mount.app.routing(request, response)
    }
  }

  #app(): Promise<FastifyInstance> {
    const { log, bodyLimitBytes = BODY_LIMIT_BYTES } = this.#options
    return createHttpApp({ log, bodyLimitBytes, knows: (hostname) => this.#knows(hostname) })
  }

  #knows(hostname: string): boolean {
    const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
    return isLoopback(host) || this.#hosts.has(host)
  }
}

const ZONE = /^[a-z0-9][a-z0-9-]{0,62}$/

/** What is up under one `/z/<zone>`. */
interface Mount {
  readonly app: FastifyInstance
  readonly draining: AbortController
  /** One for each request that is not answered yet. */
  readonly running: Set<Promise<void>>
}

function notReady(): Error {
  return refuse({
    code: 'NOT_READY',
    zh: '服务尚未就绪。',
    en: 'the service is not ready yet',
    grpc: status.UNAVAILABLE,
  })
}

function zoneNotRunning(): Error {
  return refuse({
    code: 'ZONE_NOT_RUNNING',
    zh: '此处未运行该区域的服务。',
    en: 'no service of that zone runs here',
    grpc: status.UNAVAILABLE,
  })
}
