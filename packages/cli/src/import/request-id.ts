import { createHash } from 'node:crypto'
import type { LicenceIssued } from '@hutong/licence'

/** The request id of a row: SHA-256 over the zone and the row in one canonical form (domain, "Requests"), in hex. */
export function requestIdOf(zone: string, licence: LicenceIssued): string {
  const { holder, extensions } = licence
  const row = [
    licence.identifier,
    licence.authority,
    licence.authorityName,
    licence.licenceType,
    licence.name,
    licence.number,
    licence.issuedOn,
    holder.name,
    holder.code,
    holder.codeType,
    licence.validFrom,
    licence.validUntil,
    extensions.map(({ name, value }) => [name, value]),
    licence.demonstration,
  ]
  return createHash('sha256')
    .update(JSON.stringify(['hutong/import/v1', zone, row]))
    .digest('hex')
}
