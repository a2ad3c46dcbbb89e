import { readFile } from 'node:fs/promises'
import {
  type Caller,
  type Client,
  createClient,
  createGrpcServer,
  createHttpServer,
  createLogger,
  type HttpRoutes,
  type Identify,
  type Logger,
  type Metrics,
  type Routes,
  tokenIdentity,
} from '@hutong/service'
import { assertKnownAnswers, type Signer, sha256, signerFromPem } from '@hutong/signing'
import { createSqliteStore, type Store } from '@hutong/store'
import type { Stream } from '@hutong/stream'
import {
  LogServiceClient,
  type LogServiceService,
  PublisherServiceClient,
  type PublisherServiceService,
  VerifierServiceService,
} from '@hutong/wire'
import type { VerifierConfig } from './config.ts'
import type { Notice } from './follower.ts'
import { hubOverGrpc, publisherOverGrpc } from './grpc-peers.ts'
import { verifierHttp } from './http.ts'
import type { Hub, OwnPublisher } from './peers.ts'
import { routesOf, verifierServiceRoles } from './routes.ts'
import { defaultSettings, type VerifierSettings } from './settings.ts'
import { startVerifier, type Verifier } from './verifier.ts'

/** What a verifier service is made of. */
export interface VerifierServiceOptions {
  /** The zone whose copy it is: the receiving zone of its verdicts. */
  readonly zone: string
  /** Belongs to the service's owner, who disposes it after the service. */
  readonly store: Store
  /** `logged`; without it everything is read from the hub. */
  readonly stream?: Stream
  /** The zone's cosigner as the charter names it; without it this copy witnesses nothing. */
  readonly cosigner?: { readonly name: string; readonly signer: Signer }
  /** The bytes of charter 0, or its SHA-256 alone: that is what is pinned. */
  readonly charter: Uint8Array | { readonly sha256: Uint8Array }
  /** The hub's LogService, and the zone's own PublisherService where it has one. */
  readonly clients: {
    readonly log: Client<typeof LogServiceService>
    readonly publisher?: Client<typeof PublisherServiceService>
  }
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  readonly log?: Logger
  /** Told of doubled, altered, refused records and of a fault of the hub, such as `noticesCounted`. */
  readonly noticed?: (zone: string, what: Notice) => void
  readonly settings?: Partial<VerifierSettings>
  /** For tests: peers that are no gRPC. */
  readonly peers?: { readonly hub: Hub; readonly publisher?: OwnPublisher }
}

/** A zone's verifier as a service. */
export interface VerifierService extends AsyncDisposable {
  readonly routes: Routes<typeof VerifierServiceService>
  /** The same in JSON, and the feed of events, to be mounted under `/z/<zone>`, for callers found by `identify`. */
  http(identify: Identify): HttpRoutes
  readonly verifier: Verifier
  /** Rejects with what ended following for good; it goes on answering, ever older. */
  readonly stopped: Promise<void>
}

/**
 * Starts a zone's verifier: it opens its copy, follows H and answers. It starts without hub or publisher and heals when they come.
 *
 * @throws {DocumentDamagedError | FollowStateError} its copy cannot be read.
 * @throws {KnownAnswerError} this machine computes signatures wrongly.
 */
export async function createVerifierService(options: VerifierServiceOptions): Promise<VerifierService> {
  assertKnownAnswers()
  const { zone, store, stream, cosigner, charter, clients, peers } = options
  const clock = options.clock ?? Date.now
  const log = options.log ?? createLogger({ name: `verifier ${zone}` })
  const ownPublisher = clients.publisher && publisherOverGrpc(clients.publisher)
  const verifier = await startVerifier({
    zone,
    store,
    stream,
    hub: peers?.hub ?? hubOverGrpc(clients.log),
    publisher: peers === undefined ? ownPublisher : peers.publisher,
    cosigner,
    pinnedSha256: charter instanceof Uint8Array ? sha256(charter) : charter.sha256,
    clock,
    settings: { ...defaultSettings, ...options.settings },
    tell: (fact, details) => log.warn({ zone, ...details }, fact),
    noticed: (what) => options.noticed?.(zone, what),
  })
  const routes = routesOf({ verifier, clock })
  return {
    routes,
    http: (identify) => verifierHttp({ routes, verifier, identify }),
    verifier,
    stopped: verifier.stopped,
    [Symbol.asyncDispose]: () => verifier[Symbol.asyncDispose](),
  }
}

/** Longest wait for an answer of a peer. */
const peerLimitMs = 5_000

/** A verifier in a process of its own, behind its own gRPC port. Disposal drains it. */
export async function runVerifier(config: VerifierConfig, log: Logger): Promise<AsyncDisposable> {
  const { zone, hub, publisher, cosigner } = config
  const resources = new AsyncDisposableStack()
  const connect = ({ address, token }: { readonly address: string; readonly token: string }) =>
    [address, { token, zone, defaultDeadlineMs: peerLimitMs }] as const
  const store = resources.use(createSqliteStore({ path: config.storePath }))
  const clients = {
    log: resources.use(createClient(LogServiceClient, ...connect(hub))),
    ...(publisher && { publisher: resources.use(createClient(PublisherServiceClient, ...connect(publisher))) }),
  }
  const service = await createVerifierService({
    zone,
    store,
    charter: { sha256: config.charterSha256 },
    clients,
    log,
    ...(cosigner && {
      cosigner: { name: cosigner.name, signer: signerFromPem(await readFile(cosigner.keyPath, 'utf8')) },
    }),
  })
  resources.use(service)
  const identify = tokenIdentity(await readCallers(config.callersPath))
  const server = resources.use(createGrpcServer({ identify, allow: verifierServiceRoles, log }))
  server.mount(VerifierServiceService, zone, service.routes)
  const { address } = await server.listen({ port: config.port })
  log.info({ zone, address }, 'the verifier answers')
  if (config.httpPort !== undefined) {
    const http = resources.use(await createHttpServer({ log }))
    await http.mount(zone, service.http(identify))
    const { address: httpAddress } = await http.listen({ port: config.httpPort })
    log.info({ zone, address: httpAddress }, 'the verifier answers by HTTP')
  }
  return resources
}

async function readCallers(path: string): Promise<ReadonlyMap<string, Caller>> {
  const listed = JSON.parse(await readFile(path, 'utf8')) as readonly (Caller & { readonly token: string })[]
  return new Map(listed.map(({ token, ...caller }) => [token, caller]))
}

/** Counts what the verifiers of a process notice, by zone and closed word: what `noticed` wants. Made once for each process. */
export function noticesCounted(metrics: Metrics): (zone: string, what: Notice) => void {
  const labels = ['zone', 'what']
  const counter = metrics.counter('hutong_verifier_notices_total', 'what verifiers noticed in records', labels)
  return (zone, what) => counter.labels(zone, what).inc()
}
