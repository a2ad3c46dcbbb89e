import { type Refusal, refused } from './refusal.ts'
import { tileWidth } from './tile.ts'

/** The longest entry a bundle can hold: its length is two bytes. */
export const maxEntrySizeBytes = 65_535

/** The entries of a bundle as read. */
export interface EntryBundle {
  readonly kind: 'entries'
  readonly entries: readonly Uint8Array[]
}

/**
 * Up to 256 entries as one file: for each a big-endian u16 length and its bytes (C2SP tlog-tiles, "Log Entries").
 * @throws {RangeError} there are none, more than 256, or one is longer than 65535 bytes.
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > tileWidth)
    throw new RangeError(`a bundle has no ${entries.length} entries`)
  const parts = entries.flatMap((entry) => {
    if (entry.length > maxEntrySizeBytes) throw new RangeError(`an entry of ${entry.length} bytes fits no bundle`)
    return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]
  })
  return Buffer.concat(parts)
}

/** The entries of a bundle of exactly `width` entries, with no byte after the last. */
export function decodeEntryBundle(bytes: Uint8Array, width: number): EntryBundle | Refusal {
  const entries: Uint8Array[] = []
  let at = 0
  while (entries.length < width) {
    if (at + 2 > bytes.length) return refused('MALFORMED', `bundle: ends before entry ${entries.length} of ${width}`)
    const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!)
    if (end > bytes.length) return refused('MALFORMED', `bundle: ends within entry ${entries.length}`)
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  if (at !== bytes.length) return refused('MALFORMED', `bundle: bytes after entry ${width - 1}`)
  return { kind: 'entries', entries }
}
