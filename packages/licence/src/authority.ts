import type { Authority, Charter, Zone } from './charter.ts'
import type { LicenceEvent, LicenceIssued } from './event.ts'
import { type IdentifierReading, readIdentifier } from './identifier.ts'
import { namedLicence } from './named-licence.ts'
import { refusal } from './sentence.ts'
import type { LicenceState } from './state.ts'
import type { Refusal } from './verdict.ts'

/**
 * The zones whose licences an identifier can be: those with an authority of its issuer's credit code, or those of its
 * issuer's region. None for a malformed identifier and for a variant that names no issuer.
 */
export function zonesOfIssuer(charter: Charter, reading: IdentifierReading): readonly Zone[] {
  if (reading.kind === 'malformed' || reading.issuer === undefined) return []
  const { kind, code } = reading.issuer
  if (kind === 'region') return charter.zones.filter(({ region }) => region === code)
  return charter.zones.filter((zone) => authorityOf(zone, code) !== undefined)
}

/** Whether the charter lets an authority of this zone issue licences of a type. `zone` is the zone's id. */
export function mayIssue(charter: Charter, zone: string, authority: string, licenceType: string): boolean {
  const found = zoneOf(charter, zone)
  return found !== undefined && (authorityOf(found, authority)?.licenceTypes.includes(licenceType) ?? false)
}

/**
 * Why the authority of an event has no power for it, under this charter, in the log of the zone with this id. The type is
 * judged where an event gives: issuing, amending, renewing, correcting. An authority that may no longer issue a type can
 * still take back what it issued, and give back what it took. `before` is the state of the licence without the event.
 */
export function authorityCheck(
  charter: Charter,
  zone: string,
  event: LicenceEvent,
  before: LicenceState,
): Refusal | undefined {
  const found = zoneOf(charter, zone)
  const { identifier, authority, fields } = namedLicence(event)
  if (found === undefined || authorityOf(found, authority) === undefined) return ofAnotherZone(zone, fields.authority)
  if (!isIssuedBy(found, identifier, authority)) return ofAnotherZone(zone, fields.identifier)
  const given = givenBy(event, before)
  if (given === undefined || mayIssue(charter, zone, authority, given.licenceType)) return undefined
  return refusal('MAY_NOT_ISSUE', { field: fields.authority, parameters: { authority: given.authorityName } })
}

/** The licence that comes out of an event which gives; undefined for one that gives nothing, or has nothing to give from. */
function givenBy(event: LicenceEvent, before: LicenceState): LicenceIssued | undefined {
  switch (event.kind) {
    case 'licence_issued':
      return event
    case 'licence_amended':
    case 'licence_corrected':
      return event.licence
    case 'licence_renewed':
      return before.kind === 'none' ? undefined : before.licence
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
      return undefined
  }
}

/** A variant that names no issuer says nothing against the event's authority. */
function isIssuedBy(zone: Zone, identifier: string, authority: string): boolean {
  const reading = readIdentifier(identifier)
  if (reading.kind === 'malformed') return false
  if (reading.issuer === undefined) return true
  return reading.issuer.code === (reading.issuer.kind === 'region' ? zone.region : authority)
}

function zoneOf(charter: Charter, id: string): Zone | undefined {
  return charter.zones.find((zone) => zone.id === id)
}

function authorityOf(zone: Zone, code: string): Authority | undefined {
  return zone.authorities.find((authority) => authority.code === code)
}

function ofAnotherZone(zone: string, field: string): Refusal {
  return refusal('ISSUER_OF_ANOTHER_ZONE', { field, expected: `an authority of ${zone}`, parameters: { zone } })
}
