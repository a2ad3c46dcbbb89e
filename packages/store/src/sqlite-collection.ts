import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { StaleWriterError } from './errors.ts'
import { compareKeys, OrderedKeys } from './ordered-keys.ts'
import type { Document, RangeOptions } from './store.ts'

/** The more, the fewer pages a key costs; some 200 bytes each, and a start reads them again. */
export const defaultUnfiledKeysMax: number = 32_768
/** For each document inserted so many keys are filed, so that filing ends long before as many wait again. */
const filedPerInsert = 4

/**
 * The documents of one collection in an SQLite file. Rows lie in the order in which they came, so that what a step writes are the pages at
 * the end. The keys that lead to them are random in more than one collection: each would dirty a page of its own. So a key is first kept
 * in memory and filed later, sorted among many (docs/decisions/0010). The rows are the truth: keys above `filed_through` are read from them
 * when the collection is opened.
 *
 * Everything that writes is called inside a transaction. When that is rolled back, or another process has written, this object is spent.
 */
export class SqliteCollection {
  readonly #name: string
  readonly #unfiledKeysMax: number
  readonly #statements: Statements
  /** Of rows above `filed_through`, but for those that are being filed. */
  #unfiled = new OrderedKeys()
  #filing: Filing | undefined
  /** No key that is filed lies above it. */
  #lastFiled: string

  constructor(database: DatabaseSync, name: string, unfiledKeysMax: number) {
    this.#name = name
    this.#unfiledKeysMax = unfiledKeysMax
    this.#statements = prepareStatements(database, name)
    const { lastFiled, unfiled } = this.#statements
    this.#lastFiled = String(lastFiled.get()?.key ?? '')
    for (const { key, row } of unfiled.iterate(name)) this.#unfiled.set(String(key), Number(row))
  }

  get(key: string): Document | undefined {
    const { byRow, byKey } = this.#statements
    const row = this.#unfiledRow(key)
    const found = row === undefined ? byKey.get(key) : byRow.get(row)
    return found && this.#document(found as unknown as Row)
  }

