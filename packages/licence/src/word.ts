import { type Check, type CheckResult, checks, type Word } from './verdict.ts'

/** A verdict's word, and the check by which it fell; undefined for VALID and where nothing was asked at all. */
export interface DecidedWord {
  readonly word: Word
  readonly decidedBy: Check | undefined
}

const ALWAYS_REQUIRED = ['INTEGRITY', 'SIGNATURE', 'AUTHORITY', 'STATUS', 'LOG', 'RECOGNITION'] as const
const INVALIDATING: readonly Check[] = ['INTEGRITY', 'SIGNATURE', 'AUTHORITY', 'SEAL', 'STATUS', 'HOLDER']

/**
 * The word of a verdict, in this order: 1 a failed INTEGRITY, SIGNATURE, AUTHORITY, SEAL, STATUS or HOLDER is INVALID,
 * required or not; 2 a failed RECOGNITION is NOT_RECOGNISED; 3 a required check that did not pass, or that nobody
 * brought, is UNDETERMINED; 4 VALID. Having required nothing is no reason for trust: UNDETERMINED. Of two findings of
 * one check the worse counts.
 */
export function wordOf(
  findings: readonly { readonly check: Check; readonly result: CheckResult }[],
  required: ReadonlySet<Check>,
): DecidedWord {
  const failed = (check: Check) => findings.some((finding) => finding.check === check && finding.result === 'failed')
  const passed = (check: Check) => {
    const ofCheck = findings.filter((finding) => finding.check === check)
    return ofCheck.length > 0 && ofCheck.every(({ result }) => result === 'passed')
  }
  const invalidating = INVALIDATING.find(failed)
  if (invalidating !== undefined) return { word: 'INVALID', decidedBy: invalidating }
  if (failed('RECOGNITION')) return { word: 'NOT_RECOGNISED', decidedBy: 'RECOGNITION' }
  const missing = checks.find((check) => required.has(check) && !passed(check))
  if (missing !== undefined || required.size === 0) return { word: 'UNDETERMINED', decidedBy: missing }
  return { word: 'VALID', decidedBy: undefined }
}

/** The checks a question requires: six always, HOLDER with a number, SEAL with a file, and what a policy adds. */
export function requiredChecks(question: {
  readonly holderGiven: boolean
  readonly fileGiven: boolean
  readonly policyAdds: Iterable<Check>
}): ReadonlySet<Check> {
  const required = new Set<Check>([...ALWAYS_REQUIRED, ...question.policyAdds])
  if (question.holderGiven) required.add('HOLDER')
  if (question.fileGiven) required.add('SEAL')
  return required
}
