import { alphanumericValue, isAlphanumericBetween, isDigitsBetween } from './alphanumeric.ts'
import { type Bilingual, refusal } from './sentence.ts'
import type { Refusal } from './verdict.ts'

/** Longest licence identifier, in characters. */
export const IDENTIFIER_LENGTH_LIMIT = 128
/** Longest serial part, in characters. */
export const SERIAL_LENGTH_LIMIT = 32

const STANDARD_ROOT = '1.2.156.3005.2.'
const BRANCH_3003_ROOT = '1.2.156.3003.2.'
const TYPE_LENGTH = 21
const ISSUER_LENGTH = 18
const REGION_LENGTH = 6
const VERSION_LENGTH = 3
const LAST_VERSION = '999'
const DOT = 46
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** Who a licence identifier says has issued it: an authority by credit code, or a region by its six digits. */
export interface IdentifierIssuer {
  readonly kind: 'credit_code' | 'region'
  readonly code: string
}

/** What a licence identifier (GB/T 36904) turned out to be. */
export type IdentifierReading = WellFormedIdentifier | VariantIdentifier | MalformedIdentifier

/** As GB/T 36904 has it, its check character right; the issuer part may also be six digits, as met in the field. */
export interface WellFormedIdentifier {
  readonly kind: 'well_formed'
  readonly identifier: string
  /** 21 characters. */
  readonly licenceType: string
  readonly issuer: IdentifierIssuer
  readonly serial: string
  /** Three digits, from 001. */
  readonly version: string
  /** The identifier without version and check character: the same for all versions. */
  readonly subjectString: string
}

/** Not as the standard has it, but met in the field. Nothing says how its check character is made: it is not judged. */
export interface VariantIdentifier {
  readonly kind: 'variant'
  readonly variant: 'branch_3003'
  readonly identifier: string
  /** The whole identifier. */
  readonly subjectString: string
  /** Present where the parts are laid out as the standard's. */
  readonly issuer?: IdentifierIssuer
  readonly licenceType?: string
}

export interface MalformedIdentifier {
  readonly kind: 'malformed'
  /** CHECK_CHARACTER, MISSING_IDENTIFIER, or MALFORMED_IDENTIFIER naming the part and what was expected. */
  readonly refusal: Refusal
}

/**
 * Reads a licence identifier character for character: no blanks are trimmed and no letters raised, because the same
 * licence must not be found under two spellings. `1.2.156.3005.2.<type 21>.<issuer 18 or 6>.<serial>.<version 3>.<check>`.
 */
export function readIdentifier(text: string): IdentifierReading {
  if (newest?.text !== text) newest = { text, reading: readAnew(text) }
  return newest.reading
}

/** Form and authority of one event read the same identifier one after the other: the newest reading is kept, and nothing more. */
let newest: { readonly text: string; readonly reading: IdentifierReading } | undefined

function readAnew(text: string): IdentifierReading {
  if (text.length === 0) return { kind: 'malformed', refusal: refusal('MISSING_IDENTIFIER', { field: 'identifier' }) }
  if (text.length > IDENTIFIER_LENGTH_LIMIT) return malformed(parts.whole)
  if (text.startsWith(BRANCH_3003_ROOT)) return readBranch3003(text)
  if (!text.startsWith(STANDARD_ROOT)) return malformed(parts.root)
  const layout = readLayout(text, STANDARD_ROOT.length)
  if ('expected' in layout) return malformed(layout)
  const { issuerStart, serialStart, versionStart } = layout
  const expected = checkCharacterBetween(text, STANDARD_ROOT.length, text.length - 2)
  if (text[text.length - 1] !== expected) {
    return { kind: 'malformed', refusal: refusal('CHECK_CHARACTER', { field: 'identifier', expected }) }
  }
  return {
    kind: 'well_formed',
    identifier: text,
    licenceType: text.slice(STANDARD_ROOT.length, issuerStart - 1),
    issuer: issuerOf(text, layout),
    serial: text.slice(serialStart, versionStart - 1),
    version: text.slice(versionStart, versionStart + VERSION_LENGTH),
    subjectString: text.slice(0, versionStart - 1),
  }
}

/**
 * The check character of GB/T 36904, ISO 7064 MOD 37,36, over type, issuer, serial and version without dots.
 *
 * @throws {TypeError} a character is not of 0-9A-Z.
 */
export function identifierCheckCharacter(characters: string): string {
  if (!isAlphanumericBetween(characters, 0, characters.length)) {
    throw new TypeError('check character of an identifier: want characters of 0-9A-Z')
  }
  return checkCharacterBetween(characters, 0, characters.length)
}

/**
 * The identifier of the version after this one, its check character computed. Undefined where none follows: of a variant,
 * whose parts nothing vouches for, of a malformed one, and after 999.
 */
export function nextVersionOf(identifier: string): string | undefined {
  const reading = readIdentifier(identifier)
  if (reading.kind !== 'well_formed' || reading.version === LAST_VERSION) return undefined
  const { licenceType, issuer, serial, subjectString } = reading
  const version = String(Number(reading.version) + 1).padStart(VERSION_LENGTH, '0')
  const check = identifierCheckCharacter(`${licenceType}${issuer.code}${serial}${version}`)
  return `${subjectString}.${version}.${check}`
}

