import { type Refusal, refusal } from '@hutong/licence'
import { appendLeafHashes, edgeRoot, emptyEdge, type Hash, sha256Tree } from '@hutong/merkle'
import { keyFromIndex } from '@hutong/store'
import { digestRoot, digestRowHash } from '@hutong/verify'
import { digestRowOf, digestRows } from './digest-rows.ts'
import { collections, DocumentDamagedError, decodeKeptLeaf } from './documents.ts'
import { type PackedRows, packedRows } from './packed-rows.ts'
import type { Copy } from './subjects.ts'

/** Row hashes joined to the tree at a time. */
const hashesPerAppend = 1_024

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

/** How long rows are kept after the last question about a slice of them, in milliseconds. */
const rowsKeptMs = 120_000
/** Rows kept at most, 65 bytes each; of a larger state every slice is computed anew. */
const rowsKeptMax = 4_194_304

/**
 * The state digest at a position (formats F15), from the stored documents each time: a digest carried along would not see a row deleted
 * behind its back. With turns for others, so that the service goes on answering meanwhile.
 *
 * Slices serve to find the one row that differs: for a while they are told from the row hashes that the first of them was computed from,
 * until the whole digest is asked for again. The bytes of a row are read anew.
 *
 * What was damaged behind its back is told as well as what was altered: an event that cannot be read, or that nothing would find by what
 * it names, stands in its row as DOCUMENT_DAMAGED. Damage that belongs to no row is a refusal, DOCUMENT_DAMAGED, naming the document.
 */
export class StateDigests implements Disposable {
  #kept: PackedRows | undefined
  #timer: NodeJS.Timeout | undefined

  async at(now: Copy, question: DigestQuestion, signal: AbortSignal): Promise<DigestAnswer> {
    const position = question.position === 0n ? now.position : question.position
    if (position > now.position) return { kind: 'refused', refusal: refusal('NOT_YET', { field: 'position' }) }
    const copy: Copy = { ...now, position, withoutDamaged: true }
    try {
      return question.count === 0n ? await this.#whole(copy, signal) : await this.#slice(copy, question, signal)
    } catch (error) {
      if (!(error instanceof DocumentDamagedError)) throw error
      return { kind: 'refused', refusal: refusal('DOCUMENT_DAMAGED', { field: error.place }) }
    }
  }

  [Symbol.dispose](): void {
    this.#forget()
  }

  async #whole(copy: Copy, signal: AbortSignal): Promise<DigestAnswer> {
    this.#forget()
    let edge = emptyEdge
    let hashes: Hash[] = []
    for await (const { bytes } of digestRows(copy, signal)) {
      if (hashes.push(digestRowHash(bytes)) < hashesPerAppend) continue
      edge = appendLeafHashes(sha256Tree, edge, hashes)
      hashes = []
    }
    edge = appendLeafHashes(sha256Tree, edge, hashes)
    const digest = edgeRoot(sha256Tree, edge)
    return {
      kind: 'digest',
      position: copy.position,
      root: await rootAt(copy),
      rows: edge.size,
      digest,
      row: undefined,
    }
  }

  async #slice(copy: Copy, { from, count }: DigestQuestion, signal: AbortSignal): Promise<DigestAnswer> {
    const rows = await this.#rowsAt(copy, signal)
    const end = from + count < rows.count ? Number(from + count) : rows.count
    const start = from < rows.count ? Number(from) : rows.count
    const hashes = rows.hashes(start, end)
    const row = count === 1n && start < end ? await digestRowOf(copy, rows.zone(start), rows.subject(start)) : undefined
    if (count === 1n && start < end && (row === undefined || Buffer.compare(digestRowHash(row), hashes[0]!) !== 0)) {
      // Since the hashes were computed a document has changed: all is read anew.
      this.#forget()
      return this.#slice(copy, { position: copy.position, from, count }, signal)
    }
    const digest = digestRoot(hashes)
    return { kind: 'digest', position: copy.position, root: await rootAt(copy), rows: BigInt(rows.count), digest, row }
  }

  async #rowsAt(copy: Copy, signal: AbortSignal): Promise<PackedRows> {
    const known = this.#kept
    const rows = known?.position === copy.position ? known : await packedRows(copy, signal)
    this.#forget()
    if (rows.count <= rowsKeptMax) {
      this.#kept = rows
      this.#timer = setTimeout(() => this.#forget(), rowsKeptMs).unref()
    }
    return rows
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#kept = undefined
  }
}

async function rootAt({ store, position }: Copy): Promise<Hash> {
  if (position === 0n) return edgeRoot(sha256Tree, { size: 0n, hashes: [] })
  const document = await store.get(collections.leaves, keyFromIndex(position - 1n))
  return decodeKeptLeaf(document, position - 1n).root
}
