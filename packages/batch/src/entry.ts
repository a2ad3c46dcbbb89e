import { type Hash, sha256Tree } from '@hutong/merkle'
import { type Entry, encodeLeaf, leafVersion } from '@hutong/wire'
import { payloadCommitment, plainEncoding } from './commitment.ts'
import { batchLimits } from './limits.ts'

/** What becomes one entry of a zone's log. */
export interface NewEntry {
  /** Leaf index: its place in the log. */
  readonly index: bigint
  /** Number of the event's kind, as in the contract. */
  readonly kind: number
  /** The zone's clock; never below that of the leaf before. */
  readonly loggedAtMs: number
  /** 32 bytes. */
  readonly subject: Uint8Array
  /** 1 + index of the previous event about the subject in this log; 0 for none. */
  readonly previous: bigint
  /** Bytes of the payload, 1 to 48 KiB. */
  readonly payload: Uint8Array
  /** 32 random bytes, drawn for this event alone. */
  readonly salt: Uint8Array
}

/**
 * Writes an event down once: the bytes that come out are hashed, stored and passed on as they are.
 * @throws {RangeError} the payload is empty or longer than 48 KiB, or a field is none that a leaf can carry.
 */
export function entryOf({ index, kind, loggedAtMs, subject, previous, payload, salt }: NewEntry): Entry {
  if (payload.length === 0 || payload.length > batchLimits.payloadBytes) {
    throw new RangeError(`a payload of ${payload.length} bytes`)
  }
  const commitment = payloadCommitment(salt, payload)
  const leaf = encodeLeaf({
    version: leafVersion,
    index,
    kind,
    loggedAtMs,
    subject,
    previous,
    payloadCommitment: commitment,
  })
  return { leaf, salt, payload, payloadEncoding: plainEncoding }
}

/** The leaf hashes of these entries, in order. No log with another tree hash than SHA-256 is offered yet (formats F1). */
export function leafHashesOf(entries: readonly Entry[]): Hash[] {
  return entries.map((entry) => sha256Tree.leaf(entry.leaf))
}
