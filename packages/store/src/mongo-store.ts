import type { Collection, Db, FindCursor } from 'mongodb'
import { checkCollection, checkDocuments, checkKey, checkKeys, checkMove, checkRange, checkSubject } from './bounds.ts'
import { StoreClosedError } from './errors.ts'
import { connectMongoClients, lookupLimitMs, type MongoClients, within, writeLimitMs } from './mongo-clients.ts'
import { isDuplicateKey, storeErrorFromMongo } from './mongo-errors.ts'
import { insertDocuments } from './mongo-insert.ts'
import { indexSubjects, migrate, mongoCollection, mongoCollections } from './mongo-layout.ts'
import {
  type DocumentRow,
  documentFromRow,
  idFromKey,
  type PositionRow,
  positionFromRow,
  rowFromPosition,
} from './mongo-rows.ts'
import type { Document, NextPosition, Position, RangeOptions, Store } from './store.ts'

export interface MongoStoreOptions {
  /** `mongodb://…`, with credentials and TLS as MongoDB writes them. Concerns and time limits in it are overridden. */
  readonly uri: string
  /** The database that holds this store and nothing else; letters, digits, `_` and `-`, at most 63. */
  readonly database: string
}

/**
 * A store in one MongoDB database, version 4.4 or newer. Several processes may open it: the compare-and-swap decides
 * between them. It needs no transactions; that what it acknowledged lasts needs a replica set.
 *
 * A lookup (`get`, `getMany`, `range`, `position`) waits at most 1.5 s for each answer of the server: a `range` or
 * `getMany` of many documents takes several.
 *
 * @throws {StoreFormatError} the database is of a newer version, no store, or its server too old.
 * @throws {StoreUnavailableError} the server cannot be reached, or does not let us in.
 */
export async function createMongoStore(options: MongoStoreOptions): Promise<Store> {
  const { uri, database } = options
  if (!/^[A-Za-z0-9_-]{1,63}$/.test(database)) throw new RangeError(`not a name of a database: ${database}`)
  try {
    return new MongoStore(await migratedClients(uri, database))
  } catch (error) {
    throw storeErrorFromMongo(error)
  }
}

/** Keys in one question or deletion: a thousand of the longest stay under 2 MiB. */
const keysPerCommandMax = 1_000

class MongoStore implements Store {
  readonly #clients: MongoClients
  /** Collections whose index was asked for in this run. */
  readonly #indexed = new Map<string, Promise<void>>()
  #closed = false

  constructor(clients: MongoClients) {
    this.#clients = clients
  }

  async insert(documents: readonly Document[]): Promise<void> {
    checkDocuments(documents)
    await this.#run(async () => {
      for (const [collection, ofCollection] of Map.groupBy(documents, (document) => document.collection)) {
        await this.#index(collection)
        await insertDocuments(rowsOf(this.#clients.writes, collection), ofCollection)
      }
    })
  }

