import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreFormatError, StoreUnavailableError } from './errors.ts'
import { createCollection } from './sqlite-collection.ts'
import { isNoDatabase, storeErrorFromSqlite } from './sqlite-errors.ts'

/** The layout this program writes. A file with a larger number was written by a newer one and is refused. */
const schemaVersion: number = 2
/** The layout before: rows and keys in one table each. It is brought to the present one when the file is opened for writing. */
const earlierVersion = 1

/** How long a write waits for another process's write, in milliseconds. The whole process waits with it: keep it short. */
const busyTimeoutMs = 1000

/**
 * Opens the file, made on the first use (readable by its owner only), and makes sure it is a store this program knows.
 *
 * @throws {StoreFormatError} a newer layout, or no store; the file was not touched.
 * @throws {StoreUnavailableError} it cannot be opened, or is locked.
 */
export function openSqliteFile(path: string, readonly: boolean): DatabaseSync {
  if (!readonly) createForOwnerOnly(path)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly: readonly, timeout: busyTimeoutMs })
    checkFormat(database, path, readonly)
    if (!readonly) prepareForWriting(database)
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    if (isNoDatabase(error)) throw new StoreFormatError(`${path} is not a store`, { cause: error })
    throw storeErrorFromSqlite(error, path)
  }
}

// SQLite gives the files it makes beside this one the same mode.
function createForOwnerOnly(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new StoreUnavailableError(`${path} cannot be opened for writing`, { cause: error })
  }
}

function checkFormat(database: DatabaseSync, path: string, readonly: boolean): void {
  const tables = database.prepare('SELECT name FROM sqlite_schema').all()
  if (tables.length === 0 && !readonly) return
  if (!tables.some((table) => table.name === 'schema_version')) throw new StoreFormatError(`${path} is not a store`)
  const version = Number(database.prepare('SELECT version FROM schema_version').get()?.version)
  if (version === schemaVersion || (version === earlierVersion && !readonly)) return
  throw new StoreFormatError(
    version > schemaVersion
      ? `${path} was written by a newer version (layout ${version}, this program knows ${schemaVersion}): use that version`
      : `${path} has layout ${version}, this program knows ${schemaVersion} only`,
  )
}

/** Pages kept in memory for each open file, at most; SQLite's own 2 MiB make every look-up of a random key a read from the file. */
const pageCacheKibibytes = 16 * 1024

function prepareForWriting(database: DatabaseSync): void {
  // FULL: the write-ahead log is synced at every commit. Checkpoints are ours to call, because SQLite keeps their
  // failures to itself. secure_delete: what was deleted is overwritten, not only forgotten (formats F13).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
  database.exec(`PRAGMA secure_delete = ON; PRAGMA cache_size = -${pageCacheKibibytes}`)
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;
    INSERT INTO schema_version SELECT ${schemaVersion} WHERE NOT EXISTS (SELECT 1 FROM schema_version);
    CREATE TABLE IF NOT EXISTS positions (
      name TEXT PRIMARY KEY, version INTEGER NOT NULL, term INTEGER NOT NULL, value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS filed (collection TEXT PRIMARY KEY, through INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `)
  bringUp(database)
  database.exec('COMMIT')
}

/** Brings a file of the earlier layout to the present one: the same documents in the same order. All of it or nothing. */
function bringUp(database: DatabaseSync): void {
  if (Number(database.prepare('SELECT version FROM schema_version').get()?.version) === schemaVersion) return
  for (const name of collectionNames(database)) {
    database.exec(`ALTER TABLE collection_${name} RENAME TO earlier`)
    createCollection(database, name)
    database.exec(`
      INSERT INTO collection_${name} (row, key, term, subject, value)
        SELECT rowid, key, term, subject, value FROM earlier ORDER BY rowid;
      INSERT INTO keys_${name} (key, row) SELECT key, row FROM collection_${name} ORDER BY key;
      INSERT INTO filed SELECT '${name}', max(row) FROM collection_${name} HAVING count(*) > 0;
      DROP TABLE earlier;
    `)
  }
  database.exec(`UPDATE schema_version SET version = ${schemaVersion}`)
}

/** The collections that have tables: names of our code, letters and underscores. */
export function collectionNames(database: DatabaseSync): readonly string[] {
  const tables = database.prepare(`SELECT substr(name, 12) AS name FROM sqlite_schema
    WHERE type = 'table' AND substr(name, 1, 11) = 'collection_'`)
  return tables.all().map(({ name }) => String(name))
}
