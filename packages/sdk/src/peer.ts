import {
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { callErrorFrom } from './call-error.ts'

/** How long a call may take unless told, in milliseconds. */
export const callDeadlineMs = 10_000
/** How long a stream may live unless told, in milliseconds. */
export const streamDeadlineMs = 3_600_000
const messageSizeMaxBytes = 2 * 1024 * 1024

/** Where a service is, and as whom it is called. */
export interface PeerOptions {
  /** `authorization: Bearer …`; without `credentials` only ever sent to this machine. */
  readonly token?: string
  /** The zone the calls are for; none for the hub's own services. */
  readonly zone?: string
  /** Transport security; default none, which only loopback allows together with a token. */
  readonly credentials?: ChannelCredentials
}

export interface PeerCall {
  /** Milliseconds from the call on. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** One service at one address, for one caller; close it. */
export interface Peer<C extends Client> extends Disposable {
  readonly client: C
  readonly address: string
  arguments(call: PeerCall, defaultMs: number): [Metadata, CallOptions]
}

/** @throws {RangeError} a token would travel unprotected beyond this machine. */
export function openPeer<C extends Client>(
  Service: new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>) => C,
  address: string,
  options: PeerOptions,
): Peer<C> {
  if (options.token !== undefined && options.credentials === undefined && !isLoopback(address)) {
    throw new RangeError(`a token must not travel unprotected to ${address}: want credentials`)
  }
  const client = new Service(address, options.credentials ?? credentials.createInsecure(), {
    'grpc.max_receive_message_length': messageSizeMaxBytes,
    'grpc.max_send_message_length': messageSizeMaxBytes,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
  })
  return {
    client,
    address,
    arguments: ({ deadlineMs, signal }, defaultMs) => {
      signal?.throwIfAborted()
      const metadata = new Metadata()
      if (options.token !== undefined) metadata.set('authorization', `Bearer ${options.token}`)
      if (options.zone !== undefined) metadata.set('hutong-zone', options.zone)
      return [metadata, { deadline: Date.now() + (deadlineMs ?? defaultMs) }]
    },
    [Symbol.dispose]: () => client.close(),
  }
}

/** One question, one answer. @throws {CallError} */
export function ask<Request, Response>(
  peer: Peer<Client>,
  method: (
    request: Request,
    metadata: Metadata,
    options: CallOptions,
    callback: (error: ServiceError | null, response: Response) => void,
  ) => ClientUnaryCall,
  request: Request,
  call: PeerCall = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const [metadata, options] = peer.arguments(call, callDeadlineMs)
    const running = method.call(peer.client, request, metadata, options, (error, response) => {
      if (error === null) resolve(response)
      else reject(call.signal?.aborted ? call.signal.reason : callErrorFrom(error, peer.address))
    })
    cancelOn(running, call.signal)
  })
}

/** Many answers, at the pace of who iterates; leaving the loop cancels the call. @throws {CallError} */
export async function* answersOf<Response>(
  peer: Peer<Client>,
  running: ClientReadableStream<Response>,
  call: PeerCall = {},
): AsyncGenerator<Response> {
  cancelOn(running, call.signal)
  // After the loop is left grpc-js still reports the cancellation as an error; unheard it would end the process.
  running.on('error', () => {})
  try {
    for await (const response of running) yield response as Response
  } catch (error) {
    throw call.signal?.aborted ? call.signal.reason : callErrorFrom(error, peer.address)
  } finally {
    running.cancel()
  }
}

function cancelOn(
  running: { cancel(): void; once(event: 'status', listener: () => void): unknown },
  signal: AbortSignal | undefined,
): void {
  if (signal === undefined) return
  const cancel = () => running.cancel()
  signal.addEventListener('abort', cancel)
  running.once('status', () => signal.removeEventListener('abort', cancel))
}

function isLoopback(address: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|\[::1\]):\d+$/.test(address)
}
