import type {
  Event,
  FileDigest,
  Holder,
  LicenceAmended,
  LicenceCorrected,
  LicenceIssued,
  LicenceRenewed,
  RecognitionDeclared,
  RecognitionMode,
  Restated,
  RevocationManner,
} from '@hutong/licence'
import type * as wire from '@hutong/proto/payload'
import { LicenceIssued as WireLicenceIssued } from '@hutong/proto/payload'
import { boundedTime, isTime, largestIndex } from './bounds.ts'
import { asBuffer, asBytes } from './bytes.ts'
import { assertTexts, unknownFieldIn } from './generated-message.ts'

/** What an event in wire form comes to. */
export type EventReading =
  | { readonly kind: 'event'; readonly event: Event }
  /** It says something this reader does not know: another case, an enum value, a field below 1000. */
  | { readonly kind: 'not_understood'; readonly why: string }
  /** It breaks a bound of the wire: a time beyond 2^53 - 1, an index beyond 2^63 - 1. */
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * An event as a generated decoder read it, in the domain's form. Fields are bounded by `licence`'s form check, not here.
 * Bytes fields are views of what was read.
 */
export function eventFromWire(message: wire.Event): EventReading {
  const unknown = unknownFieldIn(message)
  return unknown === undefined ? eventFromMessage(message) : { kind: 'not_understood', why: unknown }
}

/** The same for a message whose unknown fields were already judged. */
export function eventFromMessage(message: wire.Event): EventReading {
  const chosen = message.event
  switch (chosen?.$case) {
    case undefined:
      return notUnderstood('no event that is known here')
    case 'licenceIssued':
      return licenceIssued(chosen.value)
    case 'licenceAmended':
      return licenceAmended(chosen.value)
    case 'licenceSuspended':
      return understood({ kind: 'licence_suspended', ...decision(chosen.value) })
    case 'licenceResumed':
      return understood({ kind: 'licence_resumed', ...decision(chosen.value) })
    case 'licenceRevoked':
      return licenceRevoked(chosen.value)
    case 'licenceRenewed':
      return licenceRenewed(chosen.value)
    case 'licenceCorrected':
      return licenceCorrected(chosen.value)
    case 'recognitionDeclared':
      return recognitionDeclared(chosen.value)
    case 'recognitionWithdrawn':
      return recognitionWithdrawn(chosen.value)
    case 'restated':
      return restated(chosen.value)
    case 'observed':
      return understood({ kind: 'observed', head: asBytes(chosen.value.head) })
  }
}

/**
 * An event in wire form.
 * @throws {RangeError} a text with a lone surrogate, a time, index or size out of range: it would be read back as something else.
 */
export function eventToWire(event: Event): wire.Event {
  const message: wire.Event = { event: caseOf(event) }
  assertTexts(message)
  return message
}

function caseOf(event: Event): NonNullable<wire.Event['event']> {
  switch (event.kind) {
    case 'licence_issued':
      return { $case: 'licenceIssued', value: licenceIssuedToWire(event) }
    case 'licence_amended':
      return { $case: 'licenceAmended', value: licenceAmendedToWire(event) }
    case 'licence_suspended':
      return { $case: 'licenceSuspended', value: decision(event) }
    case 'licence_resumed':
      return { $case: 'licenceResumed', value: decision(event) }
    case 'licence_revoked':
      return { $case: 'licenceRevoked', value: { ...decision(event), manner: mannerNumbers[event.manner] } }
    case 'licence_renewed':
      return { $case: 'licenceRenewed', value: licenceRenewedToWire(event) }
    case 'licence_corrected':
      return { $case: 'licenceCorrected', value: licenceCorrectedToWire(event) }
    case 'recognition_declared':
      return { $case: 'recognitionDeclared', value: recognitionDeclaredToWire(event) }
    case 'recognition_withdrawn': {
      const { declarationId, version, effectiveFromMs, reason } = event
      const value = { declarationId, version, effectiveFromMs: timeOrNone(effectiveFromMs), reason }
      return { $case: 'recognitionWithdrawn', value }
    }
    case 'restated':
      return { $case: 'restated', value: restatedToWire(event) }
    case 'observed':
      return { $case: 'observed', value: { head: asBuffer(event.head) } }
  }
}

