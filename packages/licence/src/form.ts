import { isAlphanumeric } from './alphanumeric.ts'
import { isCreditCode } from './credit-code.ts'
import { isDate } from './date.ts'
import type {
  Event,
  Extension,
  FileDigest,
  LicenceAmended,
  LicenceCorrected,
  LicenceIssued,
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
import { checkHolder } from './holder.ts'
import { nextVersionOf, readIdentifier } from './identifier.ts'
import { refusal } from './sentence.ts'
import { checkText, utf8LengthBytes } from './text.ts'
import type { Refusal } from './verdict.ts'

/** Bounds of an event's fields; `proto/hutong/v1/payload.proto` states the same. */
export const EXTENSIONS_LIMIT = 64
/** Names and values of all extensions together, in UTF-8 bytes. */
export const EXTENSIONS_LIMIT_BYTES = 16_384
export const FILES_LIMIT = 16
export const ISSUING_ZONES_LIMIT = 64
export const MATTERS_LIMIT = 512
export const FIELDS_LIMIT = 64
/** An `observed` head, in bytes: a signed note with its 100 lines at most. */
export const HEAD_LIMIT_BYTES = 32_768

const NAME = { shortest: 1, longest: 200 } as const
const LICENCE_NUMBER = { shortest: 0, longest: 100 } as const
const EXTENSION_NAME = { shortest: 1, longest: 64 } as const
const EXTENSION_VALUE = { shortest: 0, longest: 4096 } as const
const REASON = { shortest: 0, longest: 500 } as const
const LEGAL_BASIS = { shortest: 1, longest: 500 } as const
const MATTER = { shortest: 1, longest: 64 } as const
const FIELD_NAME = { shortest: 1, longest: 64 } as const
const LICENCE_TYPE_LENGTH = 21
const DIGEST_LENGTH = 32
const LARGEST_VERSION = 0xffff_ffff
const LARGEST_INDEX = 2n ** 63n - 1n
/** The end of the year 9999. */
const LATEST_MS = 253_402_300_799_999
const MEDIA_TYPE = /^[a-z0-9][a-z0-9.+-]{0,62}\/[a-z0-9][a-z0-9.+-]{0,62}$/
const NAME_OF_ITS_OWN = /^[a-z0-9][a-z0-9-]{0,63}$/
const manners: readonly RevocationManner[] = ['cancelled', 'withdrawn', 'penalty']
const modes: readonly RecognitionMode[] = ['cross_province', 'on_behalf']

/**
 * Why an event cannot be written down, looking at nothing but the event: every bound of its fields, dates that exist,
 * a period that does not end before it starts, an identifier that can be read and says the type the event says. The
 * first fault found is told, with the path of its field; undefined when there is none.
 */
export function checkForm(event: Event): Refusal | undefined {
  switch (event.kind) {
    case 'licence_issued':
      return checkLicence(event, 'event.licence_issued')
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

function checkLicence(licence: LicenceIssued, path: string): Refusal | undefined {
  return (
    checkIdentifier(licence.identifier, `${path}.identifier`) ??
    checkTypeOfIdentifier(licence, `${path}.licence_type`) ??
    checkAuthority(licence.authority, `${path}.authority`) ??
    checkText(licence.authorityName, NAME, `${path}.authority_name`, 'name') ??
    checkLicenceType(licence.licenceType, `${path}.licence_type`) ??
    checkText(licence.name, NAME, `${path}.name`, 'name') ??
    checkText(licence.number, LICENCE_NUMBER, `${path}.number`) ??
    checkDate(licence.issuedOn, `${path}.issued_on`, 'required') ??
    checkHolder(licence.holder, `${path}.holder`) ??
    checkDate(licence.validFrom, `${path}.valid_from`, 'may be empty') ??
    checkDate(licence.validUntil, `${path}.valid_until`, 'may be empty') ??
    checkPeriod(licence, `${path}.valid_until`) ??
    checkExtensions(licence.extensions, `${path}.extensions`) ??
    checkFiles(licence.files, `${path}.files`)
  )
}

/** Versions go up by one: what comes next can be told from the identifier alone, to the check character. */
function checkAmended(event: LicenceAmended): Refusal | undefined {
  const path = 'event.licence_amended'
  const malformed =
    checkIdentifier(event.supersedes, `${path}.supersedes`) ??
    checkLicence(event.licence, `${path}.licence`) ??
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
  const path = 'event.licence_corrected'
  return checkLicence(event.licence, `${path}.licence`) ?? checkDecision(event, path)
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

function checkIdentifier(text: string, field: string): Refusal | undefined {
  const reading = readIdentifier(text)
  return reading.kind === 'malformed' ? { ...reading.refusal, field } : undefined
}

function checkTypeOfIdentifier({ identifier, licenceType }: LicenceIssued, field: string): Refusal | undefined {
  const reading = readIdentifier(identifier)
  if (reading.kind === 'malformed' || reading.licenceType === undefined) return undefined
  if (reading.licenceType === licenceType) return undefined
  return refusal('LICENCE_TYPE_DIFFERS', { field, expected: reading.licenceType })
}

function checkAuthority(code: string, field: string): Refusal | undefined {
  return isCreditCode(code)
    ? undefined
    : refusal('AUTHORITY_CREDIT_CODE', { field, expected: 'a unified social credit code (GB 32100)' })
}

function checkLicenceType(code: string, field: string): Refusal | undefined {
  return isAlphanumeric(code, LICENCE_TYPE_LENGTH)
    ? undefined
    : refusal('LICENCE_TYPE_CODE', { field, expected: '21 characters of 0-9A-Z' })
}

function checkDate(text: string, field: string, presence: 'required' | 'may be empty'): Refusal | undefined {
  if (text === '' && presence === 'may be empty') return undefined
  return isDate(text) ? undefined : refusal('IMPOSSIBLE_DATE', { field, expected: 'a date that exists, YYYY-MM-DD' })
}

/** Dates of this form stand in the order of their texts. */
function checkPeriod({ validFrom, validUntil }: LicenceIssued, field: string): Refusal | undefined {
  if (validFrom === '' || validUntil === '' || validFrom <= validUntil) return undefined
  return refusal('PERIOD_REVERSED', { field, expected: `${validFrom} or later` })
}

function checkExtensions(extensions: readonly Extension[], field: string): Refusal | undefined {
  if (extensions.length > EXTENSIONS_LIMIT) {
    return refusal('TOO_MANY_EXTENSIONS', { field, expected: `at most ${EXTENSIONS_LIMIT}` })
  }
  let sizeBytes = 0
  for (let at = 0; at < extensions.length; at++) {
    const extension = extensions[at]!
    const malformed = checkExtension(extension, `${field}[${at}]`)
    if (malformed !== undefined) return malformed
    sizeBytes += utf8LengthBytes(extension.name) + utf8LengthBytes(extension.value)
  }
  if (sizeBytes > EXTENSIONS_LIMIT_BYTES) {
    return refusal('OVERSIZE_EXTENSION', { field, expected: `at most ${EXTENSIONS_LIMIT_BYTES} bytes together` })
  }
  if (extensions.length < 2) return undefined
  if (!hasRepetition(extensions.map(({ name }) => name))) return undefined
  return refusal('EXTENSION_REPEATED', { field, expected: 'every name once' })
}

function checkExtension({ name, value }: Extension, field: string): Refusal | undefined {
  const badName = checkText(name, EXTENSION_NAME, `${field}.name`)
  if (badName !== undefined) return badName
  const badValue = checkText(value, EXTENSION_VALUE, `${field}.value`)
  if (badValue?.code !== 'TEXT_TOO_LONG') return badValue
  return refusal('OVERSIZE_EXTENSION', { field: badValue.field, expected: badValue.expected })
}

function checkFiles(files: readonly FileDigest[], field: string): Refusal | undefined {
  if (files.length > FILES_LIMIT) return refusal('TOO_MANY_FILES', { field, expected: `at most ${FILES_LIMIT}` })
  for (const [at, file] of files.entries()) {
    const malformed = checkFile(file, `${field}[${at}]`)
    if (malformed !== undefined) return malformed
  }
  return undefined
}

function checkFile({ sha256, sm3, sizeBytes, mediaType }: FileDigest, field: string): Refusal | undefined {
  if (sha256.length !== DIGEST_LENGTH) return refusal('FILE_DIGEST', { field: `${field}.sha256`, expected: '32 bytes' })
  if (sm3.length !== DIGEST_LENGTH) return refusal('FILE_DIGEST', { field: `${field}.sm3`, expected: '32 bytes' })
  if (sizeBytes < 0n || sizeBytes > LARGEST_INDEX) {
    return refusal('FILE_SIZE', { field: `${field}.size_bytes`, expected: '0 to 2^63 - 1' })
  }
  if (MEDIA_TYPE.test(mediaType)) return undefined
  return refusal('MEDIA_TYPE', { field: `${field}.media_type`, expected: 'type/subtype in small letters' })
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
