import {
  type CallOptions,
  type ChannelCredentials,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Client as GrpcClient,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import type { AnyMethod } from './grpc-call.ts'
import type { RequestOf, ResponseOf } from './grpc-route.ts'
import { KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MESSAGE_LIMIT_BYTES, ZONE_KEY } from './grpc-server.ts'
import { FLOW_WINDOW_BYTES } from './grpc-window.ts'
import { isLoopback } from './loopback.ts'
import { errorFromCall } from './peer-errors.ts'

/** How long a stream may live before it must be opened again, unless told. */
export const STREAM_DEADLINE_MS = 3_600_000
/** The longest deadline a call may have: grpc-js's server counts it in 32 bits and takes a longer one for the past. */
export const DEADLINE_LIMIT_MS = 86_400_000
// Without these grpc-js waits up to two minutes before it looks whether a peer is back.
const RECONNECT_FIRST_MS = 100
const RECONNECT_LIMIT_MS = 2_000

/** Options of `createClient`. */
export interface ClientOptions {
  /** Sent as `authorization: Bearer …`; never over a channel that others could read. */
  readonly token?: string
  /** The zone the calls are for. */
  readonly zone?: string
  /** For calls that name none: milliseconds from the call on, 1 to DEADLINE_LIMIT_MS. */
  readonly defaultDeadlineMs: number
  /** Default: no transport security, for loopback. */
  readonly credentials?: ChannelCredentials
}

/** Options of one call. */
export interface PeerCallOptions {
  /** Milliseconds from now, 1 to DEADLINE_LIMIT_MS; default the client's, and STREAM_DEADLINE_MS for streams. */
  readonly deadlineMs?: number
  /** Ends the call; it then throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** What ts-proto generates for a service (`LogServiceClient`), as far as it is used here. */
export interface ClientConstructor<S> {
  readonly service: S
}

/** A peer's service at one address, for one caller. Made by `createClient` or a pool; pass it to `unary`, `bidi` and so on. */
export interface Client<S> extends Disposable {
  readonly service: S
  readonly address: string
  readonly channel: GrpcClient
  readonly options: ClientOptions
}

/** A stream in both directions. */
export interface Conversation<Request, Response> {
  /** Resolves when there is room for the next; rejects like `responses` when the call has ended. One at a time. */
  send(request: Request): Promise<void>
  /** Says that nothing more comes; the peer may still answer. */
  end(): void
  /** To be iterated once. Leaving the loop cancels the call. */
  readonly responses: AsyncIterable<Response>
}

type Kind<S, Requests extends boolean, Responses extends boolean> = {
  [Name in keyof S]: S[Name] extends { readonly requestStream: Requests; readonly responseStream: Responses }
    ? Name
    : never
}[keyof S] &
  string

/**
 * A client with a channel of its own; dispose it.
 *
 * @throws {RangeError} a token would travel unprotected beyond this machine, or the deadline is out of range.
 */
export function createClient<S>(client: ClientConstructor<S>, address: string, options: ClientOptions): Client<S> {
  const channel = createChannel(address, options)
  return { service: client.service, address, channel, options, [Symbol.dispose]: () => channel.close() }
}

/** Channels shared by all clients of an address. */
export interface ChannelPool extends Disposable {
  /** Like `createClient`; disposing the client leaves the channel to the pool. */
  client<S>(client: ClientConstructor<S>, address: string, options: ClientOptions): Client<S>
}

/** A pool without channels; it opens them as they are asked for and closes them when it is disposed. */
export function createChannelPool(): ChannelPool {
  const channels = new Map<string, Map<ChannelCredentials | undefined, GrpcClient>>()
  return {
    client(client, address, options) {
      const kinds = channels.get(address) ?? new Map<ChannelCredentials | undefined, GrpcClient>()
      checkOptions(address, options)
      const channel = kinds.get(options.credentials) ?? createChannel(address, options)
      channels.set(address, kinds.set(options.credentials, channel))
      return { service: client.service, address, channel, options, [Symbol.dispose]: () => {} }
    },
    [Symbol.dispose]() {
      for (const kinds of channels.values()) for (const channel of kinds.values()) channel.close()
      channels.clear()
    },
  }
}

/**
 * One question, one answer.
 *
 * @throws {PeerUnavailableError | RefusedError | PeerFailedError} see there; whether the peer acted is known only after
 *   a `RefusedError`.
 */
export function unary<S, Name extends Kind<S, false, false>>(
  client: Client<S>,
  name: Name,
  request: RequestOf<S[Name]>,
  options: PeerCallOptions = {},
): Promise<ResponseOf<S[Name]>> {
  const method = methodOf(client, name)
  return new Promise((resolve, reject) => {
    const settle = answered<ResponseOf<S[Name]>>(client, method, options, resolve, reject)
    const [metadata, callOptions] = callArguments(client, options, client.options.defaultDeadlineMs)
    const { path, requestSerialize, responseDeserialize } = method
    const call = client.channel.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      callOptions,
      settle,
    )
    cancelOn(call, options.signal)
  })
}

/**
 * One question, many answers, at the pace of who iterates. The call is opened by the first step of the iteration;
 * leaving the loop cancels it. Throws like `unary`.
 */
export async function* serverStream<S, Name extends Kind<S, false, true>>(
  client: Client<S>,
  name: Name,
  request: RequestOf<S[Name]>,
  options: PeerCallOptions = {},
): AsyncGenerator<ResponseOf<S[Name]>> {
  const method = methodOf(client, name)
  const [metadata, callOptions] = callArguments(client, options, STREAM_DEADLINE_MS)
  const { path, requestSerialize, responseDeserialize } = method
  const call = client.channel.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    metadata,
    callOptions,
  )
  cancelOn(call, options.signal)
  yield* responsesOf<ResponseOf<S[Name]>>(call, client, method, options)
}

