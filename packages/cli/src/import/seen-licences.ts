import { createHash } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { LicenceIssued } from '@hutong/licence'

/** What an earlier row of the file said about a licence. */
export interface SeenLicence {
  /** Of the same version, to the letter. */
  readonly sameIdentifier: boolean
  readonly sameContent: boolean
}

/**
 * The licences of a file so far, by hashes alone, in a temporary database that nobody else sees and that is gone when it is closed: a
 * file may hold more of them than memory should.
 */
export class SeenLicences implements Disposable {
  readonly #database: DatabaseSync
  readonly #find: StatementSync
  readonly #insert: StatementSync

  constructor() {
    // An empty name is a temporary database on the disk (SQLite, "Temporary Databases").
    this.#database = new DatabaseSync('')
    this.#database.exec(`
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;
      CREATE TABLE seen (subject BLOB PRIMARY KEY, identifier BLOB NOT NULL, content BLOB NOT NULL) WITHOUT ROWID;
      BEGIN;
    `)
    this.#find = this.#database.prepare('SELECT identifier, content FROM seen WHERE subject = ?')
    this.#insert = this.#database.prepare('INSERT INTO seen VALUES (?, ?, ?)')
  }

  /** What is known about the subject of a licence. `requestId` stands for its content. */
  find(subject: string, licence: LicenceIssued, requestId: string): SeenLicence | undefined {
    const found = this.#find.get(hash(subject))
    if (found === undefined) return undefined
    return {
      sameIdentifier: hash(licence.identifier).equals(found.identifier as Uint8Array),
      sameContent: hash(requestId).equals(found.content as Uint8Array),
    }
  }

  add(subject: string, licence: LicenceIssued, requestId: string): void {
    this.#insert.run(hash(subject), hash(licence.identifier), hash(requestId))
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

/** 128 bits: by chance, two of 10^9 licences are never the same. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16)
}
