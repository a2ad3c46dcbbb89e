import { open, readFile, rename } from 'node:fs/promises'
import { CommandError, exits } from '../exit.ts'
import { isCode } from '../files.ts'
import type { Counts } from './tally.ts'

/** How far the import of a file has come. All rows counted are settled, and stand in the table of refused rows if they were refused. */
export interface ImportState {
  /** SHA-256 of the file, hex. */
  readonly sha256: string
  /** How it is read and for whom; another way of reading gives other rows. */
  readonly reading: string
  /** All rows were judged good before the first was sent. */
  readonly decided: boolean
  readonly counts: Counts
  /** The whole file was read, and every row is settled. */
  readonly complete: boolean
}

/** The state in a file; undefined where there is no file. @throws {CommandError} it is none, or cannot be read. */
export async function readState(path: string): Promise<ImportState | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw new CommandError(exits.usage, 'STATE', `${path}: cannot be read`, error)
  }
  const state = stateFromJson(text)
  if (state !== undefined) return state
  throw new CommandError(exits.usage, 'STATE', `${path}: not the state of an import; remove it to begin anew`)
}

/** Replaces the state: after a crash there is the one or the other, whole. Errors of the disk pass through. */
export async function writeState(path: string, state: ImportState): Promise<void> {
  const next = `${path}.next`
  {
    await using file = await open(next, 'w', 0o600)
    await file.writeFile(`${JSON.stringify({ version, ...state })}\n`)
    await file.sync()
  }
  await rename(next, path)
}

const version = 1

function stateFromJson(text: string): ImportState | undefined {
  try {
    const json = (JSON.parse(text) ?? {}) as Partial<ImportState> & { readonly version?: unknown }
    const { sha256, reading, decided, counts, complete } = json
    const isState =
      json.version === version &&
      typeof sha256 === 'string' &&
      typeof reading === 'string' &&
      typeof decided === 'boolean' &&
      typeof complete === 'boolean' &&
      isCounts(counts)
    return isState ? { sha256, reading, decided, counts, complete } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isCounts(counts: unknown): counts is Counts {
  if (typeof counts !== 'object' || counts === null) return false
  const { read, published, duplicates, refusedCount, refused, line, restUnread, zones, notRunning } = counts as Counts
  const numbers = [read, published, duplicates, refusedCount, line]
  return (
    numbers.every((one) => Number.isSafeInteger(one) && one >= 0) &&
    read === published + duplicates + refusedCount &&
    typeof restUnread === 'boolean' &&
    [refused, zones, notRunning].every(Array.isArray)
  )
}
