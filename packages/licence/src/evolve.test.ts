import { describe, expect, it } from 'vitest'
import type { LicenceEvent, RecognitionDeclared } from './event.ts'
import { declarationInForce, evolveDeclaration, evolveLicence } from './evolve.ts'
import { namedLicence } from './named-licence.ts'
import {
  amended,
  corrected,
  declared,
  issued,
  renewed,
  resumed,
  revoked,
  suspended,
  withdrawn,
} from './sample-events.ts'
import { isRefusal } from './sentence.ts'
import { type DeclarationState, type LicenceState, noDeclaration, noLicence } from './state.ts'

const states = {
  none: noLicence,
  in_force: { kind: 'in_force', licence: issued, superseded: [] },
  suspended: { kind: 'suspended', licence: issued, superseded: [] },
  revoked: { kind: 'revoked', licence: issued, superseded: [], manner: 'withdrawn' },
} as const satisfies Record<string, LicenceState>

const events = { issued, amended, suspended, resumed, revoked, renewed, corrected } as const satisfies Record<
  string,
  LicenceEvent
>

/** What a licence says after an event that changes it. */
const contents = {
  amended: amended.licence,
  renewed: { ...issued, validUntil: '2031-02-28' },
  corrected: { ...issued, number: '110115-2025-000010' },
}

describe('evolveLicence', () => {
  // Every state against every event.
  it.each([
    ['none', 'issued', 'in_force'],
    ['none', 'suspended', 'NOT_ISSUED'],
    ['none', 'resumed', 'NOT_ISSUED'],
    ['none', 'revoked', 'NOT_ISSUED'],
    ['none', 'amended', 'NOT_ISSUED'],
    ['none', 'renewed', 'NOT_ISSUED'],
    ['none', 'corrected', 'NOT_ISSUED'],
    ['in_force', 'issued', 'ALREADY_ISSUED'],
    ['in_force', 'suspended', 'suspended'],
    ['in_force', 'resumed', 'NOT_SUSPENDED'],
    ['in_force', 'revoked', 'revoked'],
    ['in_force', 'amended', 'in_force'],
    ['in_force', 'renewed', 'in_force'],
    ['in_force', 'corrected', 'in_force'],
    ['suspended', 'issued', 'ALREADY_ISSUED'],
    ['suspended', 'suspended', 'ALREADY_SUSPENDED'],
    ['suspended', 'resumed', 'in_force'],
    ['suspended', 'revoked', 'revoked'],
    ['suspended', 'amended', 'suspended'],
    ['suspended', 'renewed', 'suspended'],
    ['suspended', 'corrected', 'suspended'],
    ['revoked', 'issued', 'ALREADY_REVOKED'],
    ['revoked', 'suspended', 'ALREADY_REVOKED'],
    ['revoked', 'resumed', 'ALREADY_REVOKED'],
    ['revoked', 'revoked', 'ALREADY_REVOKED'],
    ['revoked', 'amended', 'ALREADY_REVOKED'],
    ['revoked', 'renewed', 'ALREADY_REVOKED'],
    ['revoked', 'corrected', 'ALREADY_REVOKED'],
  ] as const)('%s, then %s: %s', (before, event, after) => {
    const answer = evolveLicence(states[before], events[event])
    expect(isRefusal(answer) ? answer.code : answer.kind).toBe(after)
    const says = { ...contents, issued, suspended: issued, resumed: issued, revoked: issued }[event]
    if (!isRefusal(answer) && answer.kind !== 'none') expect(answer.licence).toEqual(says)
  })

  it('keeps the manner of a revocation', () => {
    expect(evolveLicence(states.in_force, { ...revoked, manner: 'cancelled' })).toEqual({
      kind: 'revoked',
      licence: issued,
      superseded: [],
      manner: 'cancelled',
    })
  })

  it.each([suspended, resumed, revoked])('refuses $kind of a version that was not issued', (event) => {
    const other = { ...event, identifier: issued.identifier.replace('.001.', '.002.') }
    expect(evolveLicence(states.suspended, other)).toMatchObject({
      code: 'VERSION_UNKNOWN',
      field: `event.${event.kind}.identifier`,
    })
  })

  it.each([suspended, resumed, revoked])('refuses $kind by an authority that did not issue', (event) => {
    const other = { ...event, authority: '11430000006122244L' }
    expect(evolveLicence(states.suspended, other)).toMatchObject({
      code: 'AUTHORITY_DIFFERS',
      field: `event.${event.kind}.authority`,
    })
  })
})

