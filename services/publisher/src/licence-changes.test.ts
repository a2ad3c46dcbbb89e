import { type Event, type LicenceIssued, nextVersionOf } from '@hutong/licence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beijingOtherAuthority, licence, tianjinAuthority } from './testing/honest-hub.ts'
import { codesOf, leavesOf, startZone, type Zone } from './testing/open-zone.ts'

// What changes the content of a licence: refused before the leaf where it does not follow, else written down once.

const quiet = { heartbeatCheckMs: 60_000 }
const grounds = { reason: '', decidedOn: '' }

function amended(of: LicenceIssued, changes: Partial<LicenceIssued> = {}): Event {
  const identifier = nextVersionOf(of.identifier)!
  return { kind: 'licence_amended', licence: { ...of, identifier, ...changes }, supersedes: of.identifier, ...grounds }
}

function second(of: LicenceIssued): LicenceIssued {
  return { ...of, identifier: nextVersionOf(of.identifier)! }
}

function renewed({ identifier, authority }: LicenceIssued, validUntil: string): Event {
  return { kind: 'licence_renewed', identifier, authority, validUntil, files: [], ...grounds }
}

function corrected(of: LicenceIssued, changes: Partial<LicenceIssued>): Event {
  return { kind: 'licence_corrected', licence: { ...of, ...changes }, ...grounds }
}

function revoked({ identifier, authority }: LicenceIssued): Event {
  return { kind: 'licence_revoked', identifier, authority, manner: 'withdrawn', ...grounds }
}

describe('a change that does not follow', () => {
  let zone: Zone
  beforeAll(async () => {
    zone = await startZone({ settings: quiet })
  })
  afterAll(() => zone[Symbol.asyncDispose]())

  const period = { validFrom: '2026-01-01', validUntil: '2026-12-31' }
  const variant = '1.2.156.3003.2.77'
  const cases: readonly (readonly [
    code: string,
    change: (of: LicenceIssued) => Event,
    before?: ((of: LicenceIssued) => readonly Event[]) | undefined,
    differs?: Partial<LicenceIssued>,
  ])[] = [
    ['NOT_ISSUED', (of) => amended(of), () => []],
    ['NOT_ISSUED', (of) => renewed(of, '2027-12-31'), () => []],
    ['NOT_ISSUED', (of) => corrected(of, { number: '1' }), () => []],
    ['ALREADY_REVOKED', (of) => amended(of), (of) => [of, revoked(of)]],
    ['ALREADY_REVOKED', (of) => renewed(of, '2027-12-31'), (of) => [of, revoked(of)]],
    ['ALREADY_REVOKED', (of) => corrected(of, { number: '1' }), (of) => [of, revoked(of)]],
    ['VERSION_UNKNOWN', (of) => amended(second(of))],
    ['VERSION_UNKNOWN', (of) => renewed(second(of), '2027-12-31')],
    ['VERSION_UNKNOWN', (of) => corrected(second(of), { number: '1' })],
    ['VERSION_SUPERSEDED', (of) => amended(of, { number: '1' }), (of) => [of, amended(of)]],
    ['VERSION_SUPERSEDED', (of) => renewed(of, '2027-12-31'), (of) => [of, amended(of)]],
    ['VERSION_SUPERSEDED', (of) => corrected(of, { number: '1' }), (of) => [of, amended(of)]],
    ['VERSION_SUPERSEDED', (of) => revoked(of), (of) => [of, amended(of)]],
    ['NOT_NEXT_VERSION', (of) => amended(of, { identifier: of.identifier })],
    ['NOT_NEXT_VERSION', (of) => amended(of, { identifier: nextVersionOf(second(of).identifier)! })],
    ['NO_NEXT_VERSION', (of) => ({ ...amended(of), supersedes: variant }) as Event],
    ['FIELD_FIXED', (of) => amended(of, { demonstration: false })],
    ['FIELD_FIXED', (of) => corrected(of, { demonstration: false })],
    ['NOTHING_CORRECTED', (of) => corrected(of, {})],
    ['RENEWAL_NOT_LATER', (of) => renewed(of, '2026-12-31')],
    ['RENEWAL_WITHOUT_END', (of) => renewed(of, '2027-12-31'), undefined, { validUntil: '' }],
    ['PERIOD_REVERSED', (of) => renewed(of, '2025-12-31')],
    ['IMPOSSIBLE_DATE', (of) => renewed(of, '2027-02-29')],
    ['ISSUER_OF_ANOTHER_ZONE', (of) => amended(of, { authority: tianjinAuthority })],
    ['ISSUER_OF_ANOTHER_ZONE', (of) => corrected(of, { authority: beijingOtherAuthority })],
  ]

  for (const [at, [code, change, before, differs]] of cases.entries()) {
    it(`is refused ${code}, and nothing is written: case ${at}`, async () => {
      const of = licence(`C${at}`, { ...period, ...differs })
      for (const event of before?.(of) ?? [of]) expect(codesOf(await zone.publish([event]))).toEqual(['published'])
      const { size } = zone.publisher.status()
      expect(codesOf(await zone.publish([change(of)]))).toEqual([code])
      expect(zone.publisher.status().size).toBe(size)
    })
  }

  it.each([
    ['an amendment', amended(licence('A'))],
    ['a renewal', renewed(licence('A'), '2027-12-31')],
    ['a correction', corrected(licence('A'), { number: '1' })],
  ])('is not for who does not speak for the authority: %s', async (_, event) => {
    const asking = { authorities: [beijingOtherAuthority] }
    expect(codesOf(await zone.publish([event], asking))).toEqual(['NOT_AUTHORISED'])
  })
})

