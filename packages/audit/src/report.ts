import type { JsonObject, JsonValue } from '@hutong/wire'
import type { ReplayStatistics } from './statistics.ts'

/**
 * What a replay came to, as plain data.
 *
 * `agrees`: everything asked for was compared, and nothing differs. `differs`: the hub or a verifier says something that the replay
 * proves otherwise. `incomplete`: nothing differs in what could be compared, but something could not be: a verifier that was away, a
 * payload that is missing. Only `agrees` is a clean result.
 */
export interface ReplayReport {
  readonly outcome: 'agrees' | 'differs' | 'incomplete'
  readonly charter: ReplayedCharter
  /** H as replayed: its size, and its root at that size. */
  readonly position: bigint
  readonly root: Uint8Array
  /** The hub-signed head that covers all of it; absent where none does. */
  readonly head: ReplayedHead | undefined
  /** The newest cosigned head whose root is that of the replay. */
  readonly cosigned: ReplayedCosigned | undefined
  /** The zones' logs, in the order in which they appeared; each root was held against every checkpoint of the zone. */
  readonly logs: readonly ReplayedLog[]
  readonly counts: ReplayCounts
  /** Absent where the replay stopped before that position. */
  readonly digest: ReplayedDigest | undefined
  /** The first thing no honest hub says; the replay stopped there. */
  readonly contradiction: Contradiction | undefined
  /** One for each verifier given, in that order. */
  readonly verifiers: readonly VerifierFinding[]
  /** Events whose payload is not here, or does not open its commitment: the first `maxNamedPayloads` of them. */
  readonly payloads: readonly PayloadFinding[]
  /** What was replayed, in numbers. */
  readonly statistics: ReplayStatistics
  /** What proves the contradiction to anybody who has the charter (formats F17); none where only the replay's word stands for it. */
  readonly evidence: readonly EvidenceFile[]
}

