import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as otherWorkFirst } from 'node:timers/promises'
import { checkCollection, checkDocuments, checkKey, checkKeys, checkMove, checkRange, checkSubject } from './bounds.ts'
import { StaleWriterError, StoreBrokenError, StoreClosedError, StoreFullError } from './errors.ts'
import { storeErrorFromSqlite } from './sqlite-errors.ts'
import { openSqliteFile } from './sqlite-file.ts'
import type { Document, NextPosition, Position, RangeOptions, Store } from './store.ts'

export interface SqliteStoreOptions {
  /** The file; it is made when it is not there. SQLite keeps two more beside it while the store is open. */
  readonly path: string
  /** Only read, beside a process that writes; the file must be there. Every writing method throws a TypeError. */
  readonly readonly?: boolean
}

/**
 * A store in one SQLite file. Several processes may open it: the compare-and-swap decides between them.
 *
 * @throws {StoreFormatError} the file is of a newer version or not a store.
 * @throws {StoreUnavailableError} the file cannot be opened.
 */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  const readonly = options.readonly ?? false
  return new SqliteStore(openSqliteFile(options.path, readonly), options.path, readonly)
}

/**
 * About how much may stand in the write-ahead log before it is copied into the file, in bytes. The count is an
 * estimate: being wrong costs disk space, never content.
 */
const checkpointBytes = 16 * 1024 * 1024

/** Rows that a deletion by subject looks through before other work gets its turn. */
const rowsPerSlice = 8192

class SqliteStore implements Store {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #readonly: boolean
  readonly #collections = new Map<string, Collection>()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #selectPosition: StatementSync
  readonly #insertPosition: StatementSync
  readonly #updatePosition: StatementSync
  #bytesSinceCheckpoint = 0
  #broken: StoreBrokenError | undefined

