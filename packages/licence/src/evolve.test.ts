import { describe, expect, it } from 'vitest'
import type { LicenceEvent, RecognitionDeclared } from './event.ts'
import { declarationInForce, evolveDeclaration, evolveLicence } from './evolve.ts'
import { declared, issued, resumed, revoked, suspended, withdrawn } from './sample-events.ts'
import { isRefusal } from './sentence.ts'
import { type DeclarationState, type LicenceState, noDeclaration, noLicence } from './state.ts'

const states = {
  none: noLicence,
  in_force: { kind: 'in_force', licence: issued },
  suspended: { kind: 'suspended', licence: issued },
  revoked: { kind: 'revoked', licence: issued, manner: 'withdrawn' },
} as const satisfies Record<string, LicenceState>

const events = { issued, suspended, resumed, revoked } as const satisfies Record<string, LicenceEvent>

describe('evolveLicence', () => {
  // Every state against every event.
  it.each([
    ['none', 'issued', 'in_force'],
    ['none', 'suspended', 'NOT_ISSUED'],
    ['none', 'resumed', 'NOT_ISSUED'],
    ['none', 'revoked', 'NOT_ISSUED'],
    ['in_force', 'issued', 'ALREADY_ISSUED'],
    ['in_force', 'suspended', 'suspended'],
    ['in_force', 'resumed', 'NOT_SUSPENDED'],
    ['in_force', 'revoked', 'revoked'],
    ['suspended', 'issued', 'ALREADY_ISSUED'],
    ['suspended', 'suspended', 'ALREADY_SUSPENDED'],
    ['suspended', 'resumed', 'in_force'],
    ['suspended', 'revoked', 'revoked'],
    ['revoked', 'issued', 'ALREADY_REVOKED'],
    ['revoked', 'suspended', 'ALREADY_REVOKED'],
    ['revoked', 'resumed', 'ALREADY_REVOKED'],
    ['revoked', 'revoked', 'ALREADY_REVOKED'],
  ] as const)('%s, then %s: %s', (before, event, after) => {
    const answer = evolveLicence(states[before], events[event])
    expect(isRefusal(answer) ? answer.code : answer.kind).toBe(after)
    if (!isRefusal(answer) && answer.kind !== 'none') expect(answer.licence).toBe(issued)
  })

  it('keeps the manner of a revocation', () => {
    expect(evolveLicence(states.in_force, { ...revoked, manner: 'cancelled' })).toEqual({
      kind: 'revoked',
      licence: issued,
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
