import { randomBytes } from 'node:crypto'
import { keyFromIndex, StoreFormatError, StoreUnavailableError } from '@hutong/store'
import { describeStoreContract } from '@hutong/store/contract'
import { createMongoStore } from '@hutong/store/mongo'
import { MongoClient } from 'mongodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findMongo } from './mongo/engine.ts'

const engine = await findMongo()

if (engine.kind === 'absent') {
  it('the mongo store keeps the contract of a store', (ctx) => ctx.skip(engine.reason))
} else {
  const { uri, label } = engine
  console.info(`mongo store: ${label}`)

  describeStoreContract(`the mongo store [${label}]`, async () => {
    const database = newDatabase()
    const stores = [await createMongoStore({ uri, database })]
    return {
      store: stores[0]!,
      async reopen() {
        await stores.at(-1)![Symbol.asyncDispose]()
        stores.push(await createMongoStore({ uri, database }))
        return stores.at(-1)!
      },
      async dispose() {
        await stores.at(-1)![Symbol.asyncDispose]()
        await using raw = await connect(uri)
        await raw.client.db(database).dropDatabase()
      },
    }
  })

  describe(`a store in MongoDB [${label}]`, () => {
    let database: string
    let raw: Awaited<ReturnType<typeof connect>>

    beforeEach(async () => {
      database = newDatabase()
      raw = await connect(uri)
    })
    afterEach(async () => {
      await raw.client.db(database).dropDatabase()
      await raw[Symbol.asyncDispose]()
    })

    it('keeps terms and versions as whole numbers of 64 bits, and bytes as bytes', async () => {
      await using store = await createMongoStore({ uri, database })
      await store.insert([{ collection: 'events', key: '互a', term: 3n, value: Uint8Array.of(1), subject: 'ab' }])
      await store.movePosition('log', undefined, { term: 3n, value: Uint8Array.of(2) })
      const asBson = { promoteValues: false } as const
      const row = await raw.client.db(database).collection('documents_events').findOne({}, asBson)
      // UTF-8 of 互 is e4 ba 92, each byte as the character of that number.
      expect(row).toMatchObject({ _id: 'äº\u0092a', term: { _bsontype: 'Long' }, value: { _bsontype: 'Binary' } })
      const position = await raw.client.db(database).collection('positions').findOne({}, asBson)
      expect(position).toMatchObject({ _id: 'log', version: { _bsontype: 'Long' }, term: { _bsontype: 'Long' } })
    })

    it('written by a newer program is refused, and not touched', async () => {
      await raw.client.db(database).collection<{ _id: string; layout: number }>('layout').insertOne({
        _id: 'layout',
        layout: 2,
      })
      await expect(createMongoStore({ uri, database })).rejects.toThrow(StoreFormatError)
      await expect(createMongoStore({ uri, database })).rejects.toThrow(
        /newer version \(layout 2, this program knows 1\)/,
      )
      const names = (await raw.client.db(database).listCollections().toArray()).map(({ name }) => name)
      expect(names).toEqual(['layout'])
    })

    it('whose migration ended half-way is migrated by whoever opens it next', async () => {
      const content = { collection: 'events', key: 'a', term: 1n, value: Uint8Array.of(1), subject: 'ab' }
      await using first = await createMongoStore({ uri, database })
      await first.insert([content])
      await raw.client.db(database).collection('documents_events').dropIndexes()
      await raw.client.db(database).collection('layout').deleteMany({})
      await using again = await createMongoStore({ uri, database })
      expect(await raw.client.db(database).collection('layout').findOne({})).toEqual({ _id: 'layout', layout: 1 })
      const indexes = await raw.client.db(database).collection('documents_events').listIndexes().toArray()
      expect(indexes.map(({ name }) => name)).toContain('by_subject')
      expect(await again.deleteBySubject('ab')).toBe(1)
    })

    it('opened by several at once is migrated once and open to each', async () => {
      const stores = await Promise.all([1, 2, 3].map(() => createMongoStore({ uri, database })))
      expect(await raw.client.db(database).collection('layout').countDocuments()).toBe(1)
      for (const store of stores) await store[Symbol.asyncDispose]()
    })

    it('takes more documents than one command does, and gives them back in order', async () => {
      await using store = await createMongoStore({ uri, database })
      const documents = Array.from({ length: 2_500 }, (_, index) => ({
        collection: 'events',
        key: keyFromIndex(BigInt(index)),
        term: 1n,
        value: new Uint8Array(index % 100),
      }))
      await store.insert(documents)
      await store.insert(documents)
      const found = await store.range('events', { limit: 3_000 })
      expect(found).toEqual(documents)
      expect(
        (
          await store.getMany(
            'events',
            documents.map(({ key }) => key),
          )
        ).size,
      ).toBe(2_500)
    })

    it('of writers who insert other content under the same keys at once, the largest term stays everywhere', async () => {
      await using store = await createMongoStore({ uri, database })
      const keys = Array.from({ length: 20 }, (_, index) => keyFromIndex(BigInt(index)))
      const writers = [1n, 2n, 3n].map((term) =>
        store.insert(keys.map((key) => ({ collection: 'events', key, term, value: Buffer.from(`of ${term}`) }))),
      )
      // The smaller terms may be refused; the largest never.
      const [, , largest] = await Promise.allSettled(writers)
      expect(largest?.status).toBe('fulfilled')
      const found = await store.range('events', { limit: 100 })
      expect(found.map(({ term }) => term)).toEqual(keys.map(() => 3n))
      expect(new Set(found.map(({ value }) => Buffer.from(value).toString()))).toEqual(new Set(['of 3']))
    })

    it('that nobody answers for is unavailable, not broken', async () => {
      const nobody = createMongoStore({ uri: 'mongodb://127.0.0.1:1', database })
      await expect(nobody).rejects.toThrow(StoreUnavailableError)
    })
  })
}

function newDatabase(): string {
  return `hutong_test_${randomBytes(6).toString('hex')}`
}

async function connect(uri: string): Promise<{ readonly client: MongoClient } & AsyncDisposable> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 })
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.close() }
}
