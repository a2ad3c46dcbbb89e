import type { Db } from 'mongodb'
import { StoreFormatError } from './errors.ts'
import { within, writeLimitMs } from './mongo-clients.ts'
import { isDuplicateKey } from './mongo-errors.ts'

/** MongoDB's collections of documents begin with this; `positions` and `layout` do not. */
const documentsPrefix = 'documents_'

/** MongoDB's name of the port's collection. */
export function mongoCollection(collection: string): string {
  return `${documentsPrefix}${collection}`
}

/** MongoDB's names of all collections of documents. */
export async function mongoCollections(database: Db): Promise<readonly string[]> {
  const listing = database.listCollections({}, { nameOnly: true }).toArray()
  const found = await within(writeLimitMs, 'listing collections', listing)
  return found.map(({ name }) => name).filter((name) => name.startsWith(documentsPrefix))
}

/**
 * Brings the database to this program's layout. The number is written after each step, and each step may be done
 * again, so whoever opens next goes on where one ended.
 *
 * @throws {StoreFormatError} a newer program wrote this database.
 */
export async function migrate(database: Db): Promise<void> {
  for (let layout = await layoutOf(database); layout < steps.length; layout++) {
    await steps[layout]!(database)
    await writeLayout(database, layout + 1)
  }
}

/** The index by which all documents about a subject are found; it makes the collection too. Quiet when it is there. */
export async function indexSubjects(database: Db, mongoName: string): Promise<void> {
  const making = database.collection(mongoName).createIndex({ subject: 1 }, { name: 'by_subject', sparse: true })
  await within(writeLimitMs, `indexing ${mongoName}`, making)
}

/** What makes layout n + 1 of layout n. */
const steps: readonly ((database: Db) => Promise<void>)[] = [
  async (database) => {
    for (const name of await mongoCollections(database)) await indexSubjects(database, name)
  },
]

interface LayoutRow {
  readonly _id: 'layout'
  readonly layout: number
}

async function layoutOf(database: Db): Promise<number> {
  const reading = database.collection<LayoutRow>('layout').findOne({ _id: 'layout' })
  const found = await within(writeLimitMs, 'reading the layout', reading)
  const layout: unknown = found?.layout ?? 0
  if (typeof layout !== 'number' || !Number.isInteger(layout) || layout < 0) {
    throw new StoreFormatError(`${database.databaseName}: the layout is no number; this is no store of ours`)
  }
  if (layout > steps.length) {
    throw new StoreFormatError(
      `${database.databaseName}: written by a newer version (layout ${layout}, this program knows ${steps.length})`,
    )
  }
  return layout
}

async function writeLayout(database: Db, layout: number): Promise<void> {
  const rows = database.collection<LayoutRow>('layout')
  try {
    // A smaller number only: who opens at the same time with a newer program may be ahead.
    const writing = rows.updateOne({ _id: 'layout', layout: { $lt: layout } }, { $set: { layout } }, { upsert: true })
    await within(writeLimitMs, 'writing the layout', writing)
  } catch (error) {
    // The upsert meets a number that is not smaller.
    if (!isDuplicateKey(error)) throw error
  }
}
