import {
  authorityCheck,
  checkForm,
  type DeclarationState,
  type Event,
  evolveDeclaration,
  evolveLicence,
  isAdverse,
  isInformative,
  isRefusal,
  kindNumber,
  type LicenceEvent,
  type LicenceIssued,
  type LicenceState,
  noDeclaration,
  noLicence,
  type RecognitionEvent,
  type Refusal,
  type Restated,
} from '@hutong/licence'
import type { ReadEvent } from './kept.ts'
import { charterAt, newestCharter, type Trust } from './trust.ts'

/** What an event came to, at its own position. */
export interface JudgedEvent {
  readonly origin: string
  readonly index: bigint
  readonly position: bigint | undefined
  readonly place: number
  /** Number of its kind. */
  readonly kind: number
  readonly loggedAtMs: number
  readonly receivedAtMs: number
  readonly leafHash: Uint8Array
  readonly signer: string
  /** STANDS, or why it does not. */
  readonly code: string
  /** It stands in the list of another subject and only names this one. */
  readonly touching: boolean
  /** Of a restated event that stands: the index it repeats. */
  readonly restates: bigint | undefined
}

/** Why the status of a subject cannot be told, and which event is to blame (domain, "What cannot be read is not harmless"). */
export interface Cloud {
  readonly code: 'EVENT_UNREADABLE' | 'EVENT_NOT_UNDERSTOOD' | 'ADVERSE_EVENT_REFUSED'
  readonly index: bigint
  readonly origin: string
  /** How it goes away: by being read, by a later event that stands, by being withdrawn. */
  readonly way: 'read' | 'later_event' | 'restated'
  /** What is here does not open its commitment. */
  readonly mismatch: boolean
}

/** The events about one subject of one zone, folded. */
export interface SubjectFold {
  readonly zone: string
  /** Lower-case hex of the leaves' subject. */
  readonly subject: string
  readonly licence: LicenceState
  readonly declaration: DeclarationState
  /** In the order of the log. */
  readonly events: readonly JudgedEvent[]
  readonly clouds: readonly Cloud[]
  /** 1 + index of the last event with this leaf subject, by origin: what the next leaf's `previous` must say. */
  readonly previous: ReadonlyMap<string, bigint>
  /** An issue that did not stand, and why. */
  readonly refusedIssue: { readonly licence: LicenceIssued; readonly refusal: Refusal } | undefined
}

/** What a fold needs to know besides the events. */
export interface FoldContext {
  /** Undefined for one's own log before the hub has answered with a charter: then nothing is folded. */
  readonly trust: Trust
  /**
   * The one subject (hex) under which this zone's log knows a subject string: that of the first event of a kind below 128 that names it
   * and matches its leaf. Undefined where none does.
   */
  primarySubject(subjectString: string): string | undefined
}

/** Nothing known yet about a subject. */
export function emptyFold(zone: string, subject: string): SubjectFold {
  return {
    zone,
    subject,
    licence: noLicence,
    declaration: noDeclaration,
    events: [],
    clouds: [],
    previous: nothingBefore,
    refusedIssue: undefined,
  }
}

const nothingBefore: ReadonlyMap<string, bigint> = new Map()

/** Folds events about a subject, in the order of the log: those with its leaf subject, and those that only name it. */
export function foldSubject(
  zone: string,
  subject: string,
  events: readonly ReadEvent[],
  context: FoldContext,
): SubjectFold {
  const draft = draftOf(emptyFold(zone, subject))
  for (const event of events) foldInto(draft, event, context)
  return draft
}

/**
 * The fold after one more event. Total: whatever stands in a log comes to something. An event that does not stand changes no state;
 * what it leaves behind is a cloud, where the domain says so.
 */
export function foldEvent(fold: SubjectFold, event: ReadEvent, context: FoldContext): SubjectFold {
  const draft = draftOf(fold)
  foldInto(draft, event, context)
  return draft
}

/** A fold in the making: a long history is folded without copying what came before. */
interface Draft extends SubjectFold {
  licence: LicenceState
  declaration: DeclarationState
  readonly events: JudgedEvent[]
  clouds: readonly Cloud[]
  readonly previous: Map<string, bigint>
  refusedIssue: SubjectFold['refusedIssue']
}

function draftOf(fold: SubjectFold): Draft {
  return { ...fold, events: [...fold.events], previous: new Map(fold.previous) }
}

function foldInto(draft: Draft, event: ReadEvent, context: FoldContext): void {
  const { kept, leaf } = event
  // Another zone's leaf with the same subject value is no word about this subject.
  if (isInformative(leaf.kind) || kept.zone !== draft.zone) return
  const touching = event.subject !== draft.subject
  const judged = touching ? judgeTouching(event) : judgeOwn(draft, event, context)
  if (!touching) draft.previous.set(kept.origin, kept.index + 1n)
  draft.licence = judged.licence ?? draft.licence
  draft.declaration = judged.declaration ?? draft.declaration
  draft.refusedIssue = judged.refusedIssue ?? draft.refusedIssue
  draft.clouds = cloudsAfter(draft.clouds, judged, kept)
  draft.events.push({
    origin: kept.origin,
    index: kept.index,
    position: kept.position,
    place: kept.place,
    kind: leaf.kind,
    loggedAtMs: leaf.loggedAtMs,
    receivedAtMs: kept.receivedAtMs,
    leafHash: kept.leafHash,
    signer: kept.signer,
    code: judged.code,
    touching,
    restates: judged.restates,
  })
}

/** Code of an event that stands. */
export const stands = 'STANDS'

