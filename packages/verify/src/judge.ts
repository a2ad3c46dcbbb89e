import {
  type Authority,
  type Bilingual,
  type Check,
  type CheckResult,
  type Code,
  type Contact,
  checks,
  declarationInForce,
  type Finding,
  type Findings,
  holderMatches,
  kindNumber,
  type LicenceIssued,
  mannerWords,
  noFindings,
  type Parameters,
  periodAt,
  type RecognitionDeclared,
  recognises,
  requiredChecks,
  sentence,
  wordOf,
  wordSentences,
} from '@hutong/licence'
import { type Age, ageOf } from './age.ts'
import { type JudgedEvent, type SubjectFold, stands } from './fold.ts'
import type { Dossier, Knowledge, Question } from './question.ts'
import { isDoubtful, newestCharter, viewAt, witnessesAt } from './trust.ts'

/**
 * The verdict over a licence, here, for a matter, at a position: the eight checks and the word that follows from them. Pure: the same
 * question, knowledge and dossier give the same findings in every zone. It fails closed: a check that could not run is unknown, and
 * what is unknown blocks VALID.
 */
export function judge(question: Question, knowledge: Knowledge, dossier: Dossier): Findings {
  const { fold } = dossier
  const licence = fold && licenceOf(fold)
  if (fold === undefined || (licence === undefined && fold.clouds.length === 0))
    return notInLog(question, knowledge, dossier.issuingZone)
  if (licence === undefined) return unreadableLicence(question, knowledge, dossier.issuingZone, fold)
  const asked = question.identifier.identifier
  if (supersededIn(fold).includes(asked)) return supersededLicence(question, knowledge, dossier, licence, fold)
  const certain = contentIsCertain(fold, knowledge)
  if (licence.identifier !== asked) {
    // An amendment that cannot be read could be the one that made this version.
    const hidden = !certain && fold.clouds.length > 0
    return hidden
      ? unreadableLicence(question, knowledge, dossier.issuingZone, fold)
      : notInLog(question, knowledge, dossier.issuingZone)
  }

  const recognition = recognitionOf(question, knowledge, dossier, licence)
  const age = ageOf(zonesThatCount(question, dossier, recognition), knowledge, question.policy)
  const log = checkLog(knowledge, fold, recognition, age)
  const witnessed = log.result === 'passed'
  const outcomes: readonly Outcome[] = [
    liftable(checkIntegrity(question, fold, licence), witnessed && certain, []),
    checkSignature(knowledge, dossier, fold),
    liftable(checkAuthority(knowledge, dossier, fold, licence), certain, []),
    checkSeal(question),
    liftable(liftable(checkStatus(fold, licence, knowledge.nowMs), witnessed, ['REVOKED', 'TRANSFERRED']), certain, [
      'REVOKED',
      'SUSPENDED',
      'TRANSFERRED',
    ]),
    log,
    liftable(liftable(recognition.outcome, witnessed, []), certain, toldByNumber(question)),
    liftable(checkHolder(question, licence), witnessed && certain, []),
  ]
  return conclude(question, knowledge, dossier, { licence, fold, age, recognition, outcomes })
}

/** The word is decided before any check where no authority of the charter has issued such a number (domain, "Verdict"). */
export function zoneNotMember(question: Question, knowledge: Knowledge): Findings {
  return beforeChecks(question, knowledge, '', 'NOT_RECOGNISED', 'ZONE_NOT_MEMBER', {})
}

/** That zone's log, as far as it is held here, has no licence of exactly this identifier. */
export function notInLog(question: Question, knowledge: Knowledge, issuingZone: string): Findings {
  return beforeChecks(question, knowledge, issuingZone, 'UNDETERMINED', 'NOT_IN_LOG', {
    zone: zoneName(knowledge, issuingZone),
  })
}

/** What one check found, before sentences are put to it. */
interface Outcome {
  readonly check: Check
  readonly result: CheckResult
  readonly code: Code
  readonly parameters?: Parameters
  readonly evidence?: Finding['evidence']
}

