import { LoggedRecord as WireLoggedRecord } from '@hutong/proto/hub'
import { largestIndex } from './bounds.ts'
import { asBuffer, asBytes } from './bytes.ts'
import { type Entry, entryFromWire, entryToWire } from './entry.ts'
import { unknownFieldIn } from './generated-message.ts'
import { loggedRecordRule } from './rules.ts'
import { readStrictly } from './strict-reader.ts'

/** A record of `logged`, of LogService.Read and of VerifierService.Read (formats F8). */
export type LoggedRecord = EntryRecord | HeadRecord | CosignedRecord

/** A leaf of H with what stands behind it. Nothing in it is proven until a signed head covers `leaf`. */
export interface EntryRecord {
  readonly kind: 'entry'
  /** Index in H; equal to the one in the leaf, or the record is bad. */
  readonly index: bigint
  /** Bytes of one leaf of H. */
  readonly leaf: Uint8Array
  /** For a batch, in order. */
  readonly entries: readonly Entry[]
  /** For a charter: its bytes; else empty. */
  readonly charter: Uint8Array
  /** Places (from 0) of entries whose payload was redacted and is left out. */
  readonly redacted: readonly number[]
}

/** A hub-signed head. */
export interface HeadRecord {
  readonly kind: 'head'
  readonly checkpoint: Uint8Array
}

/** The same head with at least a quorum of cosignatures. */
export interface CosignedRecord {
  readonly kind: 'cosigned'
  readonly checkpoint: Uint8Array
}

export type RecordReading =
  | { readonly kind: 'record'; readonly record: LoggedRecord }
  | { readonly kind: 'unreadable'; readonly why: string }

/** A record as a generated decoder read it, without copying. */
export function recordFromWire(message: WireLoggedRecord): RecordReading {
  const unknown = unknownFieldIn(message)
  return unknown === undefined ? recordFromMessage(message) : { kind: 'unreadable', why: unknown }
}

/** A record in wire form, without copying. */
export function recordToWire(record: LoggedRecord): WireLoggedRecord {
  switch (record.kind) {
    case 'entry': {
      const { index, leaf, entries, charter, redacted } = record
      const value = {
        index,
        leaf: asBuffer(leaf),
        entries: entries.map(entryToWire),
        charter: asBuffer(charter),
        redacted: [...redacted],
      }
      return { record: { $case: 'entry', value } }
    }
    case 'head':
      return { record: { $case: 'head', value: { checkpoint: asBuffer(record.checkpoint) } } }
    case 'cosigned':
      return { record: { $case: 'cosigned', value: { checkpoint: asBuffer(record.checkpoint) } } }
  }
}

/** Reads a record strictly. Bytes fields are views of `bytes`. Never throws. */
export function decodeRecord(bytes: Uint8Array): RecordReading {
  const reading = readStrictly(loggedRecordRule, bytes)
  if (reading.kind === 'unreadable') return reading
  if (reading.unknown !== undefined) return { kind: 'unreadable', why: reading.unknown }
  return recordFromMessage(reading.message)
}

/** The bytes of a record. */
export function encodeRecord(record: LoggedRecord): Uint8Array {
  return WireLoggedRecord.encode(recordToWire(record)).finish()
}

function recordFromMessage({ record }: WireLoggedRecord): RecordReading {
  switch (record?.$case) {
    case undefined:
      return { kind: 'unreadable', why: 'LoggedRecord: no record that is known here' }
    case 'entry': {
      const { index, leaf, entries, charter, redacted } = record.value
      if (index > largestIndex) return { kind: 'unreadable', why: 'an index beyond 2^63 - 1' }
      const entry: EntryRecord = {
        kind: 'entry',
        index,
        leaf: asBytes(leaf),
        entries: entries.map(entryFromWire),
        charter: asBytes(charter),
        redacted,
      }
      return { kind: 'record', record: entry }
    }
    case 'head':
      return { kind: 'record', record: { kind: 'head', checkpoint: asBytes(record.value.checkpoint) } }
    case 'cosigned':
      return { kind: 'record', record: { kind: 'cosigned', checkpoint: asBytes(record.value.checkpoint) } }
  }
}
