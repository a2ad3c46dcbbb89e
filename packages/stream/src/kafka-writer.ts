import { setTimeout as pause } from 'node:timers/promises'
import { CompressionTypes, type Kafka, Partitioners, type Producer } from 'kafkajs'
import { StreamClosedError, StreamUnavailableError } from './errors.ts'
import { reactionToSend, streamErrorFromKafka } from './kafka-errors.ts'
import { appendBytesMax, recordBytesMax, recordsPerAppendMax, type StreamWriter } from './stream.ts'

export interface KafkaWriterOptions {
  readonly kafka: Kafka
  readonly topic: string
  /** Longest that an append waits before it says so, in milliseconds. */
  readonly appendLimitMs: number
}

/** Most bytes of values in one send; a larger record goes alone (architecture, "Streams"). */
const sendBytesMax = 900 * 1024
const repeatPauseMs = 200

/**
 * The serial publisher. With more than one send in flight kafkajs loses an acknowledged record when an acknowledgement
 * is lost, so there is one send in flight, whoever calls. A send that failed is in doubt: it is repeated with the same
 * values on the same producer, whose sequence number tells the broker of the repetition, until it is in. Nothing else is
 * sent before: under that sequence number the broker would take it for the one in doubt and drop it.
 */
export class KafkaWriter implements StreamWriter {
  readonly #options: KafkaWriterOptions
  readonly #closing = new AbortController()
  #producer: Promise<Producer> | undefined
  #appends: Promise<unknown> = Promise.resolve()
  #inDoubt: { readonly values: readonly Uint8Array[]; readonly sent: Promise<void> } | undefined
  #broken: Error | undefined

  constructor(options: KafkaWriterOptions) {
    this.#options = options
  }

  async append(values: readonly Uint8Array[]): Promise<void> {
    if (this.#closing.signal.aborted) throw new StreamClosedError()
    checkBounds(values)
    const own = values.map((value) => Uint8Array.from(value))
    const done = this.#appends.then(() => this.#appendNow(own))
    this.#appends = done.catch(() => {})
    return done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await this.#appends
    await this.#leaveProducer()
  }

  async #appendNow(values: readonly Uint8Array[]): Promise<void> {
    const endedBy = performance.now() + this.#options.appendLimitMs
    for (const chunk of chunksOf(values)) {
      if (this.#inDoubt && sameValues(this.#inDoubt.values, chunk)) {
        await this.#settled(endedBy)
        continue
      }
      await this.#settled(endedBy)
      this.#begin(chunk)
      await this.#settled(endedBy)
    }
  }

  #begin(values: readonly Uint8Array[]): void {
    const sent = this.#sendUntilIn(values)
    sent.catch(() => {})
    this.#inDoubt = { values, sent }
  }

  // The clock is ours: kafkajs would ask for a missing topic for ever, and a send cannot be taken back.
  async #settled(endedBy: number): Promise<void> {
    if (this.#broken) throw this.#broken
    if (this.#closing.signal.aborted) throw new StreamClosedError()
    if (!this.#inDoubt) return
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, this.#closing.signal])
    const late = pause(Math.max(0, endedBy - performance.now()), 'late' as const, { signal }).catch(
      () => 'closed' as const,
    )
    try {
      const first = await Promise.race([this.#inDoubt.sent, late])
      if (first === 'closed') throw new StreamClosedError()
      if (first === 'late') throw new StreamUnavailableError(`${this.#options.topic}: not appended in time, in doubt`)
      this.#inDoubt = undefined
    } finally {
      stop.abort()
    }
  }

  async #sendUntilIn(values: readonly Uint8Array[]): Promise<void> {
    const { topic } = this.#options
    const messages = values.map((value) => ({ value: Buffer.from(value) }))
    while (!this.#closing.signal.aborted) {
      try {
        this.#producer ??= this.#newProducer()
        const producer = await this.#producer
        await producer.send({ topic, messages, acks: -1, compression: CompressionTypes.ZSTD })
        return
      } catch (error) {
        const reaction = reactionToSend(error)
        if (reaction === 'stop') {
          this.#broken = streamErrorFromKafka(error, topic)
          throw this.#broken
        }
        if (reaction === 'new_producer') await this.#leaveProducer()
      }
      await pause(repeatPauseMs, undefined, { signal: this.#closing.signal }).catch(() => {})
    }
    throw new StreamClosedError()
  }

  async #newProducer(): Promise<Producer> {
    const producer = this.#options.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: 5_000,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 100, maxRetryTime: 1_000 },
    })
    try {
      await producer.connect()
      return producer
    } catch (error) {
      // It has sent nothing, so nothing is in doubt with it.
      this.#producer = undefined
      await producer.disconnect().catch(() => {})
      throw error
    }
  }

  async #leaveProducer(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    // One that cannot say goodbye is left all the same.
    await producer?.then((leaving) => leaving.disconnect()).catch(() => {})
  }
}

function checkBounds(values: readonly Uint8Array[]): void {
  if (values.length > recordsPerAppendMax) throw new RangeError(`${values.length} records in one append`)
  let bytes = 0
  for (const { byteLength } of values) {
    if (byteLength < 1 || byteLength > recordBytesMax) throw new RangeError(`a record of ${byteLength} bytes`)
    bytes += byteLength
  }
  if (bytes > appendBytesMax) throw new RangeError(`${bytes} bytes in one append`)
}

function chunksOf(values: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const chunks: Uint8Array[][] = []
  let bytes = 0
  for (const value of values) {
    const last = chunks.at(-1)
    bytes += value.byteLength
    if (last === undefined || bytes > sendBytesMax) {
      chunks.push([value])
      bytes = value.byteLength
    } else last.push(value)
  }
  return chunks
}

function sameValues(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return some.length === others.length && some.every((value, at) => Buffer.compare(value, others[at]!) === 0)
}
