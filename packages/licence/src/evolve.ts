import type {
  LicenceEvent,
  LicenceIssued,
  LicenceResumed,
  LicenceRevoked,
  LicenceSuspended,
  RecognitionDeclared,
  RecognitionEvent,
  RecognitionWithdrawn,
} from './event.ts'
import { refusal } from './sentence.ts'
import type { DeclarationState, DeclarationVersion, LicenceState } from './state.ts'
import type { Refusal } from './verdict.ts'

/**
 * What a licence comes to after one more event, or why the event does not follow from what was before. Total and pure;
 * it looks neither at the event's form nor at who may say it. A refused event leaves the state as it is.
 */
export function evolveLicence(state: LicenceState, event: LicenceEvent): LicenceState | Refusal {
  switch (state.kind) {
    case 'none':
      return event.kind === 'licence_issued' ? { kind: 'in_force', licence: event } : refusal('NOT_ISSUED')
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

type LicenceChange = LicenceSuspended | LicenceResumed | LicenceRevoked
type IssuedState = Extract<LicenceState, { readonly kind: 'in_force' | 'suspended' }>

function evolveIssued(state: IssuedState, event: LicenceChange): LicenceState | Refusal {
  const stranger = refuseStranger(state.licence, event)
  if (stranger !== undefined) return stranger
  const { licence } = state
  switch (event.kind) {
    case 'licence_suspended':
      return state.kind === 'suspended' ? refusal('ALREADY_SUSPENDED') : { kind: 'suspended', licence }
    case 'licence_resumed':
      return state.kind === 'suspended' ? { kind: 'in_force', licence } : refusal('NOT_SUSPENDED')
    case 'licence_revoked':
      return { kind: 'revoked', licence, manner: event.manner }
  }
}

function refuseStranger(licence: LicenceIssued, event: LicenceChange): Refusal | undefined {
  if (event.identifier !== licence.identifier) {
    return refusal('VERSION_UNKNOWN', { field: `event.${event.kind}.identifier`, expected: licence.identifier })
  }
  if (event.authority !== licence.authority) {
    return refusal('AUTHORITY_DIFFERS', { field: `event.${event.kind}.authority`, expected: licence.authority })
  }
  return undefined
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
