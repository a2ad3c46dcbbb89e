import { Leaf } from '@hutong/proto/leaf'
import { describe, expect, it } from 'vitest'
import { smallMessageBytes } from './small-message.ts'

const leaf = (index: bigint, size: number): Leaf => ({
  version: 1,
  index,
  kind: 1,
  loggedAtMs: 1n,
  subject: Buffer.alloc(size, 1),
  previous: 0n,
  payloadCommitment: Buffer.alloc(32, 2),
})

describe('the bytes of small messages', () => {
  it('are those of a writer of its own, one after the other', () => {
    for (const message of [leaf(1n, 32), leaf(2n, 5_000), leaf(3n, 0)]) {
      expect(smallMessageBytes(Leaf, message)).toEqual(Leaf.encode(message).finish())
    }
  })

  it('do not hold what an earlier message that failed had begun', () => {
    expect(() => smallMessageBytes(Leaf, leaf(-1n, 32))).toThrow('too large')
    expect(smallMessageBytes(Leaf, leaf(4n, 32))).toEqual(Leaf.encode(leaf(4n, 32)).finish())
  })

  it('stay as they are when the next message is written', () => {
    const first = smallMessageBytes(Leaf, leaf(5n, 32))
    const before = Buffer.from(first).toString('hex')
    smallMessageBytes(Leaf, leaf(6n, 32))
    expect(Buffer.from(first).toString('hex')).toBe(before)
  })
})
