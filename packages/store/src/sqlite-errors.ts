import { StoreBrokenError, StoreFullError, StoreUnavailableError } from './errors.ts'

/**
 * The reaction an SQLite failure asks for, from its result code (sqlite.org/rescode.html); anything that is not an
 * SQLite failure comes back as it is.
 */
export function storeErrorFromSqlite(error: unknown, path: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  const text = `${path}: ${(error as Error).message}`
  if (isFull(code)) return new StoreFullError(text, { cause: error })
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
      return new StoreUnavailableError(text, { cause: error })
    default:
      // EIO, corruption, and whatever we do not know: believing anything after it would be guessing.
      return new StoreBrokenError(text, { cause: error })
  }
}

/** SQLite's extended result code, or undefined when the failure is not SQLite's. */
function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}

/** Whether the file is no database, or an encrypted one. */
export function isNoDatabase(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== undefined && (code & 0xff) === SQLITE_NOTADB
}

// The index of the write-ahead log lives in a file beside it, grown by writing; it holds nothing that must last, and
// the only reason it cannot grow is a full disk.
function isFull(code: number): boolean {
  return (code & 0xff) === SQLITE_FULL || code === SQLITE_IOERR_SHMSIZE
}

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26
const SQLITE_IOERR_SHMSIZE = 10 | (19 << 8)
