import type { AsOf } from '@hutong/licence'
import type { AsOf as AsOfMessage } from '@hutong/proto/verdict'
import { boundedTime, isTime, largestIndex } from './bounds.ts'

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
