/**
 * One thing kept. `term` is that of the writer who put it there: it decides between what a dead writer left behind
 * and what the living one writes.
 */
export interface Document {
  /** Lower-case letters and `_`, 1 to `collectionLengthMax` characters; a name of our code, never an outsider's. */
  readonly collection: string
  /** Ordered by its UTF-8 bytes; 1 to `keyBytesMax` bytes, no U+0000, no lone surrogate. */
  readonly key: string
  /** 0 to 2^63 − 1. */
  readonly term: bigint
  /** At most `valueBytesMax` bytes. */
  readonly value: Uint8Array
  /** Lower-case hex of whom the document is about, so that everything about it can be deleted at once (formats F13). */
  readonly subject?: string
}

/** What a position is moved to. The value is at most `valueBytesMax` bytes. */
export interface NextPosition {
  readonly term: bigint
  readonly value: Uint8Array
}

/** The one document of a writer that decides: what lies at or above the position is not there yet. */
export interface Position extends NextPosition {
  /** 1 after the first move, and one more after each. */
  readonly version: bigint
}

/** A stretch of a collection in key order. */
export interface RangeOptions {
  /** Inclusive; absent: from the first key. */
  readonly from?: string
  /** Exclusive; absent: to the last key. */
  readonly to?: string
  /** 1 to `documentsPerCallMax`. Fewer answers than this mean that the stretch is exhausted. */
  readonly limit: number
  /** From the last key towards the first. */
  readonly reverse?: boolean
}

/**
 * What a service keeps: documents that are inserted, and one position that is moved by compare-and-swap.
 * The suite in `contract.ts` is the definition; this comment only introduces it.
 *
 * A step is documents inserted, then the position moved if it is still the one read: the move is the commit. No method
 * promises more than one document at once, so that a database without transactions can stand behind it: when `insert`,
 * `delete` or `deleteBySubject` throws, any part of it may have happened, and doing it again is safe.
 *
 * Which documents lie below the position only the caller knows. It never inserts below it: a larger term would
 * overwrite what is committed.
 *
 * Every method throws {@link StoreClosedError} after disposal, {@link StoreUnavailableError} when trying again may help,
 * {@link StoreFullError} when there is no space, {@link StoreBrokenError} when nothing may be believed until the process
 * has started anew, and RangeError or TypeError for arguments outside the bounds named here (nothing was done then).
 */
export interface Store extends AsyncDisposable {
  /**
   * Inserts all, in any order; durable on return. A document that is there with equal value and subject is a quiet
   * success (a smaller term is raised to this one). One with other content is replaced if its term is smaller.
   * The same key twice in one call counts as two calls.
   *
   * @throws {StaleWriterError} other content is there under the same or a larger term: stop and reload.
   */
  insert(documents: readonly Document[]): Promise<void>

  /** The position `name` (as a collection's name); undefined before the first move. */
  position(name: string): Promise<Position | undefined>

  /**
   * Replaces position `name` if its version is `expectedVersion` (undefined: if there is none); durable on return.
   * The new version is one more than expected, 1 for the first. False: another one moved it, nothing was written.
   */
  movePosition(name: string, expectedVersion: bigint | undefined, next: NextPosition): Promise<boolean>

  /**
   * `insert`, then `movePosition`, for adapters that can make both durable at one cost. Not atomic by contract: after
   * false or an exception any of the documents may be there. Callers use the function `step`, which does without it.
   */
  step?(
    documents: readonly Document[],
    name: string,
    expectedVersion: bigint | undefined,
    next: NextPosition,
  ): Promise<boolean>

  /** The document, or undefined. A collection nobody wrote to is empty, no error. */
  get(collection: string, key: string): Promise<Document | undefined>

  /** Those of at most `documentsPerCallMax` keys that are there, by key. */
  getMany(collection: string, keys: readonly string[]): Promise<ReadonlyMap<string, Document>>

  /** The documents of a stretch, in key order. */
  range(collection: string, options: RangeOptions): Promise<readonly Document[]>

  /**
   * Deletes all documents about `subject` in all collections, durable on return; how many there were. It may go through
   * everything that is kept, in slices, so that other calls go on; a document about the subject that is inserted meanwhile may stay.
   */
  deleteBySubject(subject: string): Promise<number>

  /** Deletes these keys, durable on return; absent ones are no error. For bounded housekeeping only. */
  delete(collection: string, keys: readonly string[]): Promise<void>
}

/** Longest name of a collection or position, in characters. */
export const collectionLengthMax: number = 64
/** Longest key, in bytes of UTF-8. */
export const keyBytesMax: number = 512
/** Longest subject, in hex digits. */
export const subjectLengthMax: number = 128
/** Largest value of a document or position, in bytes: well under the 16 MiB of a MongoDB document. */
export const valueBytesMax: number = 4 * 1024 * 1024
/** Most documents or keys in one call. */
export const documentsPerCallMax: number = 16_384
/** Largest term or version: what every adapter can hold as a signed number of 64 bits. */
export const termMax: bigint = 2n ** 63n - 1n
