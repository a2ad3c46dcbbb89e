import { type Collection, MongoBulkWriteError } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { StoreUnavailableError } from './errors.ts'
import { insertDocuments } from './mongo-insert.ts'
import { type DocumentRow, rowFromDocument } from './mongo-rows.ts'
import type { Document } from './store.ts'

const document: Document = { collection: 'events', key: 'a', term: 1n, value: Uint8Array.of(1) }
const row = rowFromDocument(document)

describe('inserting into MongoDB', () => {
  it('what is written but not confirmed by a majority is not called durable', async () => {
    const rows = standIn({ bulkWrite: async () => resultWith({ errmsg: 'waiting for replication timed out' }) })
    await expect(insertDocuments(rows, [document])).rejects.toThrow(StoreUnavailableError)
  })

  it('a key that is taken by what no majority has yet is looked at again until it has', async () => {
    const readings: DocumentRow[][] = [[], [], [row]]
    const rows = standIn({ bulkWrite: refuseWith([11_000]), find: () => readings.shift()! })
    await expect(insertDocuments(rows, [document])).resolves.toBeUndefined()
    expect(readings).toEqual([])
  })

  it('a key that is taken by what no majority ever gets is unavailable, and the rounds have an end', async () => {
    let readings = 0
    const find = () => {
      readings++
      return []
    }
    const rows = standIn({ bulkWrite: refuseWith([11_000]), find })
    await expect(insertDocuments(rows, [document])).rejects.toThrow(StoreUnavailableError)
    expect(readings).toBe(8)
  })

  it('what another writer put there between the reading and the replacing stays, and this one is told', async () => {
    let there = row
    const rows = standIn({
      find: () => [there],
      async bulkWrite([{ insertOne, replaceOne }]) {
        if (insertOne) return refuseWith([11_000])()
        there = rowFromDocument({ ...document, term: 5n, value: Uint8Array.of(5) })
        const { filter, replacement } = replaceOne!
        if (filter.term?.equals(there.term) ?? true) there = { ...replacement, _id: row._id }
        return resultWith(undefined)
      },
    })
    const ours = insertDocuments(rows, [{ ...document, term: 3n, value: Uint8Array.of(3) }])
    await expect(ours).rejects.toMatchObject({ name: 'StaleWriterError', place: 'events/a', storedTerm: 5n })
    expect(there.term.toBigInt()).toBe(5n)
  })

  it.each([
    ['an error beside a duplicate', [11_000, 14_031]],
    ['an error alone', [14_031]],
    ['no error of a single document', []],
  ])('%s is the failure, whatever lies there', async (_, codes) => {
    const rows = standIn({ bulkWrite: refuseWith(codes), find: () => [row] })
    await expect(insertDocuments(rows, [document])).rejects.toThrow(MongoBulkWriteError)
  })
})

interface Operation {
  readonly insertOne?: object
  readonly replaceOne?: { readonly filter: Partial<DocumentRow>; readonly replacement: Omit<DocumentRow, '_id'> }
}

/** A collection that answers what is planned, in the two calls that inserting makes. */
function standIn(plan: {
  readonly bulkWrite: (operations: [Operation]) => Promise<unknown>
  readonly find?: () => DocumentRow[]
}) {
  return {
    collectionName: 'documents_events',
    bulkWrite: plan.bulkWrite,
    find: () => ({ toArray: async () => plan.find?.() ?? [] }),
  } as unknown as Collection<DocumentRow>
}

function refuseWith(codes: readonly number[]): () => Promise<never> {
  return async () => {
    const failure = new MongoBulkWriteError(
      { message: 'as the server says', code: codes[0] ?? 1 },
      resultWith(undefined),
    )
    failure.writeErrors = codes.map((code) => ({ code })) as never
    throw failure
  }
}

function resultWith(unsure: { readonly errmsg: string } | undefined) {
  return { getWriteConcernError: () => unsure } as never
}