/** Which declaration was used, and what it came to. */
interface Recognition {
  readonly outcome: Outcome
  /** The declarations that the outcome rests on: the one used, or all that could have been. */
  readonly considered: readonly SubjectFold[]
  readonly used:
    | { readonly fold: SubjectFold; readonly declared: RecognitionDeclared; readonly event: JudgedEvent }
    | undefined
}

/**
 * The licence the question is about. One that an authority had no power to issue is told as that; one refused for its form is as if it
 * had not been issued.
 */
function licenceOf({ licence, refusedIssue }: SubjectFold): LicenceIssued | undefined {
  if (licence.kind !== 'none') return licence.licence
  return refusedIssue !== undefined && withoutPower.has(refusedIssue.refusal.code) ? refusedIssue.licence : undefined
}

/** The versions that a newer one took the place of. */
function supersededIn({ licence }: SubjectFold): readonly string[] {
  return licence.kind === 'none' ? [] : licence.superseded
}

/**
 * Whether what the licence says is told by events that nobody doubts, and by all of them. Where it is not, a file, a holder or a period
 * that does not fit proves nothing: the content may be another.
 */
function contentIsCertain(fold: SubjectFold, knowledge: Knowledge): boolean {
  if (doubtfulEvents(fold, knowledge).some(({ kind }) => tellsContent.has(kind))) return false
  return fold.clouds.every(({ code, origin, index, way }) => {
    const event = fold.events.find((one) => one.origin === origin && one.index === index)
    // Of an event of a newer form nobody here knows what its kind does.
    const isKnown = event !== undefined && code !== 'EVENT_NOT_UNDERSTOOD' && way !== 'restated'
    return isKnown && keepsContent.has(event.kind)
  })
}

/** Failures of RECOGNITION that stand whatever the content is: those that rest on the type, where the number itself names that. */
function toldByNumber({ identifier }: Question): readonly string[] {
  return identifier.licenceType === undefined ? [] : ['NOT_DECLARED', 'NOT_IN_FORCE']
}

const tellsContent: ReadonlySet<number> = new Set([
  kindNumber.licence_issued,
  kindNumber.licence_amended,
  kindNumber.licence_renewed,
  kindNumber.licence_corrected,
])

/** By what the leaf says: a leaf that its payload contradicts is not among them, whatever its kind. */
const keepsContent: ReadonlySet<number> = new Set([
  kindNumber.licence_suspended,
  kindNumber.licence_resumed,
  kindNumber.licence_revoked,
])

const withoutPower: ReadonlySet<string> = new Set(['MAY_NOT_ISSUE', 'ISSUER_OF_ANOTHER_ZONE'])

function checkIntegrity(question: Question, fold: SubjectFold, licence: LicenceIssued): Outcome {
  if (fold.clouds.some(({ mismatch }) => mismatch)) {
    return { check: 'INTEGRITY', result: 'unknown', code: 'PAYLOAD_MISMATCH' }
  }
  const { fileSha256 } = question
  const differs =
    fileSha256 !== undefined &&
    licence.files.length > 0 &&
    !licence.files.some(({ sha256 }) => Buffer.compare(sha256, fileSha256) === 0)
  return differs
    ? { check: 'INTEGRITY', result: 'failed', code: 'FILE_DIFFERS' }
    : { check: 'INTEGRITY', result: 'passed', code: 'PAYLOAD_OPENS' }
}

/**
 * A doubtful event never gives VALID until it is restated; a doubtful suspension or revocation keeps its effect. So does what a doubtful
 * amendment takes away: the version before stays superseded, and the new one waits here.
 */
