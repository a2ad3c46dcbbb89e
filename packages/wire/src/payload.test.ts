import type { Event, LicenceIssued } from '@hutong/licence'
import { Payload as WirePayload } from '@hutong/proto/payload'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { payloadArbitrary } from './arbitraries.ts'
import { decodePayload, encodePayload, largestPayloadBytes, type Payload } from './payload.ts'
import { delimited, number, tag } from './wire-bytes.ts'

const secret = Uint8Array.from({ length: 16 }, (_, at) => at)
const revoked: Payload = {
  origin: 'jjj.hutong.example/z/tianjin/1',
  subjectSecret: secret,
  previousEpoch: { origin: 'jjj.hutong.example/z/tianjin/0', index: 9n },
  event: {
    kind: 'licence_revoked',
    identifier: '1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U',
    authority: '11430000006122244L',
    manner: 'penalty',
    reason: '吊销',
    decidedOn: '2026-11-24',
  },
}

// Made by `buf convert --type hutong.v1.Payload` from JSON.
const golden =
  '0a1e6a6a6a2e6875746f6e672e6578616d706c652f7a2f7469616e6a696e2f311210000102030405060708090a0b0c0d0e0f1a220a1e6a6a6a2e6875746f6e672e6578616d706c652f7a2f7469616e6a696e2f3010092278aa01750a49312e322e3135362e333030352e322e3131313030303030303030303133333338573031312e31313433303030303030363132323234344c2e32303233303030303430332e3030312e55121231313433303030303030363132323234344c18032206e5908ae994802a0a323032362d31312d3234'

// Version 001 and 002 of one licence, and what each event says of it; all made by `buf convert` like the one above.
const version001 = '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.001.E'
const version002 = '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.002.C'
const authority = '11110000000021135M'
const licence: LicenceIssued = {
  kind: 'licence_issued',
  identifier: version001,
  authority,
  authorityName: '',
  licenceType: '',
  name: '',
  number: '',
  issuedOn: '',
  holder: { name: '示范', code: '91370406L24894136J', codeType: '001' },
  validFrom: '',
  validUntil: '',
  extensions: [],
  files: [],
  demonstration: false,
}
const file = {
  sha256: new Uint8Array(32).fill(1),
  sm3: new Uint8Array(32).fill(2),
  sizeBytes: 4096n,
  mediaType: 'application/ofd',
}
const changes: readonly (readonly [Event, string])[] = [
  [
    {
      kind: 'licence_amended',
      licence: { ...licence, identifier: version002, demonstration: true },
      supersedes: version001,
      reason: '更名',
      decidedOn: '2026-03-01',
    },
    '0a1e6a6a6a2e6875746f6e672e6578616d706c652f7a2f7469616e6a696e2f311210000102030405060708090a0b0c0d0e0f22ea019201e6010a84010a49312e322e3135362e333030352e322e3131313030303030303030303133333338573031312e31313131303030303030303032313133354d2e32303235303030303030312e3030322e43121231313131303030303030303032313133354d42210a06e7a4bae88c83121239313337303430364c32343839343133364a1a0330303168011249312e322e3135362e333030352e322e3131313030303030303030303133333338573031312e31313131303030303030303032313133354d2e32303235303030303030312e3030312e451a06e69bb4e5908d220a323032362d30332d3031',
  ],
  [
    {
      kind: 'licence_renewed',
      identifier: version001,
      authority,
      validUntil: '2031-02-28',
      files: [file],
      reason: '延续',
      decidedOn: '2028-01-15',
    },
    '0a1e6a6a6a2e6875746f6e672e6578616d706c652f7a2f7469616e6a696e2f311210000102030405060708090a0b0c0d0e0f22dd01ca01d9010a49312e322e3135362e333030352e322e3131313030303030303030303133333338573031312e31313131303030303030303032313133354d2e32303235303030303030312e3030312e45121231313131303030303030303032313133354d1a0a323033312d30322d323822580a20010101010101010101010101010101010101010101010101010101010101010112200202020202020202020202020202020202020202020202020202020202020202188020220f6170706c69636174696f6e2f6f66642a06e5bbb6e7bbad320a323032382d30312d3135',
  ],
  [
    { kind: 'licence_corrected', licence: { ...licence, number: '7' }, reason: '笔误', decidedOn: '' },
    '0a1e6a6a6a2e6875746f6e672e6578616d706c652f7a2f7469616e6a696e2f311210000102030405060708090a0b0c0d0e0f229401d20190010a85010a49312e322e3135362e333030352e322e3131313030303030303030303133333338573031312e31313131303030303030303032313133354d2e32303235303030303030312e3030312e45121231313131303030303030303032313133354d32013742210a06e7a4bae88c83121239313337303430364c32343839343133364a1a033030311206e7ac94e8afaf',
  ],
]

