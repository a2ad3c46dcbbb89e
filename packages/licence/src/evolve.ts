import { sameLicence } from './content.ts'
import type {
  LicenceEvent,
  LicenceIssued,
  LicenceRenewed,
  RecognitionDeclared,
  RecognitionEvent,
  RecognitionWithdrawn,
} from './event.ts'
import { namedLicence } from './named-licence.ts'
import { refusal } from './sentence.ts'
import type { DeclarationState, DeclarationVersion, LicenceState, LicenceVersions } from './state.ts'
import type { Refusal } from './verdict.ts'

/**
 * What a licence comes to after one more event, or why the event does not follow from what was before. Total and pure;
 * it looks neither at the event's form nor at who may say it. A refused event leaves the state as it is.
 */
export function evolveLicence(state: LicenceState, event: LicenceEvent): LicenceState | Refusal {
  switch (state.kind) {
    case 'none':
      return event.kind === 'licence_issued'
        ? { kind: 'in_force', licence: event, superseded: [] }
        : refusal('NOT_ISSUED')
    case 'revoked':
      return refusal('ALREADY_REVOKED')
    case 'in_force':
    case 'suspended':
      return event.kind === 'licence_issued' ? refusal('ALREADY_ISSUED') : evolveIssued(state, event)
  }
}

/** When a declaration's event was logged, and what the charter in force there demands of declarations. */
export interface DeclarationTerms {
  /** The leaf's time. */
  readonly loggedAtMs: number
  /** Shortest time between the leaf and the day the declaration takes effect; 0 demands nothing, also of the past. */
  readonly leadMs: number
  /** Shortest time in force after the leaf; 0 demands nothing. */
  readonly minimumMs: number
}

/** As `evolveLicence`, for a declaration of recognition. Versions start at 1 and go up by one, withdrawals included. */
export function evolveDeclaration(
  state: DeclarationState,
  event: RecognitionEvent,
  at: DeclarationTerms,
): DeclarationState | Refusal {
  const before = state.versions.at(-1)
  if (before === undefined && event.kind === 'recognition_withdrawn') return refusal('NOT_DECLARED_BEFORE')
  const next = (before?.version ?? 0) + 1
  if (event.version !== next) {
    return refusal('VERSION_SKIPS', { field: `event.${event.kind}.version`, expected: String(next) })
  }
  const version = event.kind === 'recognition_declared' ? declare(event, at) : withdraw(event, at, before)
  return 'code' in version ? version : { versions: [...state.versions, version] }
}

/**
 * The declaration that decides at a time: the newest version that has begun to decide, unless that is a withdrawal or
 * over. A newer version hides an older one also where it ends earlier.
 */
export function declarationInForce(state: DeclarationState, atMs: number): RecognitionDeclared | undefined {
  const declared = state.versions.findLast(({ fromMs }) => fromMs <= atMs)?.declared
  if (declared === undefined) return undefined
  return declared.effectiveUntilMs === undefined || atMs < declared.effectiveUntilMs ? declared : undefined
}

type LicenceChange = Exclude<LicenceEvent, LicenceIssued>
type IssuedState = Extract<LicenceState, { readonly kind: 'in_force' | 'suspended' }>

function evolveIssued(state: IssuedState, event: LicenceChange): LicenceState | Refusal {
  const stranger = refuseStranger(state, event)
  if (stranger !== undefined) return stranger
  const { licence, superseded } = state
  switch (event.kind) {
    case 'licence_suspended':
      return state.kind === 'suspended' ? refusal('ALREADY_SUSPENDED') : { kind: 'suspended', licence, superseded }
    case 'licence_resumed':
      return state.kind === 'suspended' ? { kind: 'in_force', licence, superseded } : refusal('NOT_SUSPENDED')
    case 'licence_revoked':
      return { kind: 'revoked', licence, superseded, manner: event.manner }
    // What changes the content keeps the standing: a suspended licence is suspended in its new version too.
    case 'licence_amended':
      return (
        refuseOtherLicence(licence, event.licence, event.kind) ?? {
          kind: state.kind,
          licence: event.licence,
          superseded: [...superseded, licence.identifier],
        }
      )
    case 'licence_renewed':
      return refuseRenewal(licence, event) ?? { kind: state.kind, licence: renewed(licence, event), superseded }
    case 'licence_corrected':
      return (
        refuseOtherLicence(licence, event.licence, event.kind) ??
        (sameLicence(licence, event.licence)
          ? refusal('NOTHING_CORRECTED', { field: 'event.licence_corrected.licence' })
          : { kind: state.kind, licence: event.licence, superseded })
      )
  }
}