function checkSignature(knowledge: Knowledge, dossier: Dossier, fold: SubjectFold): Outcome {
  const parameters = { zone: zoneName(knowledge, dossier.issuingZone) }
  const doubted = doubtfulEvents(fold, knowledge).filter(({ kind }) => !keepsEffectInDoubt.has(kind))
  const [first] = doubted
  if (first !== undefined) {
    return {
      check: 'SIGNATURE',
      result: 'unknown',
      code: 'KEY_COMPROMISED',
      parameters,
      evidence: [{ name: 'event', value: eventId(first) }],
    }
  }
  const last = fold.events.findLast((event) => event.code === stands)
  return {
    check: 'SIGNATURE',
    result: 'passed',
    code: 'SIGNED',
    parameters,
    evidence: last === undefined ? [] : [{ name: 'signer', value: last.signer }],
  }
}

const keepsEffectInDoubt: ReadonlySet<number> = new Set([kindNumber.licence_suspended, kindNumber.licence_revoked])

/**
 * Events that stand under a compromised key and were not restated under a good one. Stating something again is harmless in itself, but
 * where it withdrew an event that did not stand, whoever holds the key has lifted a cloud: that is in doubt like any other event.
 */
function doubtfulEvents(fold: SubjectFold, { trust, position }: Knowledge): readonly JudgedEvent[] {
  const doubtful = (event: JudgedEvent) => isDoubtful(trust, position, event.origin, event.signer, event.index)
  const standing = fold.events.filter((event) => event.code === stands && doubtful(event))
  if (standing.length === 0) return standing
  const refused = new Set(fold.events.filter(({ code }) => code !== stands).map(eventId))
  const restated = new Set(
    fold.events.filter((event) => event.restates !== undefined && !doubtful(event)).map(restatedId),
  )
  return standing.filter(
    (event) =>
      !restated.has(eventId(event)) &&
      (event.restates === undefined || (refused.has(restatedId(event)) && !restated.has(restatedId(event)))),
  )
}

function restatedId({ origin, restates }: JudgedEvent): string {
  return `${origin}/${restates}`
}

function checkAuthority(knowledge: Knowledge, dossier: Dossier, fold: SubjectFold, licence: LicenceIssued): Outcome {
  const authority = authorityOf(knowledge, dossier.issuingZone, licence.authority)
  const name = { zh: licence.authorityName, en: authority?.nameEn ?? licence.authorityName }
  const parameters = { authority: name }
  return fold.licence.kind === 'none'
    ? { check: 'AUTHORITY', result: 'failed', code: 'MAY_NOT_ISSUE', parameters }
    : { check: 'AUTHORITY', result: 'passed', code: 'MAY_ISSUE', parameters }
}

/** Seals are not read in this version: a file that was given leaves its seal unknown, and required. */
function checkSeal({ fileSha256 }: Question): Outcome {
  return fileSha256 === undefined
    ? { check: 'SEAL', result: 'skipped', code: 'NOT_PRESENTED' }
    : { check: 'SEAL', result: 'unknown', code: 'NOT_CHECKED' }
}

function checkStatus(fold: SubjectFold, licence: LicenceIssued, nowMs: number): Outcome {
  const state = fold.licence
  if (state.kind === 'revoked') {
    return { check: 'STATUS', result: 'failed', code: 'REVOKED', parameters: { manner: mannerWords[state.manner] } }
  }
  const [cloud] = fold.clouds
  if (cloud !== undefined) {
    return {
      check: 'STATUS',
      result: 'unknown',
      code: cloud.code,
      evidence: [{ name: 'event', value: `${cloud.origin}/${cloud.index}` }],
    }
  }
  if (state.kind === 'none') return { check: 'STATUS', result: 'unknown', code: 'EVENT_UNREADABLE' }
  if (state.kind === 'suspended') return { check: 'STATUS', result: 'failed', code: 'SUSPENDED' }
  switch (periodAt(licence, nowMs)) {
    case 'before':
      return { check: 'STATUS', result: 'failed', code: 'NOT_YET_VALID', parameters: { date: licence.validFrom } }
    case 'after':
      return { check: 'STATUS', result: 'failed', code: 'EXPIRED', parameters: { date: licence.validUntil } }
    case 'within':
      return { check: 'STATUS', result: 'passed', code: 'IN_FORCE' }
  }
}

