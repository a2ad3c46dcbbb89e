import { Metadata, status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REFUSAL_FIELD_LENGTH, REFUSAL_SENTENCE_LENGTH, type Refusal, refusalFromError, refuse } from './refusal.ts'

const expired: Refusal = {
  code: 'LICENCE_EXPIRED',
  field: 'event.valid_to',
  zh: '证照已过期。',
  en: 'the licence has expired',
  grpc: status.FAILED_PRECONDITION,
}

// Written by `buf convert` from JSON, with google/rpc/status.proto and google/rpc/error_details.proto.
const expiredBytes =
  'CAkSKExJQ0VOQ0VfRVhQSVJFRDogdGhlIGxpY2VuY2UgaGFzIGV4cGlyZWQaXgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIyCg9MSUNFTkNFX0VYUElSRUQSBmh1dG9uZxoXCgVmaWVsZBIOZXZlbnQudmFsaWRfdG8aTgovdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkxvY2FsaXplZE1lc3NhZ2USGwoFemgtQ04SEuivgeeFp+W3sui/h+acn+OAghpQCi90eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuTG9jYWxpemVkTWVzc2FnZRIdCgJlbhIXdGhlIGxpY2VuY2UgaGFzIGV4cGlyZWQ='
const foreignDomainBytes =
  'CAkSAXgaQQovdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkxvY2FsaXplZE1lc3NhZ2USDgoCZW4SCG5vdCBvdXJzGmMKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5FcnJvckluZm8SNwoMQVBJX0RJU0FCTEVEEg5nb29nbGVhcGlzLmNvbRoXCgVmaWVsZBIOZXZlbnQudmFsaWRfdG8='

const detailsOf = (refusal: Refusal) => refuse(refusal).metadata.get('grpc-status-details-bin')[0] as Buffer

function received(bytes: Uint8Array | undefined, code: number = status.FAILED_PRECONDITION): Error {
  const metadata = new Metadata()
  if (bytes !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(bytes))
  return Object.assign(new Error('received'), { code, details: 'received', metadata })
}

describe('a refusal on the wire', () => {
  it('is written as google.rpc.Status, byte for byte as protobuf writes it', () => {
    expect(detailsOf(expired).toString('base64')).toBe(expiredBytes)
  })

  it('is read from what protobuf wrote', () => {
    expect(refusalFromError(received(Buffer.from(expiredBytes, 'base64')))).toEqual(expired)
  })

  it('comes back as it went, as far as the bounds allow', () => {
    const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength })
    const refusals = fc.record(
      {
        code: fc.constantFrom('NOT_AUTHORISED', 'A1', 'LICENCE_EXPIRED'),
        field: text(REFUSAL_FIELD_LENGTH / 2),
        expected: text(REFUSAL_FIELD_LENGTH / 2),
        zh: text(REFUSAL_SENTENCE_LENGTH / 2),
        en: text(REFUSAL_SENTENCE_LENGTH / 2),
        grpc: fc.integer({ min: 1, max: 16 }),
      },
      { requiredKeys: ['code', 'zh', 'en', 'grpc'] },
    )
    fc.assert(
      fc.property(refusals, (refusal) => {
        expect(refusalFromError(refuse(refusal as Refusal))).toEqual(refusal)
      }),
    )
  })

  it('never carries text that grpc-js cannot put into a trailer', () => {
    const odd = { ...expired, field: '\ud800', en: '\udfff'.repeat(2_000) }
    expect(() => encodeURI(refuse(odd).details)).not.toThrow()
    expect(refusalFromError(refuse(odd))?.en).toHaveLength(REFUSAL_SENTENCE_LENGTH)
  })

  it.each([
    ['nothing', undefined],
    ['no bytes', Buffer.alloc(0)],
    ['bytes that are no protobuf', Buffer.from('ffffffffff', 'hex')],
    ['a length beyond the end', Buffer.from('1aff01', 'hex')],
    ['half of a refusal', Buffer.from(expiredBytes, 'base64').subarray(0, 70)],
    ['the reason of another domain', Buffer.from(foreignDomainBytes, 'base64')],
    ['more details than anybody sends', Buffer.from('1a00'.repeat(100), 'hex')],
  ])('reads no refusal from %s', (_what, bytes) => {
    expect(refusalFromError(received(bytes))).toBeUndefined()
  })

  it('reads no refusal from errors that are not of gRPC', () => {
    for (const error of [
      undefined,
      null,
      'x',
      new Error('x'),
      { code: 5 },
      Object.assign(new Error('x'), { code: 'ENOENT' }),
    ])
      expect(refusalFromError(error)).toBeUndefined()
  })

  it('does not fail on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => refusalFromError(received(bytes))).not.toThrow()
      }),
    )
  })

  it.each(['lower_case', 'WITH SPACE', '', 'X', '1DIGIT'])('cannot be made with the code "%s"', (code) => {
    expect(() => refuse({ ...expired, code })).toThrow(TypeError)
  })

  it('cannot be made with status OK', () => {
    expect(() => refuse({ ...expired, grpc: status.OK })).toThrow(TypeError)
  })
})
