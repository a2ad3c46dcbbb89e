import type { Document, Store } from '@hutong/store'
import { foldSubject, type ReadEvent, readEvent, type SubjectFold, type Trust } from '@hutong/verify'
import {
  collections,
  DocumentDamagedError,
  decodeKeptEvent,
  decodeOpening,
  endOfPrefix,
  eventKey,
  isOnceHeld,
  needsPayload,
  placeKey,
  positionOf,
  readEventKey,
  stringDigest,
  stringKey,
} from './documents.ts'

/** Documents read at a time. */
const pageLength = 1024

/** The copy of a zone as it was at one position: events below it, nothing of what came after. */
export interface Copy {
  readonly store: Store
  readonly position: bigint
  /** So many events of the leaf at `position` are in it too: the state between two events of one batch. */
  readonly places?: number
  readonly trust: Trust
  /**
   * Leaves out events that cannot be read, where else reading ends with DocumentDamagedError: only for the digest, which tells of each
   * in its own row. A verdict never rests on such a copy.
   */
  readonly withoutDamaged?: true
}

/** A subject's fold, and every leaf subject that it rests on: an event about one of them changes it. */
export interface FoldedString {
  readonly fold: SubjectFold | undefined
  readonly subjects: readonly string[]
  /**
   * Events of a subject that is marked as standing for the string and of which none names it any more, because payloads that did are
   * damaged in this copy.
   */
  readonly damaged: readonly ReadEvent[]
}

/**
 * What a zone's log says about a subject string: the events of its primary subject, that is the one whose event names the string first
 * and matches its leaf, and the events that only name it. The fold is undefined where no event matches.
 */
export async function foldString(copy: Copy, zone: string, subjectString: string): Promise<FoldedString> {
  const marked = await markedSubjects(copy, zone, subjectString)
  const candidates = marked.filter(({ naming }) => naming.length > 0)
  const lacking = marked
    .filter(({ naming }) => naming.length === 0)
    .flatMap(({ events }) => events.filter(needsPayload))
  const damaged = await onceHeld(copy, lacking)
  const primary = firstOf(candidates)
  const touching = await touchingEvents(copy, zone, subjectString)
  const others = candidates.filter((candidate) => candidate !== primary)
  const subjects = [...marked, ...touching].map(({ subject }) => subject)
  if (primary === undefined) return { fold: undefined, subjects, damaged }
  const events = [...primary.events, ...touching, ...others.flatMap(({ naming }) => naming)].toSorted(byPlace)
  return { fold: fold(copy, zone, primary.subject, subjectString, primary.subject, events), subjects, damaged }
}

/**
 * Those of events without a payload that had one in this copy. Where a later event has brought the mark, an earlier one may never have
 * been readable here: as of then nothing named the string.
 */
async function onceHeld({ store }: Copy, lacking: readonly ReadEvent[]): Promise<readonly ReadEvent[]> {
  if (lacking.length === 0) return lacking
  const keyOf = ({ kept }: ReadEvent) => placeKey(positionOf(kept), kept.place)
  const missing = await store.getMany(collections.missing, lacking.map(keyOf))
  return lacking.filter((event) => {
    const noted = missing.get(keyOf(event))
    return noted === undefined || isOnceHeld(noted)
  })
}

/**
 * The fold of one leaf subject, whose events (below the position, in order) have been read. Where the string it stands for belongs to
 * another subject that came first, nothing touches it, and none of its events stands.
 */
export async function foldSubjectEvents(
  copy: Copy,
  zone: string,
  subject: string,
  events: readonly ReadEvent[],
): Promise<SubjectFold> {
  const named = events.find(matches)
  const subjectString = named === undefined ? undefined : stringOf(named)
  if (subjectString === undefined) return fold(copy, zone, subject, '', undefined, events)
  const folded = await foldString(copy, zone, subjectString)
  if (folded.fold?.subject === subject) return folded.fold
  return fold(copy, zone, subject, subjectString, folded.fold?.subject, events)
}

/** The same where nobody else is marked as standing for the string that its events name, and no other event names it. */
export function foldLoneSubject(copy: Copy, zone: string, subject: string, events: readonly ReadEvent[]): SubjectFold {
  const named = events.find(matches)
  const subjectString = named === undefined ? undefined : stringOf(named)
  return fold(copy, zone, subject, subjectString ?? '', subjectString === undefined ? undefined : subject, events)
}

/** The string that the events of a subject name, as `stringKey` has it; undefined where none matches. */
export function stringNamedBy(zone: string, events: readonly ReadEvent[]): string | undefined {
  const named = events.find(matches)
  const subjectString = named === undefined ? undefined : stringOf(named)
  return subjectString === undefined ? undefined : stringKey(subjectString, zone)
}

/** The events with this leaf subject, below the position, in the order of the log. */
export async function readSubject(copy: Copy, zone: string, subject: string): Promise<readonly ReadEvent[]> {
  const documents: Document[] = []
  const prefix = `${zone}/${subject}`
  for await (const page of pages(copy.store, collections.events, `${prefix}/`, endOfPrefix(prefix))) {
    documents.push(...page)
  }
  return readDocuments(copy, documents)
}

/**
 * Kept events below the position; where a payload was missing and has come since, with it.
 * @throws {DocumentDamagedError} one cannot be read, and the copy does not leave it out.
 */
export async function readDocuments(copy: Copy, documents: readonly Document[]): Promise<readonly ReadEvent[]> {
  const events = documents.flatMap((document) => {
    if (!isIn(copy, readEventKey(document.key))) return []
    const event = copy.withoutDamaged ? readableEvent(document) : readEventDocument(document)
    return event ?? []
  })
  return withLatePayloads(copy.store, events)
}

