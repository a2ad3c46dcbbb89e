/**
 * What the judgement answers to bytes it does not take: a closed code for programs, a reason for people. The same shape as the answers
 * of `merkle`, so that those pass through unchanged.
 */
export interface Refused {
  readonly kind: 'refused'
  readonly code: string
  readonly reason: string
}

export function refused(code: string, reason: string): Refused {
  return { kind: 'refused', code, reason }
}
