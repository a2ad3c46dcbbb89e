import { type Document, keyFromIndex, type Store } from '@hutong/store'
import type { Entry } from '@hutong/wire'

/**
 * Where the hub keeps what it accepted. Everything is keyed by position, inserted once, and there only below the size in the
 * position document `log`. Payloads lie apart from leaves, so that deleting a subject leaves every hash as it was (formats F13).
 *
 * - `leaves/<H index>`: bytes of the leaf of H
 * - `batches/<H index>`: the zone's leaves of that batch, packed
 * - `payloads/<H index>/<place>`: what opens one leaf's commitment, with the subject for deletion
 * - `charters/<H index>`: bytes of a charter
 * - `firsts/<origin>/<first index>`: H index of the batch that begins there
 * - `nodes/<log>/<level>/<index>`: hash of a perfect subtree (tree-nodes.ts)
 * - `redactions/<subject>`: this subject was deleted
 * - `cosigned/<H index>`: the last cosigned head before the charter at that index
 */
export const collections = {
  leaves: 'leaves',
  batches: 'batches',
  payloads: 'payloads',
  charters: 'charters',
  firsts: 'firsts',
  nodes: 'nodes',
  redactions: 'redactions',
  cosigned: 'cosigned',
} as const

/** The position document whose replacement commits. */
export const logPosition = 'log'
/** The position document of the newest cosigned head. */
export const cosignedPosition = 'cosigned'

export function payloadKey(position: bigint, place: number): string {
  return `${keyFromIndex(position)}/${place.toString().padStart(3, '0')}`
}

export function firstKey(origin: string, firstIndex: bigint): string {
  return `${origin}/${keyFromIndex(firstIndex)}`
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** What opens one leaf's commitment, as kept: one byte encoding, one byte salt length, salt, payload. */
export function encodeOpening({ salt, payload, payloadEncoding }: Omit<Entry, 'leaf'>): Uint8Array {
  const bytes = Buffer.allocUnsafe(2 + salt.length + payload.length)
  bytes[0] = payloadEncoding
  bytes[1] = salt.length
  bytes.set(salt, 2)
  bytes.set(payload, 2 + salt.length)
  return bytes
}

export function decodeOpening(bytes: Uint8Array): Omit<Entry, 'leaf'> {
  const saltEnd = 2 + (bytes[1] ?? 0)
  if (bytes.length < saltEnd) throw new DocumentDamagedError(collections.payloads, 'is cut off')
  return { payloadEncoding: bytes[0] ?? 0, salt: bytes.subarray(2, saltEnd), payload: bytes.subarray(saltEnd) }
}

/** Leaves of one batch as one value: for each a big-endian u16 length and its bytes, as in an entry bundle. */
export function encodeLeaves(leaves: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(leaves.reduce((sum, leaf) => sum + 2 + leaf.length, 0))
  let at = 0
  for (const leaf of leaves) {
    at = bytes.writeUInt16BE(leaf.length, at)
    bytes.set(leaf, at)
    at += leaf.length
  }
  return bytes
}

export function decodeLeaves(bytes: Uint8Array): readonly Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + ((bytes[at]! << 8) | (bytes[at + 1] ?? 0))
    if (end > bytes.length) throw new DocumentDamagedError(collections.batches, 'is cut off')
    leaves.push(bytes.subarray(at + 2, end))
    at = end
  }
  return leaves
}

/** A document below the position is missing or not what it was: our own copy is broken. Nothing may be signed over it. */
export class DocumentDamagedError extends Error {
  override readonly name = 'DocumentDamagedError'
  readonly place: string

  constructor(place: string, problem: string) {
    super(`${place} ${problem}`)
    this.place = place
  }
}

/**
 * The value of a document that must be there.
 * @throws {DocumentDamagedError} it is not.
 */
export function keptValue(document: Document | undefined, collection: string, key: string): Uint8Array {
  if (document === undefined) throw new DocumentDamagedError(`${collection}/${key}`, 'is missing')
  return document.value
}

/** The leaves of H from `from` up to but not including `to`; bounded by the caller. @throws {DocumentDamagedError} one is missing. */
export async function readHubLeaves(store: Store, from: bigint, to: bigint): Promise<readonly Uint8Array[]> {
  const keys = keysBetween(from, to)
  const found = await store.getMany(collections.leaves, keys)
  return keys.map((key) => keptValue(found.get(key), collections.leaves, key))
}

export function keysBetween(from: bigint, to: bigint): readonly string[] {
  const keys: string[] = []
  for (let index = from; index < to; index++) keys.push(keyFromIndex(index))
  return keys
}
