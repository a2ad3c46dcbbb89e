import { type Refusal, refusal } from '@hutong/licence'
import type { ReadEvent, SubjectFold } from '@hutong/verify'
import { positionOf } from './documents.ts'
import { type Copy, readSubject } from './subjects.ts'

/** Most bytes of leaves, salts and payloads of one answer: with what stands around them it stays below a gRPC message of 2 MiB. */
const answerBytesMax: number = 1536 * 1024
/** Most events of one answer: what stands around each is below 400 bytes. */
const answerEventsMax = 1024

/** One event as it is kept. */
export interface LicenceEvent {
  readonly origin: string
  readonly index: bigint
  readonly position: bigint
  readonly place: number
  readonly leaf: Uint8Array
  /** Empty where the payload is not held or does not open the leaf's commitment. */
  readonly salt: Uint8Array
  readonly payload: Uint8Array
}

/**
 * All events under the leaf subject of a licence in its zone's log, as the copy has them, in the order of the log. None is ever left
 * out: where they do not fit into one answer they are refused, ANSWER_TOO_LARGE.
 */
export async function licenceEvents(
  copy: Copy,
  { zone, subject }: SubjectFold,
): Promise<readonly LicenceEvent[] | Refusal> {
  const events = (await readSubject(copy, zone, subject)).map(eventBytes)
  const bytes = events.reduce((sum, { leaf, salt, payload }) => sum + leaf.length + salt.length + payload.length, 0)
  const fits = events.length <= answerEventsMax && bytes <= answerBytesMax
  return fits ? events : refusal('ANSWER_TOO_LARGE', { field: 'identifier' })
}

function eventBytes({ kept, reading }: ReadEvent): LicenceEvent {
  const { origin, index, place, leaf } = kept
  const { salt, payload } = reading.kind === 'mismatch' ? { salt: nothing, payload: nothing } : kept
  return { origin, index, position: positionOf(kept), place, leaf, salt, payload }
}

const nothing = new Uint8Array(0)
