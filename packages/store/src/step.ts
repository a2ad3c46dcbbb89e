import { StaleWriterError } from './errors.ts'
import type { Document, NextPosition, Position, Store } from './store.ts'

/**
 * One step of a writer: the documents, then the position that makes them count. False: another one moved the position.
 * If the process dies midway the documents lie above the position, where readers do not look and the next term
 * overwrites them.
 *
 * @throws {StaleWriterError} as `Store.insert`.
 */
export async function step(
  store: Store,
  documents: readonly Document[],
  name: string,
  expectedVersion: bigint | undefined,
  next: NextPosition,
): Promise<boolean> {
  if (store.step) return store.step(documents, name, expectedVersion, next)
  await store.insert(documents)
  return store.movePosition(name, expectedVersion, next)
}

/**
 * What a writer does first in every run: raises the term of its position, which fences out whoever held the one before
 * and lets this one replace what that one left above the position. The value stays; a position that is not there yet
 * begins with term 1 and `initialValue`.
 *
 * @throws {StaleWriterError} another writer is starting at this moment: it wins, this one reloads.
 */
export async function raiseTerm(
  store: Store,
  name: string,
  initialValue: Uint8Array = new Uint8Array(),
): Promise<Position> {
  const before = await store.position(name)
  const next = { term: (before?.term ?? 0n) + 1n, value: before?.value ?? initialValue }
  if (!(await store.movePosition(name, before?.version, next))) {
    throw new StaleWriterError(`position ${name} was moved by another writer while this one started`, { place: name })
  }
  return { ...next, version: (before?.version ?? 0n) + 1n }
}

/**
 * The key of a document at a log index: 19 decimal digits, so that the order of keys is the order of the log.
 *
 * @throws {RangeError} the index is not 0 to 2^63 − 1.
 */
export function keyFromIndex(index: bigint): string {
  if (index < 0n || index >= 2n ** 63n) throw new RangeError(`a log index is 0 to 2^63 − 1, got ${index}`)
  return index.toString().padStart(19, '0')
}
