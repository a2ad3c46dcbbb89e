import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BoxError } from './box-error.ts'

/** The file whose lock says whose the data is. */
export const lockFileName = 'lock.sqlite'

/**
 * Takes the data directory for this process. The lock is an open exclusive transaction: the system lets go of it when the process dies,
 * however it dies, so nothing has to be cleaned up after a crash.
 *
 * @throws {BoxError} DATA_IN_USE another process has it.
 */
export function lockData(dataDir: string): Disposable {
  const database = new DatabaseSync(join(dataDir, lockFileName), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new BoxError(
      7,
      'DATA_IN_USE',
      `${dataDir} is in use by another box: stop that one, or name another --data`,
      error,
    )
  }
  return { [Symbol.dispose]: () => database.close() }
}

const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}
