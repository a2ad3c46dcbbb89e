import { Appends } from './appends.ts'
import { createEmbeddedStream, type RecordLog } from './embedded-stream.ts'
import { firstBatch } from './first-batch.ts'
import { type RetainingStream, recordsPerBatchMax, type StreamRecord } from './stream.ts'

export interface MemoryStreamOptions {
  readonly id: string
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
}

/** A stream that forgets everything when the process ends: for benches and for tests of other rooms. */
export function createMemoryStream(options: MemoryStreamOptions): RetainingStream {
  return createEmbeddedStream(new MemoryRecordLog(options.id), new Appends(), options.now)
}

class MemoryRecordLog implements RecordLog {
  readonly id: string
  readonly #records: (StreamRecord & { readonly appendedAtMs: number })[] = []
  #end = 0n
  #bytes = 0

  constructor(id: string) {
    this.id = id
  }

  append(values: readonly Uint8Array[], nowMs: number): void {
    for (const value of values) {
      this.#records.push({ offset: this.#end++, value: value.slice(), appendedAtMs: nowMs })
      this.#bytes += value.byteLength
    }
  }

  batchFrom(from: bigint): readonly StreamRecord[] {
    const start = from > this.earliest() ? Number(from - this.earliest()) : 0
    const records = this.#records.slice(start, start + recordsPerBatchMax)
    return firstBatch(records.map(({ offset, value }) => ({ offset, value: value.slice() })))
  }

  earliest(): bigint {
    return this.#records[0]?.offset ?? this.#end
  }

  end(): bigint {
    return this.#end
  }

  bytesKept(): number {
    return this.#bytes
  }

  oldest(limit: number): { offset: bigint; appendedAtMs: number; bytes: number }[] {
    const records = this.#records.slice(0, limit)
    return records.map(({ offset, appendedAtMs, value }) => ({ offset, appendedAtMs, bytes: value.byteLength }))
  }

  deleteThrough(offset: bigint, bytes: number): void {
    this.#records.splice(0, Number(offset - this.earliest()) + 1)
    this.#bytes -= bytes
  }

  forgetDeleted(): void {
    // Nothing of it is left anywhere.
  }

  close(): void {
    this.#records.length = 0
  }
}