const otherAuthority = '11430000006122244L'
const version003 = '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.003.A'
const changing = [amended, renewed, corrected] as const

function told(state: LicenceState, ...given: readonly LicenceEvent[]): LicenceState {
  return given.reduce<LicenceState>((before, event) => {
    const after = evolveLicence(before, event)
    if (isRefusal(after)) throw new Error(after.code)
    return after
  }, state)
}

describe('what changes what a licence says', () => {
  it('an amendment makes a new version and remembers the ones before, through everything that follows', () => {
    const third = {
      ...amended,
      supersedes: amended.licence.identifier,
      licence: { ...amended.licence, identifier: version003 },
    }
    const suspendedThird = { ...suspended, identifier: version003 }
    const superseded = [issued.identifier, amended.licence.identifier]
    const after = told(states.in_force, amended, third, suspendedThird)
    expect(after).toEqual({ kind: 'suspended', licence: third.licence, superseded })
    expect(told(after, { ...resumed, identifier: version003 })).toEqual({
      kind: 'in_force',
      licence: third.licence,
      superseded,
    })
    expect(told(after, { ...revoked, identifier: version003 })).toMatchObject({ kind: 'revoked', superseded })
    expect(told(after, { ...renewed, identifier: version003 })).toMatchObject({ kind: 'suspended', superseded })
  })

  it('a renewal moves the end alone, and the files where it gives some', () => {
    const files = [{ ...issued.files[0]!, sha256: new Uint8Array(32).fill(9) }]
    expect(told(states.in_force, renewed)).toEqual({
      kind: 'in_force',
      licence: { ...issued, validUntil: '2031-02-28' },
      superseded: [],
    })
    expect(told(states.suspended, { ...renewed, files })).toEqual({
      kind: 'suspended',
      licence: { ...issued, validUntil: '2031-02-28', files },
      superseded: [],
    })
  })

  it('a renewal may name the very next day, and may follow a renewal', () => {
    const next = { ...renewed, validUntil: '2028-03-01' }
    expect(told(states.in_force, next, renewed)).toMatchObject({ licence: { validUntil: '2031-02-28' } })
  })

  it('a correction may change everything but what makes it another licence', () => {
    const licence = {
      ...issued,
      authorityName: '示范审批局',
      name: '安全生产许可证',
      number: '',
      issuedOn: '2025-02-28',
      holder: { name: '另一家', code: '110105194912310023', codeType: '999' },
      validFrom: '',
      validUntil: '',
      extensions: [],
      files: [],
    }
    expect(told(states.suspended, { ...corrected, licence })).toEqual({ kind: 'suspended', licence, superseded: [] })
  })

  it.each<[string, LicenceEvent, string, string]>([
    [
      'an amendment to another type',
      { ...amended, licence: { ...amended.licence, licenceType: '11100000000013338W012' } },
      'FIELD_FIXED',
      'licence_amended.licence.licence_type',
    ],
    [
      'an amendment of a real licence into a demonstration document',
      { ...amended, licence: { ...amended.licence, demonstration: true } },
      'FIELD_FIXED',
      'licence_amended.licence.demonstration',
    ],
    [
      'a correction to another type, where the identifier names none',
      { ...corrected, licence: { ...corrected.licence, licenceType: '11100000000013338W012' } },
      'FIELD_FIXED',
      'licence_corrected.licence.licence_type',
    ],
    [
      'a correction that says what stands',
      { ...corrected, licence: structuredClone(issued) },
      'NOTHING_CORRECTED',
      'licence_corrected.licence',
    ],
    [
      'a renewal to the same day',
      { ...renewed, validUntil: '2028-02-29' },
      'RENEWAL_NOT_LATER',
      'licence_renewed.valid_until',
    ],
    [
      'a renewal to an earlier day',
      { ...renewed, validUntil: '2025-03-01' },
      'RENEWAL_NOT_LATER',
      'licence_renewed.valid_until',
    ],
    [
      'a renewal to before the start',
      { ...renewed, validUntil: '2025-02-28' },
      'PERIOD_REVERSED',
      'licence_renewed.valid_until',
    ],
  ])('refuses %s', (_, event, code, field) => {
    expect(evolveLicence(states.in_force, event)).toMatchObject({ code, field: `event.${field}` })
    expect(evolveLicence(states.suspended, event)).toMatchObject({ code, field: `event.${field}` })
  })

  it('refuses to make a real licence of a demonstration document', () => {
    const before = { ...states.in_force, licence: { ...issued, demonstration: true } }
    for (const event of [amended, corrected])
      expect(evolveLicence(before, event)).toMatchObject({ code: 'FIELD_FIXED' })
  })

  it('refuses to renew a licence without end', () => {
    const before = { ...states.in_force, licence: { ...issued, validUntil: '' } }
    expect(evolveLicence(before, renewed)).toMatchObject({
      code: 'RENEWAL_WITHOUT_END',
      field: 'event.licence_renewed.valid_until',
    })
  })

  it('refuses a correction that says what stands after a renewal, and takes one that says what stood before', () => {
    const after = told(states.in_force, renewed)
    const back = { ...corrected, licence: issued }
    expect(evolveLicence(after, { ...corrected, licence: { ...issued, validUntil: '2031-02-28' } })).toMatchObject({
      code: 'NOTHING_CORRECTED',
    })
    expect(told(after, back)).toEqual(states.in_force)
  })

  it.each(changing)('refuses $kind of a version that was not issued', (event) => {
    expect(evolveLicence(states.in_force, about(event, version003))).toMatchObject({
      code: 'VERSION_UNKNOWN',
      field: namedLicence(event).fields.identifier,
      expected: issued.identifier,
    })
  })

  it.each([...changing, suspended, resumed, revoked])('refuses $kind of a version that was superseded', (event) => {
    const after = told(states.suspended, amended)
    expect(evolveLicence(after, about(event, issued.identifier))).toMatchObject({
      code: 'VERSION_SUPERSEDED',
      field: namedLicence(event).fields.identifier,
      expected: amended.licence.identifier,
    })
  })

  it.each(changing)('refuses $kind by an authority that did not issue', (event) => {
    const stranger =
      event.kind === 'licence_renewed'
        ? { ...event, authority: otherAuthority }
        : { ...event, licence: { ...event.licence, authority: otherAuthority } }
    expect(evolveLicence(states.in_force, stranger)).toMatchObject({
      code: 'AUTHORITY_DIFFERS',
      field: namedLicence(event).fields.authority,
      expected: issued.authority,
    })
  })

  it('does not change the state it was given', () => {
    const before = structuredClone(states.in_force)
    for (const event of changing) evolveLicence(before, event)
    expect(before).toEqual(states.in_force)
  })
})

