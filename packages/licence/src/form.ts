import type {
  Event,
  LicenceAmended,
  LicenceCorrected,
  LicenceRenewed,
  LicenceResumed,
  LicenceRevoked,
  LicenceSuspended,
  Observed,
  RecognitionDeclared,
  RecognitionMode,
  RecognitionWithdrawn,
  Restated,
  RevocationManner,
} from './event.ts'
import { nextVersionOf } from './identifier.ts'
import {
  checkAuthority,
  checkDate,
  checkFiles,
  checkIdentifier,
  checkLicence,
  checkLicenceType,
  licenceFieldsAt,
} from './licence-form.ts'
import { refusal } from './sentence.ts'
import { checkText } from './text.ts'
import type { Refusal } from './verdict.ts'

/** Bounds of an event's fields; `proto/hutong/v1/payload.proto` states the same. */
export const ISSUING_ZONES_LIMIT = 64
export const MATTERS_LIMIT = 512
export const FIELDS_LIMIT = 64
/** An `observed` head, in bytes: a signed note with its 100 lines at most. */
export const HEAD_LIMIT_BYTES = 32_768

const REASON = { shortest: 0, longest: 500 } as const
const LEGAL_BASIS = { shortest: 1, longest: 500 } as const
const MATTER = { shortest: 1, longest: 64 } as const
const FIELD_NAME = { shortest: 1, longest: 64 } as const
const DIGEST_LENGTH = 32
const LARGEST_VERSION = 0xffff_ffff
const LARGEST_INDEX = 2n ** 63n - 1n
/** The end of the year 9999. */
const LATEST_MS = 253_402_300_799_999
const NAME_OF_ITS_OWN = /^[a-z0-9][a-z0-9-]{0,63}$/
const manners: readonly RevocationManner[] = ['cancelled', 'withdrawn', 'penalty']
const modes: readonly RecognitionMode[] = ['cross_province', 'on_behalf']
const issuedFields = licenceFieldsAt('event.licence_issued')
const amendedFields = licenceFieldsAt('event.licence_amended.licence')
const correctedFields = licenceFieldsAt('event.licence_corrected.licence')

/**
 * Why an event cannot be written down, looking at nothing but the event: every bound of its fields, dates that exist,
 * a period that does not end before it starts, an identifier that can be read and says the type the event says. The
 * first fault found is told, with the path of its field; undefined when there is none.
 */
export function checkForm(event: Event): Refusal | undefined {
  switch (event.kind) {
    case 'licence_issued':
      return checkLicence(event, issuedFields)
    case 'licence_amended':
      return checkAmended(event)
    case 'licence_renewed':
      return checkRenewed(event)
    case 'licence_corrected':
      return checkCorrected(event)
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
      return checkChange(event)
    case 'recognition_declared':
      return checkDeclared(event)
    case 'recognition_withdrawn':
      return checkWithdrawn(event)
    case 'restated':
      return checkRestated(event)
    case 'observed':
      return checkObserved(event)
  }
}

/** Versions go up by one: what comes next can be told from the identifier alone, to the check character. */
function checkAmended(event: LicenceAmended): Refusal | undefined {
  const path = 'event.licence_amended'
  const malformed =
    checkIdentifier(event.supersedes, `${path}.supersedes`) ??
    checkLicence(event.licence, amendedFields) ??
    checkDecision(event, path)
  if (malformed !== undefined) return malformed
  const next = nextVersionOf(event.supersedes)
  if (next === undefined) return refusal('NO_NEXT_VERSION', { field: `${path}.supersedes` })
  if (event.licence.identifier === next) return undefined
  return refusal('NOT_NEXT_VERSION', { field: `${path}.licence.identifier`, expected: next })
}

function checkRenewed(event: LicenceRenewed): Refusal | undefined {
  const path = 'event.licence_renewed'
  return (
    checkIdentifier(event.identifier, `${path}.identifier`) ??
    checkAuthority(event.authority, `${path}.authority`) ??
    checkDate(event.validUntil, `${path}.valid_until`, 'required') ??
    checkFiles(event.files, `${path}.files`) ??
    checkDecision(event, path)
  )
}

function checkCorrected(event: LicenceCorrected): Refusal | undefined {
  return checkLicence(event.licence, correctedFields) ?? checkDecision(event, 'event.licence_corrected')
}

function checkChange(event: LicenceSuspended | LicenceResumed | LicenceRevoked): Refusal | undefined {
  const path = `event.${event.kind}`
  return (
    checkIdentifier(event.identifier, `${path}.identifier`) ??
    checkAuthority(event.authority, `${path}.authority`) ??
    (event.kind === 'licence_revoked' ? checkManner(event.manner) : undefined) ??
    checkDecision(event, path)
  )
}

function checkDecision(
  event: { readonly reason: string; readonly decidedOn: string },
  path: string,
): Refusal | undefined {
  return (
    checkText(event.reason, REASON, `${path}.reason`) ??
    checkDate(event.decidedOn, `${path}.decided_on`, 'may be empty')
  )
}

