import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePayloadBundle, type ExportedPayload, encodePayloadBundle } from './export-payload-bundle.ts'

const name = { origin: 'a.example/z/beijing/1', firstIndex: 512n, width: 4 }
const salt = Buffer.alloc(32, 0x5a)
const payloads: readonly ExportedPayload[] = [
  { kind: 'absent' },
  { kind: 'given', salt, payload: Buffer.from('abc') },
  { kind: 'redacted' },
  { kind: 'given', salt, payload: Buffer.alloc(300, 0x21) },
]

describe('a bundle of payloads', () => {
  it('is the bytes that the format says', () => {
    const header = Buffer.from('hutong/payloads/v1\na.example/z/beijing/1\n512 4\n').toString('hex')
    const content = `${header}00${`01${'5a'.repeat(32)}0003616263`}02${`01${'5a'.repeat(32)}012c${'21'.repeat(300)}`}`
    const digest = createHash('sha256').update(Buffer.from(content, 'hex')).digest('hex')
    expect(Buffer.from(encodePayloadBundle(name, payloads)).toString('hex')).toBe(content + digest)
  })

  it('says what was written', () => {
    const payload = fc.oneof(
      fc.constantFrom<ExportedPayload>({ kind: 'absent' }, { kind: 'redacted' }),
      fc
        .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 1, maxLength: 600 }))
        .map(([saltOf, bytes]): ExportedPayload => ({ kind: 'given', salt: saltOf, payload: bytes })),
    )
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 256 }), (written) => {
        const named = { ...name, width: written.length }
        const reading = decodePayloadBundle(encodePayloadBundle(named, written), named)
        expect(reading.fault).toBeUndefined()
        expect(reading.payloads.map(plain)).toEqual(written.map(plain))
      }),
      { numRuns: 50 },
    )
  })

  it.each<[string, Partial<typeof name>]>([
    ['of another log', { origin: 'a.example/z/tianjin/1' }],
    ['of other leaves', { firstIndex: 768n }],
    ['of fewer leaves', { width: 3 }],
    ['of more leaves', { width: 5 }],
  ])('is none %s', (_, other) => {
    const { fault } = decodePayloadBundle(encodePayloadBundle(name, payloads), { ...name, ...other })
    expect(fault?.isMalformed).toBe(true)
  })

  it('is none with any byte altered, cut off or added', () => {
    const bytes = encodePayloadBundle(name, payloads)
    for (let at = 0; at < bytes.length; at++) {
      const altered = Uint8Array.from(bytes)
      altered[at]! ^= 2
      expect([at, decodePayloadBundle(altered, name).fault]).not.toEqual([at, undefined])
      expect([at, decodePayloadBundle(bytes.subarray(0, at), name).fault]).not.toEqual([at, undefined])
    }
    expect(decodePayloadBundle(Buffer.concat([bytes, Uint8Array.of(0)]), name).fault).toBeDefined()
  })

  it('is not written of what no leaf commits to', () => {
    for (const wrong of [
      { kind: 'given', salt: salt.subarray(1), payload: Buffer.from('abc') },
      { kind: 'given', salt, payload: new Uint8Array(0) },
      { kind: 'given', salt, payload: new Uint8Array(65_536) },
    ] as const) {
      expect(() => encodePayloadBundle({ ...name, width: 1 }, [wrong])).toThrow(RangeError)
    }
    expect(() => encodePayloadBundle(name, payloads.slice(1))).toThrow(RangeError)
  })
})

function plain(payload: ExportedPayload): object {
  if (payload.kind !== 'given') return payload
  return { salt: Buffer.from(payload.salt).toString('hex'), payload: Buffer.from(payload.payload).toString('hex') }
}
