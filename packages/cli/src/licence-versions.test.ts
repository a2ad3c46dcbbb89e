import type { LicenceEvent, LicenceIssued } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { mohurdOperationIn, mohurdStateIn, type ToldEvent, versionsOf } from './licence-versions.ts'

const first: LicenceIssued = {
  kind: 'licence_issued',
  identifier: '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.001.E',
  authority: '11110000000021135M',
  authorityName: '示范行政审批局',
  licenceType: '11100000000013338W011',
  name: '建筑施工企业安全生产许可证',
  number: '',
  issuedOn: '2025-03-01',
  holder: { name: '示范建筑工程有限公司', code: '91370406L24894136J', codeType: '001' },
  validFrom: '2025-03-01',
  validUntil: '2028-02-29',
  extensions: [],
  files: [],
  demonstration: false,
}
const second = { ...first, identifier: first.identifier.replace('001.E', '002.C') }
const third = { ...first, identifier: first.identifier.replace('001.E', '003.A') }
const grounds = { reason: '', decidedOn: '' }
const amended = (licence: LicenceIssued, supersedes: LicenceIssued): LicenceEvent => ({
  kind: 'licence_amended',
  licence,
  supersedes: supersedes.identifier,
  ...grounds,
})
const renewed: LicenceEvent = {
  ...grounds,
  kind: 'licence_renewed',
  ...named(second),
  validUntil: '2031-02-28',
  files: [],
}
const suspended: LicenceEvent = { ...grounds, kind: 'licence_suspended', ...named(second) }
const revoked: LicenceEvent = { ...grounds, kind: 'licence_revoked', ...named(second), manner: 'penalty' }

function named({ identifier, authority }: LicenceIssued) {
  return { identifier, authority }
}

function told(...events: readonly (LicenceEvent | Partial<ToldEvent>)[]): ToldEvent[] {
  return events.map((one, at) => {
    const event = 'kind' in one ? { event: one } : one
    return { eventId: `o/${at}`, verdict: 'STANDS', event: undefined, neutral: false, ...event }
  })
}

const within2030Ms = Date.UTC(2030, 5, 1)
const within2026Ms = Date.UTC(2026, 5, 1)
const refused = (event: LicenceEvent, verdict: string) => ({ event, verdict })

describe('versionsOf', () => {
  it('tells which version made which, and passes over what does not stand', () => {
    const events = told(
      first,
      refused(amended(third, first), 'NOT_NEXT_VERSION'),
      amended(second, first),
      renewed,
      amended(third, second),
    )
    expect(versionsOf(events)).toEqual([
      { identifier: first.identifier, madeBy: 'o/0', supersededBy: second.identifier },
      { identifier: second.identifier, madeBy: 'o/2', supersededBy: third.identifier },
      { identifier: third.identifier, madeBy: 'o/4', supersededBy: undefined },
    ])
  })

  it('is nothing where nothing was issued', () => {
    expect(versionsOf(told(refused(first, 'MAY_NOT_ISSUE')))).toEqual([])
  })
})

describe('mohurdStateIn', () => {
  it.each([
    ['before a renewal', told(first, amended(second, first)), within2030Ms, '05'],
    ['after a renewal', told(first, amended(second, first), renewed), within2030Ms, '01'],
    ['suspended', told(first, amended(second, first), suspended), within2026Ms, '02'],
    ['revoked', told(first, amended(second, first), revoked), within2026Ms, '07'],
    ['with something restated', told(first, { neutral: true }), within2026Ms, '01'],
    ['with a renewal refused', told(first, refused(renewed, 'VERSION_UNKNOWN')), within2026Ms, '01'],
    ['of nothing', [], within2026Ms, '99'],
  ])('%s is the code of the version that counts', (_, events, atMs, code) => {
    expect(mohurdStateIn(events, atMs)?.code).toBe(code)
  })

  it.each([
    ['an event that cannot be read', told(first, { event: undefined, verdict: 'PAYLOAD_MISSING' })],
    ['a suspension that was refused', told(first, refused(suspended, 'VERSION_UNKNOWN'))],
    ['events that do not follow', told(first, suspended)],
  ])('is open with %s', (_, events) => {
    expect(mohurdStateIn(events, within2026Ms)).toBeUndefined()
  })
})

describe('mohurdOperationIn', () => {
  it('is told of an event that stands, and of no other', () => {
    const [stood, not, unread] = told(renewed, refused(renewed, 'RENEWAL_NOT_LATER'), {})
    expect(mohurdOperationIn(stood!)).toEqual({ code: '02', zh: '延续', en: 'renewed' })
    expect([mohurdOperationIn(not!), mohurdOperationIn(unread!)]).toEqual([undefined, undefined])
  })
})
