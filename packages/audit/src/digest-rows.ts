import { setImmediate } from 'node:timers/promises'
import { appendLeafHashes, type Edge, edgeRoot, emptyEdge, type Hash, hashSizeBytes, sha256Tree } from '@hutong/merkle'
import { digestRow, type SubjectFold, type Trust } from '@hutong/verify'
import type { FoldBook } from './fold-book.ts'

/** After so many rows a replay listens whether it is to stop. */
const rowsBetweenPauses = 4096

/** Folds anew whatever came to a book without being folded. @throws the signal's reason. */
export async function foldStale(book: FoldBook, trust: Trust, signal: AbortSignal | undefined): Promise<void> {
  for (let subject = 0; subject < book.count; subject++) {
    if (book.isStale(subject)) await book.refold(subject, trust)
    if (subject % rowsBetweenPauses !== 0) continue
    await setImmediate()
    signal?.throwIfAborted()
  }
}

/** The rows of a state digest over a book that stands at this position of H. @throws the signal's reason. */
export async function digestRowsOf(
  book: FoldBook,
  at: { readonly position: bigint; readonly trust: Trust },
  signal: AbortSignal | undefined,
): Promise<DigestRows> {
  await foldStale(book, at.trust, signal)
  return new DigestRows(book, orderOf(book), at)
}

/**
 * The rows of a state digest (formats F15) at the position at which it was made, whatever the book takes in later: their hashes at hand,
 * a row itself made out of its events when it is asked for.
 */
export class DigestRows {
  readonly #book: FoldBook
  /** Numbers of the subjects, in the order of rows. */
  readonly #order: Uint32Array
  readonly #hashes: Buffer
  readonly #at: { readonly position: bigint; readonly trust: Trust }

  constructor(book: FoldBook, order: Uint32Array, at: { readonly position: bigint; readonly trust: Trust }) {
    this.#book = book
    this.#order = order
    this.#at = at
    this.#hashes = Buffer.alloc(order.length * hashSizeBytes)
    for (const [row, subject] of order.entries()) this.#hashes.set(book.hash(subject), row * hashSizeBytes)
  }

  get count(): number {
    return this.#order.length
  }

  /** The digest over all rows. */
  digest(): Hash {
    return this.sliceRoot(0, this.count)
  }

  /** RFC 6962 root over `count` rows from row `from` on. */
  sliceRoot(from: number, count: number): Hash {
    let edge: Edge = emptyEdge
    for (let done = 0; done < count; done += rowsBetweenPauses) {
      const length = Math.min(rowsBetweenPauses, count - done)
      const hashes = Array.from({ length }, (_, at) => this.#hash(from + done + at))
      edge = appendLeafHashes(sha256Tree, edge, hashes)
    }
    return Uint8Array.from(edgeRoot(sha256Tree, edge))
  }

  /** The bytes of a row and what it was made of; undefined beyond the last. */
  async row(index: number): Promise<{ readonly bytes: Uint8Array; readonly fold: SubjectFold } | undefined> {
    if (index >= this.count) return undefined
    const fold = await this.#book.foldBelow(this.#order[index]!, this.#at.position, this.#at.trust)
    const bytes = digestRow(fold)
    if (bytes === undefined) throw new RangeError('a subject without an event of its own has no row')
    return { bytes, fold }
  }

  #hash(row: number): Hash {
    return this.#hashes.subarray(row * hashSizeBytes, (row + 1) * hashSizeBytes)
  }
}

/** Byte order of (zone, subject): zone ids are ASCII. */
function orderOf(book: FoldBook): Uint32Array {
  const zones = new Map<string, number[]>()
  // The first six bytes decide almost always, and numbers compare quickly.
  const prefixes = new Float64Array(book.count)
  for (let at = 0; at < book.count; at++) {
    const { zone, subject } = book.key(at)
    prefixes[at] = subject.readUIntBE(0, 6)
    const subjects = zones.get(zone)
    if (subjects === undefined) zones.set(zone, [at])
    else subjects.push(at)
  }
  const order = new Uint32Array(book.count)
  let filled = 0
  for (const zone of [...zones.keys()].sort((left, right) => (left < right ? -1 : 1))) {
    const subjects = Uint32Array.from(zones.get(zone)!)
    subjects.sort(
      (left, right) =>
        prefixes[left]! - prefixes[right]! || Buffer.compare(book.key(left).subject, book.key(right).subject),
    )
    order.set(subjects, filled)
    filled += subjects.length
  }
  return order
}