  getMany(keys: readonly string[]): readonly Document[] {
    const rows: number[] = []
    const filed: string[] = []
    for (const key of new Set(keys)) {
      const row = this.#unfiledRow(key)
      if (row === undefined) filed.push(key)
      else rows.push(row)
    }
    const { byRows, byKeys } = this.#statements
    const found = [
      ...(rows.length === 0 ? [] : byRows.all(JSON.stringify(rows))),
      ...(filed.length === 0 ? [] : byKeys.all(JSON.stringify(filed))),
    ]
    return found.map((row) => this.#document(row as unknown as Row))
  }

  range({ from = '', to, limit, reverse = false }: RangeOptions): readonly Document[] {
    const { range, rangeReverse } = this.#statements
    const filed = (reverse ? rangeReverse : range).all(from, to ?? aboveEveryText, limit) as unknown as readonly Row[]
    const memories = this.#filing === undefined ? [this.#unfiled] : [this.#unfiled, this.#filing.keys]
    const unfiled = memories.flatMap((keys) => keys.between(from, to, limit, reverse))
    if (unfiled.length === 0) return filed.map((row) => this.#document(row))
    // What is being filed stands in both.
    const documents = new Map(filed.map((row) => [row.key, this.#document(row)]))
    for (const document of this.getMany(unfiled.filter((key) => !documents.has(key)))) {
      documents.set(document.key, document)
    }
    const sign = reverse ? -1 : 1
    return [...documents.values()].sort((left, right) => sign * compareKeys(left.key, right.key)).slice(0, limit)
  }

  /** @throws {StaleWriterError} as `Store.insert`. */
  insert(documents: readonly Document[]): void {
    const rows = this.#rowsOf(documents)
    // Twice in one call counts as two calls: then the second finds what the first has inserted.
    const isOnce = new Set(documents.map(({ key }) => key)).size === documents.length
    for (const [at, document] of documents.entries()) {
      const { key, term, value, subject } = document
      const row = isOnce ? rows[at] : (this.#unfiledRow(key) ?? rows[at])
      if (row !== undefined) this.#meet(document, row)
      else {
        const { lastInsertRowid } = this.#statements.insert.run(key, term, value, subject ?? null)
        this.#unfiled.set(key, Number(lastInsertRowid))
      }
    }
    this.#file(documents.length * filedPerInsert)
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) {
      const row = this.#unfiledRow(key) ?? (this.#statements.filedRow.get(key)?.row as number | undefined)
      if (row === undefined) continue
      this.#statements.delete.run(row)
      this.#forget(key)
    }
  }

  /** Deletes what is about the subject in the rows above `from`, up to and including `through`. */
  deleteBySubject(from: bigint, through: bigint, subject: string): number {
    const deleted = this.#statements.deleteBySubject.all(from, through, subject)
    for (const { key } of deleted) this.#forget(String(key))
    return deleted.length
  }

  lastRow(): bigint {
    return this.#statements.lastRow.get()?.row as bigint
  }

  #unfiledRow(key: string): number | undefined {
    return this.#unfiled.get(key) ?? this.#filing?.keys.get(key)
  }

  /** The row of each that is there. Among filed keys one above all of them, as one that counts upwards is, is not looked for. */
  #rowsOf(documents: readonly Document[]): readonly (number | undefined)[] {
    const rows = documents.map(({ key }) => this.#unfiledRow(key))
    const sought = documents.flatMap(({ key }, at) =>
      rows[at] === undefined && compareKeys(key, this.#lastFiled) <= 0 ? [key] : [],
    )
    const found = sought.length === 0 ? [] : this.#statements.filedRows.all(JSON.stringify(sought))
    if (found.length === 0) return rows
    const filed = new Map(found.map(({ key, row }) => [String(key), Number(row)]))
    return documents.map(({ key }, at) => rows[at] ?? filed.get(key))
  }

  // Something lies under this key already. Raising the term of an equal document matters: else a writer of a term in
  // between could still replace it.
  #meet(document: Document, row: number): void {
    const { byRow, replace } = this.#statements
    const stored = byRow.get(row) as unknown as Row
    const isNewer = document.term > stored.term
    if (!isNewer && sameContent(document, stored)) return
    if (!isNewer) {
      const place = `${document.collection}/${document.key}`
      throw new StaleWriterError(
        `other content lies at ${place} under term ${stored.term}, this writer has ${document.term}`,
        { place, storedTerm: stored.term },
      )
    }
    replace.run(document.term, document.value, document.subject ?? null, row)
  }

  #forget(key: string): void {
    this.#unfiled.delete(key)
    this.#filing?.keys.delete(key)
    this.#statements.deleteKey.run(key)
  }

  /** Files up to `count` of the keys that are being filed; begins with those in memory when there are enough. */
  #file(count: number): void {
    if (this.#filing === undefined && this.#unfiled.size >= this.#unfiledKeysMax) {
      const keys = this.#unfiled
      this.#unfiled = new OrderedKeys()
      this.#filing = { keys, order: keys.sorted(), next: 0, through: Number(this.lastRow()) }
    }
    const filing = this.#filing
    if (filing === undefined) return
    const end = Math.min(filing.next + count, filing.order.length)
    for (; filing.next < end; filing.next++) {
      const key = filing.order[filing.next]!
      const row = filing.keys.get(key)
      if (row !== undefined) this.#statements.file.run(key, row)
    }
    if (filing.next < filing.order.length) return
    this.#statements.filedThrough.run(this.#name, filing.through)
    const last = filing.order.at(-1)!
    if (compareKeys(last, this.#lastFiled) > 0) this.#lastFiled = last
    this.#filing = undefined
  }

  #document({ key, term, value, subject }: Row): Document {
    const collection = this.#name
    return subject === null ? { collection, key, term, value } : { collection, key, term, value, subject }
  }
}

/** Makes the tables of a collection; inside a transaction. */
export function createCollection(database: DatabaseSync, name: string): void {
  // AUTOINCREMENT: a number is never given twice, or the key of a row at the end that was deleted would be taken for filed. No index by
  // subject: subjects are random too, and a deletion asked for once in a long while can go through the rows; the subject stands before
  // the value, so that going through them does not read long values.
  database.exec(`
    CREATE TABLE collection_${name} (
      row INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, term INTEGER NOT NULL, subject TEXT, value BLOB NOT NULL
    ) STRICT;
    CREATE TABLE keys_${name} (key TEXT NOT NULL PRIMARY KEY, row INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `)
}

/** Keys on their way from memory into the table. */
interface Filing {
  readonly keys: OrderedKeys
  readonly order: readonly string[]
  /** Place in `order` of the first that is not filed yet. */
  next: number
  /** When all are filed, so is every row up to this one. */
  readonly through: number
}

interface Row {
  readonly key: string
  readonly term: bigint
  readonly value: Uint8Array
  readonly subject: string | null
}

/** SQLite sorts every blob after every text, so this is an upper border that no key reaches. */
const aboveEveryText = new Uint8Array()

type Statements = ReturnType<typeof prepareStatements>

// Names of collections are letters and underscores (checked at the door), so they can stand in SQL. Many keys or rows are bound as one
// array of JSON: one crossing into SQLite for all of them.
function prepareStatements(database: DatabaseSync, name: string) {
  const rows = `collection_${name}`
  const keys = `keys_${name}`
  const documents = `SELECT d.key, term, value, subject FROM ${rows} d`
  const filedDocuments = `SELECT k.key, term, value, subject FROM ${keys} k JOIN ${rows} d ON d.row = k.row WHERE k.key`
  return {
    insert: database.prepare(`INSERT INTO ${rows} (key, term, value, subject) VALUES (?, ?, ?, ?)`),
    replace: database.prepare(`UPDATE ${rows} SET term = ?, value = ?, subject = ? WHERE row = ?`),
    byRow: bigints(database, `${documents} WHERE row = ?`),
    byRows: bigints(database, `${documents} WHERE row IN (SELECT value FROM json_each(?))`),
    byKey: bigints(database, `${filedDocuments} = ?`),
    byKeys: bigints(database, `${filedDocuments} IN (SELECT value FROM json_each(?))`),
    range: bigints(database, `${filedDocuments} >= ? AND k.key < ? ORDER BY k.key LIMIT ?`),
    rangeReverse: bigints(database, `${filedDocuments} >= ? AND k.key < ? ORDER BY k.key DESC LIMIT ?`),
    delete: database.prepare(`DELETE FROM ${rows} WHERE row = ?`),
    deleteKey: database.prepare(`DELETE FROM ${keys} WHERE key = ?`),
    deleteBySubject: database.prepare(`DELETE FROM ${rows} WHERE row > ? AND row <= ? AND subject = ? RETURNING key`),
    lastRow: bigints(database, `SELECT ifnull(max(row), 0) AS row FROM ${rows}`),
    // Joined: the key of a row that somebody took away behind our back leads nowhere.
    filedRow: database.prepare(`SELECT d.row FROM ${keys} k JOIN ${rows} d ON d.row = k.row WHERE k.key = ?`),
    filedRows: database.prepare(
      `SELECT k.key, d.row FROM ${keys} k JOIN ${rows} d ON d.row = k.row WHERE k.key IN (SELECT value FROM json_each(?))`,
    ),
    lastFiled: database.prepare(`SELECT max(key) AS key FROM ${keys}`),
    unfiled: database.prepare(
      `SELECT key, row FROM ${rows} WHERE row > ifnull((SELECT through FROM filed WHERE collection = ?), 0)`,
    ),
    file: database.prepare(
      `INSERT INTO ${keys} (key, row) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row`,
    ),
    filedThrough: database.prepare(
      'INSERT INTO filed (collection, through) VALUES (?, ?) ON CONFLICT DO UPDATE SET through = excluded.through',
    ),
  }
}

// Terms and versions reach 2^63 − 1, past what a number can hold.
function bigints(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}

function sameContent(document: Document, stored: Row): boolean {
  return (document.subject ?? null) === stored.subject && Buffer.compare(document.value, stored.value) === 0
}
