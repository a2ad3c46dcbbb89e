import { setImmediate } from 'node:timers/promises'
import { type Refusal, refusal } from '@hutong/licence'
import { edgeRoot, type Hash, sha256Tree } from '@hutong/merkle'
import { keyFromIndex } from '@hutong/store'
import { digestRoot, digestRow, digestRowHash, type ReadEvent } from '@hutong/verify'
import { collections, decodeKeptLeaf } from './documents.ts'
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
 */
export async function digestAt(now: Copy, question: DigestQuestion, signal: AbortSignal): Promise<DigestAnswer> {
  const position = question.position === 0n ? now.position : question.position
  if (position > now.position) return { kind: 'refused', refusal: refusal('NOT_YET', { field: 'position' }) }
  const copy: Copy = { ...now, position }
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
  for await (const events of subjectsOf(copy)) {
    const [first] = events
    if (first === undefined) continue
    const row = digestRow(await foldSubjectEvents(copy, first.kept.zone, first.subject, events))
    if (row !== undefined) yield row
    done += 1
    if (done % rowsPerSlice !== 0) continue
    await setImmediate()
    signal.throwIfAborted()
  }
}

/** The events of each subject that has one below the position. */
async function* subjectsOf(copy: Copy): AsyncGenerator<readonly ReadEvent[]> {
  let subject = ''
  let events: ReadEvent[] = []
  for await (const page of pages(copy.store, collections.events, '', '\uffff')) {
    for (const event of await readDocuments(copy, page)) {
      const of = `${event.kept.zone}/${event.subject}`
      if (of !== subject && events.length > 0) {
        yield events
        events = []
      }
      subject = of
      events.push(event)
    }
  }
  if (events.length > 0) yield events
}

async function rootAt({ store, position }: Copy): Promise<Hash> {
  if (position === 0n) return edgeRoot(sha256Tree, { size: 0n, hashes: [] })
  const document = await store.get(collections.leaves, keyFromIndex(position - 1n))
  return decodeKeptLeaf(document, position - 1n).root
}
