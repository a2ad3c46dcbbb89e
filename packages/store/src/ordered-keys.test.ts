import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OrderedKeys } from './ordered-keys.ts'

/** Letters on both sides of where UTF-16 and UTF-8 part. */
const key = fc.stringMatching(/^[ab\u4e92\uffee\u{10000}]{1,3}$/u)
const byBytes = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right))

describe('keys in memory', () => {
  it('are found in the order of their bytes, whatever was set, set again and deleted', () => {
    const change = fc.record({ key, deleted: fc.boolean(), looked: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(change),
        key,
        fc.option(key, { nil: undefined }),
        fc.boolean(),
        (changes, from, to, reverse) => {
          const keys = new OrderedKeys()
          const expected = new Map<string, number>()
          for (const [row, one] of changes.entries()) {
            if (one.deleted) {
              keys.delete(one.key)
              expected.delete(one.key)
            } else {
              keys.set(one.key, row)
              expected.set(one.key, row)
            }
            if (one.looked) keys.between('', undefined, 1, false)
          }
          const all = [...expected.keys()].sort(byBytes)
          expect(keys.size).toBe(all.length)
          for (const one of all) expect(keys.get(one)).toBe(expected.get(one))
          const stretch = all.filter((one) => byBytes(one, from) >= 0 && (to === undefined || byBytes(one, to) < 0))
          expect(keys.between(from, to, 3, reverse)).toEqual((reverse ? stretch.toReversed() : stretch).slice(0, 3))
          expect(keys.sorted()).toEqual(all)
        },
      ),
    )
  })
})