/** The same event about another version. */
function about(event: LicenceEvent, identifier: string): LicenceEvent {
  if (event.kind === 'licence_amended') return { ...event, supersedes: identifier }
  if (event.kind === 'licence_corrected') return { ...event, licence: { ...event.licence, identifier } }
  return { ...event, identifier }
}

const hourMs = 3_600_000
const loggedAtMs = declared.effectiveFromMs - 48 * hourMs
const terms = { loggedAtMs, leadMs: 48 * hourMs, minimumMs: 72 * hourMs }
const free = { loggedAtMs, leadMs: 0, minimumMs: 0 }

function fold(...given: readonly (RecognitionDeclared | typeof withdrawn)[]): DeclarationState {
  return given.reduce<DeclarationState>((state, event) => {
    const after = evolveDeclaration(state, event, free)
    if (isRefusal(after)) throw new Error(after.code)
    return after
  }, noDeclaration)
}

describe('evolveDeclaration', () => {
  it('takes a first version that keeps the lead time to the millisecond', () => {
    expect(evolveDeclaration(noDeclaration, declared, terms)).toEqual({
      versions: [{ version: 1, fromMs: declared.effectiveFromMs, declared }],
    })
  })

  it.each([
    ['a first version 2', noDeclaration, { ...declared, version: 2 }, 'VERSION_SKIPS'],
    ['a version that skips', fold(declared), { ...declared, version: 3 }, 'VERSION_SKIPS'],
    ['a version that stays', fold(declared), declared, 'VERSION_SKIPS'],
    ['a withdrawal that skips', fold(declared), { ...withdrawn, version: 3 }, 'VERSION_SKIPS'],
    ['a withdrawal of nothing', noDeclaration, { ...withdrawn, version: 1 }, 'NOT_DECLARED_BEFORE'],
    ['a second withdrawal', fold(declared, withdrawn), { ...withdrawn, version: 3 }, 'ALREADY_WITHDRAWN'],
    [
      'one millisecond too soon',
      noDeclaration,
      { ...declared, effectiveFromMs: declared.effectiveFromMs - 1 },
      'TOO_SOON',
    ],
    [
      'one millisecond too short',
      noDeclaration,
      { ...declared, effectiveUntilMs: declared.effectiveFromMs + 72 * hourMs - 1 },
      'TOO_SHORT',
    ],
  ])('refuses %s', (_, state, event, code) => {
    expect(evolveDeclaration(state, event, terms)).toMatchObject({ code })
  })

  it('takes the shortest time allowed, and no end at all', () => {
    const shortest = { ...declared, effectiveUntilMs: declared.effectiveFromMs + 72 * hourMs }
    expect(isRefusal(evolveDeclaration(noDeclaration, shortest, terms))).toBe(false)
    expect(isRefusal(evolveDeclaration(noDeclaration, { ...declared, effectiveUntilMs: undefined }, terms))).toBe(false)
  })

  it('demands nothing of the start where the lead time is 0, also of one in the past', () => {
    const early = { ...declared, effectiveFromMs: loggedAtMs - 1000 }
    expect(isRefusal(evolveDeclaration(noDeclaration, early, free))).toBe(false)
  })

  it('counts the shortest time from the leaf where the start lies before it', () => {
    const event = { ...declared, effectiveFromMs: 0, effectiveUntilMs: loggedAtMs + 72 * hourMs - 1 }
    expect(evolveDeclaration(noDeclaration, event, { ...terms, leadMs: 0 })).toMatchObject({ code: 'TOO_SHORT' })
  })

  it('takes a declaration after a withdrawal, under the next version', () => {
    const again = { ...declared, version: 3 }
    expect(fold(declared, withdrawn, again).versions).toHaveLength(3)
  })

  it('lets an announced withdrawal be brought forward, not put off', () => {
    const announced = fold(declared, { ...withdrawn, effectiveFromMs: declared.effectiveFromMs + 10 })
    const next = { ...withdrawn, version: 3 }
    const sooner = evolveDeclaration(announced, { ...next, effectiveFromMs: declared.effectiveFromMs + 5 }, free)
    expect(isRefusal(sooner)).toBe(false)
    const later = evolveDeclaration(announced, { ...next, effectiveFromMs: declared.effectiveFromMs + 11 }, free)
    expect(later).toMatchObject({ code: 'ALREADY_WITHDRAWN' })
  })

  it('does not change the state it was given', () => {
    const before = fold(declared)
    evolveDeclaration(before, withdrawn, free)
    expect(before.versions).toHaveLength(1)
  })
})