/** A payload with these bytes put at one depth of it, behind what stands there. */
function written(added: Partial<Record<Depth, Uint8Array>> = {}, name: string | Uint8Array = '食品经营许可证'): Buffer {
  const at = (depth: Depth): Uint8Array => added[depth] ?? Buffer.alloc(0)
  const issued = delimited(
    17,
    delimited(1, 'A'),
    delimited(5, name),
    delimited(8, delimited(1, '王'), at('holder')),
    delimited(11, delimited(1, 'KZ'), at('extension')),
    delimited(12, number(3, 5), at('file')),
    at('licence'),
  )
  return Buffer.concat([
    delimited(1, 'o'),
    delimited(2, secret),
    delimited(3, delimited(1, 'old'), at('reference')),
    delimited(4, issued, at('event')),
    at('payload'),
  ])
}

const depths = ['payload', 'reference', 'event', 'licence', 'holder', 'extension', 'file'] as const
type Depth = (typeof depths)[number]

const event = (field: number, ...parts: Uint8Array[]): Buffer =>
  Buffer.concat([delimited(1, 'o'), delimited(2, secret), delimited(4, delimited(field, ...parts))])

describe('a payload', () => {
  it('is written as the contract has it', () => {
    expect(Buffer.from(encodePayload(revoked)).toString('hex')).toBe(golden)
  })

  it('is read from the bytes that another implementation wrote', () => {
    expect(decodePayload(Buffer.from(golden, 'hex'))).toEqual({ kind: 'payload', payload: revoked })
  })

  it.each(changes)('about a licence that changes is written and read as the contract has it: $kind', (event, bytes) => {
    const payload = { origin: revoked.origin, subjectSecret: secret, event }
    expect(Buffer.from(encodePayload(payload)).toString('hex')).toBe(bytes)
    expect(decodePayload(Buffer.from(bytes, 'hex'))).toEqual({ kind: 'payload', payload })
  })

  it.each([
    ['an amendment', 18, 1],
    ['a correction', 26, 1],
  ])('with something unknown in the licence of %s is not understood', (_, field, at) => {
    const whole = delimited(at, delimited(1, 'A'), delimited(8, delimited(1, '王'), number(999, 0)))
    expect(decodePayload(event(field, whole))).toMatchObject({
      kind: 'not_understood',
      why: expect.stringContaining('999'),
    })
    expect(decodePayload(event(field, whole, whole)).kind).toBe('unreadable')
  })

  it.each([
    ['an amendment without a licence', 18],
    ['a correction without a licence', 26],
  ])('that is %s is read, for the form check to refuse', (_, field) => {
    const reading = decodePayload(event(field))
    expect(reading).toMatchObject({ kind: 'payload', payload: { event: { licence: { identifier: '', files: [] } } } })
  })

  it('comes back as it went, whatever the event', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        expect(decodePayload(encodePayload(payload))).toEqual({ kind: 'payload', payload })
      }),
      { numRuns: 500 },
    )
  })

  it('keeps a byte order mark and a written replacement character', () => {
    const reading = decodePayload(written({}, '\ufeff名\ufffd'))
    expect(reading).toMatchObject({ payload: { event: { name: '\ufeff名\ufffd' } } })
  })

  describe.each(depths)('with something added in its %s', (depth) => {
    it('passes over a field from 1000 on', () => {
      expect(decodePayload(written({ [depth]: delimited(1000, 'x') }))).toEqual(decodePayload(written()))
      expect(decodePayload(written()).kind).toBe('payload')
    })

    it('is not understood for a field numbered 999', () => {
      expect(decodePayload(written({ [depth]: number(999, 0) }))).toMatchObject({
        kind: 'not_understood',
        why: expect.stringContaining('999'),
      })
    })

    it.each([
      ['tag 0', Buffer.from([0])],
      ['an end-group tag', tag(1000, 4)],
      ['a start-group tag', tag(1000, 3)],
      ['a length beyond its end', Buffer.concat([tag(1000, 2), Buffer.from([0x7f])])],
      ['a known field of the wrong wire type', tag(depth === 'event' ? 17 : 1, 5)],
    ])('is unreadable for %s', (_, bytes) => {
      expect(decodePayload(written({ [depth]: bytes })).kind).toBe('unreadable')
      expect(decodePayload(written({ [depth]: Buffer.concat([bytes, Buffer.alloc(20)]) })).kind).toBe('unreadable')
    })
  })

  it.each([
    ['an origin', 'payload', delimited(1, 'o')],
    ['an event', 'payload', delimited(4, delimited(17))],
    ['the same case', 'event', delimited(17, delimited(1, 'B'))],
    ['another case', 'event', delimited(21, number(3, 1))],
    ['an identifier', 'licence', delimited(1, 'B')],
    ['a holder', 'licence', delimited(8, delimited(1, '李'))],
    ['a holder name', 'holder', delimited(1, '李')],
  ] as const)('that says %s twice is unreadable', (_, depth, again) => {
    expect(decodePayload(written({ [depth]: again })).kind).toBe('unreadable')
  })

  it.each([
    ['a byte that begins nothing', Buffer.from([0x41, 0xff])],
    ['a character cut off', Buffer.from('津', 'utf8').subarray(0, 2)],
    ['an overlong slash', Buffer.from([0xc0, 0xaf])],
    ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
  ])('with %s in a text is unreadable', (_, name) => {
    expect(decodePayload(written({}, name))).toEqual({ kind: 'unreadable', why: 'text that is not UTF-8' })
  })

  it.each([
    ['no event at all', Buffer.concat([delimited(1, 'o'), delimited(2, secret)])],
    ['an event without a case', Buffer.concat([delimited(2, secret), delimited(4)])],
    ['a case nobody knows', event(22)],
    ['a manner nobody knows', event(21, number(3, 4))],
    ['a negative manner', event(21, number(3, -1))],
    ['no manner', event(21)],
    ['a mode nobody knows', event(56, number(6, 3))],
    ['a restatement about nothing', event(96, number(3, 1))],
  ])('with %s is not understood', (_, bytes) => {
    expect(decodePayload(bytes).kind).toBe('not_understood')
  })

  it.each([
    ['a secret of 15 bytes', Buffer.concat([delimited(2, secret.subarray(1)), delimited(4, delimited(19))])],
    ['no secret', delimited(4, delimited(19))],
    ['a secret and a heartbeat', event(144)],
    ['a time of 2^53', event(57, number(3, 2n ** 53n))],
    ['an end of 2^53', event(56, number(6, 1), number(8, 2n ** 53n))],
    ['a leaf index of 2^63', event(96, delimited(1, 'A'), number(3, 2n ** 63n))],
    ['a file size of 2^63', event(17, delimited(12, number(3, 2n ** 63n)))],
    ['a file size of 2^63 in an amendment', event(18, delimited(1, delimited(12, number(3, 2n ** 63n))))],
    ['a file size of 2^63 in a renewal', event(25, delimited(4, number(3, 2n ** 63n)))],
    ['a file size of 2^63 in a correction', event(26, delimited(1, delimited(12, number(3, 2n ** 63n))))],
    ['a truth value of 2', event(17, number(13, 2))],
    ['a version of 2^32', event(57, number(2, 2 ** 32))],
    ['a previous epoch of index 2^63', written({ reference: number(2, 2n ** 63n) })],
    ['no byte less than 48 KiB and one', written({ payload: delimited(1000, Buffer.alloc(largestPayloadBytes)) })],
  ])('with %s is unreadable', (_, bytes) => {
    expect(decodePayload(bytes).kind).toBe('unreadable')
  })

  it('of exactly 48 KiB is read', () => {
    const rest = largestPayloadBytes - written({ payload: delimited(1000, Buffer.alloc(40_000)) }).length
    const bytes = written({ payload: delimited(1000, Buffer.alloc(40_000 + rest)) })
    expect([bytes.length, decodePayload(bytes).kind]).toEqual([49_152, 'payload'])
  })

  it('is never another payload after one of its bytes is cut off', () => {
    const whole = Buffer.from(golden, 'hex')
    for (let length = 0; length < whole.length; length++) {
      expect(decodePayload(whole.subarray(0, length)).kind).not.toBe('payload')
    }
  })

  it('that is read at all is read like the generated decoder reads it', () => {
    fc.assert(
      fc.property(payloadArbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (payload, at, change) => {
        const bytes = Buffer.from(encodePayload(payload))
        bytes[at % bytes.length]! ^= change
        const reading = decodePayload(bytes)
        if (reading.kind !== 'payload') return
        const generated = WirePayload.decode(bytes)
        expect([generated.origin, Buffer.from(generated.subjectSecret)]).toEqual([
          reading.payload.origin,
          Buffer.from(reading.payload.subjectSecret),
        ])
        expect(generated.event?.event?.$case).toBe(camel(reading.payload.event.kind))
      }),
      { numRuns: 1000 },
    )
  })

  it('with a lone surrogate is not written', () => {
    const event = { ...revoked.event, reason: '\ud800' } as Payload['event']
    expect(() => encodePayload({ ...revoked, event })).toThrow(RangeError)
    expect(() => encodePayload({ ...revoked, origin: '\udc00' })).toThrow(RangeError)
  })

  it('with a secret of another length is not written', () => {
    expect(() => encodePayload({ ...revoked, subjectSecret: new Uint8Array(15) })).toThrow(RangeError)
    const event = { kind: 'observed', head: new Uint8Array() } as const
    expect(() => encodePayload({ origin: 'o', subjectSecret: secret, event })).toThrow(RangeError)
  })
})

function camel(kind: string): string {
  return kind.replace(/_./g, (letters) => letters[1]!.toUpperCase())
}