/** An evidence file, to be written as it is. */
export interface EvidenceFile {
  /** A name for it, made of its kind. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** On what the replay's trust rests. */
export interface ReplayedCharter {
  /** SHA-256 of charter 0; absent before it was seen. */
  readonly sha256: Uint8Array | undefined
  /** False: nobody said which charter 0 is the right one, and the first one seen was trusted. */
  readonly pinned: boolean
  /** Number of the newest charter; absent before the first. */
  readonly newest: bigint | undefined
  /** What the newest charter calls its zones, in its order; none before the first. */
  readonly zones: readonly { readonly zone: string; readonly nameZh: string }[]
}

export interface ReplayedHead {
  readonly size: bigint
  readonly note: Uint8Array
}

export interface ReplayedCosigned extends ReplayedHead {
  /** The q-th newest cosignature, milliseconds since 1970. */
  readonly quorumTimeMs: number
}

export interface ReplayedLog {
  readonly zone: string
  readonly origin: string
  readonly size: bigint
  readonly root: Uint8Array
}

export interface ReplayCounts {
  /** Leaves of H. */
  readonly leaves: bigint
  /** Events of zones, informative ones too. */
  readonly events: bigint
  /** Bytes of leaves, salts, payloads and charters. */
  readonly bytes: bigint
  /** Signed heads held against the replay: of the hub, and in zones' heartbeats. */
  readonly heads: bigint
  /** Payloads that are not here. */
  readonly missingPayloads: bigint
  /** Payloads that do not open their commitments. */
  readonly mismatchedPayloads: bigint
}

/** The state digest (formats F15) of the replay. */
export interface ReplayedDigest {
  readonly position: bigint
  readonly root: Uint8Array
  readonly rows: bigint
  readonly digest: Uint8Array
}

/** One side's bytes for one thing. */
export interface Exhibit {
  /** What the bytes are, for example `record`, `head`, `root at size 7`. */
  readonly what: string
  readonly bytes: Uint8Array
}

/** Something the hub says that no honest hub admits. */
export interface Contradiction {
  /** What `followEntry` of `verify` refuses with, or one of `HubContradictionCode`. */
  readonly code: string
  readonly reason: string
  /** The H index at which the replay stopped. */
  readonly position: bigint
  /** As the hub served or signed it. */
  readonly hub: readonly Exhibit[]
  /** As the replay holds against it. */
  readonly own: readonly Exhibit[]
  /**
   * A hub-signed head over the H leaf at `position`: with it that leaf is the hub's own word. What stands behind the leaf (entries,
   * a charter's bytes) is only what was served. Absent where none was found.
   */
  readonly coveringHead: Uint8Array | undefined
}

/**
 * What the hub's heads can be refused for, besides what `followEntry` answers. RECORD_UNREADABLE: a record is none. HEAD_SIGNATURE: a
 * head is not signed as the charter asks. HEAD_ROOT: a signed head names another root than the leaves have. HEAD_NOT_REACHED: the hub
 * has signed a size that it does not serve. HEAD_BEHIND: it serves leaves that no head covers. COSIGNED_SIGNATURE: what is called
 * cosigned has no quorum.
 */
export type HubContradictionCode =
  | 'RECORD_UNREADABLE'
  | 'HEAD_SIGNATURE'
  | 'HEAD_ROOT'
  | 'HEAD_NOT_REACHED'
  | 'HEAD_BEHIND'
  | 'COSIGNED_SIGNATURE'

/** What comparing with one verifier came to. */
export type VerifierFinding =
  | { readonly kind: 'agrees'; readonly zone: string; readonly position: bigint }
  /**
   * It could not be compared. NOT_REACHED: no answer. NOTHING_APPLIED: it holds nothing yet. PAYLOAD_MISSING: one side has not
   * read what the other has. STATE_AHEAD: the saved state of the replay is beyond what it has applied. STOPPED: the replay ended before. Else its own refusal.
   */
  | { readonly kind: 'not_compared'; readonly zone: string; readonly code: string; readonly reason: string }
  /** It follows another H: at this position its root is another one. */
  | {
      readonly kind: 'root_differs'
      readonly zone: string
      readonly position: bigint
      readonly own: Uint8Array
      readonly verifier: Uint8Array
    }
  /** Same H, another state: the first row that differs. */
  | {
      readonly kind: 'row_differs'
      readonly zone: string
      readonly position: bigint
      readonly difference: RowDifference
    }
  /** Its answers do not fit each other, or its copy is damaged outside of any row: no row can be named. */
  | {
      readonly kind: 'inconsistent'
      readonly zone: string
      readonly position: bigint
      readonly reason: string
      readonly own: readonly Exhibit[]
      readonly verifier: readonly Exhibit[]
    }

/**
 * The first row that differs. `missing`: the verifier does not have it at its place. `superfluous`: it has one that the replay has not.
 * `altered`: both have it, and it says something else. `misplaced`: its rows do not ascend there.
 */
export interface RowDifference {
  readonly kind: 'missing' | 'superfluous' | 'altered' | 'misplaced'
  /** Its index among the rows, from 0. */
  readonly index: bigint
  /** The zone in whose log the subject stands. */
  readonly zone: string
  /** Lower-case hex of the subject. */
  readonly subject: string
  /** The events of the row on which the two sides do not agree; empty where only the folded state differs. */
  readonly events: readonly EventDifference[]
  /** Number of rows on each side. */
  readonly ownRows: bigint
  readonly verifierRows: bigint
  /** The row as the replay has it; absent where it has none. */
  readonly own: Uint8Array | undefined
  /** As the verifier has it; absent where it has none. */
  readonly verifier: Uint8Array | undefined
}

/** An event on which two rows do not agree, by its place in H. */
export interface EventDifference {
  /** `<origin>/<index>`; absent where the replay knows no such event. */
  readonly eventId: string | undefined
  readonly position: bigint
  readonly place: number
  /** Absent where a side does not have it. */
  readonly own: RowEvent | undefined
  readonly verifier: RowEvent | undefined
}

export interface RowEvent {
  readonly leafHash: Uint8Array
  /** STANDS, or why it does not; of a verifier also DOCUMENT_DAMAGED, under a hash of zeros: it keeps the event and cannot read it. */
  readonly verdict: string
}

/** A payload that cannot be read here. */
export interface PayloadFinding {
  readonly kind: 'missing' | 'mismatch'
  /** `<origin>/<index>`. */
  readonly eventId: string
  readonly position: bigint
  /** The hub says that it was redacted. */
  readonly saidRedacted: boolean
}

/** A report names so many payloads; the counts tell how many there are. */
export const maxNamedPayloads = 256

/**
 * A report for `--json` and for an evidence file: bytes are base64, H positions, sizes and counts decimal strings, times ISO 8601 in UTC
 * under their name without `Ms`; what is absent is left out.
 */
export function reportToJson(report: ReplayReport): JsonObject {
  return objectToJson(report)
}

function objectToJson(object: object): JsonObject {
  const json: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue
    if (name.endsWith('Ms')) json[name.slice(0, -2)] = new Date(value).toISOString()
    else json[name] = valueToJson(value)
  }
  return json
}

function valueToJson(value: unknown): JsonValue {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(valueToJson)
  if (typeof value === 'object' && value !== null) return objectToJson(value)
  return value as string | number | boolean
}
