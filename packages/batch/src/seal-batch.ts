import {
  appendLeafHashes,
  type Edge,
  edgeRoot,
  formatCheckpoint,
  type Hash,
  type NoteSigner,
  sha256Tree,
  signNote,
} from '@hutong/merkle'
import { decodeLeaf, type Entry } from '@hutong/wire'
import { opensCommitment } from './commitment.ts'
import { leafHashesOf } from './entry.ts'
import { batchLimits } from './limits.ts'
import { batchSizeBytes } from './size.ts'

/** What a zone is about to sign. */
export interface Unsealed {
  /** The log's origin. */
  readonly origin: string
  /** The log's edge before the batch. */
  readonly edge: Edge
  /** Time of the log's newest leaf: a batch that falls below it would be refused for ever. Left out: not compared. */
  readonly newestLoggedAtMs?: number
  /** The entries as they were read back from where they are kept: what is signed is hashed from these bytes. */
  readonly entries: readonly Entry[]
  /** One for each suite the log signs with; each under the log's origin as its name. */
  readonly signers: readonly NoteSigner[]
}

/** A sealed batch: its signature, and what the log is after it. */
export interface Sealed {
  /** The signed note over size and root after the batch. */
  readonly checkpoint: Uint8Array
  readonly edge: Edge
  readonly size: bigint
  readonly root: Hash
  readonly leafHashes: readonly Hash[]
}

/**
 * What was to be signed is not what a log of this zone may hold. Nothing was signed; sealing the same bytes again gives the same.
 * Stop and reload: what was read back is not what was written, or something wrote a batch that is none.
 */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * Seals a batch: hashes the bytes given, grows the edge, signs size and root. Hashes are never taken over from an earlier step,
 * because one flipped bit between hashing and signing ends a log for ever; so every leaf is read again and every payload opened.
 * The result depends on nothing but what is given, except where a suite's signatures are random.
 * @throws {SealError} no entries or too many, a leaf that is unreadable, out of its place or earlier than the one before it, a
 * payload that does not open its commitment, a signer of another name, a result that passes a bound.
 */
export function sealBatch({ origin, edge, newestLoggedAtMs, entries, signers }: Unsealed): Sealed {
  assertSealable(edge, newestLoggedAtMs ?? 0, entries)
  if (signers.length === 0 || signers.some((signer) => signer.key.name !== origin)) {
    throw new SealError('a log is signed under its own origin')
  }
  const leafHashes = leafHashesOf(entries)
  const grown = appendLeafHashes(sha256Tree, edge, leafHashes)
  const root = edgeRoot(sha256Tree, grown)
  const checkpoint = signNote(formatCheckpoint({ origin, size: grown.size, root }), signers)
  if (checkpoint.length > batchLimits.checkpointBytes) throw new SealError('a checkpoint of more than 16 KiB')
  return { checkpoint, edge: grown, size: grown.size, root, leafHashes }
}

function assertSealable(edge: Edge, loggedBeforeMs: number, entries: readonly Entry[]): void {
  if (entries.length === 0 || entries.length > batchLimits.entries) throw new SealError(`${entries.length} entries`)
  if (batchSizeBytes(entries) > batchLimits.entriesBytes) throw new SealError('entries beyond the bytes of a batch')
  let index = edge.size
  let newestLoggedAtMs = loggedBeforeMs
  for (const entry of entries) {
    const reading = decodeLeaf(entry.leaf)
    if (reading.kind !== 'leaf') throw new SealError(`leaf ${index}: ${reading.why}`)
    if (reading.leaf.index !== index) throw new SealError(`leaf ${index} says it is ${reading.leaf.index}`)
    if (reading.leaf.loggedAtMs < newestLoggedAtMs) throw new SealError(`leaf ${index}: time falls`)
    if (entry.payload.length > batchLimits.payloadBytes) throw new SealError(`leaf ${index}: payload too long`)
    if (!opensCommitment(entry, reading.leaf.payloadCommitment)) throw new SealError(`leaf ${index}: commitment`)
    newestLoggedAtMs = reading.leaf.loggedAtMs
    index += 1n
  }
}