  constructor(database: DatabaseSync, path: string, readonly: boolean) {
    this.#database = database
    this.#path = path
    this.#readonly = readonly
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#selectPosition = bigints(database, 'SELECT version, term, value FROM positions WHERE name = ?')
    this.#insertPosition = database.prepare('INSERT INTO positions VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING')
    this.#updatePosition = database.prepare(
      'UPDATE positions SET version = version + 1, term = ?, value = ? WHERE name = ? AND version = ?',
    )
  }

  async insert(documents: readonly Document[]): Promise<void> {
    checkDocuments(documents)
    this.#write(documents, () => this.#insertAll(documents))
  }

  async position(name: string): Promise<Position | undefined> {
    checkCollection(name)
    return this.#read(() => this.#selectPosition.get(name) as unknown as Position | undefined)
  }

  async movePosition(name: string, expectedVersion: bigint | undefined, next: NextPosition): Promise<boolean> {
    checkMove(name, expectedVersion, next)
    return this.#write([next], () => this.#move(name, expectedVersion, next))
  }

  async step(
    documents: readonly Document[],
    name: string,
    expectedVersion: bigint | undefined,
    next: NextPosition,
  ): Promise<boolean> {
    checkDocuments(documents)
    checkMove(name, expectedVersion, next)
    return this.#write([...documents, next], () => {
      // Inside the transaction nobody else writes, so the position may go first: when it was moved, nothing is written.
      if (!this.#move(name, expectedVersion, next)) return false
      this.#insertAll(documents)
      return true
    })
  }

  async get(collection: string, key: string): Promise<Document | undefined> {
    checkCollection(collection)
    checkKey(key)
    return this.#read(() => {
      const row = this.#existing(collection)?.get.get(key)
      return row && documentFromRow(collection, row as unknown as Row)
    })
  }

  async getMany(collection: string, keys: readonly string[]): Promise<ReadonlyMap<string, Document>> {
    checkKeys(collection, keys)
    return this.#read(() => {
      const rows = this.#existing(collection)?.getMany.all(JSON.stringify(keys)) ?? []
      const found = new Map<string, Document>()
      for (const row of rows as unknown as readonly Row[]) found.set(row.key, documentFromRow(collection, row))
      return found
    })
  }

  async range(collection: string, options: RangeOptions): Promise<readonly Document[]> {
    checkRange(collection, options)
    return this.#read(() => {
      const statements = this.#existing(collection)
      if (!statements) return []
      const statement = options.reverse ? statements.rangeReverse : statements.range
      const rows = statement.all(options.from ?? '', options.to ?? aboveEveryText, options.limit)
      return rows.map((row) => documentFromRow(collection, row as unknown as Row))
    })
  }

  async deleteBySubject(subject: string): Promise<number> {
    checkSubject(subject)
    this.#checkWritable()
    let deleted = 0
    for (const name of this.#read(() => this.#collectionNames())) {
      for (let from = 0n; from < this.#lastRow(name); from += BigInt(rowsPerSlice)) {
        deleted += this.#deleteSlice(name, subject, from)
        await otherWorkFirst()
      }
    }
    // The write-ahead log still holds what was just deleted; a reader of another process may delay its end until the
    // next checkpoint.
    if (deleted > 0) this.#checkpoint('TRUNCATE')
    return deleted
  }

  async delete(collection: string, keys: readonly string[]): Promise<void> {
    checkKeys(collection, keys)
    this.#write([], () => {
      const statements = this.#existing(collection)
      for (const key of keys) statements?.delete.run(key)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  /** Rows above `from`, as many as a slice has. */
  #deleteSlice(name: string, subject: string, from: bigint): number {
    const { deleteBySubject } = this.#collection(name)
    return this.#write([], () => Number(deleteBySubject.run(from, from + BigInt(rowsPerSlice), subject).changes))
  }

  #lastRow(name: string): bigint {
    return this.#read(() => (this.#collection(name).lastRow.get() as unknown as { readonly row: bigint }).row)
  }

  #insertAll(documents: readonly Document[]): void {
    for (const document of documents) {
      const { insert } = this.#collection(document.collection)
      const { changes } = insert.run(document.key, document.term, document.value, document.subject ?? null)
      if (changes === 0) this.#meet(document)
    }
  }

  // Something lies under this key already. Raising the term of an equal document matters: else a writer of a term in
  // between could still replace it.
  #meet(document: Document): void {
    const { get, replace } = this.#collection(document.collection)
    const stored = get.get(document.key) as unknown as Row
    const isNewer = document.term > stored.term
    if (!isNewer && sameContent(document, stored)) return
    if (!isNewer) {
      const place = `${document.collection}/${document.key}`
      throw new StaleWriterError(
        `other content lies at ${place} under term ${stored.term}, this writer has ${document.term}`,
        { place, storedTerm: stored.term },
      )
    }
    replace.run(document.term, document.value, document.subject ?? null, document.key, stored.term)
  }

  #move(name: string, expectedVersion: bigint | undefined, next: NextPosition): boolean {
    const { changes } =
      expectedVersion === undefined
        ? this.#insertPosition.run(name, next.term, next.value)
        : this.#updatePosition.run(next.term, next.value, name, expectedVersion)
    return changes === 1
  }

  #read<T>(work: () => T): T {
    this.#checkUsable()
    try {
      return work()
    } catch (error) {
      throw this.#failed(error)
    }
  }

  #write<T>(written: readonly { readonly value: Uint8Array }[], work: () => T): T {
    this.#checkWritable()
    let result: T
    try {
      this.#begin.run()
      result = work()
      this.#commit.run()
    } catch (error) {
      this.#rollback()
      throw this.#failed(error)
    }
    this.#bytesSinceCheckpoint += estimateLogBytes(written)
    if (this.#bytesSinceCheckpoint >= checkpointBytes) this.#checkpoint('PASSIVE')
    return result
  }

  #rollback(): void {
    // A table made in this transaction goes away with it.
    this.#collections.clear()
    if (!this.#database.isTransaction) return
    try {
      this.#database.exec('ROLLBACK')
    } catch (error) {
      this.#broken ??= new StoreBrokenError(`${this.#path}: a failed write could not be undone`, { cause: error })
    }
  }

  // The commit is durable before this; only a disk that fails while the log is copied can make it untrue.
  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    try {
      this.#database.exec(`PRAGMA wal_checkpoint(${mode})`)
    } catch (error) {
      const failure = this.#failed(error)
      // No space to copy into: the content stays in the log, and the next write meets the full disk itself.
      if (!(failure instanceof StoreFullError)) throw failure
    }
    this.#bytesSinceCheckpoint = 0
  }

  #checkWritable(): void {
    this.#checkUsable()
    if (this.#readonly) throw new TypeError(`${this.#path} was opened for reading only`)
  }

  #checkUsable(): void {
    if (this.#broken) throw this.#broken
    if (!this.#database.isOpen) throw new StoreClosedError()
  }

  #failed(error: unknown): unknown {
    const failure = storeErrorFromSqlite(error, this.#path)
    if (failure instanceof StoreBrokenError) this.#broken ??= failure
    return this.#broken ?? failure
  }

  #collection(name: string): Collection {
    const existing = this.#existing(name)
    if (existing) return existing
    createTable(this.#database, name)
    return this.#remember(name)
  }

  #existing(name: string): Collection | undefined {
    return this.#collections.get(name) ?? (hasTable(this.#database, name) ? this.#remember(name) : undefined)
  }

  #collectionNames(): string[] {
    const tables = this.#database.prepare(`SELECT substr(name, 12) AS name FROM sqlite_schema
      WHERE type = 'table' AND substr(name, 1, 11) = 'collection_'`)
    return tables.all().map(({ name }) => String(name))
  }

  #remember(name: string): Collection {
    const collection = prepareCollection(this.#database, name)
    this.#collections.set(name, collection)
    return collection
  }
}

interface Row {
  readonly key: string
  readonly term: bigint
  readonly value: Uint8Array
  readonly subject: string | null
}

interface Collection {
  readonly insert: StatementSync
  readonly replace: StatementSync
  readonly get: StatementSync
  /** Bound to a JSON array of keys: one crossing into SQLite for all of them. */
  readonly getMany: StatementSync
  readonly range: StatementSync
  readonly rangeReverse: StatementSync
  readonly delete: StatementSync
  /** Bound to a slice of rows. */
  readonly deleteBySubject: StatementSync
  readonly lastRow: StatementSync
}

/** SQLite sorts every blob after every text, so this is an upper border that no key reaches. */
const aboveEveryText = new Uint8Array()

// Names of collections are letters and underscores (checked at the door), so they can stand in SQL.
function prepareCollection(database: DatabaseSync, name: string): Collection {
  const table = `collection_${name}`
  const select = `SELECT key, term, value, subject FROM ${table} WHERE`
  return {
    insert: database.prepare(
      `INSERT INTO ${table} (key, term, value, subject) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    replace: database.prepare(`UPDATE ${table} SET term = ?, value = ?, subject = ? WHERE key = ? AND term = ?`),
    get: bigints(database, `${select} key = ?`),
    getMany: bigints(database, `${select} key IN (SELECT value FROM json_each(?))`),
    range: bigints(database, `${select} key >= ? AND key < ? ORDER BY key LIMIT ?`),
    rangeReverse: bigints(database, `${select} key >= ? AND key < ? ORDER BY key DESC LIMIT ?`),
    delete: database.prepare(`DELETE FROM ${table} WHERE key = ?`),
    deleteBySubject: database.prepare(`DELETE FROM ${table} WHERE rowid > ? AND rowid <= ? AND subject = ?`),
    lastRow: bigints(database, `SELECT ifnull(max(rowid), 0) AS row FROM ${table}`),
  }
}

