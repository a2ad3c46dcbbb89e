import type { LicenceIssued } from '@hutong/licence'
import { DeclarationStateRecord, LicenceStateRecord } from '@hutong/proto/state'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { declarationStateArbitrary, licenceStateArbitrary } from './arbitraries.ts'
import { decodeDigestRow, digestRowBytes, type SubjectState, stateBytes } from './state.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const licence: LicenceIssued = {
  kind: 'licence_issued',
  identifier: 'A',
  authority: '',
  authorityName: '',
  licenceType: '',
  name: '',
  number: '',
  issuedOn: '',
  holder: { name: 'B', code: '', codeType: '' },
  validFrom: '',
  validUntil: '',
  extensions: [],
  files: [],
  demonstration: false,
}
const subject = Uint8Array.from({ length: 32 }, (_, at) => at)
const leafHash = Uint8Array.from({ length: 32 }, (_, at) => 32 + at)

describe('a folded state', () => {
  // Both made by `buf convert` from JSON.
  it('is written as the contract has it', () => {
    expect(
      hex(
        stateBytes({
          kind: 'licence',
          state: { kind: 'revoked', licence, superseded: ['C', 'D'], manner: 'cancelled' },
        }),
      ),
    ).toBe('080412080a014142030a01421801220143220144')
  })

  it('stands in a row of the digest as the contract has it', () => {
    const state: SubjectState = {
      kind: 'declaration',
      state: { versions: [{ version: 2, fromMs: 1_795_507_200_000, declared: undefined }] },
    }
    const events = [{ position: 7n, place: 2, leafHash, verdict: 'STANDS' }]
    expect(hex(digestRowBytes({ zone: 'tianjin', subject, events, state }))).toBe(
      '0a077469616e6a696e1220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1a2e080710021a20202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f22065354414e44532a0b0a0908021080c0c6e4a034',
    )
  })

  it('is the same bytes after a reading and a writing by the generated code', () => {
    fc.assert(
      fc.property(licenceStateArbitrary, declarationStateArbitrary, (licenceState, declarationState) => {
        const licenceBytes = stateBytes({ kind: 'licence', state: licenceState })
        const again = LicenceStateRecord.encode(LicenceStateRecord.decode(licenceBytes)).finish()
        expect(hex(again)).toBe(hex(licenceBytes))
        const declarationBytes = stateBytes({ kind: 'declaration', state: declarationState })
        const once = DeclarationStateRecord.encode(DeclarationStateRecord.decode(declarationBytes)).finish()
        expect(hex(once)).toBe(hex(declarationBytes))
      }),
    )
  })

  it('differs where the standing differs', () => {
    const of = (kind: 'in_force' | 'suspended'): string =>
      hex(stateBytes({ kind: 'licence', state: { kind, licence, superseded: [] } }))
    expect(of('in_force')).not.toBe(of('suspended'))
  })

  it('of a redacted subject has neither verdicts nor a state', () => {
    const events = [{ position: 0n, place: 0, leafHash, verdict: '' }]
    expect(hex(digestRowBytes({ zone: 'z', subject, events, state: undefined }))).toBe(
      `0a017a1220${hex(subject)}1a221a20${hex(leafHash)}`,
    )
  })

  it('is not written with a hash of another length or a position out of range', () => {
    const event = { position: 0n, place: 0, leafHash, verdict: '' }
    const row = { zone: 'z', subject, events: [event], state: undefined }
    expect(() => digestRowBytes({ ...row, subject: new Uint8Array(31) })).toThrow(RangeError)
    expect(() => digestRowBytes({ ...row, events: [{ ...event, leafHash: new Uint8Array(33) }] })).toThrow(RangeError)
    expect(() => digestRowBytes({ ...row, events: [{ ...event, position: -1n }] })).toThrow(RangeError)
  })

  it('is read back from a row but for its state, and from nothing else', () => {
    const events = [{ position: 7n, place: 3, leafHash, verdict: 'STANDS' }]
    const state: SubjectState = { kind: 'licence', state: { kind: 'in_force', licence, superseded: [] } }
    const row = digestRowBytes({ zone: 'tianjin', subject, events, state })
    expect(decodeDigestRow(row)).toEqual({ kind: 'row', row: { zone: 'tianjin', subject, events } })
    expect(decodeDigestRow(row.subarray(0, -1)).kind).toBe('unreadable')
    expect(decodeDigestRow(Buffer.concat([row, Buffer.from('3001', 'hex')])).kind).toBe('unreadable')
    expect(decodeDigestRow(new Uint8Array(0))).toEqual({
      kind: 'unreadable',
      why: 'a subject that is not of 32 bytes',
    })
  })
})
