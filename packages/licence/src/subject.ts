import type { Event } from './event.ts'
import { identifierSubjectString } from './identifier.ts'
import { namedLicence } from './named-licence.ts'

/**
 * What an event is about, as the string that goes into its leaf's subject (F5): a licence's identifier without its last
 * two parts, a declaration's own id; undefined for the heartbeat, which is about nothing. A declaration id has no dot,
 * so the two never meet in well-formed events.
 */
export function subjectStringOf(event: Event): string | undefined {
  switch (event.kind) {
    case 'licence_issued':
    case 'licence_amended':
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
    case 'licence_renewed':
    case 'licence_corrected':
      return identifierSubjectString(namedLicence(event).identifier)
    case 'recognition_declared':
    case 'recognition_withdrawn':
      return event.declarationId
    case 'restated':
      return event.about.kind === 'licence'
        ? identifierSubjectString(event.about.identifier)
        : event.about.declarationId
    case 'observed':
      return undefined
  }
}
