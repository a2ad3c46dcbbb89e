import type { Batch, Entry } from '@hutong/wire'

/**
 * What these entries take in an encoded batch, in bytes, exactly; nothing is encoded for it. A batch whose entries take at most
 * `batchLimits.entriesBytes` stays within `batchLimits.bytes`.
 */
export function batchSizeBytes(entries: readonly Entry[]): number {
  let size = 0
  for (const entry of entries) size += entrySizeBytes(entry)
  return size
}

/** What one entry takes in an encoded batch, in bytes, exactly. */
export function entrySizeBytes({ leaf, salt, payload, payloadEncoding }: Entry): number {
  const encoding = payloadEncoding === 0 ? 0 : 1 + varintSizeBytes(BigInt(payloadEncoding))
  return fieldSizeBytes(sizeOf(leaf) + sizeOf(salt) + sizeOf(payload) + encoding)
}

/** What the whole batch takes encoded, in bytes, exactly. */
export function wholeBatchSizeBytes({ origin, firstIndex, entries, checkpoint }: Batch): number {
  const index = firstIndex === 0n ? 0 : 1 + varintSizeBytes(firstIndex)
  const originBytes = Buffer.byteLength(origin, 'utf8')
  return (originBytes === 0 ? 0 : fieldSizeBytes(originBytes)) + index + batchSizeBytes(entries) + sizeOf(checkpoint)
}

/** An empty field is not written. */
function sizeOf(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : fieldSizeBytes(bytes.length)
}

/** Tag, length, content. */
function fieldSizeBytes(length: number): number {
  return 1 + lengthSizeBytes(length) + length
}

function lengthSizeBytes(length: number): number {
  if (length < 0x80) return 1
  if (length < 0x4000) return 2
  return length < 0x200000 ? 3 : 4
}

function varintSizeBytes(value: bigint): number {
  let size = 1
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) size++
  return size
}
