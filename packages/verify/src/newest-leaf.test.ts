import { describe, expect, it } from 'vitest'
import {
  coverLeaves,
  maxWaitingLeaves,
  type NewestLeaf,
  newestLeafMs,
  noLeaves,
  withNewestLeaf,
} from './newest-leaf.ts'
import { World } from './world.ts'

const world = new World({ suite: 'Ed25519' })
const { trust } = world.copy()
const published = world.observe('beijing')
const { signer } = world.copy().events[0]!.kept

function leaf(position: bigint, loggedAtMs: number): NewestLeaf {
  return { zone: 'beijing', origin: published.origin, signer, index: position, position, loggedAtMs }
}

describe('the newest leaves', () => {
  it('count only once a cosigned head covers them', () => {
    const leaves = [leaf(1n, 10), leaf(2n, 20), leaf(3n, 30)].reduce(withNewestLeaf, noLeaves)
    expect(newestLeafMs(leaves, trust, 4n, 'beijing')).toBeUndefined()
    expect(newestLeafMs(coverLeaves(leaves, 1n), trust, 4n, 'beijing')).toBeUndefined()
    expect(newestLeafMs(coverLeaves(leaves, 3n), trust, 4n, 'beijing')).toBe(20)
    expect(coverLeaves(leaves, 3n).waiting).toEqual([leaf(3n, 30)])
    expect(newestLeafMs(coverLeaves(coverLeaves(leaves, 2n), 4n), trust, 4n, 'beijing')).toBe(30)
    expect(newestLeafMs(coverLeaves(leaves, 4n), trust, 4n, 'tianjin')).toBeUndefined()
  })

  it('of a key that the charter does not know count for nothing', () => {
    const leaves = coverLeaves(withNewestLeaf(noLeaves, { ...leaf(1n, 10), signer: 'nobody+00000000' }), 2n)
    expect(newestLeafMs(leaves, trust, 4n, 'beijing')).toBeUndefined()
  })

  it('are bounded while nobody cosigns: the oldest are forgotten, which can only make news look older', () => {
    let leaves = noLeaves
    for (let at = 0; at <= maxWaitingLeaves; at++) leaves = withNewestLeaf(leaves, leaf(BigInt(at), at))
    expect(leaves.waiting).toHaveLength(maxWaitingLeaves)
    expect(leaves.waiting[0]).toEqual(leaf(1n, 1))
    expect(newestLeafMs(coverLeaves(leaves, 1n), trust, 4n, 'beijing')).toBeUndefined()
  })
})
