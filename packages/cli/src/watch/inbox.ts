import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { isCode } from '../files.ts'

/** Names of a folder that are looked at in one round, at most; further ones have their turn when these are gone. */
const namesMax = 100_000
/** Names that are told to be left where they are, at most. */
const leftToldMax = 1_000
/** What writers call a file that is not complete: hidden, or marked as such. */
const unfinished = /^\.|^~|~$|\.(tmp|temp|part|partial|filepart|crdownload|download|swp|next|lock)$/i

/** The names that the watcher itself keeps in its folder. */
const own: ReadonlySet<string> = new Set(['done', 'refused'])

/**
 * The files of a folder that are complete: nothing about them (size, times, which file it is) has changed for the settle time, by our own
 * clock. A file that was written elsewhere and renamed into the folder settles like any other. Hidden and temporary names are not looked
 * at; what is no plain file is told once and left.
 */
export class Inbox {
  readonly #folder: string
  readonly #settleMs: number
  readonly #monotonicMs: () => number
  readonly #left: (name: string) => void
  readonly #told = new Set<string>()
  #seen: ReadonlyMap<string, Sighting> = new Map()

  constructor(folder: string, settleMs: number, monotonicMs: () => number, left: (name: string) => void) {
    this.#folder = folder
    this.#settleMs = settleMs
    this.#monotonicMs = monotonicMs
    this.#left = left
  }

  /** Looks once. `settled`: complete, in the order of their names; `waiting`: how many are not yet. Errors of the disk pass through. */
  async look(): Promise<{ readonly settled: readonly string[]; readonly waiting: number }> {
    const nowMs = this.#monotonicMs()
    const seen = new Map<string, Sighting>()
    for await (const { name } of await opendir(this.#folder)) {
      if (seen.size >= namesMax) break
      if (unfinished.test(name) || own.has(name)) continue
      const mark = await markOf(join(this.#folder, name))
      // A name that is no UTF-8 is not found under what was made of it; it must not be passed over in silence.
      if (mark === 'no file' || (mark === undefined && name.includes('\ufffd'))) this.#tellLeft(name)
      if (mark === undefined || mark === 'no file') continue
      const before = this.#seen.get(name)
      seen.set(name, before?.mark === mark ? before : { mark, sinceMs: nowMs })
    }
    this.#seen = seen
    const settled = [...seen].filter(([, { sinceMs }]) => nowMs - sinceMs >= this.#settleMs).map(([name]) => name)
    return { settled: settled.toSorted(), waiting: seen.size - settled.length }
  }

  #tellLeft(name: string): void {
    if (this.#told.has(name) || this.#told.size >= leftToldMax) return
    this.#told.add(name)
    this.#left(name)
  }
}

/** What a file was like, and since when. */
interface Sighting {
  readonly mark: string
  readonly sinceMs: number
}

/** What changes when the file does; undefined: it is gone. */
async function markOf(path: string): Promise<string | undefined> {
  try {
    const found = await lstat(path)
    const { size, mtimeMs, ctimeMs, ino } = found
    return found.isFile() ? `${size} ${mtimeMs} ${ctimeMs} ${ino}` : 'no file'
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}
