import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import type { Caller, Identify } from './caller.ts'
import { notAuthorised, notIdentified, type RoleTable, roleMay, zoneMay } from './doors.ts'
import {
  type Admission,
  type AnyCall,
  type AnyMethod,
  type CallHall,
  handlerOf,
  type RunningCall,
  shuttingDown,
} from './grpc-call.ts'
import { createHealth, type Health } from './grpc-health.ts'
import { addReflection } from './grpc-reflection.ts'
import type { Routes } from './grpc-route.ts'
import { openServerWindow } from './grpc-window.ts'
import type { Logger } from './logger.ts'
import { addressOf, checkedHost, type Listening } from './loopback.ts'
import { refuse } from './refusal.ts'
import { withinMs } from './within.ts'

/** Largest message in either direction; the batches of the contract stay below half of it. */
export const MESSAGE_LIMIT_BYTES: number = 2 * 1024 * 1024
/** Calls a server answers at the same time; one more is refused with SERVER_BUSY. */
export const RUNNING_CALLS_LIMIT = 4_096
/** Calls one connection may have open; grpc clients queue what is above. */
export const CONNECTION_CALLS_LIMIT = 1_024
/** How long a unary call may take whose caller named no deadline. */
export const UNARY_LIMIT_MS = 60_000
/** How long running calls get when a server stops or a zone is unmounted; then they are cut. */
export const CALL_DRAIN_LIMIT_MS = 8_000
/** How long the last statuses get to leave after that. */
export const FLUSH_LIMIT_MS = 500
/** How often a silent connection is asked whether anybody is there, and how long it may take to say so. */
export const KEEPALIVE_MS = 20_000
export const KEEPALIVE_TIMEOUT_MS = 5_000

/** Options of `createGrpcServer`. */
export interface GrpcServerOptions {
  readonly identify: Identify
  readonly allow: RoleTable
  readonly log: Logger
  /** Default MESSAGE_LIMIT_BYTES. */
  readonly maxMessageBytes?: number
  /** Default RUNNING_CALLS_LIMIT. */
  readonly maxRunningCalls?: number
  /** Default UNARY_LIMIT_MS. */
  readonly unaryLimitMs?: number
  /** Default CALL_DRAIN_LIMIT_MS. */
  readonly drainLimitMs?: number
  /** Default: no transport security, for loopback. */
  readonly credentials?: ServerCredentials
  /** A `google.protobuf.FileDescriptorSet`; with it the server answers reflection. */
  readonly descriptorSet?: Uint8Array
  /** Told once for each call that was answered, for metrics. */
  readonly observe?: (call: { path: string; code: status; durationMs: number }) => void
}

/** One gRPC server for everything that runs in a process. */
export interface GrpcServer extends AsyncDisposable {
  /**
   * Puts a service up for one zone, or with zone undefined for the hub. Calls find it by metadata `hutong-zone`.
   * A service of a zone is for callers of that zone and for callers of the hub, as far as their role may.
   *
   * @throws {Error} it is already mounted there.
   */
  mount<S extends ServiceDefinition>(definition: S, zone: string | undefined, routes: Routes<S>): void
  /** Takes it down: new calls get UNAVAILABLE at once; resolves when the running ones are answered or, in the end, cut. */
  unmount(definition: ServiceDefinition, zone: string | undefined): Promise<void>
  /** What the health service says of a name beyond the mounted services; the empty name is the whole server. */
  setServing(name: string, serving: boolean): void
  /** Resolves with the real port. @throws {RangeError} see `Listening`. */
  listen(listening: Listening): Promise<{ readonly host: string; readonly port: number; readonly address: string }>
  /** Stops taking calls, lets the running ones finish within `drainLimitMs`, cuts the rest, closes. Twice is quiet. */
  drain(): Promise<void>
}

/**
 * A server that denies by default: a call is answered only if the transport proves who calls, the role table names its
 * role for that path, and the service is mounted for the zone asked. Health and reflection are open to all; they tell
 * nothing about licences.
 */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  return new HutongGrpcServer(options)
}

/** Metadata key that names the zone a call is for. */
export const ZONE_KEY = 'hutong-zone'

interface Mount {
  readonly zone: string | undefined
  readonly routes: Readonly<Record<string, Admission['route']>>
}

