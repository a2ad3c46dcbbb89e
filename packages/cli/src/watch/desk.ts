import { access, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CommandError, exits } from '../exit.ts'
import { isCode } from '../files.ts'
import type { ImportReport } from '../import/import-file.ts'

/** Files of one name that can lie beside each other. */
const sameNameMax = 10_000
/** A longer name would leave no room for what is appended to it: file systems take 255 bytes. */
const nameMaxBytes = 220

/** Moments between which a watcher can die; `reached` is told of each, in this order. */
export type Step = 'claimed' | 'imported' | 'reported' | 'table delivered' | 'file delivered' | 'delivered' | 'cleared'

/** What came of a file: its report, or why it could not be imported as a whole. */
export type FileOutcome =
  | { readonly kind: 'imported'; readonly report: ImportReport }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

/** What stands in the report beside a file that was dealt with. */
export interface Delivery {
  /** The name under which it came. */
  readonly name: string
  readonly folder: 'done' | 'refused'
  /** Its name in that folder. */
  readonly as: string
  readonly outcome: FileOutcome
}

/**
 * Where the file lies that is being imported: at most one at a time, in `.hutong` under the folder. Each step is one rename, so that a
 * watcher that died goes on from what it finds: a report means the import is over and only the delivery is left; a file without one is
 * imported again, from its state. One watcher for a folder; a second is refused.
 *
 *   folder/name → .hutong/now/name → (import; now.state, now.csv) → now.json → done/name, done/name.refused.csv, done/name.report.json
 */
export class Desk implements Disposable {
  readonly #folder: string
  readonly #lock: DatabaseSync
  readonly #reached: (step: Step) => void

  private constructor(folder: string, lock: DatabaseSync, reached: (step: Step) => void) {
    this.#folder = folder
    this.#lock = lock
    this.#reached = reached
  }

  /** @throws {CommandError} the folder is none, may not be written, or another watcher is at work in it. */
  static async open(folder: string, reached: (step: Step) => void): Promise<Desk> {
    try {
      if (!(await lstat(folder)).isDirectory()) throw folderFault(folder, 'not a directory')
      await mkdir(join(folder, '.hutong', 'now'), { recursive: true, mode: 0o700 })
      for (const one of ['done', 'refused']) await mkdir(join(folder, one), { recursive: true, mode: 0o700 })
      await access(folder, 2)
    } catch (error) {
      if (error instanceof CommandError) throw error
      const why = isCode(error, 'ENOENT') ? 'no such directory' : isCode(error, 'EACCES') ? 'may not be written' : ''
      throw why === '' ? error : folderFault(folder, why, error)
    }
    return new Desk(folder, lockOf(folder), reached)
  }

  get statePath(): string {
    return this.#own('now.state')
  }

  get tablePath(): string {
    return this.#own('now.csv')
  }

  /** The file that lies on the desk, to be imported; undefined: none. */
  async current(): Promise<{ readonly name: string; readonly path: string } | undefined> {
    const [name] = await readdir(this.#own('now'))
    return name === undefined ? undefined : { name, path: join(this.#own('now'), name) }
  }

  /** Takes a file from the folder onto the empty desk. Undefined: it is gone, or may not be taken. */
  async claim(name: string): Promise<{ readonly name: string; readonly path: string } | undefined> {
    try {
      await rename(join(this.#folder, name), join(this.#own('now'), name))
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    }
    this.#reached('claimed')
    return { name, path: join(this.#own('now'), name) }
  }

  /** Writes down what came of the file: from here on it is never imported again. */
  async report(name: string, outcome: FileOutcome): Promise<void> {
    this.#reached('imported')
    const isDone = outcome.kind === 'imported' && outcome.report.refusedCount === 0
    const folder = isDone ? 'done' : 'refused'
    const as = await this.#freeName(folder, name)
    const delivery: Delivery = { name, folder, as, outcome: withTable(outcome, as) }
    const next = this.#own('next.json')
    {
      await using file = await open(next, 'w', 0o600)
      await file.writeFile(`${JSON.stringify(delivery, undefined, 2)}\n`)
      await file.sync()
    }
    await rename(next, this.#own('now.json'))
    this.#reached('reported')
  }

  /** Brings what was reported to its place, the report last: where it lies, all of it does. Undefined: nothing was reported. */
  async deliver(): Promise<Delivery | undefined> {
    const delivery = await this.#reported()
    if (delivery === undefined) return undefined
    const target = join(this.#folder, delivery.folder, delivery.as)
    await moved(this.tablePath, `${target}.refused.csv`)
    this.#reached('table delivered')
    await moved(join(this.#own('now'), delivery.name), target)
    this.#reached('file delivered')
    await rename(this.#own('now.json'), `${target}.report.json`)
    this.#reached('delivered')
    return delivery
  }

  /** Removes what an import kept beside a file that is no longer here. */
  async clear(): Promise<void> {
    for (const name of [
      'now.state',
      'now.state.next',
      'now.csv',
      'now.csv.part',
      'now.csv.part.next',
      'now.csv.next',
      'next.json',
    ]) {
      await rm(this.#own(name), { force: true })
    }
    this.#reached('cleared')
  }

  [Symbol.dispose](): void {
    this.#lock.close()
  }

  #own(name: string): string {
    return join(this.#folder, '.hutong', name)
  }

  async #reported(): Promise<Delivery | undefined> {
    try {
      return JSON.parse(await readFile(this.#own('now.json'), 'utf8')) as Delivery
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async #freeName(folder: 'done' | 'refused', name: string): Promise<string> {
    const { name: stem, ext } = parse(name)
    const taken = new Set(await readdir(join(this.#folder, folder)))
    const isLong = Buffer.byteLength(name) > nameMaxBytes
    for (let number = isLong ? 2 : 1; number <= sameNameMax; number++) {
      const one = number === 1 ? name : `${isLong ? shortened(stem) : stem}.${number}${isLong ? shortened(ext) : ext}`
      if (![one, `${one}.report.json`, `${one}.refused.csv`].some((used) => taken.has(used))) return one
    }
    throw new CommandError(exits.localDisk, 'NAMES', `${folder} holds ${sameNameMax} files named ${name}: clear it`)
  }
}

/** As much of a name as surely fits: its first 24 characters, of four bytes each at most. */
function shortened(name: string): string {
  return [...name].slice(0, 24).join('')
}

/** The table of refused rows is told under the name that it will have. */
function withTable(outcome: FileOutcome, as: string): FileOutcome {
  if (outcome.kind === 'refused' || outcome.report.refusedTable === undefined) return outcome
  return { kind: 'imported', report: { ...outcome.report, refusedTable: `${as}.refused.csv` } }
}

async function moved(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    // There was none, or a run before this one has moved it.
    if (!isCode(error, 'ENOENT')) throw error
  }
}

/** Held while the process lives, and not a moment longer. */
function lockOf(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, '.hutong', 'lock.sqlite'))
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (!(error instanceof Error) || !/locked/.test(error.message)) throw error
    throw new CommandError(exits.conflict, 'FOLDER_WATCHED', `${folder}: another watcher is at work in it`, error)
  }
}

function folderFault(folder: string, what: string, cause?: unknown): CommandError {
  return new CommandError(exits.usage, 'FOLDER', `${folder}: ${what}`, cause)
}
