import { createLogger, type Role } from '@hutong/service'
import type { Store } from '@hutong/store'
import {
  type Batch,
  batchToWire,
  type CosignRequest,
  type CosignResponse,
  type LoggedRecord,
  recordFromWire,
} from '@hutong/wire'
import { createLogService, type LogService, type LogServiceOptions } from '../log-service.ts'
import type { Alliance } from './alliance.ts'

/** For tests: a log service called as its routes are called, without a network. */
export interface OpenLog extends AsyncDisposable {
  readonly service: LogService
  readonly store: Store
  append(zone: string, batch: Batch): Promise<Appended>
  /** Opens a witness's stream; what it answers to each message. */
  witness(
    zone: string,
    head?: Uint8Array,
    options?: { readonly clockMs?: number; readonly name?: string },
  ): Promise<WitnessStream>
  /** Hellos of as many zones as there are, with nothing held. */
  welcomeAll(): Promise<readonly WitnessStream[]>
  read(
    from: bigint,
    options?: { readonly role?: Role; readonly withoutPayloads?: boolean },
  ): Promise<readonly LoggedRecord[]>
  follow(from: bigint, signal: AbortSignal): AsyncGenerator<LoggedRecord>
  status(): ReturnType<LogService['routes']['status']>
}

export type Appended =
  | {
      readonly kind: 'appended'
      readonly index: bigint
      readonly leaf: Uint8Array
      readonly proof: readonly Uint8Array[]
      readonly head: Uint8Array
    }
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly knownSize: bigint
      readonly knownCheckpoint: Uint8Array
    }
  | { readonly kind: 'unavailable'; readonly code: string }

export interface WitnessStream {
  readonly first: CosignResponse['message']
  cosign(note: Uint8Array): Promise<CosignResponse['message']>
  end(): Promise<void>
}

/** A clock that stands until it is moved; the monotonic one moves with it unless told. */
export interface TestClock {
  nowMs: number
  monotonicMs: number
  tick(ms: number): void
}

export const startMs: number = Date.UTC(2026, 5, 1)

export type OpenLogOptions = Partial<LogServiceOptions> & { readonly testClock?: TestClock }

export function createTestClock(): TestClock {
  return {
    nowMs: startMs,
    monotonicMs: 1_000,
    tick(ms) {
      this.nowMs += ms
      this.monotonicMs += ms
    },
  }
}

/** What opens logs in a test, each over a store of its own unless one is given. */
export type OpensLog = (alliance: Alliance, options?: OpenLogOptions) => Promise<OpenLog>

export function logOpener(newStore: () => Store): OpensLog {
  return (alliance, options = {}) => openLog(alliance, { ...options, store: options.store ?? newStore() })
}

async function openLog(alliance: Alliance, options: OpenLogOptions & { readonly store: Store }): Promise<OpenLog> {
  const clock = options.testClock ?? createTestClock()
  const { store } = options
  const service = await createLogService({
    signers: alliance.hubSigners,
    charter: alliance.charter,
    clock: () => clock.nowMs,
    monotonic: () => clock.monotonicMs,
    log: createLogger({ name: 'log', level: 'silent' }),
    settings: { headIntervalMs: 0 },
    ...options,
  })
  const { routes } = service
  const welcome = (zone: string): Promise<WitnessStream> =>
    openWitness(service, zone, {
      name: alliance.cosignerName(zone),
      head: Buffer.alloc(0),
      clockMs: BigInt(clock.nowMs),
    })
  return {
    service,
    store,
    async append(zone, batch) {
      try {
        const { outcome } = await routes.append({ batch: batchToWire(batch) }, callOf(zone, 'publisher'))
        if (outcome?.$case === 'appended') {
          const { index, leaf, inclusionProof: proof, head } = outcome.value
          return { kind: 'appended', index, leaf, proof, head }
        }
        const { refusal, knownSize, knownCheckpoint } = outcome!.value
        return { kind: 'refused', code: refusal!.code, knownSize, knownCheckpoint }
      } catch (error) {
        return { kind: 'unavailable', code: (error as Error).message.split(':')[0]! }
      }
    },
    witness: (zone, head = new Uint8Array(), { clockMs = clock.nowMs, name = alliance.cosignerName(zone) } = {}) =>
      openWitness(service, zone, { name, head: Buffer.from(head), clockMs: BigInt(clockMs) }),
    welcomeAll: () => Promise.all(alliance.zones.map(welcome)),
    async read(fromIndex, { role = 'verifier', withoutPayloads = false } = {}) {
      const records: LoggedRecord[] = []
      const answers = routes.read({ fromIndex, follow: false, withoutPayloads }, callOf('beijing', role))
      for await (const { record } of answers) records.push(readRecord(record))
      return records
    },
    async *follow(fromIndex, signal) {
      const call = { ...callOf('beijing', 'verifier'), signal }
      for await (const { record } of routes.read({ fromIndex, follow: true, withoutPayloads: false }, call)) {
        yield readRecord(record)
      }
    },
    status: () => routes.status({}, callOf('beijing', 'operator')),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  }
}

export function callOf(zone: string, role: Role): Parameters<LogService['routes']['known']>[1] {
  return {
    caller: { zone, role },
    zone: undefined,
    deadlineMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    draining: new AbortController().signal,
  }
}

async function openWitness(
  service: LogService,
  zone: string,
  hello: { readonly name: string; readonly head: Buffer; readonly clockMs: bigint },
): Promise<WitnessStream> {
  const requests = new Requests()
  const answers = service.routes.cosign(requests, callOf(zone, 'verifier'))[Symbol.asyncIterator]()
  const ask = async (message: CosignRequest['message']): Promise<CosignResponse['message']> => {
    requests.push({ message })
    return (await answers.next()).value?.message
  }
  return {
    first: await ask({ $case: 'hello', value: hello }),
    cosign: (note) => ask({ $case: 'cosignedHead', value: Buffer.from(note) }),
    async end() {
      requests.end()
      await answers.next()
    },
  }
}

class Requests implements AsyncIterable<CosignRequest> {
  readonly #queue: CosignRequest[] = []
  #wake: () => void = () => {}
  #ended = false

  push(request: CosignRequest): void {
    this.#queue.push(request)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CosignRequest> {
    while (!this.#ended || this.#queue.length > 0) {
      const next = this.#queue.shift()
      if (next !== undefined) yield next
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }
}

function readRecord(message: Parameters<typeof recordFromWire>[0] | undefined): LoggedRecord {
  const read = recordFromWire(message!)
  if (read.kind === 'unreadable') throw new TypeError(read.why)
  return read.record
}
