import { setImmediate } from 'node:timers/promises'
import type { Document } from '@hutong/store'
import { type DamagedPlace, digestRow, emptyFold, type ReadEvent } from '@hutong/verify'
import { collections, endOfPrefix, marksOf, positionOf, readEventKey } from './documents.ts'
import { sharedStrings } from './shared-strings.ts'
import { type Copy, foldLoneSubject, foldSubjectEvents, pages, readDocuments, stringNamedBy } from './subjects.ts'

/** Subjects folded before others get their turn. */
const subjectsPerTurn = 64

/** One row of the state digest (formats F15). */
export interface DigestRow {
  readonly zone: string
  /** Lower-case hex. */
  readonly subject: string
  readonly bytes: Uint8Array
}

/**
 * The rows of a copy, from its stored documents, in byte order of (zone, subject), as the keys of events are. Others get their turn in between.
 * @throws {DocumentDamagedError} damage that belongs to no row.
 * @throws the reason of `signal`.
 */
export async function* digestRows(copy: Copy, signal: AbortSignal): AsyncGenerator<DigestRow> {
  const turn = async () => {
    await setImmediate()
    signal.throwIfAborted()
  }
  const isShared = await sharedStrings(copy.store, turn)
  let done = 0
  for await (const kept of subjectsBetween(copy, '', '\uffff')) {
    const bytes = await rowOf(copy, kept, isShared)
    if (bytes !== undefined) yield { zone: kept.zone, subject: kept.subject, bytes }
    done += 1
    if (done % subjectsPerTurn === 0) await turn()
  }
}

/** The row of one subject, read anew. @throws {DocumentDamagedError} damage that belongs to no row. */
export async function digestRowOf(copy: Copy, zone: string, subject: string): Promise<Uint8Array | undefined> {
  const prefix = `${zone}/${subject}`
  for await (const kept of subjectsBetween(copy, `${prefix}/`, endOfPrefix(prefix))) {
    return rowOf(copy, kept, () => true)
  }
  return undefined
}

async function rowOf(
  copy: Copy,
  { zone, subject, events, damaged }: KeptSubject,
  isShared: (stringKey: string) => boolean,
): Promise<Uint8Array | undefined> {
  if (events.length === 0) return digestRow(emptyFold(zone, subject), damaged)
  const string = stringNamedBy(zone, events)
  const isLone = string === undefined || !isShared(string)
  const fold = isLone
    ? foldLoneSubject(copy, zone, subject, events)
    : await foldSubjectEvents(copy, zone, subject, events)
  return digestRow(fold, damaged)
}

/** What is kept of one subject below a position. */
interface KeptSubject {
  readonly zone: string
  readonly subject: string
  readonly events: ReadEvent[]
  /** Where events of it stand that cannot be read, or not be found. */
  readonly damaged: DamagedPlace[]
}

/** Each subject that has an event below the position. The keys say whose events they are, whatever the documents hold. */
async function* subjectsBetween(copy: Copy, from: string, to: string): AsyncGenerator<KeptSubject> {
  let kept: KeptSubject | undefined
  for await (const page of pages(copy.store, collections.events, from, to)) {
    const readable = await findableEvents(copy, await readDocuments(copy, page))
    for (const { key } of page) {
      const { zone, subject, position, place } = readEventKey(key)
      if (position >= copy.position) continue
      if (kept?.zone !== zone || kept.subject !== subject) {
        if (kept !== undefined) yield kept
        kept = { zone, subject, events: [], damaged: [] }
      }
      const event = readable.get(`${position}/${place}`)
      if (event === undefined) kept.damaged.push({ position, place })
      else kept.events.push(event)
    }
  }
  if (kept !== undefined) yield kept
}

/**
 * Events by their places, but for those that have lost a mark: a question about what they name would be answered without them. The
 * digest would not show it otherwise, since an event that only names another subject has no place in that subject's row.
 */
async function findableEvents({ store }: Copy, events: readonly ReadEvent[]): Promise<ReadonlyMap<string, ReadEvent>> {
  const marked = events.map((event) => ({ event, marks: marksOf(event, 0n) }))
  const kept = new Map<string, Uint8Array>()
  for (const collection of [collections.strings, collections.touching, collections.declarations]) {
    const keys = marked.flatMap(({ marks }) => marks.filter((mark) => mark.collection === collection))
    if (keys.length === 0) continue
    for (const [key, { value }] of await store.getMany(collection, [...new Set(keys.map(({ key }) => key))])) {
      kept.set(`${collection}/${key}`, value)
    }
  }
  const isKept = (mark: Document) => {
    const value = kept.get(`${mark.collection}/${mark.key}`)
    return value !== undefined && Buffer.compare(value, mark.value) === 0
  }
  return new Map(
    marked
      .filter(({ marks }) => marks.every(isKept))
      .map(({ event }) => [`${positionOf(event.kept)}/${event.kept.place}`, event]),
  )
}