describe('a change that follows', () => {
  it('is judged against what the changes before it made, in one batch and after a restart', async () => {
    const first = await startZone({ settings: quiet })
    const one = licence(1, { validFrom: '2026-01-01', validUntil: '2026-12-31' })
    const two = { ...second(one), validUntil: '2027-12-31' }
    const asked = [
      one,
      renewed(one, '2027-12-31'),
      amended(one, { validUntil: '2027-12-31' }),
      renewed(two, '2027-12-31'),
    ]
    expect(codesOf(await first.publish(asked))).toEqual(['published', 'published', 'published', 'RENEWAL_NOT_LATER'])
    await first[Symbol.asyncDispose]()
    await using again = await startZone({ store: first.store, hub: first.hub, settings: quiet })
    const later = [renewed(one, '2030-12-31'), corrected(two, {}), corrected(two, { number: '1' })]
    expect(codesOf(await again.publish(later))).toEqual(['VERSION_SUPERSEDED', 'NOTHING_CORRECTED', 'published'])
    expect(leavesOf(again.hub).map(({ kind, previous }) => [kind, previous])).toEqual([
      [1, 0n],
      [9, 1n],
      [2, 2n],
      [10, 3n],
    ])
  })

  it('is answered the same under the same request id, also where it would not follow any more', async () => {
    await using zone = await startZone({ settings: quiet })
    const one = licence(1)
    await zone.publish([one])
    expect(codesOf(await zone.publish([amended(one)], { ids: ['a'] }))).toEqual(['published'])
    expect(codesOf(await zone.publish([amended(one)], { ids: ['a'] }))).toEqual(['duplicate'])
    expect(codesOf(await zone.publish([amended(one, { number: '1' })], { ids: ['a'] }))).toEqual(['CONFLICT'])
    expect(codesOf(await zone.publish([amended(one)], { ids: ['b'] }))).toEqual(['VERSION_SUPERSEDED'])
  })

  it('leaves the licence as it was issued a quiet duplicate, and its later content a conflict', async () => {
    const first = await startZone({ settings: quiet })
    const one = licence(1)
    const [issued] = await first.publish([one])
    await first.publish([corrected(one, { number: '1' })])
    await first[Symbol.asyncDispose]()
    await using zone = await startZone({ store: first.store, hub: first.hub, settings: quiet })
    for (const event of [corrected(one, { number: '2' }), amended({ ...one, number: '2' })]) {
      const outcomes = await zone.publish([one, { ...one, number: '1' }])
      expect(codesOf(outcomes)).toEqual(['duplicate', 'CONFLICT'])
      expect(outcomes[0]).toMatchObject({ index: (issued as { index: bigint }).index })
      expect(codesOf(await zone.publish([event]))).toEqual(['published'])
    }
    expect(codesOf(await zone.publish([second(one)]))).toEqual(['ALREADY_ISSUED'])
  })
})
