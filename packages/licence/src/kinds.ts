import type { EventKind } from './event.ts'

/** The number of each kind in a leaf (F5); a payload's field number is 16 more. Never given to another kind. */
export const kindNumber: Readonly<Record<EventKind, number>> = {
  licence_issued: 1,
  licence_amended: 2,
  licence_suspended: 3,
  licence_resumed: 4,
  licence_revoked: 5,
  // 6, 7 and 8 are kept for transfers.
  licence_renewed: 9,
  licence_corrected: 10,
  recognition_declared: 40,
  recognition_withdrawn: 41,
  restated: 80,
  observed: 128,
}

/** From here on kinds are informative. */
const FIRST_INFORMATIVE = 128

/** Whether a kind never touches a state and never blocks, known to this version or not. */
export function isInformative(kind: number): boolean {
  return kind >= FIRST_INFORMATIVE
}
