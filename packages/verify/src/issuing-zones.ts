import { type Findings, type IdentifierReading, zonesOfIssuer } from '@hutong/licence'
import { type JudgedEvent, type SubjectFold, stands } from './fold.ts'
import { notInLog, zoneNotMember } from './judge.ts'
import type { Knowledge, Question } from './question.ts'
import { newestCharter, type Trust } from './trust.ts'

/** Ids of the zones whose licence it can be, in the order of the charter. A variant that names no issuer could be any zone's. */
export function issuingZones(trust: Trust, identifier: IdentifierReading): readonly string[] {
  const charter = newestCharter(trust)
  const zones = namesNoIssuer(identifier) ? charter.zones : zonesOfIssuer(charter, identifier)
  return zones.map(({ id }) => id)
}

/**
 * What counts of what several zones' logs hold about one number: that which H had first, since the other should have been refused as
 * ISSUED_ELSEWHERE. What is known not to stand hides no licence of another zone. Undefined where there is nothing.
 */
export function foldThatCounts(folds: readonly SubjectFold[]): SubjectFold | undefined {
  const [first = folds[0]] = folds.filter((fold) => beginningOf(fold) !== undefined).toSorted(byBeginning)
  return first
}

/** The event with which a licence begins; of one that does not stand, the first that cannot be told and could have issued it. */
function beginningOf({ events, licence, clouds }: SubjectFold): JudgedEvent | undefined {
  const isClouded = ({ origin, index }: JudgedEvent) =>
    clouds.some((cloud) => cloud.way !== 'later_event' && cloud.origin === origin && cloud.index === index)
  return events.find((event) => (licence.kind === 'none' ? isClouded(event) : event.code === stands))
}

function byBeginning(left: SubjectFold, right: SubjectFold): number {
  const [one, other] = [beginningOf(left), beginningOf(right)]
  const positions = (one?.position ?? 0n) - (other?.position ?? 0n)
  return positions < 0n ? -1 : positions > 0n ? 1 : 0
}

/** What is told where the log of none of these zones has the licence. */
export function foundNowhere(question: Question, knowledge: Knowledge): Findings {
  const [first] = issuingZones(knowledge.trust, question.identifier)
  return first === undefined || namesNoIssuer(question.identifier)
    ? zoneNotMember(question, knowledge)
    : notInLog(question, knowledge, first)
}

function namesNoIssuer(identifier: IdentifierReading): boolean {
  return identifier.kind === 'variant' && identifier.issuer === undefined
}
