import { readFile } from 'node:fs/promises'
import {
  type Caller,
  type Client,
  createClient,
  createHttpServer,
  createLogger,
  type HttpRoutes,
  inScopes,
  type Logger,
} from '@hutong/service'
import { createSqliteStore, type Store } from '@hutong/store'
import { VerifierServiceClient, type VerifierServiceService } from '@hutong/wire'
import { askersOf } from './askers.ts'
import type { CounterConfig } from './config.ts'
import { Counter, type CounterVerifier } from './counter.ts'
import { verifierOverGrpc } from './grpc-verifier.ts'
import { counterHttp } from './http.ts'
import type { Matter } from './page.ts'
import { routesOf } from './routes.ts'
import { type CounterSettings, defaultSettings } from './settings.ts'

/** What a counter service is made of. */
export interface CounterServiceOptions {
  /** The receiving zone. */
  readonly zone: string
  /** Its name on the page; the id where it is left out. */
  readonly zoneNameZh?: string
  /** The counter's own store. Belongs to the service's owner, who disposes it after the service. */
  readonly store: Store
  /** The zone's verifier. */
  readonly clients: { readonly verifier: Client<typeof VerifierServiceService> }
  /** Who may ask, by token; only callers of this zone. */
  readonly tokens: ReadonlyMap<string, Caller>
  /** What the page offers as matters. */
  readonly matters?: readonly Matter[]
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  readonly log?: Logger
  readonly settings?: Partial<CounterSettings>
  /** For tests: a verifier that is no gRPC. */
  readonly verifier?: CounterVerifier
}

/** A counter as a service. */
export interface CounterService extends AsyncDisposable {
  /** Page and JSON interface, to be mounted under `/z/<zone>`. */
  readonly routes: HttpRoutes
  readonly counter: Counter
}

/** Opens a counter. It answers also while its verifier is away: then UNDETERMINED. @throws what the store throws. */
export async function createCounterService(options: CounterServiceOptions): Promise<CounterService> {
  const { zone, store, clients, tokens } = options
  const settings = { ...defaultSettings, ...options.settings }
  const clock = options.clock ?? Date.now
  const log = options.log ?? createLogger({ name: `counter ${zone}` })
  const counter = await Counter.open({
    zone,
    store,
    verifier: options.verifier ?? verifierOverGrpc(clients.verifier, settings.verifierLimitMs),
    clock,
    tell: (fact, details) => log.warn({ zone, ...details }, fact),
  })
  const identify = askersOf(zone, tokens, settings.openOnLoopback)
  const page = routesOf({
    zone,
    zoneNameZh: options.zoneNameZh ?? zone,
    matters: options.matters ?? [],
    counter,
    identify,
    clock,
  })
  const routes = inScopes(counterHttp({ zone, counter, identify }), page)
  return { routes, counter, [Symbol.asyncDispose]: () => counter[Symbol.asyncDispose]() }
}

/** A counter in a process of its own, behind its own HTTP port. Disposal drains it. */
export async function runCounter(config: CounterConfig, log: Logger): Promise<AsyncDisposable> {
  const { zone, verifier } = config
  const resources = new AsyncDisposableStack()
  const store = resources.use(createSqliteStore({ path: config.storePath }))
  const client = resources.use(
    createClient(VerifierServiceClient, verifier.address, {
      token: verifier.token,
      zone,
      defaultDeadlineMs: defaultSettings.verifierLimitMs,
    }),
  )
  const service = await createCounterService({
    zone,
    store,
    clients: { verifier: client },
    tokens: await readCallers(config.callersPath),
    log,
    settings: { openOnLoopback: config.openOnLoopback },
  })
  resources.use(service)
  const server = resources.use(await createHttpServer({ log }))
  await server.mount(zone, service.routes)
  const { address } = await server.listen({ port: config.port })
  log.info({ zone, address }, 'the counter answers')
  return resources
}

async function readCallers(path: string): Promise<ReadonlyMap<string, Caller>> {
  const listed = JSON.parse(await readFile(path, 'utf8')) as readonly (Caller & { readonly token: string })[]
  return new Map(listed.map(({ token, ...caller }) => [token, caller]))
}
