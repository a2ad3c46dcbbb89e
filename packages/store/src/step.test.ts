import { describe, expect, it } from 'vitest'
import { StaleWriterError } from './errors.ts'
import { createFaultyStore } from './faulty-store.ts'
import { createMemoryStore } from './memory-store.ts'
import { keyFromIndex, raiseTerm } from './step.ts'

describe('raising the term', () => {
  it('loses against a writer that starts between the reading and the moving', async () => {
    const store = createMemoryStore()
    const raced = createFaultyStore(store, ({ method }) =>
      method === 'position' ? { happens: 'nothing', reported: true } : undefined,
    )
    await raiseTerm(store, 'log')
    await expect(raiseTerm(raced, 'log')).rejects.toThrow(StaleWriterError)
    expect(await store.position('log')).toMatchObject({ version: 1n, term: 1n })
  })
})

describe('the key of a log index', () => {
  it.each([
    [0n, '0000000000000000000'],
    [255n, '0000000000000000255'],
    [9223372036854775807n, '9223372036854775807'],
  ])('of %s is %s', (index, key) => {
    expect(keyFromIndex(index)).toBe(key)
  })

  it.each([-1n, 9223372036854775808n])('does not exist for %s', (index) => {
    expect(() => keyFromIndex(index)).toThrow(RangeError)
  })
})