  async position(name: string): Promise<Position | undefined> {
    checkCollection(name)
    return this.#run(async () => {
      const reading = positionsOf(this.#clients.lookups).findOne({ _id: name })
      const row = await within(lookupLimitMs, 'position', reading)
      return row ? positionFromRow(name, row) : undefined
    })
  }

  async movePosition(name: string, expectedVersion: bigint | undefined, next: NextPosition): Promise<boolean> {
    checkMove(name, expectedVersion, next)
    const moved = rowFromPosition((expectedVersion ?? 0n) + 1n, next)
    const positions = positionsOf(this.#clients.writes)
    return this.#run(() =>
      expectedVersion === undefined
        ? this.#beginPosition({ _id: name, ...moved })
        : moveFrom(positions, { _id: name, version: rowFromPosition(expectedVersion, next).version }, moved),
    )
  }

  async get(collection: string, key: string): Promise<Document | undefined> {
    checkCollection(collection)
    checkKey(key)
    return this.#run(async () => {
      const reading = rowsOf(this.#clients.lookups, collection).findOne({ _id: idFromKey(key) })
      const row = await within(lookupLimitMs, 'get', reading)
      return row ? documentFromRow(collection, row) : undefined
    })
  }

  async getMany(collection: string, keys: readonly string[]): Promise<ReadonlyMap<string, Document>> {
    checkKeys(collection, keys)
    return this.#run(async () => {
      const documents: Document[] = []
      for (const some of slices(keys)) {
        const cursor = rowsOf(this.#clients.lookups, collection).find({ _id: { $in: some } })
        documents.push(...(await documentsFrom(collection, cursor)))
      }
      return new Map(documents.map((document) => [document.key, document]))
    })
  }

  async range(collection: string, options: RangeOptions): Promise<readonly Document[]> {
    checkRange(collection, options)
    const { from, to, limit, reverse } = options
    const stretch = {
      ...(from === undefined ? {} : { $gte: idFromKey(from) }),
      ...(to === undefined ? {} : { $lt: idFromKey(to) }),
    }
    const filter = from === undefined && to === undefined ? {} : { _id: stretch }
    return this.#run(() => {
      const cursor = rowsOf(this.#clients.lookups, collection).find(filter)
      return documentsFrom(collection, cursor.sort({ _id: reverse ? -1 : 1 }).limit(limit))
    })
  }

  async deleteBySubject(subject: string): Promise<number> {
    checkSubject(subject)
    return this.#run(async () => {
      let deleted = 0
      for (const name of await mongoCollections(this.#clients.writes)) {
        const deleting = this.#clients.writes.collection<DocumentRow>(name).deleteMany({ subject })
        deleted += (await within(writeLimitMs, 'deleteBySubject', deleting)).deletedCount
      }
      return deleted
    })
  }

  async delete(collection: string, keys: readonly string[]): Promise<void> {
    checkKeys(collection, keys)
    await this.#run(async () => {
      for (const some of slices(keys)) {
        const deleting = rowsOf(this.#clients.writes, collection).deleteMany({ _id: { $in: some } })
        await within(writeLimitMs, 'delete', deleting)
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#clients[Symbol.asyncDispose]()
  }

  async #beginPosition(row: PositionRow): Promise<boolean> {
    try {
      await within(writeLimitMs, 'movePosition', positionsOf(this.#clients.writes).insertOne(row))
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  /** Before the first document of this run; after a failure it is asked for again. */
  async #index(collection: string): Promise<void> {
    const asked = this.#indexed.get(collection) ?? indexSubjects(this.#clients.writes, mongoCollection(collection))
    this.#indexed.set(collection, asked)
    try {
      await asked
    } catch (error) {
      this.#indexed.delete(collection)
      throw error
    }
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreClosedError()
    try {
      return await work()
    } catch (error) {
      // What is under way when the store is closed ends with whatever the driver finds gone.
      throw this.#closed ? new StoreClosedError() : storeErrorFromMongo(error)
    }
  }
}

async function migratedClients(uri: string, database: string): Promise<MongoClients> {
  const clients = await connectMongoClients(uri, database)
  try {
    await migrate(clients.writes)
    return clients
  } catch (error) {
    await clients[Symbol.asyncDispose]()
    throw error
  }
}

function rowsOf(database: Db, collection: string): Collection<DocumentRow> {
  return database.collection<DocumentRow>(mongoCollection(collection))
}

function positionsOf(database: Db): Collection<PositionRow> {
  return database.collection<PositionRow>('positions')
}

async function moveFrom(
  positions: Collection<PositionRow>,
  expected: Pick<PositionRow, '_id' | 'version'>,
  moved: Omit<PositionRow, '_id'>,
): Promise<boolean> {
  const moving = positions.updateOne(expected, { $set: moved })
  return (await within(writeLimitMs, 'movePosition', moving)).modifiedCount === 1
}

/** Answer by answer, each with the limit of a lookup: a server gives at most 16 MiB in one. */
async function documentsFrom(collection: string, cursor: FindCursor<DocumentRow>): Promise<Document[]> {
  const documents: Document[] = []
  try {
    while (await within(lookupLimitMs, collection, cursor.hasNext())) {
      for (const row of cursor.readBufferedDocuments()) documents.push(documentFromRow(collection, row))
    }
    return documents
  } catch (error) {
    // The exception is what the caller hears; a server that no longer answers need not hear that nobody listens.
    cursor.close().catch(() => undefined)
    throw error
  }
}

function slices(keys: readonly string[]): string[][] {
  const ids = keys.map(idFromKey)
  return Array.from({ length: Math.ceil(ids.length / keysPerCommandMax) }, (_, at) =>
    ids.slice(at * keysPerCommandMax, (at + 1) * keysPerCommandMax),
  )
}
