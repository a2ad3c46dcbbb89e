import { Event as WireEvent } from '@hutong/proto/payload'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventArbitrary } from './arbitraries.ts'
import { eventFromWire, eventToWire } from './event.ts'
import { delimited, number, tag } from './wire-bytes.ts'

describe('an event', () => {
  it('comes back as it went through a generated decoder', () => {
    fc.assert(
      fc.property(eventArbitrary, (event) => {
        const read = WireEvent.decode(WireEvent.encode(eventToWire(event)).finish())
        expect(eventFromWire(read)).toEqual({ kind: 'event', event })
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['an unknown field below 1000', delimited(17, delimited(8, number(999, 1)))],
    ['a known field of the wrong wire type', delimited(17, delimited(12, tag(3, 5), Buffer.alloc(4)))],
    ['a case nobody knows', delimited(22)],
    ['no case', Buffer.alloc(0)],
    ['a manner nobody knows', delimited(21, number(3, 9))],
  ])('with %s is not understood', (_, bytes) => {
    expect(eventFromWire(WireEvent.decode(bytes)).kind).toBe('not_understood')
  })

  it('with an unknown field from 1000 on is understood', () => {
    const bytes = delimited(19, delimited(1, 'A'), delimited(1000, 'x'))
    expect(eventFromWire(WireEvent.decode(bytes))).toMatchObject({ kind: 'event', event: { identifier: 'A' } })
  })

  it('with a time beyond 2^53 - 1 is unreadable', () => {
    expect(eventFromWire(WireEvent.decode(delimited(57, number(3, 2n ** 60n)))).kind).toBe('unreadable')
  })

  it('whose numbers would be read back as others is not written', () => {
    const withdrawn = { kind: 'recognition_withdrawn', declarationId: 'd', version: 1, reason: '' } as const
    const restated = {
      kind: 'restated',
      about: { kind: 'licence', identifier: 'A' },
      leafHash: new Uint8Array(32),
    } as const
    expect(() => eventToWire({ ...withdrawn, effectiveFromMs: 0 })).toThrow(RangeError)
    expect(() => eventToWire({ ...withdrawn, effectiveFromMs: 1.5 })).toThrow(RangeError)
    expect(() => eventToWire({ ...restated, index: 2n ** 63n })).toThrow(RangeError)
  })
})
