import { setImmediate } from 'node:timers/promises'
import { type Refusal, refusal } from '@hutong/licence'
import { edgeRoot, type Hash, sha256Tree } from '@hutong/merkle'
import { type Document, keyFromIndex } from '@hutong/store'
import { type DamagedPlace, digestRoot, digestRow, digestRowHash, emptyFold, type ReadEvent } from '@hutong/verify'
import { collections, DocumentDamagedError, decodeKeptLeaf, marksOf, positionOf, readEventKey } from './documents.ts'
import { type Copy, foldSubjectEvents, pages, readDocuments } from './subjects.ts'

/** Rows folded before others get their turn. */
const rowsPerSlice = 64

/** Which digest is asked for. */
export interface DigestQuestion {
  /** The first so many leaves of H; 0: all that are applied. */
  readonly position: bigint
  /** First row of a slice. */
  readonly from: bigint
  /** Rows of the slice; 0: all rows. */
  readonly count: bigint
}

export type DigestAnswer =
  | {
      readonly kind: 'digest'
      readonly position: bigint
      /** H's root at that position. */
      readonly root: Hash
      /** Of all rows. */
      readonly rows: bigint
      readonly digest: Hash
      /** The row itself, for a slice of one. */
      readonly row: Uint8Array | undefined
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/**
 * The state digest at a position (formats F15), from the stored documents each time: a digest carried along would not see a row deleted
 * behind its back. In slices, so that the service goes on answering meanwhile.
 *
 * What was damaged behind its back is told as well as what was altered: an event that cannot be read, or that nothing would find by what
 * it names, stands in its row as DOCUMENT_DAMAGED. Damage that belongs to no row is a refusal, DOCUMENT_DAMAGED, naming the document.
 */
export async function digestAt(now: Copy, question: DigestQuestion, signal: AbortSignal): Promise<DigestAnswer> {
  const position = question.position === 0n ? now.position : question.position
  if (position > now.position) return { kind: 'refused', refusal: refusal('NOT_YET', { field: 'position' }) }
  try {
    return await digestOf({ ...now, position, withoutDamaged: true }, question, signal)
  } catch (error) {
    if (!(error instanceof DocumentDamagedError)) throw error
    return { kind: 'refused', refusal: refusal('DOCUMENT_DAMAGED', { field: error.place }) }
  }
}

async function digestOf(copy: Copy, question: DigestQuestion, signal: AbortSignal): Promise<DigestAnswer> {
  const { position } = copy
  const to = question.count === 0n ? undefined : question.from + question.count
  const hashes: Hash[] = []
  let rows = 0n
  let row: Uint8Array | undefined
  for await (const bytes of rowsOf(copy, signal)) {
    if (to === undefined || (rows >= question.from && rows < to)) {
      hashes.push(digestRowHash(bytes))
      if (question.count === 1n) row = bytes
    }
    rows += 1n
  }
  return { kind: 'digest', position, root: await rootAt(copy), rows, digest: digestRoot(hashes), row }
}

/** The rows in byte order of (zone, subject), as the keys of events are. */
async function* rowsOf(copy: Copy, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const { zone, subject, events, damaged } of subjectsOf(copy)) {
    const fold = events.length === 0 ? emptyFold(zone, subject) : await foldSubjectEvents(copy, zone, subject, events)
    const row = digestRow(fold, damaged)
    if (row !== undefined) yield row
    done += 1
    if (done % rowsPerSlice !== 0) continue
    await setImmediate()
    signal.throwIfAborted()
  }
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
async function* subjectsOf(copy: Copy): AsyncGenerator<KeptSubject> {
  let kept: KeptSubject | undefined
  for await (const page of pages(copy.store, collections.events, '', '\uffff')) {
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

async function rootAt({ store, position }: Copy): Promise<Hash> {
  if (position === 0n) return edgeRoot(sha256Tree, { size: 0n, hashes: [] })
  const document = await store.get(collections.leaves, keyFromIndex(position - 1n))
  return decodeKeptLeaf(document, position - 1n).root
}
