import { Batch as WireBatch } from '@hutong/proto/batch'
import { largestIndex } from './bounds.ts'
import { asBuffer, asBytes } from './bytes.ts'
import { type Entry, entryFromWire, entryToWire } from './entry.ts'
import { assertTexts, unknownFieldIn } from './generated-message.ts'
import { batchRule } from './rules.ts'
import { readStrictly } from './strict-reader.ts'

/** One append to a zone's log (formats F7): what a zone sends to the hub. Its bounds are `batch`'s matter. */
export interface Batch {
  readonly origin: string
  /** Leaf index of the first entry: the size of the log before. */
  readonly firstIndex: bigint
  readonly entries: readonly Entry[]
  /** The zone's signed note for size `firstIndex` + number of entries: the batch's signature. */
  readonly checkpoint: Uint8Array
}

export type BatchReading =
  | { readonly kind: 'batch'; readonly batch: Batch }
  | { readonly kind: 'unreadable'; readonly why: string }

/** A batch as a generated decoder read it. An unknown field below 1000 makes it no batch that can be admitted. */
export function batchFromWire(message: WireBatch): BatchReading {
  const unknown = unknownFieldIn(message)
  return unknown === undefined ? batchFromMessage(message) : { kind: 'unreadable', why: unknown }
}

/** A batch in wire form, without copying. */
export function batchToWire({ origin, firstIndex, entries, checkpoint }: Batch): WireBatch {
  assertTexts(origin)
  return { origin, firstIndex, entries: entries.map(entryToWire), checkpoint: asBuffer(checkpoint) }
}

/** Reads a batch strictly. Bytes fields are views of `bytes`. Never throws. */
export function decodeBatch(bytes: Uint8Array): BatchReading {
  const reading = readStrictly(batchRule, bytes)
  if (reading.kind === 'unreadable') return reading
  if (reading.unknown !== undefined) return { kind: 'unreadable', why: reading.unknown }
  return batchFromMessage(reading.message)
}

/** The bytes of a batch. */
export function encodeBatch(batch: Batch): Uint8Array {
  return WireBatch.encode(batchToWire(batch)).finish()
}

function batchFromMessage({ origin, firstIndex, entries, checkpoint }: WireBatch): BatchReading {
  if (firstIndex > largestIndex) return { kind: 'unreadable', why: 'an index beyond 2^63 - 1' }
  return {
    kind: 'batch',
    batch: { origin, firstIndex, entries: entries.map(entryFromWire), checkpoint: asBytes(checkpoint) },
  }
}
