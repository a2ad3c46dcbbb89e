import { Binary, Long } from 'mongodb'
import { StoreFormatError } from './errors.ts'
import type { Document, NextPosition, Position } from './store.ts'

/** A document as MongoDB keeps it, in the collection of its name. */
export interface DocumentRow {
  readonly _id: string
  readonly term: Long
  readonly value: Binary
  readonly subject?: string
}

/** A position as MongoDB keeps it, under its name. */
export interface PositionRow {
  readonly _id: string
  readonly version: Long
  readonly term: Long
  readonly value: Binary
}

/** What lies there, whoever wrote it. */
type Found<Row> = { readonly [Field in keyof Row]?: unknown }

/**
 * A key as `_id`: one character, U+0000 to U+00FF, for each byte of its UTF-8. So the order of keys is the same whether
 * a server compares texts by bytes, as MongoDB does, or by units of UTF-16, as others do that speak its protocol.
 */
export function idFromKey(key: string): string {
  return Buffer.from(key).toString('latin1')
}

export function rowFromDocument({ key, term, value, subject }: Document): DocumentRow {
  const bare = { _id: idFromKey(key), term: Long.fromBigInt(term), value: new Binary(value) }
  return subject === undefined ? bare : { ...bare, subject }
}

/** @throws {StoreFormatError} the row was not written by this adapter. */
export function documentFromRow(collection: string, row: Found<DocumentRow>): Document {
  if (typeof row._id !== 'string') throw new StoreFormatError(`${collection}: a document whose _id is no text`)
  const key = Buffer.from(row._id, 'latin1').toString()
  const place = `${collection}/${key}`
  const bare = { collection, key, term: bigintFrom(row.term, place), value: bytesFrom(row.value, place) }
  if (row.subject === undefined) return bare
  if (typeof row.subject !== 'string') throw new StoreFormatError(`${place}: subject is no text`)
  return { ...bare, subject: row.subject }
}

export function rowFromPosition(version: bigint, { term, value }: NextPosition): Omit<PositionRow, '_id'> {
  return { version: Long.fromBigInt(version), term: Long.fromBigInt(term), value: new Binary(value) }
}

/** @throws {StoreFormatError} the row was not written by this adapter. */
export function positionFromRow(name: string, row: Found<PositionRow>): Position {
  return {
    version: bigintFrom(row.version, name),
    term: bigintFrom(row.term, name),
    value: bytesFrom(row.value, name),
  }
}

// The driver gives small ones as numbers, those past 2^53 as Long.
function bigintFrom(value: unknown, place: string): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (value instanceof Long) return value.toBigInt()
  throw new StoreFormatError(`${place}: term or version is no whole number`)
}

// A copy: what the driver hands out may be a window of a whole answer, and would keep all of it in memory.
function bytesFrom(value: unknown, place: string): Uint8Array {
  if (!(value instanceof Binary)) throw new StoreFormatError(`${place}: value is not binary`)
  return new Uint8Array(value.value())
}
