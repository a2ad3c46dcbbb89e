import type { AsOf } from '@hutong/licence'
import type { AsOf as AsOfMessage } from '@hutong/proto/verdict'
import { boundedTime, isTime, largestIndex } from './bounds.ts'
import { momentFromIso } from './event-json.ts'

export type { AsOf as AsOfMessage } from '@hutong/proto/verdict'

/** What was asked up to; undefined where the message says neither of the two, or a number that is out of range. */
export function asOfFromWire({ asOf }: AsOfMessage): AsOf | undefined {
  if (asOf === undefined) return undefined
  switch (asOf.$case) {
    case 'position':
      return asOf.value > largestIndex ? undefined : { kind: 'position', position: asOf.value }
    case 'timeMs': {
      const timeMs = boundedTime(asOf.value)
      return timeMs === undefined ? undefined : { kind: 'time', timeMs }
    }
  }
}

/**
 * What was asked up to, as a request in JSON says it: `{ "position": 12 }` or `{ "time": "2026-03-01T00:00:00+08:00" }`, the form in which
 * verdicts show it. Undefined for anything else.
 */
export function asOfFromJson(json: unknown): AsOf | undefined {
  const { position, time } = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  if (position !== undefined && time !== undefined) return undefined
  if (typeof time === 'string') {
    const timeMs = momentFromIso(time)
    return timeMs === undefined || !isTime(timeMs) ? undefined : { kind: 'time', timeMs }
  }
  // Beyond 2^53 - 1 a position is written as a text.
  const isWhole =
    typeof position === 'string' ? /^(0|[1-9][0-9]{0,18})$/.test(position) : Number.isSafeInteger(position)
  if (!isWhole || Number(position) < 0) return undefined
  const value = BigInt(position as string | number)
  return value > largestIndex ? undefined : { kind: 'position', position: value }
}

/**
 * Up to when a question is asked, in wire form.
 * @throws {RangeError} a position or time out of range.
 */
export function asOfToWire(asOf: AsOf): AsOfMessage {
  switch (asOf.kind) {
    case 'position':
      if (asOf.position < 0n || asOf.position > largestIndex) throw new RangeError(`position ${asOf.position}`)
      return { asOf: { $case: 'position', value: asOf.position } }
    case 'time':
      if (!isTime(asOf.timeMs)) throw new RangeError(`time ${asOf.timeMs}`)
      return { asOf: { $case: 'timeMs', value: BigInt(asOf.timeMs) } }
  }
}