/** A cloud before it is known which event leaves it. */
type CloudOf = Pick<Cloud, 'code' | 'way' | 'mismatch'>

interface Judged {
  readonly code: string
  readonly licence?: LicenceState
  readonly declaration?: DeclarationState
  readonly cloud?: CloudOf
  readonly restates?: bigint
  readonly refusedIssue?: { readonly licence: LicenceIssued; readonly refusal: Refusal }
}

const unreadable = (way: Cloud['way'], mismatch = false): CloudOf => ({
  code: 'EVENT_UNREADABLE',
  way,
  mismatch,
})
const notUnderstood: CloudOf = { code: 'EVENT_NOT_UNDERSTOOD', way: 'read', mismatch: false }

/** An event of another leaf subject that names this one: whatever it says, it does not stand, and it clouds both. */
function judgeTouching(event: ReadEvent): Judged {
  const matches = event.reading.kind === 'read' && event.reading.subjectMatches
  return { code: matches ? 'SUBJECT_SPLIT' : 'LEAF_MISMATCH', cloud: unreadable('restated') }
}

function judgeOwn(fold: SubjectFold, event: ReadEvent, context: FoldContext): Judged {
  const { reading } = event
  switch (reading.kind) {
    case 'missing':
      return { code: 'PAYLOAD_MISSING', cloud: unreadable('read') }
    case 'mismatch':
      return { code: 'PAYLOAD_MISMATCH', cloud: unreadable('read', true) }
    case 'not_understood':
      return { code: 'EVENT_NOT_UNDERSTOOD', cloud: notUnderstood }
    case 'unreadable':
      return { code: 'EVENT_UNREADABLE', cloud: unreadable('restated') }
    case 'read':
      return judgeRead(fold, event, reading, context)
  }
}

function judgeRead(
  fold: SubjectFold,
  { kept, leaf }: ReadEvent,
  { payload, subjectString, subjectMatches }: Extract<ReadEvent['reading'], { kind: 'read' }>,
  context: FoldContext,
): Judged {
  const { event } = payload
  const saysTheSame =
    subjectMatches &&
    payload.origin === kept.origin &&
    kindNumber[event.kind] === leaf.kind &&
    leaf.previous === (fold.previous.get(kept.origin) ?? 0n)
  if (!saysTheSame) return { code: 'LEAF_MISMATCH', cloud: unreadable('restated') }
  if (subjectString !== undefined && context.primarySubject(subjectString) !== fold.subject) {
    return { code: 'SUBJECT_SPLIT', cloud: unreadable('restated') }
  }
  return judgeEvent(fold, event, kept, leaf.loggedAtMs, context)
}

function judgeEvent(
  fold: SubjectFold,
  event: Event,
  kept: ReadEvent['kept'],
  loggedAtMs: number,
  { trust }: FoldContext,
): Judged {
  const charter = kept.position === undefined ? newestCharter(trust) : charterAt(trust, kept.position)
  switch (event.kind) {
    case 'licence_issued':
    case 'licence_amended':
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
    case 'licence_renewed':
    case 'licence_corrected': {
      const refusal = checkForm(event) ?? authorityCheck(charter, fold.zone, event, fold.licence)
      const next = refusal ?? evolveLicence(fold.licence, event)
      return isRefusal(next) ? refusedEvent(event, next, isAdverse(event)) : { code: stands, licence: next }
    }
    case 'recognition_declared':
    case 'recognition_withdrawn': {
      const at = {
        loggedAtMs,
        leadMs: charter.declarationLeadMs,
        minimumMs: charter.declarationMinimumMs,
      }
      const next = checkForm(event) ?? evolveDeclaration(fold.declaration, event, at)
      return isRefusal(next)
        ? refusedEvent(event, next, isAdverse(event, fold.declaration))
        : { code: stands, declaration: next }
    }
    case 'restated':
      return judgeRestated(fold, event, kept.origin)
    case 'observed':
      return { code: stands }
  }
}

function refusedEvent(event: LicenceEvent | RecognitionEvent, refusal: Refusal, adverse: boolean): Judged {
  return {
    code: refusal.code,
    ...(adverse && { cloud: { code: 'ADVERSE_EVENT_REFUSED', way: 'later_event', mismatch: false } as const }),
    ...(event.kind === 'licence_issued' && { refusedIssue: { licence: event, refusal } }),
  }
}

/** It must name an event of this subject in this log, by index and leaf hash. */
function judgeRestated(fold: SubjectFold, event: Restated, origin: string): Judged {
  const named = fold.events.some(
    (earlier) =>
      earlier.origin === origin &&
      earlier.index === event.index &&
      Buffer.compare(earlier.leafHash, event.leafHash) === 0,
  )
  return named ? { code: stands, restates: event.index } : { code: 'RESTATED_UNKNOWN' }
}

/**
 * What still clouds after an event: one that stands lifts the refused adverse ones before it, a restated one withdraws the event it
 * names where that event did not stand. What is missing, or not understood, goes only by being read.
 */
function cloudsAfter(clouds: readonly Cloud[], judged: Judged, kept: ReadEvent['kept']): readonly Cloud[] {
  if (clouds.length === 0 && judged.cloud === undefined) return clouds
  const withdrawn = (cloud: Cloud) =>
    cloud.index === judged.restates && cloud.origin === kept.origin && cloud.way !== 'read'
  const followed = (cloud: Cloud) =>
    judged.code === stands && judged.restates === undefined && cloud.way === 'later_event'
  const left = clouds.filter((cloud) => !withdrawn(cloud) && !followed(cloud))
  return judged.cloud === undefined ? left : [...left, { ...judged.cloud, index: kept.index, origin: kept.origin }]
}
