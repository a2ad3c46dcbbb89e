import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type NoteSigner, noteSigner } from '@hutong/merkle'
import {
  type Client,
  createClient,
  createGrpcServer,
  createHttpServer,
  createLogger,
  type HttpRoutes,
  type Identify,
  type Logger,
  type Routes,
  tokenIdentity,
} from '@hutong/service'
import { assertKnownAnswers, sha256, signerFromPem } from '@hutong/signing'
import { createSqliteStore, type Store } from '@hutong/store'
import { trustFromFirstCharter, zoneOrigin } from '@hutong/verify'
import {
  LogServiceClient,
  type LogServiceService,
  PublisherServiceService,
  VerifierServiceClient,
  type VerifierServiceService,
} from '@hutong/wire'
import type { PublisherConfig } from './config.ts'
import { hubOverGrpc, verifierOverGrpc } from './grpc-peers.ts'
import { publisherHttp } from './http.ts'
import { Publisher } from './publisher.ts'
import { publisherServiceRoles, routesOf } from './routes.ts'
import { defaultSettings, type PublisherSettings } from './settings.ts'

/** What a publisher service is made of. */
export interface PublisherServiceOptions {
  readonly zone: string
  /** Belongs to the service's owner, who disposes it after the service. */
  readonly store: Store
  /** The zone's keys: one of the suite that decides and one of Ed25519, under the log's origin; keys of a coming charter may be among them. */
  readonly signers: readonly NoteSigner[]
  /** The bytes of charter 0; its SHA-256 is what the hub's charters are held against. */
  readonly charter: Uint8Array
  readonly hub: Client<typeof LogServiceService>
  /** The zone's own verifier; without one it counts as one that does not answer. */
  readonly verifier?: Client<typeof VerifierServiceService>
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  /** Milliseconds from anywhere, never falling. */
  readonly monotonic?: () => number
  readonly random?: (bytes: number) => Uint8Array
  readonly log?: Logger
  readonly settings: Partial<PublisherSettings> & Pick<PublisherSettings, 'clients'>
}

/** The publisher of a zone as a service. */
export interface PublisherService extends AsyncDisposable {
  readonly routes: Routes<typeof PublisherServiceService>
  /** The same in JSON, to be mounted under `/z/<zone>`, for callers found by `identify`. */
  http(identify: Identify): HttpRoutes
  /** The publisher itself, for what runs beside it. */
  readonly publisher: Publisher
  /** Resolves with what makes this process useless: it must end. Never rejects. */
  readonly failed: Promise<Error>
}

/** Charter 0 or the keys are not those of this zone; nothing was started. */
export class PublisherMismatchError extends Error {
  override readonly name = 'PublisherMismatchError'
}

/**
 * Starts the publisher of a zone, as the only writer of its log. It seals nothing before the hub has answered.
 *
 * @throws {PublisherMismatchError} charter 0 cannot be read, or knows no log of the zone.
 * @throws {AnotherWriterError} another publisher of the zone starts at this moment.
 * @throws {KnownAnswerError} this machine computes signatures wrongly.
 */
export async function createPublisherService(options: PublisherServiceOptions): Promise<PublisherService> {
  assertKnownAnswers()
  const { zone, store, signers, charter, hub, verifier } = options
  const settings = { ...defaultSettings, ...options.settings }
  const closing = new AbortController()
  const publisher = await Publisher.start({
    zone,
    origin: originOf(charter, zone),
    pinnedCharterSha256: sha256(charter),
    store,
    hub: hubOverGrpc(hub, settings.hubDeadlineMs, closing.signal),
    verifier:
      verifier === undefined ? undefined : verifierOverGrpc(verifier, settings.verifierDeadlineMs, closing.signal),
    signers,
    clock: options.clock ?? Date.now,
    monotonic: options.monotonic ?? (() => performance.now()),
    random: options.random ?? randomBytes,
    logger: options.log ?? createLogger({ name: `publisher ${zone}` }),
    settings,
  })
  const routes = routesOf(publisher, settings)
  return {
    routes,
    http: (identify) => publisherHttp({ zone, routes, identify }),
    publisher,
    failed: publisher.failed,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the publisher stops'))
      await publisher[Symbol.asyncDispose]()
    },
  }
}

/** A process that runs the publisher of one zone alone. */
export async function startPublisher(
  config: PublisherConfig,
  log: Logger,
): Promise<AsyncDisposable & { readonly stopped: Promise<void> }> {
  const charter = readFileSync(config.charterPath)
  const origin = originOf(charter, config.zone)
  const store = createSqliteStore({ path: config.storePath })
  const peer = {
    defaultDeadlineMs: config.deadlineMs,
    ...(config.peerToken === undefined ? {} : { token: config.peerToken }),
  }
  const hub = createClient(LogServiceClient, config.hubAddress, peer)
  const verifier =
    config.verifierAddress === undefined
      ? undefined
      : createClient(VerifierServiceClient, config.verifierAddress, { ...peer, zone: config.zone })
  const service = await createPublisherService({
    zone: config.zone,
    store,
    signers: config.keyPaths.map((path) => noteSigner(origin, signerFromPem(readFileSync(path, 'utf8')))),
    charter,
    hub,
    ...(verifier === undefined ? {} : { verifier }),
    log,
    settings: { clients: config.clients },
  })
  const identify = tokenIdentity(config.callers)
  const server = createGrpcServer({ identify, allow: publisherServiceRoles, log })
  server.mount(PublisherServiceService, config.zone, service.routes)
  await server.listen({ port: config.port })
  const http = await createHttpServer({ log })
  if (config.httpPort !== undefined) {
    await http.mount(config.zone, service.http(identify))
    const { address } = await http.listen({ port: config.httpPort })
    log.info({ zone: config.zone, address }, 'the publisher answers by HTTP')
  }
  return {
    stopped: service.failed.then((error) => Promise.reject(error)),
    async [Symbol.asyncDispose]() {
      await Promise.all([server.drain(), http.drain()])
      await service[Symbol.asyncDispose]()
      hub[Symbol.dispose]()
      verifier?.[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

function originOf(charter: Uint8Array, zone: string): string {
  const trust = trustFromFirstCharter(charter)
  if ('kind' in trust) throw new PublisherMismatchError(`charter 0: ${trust.reason}`)
  try {
    return zoneOrigin(trust.charters[0].charter, zone)
  } catch (cause) {
    throw new PublisherMismatchError(`charter 0 knows no log of ${zone}`, { cause })
  }
}
