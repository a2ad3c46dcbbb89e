import { describe, expect, it } from 'vitest'
import { authorityCheck, mayIssue, zonesOfIssuer } from './authority.ts'
import { readIdentifier } from './identifier.ts'
import { amended, charter, corrected, issued, renewed, revoked } from './sample-events.ts'
import { type LicenceState, noLicence } from './state.ts'

const regional = '1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9'
const standing: LicenceState = { kind: 'in_force', licence: issued, superseded: [] }
const hefeiLicence = {
  ...issued,
  identifier: regional,
  authority: '11330105002500287C',
  licenceType: '11100000MB03271699022',
}

describe('zonesOfIssuer', () => {
  const ids = (text: string) => zonesOfIssuer(charter, readIdentifier(text)).map(({ id }) => id)

  it('finds the zone by the credit code of an authority, or by its region', () => {
    expect(ids(issued.identifier)).toEqual(['beijing'])
    expect(ids(regional)).toEqual(['hefei'])
    expect(ids(issued.identifier.replace('3005', '3003'))).toEqual(['beijing'])
  })

  it.each([
    ['an issuer outside the alliance', '1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U'],
    ['a malformed identifier', `${issued.identifier}x`],
    ['a variant without an issuer', '1.2.156.3003.2.77'],
  ])('finds none for %s', (_, text) => {
    expect(ids(text)).toEqual([])
  })
})

describe('mayIssue', () => {
  it('needs the zone, its authority and the type together', () => {
    expect(mayIssue(charter, 'beijing', issued.authority, issued.licenceType)).toBe(true)
    expect(mayIssue(charter, 'hefei', issued.authority, issued.licenceType)).toBe(false)
    expect(mayIssue(charter, 'nowhere', issued.authority, issued.licenceType)).toBe(false)
    expect(mayIssue(charter, 'beijing', issued.authority, '11100000MB03271699022')).toBe(false)
  })
})

describe('authorityCheck', () => {
  it('takes an event of the zone that issued, also with a region as issuer', () => {
    expect(authorityCheck(charter, 'beijing', issued, noLicence)).toBeUndefined()
    expect(authorityCheck(charter, 'beijing', revoked, standing)).toBeUndefined()
    expect(authorityCheck(charter, 'hefei', hefeiLicence, noLicence)).toBeUndefined()
  })

  it.each([
    ['in the log of another zone', 'hefei', issued],
    ['a revocation in the log of another zone', 'hefei', revoked],
    ['in the log of no zone', 'nowhere', issued],
    ['another issuer in the identifier', 'hefei', { ...hefeiLicence, identifier: issued.identifier }],
    ['another region in the identifier', 'beijing', { ...issued, identifier: regional }],
    ['a malformed identifier', 'beijing', { ...issued, identifier: 'x' }],
  ])('refuses %s', (_, zone, event) => {
    expect(authorityCheck(charter, zone, event, noLicence)).toMatchObject({ code: 'ISSUER_OF_ANOTHER_ZONE' })
  })

  it('refuses a type the authority may not issue, but lets it be taken back', () => {
    const other = { ...charter.zones[0]!, authorities: [{ ...charter.zones[0]!.authorities[0]!, licenceTypes: [] }] }
    const narrowed = { ...charter, zones: [other] }
    expect(authorityCheck(narrowed, 'beijing', issued, noLicence)).toMatchObject({ code: 'MAY_NOT_ISSUE' })
    expect(authorityCheck(narrowed, 'beijing', revoked, standing)).toBeUndefined()
  })

  it.each([amended, renewed, corrected])('judges the type where $kind gives', (event) => {
    const other = { ...charter.zones[0]!, authorities: [{ ...charter.zones[0]!.authorities[0]!, licenceTypes: [] }] }
    expect(authorityCheck(charter, 'beijing', event, standing)).toBeUndefined()
    expect(authorityCheck({ ...charter, zones: [other] }, 'beijing', event, standing)).toMatchObject({
      code: 'MAY_NOT_ISSUE',
      zh: '示范行政审批局无权颁发此类证照',
    })
    expect(authorityCheck(charter, 'hefei', event, standing)).toMatchObject({ code: 'ISSUER_OF_ANOTHER_ZONE' })
  })

  it('names the fields of an amendment by their own paths', () => {
    const stranger = { ...amended, licence: { ...amended.licence, authority: '11330105002500287C' } }
    expect(authorityCheck(charter, 'beijing', stranger, standing)?.field).toBe(
      'event.licence_amended.licence.authority',
    )
    const elsewhere = { ...amended, supersedes: regional }
    expect(authorityCheck(charter, 'beijing', elsewhere, standing)?.field).toBe('event.licence_amended.supersedes')
  })

  it('leaves a renewal of what was never issued to the state', () => {
    expect(authorityCheck(charter, 'beijing', renewed, noLicence)).toBeUndefined()
  })

  it('names the authority in the sentence of MAY_NOT_ISSUE', () => {
    const refused = authorityCheck(charter, 'hefei', { ...hefeiLicence, licenceType: issued.licenceType }, noLicence)
    expect(refused?.zh).toBe('示范行政审批局无权颁发此类证照')
  })
})