describe('declarationInForce', () => {
  const from = declared.effectiveFromMs
  const until = declared.effectiveUntilMs!

  it('answers nothing before the start, the declaration from it on, and nothing from the end on', () => {
    const state = fold(declared)
    expect(declarationInForce(state, from - 1)).toBeUndefined()
    expect(declarationInForce(state, from)).toBe(declared)
    expect(declarationInForce(state, until - 1)).toBe(declared)
    expect(declarationInForce(state, until)).toBeUndefined()
    expect(declarationInForce(noDeclaration, from)).toBeUndefined()
  })

  it('lets the earlier version decide until the later one starts', () => {
    const second = { ...declared, version: 2, matters: ['KSTB-001'], effectiveFromMs: from + 100 }
    const state = fold(declared, second)
    expect(declarationInForce(state, from + 99)).toBe(declared)
    expect(declarationInForce(state, from + 100)).toBe(second)
  })

  it('does not fall back to an earlier version when a later one has ended', () => {
    const second = { ...declared, version: 2, effectiveFromMs: from + 100, effectiveUntilMs: from + 200 }
    expect(declarationInForce(fold(declared, second), from + 200)).toBeUndefined()
  })

  it('lets a withdrawal end it at its time', () => {
    const state = fold(declared, { ...withdrawn, effectiveFromMs: from + 50 })
    expect(declarationInForce(state, from + 49)).toBe(declared)
    expect(declarationInForce(state, from + 50)).toBeUndefined()
  })

  it('lets a withdrawal at once also end versions that were still to come', () => {
    const second = { ...declared, version: 2, effectiveFromMs: from + 100 }
    const state = fold(declared, second, { ...withdrawn, version: 3 })
    expect(declarationInForce(state, from + 150)).toBeUndefined()
  })
})
