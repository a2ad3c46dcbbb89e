import { setImmediate } from 'node:timers/promises'
import type { Appends } from './appends.ts'
import { StreamClosedError, StreamRewoundError } from './errors.ts'
import {
  appendBytesMax,
  type RetainingStream,
  recordBytesMax,
  recordsPerAppendMax,
  type StreamReader,
  type StreamRecord,
  type StreamWriter,
} from './stream.ts'

/**
 * Where the records of a stream inside this process lie. Every method takes effect before it returns, so appends are
 * serial and a reader that found nothing cannot miss the append that follows.
 */
export interface RecordLog {
  readonly id: string
  append(values: readonly Uint8Array[], nowMs: number): void
  /** From the first record at or above `from` on: one batch, empty at the end. */
  batchFrom(from: bigint): readonly StreamRecord[]
  earliest(): bigint
  end(): bigint
  /** Bytes of all values kept. */
  bytesKept(): number
  /** The oldest records, at most `limit`. Their times may fall, as a clock may. */
  oldest(limit: number): readonly { readonly offset: bigint; readonly appendedAtMs: number; readonly bytes: number }[]
  /** Deletes the records up to and including `offset`, which hold `bytes`. */
  deleteThrough(offset: bigint, bytes: number): void
  /** Called once after the last `deleteThrough` of a trim. */
  forgetDeleted(): void
  close(): void
}

/** The stream over a log of this process. `appends` is shared by all streams over the same log. */
export function createEmbeddedStream(log: RecordLog, appends: Appends, now: () => number): RetainingStream {
  return new EmbeddedStream(log, appends, now)
}

/** Records that one transaction of a trim deletes, some megabytes: between two of them the rest of the process gets its turn. */
const recordsPerTrimStep = 32

class EmbeddedStream implements RetainingStream {
  readonly id: string
  readonly #log: RecordLog
  readonly #appends: Appends
  readonly #now: () => number
  readonly #closing = new AbortController()

  constructor(log: RecordLog, appends: Appends, now: () => number) {
    this.id = log.id
    this.#log = log
    this.#appends = appends
    this.#now = now
  }

  async writer(): Promise<StreamWriter> {
    checkOpen(this.#closing.signal)
    return new EmbeddedWriter(this.#log, this.#appends, this.#now, this.#closing.signal)
  }

  async reader(): Promise<StreamReader> {
    checkOpen(this.#closing.signal)
    return new EmbeddedReader(this.#log, this.#appends, this.#closing.signal)
  }

  async trim(beforeMs: number, keepBytesMax: number = Number.POSITIVE_INFINITY): Promise<number> {
    if (!Number.isFinite(beforeMs) || !(keepBytesMax >= 0)) throw new RangeError('trim wants a time and a size')
    let deleted = 0
    for (;;) {
      checkOpen(this.#closing.signal)
      const step = this.#trimStep(beforeMs, keepBytesMax)
      deleted += step
      if (step < recordsPerTrimStep) break
      await setImmediate()
    }
    if (deleted > 0) this.#log.forgetDeleted()
    return deleted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#log.close()
  }

  #trimStep(beforeMs: number, keepBytesMax: number): number {
    const excess = this.#log.bytesKept() - keepBytesMax
    const leaving: { offset: bigint; bytes: number }[] = []
    let bytes = 0
    for (const record of this.#log.oldest(recordsPerTrimStep)) {
      if (record.appendedAtMs >= beforeMs && bytes >= excess) break
      leaving.push(record)
      bytes += record.bytes
    }
    const last = leaving.at(-1)
    if (last) this.#log.deleteThrough(last.offset, bytes)
    return leaving.length
  }
}

class EmbeddedWriter implements StreamWriter {
  readonly #log: RecordLog
  readonly #appends: Appends
  readonly #now: () => number
  readonly #streamClosing: AbortSignal
  #closed = false

  constructor(log: RecordLog, appends: Appends, now: () => number, streamClosing: AbortSignal) {
    this.#log = log
    this.#appends = appends
    this.#now = now
    this.#streamClosing = streamClosing
  }

  async append(values: readonly Uint8Array[]): Promise<void> {
    checkOpen(this.#streamClosing)
    if (this.#closed) throw new StreamClosedError()
    checkValues(values)
    if (values.length === 0) return
    this.#log.append(values, this.#now())
    this.#appends.announce()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }
}

class EmbeddedReader implements StreamReader {
  readonly #log: RecordLog
  readonly #appends: Appends
  readonly #closing = new AbortController()
  readonly #closed: AbortSignal

  constructor(log: RecordLog, appends: Appends, streamClosing: AbortSignal) {
    this.#log = log
    this.#appends = appends
    this.#closed = AbortSignal.any([this.#closing.signal, streamClosing])
  }

  read(from: bigint, signal: AbortSignal): AsyncIterable<readonly StreamRecord[]> {
    if (typeof from !== 'bigint') throw new TypeError('an offset is a bigint')
    if (from < 0n) throw new RangeError(`an offset is 0 or more, got ${from}`)
    checkOpen(this.#closed)
    return this.#batches(from, AbortSignal.any([signal, this.#closed]))
  }

  async earliest(): Promise<bigint> {
    checkOpen(this.#closed)
    return this.#log.earliest()
  }

  async end(): Promise<bigint> {
    checkOpen(this.#closed)
    return this.#log.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
  }

  async *#batches(from: bigint, ending: AbortSignal): AsyncGenerator<readonly StreamRecord[], void, undefined> {
    if (!ending.aborted && from > this.#log.end()) throw new StreamRewoundError(from, this.#log.end())
    let next = from
    while (!ending.aborted) {
      const batch = this.#log.batchFrom(next)
      const last = batch.at(-1)
      if (last) {
        yield batch
        next = last.offset + 1n
        // A long history is read without waiting for anything; the rest of the process must get its turn all the same.
        await setImmediate()
      } else await this.#appends.next(ending)
    }
  }
}

function checkOpen(closed: AbortSignal): void {
  if (closed.aborted) throw new StreamClosedError()
}

function checkValues(values: readonly Uint8Array[]): void {
  if (values.length > recordsPerAppendMax) throw new RangeError(`at most ${recordsPerAppendMax} records in one append`)
  let bytes = 0
  for (const value of values) {
    if (!(value instanceof Uint8Array)) throw new TypeError('a record is a Uint8Array')
    if (value.byteLength === 0 || value.byteLength > recordBytesMax) {
      throw new RangeError(`a record has 1 to ${recordBytesMax} bytes, got ${value.byteLength}`)
    }
    bytes += value.byteLength
  }
  if (bytes > appendBytesMax) throw new RangeError(`at most ${appendBytesMax} bytes in one append, got ${bytes}`)
}
