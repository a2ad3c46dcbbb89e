import { isAlphanumeric } from './alphanumeric.ts'
import { isCreditCode } from './credit-code.ts'
import { isDate } from './date.ts'
import type { Extension, FileDigest, LicenceIssued } from './event.ts'
import { checkHolder } from './holder.ts'
import { readIdentifier } from './identifier.ts'
import { refusal } from './sentence.ts'
import { checkText, utf8LengthBytes } from './text.ts'
import type { Refusal } from './verdict.ts'

/** Bounds of a licence's lists; `proto/hutong/v1/payload.proto` states the same. */
export const EXTENSIONS_LIMIT = 64
/** Names and values of all extensions together, in UTF-8 bytes. */
export const EXTENSIONS_LIMIT_BYTES = 16_384
export const FILES_LIMIT = 16

const NAME = { shortest: 1, longest: 200 } as const
const LICENCE_NUMBER = { shortest: 0, longest: 100 } as const
const EXTENSION_NAME = { shortest: 1, longest: 64 } as const
const EXTENSION_VALUE = { shortest: 0, longest: 4096 } as const
const LICENCE_TYPE_LENGTH = 21
const DIGEST_LENGTH = 32
const LARGEST_SIZE_BYTES = 2n ** 63n - 1n
const MEDIA_TYPE = /^[a-z0-9][a-z0-9.+-]{0,62}\/[a-z0-9][a-z0-9.+-]{0,62}$/

/**
 * Why what a licence says cannot be written down, in whatever event it stands: its bounds, its dates, its period, and that
 * its identifier can be read and says its type. `fields` are its paths in the event.
 */
export function checkLicence(licence: LicenceIssued, fields: LicenceFields): Refusal | undefined {
  return (
    checkIdentifier(licence.identifier, fields.identifier) ??
    checkTypeOfIdentifier(licence, fields.licenceType) ??
    checkAuthority(licence.authority, fields.authority) ??
    checkText(licence.authorityName, NAME, fields.authorityName, 'name') ??
    checkLicenceType(licence.licenceType, fields.licenceType) ??
    checkText(licence.name, NAME, fields.name, 'name') ??
    checkText(licence.number, LICENCE_NUMBER, fields.number) ??
    checkDate(licence.issuedOn, fields.issuedOn, 'required') ??
    checkHolder(licence.holder, fields.holder) ??
    checkDate(licence.validFrom, fields.validFrom, 'may be empty') ??
    checkDate(licence.validUntil, fields.validUntil, 'may be empty') ??
    checkPeriod(licence, fields.validUntil) ??
    checkExtensions(licence.extensions, fields.extensions) ??
    checkFiles(licence.files, fields.files)
  )
}

/** The paths of a licence's fields in an event, for refusals. */
export interface LicenceFields {
  readonly identifier: string
  readonly authority: string
  readonly authorityName: string
  readonly licenceType: string
  readonly name: string
  readonly number: string
  readonly issuedOn: string
  readonly holder: string
  readonly validFrom: string
  readonly validUntil: string
  readonly extensions: string
  readonly files: string
}

/** The paths of a licence that stands at this path: made once for each such place, since every event is checked. */
export function licenceFieldsAt(path: string): LicenceFields {
  return {
    identifier: `${path}.identifier`,
    authority: `${path}.authority`,
    authorityName: `${path}.authority_name`,
    licenceType: `${path}.licence_type`,
    name: `${path}.name`,
    number: `${path}.number`,
    issuedOn: `${path}.issued_on`,
    holder: `${path}.holder`,
    validFrom: `${path}.valid_from`,
    validUntil: `${path}.valid_until`,
    extensions: `${path}.extensions`,
    files: `${path}.files`,
  }
}

/** Why a text is no licence identifier. */
export function checkIdentifier(text: string, field: string): Refusal | undefined {
  const reading = readIdentifier(text)
  return reading.kind === 'malformed' ? { ...reading.refusal, field } : undefined
}

/** Why a text is no credit code of an authority. */
export function checkAuthority(code: string, field: string): Refusal | undefined {
  return isCreditCode(code)
    ? undefined
    : refusal('AUTHORITY_CREDIT_CODE', { field, expected: 'a unified social credit code (GB 32100)' })
}

/** Why a text is no licence type code. */
export function checkLicenceType(code: string, field: string): Refusal | undefined {
  return isAlphanumeric(code, LICENCE_TYPE_LENGTH)
    ? undefined
    : refusal('LICENCE_TYPE_CODE', { field, expected: '21 characters of 0-9A-Z' })
}

/** Why a text is no calendar date. */
export function checkDate(text: string, field: string, presence: 'required' | 'may be empty'): Refusal | undefined {
  if (text === '' && presence === 'may be empty') return undefined
  return isDate(text) ? undefined : refusal('IMPOSSIBLE_DATE', { field, expected: 'a date that exists, YYYY-MM-DD' })
}

/** Why these digests cannot stand as the files of a licence. */
export function checkFiles(files: readonly FileDigest[], field: string): Refusal | undefined {
  if (files.length > FILES_LIMIT) return refusal('TOO_MANY_FILES', { field, expected: `at most ${FILES_LIMIT}` })
  for (const [at, file] of files.entries()) {
    const malformed = checkFile(file, `${field}[${at}]`)
    if (malformed !== undefined) return malformed
  }
  return undefined
}

function checkTypeOfIdentifier({ identifier, licenceType }: LicenceIssued, field: string): Refusal | undefined {
  const reading = readIdentifier(identifier)
  if (reading.kind === 'malformed' || reading.licenceType === undefined) return undefined
  if (reading.licenceType === licenceType) return undefined
  return refusal('LICENCE_TYPE_DIFFERS', { field, expected: reading.licenceType })
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
  if (new Set(extensions.map(({ name }) => name)).size === extensions.length) return undefined
  return refusal('EXTENSION_REPEATED', { field, expected: 'every name once' })
}

function checkExtension({ name, value }: Extension, field: string): Refusal | undefined {
  const badName = checkText(name, EXTENSION_NAME, `${field}.name`)
  if (badName !== undefined) return badName
  const badValue = checkText(value, EXTENSION_VALUE, `${field}.value`)
  if (badValue?.code !== 'TEXT_TOO_LONG') return badValue
  return refusal('OVERSIZE_EXTENSION', { field: badValue.field, expected: badValue.expected })
}

function checkFile({ sha256, sm3, sizeBytes, mediaType }: FileDigest, field: string): Refusal | undefined {
  if (sha256.length !== DIGEST_LENGTH) return refusal('FILE_DIGEST', { field: `${field}.sha256`, expected: '32 bytes' })
  if (sm3.length !== DIGEST_LENGTH) return refusal('FILE_DIGEST', { field: `${field}.sm3`, expected: '32 bytes' })
  if (sizeBytes < 0n || sizeBytes > LARGEST_SIZE_BYTES) {
    return refusal('FILE_SIZE', { field: `${field}.size_bytes`, expected: '0 to 2^63 - 1' })
  }
  if (MEDIA_TYPE.test(mediaType)) return undefined
  return refusal('MEDIA_TYPE', { field: `${field}.media_type`, expected: 'type/subtype in small letters' })
}
