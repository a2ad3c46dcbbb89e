import type { Contact } from './charter.ts'
import type { LicenceIssued, RecognitionMode } from './event.ts'

/** 有效, 无效, 不受理, 无法判定. */
export type Word = 'VALID' | 'INVALID' | 'NOT_RECOGNISED' | 'UNDETERMINED'

/** The eight checks in the order in which they are shown. */
export const checks = ['INTEGRITY', 'SIGNATURE', 'AUTHORITY', 'SEAL', 'STATUS', 'LOG', 'RECOGNITION', 'HOLDER'] as const
export type Check = (typeof checks)[number]

export type CheckResult = 'passed' | 'failed' | 'unknown' | 'skipped'

/** What one check found. `code` is stable for ever; the sentences come from the catalogue. */
export interface Finding {
  readonly check: Check
  readonly result: CheckResult
  readonly code: string
  readonly zh: string
  readonly en: string
  readonly evidence: readonly { readonly name: string; readonly value: string }[]
  /** Never empty for failed and unknown. */
  readonly nextStepZh: string
  readonly nextStepEn: string
  readonly contact: Contact | undefined
  readonly required: boolean
}

/**
 * Up to when a question is asked (domain, "As of"): the first so many leaves of H, judged by the hub's clock at the last of them; or all
 * that the hub had received by a time, milliseconds since 1970, judged by that time.
 */
export type AsOf =
  | { readonly kind: 'position'; readonly position: bigint }
  | { readonly kind: 'time'; readonly timeMs: number }

/** The part of a verdict that is fixed by position, clock and question: the same in every zone. */
export interface Findings {
  readonly word: Word
  readonly code: string
  readonly headlineZh: string
  readonly headlineEn: string
  readonly identifier: string
  readonly matter: string
  readonly receivingZone: string
  readonly issuingZone: string
  readonly findings: readonly Finding[]
  /** How many leaves of H were looked at. */
  readonly position: bigint
  /** 0 for none. */
  readonly dataTimeMs: number
  readonly ageMs: number | undefined
  readonly policyName: string
  readonly policyVersion: number
  readonly mode: RecognitionMode | undefined
  readonly declarationEvent: string
  readonly declaration: string
  readonly licence: LicenceIssued | undefined
  readonly lastEvent: string
  readonly successor: string
  /** As asked; undefined where it was about now. */
  readonly asOf: AsOf | undefined
}

/** A verdict: findings, and outside them what differs from one asking to the next. */
export interface Verdict {
  readonly findings: Findings
  readonly checkedAtMs: number
  /** `<zone>-<running number>`, given by the counter; empty before. */
  readonly receiptNumber: string
}

/** An outsider's mistake, told as a value. */
export interface Refusal {
  /** UPPER_SNAKE, stable for ever. */
  readonly code: string
  /** Path of the field; empty where no one field is at fault. */
  readonly field: string
  readonly expected: string
  readonly zh: string
  readonly en: string
}