/**
 * What was looked at must lie under a cosigned head, and the news of the zones concerned must be fresh. The hub's proven fault comes
 * before everything.
 */
function checkLog(knowledge: Knowledge, fold: SubjectFold, recognition: Recognition, age: Age): Outcome {
  const unknown = (code: Code, parameters?: Outcome['parameters']): Outcome => ({
    check: 'LOG',
    result: 'unknown',
    code,
    ...(parameters && { parameters }),
  })
  if (knowledge.hubFault !== undefined) return unknown('HUB_FAULT')
  const witnessed = witnessedOf(knowledge, age)
  if (witnessed === undefined) return unknown('NOT_WITNESSED')
  const looked = [...fold.events, ...recognition.considered.flatMap(({ events }) => events)]
  const covered = (position: bigint | undefined) => position !== undefined && position < witnessed.size
  const charters = knowledge.trust.charters.every(({ position }) => covered(position))
  if (!charters || !looked.every(({ position }) => covered(position))) return unknown('NOT_WITNESSED')
  const time = age.dataTimeMs === 0 ? '' : readableTime(age.dataTimeMs)
  if (age.freshness === 'too_old') return unknown('TOO_OLD', { time })
  const { zones, evidence } = witnessed
  return { check: 'LOG', result: 'passed', code: 'WITNESSED', parameters: { q: String(zones), time }, evidence }
}

/**
 * How much of H is witnessed, by how many zones, and what shows it. As of a position that is the quorum that was in force there: how many
 * more have cosigned, and which head, differs from one copy to the next.
 */
function witnessedOf(
  knowledge: Knowledge,
  age: Age,
): { readonly size: bigint; readonly zones: number; readonly evidence: Finding['evidence'] } | undefined {
  if (knowledge.kind === 'as_of') {
    const { trust, position } = knowledge
    const { quorum } = witnessesAt(trust, position)
    const evidence = [{ name: 'position', value: String(position) }]
    return quorum === 0 ? undefined : { size: position, zones: quorum, evidence }
  }
  const { cosigned } = knowledge
  return (
    cosigned && {
      size: cosigned.checkpoint.size,
      zones: cosigned.timesMs.length,
      evidence: [
        { name: 'cosigned_size', value: String(cosigned.checkpoint.size) },
        { name: 'freshness', value: age.freshness },
      ],
    }
  )
}

/**
 * Whether a declaration of the receiving zone recognises the licence for this matter, now. A declaration whose events cannot all be
 * read or are doubtful could recognise it or not: while nothing else recognises it, that is unknown, never failed.
 */
function recognitionOf(
  question: Question,
  knowledge: Knowledge,
  dossier: Dossier,
  licence: LicenceIssued,
): Recognition {
  const charter = newestCharter(knowledge.trust)
  if (licence.demonstration && !charter.demonstration) return found('failed', 'DEMONSTRATION')
  if (dossier.issuingZone === question.receivingZone) return found('passed', 'OWN_ZONE')
  const asked = { licenceType: licence.licenceType, issuingZone: dossier.issuingZone, matter: question.matter }
  // Which of several declarations is told must not hang on the order in which a caller keeps them.
  const own = dossier.declarations.filter(({ zone }) => zone === question.receivingZone).toSorted(bySubject)
  const candidates = own
    .filter((fold) =>
      fold.declaration.versions.some(({ declared }) => declared !== undefined && recognises(declared, asked)),
    )
    .toSorted(byMode(knowledge.nowMs))
  const clear = (fold: SubjectFold) => fold.clouds.length === 0 && blockingDoubt(fold, knowledge) === undefined
  for (const fold of candidates.filter(clear)) {
    const inForce = versionInForce(fold, knowledge.nowMs)
    if (inForce === undefined || !recognises(inForce.declared, asked)) continue
    const { declared, event } = inForce
    const name = `${declared.declarationId}@${declared.version}`
    return {
      outcome: {
        check: 'RECOGNITION',
        result: 'passed',
        code: 'RECOGNISED',
        parameters: { declaration: name },
        evidence: [{ name: 'declaration', value: eventId(event) }],
      },
      considered: [fold],
      used: { fold, declared, event },
    }
  }
  const clouded = own.find((fold) => !clear(fold) && couldRecognise(fold, licence.licenceType))
  if (clouded !== undefined) {
    const parameters = { zone: zoneName(knowledge, question.receivingZone) }
    return found('unknown', clouded.clouds[0]?.code ?? 'KEY_COMPROMISED', [clouded], parameters)
  }
  return found('failed', candidates.length > 0 ? 'NOT_IN_FORCE' : 'NOT_DECLARED', candidates)
}

