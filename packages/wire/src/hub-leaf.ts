import { HubLeaf as WireHubLeaf } from '@hutong/proto/hub'
import { boundedTime, isTime, largestIndex } from './bounds.ts'
import { asBuffer } from './bytes.ts'
import { assertTexts } from './generated-message.ts'
import { hubLeafRule } from './rules.ts'
import { readStrictly } from './strict-reader.ts'

/** A leaf of H is never longer, in bytes: the most an entry bundle can carry. */
export const largestHubLeafBytes = 65_535

/** A leaf of the hub's log H (formats F8). */
export interface HubLeaf {
  /** Position in H, 0 to 2^63 - 1. */
  readonly index: bigint
  /** The hub's clock. */
  readonly receivedAtMs: number
  readonly entry: AcceptedBatch | AcceptedCharter
}

/** A zone's log grew. */
export interface AcceptedBatch {
  readonly kind: 'batch'
  readonly origin: string
  readonly oldSize: bigint
  /** More than `oldSize`. */
  readonly newSize: bigint
  /** 32 bytes. */
  readonly root: Uint8Array
  /** The whole zone-signed note. */
  readonly checkpoint: Uint8Array
}

/** The charter changed; leaf 0 of H holds charter 0. */
export interface AcceptedCharter {
  readonly kind: 'charter'
  readonly number: bigint
  /** SHA-256 of its bytes, 32 bytes. */
  readonly sha256: Uint8Array
  /** The admins' signed note. */
  readonly note: Uint8Array
}

/** What the bytes of a leaf of H come to. The hub writes what every reader must understand: there is no third way. */
export type HubLeafReading =
  | { readonly kind: 'hub_leaf'; readonly leaf: HubLeaf }
  | { readonly kind: 'not_understood'; readonly why: string }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Reads a leaf of H strictly. Bytes fields are views of `bytes`. Never throws. */
export function decodeHubLeaf(bytes: Uint8Array): HubLeafReading {
  if (bytes.length > largestHubLeafBytes) return unreadable('a leaf of more than 65535 bytes')
  const reading = readStrictly(hubLeafRule, bytes)
  if (reading.kind === 'unreadable') return reading
  if (reading.unknown !== undefined) return { kind: 'not_understood', why: reading.unknown }
  const { index, entry } = reading.message
  const receivedAtMs = boundedTime(reading.message.receivedAtMs)
  if (index > largestIndex) return unreadable('an index beyond 2^63 - 1')
  if (receivedAtMs === undefined) return unreadable('a time beyond 2^53 - 1')
  switch (entry?.$case) {
    case undefined:
      return { kind: 'not_understood', why: 'HubLeaf: no entry that is known here' }
    case 'batch': {
      const { origin, oldSize, newSize, root, checkpoint } = entry.value
      if (oldSize >= newSize || newSize > largestIndex) return unreadable('sizes that do not grow, or beyond 2^63 - 1')
      if (root.length !== 32) return unreadable('a root that is not of 32 bytes')
      const batch: AcceptedBatch = { kind: 'batch', origin, oldSize, newSize, root, checkpoint }
      return { kind: 'hub_leaf', leaf: { index, receivedAtMs, entry: batch } }
    }
    case 'charter': {
      const { number, sha256, note } = entry.value
      if (number > largestIndex) return unreadable('a charter number beyond 2^63 - 1')
      if (sha256.length !== 32) return unreadable('a digest that is not of 32 bytes')
      return { kind: 'hub_leaf', leaf: { index, receivedAtMs, entry: { kind: 'charter', number, sha256, note } } }
    }
  }
}

/**
 * The bytes of a leaf of H, serialised once.
 * @throws {RangeError} the leaf is none that `decodeHubLeaf` would read as it stands.
 */
export function encodeHubLeaf(leaf: HubLeaf): Uint8Array {
  if (!isTime(leaf.receivedAtMs)) throw new RangeError(`time ${leaf.receivedAtMs}`)
  assertTexts(leaf.entry)
  const bytes = WireHubLeaf.encode({
    index: leaf.index,
    receivedAtMs: BigInt(leaf.receivedAtMs),
    entry: entryToWire(leaf.entry),
  }).finish()
  const read = decodeHubLeaf(bytes)
  if (read.kind !== 'hub_leaf') throw new RangeError(`a leaf of H that nobody would read: ${read.why}`)
  return bytes
}

const unreadable = (why: string): HubLeafReading => ({ kind: 'unreadable', why })

function entryToWire(entry: HubLeaf['entry']): WireHubLeaf['entry'] {
  switch (entry.kind) {
    case 'batch': {
      const { origin, oldSize, newSize, root, checkpoint } = entry
      const value = { origin, oldSize, newSize, root: asBuffer(root), checkpoint: asBuffer(checkpoint) }
      return { $case: 'batch', value }
    }
    case 'charter': {
      const { number, sha256, note } = entry
      return { $case: 'charter', value: { number, sha256: asBuffer(sha256), note: asBuffer(note) } }
    }
  }
}
