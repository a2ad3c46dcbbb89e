import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { charterArbitrary, eventArbitrary, verdictArbitrary } from './arbitraries.ts'
import { eventFromJson } from './event-json.ts'
import { charterToJson, eventToJson, verdictToJson } from './json.ts'

const about = { kind: 'declaration', declarationId: 'food' } as const

describe('an event in JSON', () => {
  it('comes back as it went through text', () => {
    fc.assert(
      fc.property(eventArbitrary, (event) => {
        expect(eventFromJson(JSON.parse(JSON.stringify(eventToJson(event))))).toEqual({ kind: 'event', event })
      }),
      { numRuns: 500 },
    )
  })

  it('shows bytes as hex, great numbers as text and moments in UTC', () => {
    expect(eventToJson({ kind: 'restated', about, index: 2n ** 53n, leafHash: Uint8Array.of(0xab, 1) })).toEqual({
      kind: 'restated',
      about,
      index: '9007199254740992',
      leafHash: 'ab01',
    })
    const withdrawn = { kind: 'recognition_withdrawn', declarationId: 'food', version: 2, reason: '' } as const
    expect(eventToJson({ ...withdrawn, effectiveFromMs: 1_795_507_200_000 })).toEqual({
      ...withdrawn,
      effectiveFrom: '2026-11-24T08:00:00.000Z',
    })
    expect(eventToJson({ ...withdrawn, effectiveFromMs: undefined })).toEqual(withdrawn)
  })

  it('takes a moment in China Standard Time and leaves empty what is left out', () => {
    const json = {
      kind: 'recognition_withdrawn',
      declarationId: 'food',
      version: 2,
      effectiveFrom: '2026-11-24T16:00:00+08:00',
    }
    expect(eventFromJson(json)).toEqual({
      kind: 'event',
      event: { ...json, effectiveFrom: undefined, effectiveFromMs: 1_795_507_200_000, reason: '' },
    })
  })

  it.each([
    ['a list', [], 'event'],
    ['nothing', null, 'event'],
    ['no kind', {}, 'event.kind'],
    ['a kind nobody knows', { kind: 'licence_renamed' }, 'event.kind'],
    ['the name of a built-in as its kind', { kind: 'constructor' }, 'event.kind'],
    ['a misspelt member', { kind: 'licence_issued', validUntill: '2026-01-01' }, 'event.licence_issued.valid_untill'],
    ['a misspelt member within', { kind: 'licence_issued', holder: { nme: '' } }, 'event.licence_issued.holder.nme'],
    ['a number for a text', { kind: 'licence_issued', number: 7 }, 'event.licence_issued.number'],
    ['half a surrogate pair', { kind: 'licence_issued', name: '\ud800' }, 'event.licence_issued.name'],
    ['a text for a truth value', { kind: 'licence_issued', demonstration: 'no' }, 'event.licence_issued.demonstration'],
    ['an object for a list', { kind: 'licence_issued', files: {} }, 'event.licence_issued.files'],
    ['hex of an odd length', { kind: 'licence_issued', files: [{ sm3: 'abc' }] }, 'event.licence_issued.files[0].sm3'],
    [
      'a licence within without its kind',
      { kind: 'licence_amended', licence: {} },
      'event.licence_amended.licence.kind',
    ],
    ['an amendment of nothing', { kind: 'licence_amended' }, 'event.licence_amended.licence.kind'],
    [
      'a misspelt member of a licence within',
      { kind: 'licence_corrected', licence: { kind: 'licence_issued', validUntill: '' } },
      'event.licence_corrected.licence.valid_untill',
    ],
    [
      'another event in the place of a licence',
      { kind: 'licence_corrected', licence: { kind: 'licence_revoked' } },
      'event.licence_corrected.licence.kind',
    ],
    [
      'an identifier beside the licence',
      { kind: 'licence_amended', licence: { kind: 'licence_issued' }, identifier: '' },
      'event.licence_amended.identifier',
    ],
    ['no manner', { kind: 'licence_revoked' }, 'event.licence_revoked.manner'],
    ['a manner nobody knows', { kind: 'licence_revoked', manner: 'toString' }, 'event.licence_revoked.manner'],
    ['no beginning', { kind: 'recognition_declared', mode: 'on_behalf' }, 'event.recognition_declared.effective_from'],
    ['a moment without a zone', moment('2026-11-24T08:00:00'), 'event.recognition_withdrawn.effective_from'],
    ['the thirtieth of February', moment('2026-02-30T08:00:00Z'), 'event.recognition_withdrawn.effective_from'],
    ['a moment of 0', moment(0), 'event.recognition_withdrawn.effective_from'],
    ['an index of 2^63', { kind: 'restated', about, index: '9223372036854775808' }, 'event.restated.index'],
    ['an index in hex', { kind: 'restated', about, index: '0x1' }, 'event.restated.index'],
    ['a negative index', { kind: 'restated', about, index: -1 }, 'event.restated.index'],
  ])('that is %s is none, and the field is named', (_, json, field) => {
    expect(eventFromJson(json)).toMatchObject({ kind: 'unreadable', field, expected: expect.stringMatching(/./) })
  })
})

function moment(effectiveFrom: unknown): object {
  return { kind: 'recognition_withdrawn', effectiveFrom }
}

describe('what people are shown', () => {
  it('is JSON for every verdict and every charter', () => {
    fc.assert(
      fc.property(verdictArbitrary, charterArbitrary, (verdict, charter) => {
        const json = JSON.parse(JSON.stringify([verdictToJson(verdict), charterToJson(charter)]))
        expect(json).toEqual([verdictToJson(verdict), charterToJson(charter)])
        expect(json[0].findings.word).toBe(verdict.findings.word)
        expect(json[1].heartbeatMs).toBe(charter.heartbeatMs)
      }),
    )
  })
})
