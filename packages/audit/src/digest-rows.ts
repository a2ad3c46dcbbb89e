import { setImmediate } from 'node:timers/promises'
import { type Hash, hashSizeBytes, rootOfLeafHashes, sha256Tree } from '@hutong/merkle'
import { digestRow, digestRowHash, type SubjectFold } from '@hutong/verify'

/** After so many rows a replay listens whether it is to stop. */
const rowsBetweenPauses = 4096

/** The rows of a state digest over these folds, each with at least one event of its own. @throws the signal's reason. */
export async function digestRowsOf(
  folds: readonly SubjectFold[],
  signal: AbortSignal | undefined,
): Promise<DigestRows> {
  const ordered = [...folds].sort(byZoneThenSubject)
  const hashes = Buffer.alloc(ordered.length * hashSizeBytes)
  for (const [at, fold] of ordered.entries()) {
    if (at % rowsBetweenPauses === 0) await setImmediate()
    signal?.throwIfAborted()
    hashes.set(digestRowHash(rowOf(fold)), at * hashSizeBytes)
  }
  return new DigestRows(ordered, hashes)
}

/** The rows of a state digest (formats F15): their hashes held, the rows themselves made again when they are asked for. */
export class DigestRows {
  readonly #folds: readonly SubjectFold[]
  readonly #hashes: Buffer

  /** @param folds in the order of rows. @param hashes of their rows, one after the other. */
  constructor(folds: readonly SubjectFold[], hashes: Buffer) {
    this.#folds = folds
    this.#hashes = hashes
  }

  get count(): number {
    return this.#folds.length
  }

  /** The digest over all rows. */
  digest(): Hash {
    return this.sliceRoot(0, this.count)
  }

  /** RFC 6962 root over `count` rows from row `from` on. */
  sliceRoot(from: number, count: number): Hash {
    const hashes = Array.from({ length: count }, (_, at) => this.#hash(from + at))
    return rootOfLeafHashes(sha256Tree, hashes)
  }

  /** The bytes of a row, undefined beyond the last. */
  row(index: number): Uint8Array | undefined {
    const fold = this.#folds[index]
    return fold === undefined ? undefined : rowOf(fold)
  }

  /** What a row was made of; undefined beyond the last. */
  fold(index: number): SubjectFold | undefined {
    return this.#folds[index]
  }

  #hash(index: number): Hash {
    return this.#hashes.subarray(index * hashSizeBytes, (index + 1) * hashSizeBytes)
  }
}

function rowOf(fold: SubjectFold): Uint8Array {
  const row = digestRow(fold)
  if (row === undefined) throw new RangeError('a subject without an event of its own has no row')
  return row
}

/** Byte order: zone ids are ASCII, subjects lower-case hex. */
function byZoneThenSubject(left: SubjectFold, right: SubjectFold): number {
  if (left.zone !== right.zone) return left.zone < right.zone ? -1 : 1
  return left.subject < right.subject ? -1 : left.subject > right.subject ? 1 : 0
}