function found(
  result: CheckResult,
  code: Code,
  considered: readonly SubjectFold[] = [],
  parameters: Parameters = {},
): Recognition {
  return { outcome: { check: 'RECOGNITION', result, code, parameters }, considered, used: undefined }
}

/**
 * A doubtful withdrawal that has taken effect keeps it. Any other doubtful event of a declaration leaves it unknown, also a withdrawal
 * announced for later: until then it takes nothing, and it may have lifted the cloud of a refused one before it.
 */
function blockingDoubt(fold: SubjectFold, knowledge: Knowledge): JudgedEvent | undefined {
  const versions = versionEvents(fold)
  const hasTakenEffect = (event: JudgedEvent) => {
    const version = fold.declaration.versions[versions.indexOf(event)]
    return version !== undefined && version.declared === undefined && version.fromMs <= knowledge.nowMs
  }
  return doubtfulEvents(fold, knowledge).find((event) => !hasTakenEffect(event))
}

/** The version that decides now, and the event that declared it. */
function versionInForce(
  fold: SubjectFold,
  nowMs: number,
): { readonly declared: RecognitionDeclared; readonly event: JudgedEvent } | undefined {
  const declared = declarationInForce(fold.declaration, nowMs)
  const place = fold.declaration.versions.findIndex((version) => version.declared === declared)
  const event = versionEvents(fold)[place]
  return declared === undefined || event === undefined ? undefined : { declared, event }
}

/** The events that made the versions of a declaration, one for each, in the same order. */
function versionEvents({ events }: SubjectFold): readonly JudgedEvent[] {
  return events.filter(({ code, kind }) => code === stands && versionKinds.has(kind))
}

/** Kinds declared and withdrawn. */
const versionKinds: ReadonlySet<number> = new Set([kindNumber.recognition_declared, kindNumber.recognition_withdrawn])

/** A declaration with an event that could not be read could by now be about any type; else it is about those it names. */
function couldRecognise(fold: SubjectFold, licenceType: string): boolean {
  if (fold.clouds.some(({ code }) => code !== 'ADVERSE_EVENT_REFUSED')) return true
  const declared = fold.declaration.versions.flatMap((version) => version.declared ?? [])
  return declared.length === 0 || declared.some((one) => one.licenceType === licenceType)
}

/** Approval power first, then by declaration id: the choice among several must not depend on the order they are kept in. */
function byMode(nowMs: number): (left: SubjectFold, right: SubjectFold) => number {
  const key = (fold: SubjectFold) => {
    const declared = declarationInForce(fold.declaration, nowMs)
    return declared === undefined ? '2' : `${declared.mode === 'cross_province' ? '0' : '1'}${declared.declarationId}`
  }
  return (left, right) => (key(left) < key(right) ? -1 : key(left) > key(right) ? 1 : 0)
}

function bySubject(left: SubjectFold, right: SubjectFold): number {
  return left.subject < right.subject ? -1 : left.subject > right.subject ? 1 : 0
}

function checkHolder({ holderCode }: Question, licence: LicenceIssued): Outcome {
  if (holderCode === undefined) return { check: 'HOLDER', result: 'skipped', code: 'HOLDER_NOT_GIVEN' }
  return holderMatches(licence.holder, holderCode)
    ? { check: 'HOLDER', result: 'passed', code: 'HOLDER_MATCHES' }
    : { check: 'HOLDER', result: 'failed', code: 'HOLDER_DIFFERS' }
}