class HutongGrpcServer implements GrpcServer {
  readonly #options: GrpcServerOptions
  readonly #server: Server
  readonly #hall: CallHall
  readonly #health: Health = createHealth()
  readonly #mounts: Map<string, Map<string | undefined, Mount>> = new Map()
  #drained: Promise<void> | undefined

  constructor(options: GrpcServerOptions) {
    const maxMessageBytes = options.maxMessageBytes ?? MESSAGE_LIMIT_BYTES
    this.#options = options
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      'grpc.max_concurrent_streams': CONNECTION_CALLS_LIMIT,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.enable_channelz': 0,
    })
    openServerWindow(this.#server)
    this.#hall = {
      admit: (call, path) => this.#admit(call, path),
      running: new Set(),
      log: options.log,
      maxMessageBytes,
      unaryLimitMs: options.unaryLimitMs ?? UNARY_LIMIT_MS,
      observe: options.observe,
    }
    this.#addOpen(this.#health.definition, this.#health.routes)
    if (options.descriptorSet !== undefined) addReflection(this.#server, options.descriptorSet)
  }

  mount<S extends ServiceDefinition>(definition: S, zone: string | undefined, routes: Routes<S>): void {
    const service = serviceNameOf(definition)
    const mounts = this.#mounts.get(service) ?? this.#register(service, definition)
    if (mounts.has(zone)) throw new Error(`${service} is already mounted for ${zone ?? 'the hub'}`)
    mounts.set(zone, { zone, routes: routesByPath(definition, routes) })
    this.#tellHealth(service, zone)
  }

  async unmount(definition: ServiceDefinition, zone: string | undefined): Promise<void> {
    const service = serviceNameOf(definition)
    const mount = this.#mounts.get(service)?.get(zone)
    if (mount === undefined) return
    this.#mounts.get(service)?.delete(zone)
    this.#tellHealth(service, zone)
    await this.#finish((call) => call.mount === mount)
  }

  setServing(name: string, serving: boolean): void {
    this.#health.setServing(name, serving)
  }

  async listen(
    listening: Listening,
  ): Promise<{ readonly host: string; readonly port: number; readonly address: string }> {
    const host = checkedHost(listening)
    const credentials = this.#options.credentials ?? ServerCredentials.createInsecure()
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(addressOf(host, listening.port), credentials, (error, bound) => {
        if (error === null) resolve(bound)
        else reject(error)
      })
    })
    this.#health.setServing('', true)
    return { host, port, address: addressOf(host, port) }
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #drain(): Promise<void> {
    this.#health.stop()
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))
    await this.#finish(() => true)
    await withinMs(closed, FLUSH_LIMIT_MS)
    this.#server.forceShutdown()
  }

  async #finish(concerns: (call: RunningCall) => boolean): Promise<void> {
    const calls = [...this.#hall.running].filter(concerns)
    for (const call of calls) call.drain()
    await withinMs(Promise.all(calls.map((call) => call.finished)), this.#options.drainLimitMs ?? CALL_DRAIN_LIMIT_MS)
    const cut = calls.filter((call) => this.#hall.running.has(call))
    for (const call of cut) call.cut()
    if (cut.length > 0) this.#options.log.warn({ calls: cut.length }, 'calls were cut: they did not finish in time')
  }

  // The doors, in this order, so that a stranger learns nothing and a colleague learns why.
  #admit(call: AnyCall, path: string): Admission {
    if (this.#drained !== undefined) throw shuttingDown()
    const caller = this.#options.identify(call.metadata, call.getAuthContext())
    if (caller === undefined) throw notIdentified()
    if (!roleMay(this.#options.allow, path, caller.role)) throw notAuthorised()
    const mount = this.#mountFor(path, call)
    if (!zoneMay(mount.zone, caller)) throw notAuthorised()
    if (this.#hall.running.size > (this.#options.maxRunningCalls ?? RUNNING_CALLS_LIMIT)) throw busy()
    const route = mount.routes[path]
    if (route === undefined) throw new Error(`${path} is registered and has no route`)
    return { route, caller, zone: mount.zone, mount }
  }

  #mountFor(path: string, call: AnyCall): Mount {
    const mounts = this.#mounts.get(serviceNameOfPath(path)) ?? new Map<string | undefined, Mount>()
    const asked = call.metadata.get(ZONE_KEY)
    if (asked.length > 1) throw zoneAmbiguous()
    const zone = asked[0]?.toString()
    // A service of the hub is the same for every zone: who names its own zone means itself, not another service.
    const mount = (zone === undefined ? undefined : mounts.get(zone)) ?? mounts.get(undefined)
    if (mount === undefined) throw notRunning(zone)
    return mount
  }

  #register(service: string, definition: ServiceDefinition): Map<string | undefined, Mount> {
    const mounts = new Map<string | undefined, Mount>()
    this.#mounts.set(service, mounts)
    for (const method of methodsOf(definition)) this.#registerMethod(method, handlerOf(method, this.#hall))
    return mounts
  }

  #addOpen<S extends ServiceDefinition>(definition: S, routes: Routes<S>): void {
    const byPath = routesByPath(definition, routes)
    const caller: Caller = { zone: 'hub', role: 'client', name: 'anyone' }
    const admit = (_call: AnyCall, path: string): Admission => {
      if (this.#drained !== undefined) throw shuttingDown()
      return { route: byPath[path] as Admission['route'], caller, zone: undefined, mount: byPath }
    }
    for (const method of methodsOf(definition))
      this.#registerMethod(method, handlerOf(method, { ...this.#hall, admit }))
  }

  #registerMethod(method: AnyMethod, handler: UntypedHandleCall): void {
    const asItIs = (bytes: Buffer) => bytes
    this.#server.register(method.path, handler, asItIs, asItIs, kindOf(method))
  }

  #tellHealth(service: string, zone: string | undefined): void {
    const mounts = this.#mounts.get(service)
    this.#health.setServing(service, (mounts?.size ?? 0) > 0)
    if (zone !== undefined) this.#health.setServing(`${service}/${zone}`, mounts?.has(zone) === true)
  }
}

