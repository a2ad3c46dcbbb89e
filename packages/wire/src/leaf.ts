import { Leaf as WireLeaf } from '@hutong/proto/leaf'
import { boundedTime, isTime, largestIndex } from './bounds.ts'
import { asBuffer } from './bytes.ts'
import { leafRule } from './rules.ts'
import { smallMessageBytes } from './small-message.ts'
import { readStrictly } from './strict-reader.ts'

/** A leaf of a zone's log is never longer, in bytes. */
export const largestLeafBytes = 65_535

/** The version of leaves that this reader understands and writes. */
export const leafVersion = 1

/** What a zone commits to for one event (formats F5). Holds commitments only. */
export interface Leaf {
  readonly version: number
  /** Leaf index in the zone's log, 0 to 2^63 - 1. */
  readonly index: bigint
  /** Number of the kind, as in the contract; may be one that nobody here knows. From 128 on informative. */
  readonly kind: number
  /** The zone's clock. */
  readonly loggedAtMs: number
  /** 32 bytes; zeros for observed. */
  readonly subject: Uint8Array
  /** 1 + index of the zone's previous event about the subject in this log; 0 for none. */
  readonly previous: bigint
  /** 32 bytes. */
  readonly payloadCommitment: Uint8Array
}

/**
 * What the bytes of a leaf come to. A leaf that is not understood (another version, an unknown field below 1000) still has
 * its place in the log: index, previous, subject, time and commitment are given and checked, its meaning is not.
 * Whether `kind` is known is the caller's question: a kind alone does not make a leaf not understood.
 */
export type LeafReading =
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'not_understood'; readonly leaf: Leaf; readonly why: string }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Reads a leaf strictly. `subject` and `payloadCommitment` are views of `bytes`. Never throws. */
export function decodeLeaf(bytes: Uint8Array): LeafReading {
  if (bytes.length > largestLeafBytes) return { kind: 'unreadable', why: 'a leaf of more than 65535 bytes' }
  const reading = readStrictly(leafRule, bytes)
  if (reading.kind === 'unreadable') return reading
  const { version, index, kind, subject, previous, payloadCommitment } = reading.message
  const loggedAtMs = boundedTime(reading.message.loggedAtMs)
  if (index > largestIndex || previous > largestIndex) return { kind: 'unreadable', why: 'an index beyond 2^63 - 1' }
  if (loggedAtMs === undefined) return { kind: 'unreadable', why: 'a time beyond 2^53 - 1' }
  if (subject.length !== 32) return { kind: 'unreadable', why: 'a subject that is not of 32 bytes' }
  if (payloadCommitment.length !== 32) return { kind: 'unreadable', why: 'a commitment that is not of 32 bytes' }
  if (kind < 0) return { kind: 'unreadable', why: 'a kind beyond 2^31 - 1' }
  const leaf: Leaf = { version, index, kind, loggedAtMs, subject, previous, payloadCommitment }
  if (version !== leafVersion) return { kind: 'not_understood', leaf, why: `leaf version ${version}` }
  if (reading.unknown !== undefined) return { kind: 'not_understood', leaf, why: reading.unknown }
  return { kind: 'leaf', leaf }
}

/**
 * The bytes of a leaf: serialised once, hashed and kept as these bytes ever after.
 * @throws {RangeError} the leaf is none that `decodeLeaf` would read as it stands.
 */
export function encodeLeaf(leaf: Leaf): Uint8Array {
  if (leaf.version !== leafVersion) throw new RangeError(`leaf version ${leaf.version}: only 1 is written`)
  if (leaf.subject.length !== 32 || leaf.payloadCommitment.length !== 32) throw new RangeError('want 32 bytes')
  if (!Number.isInteger(leaf.kind) || leaf.kind < 1 || leaf.kind > 0x7fffffff) throw new RangeError('kind')
  if (leaf.index < 0n || leaf.index > largestIndex) throw new RangeError('leaf index')
  if (leaf.previous < 0n || leaf.previous > leaf.index) throw new RangeError('a previous event lies before its leaf')
  if (!isTime(leaf.loggedAtMs)) throw new RangeError(`leaf time ${leaf.loggedAtMs}`)
  return smallMessageBytes(WireLeaf, {
    version: leaf.version,
    index: leaf.index,
    kind: leaf.kind as WireLeaf['kind'],
    loggedAtMs: BigInt(leaf.loggedAtMs),
    subject: asBuffer(leaf.subject),
    previous: leaf.previous,
    payloadCommitment: asBuffer(leaf.payloadCommitment),
  })
}
