import type { Knowledge, Policy } from './question.ts'
import { newestCharter } from './trust.ts'

/** How old what is known is, and whether that is fresh enough. */
export interface Age {
  /** Milliseconds; undefined where there is nothing to count from, or a time lies ahead of the own clock. */
  readonly ageMs: number | undefined
  /** Time of the data: the older of the newest leaves, milliseconds since 1970; 0 for none. */
  readonly dataTimeMs: number
  readonly freshness: 'fresh' | 'usable' | 'too_old'
}

/**
 * The age of what is known (domain, "Age"): now less the time of the newest leaf of these zones' own logs, whichever is older, or now
 * less the q-th newest cosignature, whichever is larger. Silence is not freshness: a zone whose news is held back ages. A time
 * more than `maxClockOffset` ahead of the own clock counts as absent.
 *
 * As of a position there is no age to speak of: what was asked for is what was looked at, up to its last leaf.
 */
export function ageOf(zones: readonly string[], knowledge: Knowledge, policy: Policy): Age {
  if (knowledge.kind === 'as_of') return { ageMs: undefined, dataTimeMs: knowledge.receivedAtMs, freshness: 'fresh' }
  const charter = newestCharter(knowledge.trust)
  const { nowMs, cosigned } = knowledge
  const believed = (timeMs: number | undefined) =>
    timeMs !== undefined && timeMs <= nowMs + charter.maxClockOffsetMs ? timeMs : undefined
  const leaves = zones.map((zone) => believed(knowledge.newestLeafMs(zone)))
  const cosignatures = cosigned?.timesMs.filter((timeMs) => believed(timeMs) !== undefined)
  const times = [...leaves, cosigned && cosignatures?.[cosigned.quorum - 1]]
  const known = leaves.filter((timeMs) => timeMs !== undefined)
  const dataTimeMs = known.length === 0 ? 0 : Math.min(...known)
  if (!times.every((timeMs) => timeMs !== undefined)) return { ageMs: undefined, dataTimeMs, freshness: 'too_old' }
  const ageMs = Math.max(0, nowMs - Math.min(...times))
  const freshMs = Math.min(charter.freshMs, policy.freshMs ?? charter.freshMs)
  const usableMs = Math.min(charter.usableMs, policy.usableMs ?? charter.usableMs)
  return {
    ageMs,
    dataTimeMs,
    freshness: ageMs <= Math.min(freshMs, usableMs) ? 'fresh' : ageMs <= usableMs ? 'usable' : 'too_old',
  }
}
