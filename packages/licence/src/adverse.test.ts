import { describe, expect, it } from 'vitest'
import { isAdverse } from './adverse.ts'
import {
  amended,
  corrected,
  declared,
  issued,
  observed,
  renewed,
  restated,
  resumed,
  revoked,
  suspended,
  withdrawn,
} from './sample-events.ts'
import type { DeclarationState } from './state.ts'

const before: DeclarationState = { versions: [{ version: 1, fromMs: declared.effectiveFromMs, declared }] }
const next = { ...declared, version: 2 }

describe('isAdverse', () => {
  it.each([amended, suspended, revoked, corrected, withdrawn])('says yes to $kind', (event) => {
    expect(isAdverse(event)).toBe(true)
  })

  it.each([issued, resumed, renewed, restated, observed, declared])(
    'says no to $kind with nothing before it',
    (event) => {
      expect(isAdverse(event)).toBe(false)
    },
  )

  it.each([
    ['fewer zones', { ...next, issuingZones: ['beijing'] }],
    ['other zones', { ...next, issuingZones: ['beijing', 'tianjin'] }],
    ['fewer matters', { ...next, matters: ['KSTB-002'] }],
    ['an earlier end', { ...next, effectiveUntilMs: declared.effectiveUntilMs! - 1 }],
    ['another type', { ...next, licenceType: '11100000MB0143028R001' }],
    ['another mode', { ...next, mode: 'on_behalf' as const }],
  ])('says yes to a version with %s', (_, event) => {
    expect(isAdverse(event, before)).toBe(true)
  })

  it('says yes to an end where there was none', () => {
    const endless = { ...declared, effectiveUntilMs: undefined }
    expect(isAdverse(next, { versions: [{ version: 1, fromMs: endless.effectiveFromMs, declared: endless }] })).toBe(
      true,
    )
  })

  it.each([
    ['the same', next],
    ['more zones', { ...next, issuingZones: ['beijing', 'langfang', 'tianjin'] }],
    ['no end', { ...next, effectiveUntilMs: undefined }],
    ['a later start', { ...next, effectiveFromMs: declared.effectiveFromMs + 1 }],
    ['other fields shown', { ...next, fields: [] }],
  ])('says no to a version with %s', (_, event) => {
    expect(isAdverse(event, before)).toBe(false)
  })

  it('measures a version against what it would replace, not against what is long hidden', () => {
    const narrow = { ...next, matters: ['KSTB-001'], effectiveFromMs: declared.effectiveFromMs + 100 }
    const state = { versions: [...before.versions, { version: 2, fromMs: narrow.effectiveFromMs, declared: narrow }] }
    const third = { ...narrow, version: 3 }
    expect(isAdverse(third, state)).toBe(false)
    expect(isAdverse({ ...third, effectiveFromMs: narrow.effectiveFromMs - 1 }, state)).toBe(true)
  })

  it('says no to a declaration after a withdrawal', () => {
    const gone = { versions: [...before.versions, { version: 2, fromMs: 0, declared: undefined }] }
    expect(isAdverse({ ...declared, version: 3, matters: ['KSTB-001'] }, gone)).toBe(false)
  })
})
