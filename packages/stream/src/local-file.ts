import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StreamBrokenError, StreamFormatError, StreamFullError, StreamUnavailableError } from './errors.ts'

/** The layout this program writes. A file with a larger number was written by a newer one and is refused. */
const streamLayout: number = 1

/** How long a write waits for another process's write, in milliseconds; the whole process waits with it. */
const busyTimeoutMs = 1000

/**
 * Opens the file, made on the first use (readable by its owner only) under the id of `newId`.
 *
 * @throws {StreamFormatError} a newer layout, or no stream; the file was not touched.
 * @throws {StreamUnavailableError} it cannot be opened, or is locked.
 */
export function openStreamFile(path: string, newId: () => string): DatabaseSync {
  createForOwnerOnly(path)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    checkFormat(database, path)
    prepare(database, newId())
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    if (primaryCode(error) === SQLITE_NOTADB) throw new StreamFormatError(`${path} is no stream`, { cause: error })
    throw streamErrorFromSqlite(error, path)
  }
}

/** The reaction an SQLite failure asks for (sqlite.org/rescode.html); other failures come back as they are. */
export function streamErrorFromSqlite(error: unknown, path: string): unknown {
  const code = primaryCode(error)
  if (code === undefined) return error
  const text = `${path}: ${(error as Error).message}`
  if (code === SQLITE_FULL || extendedCode(error) === SQLITE_IOERR_SHMSIZE) {
    return new StreamFullError(text, { cause: error })
  }
  if (code === SQLITE_BUSY || code === SQLITE_LOCKED || code === SQLITE_CANTOPEN) {
    return new StreamUnavailableError(text, { cause: error })
  }
  return new StreamBrokenError(text, { cause: error })
}

// SQLite gives the files it makes beside this one the same mode.
function createForOwnerOnly(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new StreamUnavailableError(`${path} cannot be opened for writing`, { cause: error })
  }
}

function checkFormat(database: DatabaseSync, path: string): void {
  const tables = database.prepare('SELECT name FROM sqlite_schema').all()
  if (tables.length === 0) return
  if (!tables.some(({ name }) => name === 'stream')) throw new StreamFormatError(`${path} is no stream`)
  const layout = Number(database.prepare('SELECT layout FROM stream').get()?.layout)
  if (layout === streamLayout) return
  throw new StreamFormatError(
    layout > streamLayout
      ? `${path} was written by a newer version (layout ${layout}, this program knows ${streamLayout}): use that version`
      : `${path} has layout ${layout}, this program knows ${streamLayout} only`,
  )
}

function prepare(database: DatabaseSync, id: string): void {
  // Checkpoints are ours to call, because SQLite keeps their failures to itself. What retention deletes is overwritten.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
  database.exec('PRAGMA secure_delete = ON; BEGIN IMMEDIATE')
  database.exec(`
    CREATE TABLE IF NOT EXISTS stream (
      layout INTEGER NOT NULL, id TEXT NOT NULL,
      next_offset INTEGER NOT NULL, bytes INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS records (
      offset INTEGER PRIMARY KEY, appended_at_ms INTEGER NOT NULL, value BLOB NOT NULL
    ) STRICT;
  `)
  database.prepare(`INSERT INTO stream SELECT ${streamLayout}, ?, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM stream)`).run(id)
  database.exec('COMMIT')
}

function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error)
  return code === undefined ? undefined : code & 0xff
}

function extendedCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26
// The index beside the write-ahead log cannot grow: the disk is full. It holds nothing that must last.
const SQLITE_IOERR_SHMSIZE = 10 | (19 << 8)