function methodsOf(definition: ServiceDefinition): readonly AnyMethod[] {
  return Object.values(definition) as AnyMethod[]
}

function routesByPath<S extends ServiceDefinition>(definition: S, routes: Routes<S>): Mount['routes'] {
  const entries = Object.entries(definition).map(([name, method]) => {
    const route = routes[name as keyof S] as Admission['route'] | undefined
    if (route === undefined) throw new TypeError(`no route for ${method.path}`)
    return [method.path, route.bind(routes)] as const
  })
  return Object.fromEntries(entries)
}

function serviceNameOf(definition: ServiceDefinition): string {
  const method = methodsOf(definition)[0]
  if (method === undefined) throw new TypeError('a service without methods cannot be mounted')
  return serviceNameOfPath(method.path)
}

function serviceNameOfPath(path: string): string {
  return path.split('/')[1] ?? ''
}

function kindOf(method: AnyMethod): 'unary' | 'clientStream' | 'serverStream' | 'bidi' {
  if (method.requestStream) return method.responseStream ? 'bidi' : 'clientStream'
  return method.responseStream ? 'serverStream' : 'unary'
}

function zoneAmbiguous(): ServiceError {
  return refuse({
    code: 'ZONE_AMBIGUOUS',
    field: ZONE_KEY,
    expected: 'one zone',
    zh: '请求中指定了多个区域。',
    en: 'the call names more than one zone',
    grpc: status.INVALID_ARGUMENT,
  })
}

function notRunning(zone: string | undefined): ServiceError {
  return refuse({
    code: zone === undefined ? 'HUB_NOT_RUNNING' : 'ZONE_NOT_RUNNING',
    ...(zone === undefined ? {} : { field: ZONE_KEY }),
    zh: zone === undefined ? '此处未运行所请求的枢纽服务。' : '此处未运行该区域的服务。',
    en: zone === undefined ? 'no hub runs this service here' : 'this service does not run here for that zone',
    grpc: status.UNAVAILABLE,
  })
}

function busy(): ServiceError {
  return refuse({
    code: 'SERVER_BUSY',
    zh: '服务繁忙，请稍后重试。',
    en: 'too many calls are running; try again later',
    grpc: status.RESOURCE_EXHAUSTED,
  })
}
