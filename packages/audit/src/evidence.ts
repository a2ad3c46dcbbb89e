import { Buffer } from 'node:buffer'
import type { JsonObject, JsonValue } from '@hutong/wire'

/** Media type of an evidence file (formats F17). */
export const evidenceMediaType = 'application/vnd.hutong.evidence+json'
/** First member of an evidence file. */
const evidenceFormat = 'hutong/evidence/v1'
/** A longer file is refused unread. */
export const maxEvidenceSizeBytes: number = 8 * 1024 * 1024
/** Charters after charter 0. */
const maxEvidenceCharters = 64
/** A path in a tree of 2^63 leaves. */
const maxProofHashes = 64

/**
 * What somebody with a charter's key signed and no honest one signs. Notes are signed notes as bytes, with lines of charter keys only.
 */
export type Evidence = TwoHeads | NotConsistent | HubLeafFault

/** One log signed two trees of one size. */
export interface TwoHeads {
  readonly kind: 'two_heads'
  /** Origin: the hub's log or a zone's. */
  readonly log: string
  readonly first: Uint8Array
  readonly second: Uint8Array
}

/** One log signed two trees of which the larger does not begin with the smaller. */
export interface NotConsistent {
  readonly kind: 'not_consistent'
  readonly log: string
  readonly older: Uint8Array
  readonly newer: Uint8Array
  /** Root of the newer tree's first leaves, as many as the older has; `proof` leads from it to the newer root (RFC 6962 §2.1.2). */
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** The hub signed a tree with a leaf that no honest hub admits. */
export interface HubLeafFault {
  readonly kind: 'hub_leaf'
  readonly fault: HubLeafFaultCode
  readonly head: Uint8Array
  /** One, or two in the order of H: the one at fault last. */
  readonly leaves: readonly IncludedLeaf[]
}

/** What is wrong with a leaf of H; `judgeEvidence` says what each asks for. */
export const hubLeafFaults = [
  'unreadable',
  'index',
  'first_leaf',
  'time_falls',
  'not_continuing',
  'charter_number',
  'checkpoint',
  'signature',
] as const
export type HubLeafFaultCode = (typeof hubLeafFaults)[number]

/** A leaf under a head. */
export interface IncludedLeaf {
  readonly index: bigint
  readonly leaf: Uint8Array
  /** From the leaf to the head's root (RFC 6962 §2.1.1). */
  readonly proof: readonly Uint8Array[]
}

/** Evidence, and what it is judged by besides charter 0. */
export interface EvidenceDocument {
  readonly alliance: string
  /** The charters after charter 0, in order, each with the admins' note under which it came. */
  readonly charters: readonly { readonly bytes: Uint8Array; readonly note: Uint8Array }[]
  readonly evidence: Evidence
}

/** The bytes of an evidence file: one way to write one document. */
export function encodeEvidence({ alliance, charters, evidence }: EvidenceDocument): Uint8Array {
  const json: JsonObject = {
    format: evidenceFormat,
    alliance,
    charters: charters.map(({ bytes, note }) => ({ bytes: base64(bytes), note: base64(note) })),
    ...evidenceToJson(evidence),
  }
  return Buffer.from(`${JSON.stringify(json, undefined, 2)}\n`, 'utf8')
}

/** Reads an evidence file strictly: exactly the bytes that `encodeEvidence` writes, within its bounds. Never throws. */
export function decodeEvidence(
  bytes: Uint8Array,
): ({ readonly kind: 'evidence' } & EvidenceDocument) | { readonly kind: 'unreadable'; readonly why: string } {
  if (bytes.length > maxEvidenceSizeBytes) return unreadable(`more than ${maxEvidenceSizeBytes} bytes`)
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown
    const document = documentOf(json)
    if (Buffer.compare(encodeEvidence(document), bytes) !== 0) return unreadable('it is not written as it should be')
    return { kind: 'evidence', ...document }
  } catch (error) {
    // JSON's and the decoder's own words are about bytes that a stranger chose: only ours are told.
    return unreadable(error instanceof UnreadableEvidence ? error.message : 'no JSON in UTF-8')
  }
}

