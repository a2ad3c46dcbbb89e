import type { DeclarationState, LicenceState } from '@hutong/licence'
import { DeclarationStateRecord, LicenceStateRecord, DigestRow as WireDigestRow } from '@hutong/proto/state'
import { isTime, largestIndex } from './bounds.ts'
import { asBuffer } from './bytes.ts'
import { licenceIssuedToWire, mannerNumbers, recognitionDeclaredToWire } from './event.ts'
import { assertTexts } from './generated-message.ts'
import { digestRowRule } from './rules.ts'
import { readStrictly } from './strict-reader.ts'

/** The folded state of a subject. */
export type SubjectState =
  | { readonly kind: 'licence'; readonly state: LicenceState }
  | { readonly kind: 'declaration'; readonly state: DeclarationState }

/** One row of the state digest (formats F15). */
export interface DigestRow {
  /** Zone id. */
  readonly zone: string
  /** The leaf's subject, 32 bytes. */
  readonly subject: Uint8Array
  readonly events: readonly DigestEvent[]
  /** undefined for a redacted subject. */
  readonly state: SubjectState | undefined
}

/** One event of a row. */
export interface DigestEvent {
  /** H index of its batch. */
  readonly position: bigint
  /** Place in the batch, from 0. */
  readonly place: number
  /** RFC 6962 leaf hash, 32 bytes. */
  readonly leafHash: Uint8Array
  /** STANDS, or why it does not; empty for a redacted subject. */
  readonly verdict: string
}

/** The bytes of a folded state: equal states, equal bytes, everywhere. */
export function stateBytes(subject: SubjectState): Uint8Array {
  assertTexts(subject)
  switch (subject.kind) {
    case 'licence':
      return LicenceStateRecord.encode(licenceStateToWire(subject.state)).finish()
    case 'declaration':
      return DeclarationStateRecord.encode(declarationStateToWire(subject.state)).finish()
  }
}

/**
 * The bytes of one row of the state digest.
 * @throws {RangeError} a hash or subject that is not of 32 bytes, a number out of range, a text with a lone surrogate.
 */
export function digestRowBytes(row: DigestRow): Uint8Array {
  assertTexts(row)
  return WireDigestRow.encode({
    zone: row.zone,
    subject: hash(row.subject),
    events: row.events.map(({ position, place, leafHash, verdict }) => {
      if (position < 0n || position > largestIndex) throw new RangeError(`position ${position}`)
      return { position, place, leafHash: hash(leafHash), verdict }
    }),
    state: row.state && subjectStateToWire(row.state),
  }).finish()
}

/** What the bytes of a row come to. Its state is only ever compared as bytes, and is not read. */
export type DigestRowReading =
  | { readonly kind: 'row'; readonly row: Pick<DigestRow, 'zone' | 'subject' | 'events'> }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Reads a row of another's state digest strictly. Never throws. */
export function decodeDigestRow(bytes: Uint8Array): DigestRowReading {
  const reading = readStrictly(digestRowRule, bytes)
  if (reading.kind === 'unreadable') return reading
  if (reading.unknown !== undefined) return { kind: 'unreadable', why: reading.unknown }
  const { zone, subject, events } = reading.message
  if (subject.length !== 32) return { kind: 'unreadable', why: 'a subject that is not of 32 bytes' }
  if (events.some(({ position, leafHash }) => position > largestIndex || leafHash.length !== 32)) {
    return { kind: 'unreadable', why: 'an event without a place or a leaf hash' }
  }
  return { kind: 'row', row: { zone, subject, events } }
}

function subjectStateToWire(subject: SubjectState): WireDigestRow['state'] {
  switch (subject.kind) {
    case 'licence':
      return { $case: 'licence', value: licenceStateToWire(subject.state) }
    case 'declaration':
      return { $case: 'declaration', value: declarationStateToWire(subject.state) }
  }
}

const standings = { none: 1, in_force: 2, suspended: 3, revoked: 4 } as const

function licenceStateToWire(state: LicenceState): LicenceStateRecord {
  const standing = standings[state.kind]
  switch (state.kind) {
    case 'none':
      return { standing, licence: undefined, manner: 0, superseded: [] }
    case 'in_force':
    case 'suspended':
    case 'revoked': {
      const manner = state.kind === 'revoked' ? mannerNumbers[state.manner] : 0
      return { standing, licence: licenceIssuedToWire(state.licence), manner, superseded: [...state.superseded] }
    }
  }
}

function declarationStateToWire(state: DeclarationState): DeclarationStateRecord {
  return {
    versions: state.versions.map(({ version, fromMs, declared }) => {
      if (!isTime(fromMs)) throw new RangeError(`time ${fromMs}`)
      return { version, fromMs: BigInt(fromMs), declared: declared && recognitionDeclaredToWire(declared) }
    }),
  }
}

function hash(bytes: Uint8Array): Buffer {
  if (bytes.length !== 32) throw new RangeError(`a hash of ${bytes.length} bytes`)
  return asBuffer(bytes)
}
