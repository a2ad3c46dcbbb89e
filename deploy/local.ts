import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BoxFile, type BoxStatus, boxFileName, boxFileToJson } from '@hutong/cli'
import { logServiceRoles } from '@hutong/log-service'
import { publisherServiceRoles } from '@hutong/publisher-service'
import { createLogClient, createPublisherClient, createVerifierClient } from '@hutong/sdk'
import {
  createGrpcServer,
  createHttpServer,
  createLogger,
  type GrpcServer,
  type HttpServer,
  isLoopback,
  type Logger,
  tokenIdentity,
} from '@hutong/service'
import { createLocalStream } from '@hutong/stream'
import { verifierServiceRoles } from '@hutong/verifier-service'
import { type Alliance, boxCharterLimits, type CharterLimits } from './alliance-files.ts'
import { BoxError } from './box-error.ts'
import { createBoxLog } from './box-log.ts'
import { controlRoutes } from './control.ts'
import { openDataDirectory } from './data-directory.ts'
import { startHub } from './hub-part.ts'
import type { BoxFaults, BoxSettings, Surroundings } from './part.ts'
import { drawTokens, type Tokens } from './tokens.ts'
import { startZone } from './zone-part.ts'

/** The gRPC port of a box unless told; HTTP is one above. */
const defaultPort = 4980
/** How long a part waits for an answer of another. */
const peerDeadlineMs = 10_000
/** How long the box's own look at a part may take. */
const statusDeadlineMs = 2_000
/** `logged` keeps records this long, and so much of them; older history comes from the hub. */
const streamKeepMs = 30 * 24 * 3_600_000
const streamKeepBytes: number = 512 * 1024 * 1024
/** An import appends some megabytes a second: looked at less often, the file would grow far beyond what is kept. */
const streamTrimPaceMs = 15_000

/** Options of `startBox`. */
export interface BoxOptions {
  readonly dataDir: string
  /** Default: those of the data, and at the first start three. */
  readonly zones?: readonly string[] | 'all'
  /** gRPC; HTTP is one above. 0 takes free ones. Default `defaultPort`. */
  readonly port?: number
  /** Loopback only: the keys of a demonstration lie in its data. Default 127.0.0.1. */
  readonly host?: string
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  /** Only heeded at the first start, which writes them into charter 0. */
  readonly charterLimits?: Partial<CharterLimits>
  readonly settings?: BoxSettings
  /** For tests. */
  readonly faults?: BoxFaults
  /** Default: `logs/box.log` under the data. */
  readonly log?: Logger
}

/** An alliance that runs in this process. */
export interface RunningBox extends AsyncDisposable {
  readonly dataDir: string
  readonly alliance: Alliance
  readonly zones: readonly string[]
  /** host:port. */
  readonly grpcAddress: string
  readonly httpAddress: string
  readonly tokens: Tokens
  /** When this run began, by the box's clock. */
  readonly startedMs: number
  /** Stops `hub` or a zone: running calls finish, then it is away. Stopped already: nothing happens. */
  stop(part: string): Promise<void>
  /** Starts it again; everything heals by itself. Running already: nothing happens. */
  start(part: string): Promise<void>
  status(): Promise<BoxStatus>
  /** Rejects with what ended a part that nobody stopped; the process must end, and a new start heals. */
  readonly stopped: Promise<never>
}

/**
 * Starts the hub and the zones of an alliance in this process, on one gRPC and one HTTP port. Returns when all are up; the hub commits
 * nothing before enough zones witness, and a zone seals nothing before the hub has answered: `whenReady` waits for that.
 *
 * @throws {BoxError} the data or the port is somebody else's, or what was asked for cannot be.
 */
