import { randomUUID } from 'node:crypto'
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import { StreamClosedError, StreamRewoundError } from './errors.ts'
import { firstBatch } from './first-batch.ts'
import { streamErrorFromKafka } from './kafka-errors.ts'
import { batchBytesMax, type StreamReader, type StreamRecord } from './stream.ts'

/** What a reader asks of the cluster beside the records. */
export interface KafkaPlaces {
  /** @throws {StreamBrokenError} another cluster answers. */
  places(): Promise<{ readonly earliest: bigint; readonly end: bigint }>
}

export interface KafkaReaderOptions {
  readonly kafka: Kafka
  readonly topic: string
  /** Groups are named by it and a random part: none is shared, positions are kept by whoever reads. */
  readonly groupPrefix: string
  readonly cluster: KafkaPlaces
}

const sessionTimeoutMs = 30_000
const heartbeatPaceMs = 3_000
/** For so long a cluster is taken for the one it was when it was last asked, in milliseconds. */
const clusterTrustMs = 1_000

/** Reads by positions of its own; nothing is committed, so that no position of Kafka's is ever started from. */
export class KafkaReader implements StreamReader {
  readonly #options: KafkaReaderOptions
  readonly #closing = new AbortController()

  constructor(options: KafkaReaderOptions) {
    this.#options = options
  }

  read(from: bigint, signal: AbortSignal): AsyncIterable<readonly StreamRecord[]> {
    if (from < 0n) throw new RangeError(`offset ${from}`)
    return this.#read(from, AbortSignal.any([signal, this.#closing.signal]))
  }

  async earliest(): Promise<bigint> {
    return (await this.#places()).earliest
  }

  async end(): Promise<bigint> {
    return (await this.#places()).end
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
  }

  #places(): Promise<{ readonly earliest: bigint; readonly end: bigint }> {
    if (this.#closing.signal.aborted) throw new StreamClosedError()
    return this.#options.cluster.places()
  }

  async *#read(from: bigint, signal: AbortSignal): AsyncGenerator<readonly StreamRecord[]> {
    if (signal.aborted) return
    const { kafka, topic, groupPrefix, cluster } = this.#options
    const { earliest, end } = await cluster.places()
    if (from > end) throw new StreamRewoundError(from, end)
    const handover = new Handover(signal)
    const consumer = kafka.consumer({
      groupId: `${groupPrefix}.${randomUUID()}`,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatPaceMs,
      maxWaitTimeInMs: 500,
      maxBytes: batchBytesMax,
      maxBytesPerPartition: batchBytesMax,
      allowAutoTopicCreation: false,
      // Whoever reads decides whether to begin again, and where.
      retry: { retries: 8, maxRetryTime: 1_000, restartOnFailure: async () => false },
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => handover.fail(streamErrorFromKafka(payload.error, topic)))
    const course = new Course(from, cluster)
    try {
      await this.#start(consumer, from < earliest ? earliest : from, (batch) => pass(batch, course, handover))
      for (;;) {
        const records = await handover.take()
        if (records === undefined) return
        yield records
      }
    } finally {
      handover.close()
      // Its session ends by itself when nobody can be told.
      await consumer.disconnect().catch(() => {})
    }
  }

  async #start(consumer: Consumer, from: bigint, eachBatch: (batch: EachBatchPayload) => Promise<void>): Promise<void> {
    const { topic } = this.#options
    try {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
      consumer.seek({ topic, partition: 0, offset: `${from}` })
    } catch (error) {
      throw streamErrorFromKafka(error, topic)
    }
  }
}

async function pass(payload: EachBatchPayload, course: Course, handover: Handover): Promise<void> {
  const { batch, heartbeat, isRunning, isStale, resolveOffset } = payload
  // kafkajs is told that we live also while a slow consumer thinks; its failure shows at the next batch.
  const beating = setInterval(() => void heartbeat().catch(() => {}), heartbeatPaceMs)
  try {
    let records = await course.ahead(batch.messages)
    while (records.length > 0 && isRunning() && !isStale()) {
      const chunk = firstBatch(records)
      if (!(await handover.give(chunk))) return
      course.next = chunk.at(-1)!.offset + 1n
      records = records.slice(chunk.length)
    }
    if (records.length === 0) resolveOffset(batch.lastOffset())
  } catch (error) {
    handover.fail(error)
  } finally {
    clearInterval(beating)
  }
}

/** Where the reading is, and whether what comes can be of the stream it began in: kafkajs says nothing of that. */
class Course {
  next: bigint
  readonly #cluster: KafkaPlaces
  #askedAtMs: number = performance.now()

  constructor(from: bigint, cluster: KafkaPlaces) {
    this.next = from
    this.#cluster = cluster
  }

  /** @throws {StreamRewoundError} the topic was made again or emptied: it ends below where the reading is. */
  async ahead(messages: readonly KafkaMessage[]): Promise<StreamRecord[]> {
    const records = messages.map(recordFromMessage)
    const cameAgain = records.some(({ offset }) => offset < this.next)
    if (cameAgain || performance.now() - this.#askedAtMs > clusterTrustMs) {
      const { end } = await this.#cluster.places()
      if (end < this.next) throw new StreamRewoundError(this.next, end)
      this.#askedAtMs = performance.now()
    }
    return records.filter(({ offset }) => offset >= this.next)
  }
}

/** One batch on its way from kafkajs to whoever asks; the giver waits until the next one is asked for. */
class Handover {
  #given: { readonly records: readonly StreamRecord[]; readonly taken: (isTaken: boolean) => void } | undefined
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  #wake: () => void = () => {}

  constructor(signal: AbortSignal) {
    if (signal.aborted) this.close()
    else signal.addEventListener('abort', () => this.close(), { once: true })
  }

  /** Whether it was taken; false: the reading has ended. */
  give(records: readonly StreamRecord[]): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false)
    return new Promise((taken) => {
      this.#given = { records, taken }
      this.#wake()
    })
  }

  async take(): Promise<readonly StreamRecord[] | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined
      if (this.#failure) throw this.#failure.error
      const given = this.#given
      if (given) {
        this.#given = undefined
        given.taken(true)
        return given.records
      }
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  close(): void {
    this.#isClosed = true
    this.#given?.taken(false)
    this.#given = undefined
    this.#wake()
  }
}

function recordFromMessage({ offset, key, value }: KafkaMessage): StreamRecord {
  // A record without a value is none of ours; whoever decodes it says so.
  const record = { offset: BigInt(offset), value: Uint8Array.from(value ?? []) }
  return key ? { ...record, key: Uint8Array.from(key) } : record
}