function isIn(copy: Copy, { position, place }: { readonly position: bigint; readonly place: number }): boolean {
  return position < copy.position || (position === copy.position && place < (copy.places ?? 0))
}

/** Undefined where it is damaged. */
function readableEvent(document: Document): ReadEvent | undefined {
  try {
    return readEventDocument(document)
  } catch (error) {
    if (error instanceof DocumentDamagedError) return undefined
    throw error
  }
}

function readEventDocument(document: Document): ReadEvent {
  const event = readEvent(decodeKeptEvent(document))
  if (event === undefined || event.subject !== readEventKey(document.key).subject) {
    throw new DocumentDamagedError(`${collections.events}/${document.key}`, 'is no event')
  }
  return event
}

async function withLatePayloads(store: Store, events: readonly ReadEvent[]): Promise<readonly ReadEvent[]> {
  const lacking = events.filter(needsPayload).map(({ kept }) => placeKey(positionOf(kept), kept.place))
  if (lacking.length === 0) return events
  const late = await store.getMany(collections.late, lacking)
  return events.map((event) => {
    const key = placeKey(positionOf(event.kept), event.kept.place)
    const found = needsPayload(event) ? late.get(key) : undefined
    const opening = found && readableOpening(found)
    return opening === undefined ? event : (readEvent({ ...event.kept, ...opening }) ?? event)
  })
}

/** A late payload that cannot be read has not come: the event stays one that cannot be told. */
function readableOpening({ key, value }: Document): ReturnType<typeof decodeOpening> | undefined {
  try {
    return decodeOpening(value, `${collections.late}/${key}`)
  } catch (error) {
    if (error instanceof DocumentDamagedError) return undefined
    throw error
  }
}

/** Every page of a stretch, in key order. */
export async function* pages(
  store: Store,
  collection: string,
  from: string,
  to: string,
): AsyncGenerator<readonly Document[]> {
  let next = from
  for (;;) {
    const page = await store.range(collection, { from: next, to, limit: pageLength })
    if (page.length > 0) yield page
    if (page.length < pageLength) return
    next = `${page.at(-1)!.key}\u0001`
  }
}

/** The zones whose logs hold an event below the position that names the string and matches its leaf. */
export async function zonesHolding(copy: Copy, subjectString: string): Promise<readonly string[]> {
  const digest = stringDigest(subjectString)
  const zones = new Set<string>()
  for await (const page of pages(copy.store, collections.strings, `${digest}/`, endOfPrefix(digest))) {
    for (const { key } of page) {
      const [, zone = '', subject = ''] = key.split('/')
      if (!zones.has(zone) && (await holds(copy, zone, subject))) zones.add(zone)
    }
  }
  return [...zones]
}

async function holds({ store, position }: Copy, zone: string, subject: string): Promise<boolean> {
  const to = eventKey(zone, subject, position, 0)
  return (await store.range(collections.events, { from: `${zone}/${subject}/`, to, limit: 1 })).length > 0
}

interface Candidate {
  readonly subject: string
  readonly events: readonly ReadEvent[]
  /** Those that name the string and match. */
  readonly naming: readonly ReadEvent[]
}

async function markedSubjects(copy: Copy, zone: string, subjectString: string): Promise<readonly Candidate[]> {
  const prefix = stringKey(subjectString, zone)
  const marked: Candidate[] = []
  for await (const page of pages(copy.store, collections.strings, `${prefix}/`, endOfPrefix(prefix))) {
    for (const { key } of page) {
      const subject = key.slice(prefix.length + 1)
      const events = await readSubject(copy, zone, subject)
      const naming = events.filter((event) => matches(event) && stringOf(event) === subjectString)
      marked.push({ subject, events, naming })
    }
  }
  return marked
}

async function touchingEvents(copy: Copy, zone: string, subjectString: string): Promise<readonly ReadEvent[]> {
  const prefix = stringKey(subjectString, zone)
  const documents: Document[] = []
  for await (const page of pages(copy.store, collections.touching, `${prefix}/`, endOfPrefix(prefix))) {
    const keys = page.map(({ key, value }) => {
      const subject = Buffer.from(value).toString('hex')
      return `${zone}/${subject}/${key.slice(prefix.length + 1)}`
    })
    documents.push(...(await copy.store.getMany(collections.events, keys)).values())
  }
  return readDocuments(copy, documents)
}

function firstOf(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.toSorted((left, right) => byPlace(left.naming[0]!, right.naming[0]!))[0]
}

function fold(
  { trust }: Copy,
  zone: string,
  subject: string,
  subjectString: string,
  primary: string | undefined,
  events: readonly ReadEvent[],
): SubjectFold {
  // A subject value is a hash over its string: matching events of one subject cannot name two.
  const primarySubject = (asked: string) => (asked === subjectString ? primary : undefined)
  return foldSubject(zone, subject, events, { trust, primarySubject })
}

function matches({ reading }: ReadEvent): boolean {
  return reading.kind === 'read' && reading.subjectMatches && reading.subjectString !== undefined
}

function stringOf({ reading }: ReadEvent): string | undefined {
  return reading.kind === 'read' ? reading.subjectString : undefined
}

function byPlace(left: ReadEvent, right: ReadEvent): number {
  const positions = positionOf(left.kept) - positionOf(right.kept)
  return positions < 0n ? -1 : positions > 0n ? 1 : left.kept.place - right.kept.place
}
