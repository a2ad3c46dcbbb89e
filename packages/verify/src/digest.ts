import { type Hash, hashSizeBytes, rootOfLeafHashes, sha256Tree } from '@hutong/merkle'
import { type DigestEvent, digestRowBytes } from '@hutong/wire'
import type { JudgedEvent, SubjectFold } from './fold.ts'

/**
 * One row of the state digest (formats F15): zone, subject, each event with its place and verdict code, and the folded state. Nothing
 * local and no clock but those in leaves. Undefined where there is no row: only informative events, or none.
 *
 * @param damaged where events stand that a copy keeps and cannot read, and that the fold therefore lacks: they stand in the row as
 * DOCUMENT_DAMAGED over a hash of zeros, which no honest fold says. So a damaged row differs from the true one and is found by its hash
 * like any other, instead of taking the whole digest away.
 */
export function digestRow(fold: SubjectFold, damaged: readonly DamagedPlace[] = []): Uint8Array | undefined {
  const own = fold.events.filter(({ touching }) => !touching)
  if (own.length + damaged.length === 0) return undefined
  const declares = fold.declaration.versions.length > 0
  return digestRowBytes({
    zone: fold.zone,
    subject: Buffer.from(fold.subject, 'hex'),
    events: damaged.length === 0 ? own.map(told) : [...own.map(told), ...damaged.map(toldDamaged)].toSorted(byPlace),
    state: declares ? { kind: 'declaration', state: fold.declaration } : { kind: 'licence', state: fold.licence },
  })
}

/** Where an event stands that cannot be read. */
export interface DamagedPlace {
  /** H index of its batch. */
  readonly position: bigint
  /** Place in the batch, from 0. */
  readonly place: number
}

function told({ position, place, leafHash, code }: JudgedEvent): DigestEvent {
  if (position === undefined) throw new RangeError('an event that H does not hold has no place in the digest')
  return { position, place, leafHash, verdict: code }
}

function toldDamaged({ position, place }: DamagedPlace): DigestEvent {
  return { position, place, leafHash: noHash, verdict: 'DOCUMENT_DAMAGED' }
}

const noHash: Hash = new Uint8Array(hashSizeBytes)

function byPlace(left: DigestEvent, right: DigestEvent): number {
  return left.position < right.position ? -1 : left.position > right.position ? 1 : left.place - right.place
}

/** RFC 6962 leaf hash of a row. */
export function digestRowHash(row: Uint8Array): Hash {
  return sha256Tree.leaf(row)
}

/** The digest over rows in byte order of (zone, subject): an RFC 6962 root, that of nothing for no rows. */
export function digestRoot(rowHashes: readonly Hash[]): Hash {
  return rootOfLeafHashes(sha256Tree, rowHashes)
}
