import { opensCommitment, subjectValue } from '@hutong/batch'
import { isInformative, kindNumber, subjectStringOf } from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { decodeLeaf, decodePayload, type Leaf, type Payload } from '@hutong/wire'

/** One event as a zone keeps it: bytes as received, and where they stand. Nothing in it is a judgement. */
export interface KeptEvent {
  /** The zone in whose log it stands. */
  readonly zone: string
  readonly origin: string
  /** Its leaf index in that log. */
  readonly index: bigint
  /** The H index of its batch; undefined for an event of one's own log that the hub has not answered yet. */
  readonly position: bigint | undefined
  /** Its place in the batch, from 0. */
  readonly place: number
  /** The hub's clock at that position, milliseconds since 1970. */
  readonly receivedAtMs: number
  readonly leaf: Uint8Array
  /** RFC 6962 leaf hash. */
  readonly leafHash: Uint8Array
  /** Empty where the payload is missing. */
  readonly salt: Uint8Array
  /** Empty where it is missing. */
  readonly payload: Uint8Array
  /** `<name>+<8 hex of key id>` of the key that signed the batch. */
  readonly signer: string
}

/** What could be read of an event's payload. */
export type Reading =
  | {
      readonly kind: 'read'
      readonly payload: Payload
      /** Whom the payload names; undefined for observed. */
      readonly subjectString: string | undefined
      /** Whether the leaf's subject is the one recomputed from the payload. */
      readonly subjectMatches: boolean
    }
  /** It is not here. */
  | { readonly kind: 'missing' }
  /** What is here does not open the commitment: fetch it again. */
  | { readonly kind: 'mismatch' }
  /** A newer format: kept byte for byte, not understood. */
  | { readonly kind: 'not_understood'; readonly why: string }
  /** It opens the commitment and is no payload. */
  | { readonly kind: 'unreadable'; readonly why: string }

/** A kept event, read. */
export interface ReadEvent {
  readonly kept: KeptEvent
  readonly leaf: Leaf
  /** Lower-case hex of the leaf's subject. */
  readonly subject: string
  readonly reading: Reading
}

/**
 * Reads a kept event; the payload is believed only where it opens the leaf's commitment, each time anew.
 * Undefined where the leaf itself cannot be read, or is not the one its hash and index name: then our own copy is broken.
 */
export function readEvent(kept: KeptEvent): ReadEvent | undefined {
  if (!sameBytes(sha256Tree.leaf(kept.leaf), kept.leafHash)) return undefined
  const decoded = decodeLeaf(kept.leaf)
  if (decoded.kind === 'unreadable' || decoded.leaf.index !== kept.index) return undefined
  return readPayload(kept, decoded)
}

/** The same with the leaf already decoded. */
export function readPayload(
  kept: KeptEvent,
  decoded: Exclude<ReturnType<typeof decodeLeaf>, { kind: 'unreadable' }>,
): ReadEvent {
  const { leaf } = decoded
  const { buffer, byteOffset, byteLength } = leaf.subject
  const subject = Buffer.from(buffer, byteOffset, byteLength).toString('hex')
  const understood = decoded.kind === 'leaf'
  return {
    kept,
    leaf,
    subject,
    reading: understood ? readingOf(kept, leaf) : { kind: 'not_understood', why: decoded.why },
  }
}

function readingOf(kept: KeptEvent, leaf: Leaf): Reading {
  const { leaf: bytes, salt, payload: given } = kept
  if (given.length === 0) return { kind: 'missing' }
  const entry = { leaf: bytes, salt, payload: given, payloadEncoding: 0 }
  if (!opensCommitment(entry, leaf.payloadCommitment)) return { kind: 'mismatch' }
  if (!isInformative(leaf.kind) && !knownKinds.has(leaf.kind)) {
    return { kind: 'not_understood', why: `an event of kind ${leaf.kind}` }
  }
  const decoded = decodePayload(given)
  if (decoded.kind !== 'payload') return decoded
  const { payload } = decoded
  const subjectString = subjectStringOf(payload.event)
  const subjectMatches =
    subjectString === undefined
      ? leaf.subject.every((byte) => byte === 0)
      : sameBytes(subjectValue(payload.subjectSecret, subjectString), leaf.subject)
  return { kind: 'read', payload, subjectString, subjectMatches }
}

const knownKinds: ReadonlySet<number> = new Set(Object.values(kindNumber))

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
