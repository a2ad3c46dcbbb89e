import {
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { answerFromError } from './failure.ts'
import type { CallContext } from './grpc-route.ts'
import { IncomingRequests } from './incoming-requests.ts'
import type { Logger } from './logger.ts'
import { refuse } from './refusal.ts'

/** The surface of every kind of grpc-js call; only the streams have the stream's half. */
export type AnyCall = ServerDuplexStream<Buffer, Buffer> & ServerUnaryCall<Buffer, Buffer>
export type AnyMethod = MethodDefinition<unknown, unknown>
type AnyRoute = (request: unknown, context: CallContext) => Promise<unknown> | AsyncIterable<unknown>

/** Who was let in, and where to. */
export interface Admission {
  readonly route: AnyRoute
  readonly caller: CallContext['caller']
  readonly zone: string | undefined
  /** What unmounting waits for. */
  readonly mount: object
}

/** What every call of a server shares. */
export interface CallHall {
  /** Lets a call in, or throws what `refuse` made. Runs before a byte of the request is decoded. */
  admit(call: AnyCall, path: string): Admission
  readonly running: Set<RunningCall>
  readonly log: Logger
  readonly maxMessageBytes: number
  readonly unaryLimitMs: number
  readonly observe: ((call: { path: string; code: status; durationMs: number }) => void) | undefined
}

/**
 * Turns a route into what grpc-js wants, for all four kinds of RPC. Messages pass grpc-js as bytes and are decoded and
 * encoded here: so that nobody is decoded who is not let in, a request that cannot be read is the caller's fault
 * (INVALID_ARGUMENT) and an answer that cannot be written is logged as ours.
 */
export function handlerOf(method: AnyMethod, hall: CallHall): UntypedHandleCall {
  const handle = (call: AnyCall, callback?: sendUnaryData<Buffer>) =>
    void new RunningCall(method, hall, call, callback).run()
  return handle as UntypedHandleCall
}

/** One call from its arrival to its status. */
export class RunningCall {
  readonly #method: AnyMethod
  readonly #hall: CallHall
  readonly #call: AnyCall
  readonly #callback: sendUnaryData<Buffer> | undefined
  readonly #gone: AbortController = new AbortController()
  readonly #draining: AbortController = new AbortController()
  readonly #startedMs: number = performance.now()
  #requests: IncomingRequests | undefined
  readonly #finished: PromiseWithResolvers<void> = Promise.withResolvers()
  #answered = false
  /** Where the call was let in; undefined before that. */
  mount: object | undefined

  constructor(method: AnyMethod, hall: CallHall, call: AnyCall, callback: sendUnaryData<Buffer> | undefined) {
    this.#method = method
    this.#hall = hall
    this.#call = call
    this.#callback = callback
  }

  /** Never rejects: whatever happens becomes the call's status. */
  async run(): Promise<void> {
    const limit = this.#watch()
    this.#hall.running.add(this)
    try {
      await this.#answer()
    } catch (error) {
      this.#fail(error)
    } finally {
      clearTimeout(limit)
      this.#hall.running.delete(this)
      this.#finished.resolve()
    }
  }

  /** Resolves when the route has ended, whichever way. */
  get finished(): Promise<void> {
    return this.#finished.promise
  }

  /** The server begins to stop: no more requests are taken from a stream, what was taken is answered. */
  drain(): void {
    if (!this.#draining.signal.aborted) this.#draining.abort(shuttingDown())
    this.#requests?.cut()
  }

  /** The time to stop is over: the caller is told now, whatever the route is doing. */
  cut(): void {
    this.#fail(shuttingDown())
    this.#gone.abort(shuttingDown())
  }

  #watch(): NodeJS.Timeout | undefined {
    // grpc-js says "cancelled" also after every ordinary end; then nobody listens any more.
    this.#call.on('cancelled', () => {
      this.#close(status.CANCELLED)
      this.#gone.abort(new Error('the caller is gone, or its deadline has passed'))
    })
    if (this.#method.requestStream || this.#method.responseStream) return undefined
    if (Number.isFinite(Number(this.#call.getDeadline()))) return undefined
    return setTimeout(() => {
      this.#fail(tooSlow(this.#hall.unaryLimitMs))
      this.#gone.abort(tooSlow(this.#hall.unaryLimitMs))
    }, this.#hall.unaryLimitMs)
  }

  async #answer(): Promise<void> {
    const admission = this.#hall.admit(this.#call, this.#method.path)
    this.mount = admission.mount
    const result = admission.route(this.#request(), {
      caller: admission.caller,
      zone: admission.zone,
      deadlineMs: Number(this.#call.getDeadline()),
      signal: this.#gone.signal,
      draining: this.#draining.signal,
    })
    if (this.#method.responseStream) await this.#sendAll(result as AsyncIterable<unknown>)
    else this.#sendOne(await (result as Promise<unknown>))
  }

  #request(): unknown {
    if (!this.#method.requestStream) return this.#decode(this.#call.request)
    this.#requests = new IncomingRequests(this.#call, this.#gone.signal)
    return this.#requests.decoded((bytes) => this.#decode(bytes))
  }

  #sendOne(response: unknown): void {
    if (this.#requests?.wasCut) throw shuttingDown()
    const bytes = this.#encode(response)
    if (!this.#close(status.OK)) return
    this.#callback?.(null, bytes)
  }

  async #sendAll(responses: AsyncIterable<unknown>): Promise<void> {
    for await (const response of responses) {
      if (this.#answered) return
      // False means that grpc-js holds 16 messages which the caller's window does not let out: wait for it, however long.
      if (!this.#call.write(this.#encode(response))) await this.#room()
      if (this.#answered) return
    }
    if (this.#requests?.wasCut) throw shuttingDown()
    if (this.#close(status.OK)) this.#call.end()
  }

  #room(): Promise<void> {
    if (this.#answered || !this.#call.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const go = () => {
        this.#call.off('drain', go)
        this.#gone.signal.removeEventListener('abort', go)
        resolve()
      }
      // A cancelled call never says "drain".
      this.#call.on('drain', go)
      this.#gone.signal.addEventListener('abort', go)
    })
  }

  #fail(error: unknown): void {
    // The route was told that nobody waits, and threw that: not worth a line in the log.
    if (this.#answered) return
    const answer = this.#stopped(error) ? shuttingDown() : answerFromError(error, this.#hall.log, this.#method.path)
    if (!this.#close(answer.code)) return
    if (this.#method.responseStream) this.#call.emit('error', answer)
    else this.#callback?.(answer)
  }

  #stopped(error: unknown): boolean {
    return this.#draining.signal.aborted && error instanceof Error && error.name === 'AbortError'
  }

  #close(code: status): boolean {
    if (this.#answered) return false
    this.#answered = true
    this.#hall.observe?.({ path: this.#method.path, code, durationMs: performance.now() - this.#startedMs })
    return true
  }

  #decode(bytes: Buffer): unknown {
    try {
      return this.#method.requestDeserialize(bytes)
    } catch {
      // What exactly is wrong with a stranger's bytes is of no use to us; the caller learns that they are.
      throw refuse({
        code: 'MALFORMED_MESSAGE',
        expected: `the request message of ${this.#method.path}, in protobuf encoding`,
        zh: '请求内容无法解析。',
        en: 'the request cannot be read',
        grpc: status.INVALID_ARGUMENT,
      })
    }
  }

  #encode(response: unknown): Buffer {
    const bytes = this.#method.responseSerialize(response)
    if (bytes.byteLength > this.#hall.maxMessageBytes)
      throw new RangeError(`an answer of ${bytes.byteLength} bytes: the limit is ${this.#hall.maxMessageBytes}`)
    return bytes
  }
}

/** What callers are told while the server stops; they may try again at once, elsewhere or later. */
export function shuttingDown(): ServiceError {
  return refuse({
    code: 'SHUTTING_DOWN',
    zh: '服务正在停止，请稍后重试。',
    en: 'the service is stopping; try again later',
    grpc: status.UNAVAILABLE,
  })
}

function tooSlow(limitMs: number): ServiceError {
  return refuse({
    code: 'DEADLINE_EXCEEDED',
    zh: '请求未在限定时间内完成。',
    en: `no answer within ${limitMs} ms`,
    grpc: status.DEADLINE_EXCEEDED,
  })
}
