import {
  type Bilingual,
  evolveLicence,
  isAdverse,
  isRefusal,
  type LicenceEvent,
  type LicenceState,
  mohurdOperationOf,
  mohurdOperations,
  mohurdStateOf,
  mohurdStates,
  namedLicence,
  noLicence,
} from '@hutong/licence'

/** One event of a history, as far as versions and states hang on it. */
export interface ToldEvent {
  /** `<origin>/<index>`. */
  readonly eventId: string
  /** STANDS, or why it does not. */
  readonly verdict: string
  /** Undefined where it is not about a licence's state, or cannot be read. */
  readonly event: LicenceEvent | undefined
  /** It says nothing about a licence's state by its kind: restated. */
  readonly neutral: boolean
}

/** One version of a licence, and where it began and ended. */
export interface LicenceVersion {
  readonly identifier: string
  /** The event that made it. */
  readonly madeBy: string
  /** The version that took its place; undefined for the one that counts. */
  readonly supersededBy: string | undefined
}

/** The versions that the events of a history made, the oldest first; only events that stand make any. */
export function versionsOf(events: readonly ToldEvent[]): readonly LicenceVersion[] {
  const made = events.flatMap(({ eventId, verdict, event }) =>
    verdict === stands && (event?.kind === 'licence_issued' || event?.kind === 'licence_amended')
      ? [{ identifier: madeIn(event), madeBy: eventId }]
      : [],
  )
  return made.map((version, at) => ({ ...version, supersededBy: made[at + 1]?.identifier }))
}

/** A code of the housing ministry's exchange, with its words. */
export interface MohurdCode extends Bilingual {
  readonly code: string
}

/**
 * The state code of the version that counts, at a moment. Undefined where the history does not tell: an event that cannot be read, or one
 * that would have taken something and does not stand, leaves the state open, and no code may say 有效 beside it.
 */
export function mohurdStateIn(events: readonly ToldEvent[], atMs: number): MohurdCode | undefined {
  let state: LicenceState = noLicence
  for (const { verdict, event, neutral } of events) {
    if (neutral) continue
    if (event === undefined) return undefined
    if (verdict === stands) {
      const next = evolveLicence(state, event)
      if (isRefusal(next)) return undefined
      state = next
    } else if (isAdverse(event)) return undefined
  }
  const code = mohurdStateOf(state, atMs)
  return { code, ...mohurdStates[code] }
}

/** The operation code of an event that stands; undefined for every other. */
export function mohurdOperationIn({ verdict, event }: ToldEvent): MohurdCode | undefined {
  if (verdict !== stands || event === undefined) return undefined
  const code = mohurdOperationOf(event)
  return { code, ...mohurdOperations[code] }
}

const stands = 'STANDS'

function madeIn(event: LicenceEvent): string {
  return event.kind === 'licence_amended' ? event.licence.identifier : namedLicence(event).identifier
}
