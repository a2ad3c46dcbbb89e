import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as otherWorkFirst } from 'node:timers/promises'
import { checkCollection, checkDocuments, checkKey, checkKeys, checkMove, checkRange, checkSubject } from './bounds.ts'
import { StoreBrokenError, StoreClosedError, StoreFullError } from './errors.ts'
import { createCollection, defaultUnfiledKeysMax, SqliteCollection } from './sqlite-collection.ts'
import { storeErrorFromSqlite } from './sqlite-errors.ts'
import { collectionNames, openSqliteFile } from './sqlite-file.ts'
import type { Document, NextPosition, Position, RangeOptions, Store } from './store.ts'

export interface SqliteStoreOptions {
  /** The file; it is made when it is not there. SQLite keeps two more beside it while the store is open. */
  readonly path: string
  /** Only read, beside a process that writes; the file must be there. Every writing method throws a TypeError. */
  readonly readonly?: boolean
  /**
   * Keys of each collection that are kept in memory before they are filed among all others, at most (a quarter more while that is done).
   * Default 32,768.
   */
  readonly unfiledKeysMax?: number
}

/**
 * A store in one SQLite file. Several processes may open it: the compare-and-swap decides between them.
 *
 * @throws {StoreFormatError} the file is of a newer version or not a store.
 * @throws {StoreUnavailableError} the file cannot be opened.
 */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  const readonly = options.readonly ?? false
  const unfiledKeysMax = options.unfiledKeysMax ?? defaultUnfiledKeysMax
  if (!(unfiledKeysMax >= 1)) throw new RangeError(`unfiledKeysMax: want 1 or more, got ${unfiledKeysMax}`)
  return new SqliteStore(openSqliteFile(options.path, readonly), options.path, readonly, unfiledKeysMax)
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
  readonly #unfiledKeysMax: number
  /** With what each holds in memory; emptied when that may no longer be what the file says. */
  readonly #collections = new Map<string, SqliteCollection>()
  /** Collections that have no table yet: nobody need look each time. */
  readonly #absent = new Set<string>()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #dataVersion: StatementSync
  readonly #selectPosition: StatementSync
  readonly #insertPosition: StatementSync
  readonly #updatePosition: StatementSync
  #bytesSinceCheckpoint = 0
  /** Changes when another connection has written. */
  #seenVersion: unknown
  #broken: StoreBrokenError | undefined

  constructor(database: DatabaseSync, path: string, readonly: boolean, unfiledKeysMax: number) {
    this.#database = database
    this.#path = path
    this.#readonly = readonly
    this.#unfiledKeysMax = unfiledKeysMax
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#dataVersion = database.prepare('PRAGMA data_version')
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
    return this.#read(() => this.#existing(collection)?.get(key))
  }

  async getMany(collection: string, keys: readonly string[]): Promise<ReadonlyMap<string, Document>> {
    checkKeys(collection, keys)
    return this.#read(() => {
      const documents = this.#existing(collection)?.getMany(keys) ?? []
      return new Map(documents.map((document) => [document.key, document]))
    })
  }

  async range(collection: string, options: RangeOptions): Promise<readonly Document[]> {
    checkRange(collection, options)
    return this.#read(() => this.#existing(collection)?.range(options) ?? [])
  }

  async deleteBySubject(subject: string): Promise<number> {
    checkSubject(subject)
    this.#checkWritable()
    let deleted = 0
    for (const name of this.#read(() => collectionNames(this.#database))) {
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
    this.#write([], () => this.#existing(collection)?.delete(keys))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  /** Rows above `from`, as many as a slice has. */
  #deleteSlice(name: string, subject: string, from: bigint): number {
    return this.#write([], () => this.#collection(name).deleteBySubject(from, from + BigInt(rowsPerSlice), subject))
  }

  #lastRow(name: string): bigint {
    return this.#read(() => this.#collection(name).lastRow())
  }

  #insertAll(documents: readonly Document[]): void {
    const byCollection = Map.groupBy(documents, ({ collection }) => collection)
    for (const [name, ofCollection] of byCollection) this.#collection(name).insert(ofCollection)
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
      this.#noticeOthers()
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
      this.#noticeOthers()
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

  /** What another process has written is not in our memory. */
  #noticeOthers(): void {
    const version = this.#dataVersion.get()?.data_version
    if (version !== this.#seenVersion) this.#forgetCollections()
    this.#seenVersion = version
  }

  #forgetCollections(): void {
    this.#collections.clear()
    this.#absent.clear()
  }

  #rollback(): void {
    // What was inserted in this transaction goes away with it, and so does a table made in it.
    this.#forgetCollections()
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

  #collection(name: string): SqliteCollection {
    const existing = this.#existing(name)
    if (existing) return existing
    createCollection(this.#database, name)
    this.#absent.delete(name)
    return this.#remember(name)
  }

  #existing(name: string): SqliteCollection | undefined {
    const known = this.#collections.get(name)
    if (known !== undefined || this.#absent.has(name)) return known
    if (hasTable(this.#database, name)) return this.#remember(name)
    this.#absent.add(name)
    return undefined
  }

  #remember(name: string): SqliteCollection {
    const collection = new SqliteCollection(this.#database, name, this.#unfiledKeysMax)
    this.#collections.set(name, collection)
    return collection
  }
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

// Whole pages are logged: for a commit those at the ends of the tables, and of those where keys are filed about a quarter for each document.
function estimateLogBytes(written: readonly { readonly value: Uint8Array }[]): number {
  const pageBytes = 4096
  return written.reduce((sum, { value }) => sum + value.byteLength + pageBytes / 4, 4 * pageBytes)
}
