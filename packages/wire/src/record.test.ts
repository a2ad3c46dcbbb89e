import { Batch as WireBatch } from '@hutong/proto/batch'
import { LoggedRecord as WireLoggedRecord } from '@hutong/proto/hub'
import { AppendRequest } from '@hutong/proto/log_service'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recordArbitrary } from './arbitraries.ts'
import { type Batch, batchFromWire, batchToWire, decodeBatch, encodeBatch } from './batch.ts'
import { decodeRecord, encodeRecord, recordFromWire, recordToWire } from './record.ts'
import { delimited, number } from './wire-bytes.ts'

describe('a record', () => {
  it('comes back as it went, as bytes and through a generated decoder', () => {
    fc.assert(
      fc.property(recordArbitrary, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual({ kind: 'record', record })
        const wire = WireLoggedRecord.decode(WireLoggedRecord.encode(recordToWire(record)).finish())
        expect(recordFromWire(wire)).toEqual({ kind: 'record', record })
      }),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a record nobody knows', delimited(4, 'x')],
    ['a field numbered 999 in an entry', delimited(1, delimited(3, number(999, 1)))],
    ['a head and an entry', Buffer.concat([delimited(2), delimited(1)])],
    ['an index of 2^63', delimited(1, number(1, 2n ** 63n))],
    ['a place of 2^32', delimited(1, delimited(5, Buffer.from('8080808010', 'hex')))],
    ['a head of tag 0', delimited(2, Buffer.from([0]))],
  ])('with %s is unreadable', (_, bytes) => {
    expect(decodeRecord(bytes).kind).toBe('unreadable')
  })

  it('with an unknown field below 1000 is unreadable through a generated decoder too', () => {
    const wire = WireLoggedRecord.decode(delimited(1, delimited(3, number(999, 1))))
    expect(recordFromWire(wire).kind).toBe('unreadable')
  })
})

describe('a batch', () => {
  const batch: Batch = {
    origin: 'jjj.hutong.example/z/tianjin/1',
    firstIndex: 2n ** 40n,
    entries: [
      { leaf: Uint8Array.of(1, 2), salt: new Uint8Array(32), payload: Uint8Array.of(3), payloadEncoding: 0 },
      { leaf: Uint8Array.of(4), salt: new Uint8Array(), payload: new Uint8Array(), payloadEncoding: 1 },
    ],
    checkpoint: Uint8Array.of(5),
  }

  it('comes back as it went, as bytes and inside a request', () => {
    expect(decodeBatch(encodeBatch(batch))).toEqual({ kind: 'batch', batch })
    const request = AppendRequest.decode(AppendRequest.encode({ batch: batchToWire(batch) }).finish())
    expect(batchFromWire(request.batch!)).toEqual({ kind: 'batch', batch })
  })

  it.each([
    ['an index of 2^63', number(2, 2n ** 63n)],
    ['a field numbered 999 in an entry', delimited(3, number(999, 1))],
  ])('with %s is none', (_, bytes) => {
    expect(decodeBatch(bytes).kind).toBe('unreadable')
    expect(batchFromWire(WireBatch.decode(bytes)).kind).toBe('unreadable')
  })
})
