import { isDigitsBetween } from './alphanumeric.ts'
import { isCreditCode } from './credit-code.ts'
import type { Holder } from './event.ts'
import { isResidentIdentity } from './resident-identity.ts'
import { refusal } from './sentence.ts'
import { checkText } from './text.ts'
import type { Refusal } from './verdict.ts'

const NAME = { shortest: 1, longest: 200 } as const
const CODE = { shortest: 1, longest: 64 } as const
const CREDIT_CODE_TYPE = '001'
const RESIDENT_IDENTITY_TYPE = '111'

/**
 * Why a holder cannot stand in an event. A number of type 001 (credit code) or 111 (resident identity) must pass its
 * check; of the other types only length and characters are known. `path` is the holder's in the event.
 */
export function checkHolder({ name, code, codeType }: Holder, path: string): Refusal | undefined {
  const field = `${path}.code`
  const malformed = checkText(name, NAME, `${path}.name`, 'name') ?? checkText(code, CODE, field)
  if (malformed !== undefined) return malformed
  if (codeType.length !== 3 || !isDigitsBetween(codeType, 0, 3)) {
    return refusal('HOLDER_CODE_TYPE', { field: `${path}.code_type`, expected: 'three digits' })
  }
  if (codeType === CREDIT_CODE_TYPE && !isCreditCode(code)) {
    return refusal('HOLDER_CREDIT_CODE', { field, expected: 'a unified social credit code (GB 32100)' })
  }
  if (codeType === RESIDENT_IDENTITY_TYPE && !isResidentIdentity(code)) {
    return refusal('HOLDER_CREDIT_CODE', { field, expected: 'a resident identity number (GB 11643)' })
  }
  return code.includes(' ') ? refusal('HOLDER_CODE', { field, expected: 'no blanks' }) : undefined
}

/**
 * Whether the number somebody presents is the holder's. Letters of the two checked types may be typed small, their
 * codes have none; every other type is compared character for character.
 */
export function holderMatches(holder: Holder, presented: string): boolean {
  const raised = holder.codeType === CREDIT_CODE_TYPE || holder.codeType === RESIDENT_IDENTITY_TYPE
  return holder.code !== '' && (raised ? presented.toUpperCase() : presented) === holder.code
}