export async function startBox(options: BoxOptions): Promise<RunningBox> {
  const { host = '127.0.0.1', clock = Date.now, settings = {}, faults = {} } = options
  if (!isLoopback(host)) {
    throw new BoxError(2, 'NOT_LOOPBACK', `host ${host}: the keys of a demonstration do not leave this machine`)
  }
  const startedMs = clock()
  await using parts = new AsyncDisposableStack()
  const data = parts.use(
    openDataDirectory({
      dataDir: options.dataDir,
      zones: options.zones,
      limits: { ...boxCharterLimits, ...options.charterLimits },
      nowMs: startedMs,
    }),
  )
  const log = options.log ?? createLogger({ name: 'box', destination: parts.use(createBoxLog(data.path)) })
  const { zones } = data.alliance.configuration
  const tokens = drawTokens(zones)
  const failure = Promise.withResolvers<never>()
  // Whoever asks sees it; a box that nobody watches must not end the process of a test.
  failure.promise.catch(() => {})

  const stream = parts.use(createLocalStream({ path: join(data.hubPath, 'logged.sqlite'), now: clock }))
  const trim = () =>
    void stream.trim(clock() - streamKeepMs, streamKeepBytes).catch((error) => log.warn({ err: error }))
  const trimming = setInterval(trim, streamTrimPaceMs)
  parts.defer(() => clearInterval(trimming))

  const running = new Map<string, AsyncDisposable>()
  const names = ['hub', ...zones]
  let grpcAddress = ''
  const turns = new Turns()
  const controlled = {
    parts: names,
    stop: (name: string) => turns.take(() => stopPart(running, name)),
    start: (name: string) => turns.take(() => startPart(running, surroundings, name)),
    status: () => statusOf(names, running, grpcAddress, tokens),
  }
  const grpc = parts.use(
    createGrpcServer({ identify: tokenIdentity(tokens.callers), allow: boxRoles, log, descriptorSet: contract() }),
  )
  const http = parts.use(
    await createHttpServer({ log, routes: controlRoutes(controlled, tokens.of('hub', 'operator')) }),
  )
  const surroundings: Surroundings = {
    data,
    grpc,
    http,
    grpcAddress: () => grpcAddress,
    tokens,
    stream,
    clock,
    log,
    settings,
    faults,
    peerDeadlineMs,
    failed(part, error) {
      log.error({ err: error, part }, 'a part of the box has ended')
      failure.reject(new Error(`${part} has ended`, { cause: error }))
    },
  }
  const addresses = await listen(grpc, http, host, options.port ?? defaultPort)
  grpcAddress = addresses.grpc
  // Zones go first and the hub last, so that what a zone still has to say is heard.
  parts.defer(() => turns.take(() => stopPart(running, 'hub')))
  parts.defer(async () => {
    await Promise.all(zones.map((zone) => turns.take(() => stopPart(running, zone))))
  })
  for (const name of names) await controlled.start(name)

  writeBoxFile(data.path, {
    pid: process.pid,
    ...addresses,
    startedAt: new Date(startedMs).toISOString(),
    zones,
    tokens: tokens.forPeople(),
  })
  parts.defer(() => rmSync(join(data.path, boxFileName), { force: true }))
  const whole = parts.move()
  return {
    dataDir: data.path,
    alliance: data.alliance,
    zones,
    grpcAddress: addresses.grpc,
    httpAddress: addresses.http,
    tokens,
    startedMs,
    stop: (part) => controlled.stop(known(names, part)),
    start: (part) => controlled.start(known(names, part)),
    status: controlled.status,
    stopped: failure.promise,
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  }
}

const boxRoles = { ...logServiceRoles, ...publisherServiceRoles, ...verifierServiceRoles }

/** One after the other: a part must not be started while it stops. */
class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

async function startPart(running: Map<string, AsyncDisposable>, box: Surroundings, name: string): Promise<void> {
  if (running.has(name)) return
  running.set(name, name === 'hub' ? await startHub(box) : await startZone(box, name))
  box.log.info({ part: name }, 'started')
}

async function stopPart(running: Map<string, AsyncDisposable>, name: string): Promise<void> {
  const part = running.get(name)
  running.delete(name)
  await part?.[Symbol.asyncDispose]()
}

async function listen(
  grpc: GrpcServer,
  http: HttpServer,
  host: string,
  port: number,
): Promise<{ readonly grpc: string; readonly http: string }> {
  try {
    const first = await grpc.listen({ host, port })
    const second = await http.listen({ host, port: port === 0 ? 0 : port + 1 })
    return { grpc: first.address, http: second.address }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (!message.includes('EADDRINUSE') && !message.includes('No address added')) throw error
    throw new BoxError(7, 'PORT_IN_USE', `port ${port} or ${port + 1} is taken: name another --port`, error)
  }
}

async function statusOf(
  names: readonly string[],
  running: ReadonlyMap<string, AsyncDisposable>,
  address: string,
  tokens: Tokens,
): Promise<BoxStatus> {
  const parts = names.map(async (name) => {
    const stopped = { name, running: false, refuses: '', size: '', position: '' }
    if (!running.has(name)) return stopped
    return name === 'hub' ? await hubStatus(address, tokens) : await zoneStatus(address, tokens, name)
  })
  return { parts: await Promise.all(parts) }
}

async function hubStatus(address: string, tokens: Tokens): Promise<BoxStatus['parts'][number]> {
  using log = createLogClient(address, { token: tokens.of('hub', 'operator') })
  const { size, cosignedSize, refuses } = await log.status({ deadlineMs: statusDeadlineMs })
  return { name: 'hub', running: true, refuses, size: String(size), position: String(cosignedSize) }
}

async function zoneStatus(address: string, tokens: Tokens, zone: string): Promise<BoxStatus['parts'][number]> {
  const options = { token: tokens.of(zone, 'operator'), zone }
  using publisher = createPublisherClient(address, options)
  using verifier = createVerifierClient(address, options)
  const [own, copy] = await Promise.all([
    publisher.status({ deadlineMs: statusDeadlineMs }),
    verifier.status({ deadlineMs: statusDeadlineMs }),
  ])
  const refuses = copy.fault || own.refuses || (own.hubAnswered ? '' : 'HUB_NOT_ANSWERED')
  return { name: zone, running: true, refuses, size: String(own.size), position: String(copy.position) }
}

/** Whole or not at all, and readable by its owner alone: it holds tokens. */
function writeBoxFile(dataDir: string, box: BoxFile): void {
  const path = join(dataDir, boxFileName)
  rmSync(`${path}.tmp`, { force: true })
  writeFileSync(`${path}.tmp`, boxFileToJson(box), { mode: 0o600, flag: 'wx' })
  renameSync(`${path}.tmp`, path)
}

function known(names: readonly string[], part: string): string {
  if (names.includes(part)) return part
  throw new RangeError(`the box has no part ${part}`)
}

/** The contract as bytes, so that `buf curl` and `grpcurl` need no files of ours. */
function contract(): Uint8Array {
  return readFileSync(fileURLToPath(import.meta.resolve('@hutong/proto/descriptor-set')))
}