/** An event must name the version that counts, and be the word of the authority that issued it. */
function refuseStranger({ licence, superseded }: LicenceVersions, event: LicenceChange): Refusal | undefined {
  const { identifier, authority, fields } = namedLicence(event)
  if (identifier !== licence.identifier) {
    const code = superseded.includes(identifier) ? 'VERSION_SUPERSEDED' : 'VERSION_UNKNOWN'
    return refusal(code, { field: fields.identifier, expected: licence.identifier })
  }
  if (authority === licence.authority) return undefined
  return refusal('AUTHORITY_DIFFERS', { field: fields.authority, expected: licence.authority })
}

/**
 * What no amendment and no correction may change, because the licence would be another: its type (the authority's power was
 * judged by it, and declarations recognise by it), and that it is a demonstration document (else an invented licence
 * becomes a real one without ever having been issued). Everything else may have been written wrongly, the holder's number
 * and the dates above all: the history keeps what was said before, and by whom it was put right.
 */
function refuseOtherLicence(
  before: LicenceIssued,
  after: LicenceIssued,
  kind: 'licence_amended' | 'licence_corrected',
): Refusal | undefined {
  const path = `event.${kind}.licence`
  if (after.licenceType !== before.licenceType) {
    return refusal('FIELD_FIXED', { field: `${path}.licence_type`, expected: before.licenceType })
  }
  if (after.demonstration === before.demonstration) return undefined
  return refusal('FIELD_FIXED', { field: `${path}.demonstration`, expected: String(before.demonstration) })
}

/** Dates of this form stand in the order of their texts. */
function refuseRenewal({ validFrom, validUntil }: LicenceIssued, event: LicenceRenewed): Refusal | undefined {
  const field = 'event.licence_renewed.valid_until'
  if (validUntil === '') return refusal('RENEWAL_WITHOUT_END', { field })
  if (event.validUntil < validFrom) return refusal('PERIOD_REVERSED', { field, expected: `later than ${validUntil}` })
  if (event.validUntil > validUntil) return undefined
  return refusal('RENEWAL_NOT_LATER', { field, expected: `later than ${validUntil}` })
}

function renewed(licence: LicenceIssued, { validUntil, files }: LicenceRenewed): LicenceIssued {
  return { ...licence, validUntil, files: files.length > 0 ? files : licence.files }
}

function declare(event: RecognitionDeclared, at: DeclarationTerms): DeclarationVersion | Refusal {
  const earliestMs = at.loggedAtMs + at.leadMs
  if (at.leadMs > 0 && event.effectiveFromMs < earliestMs) {
    return refusal('TOO_SOON', { field: 'event.recognition_declared.effective_from_ms', expected: `>= ${earliestMs}` })
  }
  const soonestEndMs = Math.max(event.effectiveFromMs, at.loggedAtMs) + at.minimumMs
  if (at.minimumMs > 0 && event.effectiveUntilMs !== undefined && event.effectiveUntilMs < soonestEndMs) {
    const expected = `0 or >= ${soonestEndMs}`
    return refusal('TOO_SHORT', { field: 'event.recognition_declared.effective_until_ms', expected })
  }
  return { version: event.version, fromMs: event.effectiveFromMs, declared: event }
}

function withdraw(
  event: RecognitionWithdrawn,
  at: DeclarationTerms,
  before: DeclarationVersion | undefined,
): DeclarationVersion | Refusal {
  const fromMs = event.effectiveFromMs ?? at.loggedAtMs
  // A withdrawal announced for later may be brought forward, but not put off: that would be a declaration in disguise.
  const alreadyGone = before !== undefined && before.declared === undefined && before.fromMs <= fromMs
  return alreadyGone ? refusal('ALREADY_WITHDRAWN') : { version: event.version, fromMs, declared: undefined }
}