/**
 * While LOG has not passed, what a later event could lift is not proven, and what the content fails is not proven while the content is
 * uncertain: it becomes unknown, with its code.
 */
function liftable(outcome: Outcome, proven: boolean, staying: readonly string[]): Outcome {
  const lifts = !proven && outcome.result === 'failed' && !staying.includes(outcome.code)
  return lifts ? { ...outcome, result: 'unknown' } : outcome
}

/** The issuing zone, and the zone whose declaration is used: its news counts as much. */
function zonesThatCount(question: Question, dossier: Dossier, recognition: Recognition): readonly string[] {
  return recognition.used === undefined ? [dossier.issuingZone] : [dossier.issuingZone, question.receivingZone]
}

function conclude(
  question: Question,
  knowledge: Knowledge,
  dossier: Dossier,
  judged: {
    readonly licence: LicenceIssued
    readonly fold: SubjectFold
    readonly age: Age
    readonly recognition: Recognition
    readonly outcomes: readonly Outcome[]
  },
): Findings {
  const { licence, fold, age, recognition, outcomes } = judged
  const required = requiredChecks({
    holderGiven: question.holderCode !== undefined,
    fileGiven: question.fileSha256 !== undefined,
    policyAdds: question.policy.alsoRequired,
  })
  const contact = authorityOf(knowledge, dossier.issuingZone, licence.authority)?.contact
  const findings = outcomes.map((outcome) => findingOf(outcome, required, contact))
  const { word, decidedBy } = wordOf(findings, required)
  const deciding = findings.find(({ check }) => check === decidedBy)
  const last = fold.events.at(-1)
  return {
    ...base(question, knowledge, dossier.issuingZone),
    word,
    code: deciding?.code ?? word,
    ...headline(word, deciding),
    findings,
    dataTimeMs: age.dataTimeMs,
    ageMs: age.ageMs,
    mode: recognition.used?.declared.mode,
    declarationEvent: recognition.used === undefined ? '' : eventId(recognition.used.event),
    declaration:
      recognition.used === undefined
        ? ''
        : `${recognition.used.declared.declarationId}@${recognition.used.declared.version}`,
    licence,
    lastEvent: last === undefined ? '' : eventId(last),
  }
}

/**
 * An earlier version of a licence. Nothing lifts that: no matter, no cloud, no age. What the version said is not looked at any more, and
 * what the present one says is another's: nothing of it stands beside the answer but its identifier.
 */
function supersededLicence(
  question: Question,
  knowledge: Knowledge,
  dossier: Dossier,
  licence: LicenceIssued,
  fold: SubjectFold,
): Findings {
  const skipped = (check: Check): Outcome => ({ check, result: 'skipped', code: 'SUPERSEDED' })
  const recognition: Recognition = { outcome: skipped('RECOGNITION'), considered: [], used: undefined }
  const age = ageOf([dossier.issuingZone], knowledge, question.policy)
  const successor = [{ name: 'successor', value: licence.identifier }]
  const outcomes: readonly Outcome[] = [
    skipped('INTEGRITY'),
    checkSignature(knowledge, dossier, fold),
    skipped('AUTHORITY'),
    question.fileSha256 === undefined ? checkSeal(question) : skipped('SEAL'),
    { check: 'STATUS', result: 'failed', code: 'SUPERSEDED', evidence: successor },
    checkLog(knowledge, fold, recognition, age),
    recognition.outcome,
    question.holderCode === undefined ? checkHolder(question, licence) : skipped('HOLDER'),
  ]
  const concluded = conclude(question, knowledge, dossier, { licence, fold, age, recognition, outcomes })
  return { ...concluded, licence: undefined, successor: licence.identifier }
}