function checkDeclared(event: RecognitionDeclared): Refusal | undefined {
  const path = 'event.recognition_declared'
  return (
    checkDeclarationId(event.declarationId, `${path}.declaration_id`) ??
    checkVersion(event.version, 1, `${path}.version`) ??
    checkLicenceType(event.licenceType, `${path}.licence_type`) ??
    checkItems(event.issuingZones, 1, ISSUING_ZONES_LIMIT, `${path}.issuing_zones`, checkZoneId) ??
    checkItems(event.matters, 1, MATTERS_LIMIT, `${path}.matters`, checkMatter) ??
    checkMode(event.mode) ??
    checkTime(event.effectiveFromMs, `${path}.effective_from_ms`) ??
    (event.effectiveUntilMs === undefined
      ? undefined
      : (checkTime(event.effectiveUntilMs, `${path}.effective_until_ms`) ?? checkEffective(event))) ??
    checkItems(event.fields, 0, FIELDS_LIMIT, `${path}.fields`, checkFieldName) ??
    checkText(event.legalBasis, LEGAL_BASIS, `${path}.legal_basis`)
  )
}

function checkWithdrawn(event: RecognitionWithdrawn): Refusal | undefined {
  const path = 'event.recognition_withdrawn'
  return (
    checkDeclarationId(event.declarationId, `${path}.declaration_id`) ??
    checkVersion(event.version, 2, `${path}.version`) ??
    (event.effectiveFromMs === undefined ? undefined : checkTime(event.effectiveFromMs, `${path}.effective_from_ms`)) ??
    checkText(event.reason, REASON, `${path}.reason`)
  )
}

function checkRestated({ about, index, leafHash }: Restated): Refusal | undefined {
  const unknownAbout =
    about.kind === 'licence'
      ? checkIdentifier(about.identifier, 'event.restated.identifier')
      : checkDeclarationId(about.declarationId, 'event.restated.declaration_id')
  if (unknownAbout !== undefined) return unknownAbout
  if (index < 0n || index > LARGEST_INDEX) {
    return refusal('LEAF_INDEX', { field: 'event.restated.index', expected: '0 to 2^63 - 1' })
  }
  if (leafHash.length === DIGEST_LENGTH) return undefined
  return refusal('LEAF_HASH', { field: 'event.restated.leaf_hash', expected: '32 bytes' })
}

function checkObserved({ head }: Observed): Refusal | undefined {
  if (head.length <= HEAD_LIMIT_BYTES) return undefined
  return refusal('HEAD_TOO_LARGE', { field: 'event.observed.head', expected: `at most ${HEAD_LIMIT_BYTES} bytes` })
}

function checkManner(manner: RevocationManner): Refusal | undefined {
  if (manners.includes(manner)) return undefined
  return refusal('REVOCATION_MANNER', { field: 'event.licence_revoked.manner', expected: manners.join(', ') })
}

function checkMode(mode: RecognitionMode): Refusal | undefined {
  if (modes.includes(mode)) return undefined
  return refusal('RECOGNITION_MODE', { field: 'event.recognition_declared.mode', expected: modes.join(', ') })
}

function checkDeclarationId(id: string, field: string): Refusal | undefined {
  return NAME_OF_ITS_OWN.test(id) ? undefined : refusal('DECLARATION_ID', { field, expected: NAME_OF_ITS_OWN.source })
}

function checkVersion(version: number, smallest: number, field: string): Refusal | undefined {
  if (Number.isInteger(version) && version >= smallest && version <= LARGEST_VERSION) return undefined
  return refusal('DECLARATION_VERSION', { field, expected: `${smallest} to 2^32 - 1` })
}

function checkTime(ms: number, field: string): Refusal | undefined {
  if (Number.isInteger(ms) && ms >= 0 && ms <= LATEST_MS) return undefined
  return refusal('TIME_OUT_OF_RANGE', { field, expected: 'milliseconds since 1970, up to the year 9999' })
}

function checkEffective({ effectiveFromMs, effectiveUntilMs }: RecognitionDeclared): Refusal | undefined {
  if (effectiveUntilMs === undefined || effectiveUntilMs > effectiveFromMs) return undefined
  const field = 'event.recognition_declared.effective_until_ms'
  return refusal('PERIOD_REVERSED', { field, expected: `> ${effectiveFromMs}` })
}

function checkItems(
  items: readonly string[],
  fewest: number,
  most: number,
  field: string,
  checkItem: (item: string, field: string) => Refusal | undefined,
): Refusal | undefined {
  if (items.length < fewest || items.length > most) {
    return refusal('ITEM_COUNT', { field, expected: `${fewest} to ${most} items` })
  }
  for (const [at, item] of items.entries()) {
    const malformed = checkItem(item, `${field}[${at}]`)
    if (malformed !== undefined) return malformed
  }
  return hasRepetition(items) ? refusal('ITEM_REPEATED', { field, expected: 'every item once' }) : undefined
}

function checkZoneId(id: string, field: string): Refusal | undefined {
  return NAME_OF_ITS_OWN.test(id) ? undefined : refusal('ZONE_ID', { field, expected: NAME_OF_ITS_OWN.source })
}

function checkMatter(matter: string, field: string): Refusal | undefined {
  return checkText(matter, MATTER, field)
}

function checkFieldName(name: string, field: string): Refusal | undefined {
  return checkText(name, FIELD_NAME, field)
}

function hasRepetition(items: readonly string[]): boolean {
  return new Set(items).size < items.length
}
