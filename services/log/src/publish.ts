import type { Logger } from '@hutong/service'
import {
  recordsPerBatchMax,
  type Stream,
  StreamBrokenError,
  StreamClosedError,
  type StreamReader,
  type StreamWriter,
} from '@hutong/stream'
import { decodeRecord, encodeRecord, type LoggedRecord } from '@hutong/wire'
import { followRecords, type RecordParts } from './read.ts'

/** First wait after a failed append to the stream; doubled up to `maxRetryMs`, for ever. */
export const initialRetryMs = 100
export const maxRetryMs = 2_000
/** Records looked at from the end of the stream to see where it stops. At most two of three are heads. */
const tailRecordsMax = 1_024n
/** Where the stream holds no entry at all, at most so many of the newest are put there; older ones come from the hub. */
const refilledEntriesMax = 4_096n
/** Bytes after which an append is not made larger; with one record more it stays within what a stream takes. */
const appendedBytesMax = 900 * 1024
/** How long a reader of the tail may take before the end counts as reached. */
const tailWaitMs = 5_000

/** What the end of the stream says. */
export interface StreamTail {
  /** The H index that comes after the newest entry found; undefined where none is. */
  readonly next: bigint | undefined
  /** The newest head found, nothing verified. */
  readonly head: Uint8Array | undefined
}

/** Reads where the stream stops, so that what was committed and not yet published is published. */
export async function readTail(stream: Stream): Promise<StreamTail> {
  await using reader = await stream.reader()
  const end = await reader.end()
  const earliest = await reader.earliest()
  const from = end - tailRecordsMax > earliest ? end - tailRecordsMax : earliest
  let tail: StreamTail = { next: undefined, head: undefined }
  for await (const record of recordsUntil(reader, from, end)) {
    if (record.kind === 'entry') {
      const next = record.index + 1n
      tail = { ...tail, next: tail.next === undefined || next > tail.next ? next : tail.next }
    } else tail = { ...tail, head: record.checkpoint }
  }
  return tail
}

/** The first H index to publish: nothing is left out in between, some may come twice (formats F8). */
export function publishFrom(tail: StreamTail, size: bigint): bigint {
  if (tail.next !== undefined) return tail.next < size ? tail.next : size
  return size > refilledEntriesMax ? size - refilledEntriesMax : 0n
}

/**
 * Writes the records to the stream for as long as the signal lasts, serially; a stream that cannot take them is tried again for ever,
 * and loses nothing: what is not published waits in the store.
 *
 * @throws {StreamBrokenError | StreamClosedError} the stream will take nothing more in this run.
 */
export async function publishRecords(
  stream: Stream,
  parts: RecordParts,
  from: bigint,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  const ends: { writer?: StreamWriter } = {}
  try {
    for await (const values of gathered(followRecords(parts, { from, payloads: true, signal }))) {
      await retried(signal, log, 'the stream does not take records; distribution is delayed', async () => {
        ends.writer ??= await stream.writer()
        await ends.writer.append(values)
      })
    }
  } finally {
    await ends.writer?.[Symbol.asyncDispose]()
  }
}

/** Tries until it succeeds or the signal aborts, with a growing wait; only what cannot heal is thrown. */
export async function retried(
  signal: AbortSignal,
  log: Logger,
  complaint: string,
  attempt: () => Promise<void>,
): Promise<void> {
  for (let retryMs = initialRetryMs; !signal.aborted; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (cannotHeal(error)) throw error
      if (retryMs === initialRetryMs) log.warn({ err: error }, complaint)
      await pause(retryMs, signal)
    }
  }
}

/** Whether the stream will take nothing more in this run. */
export function cannotHeal(error: unknown): boolean {
  return error instanceof StreamBrokenError || error instanceof StreamClosedError
}

/** The records that are there without waiting, together: one append costs the disk as much as many records. */
async function* gathered(records: AsyncGenerator<LoggedRecord>): AsyncGenerator<readonly Uint8Array[]> {
  let coming = records.next()
  for (;;) {
    const values: Uint8Array[] = []
    let bytes = 0
    let next: IteratorResult<LoggedRecord> | undefined = await coming
    while (next !== undefined && !next.done) {
      const value = encodeRecord(next.value)
      values.push(value)
      bytes += value.length
      coming = records.next()
      if (values.length >= recordsPerBatchMax || bytes >= appendedBytesMax) break
      next = await Promise.race([coming, noMore()])
    }
    if (values.length > 0) yield values
    if (next?.done) return
  }
}

/** Resolves when all that could be done without waiting is done. */
function noMore(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(undefined))
  })
}

async function* recordsUntil(reader: StreamReader, from: bigint, end: bigint): AsyncGenerator<LoggedRecord> {
  if (from >= end) return
  for await (const batch of reader.read(from, AbortSignal.timeout(tailWaitMs))) {
    for (const { offset, value } of batch) {
      const read = decodeRecord(value)
      if (read.kind === 'record') yield read.record
      if (offset + 1n >= end) return
    }
  }
}

/** Ends after `durationMs` or when the signal aborts. */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationMs)
    signal.addEventListener('abort', end)
  })
}