/** Something stands under this number, and nothing of it can be read: every check that needs it is unknown. */
function unreadableLicence(question: Question, knowledge: Knowledge, issuingZone: string, fold: SubjectFold): Findings {
  const [cloud] = fold.clouds
  const code = cloud?.code ?? 'EVENT_UNREADABLE'
  const integrity = cloud?.mismatch ? 'PAYLOAD_MISMATCH' : code
  const required = requiredChecks({
    holderGiven: question.holderCode !== undefined,
    fileGiven: question.fileSha256 !== undefined,
    policyAdds: question.policy.alsoRequired,
  })
  const findings = checks.map((check) =>
    findingOf(
      required.has(check)
        ? { check, result: 'unknown', code: check === 'INTEGRITY' ? integrity : code }
        : { check, result: 'skipped', code: check === 'HOLDER' ? 'HOLDER_NOT_GIVEN' : 'NOT_PRESENTED' },
      required,
      undefined,
    ),
  )
  const { word, decidedBy } = wordOf(findings, required)
  const deciding = findings.find(({ check }) => check === decidedBy)
  const last = fold.events.at(-1)
  return {
    ...base(question, knowledge, issuingZone),
    word,
    code: deciding?.code ?? code,
    ...headline(word, deciding),
    findings,
    lastEvent: last === undefined ? '' : eventId(last),
  }
}

function beforeChecks(
  question: Question,
  knowledge: Knowledge,
  issuingZone: string,
  word: 'NOT_RECOGNISED' | 'UNDETERMINED',
  code: 'ZONE_NOT_MEMBER' | 'NOT_IN_LOG',
  parameters: Parameters,
): Findings {
  const { zh, en } = sentence(code, parameters)
  const age = issuingZone === '' ? undefined : ageOf([issuingZone], knowledge, question.policy)
  return {
    ...base(question, knowledge, issuingZone),
    word,
    code,
    headlineZh: zh,
    headlineEn: en,
    dataTimeMs: age?.dataTimeMs ?? 0,
    ageMs: age?.ageMs,
  }
}

function base(
  question: Question,
  knowledge: Knowledge,
  issuingZone: string,
): Omit<Findings, 'word' | 'code' | 'headlineZh' | 'headlineEn'> {
  const asOf = knowledge.kind === 'as_of' ? knowledge.asOf : undefined
  const asked = { ...question, identifier: question.identifier.identifier, asOf }
  return {
    ...noFindings(asked, knowledge.position),
    issuingZone,
    dataTimeMs: knowledge.kind === 'as_of' ? knowledge.receivedAtMs : 0,
  }
}

function findingOf(outcome: Outcome, required: ReadonlySet<Check>, contact: Contact | undefined): Finding {
  const { zh, en, nextStepZh, nextStepEn } = sentence(outcome.code, outcome.parameters)
  const asks = outcome.result === 'failed' || outcome.result === 'unknown'
  return {
    check: outcome.check,
    result: outcome.result,
    code: outcome.code,
    zh,
    en,
    evidence: outcome.evidence ?? [],
    nextStepZh: asks ? nextStepZh : '',
    nextStepEn: asks ? nextStepEn : '',
    contact: asks ? contact : undefined,
    required: required.has(outcome.check),
  }
}

function headline(word: Findings['word'], deciding: Finding | undefined): Pick<Findings, 'headlineZh' | 'headlineEn'> {
  if (deciding !== undefined) return { headlineZh: deciding.zh, headlineEn: deciding.en }
  return { headlineZh: wordSentences[word].zh, headlineEn: wordSentences[word].en }
}

function authorityOf(knowledge: Knowledge, zone: string, code: string): Authority | undefined {
  return viewAt(knowledge.trust, knowledge.position)
    .zones.get(zone)
    ?.authorities.find((one) => one.code === code)
}

function zoneName(knowledge: Knowledge, zone: string): Bilingual {
  const found = viewAt(knowledge.trust, knowledge.position).zones.get(zone)
  return { zh: found?.nameZh ?? zone, en: found?.nameEn ?? zone }
}

/** Seconds are enough for a clerk; always China Standard Time, which has no summer time. */
function readableTime(timeMs: number): string {
  return new Date(timeMs + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')
}

function eventId({ origin, index }: JudgedEvent): string {
  return `${origin}/${index}`
}
