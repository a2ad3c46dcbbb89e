import type { LicenceEvent } from './event.ts'

/** Which licence an event is about, and whose word it is. */
export interface NamedLicence {
  readonly identifier: string
  /** Credit code. */
  readonly authority: string
  /** Paths of the two in the event. */
  readonly fields: { readonly identifier: string; readonly authority: string }
}

/**
 * The licence that must stand for an event to follow: an amendment is about the version it takes the place of, not about
 * the one it makes, so that a wrong new identifier can never turn it into an event about another licence.
 */
export function namedLicence(event: LicenceEvent): NamedLicence {
  const path = `event.${event.kind}`
  switch (event.kind) {
    case 'licence_issued':
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
    case 'licence_renewed':
      return named(event.identifier, event.authority, `${path}.identifier`, `${path}.authority`)
    case 'licence_amended':
      return named(event.supersedes, event.licence.authority, `${path}.supersedes`, `${path}.licence.authority`)
    case 'licence_corrected': {
      const { identifier, authority } = event.licence
      return named(identifier, authority, `${path}.licence.identifier`, `${path}.licence.authority`)
    }
  }
}

function named(identifier: string, authority: string, identifierField: string, authorityField: string): NamedLicence {
  return { identifier, authority, fields: { identifier: identifierField, authority: authorityField } }
}
