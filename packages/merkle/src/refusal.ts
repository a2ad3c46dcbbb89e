/**
 * What a reader of foreign bytes can answer instead of a value, by the reaction it leaves to the caller:
 * - `MALFORMED`: the bytes are not of the format; nothing in them is to be believed.
 * - `SIGNATURE_INVALID`: a known key's line does not verify, so the whole note falls.
 * - `NO_KNOWN_SIGNATURE`: no line is by a key the caller knows.
 * - `LOG_UNKNOWN`: no listed log signed the checkpoint under its own origin.
 * - `QUORUM_MISSED`: the log signed, too few witnesses did.
 * - `NOT_INCLUDED`: the path does not lead from the leaf to the signed root.
 */
export type RefusalCode =
  | 'MALFORMED'
  | 'SIGNATURE_INVALID'
  | 'NO_KNOWN_SIGNATURE'
  | 'LOG_UNKNOWN'
  | 'QUORUM_MISSED'
  | 'NOT_INCLUDED'

/** The answer of every parser and verifier of this package to bytes it does not take. `reason` is for people, `code` for programs. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly reason: string
}

export function refused(code: RefusalCode, reason: string): Refusal {
  return { kind: 'refused', code, reason }
}