/**
 * The string by which events about one licence find each other: the identifier without its last two parts, and for
 * everything not laid out as the standard has it the whole text. It asks for no more than the layout, so that an event
 * whose identifier is malformed is still known to speak about that licence.
 */
export function identifierSubjectString(text: string): string {
  if (!text.startsWith(STANDARD_ROOT)) return text
  let dots = 0
  let versionDot = 0
  let checkDot = 0
  for (let at = STANDARD_ROOT.length; at < text.length; at++) {
    if (text.charCodeAt(at) !== DOT) continue
    dots++
    versionDot = checkDot
    checkDot = at
  }
  return dots === 4 ? text.slice(0, versionDot) : text
}

/** Where the parts begin; all of them have the length and the characters they should. */
interface Layout {
  readonly issuerStart: number
  readonly serialStart: number
  readonly versionStart: number
}

interface Part extends Bilingual {
  readonly expected: string
}

const parts = {
  whole: { zh: '全长', en: 'length', expected: `at most ${IDENTIFIER_LENGTH_LIMIT} characters` },
  root: { zh: '根', en: 'root', expected: '1.2.156.3005.2. (or the branch 1.2.156.3003.2.)' },
  licenceType: { zh: '证照类型代码', en: 'licence type', expected: '21 characters of 0-9A-Z' },
  issuer: { zh: '颁发机构代码', en: 'issuer', expected: '18 characters of 0-9A-Z, or 6 digits' },
  serial: { zh: '流水号', en: 'serial', expected: `1 to ${SERIAL_LENGTH_LIMIT} characters of 0-9A-Z` },
  version: { zh: '版本号', en: 'version', expected: 'three digits, from 001' },
  check: { zh: '校验位', en: 'check character', expected: 'one character of 0-9A-Z at the end' },
  branch: { zh: '3003 分支', en: 'branch 3003', expected: 'parts of 0-9A-Z between single dots' },
} as const satisfies Record<string, Part>

function readLayout(text: string, start: number): Layout | Part {
  const issuerStart = start + TYPE_LENGTH + 1
  if (text.charCodeAt(issuerStart - 1) !== DOT || !isAlphanumericBetween(text, start, issuerStart - 1)) {
    return parts.licenceType
  }
  const serialStart = text.indexOf('.', issuerStart) + 1
  if (!isIssuer(text, issuerStart, serialStart - 1)) return parts.issuer
  const versionStart = text.indexOf('.', serialStart) + 1
  const serialLength = versionStart - 1 - serialStart
  if (serialLength < 1 || serialLength > SERIAL_LENGTH_LIMIT) return parts.serial
  if (!isAlphanumericBetween(text, serialStart, versionStart - 1)) return parts.serial
  const versionEnd = versionStart + VERSION_LENGTH
  if (text.charCodeAt(versionEnd) !== DOT || !isDigitsBetween(text, versionStart, versionEnd)) return parts.version
  if (text.startsWith('000', versionStart)) return parts.version
  if (text.length !== versionEnd + 2 || alphanumericValue(text.charCodeAt(versionEnd + 1)) < 0) return parts.check
  return { issuerStart, serialStart, versionStart }
}

function isIssuer(text: string, start: number, end: number): boolean {
  if (end - start === ISSUER_LENGTH) return isAlphanumericBetween(text, start, end)
  return end - start === REGION_LENGTH && isDigitsBetween(text, start, end)
}

function issuerOf(text: string, { issuerStart, serialStart }: Layout): IdentifierIssuer {
  const code = text.slice(issuerStart, serialStart - 1)
  return { kind: code.length === REGION_LENGTH ? 'region' : 'credit_code', code }
}

function readBranch3003(text: string): VariantIdentifier | MalformedIdentifier {
  if (!isDottedAlphanumeric(text)) return malformed(parts.branch)
  const whole = { kind: 'variant', variant: 'branch_3003', identifier: text, subjectString: text } as const
  const layout = readLayout(text, BRANCH_3003_ROOT.length)
  if ('expected' in layout) return whole
  const licenceType = text.slice(BRANCH_3003_ROOT.length, layout.issuerStart - 1)
  return { ...whole, issuer: issuerOf(text, layout), licenceType }
}

function isDottedAlphanumeric(text: string): boolean {
  let previous = DOT
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === DOT ? previous === DOT : alphanumericValue(code) < 0) return false
    previous = code
  }
  return previous !== DOT
}

function checkCharacterBetween(text: string, start: number, end: number): string {
  let product = 36
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === DOT) continue
    const sum = (product + alphanumericValue(code)) % 36
    product = ((sum === 0 ? 36 : sum) * 2) % 37
  }
  return ALPHABET[(37 - product) % 36]!
}

function malformed(part: Part): MalformedIdentifier {
  const about = { field: 'identifier', expected: part.expected, parameters: { part } }
  return { kind: 'malformed', refusal: refusal('MALFORMED_IDENTIFIER', about) }
}
