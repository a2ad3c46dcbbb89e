import {
  collectionLengthMax,
  type Document,
  documentsPerCallMax,
  keyBytesMax,
  type NextPosition,
  type RangeOptions,
  subjectLengthMax,
  termMax,
  valueBytesMax,
} from './store.ts'

// The same misuse is refused with the same words whatever adapter stands behind: each calls these before it acts.

/** @throws {RangeError} too many documents, or one of them outside the bounds of `Document`. */
export function checkDocuments(documents: readonly Document[]): void {
  checkCount(documents.length)
  for (const document of documents) {
    checkCollection(document.collection)
    checkKey(document.key)
    checkTerm(document.term)
    checkValue(document.value)
    if (document.subject !== undefined) checkSubject(document.subject)
  }
}

/** @throws {RangeError} the position is outside the bounds of `Position`. */
export function checkMove(name: string, expectedVersion: bigint | undefined, next: NextPosition): void {
  checkCollection(name)
  if (expectedVersion !== undefined && !(expectedVersion >= 1n && expectedVersion < termMax)) {
    throw new RangeError(`expected version must be 1 to 2^63 − 2, got ${expectedVersion}`)
  }
  checkTerm(next.term)
  checkValue(next.value)
}

/** @throws {RangeError} too many keys, or one that no document can have. */
export function checkKeys(collection: string, keys: readonly string[]): void {
  checkCollection(collection)
  checkCount(keys.length)
  for (const key of keys) checkKey(key)
}

/** @throws {RangeError} the limit or a border is outside the bounds of `RangeOptions`. */
export function checkRange(collection: string, options: RangeOptions): void {
  checkCollection(collection)
  if (!Number.isInteger(options.limit) || options.limit < 1 || options.limit > documentsPerCallMax) {
    throw new RangeError(`limit must be a whole number from 1 to ${documentsPerCallMax}, got ${options.limit}`)
  }
  if (options.from !== undefined) checkText(options.from)
  if (options.to !== undefined) checkText(options.to)
}

/** @throws {RangeError} the name of a collection or position is not one. */
export function checkCollection(name: string): void {
  if (name.length > collectionLengthMax || !/^[a-z_]+$/.test(name)) {
    throw new RangeError(`a collection is 1 to ${collectionLengthMax} of a-z and _, got ${JSON.stringify(name)}`)
  }
}

/** @throws {RangeError} the subject is not lower-case hex: in two spellings, a deletion would miss one. */
export function checkSubject(subject: string): void {
  if (subject.length > subjectLengthMax || !/^(?:[0-9a-f]{2})+$/.test(subject)) {
    throw new RangeError(`a subject is whole bytes in lower-case hex, at most ${subjectLengthMax} digits`)
  }
}

/** @throws {RangeError} no document can have this key. */
export function checkKey(key: string): void {
  if (key === '') throw new RangeError('a key is not empty')
  checkText(key)
}

// A lone surrogate has no UTF-8: two different keys would become one. U+0000 ends a text early in some databases.
function checkText(text: string): void {
  if (!text.isWellFormed() || text.includes('\u0000'))
    throw new RangeError('a key holds no lone surrogate and no U+0000')
  if (Buffer.byteLength(text) > keyBytesMax) throw new RangeError(`a key has at most ${keyBytesMax} bytes`)
}

function checkTerm(term: bigint): void {
  if (typeof term !== 'bigint') throw new TypeError('a term is a bigint')
  if (term < 0n || term > termMax) throw new RangeError(`a term is 0 to 2^63 − 1, got ${term}`)
}

function checkValue(value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw new TypeError('a value is a Uint8Array')
  if (value.byteLength > valueBytesMax) {
    throw new RangeError(`a value has at most ${valueBytesMax} bytes, got ${value.byteLength}`)
  }
}

function checkCount(count: number): void {
  if (count > documentsPerCallMax) {
    throw new RangeError(`at most ${documentsPerCallMax} documents or keys in one call, got ${count}`)
  }
}
