import { describe, expect, it } from 'vitest'
import type { LicenceEvent, RevocationManner } from './event.ts'
import {
  type MohurdOperation,
  type MohurdState,
  mohurdOperationOf,
  mohurdOperations,
  mohurdStateOf,
  mohurdStates,
  operationFromMohurd,
  stateFromMohurd,
} from './mohurd.ts'
import { amended, corrected, issued, renewed, resumed, revoked, suspended } from './sample-events.ts'
import type { LicenceState } from './state.ts'

// The two lists as the ministry's exchange has them.
const stateWords = '01 有效 02 暂扣 03 撤销 04 注销 05 失效 06 办理转出 07 吊销 99 其他'
const operationWords = '01 新发 02 延续 03 暂扣 04 过期失效 05 注销 06 暂扣发还 07 其他 08 转入 09 变更 10 取消转出'

const told = (table: Readonly<Record<string, { readonly zh: string }>>): string =>
  Object.entries(table)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([code, { zh }]) => `${code} ${zh}`)
    .join(' ')

const versions = { licence: issued, superseded: [] }
const inForce: LicenceState = { kind: 'in_force', ...versions }
const taken = (manner: RevocationManner): LicenceState => ({ kind: 'revoked', manner, ...versions })

// The period of the sample is 2025-03-01 to 2028-02-29, China Standard Time.
const firstMomentMs = Date.UTC(2025, 1, 28, 16)
const endMs = Date.UTC(2028, 1, 29, 16)

describe('the lists', () => {
  it('are those of the exchange', () => {
    expect(told(mohurdStates)).toBe(stateWords)
    expect(told(mohurdOperations)).toBe(operationWords)
  })
})

describe('a state', () => {
  it.each<[string, LicenceState, number, MohurdState]>([
    ['never issued', { kind: 'none' }, endMs, '99'],
    ['in force on its first day', inForce, firstMomentMs, '01'],
    ['in force on its last day', inForce, endMs - 1, '01'],
    ['in force before its first day', inForce, firstMomentMs - 1, '99'],
    ['in force after its last day', inForce, endMs, '05'],
    ['in force without end', { ...inForce, licence: { ...issued, validUntil: '' } }, endMs, '01'],
    ['suspended', { kind: 'suspended', ...versions }, endMs - 1, '02'],
    ['suspended and past its last day', { kind: 'suspended', ...versions }, endMs, '02'],
    ['withdrawn', taken('withdrawn'), firstMomentMs, '03'],
    ['cancelled', taken('cancelled'), endMs, '04'],
    ['revoked as a penalty', taken('penalty'), firstMomentMs, '07'],
  ])('%s has its code', (_, state, atMs, code) => {
    expect(mohurdStateOf(state, atMs)).toBe(code)
  })

  it.each<[MohurdState, object]>([
    ['01', { kind: 'in_force' }],
    ['02', { kind: 'suspended' }],
    ['03', { kind: 'revoked', manner: 'withdrawn' }],
    ['04', { kind: 'revoked', manner: 'cancelled' }],
    ['05', { kind: 'expired' }],
    ['06', { kind: 'transfer_open' }],
    ['07', { kind: 'revoked', manner: 'penalty' }],
    ['99', { kind: 'other' }],
  ])('of code %s says what it says', (code, meaning) => {
    expect(stateFromMohurd(code)).toEqual(meaning)
  })

  it.each<LicenceState>([
    inForce,
    { kind: 'suspended', ...versions },
    taken('withdrawn'),
    taken('cancelled'),
    taken('penalty'),
  ])('comes back from its code: $kind $manner', (state) => {
    const { licence: _, superseded: __, ...standing } = state as Exclude<LicenceState, { kind: 'none' }>
    expect(stateFromMohurd(mohurdStateOf(state, firstMomentMs))).toEqual(standing)
  })
})

const taking = (manner: RevocationManner): LicenceEvent => ({ ...revoked, manner })

describe('an event', () => {
  it.each<[LicenceEvent, MohurdOperation]>([
    [issued, '01'],
    [renewed, '02'],
    [suspended, '03'],
    [taking('cancelled'), '05'],
    [resumed, '06'],
    [taking('withdrawn'), '07'],
    [taking('penalty'), '07'],
    [corrected, '07'],
    [amended, '09'],
  ])('%o has the operation %s', (event, code) => {
    expect(mohurdOperationOf(event)).toBe(code)
  })

  it.each<[MohurdOperation, MohurdState | undefined, object]>([
    ['01', undefined, { kind: 'event', event: 'licence_issued' }],
    ['02', '01', { kind: 'event', event: 'licence_renewed' }],
    ['03', '02', { kind: 'event', event: 'licence_suspended' }],
    ['04', '05', { kind: 'clock' }],
    ['05', '04', { kind: 'event', event: 'licence_revoked', manner: 'cancelled' }],
    ['06', '01', { kind: 'event', event: 'licence_resumed' }],
    ['07', undefined, { kind: 'other' }],
    ['07', '01', { kind: 'other' }],
    ['07', '03', { kind: 'event', event: 'licence_revoked', manner: 'withdrawn' }],
    ['07', '04', { kind: 'other' }],
    ['07', '07', { kind: 'event', event: 'licence_revoked', manner: 'penalty' }],
    ['07', '99', { kind: 'other' }],
    ['08', undefined, { kind: 'transfer' }],
    ['09', undefined, { kind: 'event', event: 'licence_amended' }],
    ['10', undefined, { kind: 'transfer' }],
  ])('of operation %s, with state %s after it, says what was done', (code, after, meaning) => {
    expect(operationFromMohurd(code, after)).toEqual(meaning)
  })

  it.each<[LicenceEvent, LicenceState]>([
    [suspended, { kind: 'suspended', ...versions }],
    [taking('cancelled'), taken('cancelled')],
    [taking('withdrawn'), taken('withdrawn')],
    [taking('penalty'), taken('penalty')],
  ])('that takes away comes back from operation and state: %o', (event, after) => {
    const meaning = operationFromMohurd(mohurdOperationOf(event), mohurdStateOf(after, firstMomentMs))
    expect(meaning).toMatchObject({ kind: 'event', event: event.kind })
    if (event.kind === 'licence_revoked') expect(meaning).toMatchObject({ manner: event.manner })
  })
})