class UnreadableEvidence extends Error {
  override readonly name = 'UnreadableEvidence'
}

function evidenceToJson(evidence: Evidence): JsonObject {
  switch (evidence.kind) {
    case 'two_heads': {
      const { kind, log, first, second } = evidence
      return { kind, log, first: base64(first), second: base64(second) }
    }
    case 'not_consistent': {
      const { kind, log, older, newer, root, proof } = evidence
      return { kind, log, older: base64(older), newer: base64(newer), root: base64(root), proof: proof.map(base64) }
    }
    case 'hub_leaf': {
      const { kind, fault, head, leaves } = evidence
      return { kind, fault, head: base64(head), leaves: leaves.map(leafToJson) }
    }
  }
}

function leafToJson({ index, leaf, proof }: IncludedLeaf): JsonValue {
  return { index: String(index), leaf: base64(leaf), proof: proof.map(base64) }
}

function documentOf(json: unknown): EvidenceDocument {
  const read = members(json, 'the file')
  if (read.format !== evidenceFormat) throw new UnreadableEvidence(`format is not ${evidenceFormat}`)
  const charters = list(read.charters, 'charters', maxEvidenceCharters).map((one) => {
    const charter = members(one, 'a charter')
    return { bytes: bytesOf(charter.bytes, 'bytes of a charter'), note: bytesOf(charter.note, 'note of a charter') }
  })
  return { alliance: textOf(read.alliance, 'alliance'), charters, evidence: evidenceFrom(read) }
}

function evidenceFrom(read: Members): Evidence {
  switch (read.kind) {
    case 'two_heads':
      return {
        kind: read.kind,
        log: textOf(read.log, 'log'),
        first: bytesOf(read.first, 'first'),
        second: bytesOf(read.second, 'second'),
      }
    case 'not_consistent':
      return {
        kind: read.kind,
        log: textOf(read.log, 'log'),
        older: bytesOf(read.older, 'older'),
        newer: bytesOf(read.newer, 'newer'),
        root: bytesOf(read.root, 'root'),
        proof: proofOf(read.proof),
      }
    case 'hub_leaf': {
      const fault = hubLeafFaults.find((one) => one === read.fault)
      if (fault === undefined) throw new UnreadableEvidence('a fault that is not known here')
      const leaves = list(read.leaves, 'leaves', 2).map((one) => {
        const { index, leaf, proof } = members(one, 'a leaf')
        return { index: indexOf(index), leaf: bytesOf(leaf, 'leaf'), proof: proofOf(proof) }
      })
      return { kind: read.kind, fault, head: bytesOf(read.head, 'head'), leaves }
    }
    default:
      throw new UnreadableEvidence('a kind that is not known here')
  }
}

type Members = Readonly<Record<string, unknown>>

function members(value: unknown, what: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  throw new UnreadableEvidence(`${what} is no object`)
}

function list(value: unknown, what: string, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value
  throw new UnreadableEvidence(`${what}: want a list of at most ${most}`)
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new UnreadableEvidence(`${what} is no text`)
}

function bytesOf(value: unknown, what: string): Uint8Array {
  const bytes = Buffer.from(textOf(value, what), 'base64')
  if (bytes.toString('base64') === value) return Uint8Array.from(bytes)
  throw new UnreadableEvidence(`${what} is no base64`)
}

function proofOf(value: unknown): readonly Uint8Array[] {
  return list(value, 'proof', maxProofHashes).map((hash) => bytesOf(hash, 'a hash'))
}

function indexOf(value: unknown): bigint {
  if (typeof value === 'string' && /^(0|[1-9]\d{0,18})$/.test(value)) return BigInt(value)
  throw new UnreadableEvidence('index is no position')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function unreadable(why: string): { readonly kind: 'unreadable'; readonly why: string } {
  return { kind: 'unreadable', why }
}
