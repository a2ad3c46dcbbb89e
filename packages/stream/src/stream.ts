/** One record as the stream gives it out. */
export interface StreamRecord {
  /**
   * Its place in the stream, from 0, growing. Places may be missing (retention, a loss): what is complete is decided by
   * the index inside the record, never by this number.
   */
  readonly offset: bigint
  /** A hint for compaction and partitions; nothing may be concluded from it. */
  readonly key?: Uint8Array
  /** 1 byte to `recordBytesMax`. */
  readonly value: Uint8Array
}

/** The writing end. A stream has one writer at a time; nothing here keeps a second one out. */
export interface StreamWriter extends AsyncDisposable {
  /**
   * Appends in the order given, durable on return. Calls take effect one after another in the order they were made.
   * After an exception any first part of the values may be there; appending them again may double them.
   *
   * @throws {RangeError} more than `recordsPerAppendMax` values or `appendBytesMax` bytes, or a value outside its
   *   bounds; nothing was appended.
   */
  append(values: readonly Uint8Array[]): Promise<void>
}

/** A reading end. Readers hinder neither the writer nor each other. */
export interface StreamReader extends AsyncDisposable {
  /**
   * Batches of at most `recordsPerBatchMax` records and `batchBytesMax` bytes, never empty, from the first record at or
   * above `from` on; waits for new ones. Ends quietly when `signal` aborts or the reader is disposed. At-least-once: a
   * record may come again. A first offset above `from` means that what lay between is gone. The next batch is fetched
   * when it is asked for, so a slow consumer costs one batch of memory.
   *
   * @throws {StreamRewoundError} `from` lies above `end()`: that offset is of another stream, or of a lost past.
   */
  read(from: bigint, signal: AbortSignal): AsyncIterable<readonly StreamRecord[]>

  /** The offset of the oldest record kept; `end()` when none is. */
  earliest(): Promise<bigint>

  /** The offset the next record will get. */
  end(): Promise<bigint>
}

/**
 * An ordered sequence of records with one partition: it transports, and is believed in nothing. The suite in
 * `contract.ts` is the definition; this comment only introduces it.
 *
 * Every method throws {@link StreamClosedError} after disposal, {@link StreamUnavailableError} when trying again may
 * help, {@link StreamFullError} when there is no space, {@link StreamBrokenError} when nothing may be believed until
 * the process has started anew.
 */
export interface Stream {
  /** Names this very stream: offsets kept under another id mean nothing here. */
  readonly id: string
  writer(): Promise<StreamWriter>
  reader(): Promise<StreamReader>
}

/**
 * A stream that is kept in this process and so has to let go of old records itself. Disposal ends every reading
 * quietly.
 */
export interface RetainingStream extends Stream, AsyncDisposable {
  /**
   * Deletes from the oldest on, up to the first record that was appended at or after `beforeMs` (milliseconds since the
   * epoch), and further while the values kept are over `keepBytesMax` bytes. Offsets are never given out again.
   * Returns how many records went.
   */
  trim(beforeMs: number, keepBytesMax?: number): Promise<number>
}

/** Largest record, in bytes (architecture, "Streams"). */
export const recordBytesMax: number = 1024 * 1024
/** Most values in one append. */
export const recordsPerAppendMax: number = 1024
/** Most bytes of values in one append. */
export const appendBytesMax: number = 32 * 1024 * 1024
/** Most records in one batch. */
export const recordsPerBatchMax: number = 64
/** Most bytes of values in one batch. */
export const batchBytesMax: number = 2 * 1024 * 1024
