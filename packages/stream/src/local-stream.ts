import { randomUUID } from 'node:crypto'
import { realpathSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Appends } from './appends.ts'
import { createEmbeddedStream, type RecordLog } from './embedded-stream.ts'
import { StreamBrokenError, StreamFullError } from './errors.ts'
import { firstBatch } from './first-batch.ts'
import { openStreamFile, streamErrorFromSqlite } from './local-file.ts'
import { type RetainingStream, recordsPerBatchMax, type StreamRecord } from './stream.ts'

export interface LocalStreamOptions {
  /** The file; it is made when it is not there. SQLite keeps two more beside it while the stream is open. */
  readonly path: string
  /** The clock, in milliseconds since the epoch; only retention looks at it. */
  readonly now: () => number
  /** Names a stream that is made now; a random UUID when absent. */
  readonly newId?: () => string
}

/**
 * A stream in one SQLite file, for one process. All streams of the process over the same file wake each other's
 * readers; what another process appends is seen only together with an append of this one.
 *
 * @throws {StreamFormatError} the file is of a newer version or no stream.
 * @throws {StreamUnavailableError} the file cannot be opened.
 */
export function createLocalStream({ path, now, newId = randomUUID }: LocalStreamOptions): RetainingStream {
  const log = new LocalRecordLog(openStreamFile(path, newId), path)
  return createEmbeddedStream(log, log.appends, now)
}

// Two services of one process open the same file each on its own and must still hear of each other.
const appendsByFile = new Map<string, { readonly appends: Appends; openings: number }>()

/** About how much may stand in the write-ahead log before it is copied into the file, in bytes; an estimate. */
const checkpointBytes = 16 * 1024 * 1024
const pageBytes = 4096

class LocalRecordLog implements RecordLog {
  readonly id: string
  readonly appends: Appends
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #file: string
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #state: StatementSync
  readonly #moveState: StatementSync
  readonly #insert: StatementSync
  readonly #select: StatementSync
  readonly #earliest: StatementSync
  readonly #oldest: StatementSync
  readonly #delete: StatementSync
  #bytesSinceCheckpoint = 0
  #broken: StreamBrokenError | undefined

  constructor(database: DatabaseSync, path: string) {
    this.#database = database
    this.#path = path
    this.#file = realpathSync(path)
    this.appends = joinAppends(this.#file)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#state = bigints(database, 'SELECT next_offset AS nextOffset, bytes FROM stream')
    this.#moveState = database.prepare('UPDATE stream SET next_offset = ?, bytes = ?')
    this.#insert = database.prepare('INSERT INTO records VALUES (?, ?, ?)')
    this.#select = bigints(database, 'SELECT offset, value FROM records WHERE offset >= ? ORDER BY offset LIMIT ?')
    this.#earliest = bigints(database, 'SELECT min(offset) AS earliest FROM records')
    this.#oldest = bigints(
      database,
      `SELECT offset, appended_at_ms AS appendedAtMs, length(value) AS bytes FROM records ORDER BY offset LIMIT ?`,
    )
    this.#delete = database.prepare('DELETE FROM records WHERE offset <= ?')
    this.id = String(database.prepare('SELECT id FROM stream').get()?.id)
  }

  append(values: readonly Uint8Array[], nowMs: number): void {
    const bytes = values.reduce((sum, value) => sum + value.byteLength, 0)
    this.#write(bytes, () => {
      const state = this.#readState()
      let offset = state.nextOffset
      for (const value of values) this.#insert.run(offset++, Math.floor(nowMs), value)
      this.#moveState.run(offset, state.bytes + BigInt(bytes))
    })
  }

  batchFrom(from: bigint): readonly StreamRecord[] {
    return this.#read(() => {
      const rows = this.#select.iterate(from, recordsPerBatchMax)
      return firstBatch(rows as unknown as Iterable<StreamRecord>)
    })
  }

  earliest(): bigint {
    const earliest = this.#read(() => this.#earliest.get()?.earliest as bigint | null)
    return earliest ?? this.end()
  }

  end(): bigint {
    return this.#read(() => this.#readState().nextOffset)
  }

  bytesKept(): number {
    return this.#read(() => Number(this.#readState().bytes))
  }

  oldest(limit: number): { offset: bigint; appendedAtMs: number; bytes: number }[] {
    const rows = this.#read(() => this.#oldest.all(limit))
    return rows.map(({ offset, appendedAtMs, bytes }) => ({
      offset: offset as bigint,
      appendedAtMs: Number(appendedAtMs),
      bytes: Number(bytes),
    }))
  }

  deleteThrough(offset: bigint, bytes: number): void {
    this.#write(bytes, () => {
      const state = this.#readState()
      this.#delete.run(offset)
      this.#moveState.run(state.nextOffset, state.bytes - BigInt(bytes))
    })
  }

  forgetDeleted(): void {
    this.#checkpoint('TRUNCATE')
  }

  close(): void {
    leaveAppends(this.#file)
    this.#database.close()
  }

  #readState(): State {
    return this.#state.get() as unknown as State
  }

  #read<T>(work: () => T): T {
    if (this.#broken) throw this.#broken
    try {
      return work()
    } catch (error) {
      throw this.#failed(error)
    }
  }

  #write(bytes: number, work: () => void): void {
    if (this.#broken) throw this.#broken
    try {
      this.#begin.run()
      work()
      this.#commit.run()
    } catch (error) {
      this.#rollback()
      throw this.#failed(error)
    }
    this.#bytesSinceCheckpoint += bytes + 4 * pageBytes
    if (this.#bytesSinceCheckpoint >= checkpointBytes) this.#checkpoint('PASSIVE')
  }

  #rollback(): void {
    if (!this.#database.isTransaction) return
    try {
      this.#database.exec('ROLLBACK')
    } catch (error) {
      this.#broken ??= new StreamBrokenError(`${this.#path}: a failed write could not be undone`, { cause: error })
    }
  }

  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    try {
      this.#database.exec(`PRAGMA wal_checkpoint(${mode})`)
    } catch (error) {
      const failure = this.#failed(error)
      // No space to copy into: the content stays in the log, and the next append meets the full disk itself.
      if (!(failure instanceof StreamFullError)) throw failure
    }
    this.#bytesSinceCheckpoint = 0
  }

  #failed(error: unknown): unknown {
    const failure = streamErrorFromSqlite(error, this.#path)
    if (failure instanceof StreamBrokenError) this.#broken ??= failure
    return this.#broken ?? failure
  }
}

interface State {
  readonly nextOffset: bigint
  readonly bytes: bigint
}

function joinAppends(file: string): Appends {
  const known = appendsByFile.get(file) ?? { appends: new Appends(), openings: 0 }
  known.openings++
  appendsByFile.set(file, known)
  return known.appends
}

function leaveAppends(file: string): void {
  const known = appendsByFile.get(file)
  if (known && --known.openings === 0) appendsByFile.delete(file)
}

function bigints(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}