// No index by subject: subjects are random, so each document would dirty a page of its own, on every write and for good, for the sake of
// a deletion that is asked for once in a long while and can go through the rows. The subject stands before the value, so that
// going through them does not read long values.
function createTable(database: DatabaseSync, name: string): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS collection_${name} (
      key TEXT NOT NULL PRIMARY KEY, term INTEGER NOT NULL, subject TEXT, value BLOB NOT NULL
    ) STRICT;
  `)
}

function hasTable(database: DatabaseSync, name: string): boolean {
  const select = database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`)
  return select.get(`collection_${name}`) !== undefined
}

// Terms and versions reach 2^63 − 1, past what a number can hold.
function bigints(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}

function documentFromRow(collection: string, { key, term, value, subject }: Row): Document {
  return subject === null ? { collection, key, term, value } : { collection, key, term, value, subject }
}

function sameContent(document: Document, stored: Row): boolean {
  return (document.subject ?? null) === stored.subject && Buffer.compare(document.value, stored.value) === 0
}

// Whole pages are logged: for a commit those of the trees' edges, for a key that does not follow the last one a page somewhere. Keys that
// follow share theirs, so a quarter of a page for each document is a fair mean.
function estimateLogBytes(written: readonly { readonly value: Uint8Array }[]): number {
  const pageBytes = 4096
  return written.reduce((sum, { value }) => sum + value.byteLength + pageBytes / 4, 4 * pageBytes)
}
