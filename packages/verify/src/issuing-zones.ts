import { type Findings, type IdentifierReading, zonesOfIssuer } from '@hutong/licence'
import { notInLog, zoneNotMember } from './judge.ts'
import type { Knowledge, Question } from './question.ts'
import { newestCharter, type Trust } from './trust.ts'

/** Ids of the zones whose licence it can be, in the order of the charter. A variant that names no issuer could be any zone's. */
export function issuingZones(trust: Trust, identifier: IdentifierReading): readonly string[] {
  const charter = newestCharter(trust)
  const zones = namesNoIssuer(identifier) ? charter.zones : zonesOfIssuer(charter, identifier)
  return zones.map(({ id }) => id)
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
