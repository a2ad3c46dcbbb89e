import { type Hash, rootOfLeafHashes, sha256Tree } from '@hutong/merkle'
import { digestRowBytes } from '@hutong/wire'
import type { SubjectFold } from './fold.ts'

/**
 * One row of the state digest (formats F15): zone, subject, each event with its place and verdict code, and the folded state. Nothing
 * local and no clock but those in leaves. Undefined where there is no row: only informative events, or none.
 */
export function digestRow(fold: SubjectFold): Uint8Array | undefined {
  const own = fold.events.filter(({ touching }) => !touching)
  if (own.length === 0) return undefined
  const declares = fold.declaration.versions.length > 0
  return digestRowBytes({
    zone: fold.zone,
    subject: Buffer.from(fold.subject, 'hex'),
    events: own.map(({ position, place, leafHash, code }) => {
      if (position === undefined) throw new RangeError('an event that H does not hold has no place in the digest')
      return { position, place, leafHash, verdict: code }
    }),
    state: declares ? { kind: 'declaration', state: fold.declaration } : { kind: 'licence', state: fold.licence },
  })
}

/** RFC 6962 leaf hash of a row. */
export function digestRowHash(row: Uint8Array): Hash {
  return sha256Tree.leaf(row)
}

/** The digest over rows in byte order of (zone, subject): an RFC 6962 root, that of nothing for no rows. */
export function digestRoot(rowHashes: readonly Hash[]): Hash {
  return rootOfLeafHashes(sha256Tree, rowHashes)
}
