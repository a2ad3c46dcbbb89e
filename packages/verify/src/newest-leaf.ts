import { isDoubtful, type Trust } from './trust.ts'

/**
 * The newest leaf of each zone's own log, and what of it lies under a cosigned head: what the age of news is counted from. Kept for each
 * signer, since doubtful leaves do not count, and a key is found out to be compromised only later.
 */
export interface NewestLeaves {
  /** By origin and signer: under the newest cosigned head. */
  readonly covered: readonly NewestLeaf[]
  /** Applied and not yet under a cosigned head, in order. */
  readonly waiting: readonly NewestLeaf[]
}

export interface NewestLeaf {
  readonly zone: string
  readonly origin: string
  readonly signer: string
  readonly index: bigint
  /** The H index of its batch. */
  readonly position: bigint
  readonly loggedAtMs: number
}

export const noLeaves: NewestLeaves = { covered: [], waiting: [] }

/** While no quorum cosigns, so many leaves wait at most; the oldest are forgotten first, which can only make news look older. */
export const maxWaitingLeaves = 1024

/** After the last leaf of one more batch. */
export function withNewestLeaf(leaves: NewestLeaves, leaf: NewestLeaf): NewestLeaves {
  const waiting = leaves.waiting.length < maxWaitingLeaves ? leaves.waiting : leaves.waiting.slice(1)
  return { covered: leaves.covered, waiting: [...waiting, leaf] }
}

/** After a cosigned head of this size: what it covers counts from now on. */
export function coverLeaves(leaves: NewestLeaves, size: bigint): NewestLeaves {
  const covered = new Map(leaves.covered.map((leaf) => [`${leaf.origin} ${leaf.signer}`, leaf]))
  for (const leaf of leaves.waiting) {
    if (leaf.position < size) covered.set(`${leaf.origin} ${leaf.signer}`, leaf)
  }
  return { covered: [...covered.values()], waiting: leaves.waiting.filter(({ position }) => position >= size) }
}

/** The time of a zone's newest leaf that counts, as the charter at `position` sees it; undefined for none. */
export function newestLeafMs(leaves: NewestLeaves, trust: Trust, position: bigint, zone: string): number | undefined {
  const times = leaves.covered
    .filter((leaf) => leaf.zone === zone && !isDoubtful(trust, position, leaf.origin, leaf.signer, leaf.index))
    .map(({ loggedAtMs }) => loggedAtMs)
  return times.length === 0 ? undefined : Math.max(...times)
}
