import type { Event } from '@hutong/licence'
import { Payload as WirePayload } from '@hutong/proto/payload'
import { largestIndex } from './bounds.ts'
import { asBuffer } from './bytes.ts'
import { eventFromMessage, eventToWire } from './event.ts'
import { assertTexts } from './generated-message.ts'
import { payloadRule } from './rules.ts'
import { smallMessageBytes } from './small-message.ts'
import { readStrictly } from './strict-reader.ts'

/** A payload is never longer, in bytes. */
export const largestPayloadBytes = 49_152

/** Length of a subject secret, in bytes. */
export const subjectSecretBytes = 16

/** One event of one log. */
export interface EventReference {
  readonly origin: string
  readonly index: bigint
}

/** What a leaf's commitment opens to (formats F6). */
export interface Payload {
  /** Origin of the log the event stands in. */
  readonly origin: string
  /** 16 bytes; none for observed. */
  readonly subjectSecret: Uint8Array
  /** Only in the first event about a subject in a new epoch: the last one before. */
  readonly previousEpoch?: EventReference
  readonly event: Event
}

/** What the bytes of a payload come to. Neither of the last two may be taken for an event that changes nothing. */
export type PayloadReading =
  | { readonly kind: 'payload'; readonly payload: Payload }
  /** It says more than this reader knows: an unknown field below 1000 at any depth, an enum value, a case, or none. */
  | { readonly kind: 'not_understood'; readonly why: string }
  /** No payload: not protobuf, readable in two ways, not UTF-8, too long, a bound broken. */
  | { readonly kind: 'unreadable'; readonly why: string }

/** Reads a payload strictly. Bytes fields are views of `bytes`. Never throws. */
export function decodePayload(bytes: Uint8Array): PayloadReading {
  if (bytes.length > largestPayloadBytes) return { kind: 'unreadable', why: 'a payload of more than 48 KiB' }
  const reading = readStrictly(payloadRule, bytes)
  if (reading.kind === 'unreadable') return reading
  if (reading.unknown !== undefined) return { kind: 'not_understood', why: reading.unknown }
  const { origin, subjectSecret, previousEpoch, event: message } = reading.message
  if (message === undefined) return { kind: 'not_understood', why: 'Payload: no event' }
  const read = eventFromMessage(message)
  if (read.kind !== 'event') return read
  if (subjectSecret.length !== secretBytesOf(read.event)) {
    return { kind: 'unreadable', why: `a subject secret of ${subjectSecret.length} bytes` }
  }
  if (previousEpoch === undefined) return { kind: 'payload', payload: { origin, subjectSecret, event: read.event } }
  if (previousEpoch.index > largestIndex) return { kind: 'unreadable', why: 'an index beyond 2^63 - 1' }
  const { origin: oldOrigin, index } = previousEpoch
  const payload = { origin, subjectSecret, previousEpoch: { origin: oldOrigin, index }, event: read.event }
  return { kind: 'payload', payload }
}

/**
 * The bytes of a payload: serialised once, committed to and kept as these bytes. They may be more than `largestPayloadBytes`
 * where an event is that large: the caller refuses such an event, and `decodePayload` does not read it.
 * @throws {RangeError} something in it would be read back as something else: a lone surrogate, a number out of range, a secret of another length.
 */
export function encodePayload(payload: Payload): Uint8Array {
  const { origin, subjectSecret, previousEpoch, event } = payload
  if (subjectSecret.length !== secretBytesOf(event)) throw new RangeError(`a secret of ${subjectSecret.length} bytes`)
  if (previousEpoch !== undefined && (previousEpoch.index < 0n || previousEpoch.index > largestIndex)) {
    throw new RangeError(`leaf index ${previousEpoch.index}`)
  }
  assertTexts([origin, previousEpoch?.origin])
  return smallMessageBytes(WirePayload, {
    origin,
    subjectSecret: asBuffer(subjectSecret),
    previousEpoch: previousEpoch === undefined ? undefined : { ...previousEpoch },
    event: eventToWire(event),
  })
}

function secretBytesOf(event: Event): number {
  return event.kind === 'observed' ? 0 : subjectSecretBytes
}