/** A licence as its event says it, in wire form. */
export function licenceIssuedToWire(event: LicenceIssued): wire.LicenceIssued {
  const { identifier, authority, authorityName, licenceType, name, number, issuedOn, validFrom, validUntil } = event
  return {
    identifier,
    authority,
    authorityName,
    licenceType,
    name,
    number,
    issuedOn,
    holder: holder(event.holder),
    validFrom,
    validUntil,
    extensions: event.extensions.map((extension) => ({ name: extension.name, value: extension.value })),
    files: event.files.map(fileDigestToWire),
    demonstration: event.demonstration,
  }
}

/** A declaration as its event says it, in wire form. */
export function recognitionDeclaredToWire(event: RecognitionDeclared): wire.RecognitionDeclared {
  const { declarationId, version, licenceType, issuingZones, matters, fields, legalBasis } = event
  return {
    declarationId,
    version,
    licenceType,
    issuingZones: [...issuingZones],
    matters: [...matters],
    mode: modeNumbers[event.mode],
    effectiveFromMs: time(event.effectiveFromMs),
    effectiveUntilMs: timeOrNone(event.effectiveUntilMs),
    fields: [...fields],
    legalBasis,
  }
}

/** Reads a licence out of its wire form; undefined where a bound is broken. */
export function licenceIssuedFromMessage(value: wire.LicenceIssued): LicenceIssued | undefined {
  const files = filesFromMessages(value.files)
  return (
    files && {
      kind: 'licence_issued',
      identifier: value.identifier,
      authority: value.authority,
      authorityName: value.authorityName,
      licenceType: value.licenceType,
      name: value.name,
      number: value.number,
      issuedOn: value.issuedOn,
      holder: value.holder === undefined ? noHolder : holder(value.holder),
      validFrom: value.validFrom,
      validUntil: value.validUntil,
      extensions: value.extensions.map((extension) => ({ name: extension.name, value: extension.value })),
      files,
      demonstration: value.demonstration,
    }
  )
}

export const modeNumbers: Readonly<Record<RecognitionMode, 1 | 2>> = { cross_province: 1, on_behalf: 2 }
export const modes: readonly (RecognitionMode | undefined)[] = [undefined, 'cross_province', 'on_behalf']
export const mannerNumbers: Readonly<Record<RevocationManner, 1 | 2 | 3>> = { cancelled: 1, withdrawn: 2, penalty: 3 }
const manners: readonly (RevocationManner | undefined)[] = [undefined, 'cancelled', 'withdrawn', 'penalty']

const understood = (event: Event): EventReading => ({ kind: 'event', event })
const notUnderstood = (why: string): EventReading => ({ kind: 'not_understood', why })
const unreadable = (why: string): EventReading => ({ kind: 'unreadable', why })
const unreadableFile: EventReading = unreadable('a file size beyond 2^63 - 1')

function licenceIssued(value: wire.LicenceIssued): EventReading {
  const licence = licenceIssuedFromMessage(value)
  return licence === undefined ? unreadableFile : understood(licence)
}

function licenceAmended({ licence: message, supersedes, reason, decidedOn }: wire.LicenceAmended): EventReading {
  const licence = licenceIssuedFromMessage(message ?? noLicence)
  if (licence === undefined) return unreadableFile
  return understood({ kind: 'licence_amended', licence, supersedes, reason, decidedOn })
}

function licenceRenewed(value: wire.LicenceRenewed): EventReading {
  const files = filesFromMessages(value.files)
  if (files === undefined) return unreadableFile
  return understood({ kind: 'licence_renewed', ...decision(value), validUntil: value.validUntil, files })
}

function licenceCorrected({ licence: message, reason, decidedOn }: wire.LicenceCorrected): EventReading {
  const licence = licenceIssuedFromMessage(message ?? noLicence)
  return licence === undefined ? unreadableFile : understood({ kind: 'licence_corrected', licence, reason, decidedOn })
}

function filesFromMessages(messages: readonly wire.FileDigest[]): readonly FileDigest[] | undefined {
  const files: FileDigest[] = []
  for (const { sha256, sm3, sizeBytes, mediaType } of messages) {
    if (sizeBytes > largestIndex) return undefined
    files.push({ sha256: asBytes(sha256), sm3: asBytes(sm3), sizeBytes, mediaType })
  }
  return files
}

// A missing licence is for the form check to refuse, like a missing holder: its identifier is empty.
const noLicence: wire.LicenceIssued = WireLicenceIssued.decode(new Uint8Array())

// A missing holder is for the form check to refuse: its name and number are empty.
const noHolder: Holder = { name: '', code: '', codeType: '' }

