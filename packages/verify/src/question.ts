import type { AsOf, Check, IdentifierReading } from '@hutong/licence'
import type { SubjectFold } from './fold.ts'
import type { CosignedHead } from './head.ts'
import { type Trust, trustBelow } from './trust.ts'

/** What is asked at a counter. */
export interface Question {
  readonly identifier: Exclude<IdentifierReading, { kind: 'malformed' }>
  /** Matter code; empty for none. */
  readonly matter: string
  /** The zone that asks. */
  readonly receivingZone: string
  /** The presenter's number, where one was given. */
  readonly holderCode: string | undefined
  /** SHA-256 of a presented file, where one was. */
  readonly fileSha256: Uint8Array | undefined
  readonly policy: Policy
}

/** A receiving zone's own rules on top of the charter's: it can add required checks and shorten limits, never the other way. */
export interface Policy {
  readonly name: string
  readonly version: number
  readonly alsoRequired: readonly Check[]
  readonly freshMs: number | undefined
  readonly usableMs: number | undefined
}

/** The charter's rules alone. */
export const charterPolicy: Policy = {
  name: 'charter',
  version: 1,
  alsoRequired: [],
  freshMs: undefined,
  usableMs: undefined,
}

/** What is known at the position asked, and how it was asked. */
export type Knowledge = KnowledgeNow | KnowledgeAsOf

interface Known {
  /** The charters below the position, and no later one. */
  readonly trust: Trust
  /** How many leaves of H are looked at. */
  readonly position: bigint
  /** The clock the question is judged by, milliseconds since 1970. */
  readonly nowMs: number
  /** The hub's proven fault, where there is one: then LOG is unknown for every licence. */
  readonly hubFault: string | undefined
}

/** Asked about now: the news must be fresh enough. */
export interface KnowledgeNow extends Known {
  readonly kind: 'now'
  /** The newest head held that a quorum cosigned. */
  readonly cosigned: CosignedHead | undefined
  /**
   * Time of the newest leaf of a zone's own log that counts: under that head, and not doubtful. Undefined for none.
   */
  newestLeafMs(zone: string): number | undefined
}

/**
 * Asked as of a position that lies under a cosigned head. Which head that is, and who has cosigned it, differs from one copy to the
 * next: nothing of it is here, so that the findings are the same in all of them.
 */
export interface KnowledgeAsOf extends Known {
  readonly kind: 'as_of'
  readonly asOf: AsOf
  /** The hub's clock at the last leaf below the position, milliseconds since 1970. */
  readonly receivedAtMs: number
}

/** What is known as of a position; the later charters in `trust` are left out. @throws {RangeError} nothing is known before leaf 0. */
export function knowledgeAsOf(of: {
  readonly asOf: AsOf
  readonly position: bigint
  readonly receivedAtMs: number
  readonly trust: Trust
  readonly hubFault: string | undefined
}): KnowledgeAsOf {
  const { asOf, position, receivedAtMs, hubFault } = of
  const nowMs = asOf.kind === 'time' ? asOf.timeMs : receivedAtMs
  return { kind: 'as_of', asOf, trust: trustBelow(of.trust, position), position, nowMs, receivedAtMs, hubFault }
}

/** What was found about the licence and the declarations that could recognise it. */
export interface Dossier {
  /** The zone in whose log it was looked for: the issuing zone. */
  readonly issuingZone: string
  /** Undefined where that zone's log has no such subject. */
  readonly fold: SubjectFold | undefined
  /** All declarations of the receiving zone, folded; any order. */
  readonly declarations: readonly SubjectFold[]
}