/** Many questions, one answer. Stops sending when the peer has answered already. Throws like `unary`. */
export function clientStream<S, Name extends Kind<S, true, false>>(
  client: Client<S>,
  name: Name,
  requests: AsyncIterable<RequestOf<S[Name]>> | Iterable<RequestOf<S[Name]>>,
  options: PeerCallOptions = {},
): Promise<ResponseOf<S[Name]>> {
  const method = methodOf(client, name)
  return new Promise((resolve, reject) => {
    const settle = answered<ResponseOf<S[Name]>>(client, method, options, resolve, reject)
    const [metadata, callOptions] = callArguments(client, options, STREAM_DEADLINE_MS)
    const { path, requestSerialize, responseDeserialize } = method
    const ended = new AbortController()
    const call = client.channel.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      callOptions,
      (error: ServiceError | null, response?: unknown) => {
        ended.abort()
        settle(error, response)
      },
    )
    cancelOn(call, options.signal)
    sendAll(call, requests, ended.signal).catch((error) => {
      // What the requests' own source threw says more than the cancellation that follows from it.
      reject(error)
      call.cancel()
    })
  })
}

/** Many questions, many answers. Throws like `unary`, from `send` and from `responses`. */
export function bidi<S, Name extends Kind<S, true, true>>(
  client: Client<S>,
  name: Name,
  options: PeerCallOptions = {},
): Conversation<RequestOf<S[Name]>, ResponseOf<S[Name]>> {
  const method = methodOf(client, name)
  const [metadata, callOptions] = callArguments(client, options, STREAM_DEADLINE_MS)
  const { path, requestSerialize, responseDeserialize } = method
  const call = client.channel.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, callOptions)
  cancelOn(call, options.signal)
  const ended = new AbortController()
  call.on('error', (error) => ended.abort(errorFromCall(error, client.address, method.path, options.signal)))
  call.on('status', () => ended.abort(new Error(`${method.path}: the peer has ended the call`)))
  return {
    async send(request) {
      ended.signal.throwIfAborted()
      if (!call.write(request)) await room(call, ended.signal)
      ended.signal.throwIfAborted()
    },
    end: () => call.end(),
    responses: responsesOf<ResponseOf<S[Name]>>(call, client, method, options),
  }
}