function holder({ name, code, codeType }: Holder): Holder {
  return { name, code, codeType }
}

interface Decision {
  readonly identifier: string
  readonly authority: string
  readonly reason: string
  readonly decidedOn: string
}

function decision({ identifier, authority, reason, decidedOn }: Decision): Decision {
  return { identifier, authority, reason, decidedOn }
}

function licenceRevoked(value: wire.LicenceRevoked): EventReading {
  const manner = manners[value.manner]
  if (manner === undefined) return notUnderstood(`LicenceRevoked: manner ${value.manner}`)
  return understood({ kind: 'licence_revoked', ...decision(value), manner })
}

function recognitionDeclared(value: wire.RecognitionDeclared): EventReading {
  const mode = modes[value.mode]
  if (mode === undefined) return notUnderstood(`RecognitionDeclared: mode ${value.mode}`)
  const effectiveFromMs = boundedTime(value.effectiveFromMs)
  const effectiveUntilMs = boundedTime(value.effectiveUntilMs)
  if (effectiveFromMs === undefined || effectiveUntilMs === undefined) return unreadable('a time beyond 2^53 - 1')
  return understood({
    kind: 'recognition_declared',
    declarationId: value.declarationId,
    version: value.version,
    licenceType: value.licenceType,
    issuingZones: value.issuingZones,
    matters: value.matters,
    mode,
    effectiveFromMs,
    effectiveUntilMs: effectiveUntilMs === 0 ? undefined : effectiveUntilMs,
    fields: value.fields,
    legalBasis: value.legalBasis,
  })
}

function recognitionWithdrawn(value: wire.RecognitionWithdrawn): EventReading {
  const { declarationId, version, reason } = value
  const fromMs = boundedTime(value.effectiveFromMs)
  if (fromMs === undefined) return unreadable('a time beyond 2^53 - 1')
  const effectiveFromMs = fromMs === 0 ? undefined : fromMs
  return understood({ kind: 'recognition_withdrawn', declarationId, version, effectiveFromMs, reason })
}

function restated({ about, index, leafHash: hash }: wire.Restated): EventReading {
  const leafHash = asBytes(hash)
  if (index > largestIndex) return unreadable('an index beyond 2^63 - 1')
  switch (about?.$case) {
    case undefined:
      return notUnderstood('Restated: about nothing that is known here')
    case 'identifier':
      return understood({ kind: 'restated', about: { kind: 'licence', identifier: about.value }, index, leafHash })
    case 'declarationId':
      return understood({
        kind: 'restated',
        about: { kind: 'declaration', declarationId: about.value },
        index,
        leafHash,
      })
  }
}

function restatedToWire({ about, index, leafHash }: Restated): wire.Restated {
  if (index < 0n || index > largestIndex) throw new RangeError(`leaf index ${index}`)
  const named: wire.Restated['about'] =
    about.kind === 'licence'
      ? { $case: 'identifier', value: about.identifier }
      : { $case: 'declarationId', value: about.declarationId }
  return { about: named, index, leafHash: asBuffer(leafHash) }
}

function licenceAmendedToWire({ licence, supersedes, reason, decidedOn }: LicenceAmended): wire.LicenceAmended {
  return { licence: licenceIssuedToWire(licence), supersedes, reason, decidedOn }
}

function licenceRenewedToWire(event: LicenceRenewed): wire.LicenceRenewed {
  return { ...decision(event), validUntil: event.validUntil, files: event.files.map(fileDigestToWire) }
}

function licenceCorrectedToWire({ licence, reason, decidedOn }: LicenceCorrected): wire.LicenceCorrected {
  return { licence: licenceIssuedToWire(licence), reason, decidedOn }
}

function fileDigestToWire({ sha256, sm3, sizeBytes, mediaType }: FileDigest): wire.FileDigest {
  if (sizeBytes < 0n || sizeBytes > largestIndex) throw new RangeError(`file size ${sizeBytes}`)
  return { sha256: asBuffer(sha256), sm3: asBuffer(sm3), sizeBytes, mediaType }
}

function time(milliseconds: number): bigint {
  if (!isTime(milliseconds)) throw new RangeError(`time ${milliseconds}`)
  return BigInt(milliseconds)
}

/** 0 on the wire says none, so a time of 0 cannot be said. */
function timeOrNone(milliseconds: number | undefined): bigint {
  if (milliseconds === undefined) return 0n
  if (milliseconds === 0) throw new RangeError('a time of 0 means none')
  return time(milliseconds)
}
