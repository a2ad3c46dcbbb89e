import { describe, expect, it } from 'vitest'
import { StoreUnavailableError } from './errors.ts'
import { createFaultyStore, type StoreFault } from './faulty-store.ts'
import { createMemoryStore } from './memory-store.ts'
import { step } from './step.ts'
import type { Document } from './store.ts'

describe('a store with planned faults', () => {
  it.each<[string, StoreFault, { keys: string; moved: boolean; heard: unknown }]>([
    ['the answer is lost', { happens: 'all', reported: false }, { keys: 'abc', moved: true, heard: 'failure' }],
    [
      'it dies before the position',
      { happens: 'documents', reported: false },
      { keys: 'abc', moved: false, heard: 'failure' },
    ],
    [
      'it dies among the documents',
      { happens: 'half', reported: false },
      { keys: 'ab', moved: false, heard: 'failure' },
    ],
    ['it dies before anything', { happens: 'nothing', reported: false }, { keys: '', moved: false, heard: 'failure' }],
    ['the disk lies', { happens: 'nothing', reported: true }, { keys: '', moved: false, heard: true }],
  ])('in a step %s', async (_, fault, expected) => {
    const store = createMemoryStore()
    const faulty = createFaultyStore(store, ({ method }) => (method === 'step' ? fault : undefined))
    const documents = ['a', 'b', 'c'].map(document)
    const heard = await step(faulty, documents, 'log', undefined, { term: 1n, value: new Uint8Array() }).catch(
      (error) => (error instanceof StoreUnavailableError ? 'failure' : error),
    )
    const keys = (await store.range('events', { limit: 10 })).map(({ key }) => key).join('')
    expect({ keys, moved: (await store.position('log')) !== undefined, heard }).toEqual(expected)
  })

  it('every call is numbered, a planned error is the one heard, and unplanned calls go well', async () => {
    const numbers: number[] = []
    const error = new Error('planned')
    const faulty = createFaultyStore(createMemoryStore(), ({ number }) => {
      numbers.push(number)
      return number === 1 ? { happens: 'nothing', reported: false, error } : undefined
    })
    await faulty.insert([document('a')])
    await expect(faulty.get('events', 'a')).rejects.toBe(error)
    expect((await faulty.get('events', 'a'))?.key).toBe('a')
    expect(numbers).toEqual([0, 1, 2])
  })
})

function document(key: string): Document {
  return { collection: 'events', key, term: 1n, value: new Uint8Array([1]) }
}