function createChannel(address: string, options: ClientOptions): GrpcClient {
  checkOptions(address, options)
  return new GrpcClient(address, options.credentials ?? credentials.createInsecure(), {
    'grpc.max_receive_message_length': MESSAGE_LIMIT_BYTES,
    'grpc.max_send_message_length': MESSAGE_LIMIT_BYTES,
    'grpc-node.flow_control_window': FLOW_WINDOW_BYTES,
    'grpc.initial_reconnect_backoff_ms': RECONNECT_FIRST_MS,
    'grpc.max_reconnect_backoff_ms': RECONNECT_LIMIT_MS,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // Who calls repeats, with a bound of its own; a channel that does it too multiplies both.
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    // A proxy named in the environment must not come between two members of an alliance.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  })
}

function checkOptions(address: string, options: ClientOptions): void {
  checkedDeadlineMs(options.defaultDeadlineMs)
  if (options.token !== undefined && options.credentials === undefined && !isLoopback(hostOf(address)))
    throw new RangeError(`a token must not travel unprotected to ${address}: want credentials`)
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

function checkedDeadlineMs(deadlineMs: number): number {
  if (deadlineMs >= 1 && deadlineMs <= DEADLINE_LIMIT_MS) return deadlineMs
  throw new RangeError(`deadline ${deadlineMs} ms: want 1 to ${DEADLINE_LIMIT_MS}`)
}

function methodOf<S>(client: Client<S>, name: string): AnyMethod {
  const method = (client.service as ServiceDefinition)[name]
  if (method === undefined) throw new TypeError(`the service has no method ${name}`)
  return method
}

function callArguments(
  client: Client<unknown>,
  options: PeerCallOptions,
  defaultMs: number,
): [metadata: Metadata, options: CallOptions] {
  options.signal?.throwIfAborted()
  const metadata = new Metadata()
  if (client.options.token !== undefined) metadata.set('authorization', `Bearer ${client.options.token}`)
  if (client.options.zone !== undefined) metadata.set(ZONE_KEY, client.options.zone)
  return [metadata, { deadline: Date.now() + checkedDeadlineMs(options.deadlineMs ?? defaultMs) }]
}

function answered<Response>(
  client: Client<unknown>,
  method: AnyMethod,
  options: PeerCallOptions,
  resolve: (response: Response) => void,
  reject: (error: unknown) => void,
): (error: ServiceError | null, response?: unknown) => void {
  return (error, response) => {
    if (error === null) resolve(response as Response)
    else reject(errorFromCall(error, client.address, method.path, options.signal))
  }
}

interface Cancellable {
  cancel(): void
  once(event: 'status', listener: () => void): unknown
}

function cancelOn(call: Cancellable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const cancel = () => call.cancel()
  signal.addEventListener('abort', cancel)
  call.once('status', () => signal.removeEventListener('abort', cancel))
}

async function* responsesOf<Response>(
  call: ClientReadableStream<unknown>,
  client: Client<unknown>,
  method: AnyMethod,
  options: PeerCallOptions,
): AsyncGenerator<Response> {
  // After the loop is left grpc-js still reports the cancellation as an error; unheard it would end the process.
  call.on('error', () => {})
  try {
    for await (const response of call) yield response as Response
  } catch (error) {
    throw errorFromCall(error, client.address, method.path, options.signal)
  } finally {
    call.cancel()
  }
}

async function sendAll(
  call: ClientWritableStream<unknown>,
  requests: AsyncIterable<unknown> | Iterable<unknown>,
  ended: AbortSignal,
): Promise<void> {
  for await (const request of requests) {
    if (ended.aborted) return
    if (!call.write(request)) await room(call, ended)
  }
  call.end()
}

function room(call: ClientWritableStream<unknown>, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const go = () => {
      call.off('drain', go)
      ended.removeEventListener('abort', go)
      resolve()
    }
    // A call that has ended never says "drain".
    call.on('drain', go)
    ended.addEventListener('abort', go)
  })
}
