import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { growLog, LogFileError, parseCheckpoint, parseTilePath, sha256Tree } from '@hutong/merkle'
import type { Logger } from '@hutong/service'
import type { Store } from '@hutong/store'
import { zoneOfOrigin } from '@hutong/verify'
import type { Bell } from './bell.ts'
import { readHubLeaves } from './documents.ts'
import type { HubLog } from './log.ts'
import { initialRetryMs, maxRetryMs, pause } from './publish.ts'
import { zoneLeaves } from './zone-batches.ts'

/** Leaves written to files at a time while catching up: a whole number of full tiles. */
const leavesPerGrowth = 1_024n

/** A log as static files: what stands under `directory` is exactly what its checkpoint needs (formats F11). */
interface TiledLog {
  readonly directory: string
  readonly size: bigint
  readonly checkpoint: Uint8Array
  readonly leaves: (from: bigint, to: bigint) => Promise<readonly Uint8Array[]>
}

/** Between two rounds of writing files, at least, in milliseconds. */
const tilesPaceMs = 200

/**
 * Keeps the files of H and of every zone's log behind what is committed, for as long as the signal lasts: after a commit, never before
 * it, and again from what is there when the process died. A full disk here delays the files and nothing else.
 */
export async function writeTiles(
  directory: string,
  log: HubLog,
  changed: Bell,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  const written = new Map<string, bigint>()
  let retryMs = initialRetryMs
  while (!signal.aborted) {
    const { size } = log.state.edge
    try {
      for (const tiled of tiledLogs(directory, log)) {
        if (signal.aborted) return
        await writeLog(tiled, written)
      }
      retryMs = initialRetryMs
      if (log.state.edge.size === size) await changed.next(signal)
      // What a busy log grows by meanwhile costs the same few files as one batch would.
      if (!signal.aborted) await pause(tilesPaceMs, signal)
    } catch (error) {
      if (retryMs === initialRetryMs) logger.warn({ err: error }, 'tiles could not be written; they follow later')
      await pause(retryMs, signal)
      retryMs = Math.min(retryMs * 2, maxRetryMs)
    }
  }
}

function tiledLogs(directory: string, log: HubLog): readonly TiledLog[] {
  const { state, store, trust } = log
  const { size } = state.edge
  const zones = [...state.zones].map(([origin, zone]) => ({
    directory: join(directory, 'z', zoneDirectory(trust.charters.at(-1)!.charter, origin)),
    size: zone.edge.size,
    checkpoint: zone.checkpoint,
    leaves: (from: bigint, to: bigint) => zoneLeaves(store, size, origin, from, to),
  }))
  return [{ directory: join(directory, 'h'), size, checkpoint: state.head, leaves: hubLeaves(store) }, ...zones]
}

function hubLeaves(store: Store): TiledLog['leaves'] {
  return (from, to) => readHubLeaves(store, from, to)
}

function zoneDirectory(charter: Parameters<typeof zoneOfOrigin>[0], origin: string): string {
  const zone = zoneOfOrigin(charter, origin)
  if (zone === undefined) throw new TypeError(`the charter has no zone for the log ${origin}`)
  return zone
}

async function writeLog(log: TiledLog, written: Map<string, bigint>): Promise<void> {
  const known = written.get(log.directory) ?? (await resume(log))
  if (known === log.size) return written.set(log.directory, known) && undefined
  let size = known
  const superseded: string[] = []
  while (size < log.size) {
    const boundary = (size / leavesPerGrowth + 1n) * leavesPerGrowth
    const to = boundary < log.size ? boundary : log.size
    const growth = await growFrom(log, size, to)
    for (const { path, content } of growth.files) await writeWhole(join(log.directory, path), content)
    superseded.push(...growth.superseded)
    size = to
  }
  // Up to here a reader is served the old checkpoint and every file it needs; from here on the new one.
  await writeWhole(join(log.directory, 'checkpoint'), log.checkpoint)
  for (const path of superseded) await removeFile(join(log.directory, path))
  written.set(log.directory, size)
}

async function growFrom(log: TiledLog, from: bigint, to: bigint): ReturnType<typeof growLog> {
  const leaves = await log.leaves(from, to)
  return growLog(sha256Tree, from, leaves, (path) => readIfThere(join(log.directory, path)))
}

/** The size the files are of, and no file too many; 0 where they have to be written anew. */
async function resume(log: TiledLog): Promise<bigint> {
  const checkpoint = await readIfThere(join(log.directory, 'checkpoint'))
  const text = checkpoint === undefined ? '' : Buffer.from(checkpoint).toString('utf8')
  const parsed = parseCheckpoint(text.slice(0, text.lastIndexOf('\n\n') + 1))
  const size = parsed.kind === 'checkpoint' && parsed.size <= log.size ? parsed.size : 0n
  await removeStray(log.directory, size)
  await removeFile(join(log.directory, 'checkpoint.new'))
  // The last tiles are looked at by growing from them; a torn one means that none is believed.
  try {
    if (size > 0n) await growLog(sha256Tree, size, [new Uint8Array()], (path) => readIfThere(join(log.directory, path)))
  } catch (error) {
    if (!(error instanceof LogFileError)) throw error
    return 0n
  }
  return size
}

/** Removes files of the tree that a log of `size` does not have: leftovers of a death between two steps. */
async function removeStray(directory: string, size: bigint): Promise<void> {
  const files = await readdir(join(directory, 'tile'), { recursive: true, withFileTypes: true }).catch(noneThere)
  for (const file of files) {
    if (!file.isFile()) continue
    const path = join(file.parentPath, file.name)
    const tile = parseTilePath(relative(directory, path))
    const level = tile.kind === 'tile' && tile.level !== 'entries' ? tile.level : 0
    const count = size >> BigInt(8 * level)
    const end = tile.kind === 'tile' ? tile.index * 256n + BigInt(tile.width) : count + 1n
    const isPartial = tile.kind === 'tile' && tile.width < 256
    if (end > count || (isPartial && end !== count)) await removeFile(path)
  }
}

/** Whole or not at all: a reader never sees half a file. */
async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.new`
  await writeFile(temporary, content)
  await rename(temporary, path)
}

async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
  // The directory of partial tiles goes with its last one.
  if (dirname(path).endsWith('.p')) await rmdir(dirname(path)).catch(() => {})
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function noneThere(error: unknown): [] {
  if (isMissing(error)) return []
  throw error
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
