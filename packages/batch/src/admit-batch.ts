import {
  appendLeafHashes,
  type Edge,
  edgeRoot,
  type Hash,
  openNote,
  parseCheckpoint,
  sha256Tree,
  type VerifierKey,
} from '@hutong/merkle'
import type { Suite } from '@hutong/signing'
import { type Batch, decodeLeaf, type Entry, type Leaf } from '@hutong/wire'
import { opensCommitment, sameBytes } from './commitment.ts'
import { leafHashesOf } from './entry.ts'
import { batchLimits } from './limits.ts'
import { wholeBatchSizeBytes } from './size.ts'

/** Why a batch is no batch for this log. Never for what an event says. */
export type BatchRefusalCode =
  /** More than 256 entries, 900 KiB, 48 KiB for a payload, 65535 bytes for a leaf, 16 KiB for the note. */
  | 'BATCH_TOO_LARGE'
  | 'BATCH_EMPTY'
  /** Another log than the peer's own. */
  | 'BATCH_ORIGIN'
  /** It neither starts at the known size nor repeats what is known. */
  | 'BATCH_NOT_CONTINUING'
  /** An entry without its payload, or with one that does not open its commitment. */
  | 'BATCH_COMMITMENT'
  /** A leaf that cannot be read, or that says another index than its place. */
  | 'BATCH_LEAF'
  /** A leaf time below the one before it. */
  | 'BATCH_TIME_FALLS'
  /** A leaf time too far ahead of this clock: worth sending again. */
  | 'BATCH_FROM_THE_FUTURE'
  /** Size or root of the checkpoint are not those of the log with these leaves. */
  | 'BATCH_ROOT'
  /** No line of the deciding suite by an accepted key, a line that fails, or one by a key that is not accepted. */
  | 'BATCH_SIGNATURE'

export interface BatchRefused {
  readonly kind: 'refused'
  readonly code: BatchRefusalCode
  /** For people. */
  readonly why: string
  /** BATCH_FROM_THE_FUTURE only: from when on, by the hub's clock, the same batch is not refused for this. */
  readonly retryAtMs?: number
}

/** The batch continues the log: what the log is with it. Nothing is written here. */
export interface BatchAdmitted {
  readonly kind: 'admitted'
  readonly edge: Edge
  readonly size: bigint
  readonly root: Hash
  readonly leafHashes: readonly Hash[]
  /** As read; one that is not understood is among them, for it keeps its place. */
  readonly leaves: readonly Leaf[]
  readonly newestLoggedAtMs: number
}

/**
 * The batch lies wholly within what is known: the caller compares its leaves with the kept ones (`sameLeaves`). Equal, it gets the
 * same answer as the first time; else it is refused BATCH_NOT_CONTINUING.
 */
export interface BatchResent {
  readonly kind: 'resent'
}

/** What the hub knows of a log. */
export interface KnownLog {
  /** The peer's own log: of the zone that its transport identity names. */
  readonly origin: string
  readonly edge: Edge
  /** Time of its newest leaf; 0 for an empty log. */
  readonly newestLoggedAtMs: number
}

/** Who may sign for the log at this position, out of the charter in force. */
export interface LogKeys {
  /** Keys accepted for this log at this position, of every suite. */
  readonly accepted: readonly VerifierKey[]
  /** The one suite whose line decides. */
  readonly decides: Suite
}

/** The hub's clock, and how far a zone's may be ahead of it. */
export interface AdmissionClock {
  readonly nowMs: number
  readonly maxClockOffsetMs: number
}

/**
 * Admits a batch or refuses it as a batch (formats F7). Payloads are hashed, never decoded.
 *
 * Stricter than C2SP in one point: a checkpoint with a line by a key that is not accepted, or with a line twice, is refused, not
 * read past the line, so that what the hub passes on under its own signature carries nothing that anybody could have added.
 * @throws {RangeError} two different accepted keys share name and key id: the charter is at fault.
 */
export function admitBatch(
  known: KnownLog,
  batch: Batch,
  keys: LogKeys,
  clock: AdmissionClock,
): BatchAdmitted | BatchResent | BatchRefused {
  const place = classifyBatch(known, batch)
  if (place.kind !== 'append') return place
  const leaves = readLeaves(known, batch.entries, clock)
  if (!Array.isArray(leaves)) return leaves
  const leafHashes = leafHashesOf(batch.entries)
  const edge = appendLeafHashes(sha256Tree, known.edge, leafHashes)
  const root = edgeRoot(sha256Tree, edge)
  const refusal = checkCheckpoint(batch.checkpoint, { origin: known.origin, size: edge.size, root }, keys)
  if (refusal !== undefined) return refusal
  const newestLoggedAtMs = leaves[leaves.length - 1]!.loggedAtMs
  return { kind: 'admitted', edge, size: edge.size, root, leafHashes, leaves, newestLoggedAtMs }
}

/** Where a batch stands to what is known, by shape, origin and indexes alone. */
export function classifyBatch(
  known: Pick<KnownLog, 'origin' | 'edge'>,
  batch: Batch,
): { readonly kind: 'append' } | BatchResent | BatchRefused {
  const { origin, firstIndex, entries } = batch
  if (entries.length === 0) return refused('BATCH_EMPTY', 'a batch without entries')
  const tooLarge = whatIsTooLarge(batch)
  if (tooLarge !== undefined) return refused('BATCH_TOO_LARGE', tooLarge)
  if (origin !== known.origin) return refused('BATCH_ORIGIN', `a batch of another log than ${known.origin}`)
  const end = firstIndex + BigInt(entries.length)
  if (firstIndex === known.edge.size && end <= largestSize) return { kind: 'append' }
  if (firstIndex >= 0n && end <= known.edge.size) return { kind: 'resent' }
  return refused('BATCH_NOT_CONTINUING', `indexes ${firstIndex} to ${end - 1n} after a size of ${known.edge.size}`)
}

/** Whether a batch sent again carries the leaves that are kept, byte for byte. */
export function sameLeaves(entries: readonly Entry[], kept: readonly Uint8Array[]): boolean {
  return entries.length === kept.length && entries.every((entry, at) => sameBytes(entry.leaf, kept[at]!))
}

const largestSize = 2n ** 63n - 1n

function refused(code: BatchRefusalCode, why: string): BatchRefused {
  return { kind: 'refused', code, why }
}

function whatIsTooLarge(batch: Batch): string | undefined {
  const { origin, entries, checkpoint } = batch
  if (entries.length > batchLimits.entries) return `${entries.length} entries`
  if (origin.length > batchLimits.originBytes) return 'an origin of more than 256 bytes'
  if (checkpoint.length > batchLimits.checkpointBytes) return 'a checkpoint of more than 16 KiB'
  if (entries.some((entry) => entry.leaf.length > batchLimits.leafBytes)) return 'a leaf of more than 65535 bytes'
  if (entries.some((entry) => entry.payload.length > batchLimits.payloadBytes)) return 'a payload of more than 48 KiB'
  if (wholeBatchSizeBytes(batch) > batchLimits.bytes) return 'more than 900 KiB'
  return undefined
}

function readLeaves(known: KnownLog, entries: readonly Entry[], clock: AdmissionClock): Leaf[] | BatchRefused {
  const leaves: Leaf[] = []
  let index = known.edge.size
  let newestLoggedAtMs = known.newestLoggedAtMs
  for (const entry of entries) {
    const reading = decodeLeaf(entry.leaf)
    if (reading.kind === 'unreadable') return refused('BATCH_LEAF', `leaf ${index}: ${reading.why}`)
    const { leaf } = reading
    if (leaf.index !== index) return refused('BATCH_LEAF', `leaf ${index} says it is ${leaf.index}`)
    if (!opensCommitment(entry, leaf.payloadCommitment)) {
      return refused('BATCH_COMMITMENT', `leaf ${index}: its payload does not open its commitment`)
    }
    if (leaf.loggedAtMs < newestLoggedAtMs) return refused('BATCH_TIME_FALLS', `leaf ${index}: earlier than the last`)
    leaves.push(leaf)
    newestLoggedAtMs = leaf.loggedAtMs
    index += 1n
  }
  // Times never fall, so the last is the farthest ahead.
  const retryAtMs = newestLoggedAtMs - clock.maxClockOffsetMs
  if (retryAtMs > clock.nowMs)
    return { ...refused('BATCH_FROM_THE_FUTURE', 'leaf times ahead of this clock'), retryAtMs }
  return leaves
}

/** Whether the note says exactly this size and root, and an accepted key of the deciding suite signed it. */
function checkCheckpoint(
  note: Uint8Array,
  wanted: { readonly origin: string; readonly size: bigint; readonly root: Hash },
  keys: LogKeys,
): BatchRefused | undefined {
  const own = keys.accepted.filter((key) => key.name === wanted.origin && key.type !== 'cosignature')
  const opened = openNote(note, own)
  if (opened.kind === 'refused') return refused('BATCH_SIGNATURE', opened.reason)
  if (signatureLines(note) !== opened.verified.length) {
    return refused('BATCH_SIGNATURE', 'a line by a key that is not accepted for this log, or one that stands twice')
  }
  if (!opened.verified.some((line) => line.key.publicKey.suite === keys.decides)) {
    return refused('BATCH_SIGNATURE', `no line of ${keys.decides}, the suite that decides`)
  }
  const checkpoint = parseCheckpoint(opened.text)
  if (checkpoint.kind === 'refused') return refused('BATCH_ROOT', checkpoint.reason)
  if (checkpoint.extensionLines.length > 0) return refused('BATCH_ROOT', 'a checkpoint with extension lines')
  if (checkpoint.origin !== wanted.origin) return refused('BATCH_ORIGIN', 'a checkpoint of another log')
  if (checkpoint.size !== wanted.size) return refused('BATCH_ROOT', `a checkpoint of size ${checkpoint.size}`)
  if (!sameBytes(checkpoint.root, wanted.root)) return refused('BATCH_ROOT', 'a root that these leaves do not give')
  return undefined
}

/** Lines after the last empty line of a note that could be opened. */
function signatureLines(note: Uint8Array): number {
  const text = Buffer.from(note.buffer, note.byteOffset, note.byteLength)
  let lines = 0
  for (let at = text.lastIndexOf('\n\n') + 2; at < text.length; at++) if (text[at] === 0x0a) lines++
  return lines
}
