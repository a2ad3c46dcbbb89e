import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { appendLeafHashes, emptyEdge, rootOfPeaks } from './edge.ts'
import { decodeEntryBundle } from './entry-bundle.ts'
import type { ReadLogFile } from './log-growth.ts'
import { openNote } from './note.ts'
import { sameBytes } from './strict-text.ts'
import {
  decodeTile,
  encodeTile,
  entryBundlesForRange,
  fullTileRoot,
  parseTilePath,
  type TileCoordinate,
  tileAt,
  tilePath,
  tilesForRange,
  tileWidth,
} from './tile.ts'
import { type Hash, hashSizeBytes, type TreeHash, treeHashOfOrigin } from './tree-hash.ts'
import type { VerifierKey } from './verifier-key.ts'

/** After so many faults a check stops and says that it did not see the rest. */
export const maxLogFaults = 1000

/** An exported log: its files by path below the log's prefix. A failing `read` or `list` is the caller's and passes through. */
export interface LogFiles {
  readonly read: ReadLogFile
  /** The paths of all files there are. */
  list(): Promise<readonly string[]>
}

/**
 * What is wrong with a file of a log:
 * - `MISSING`: the checkpoint's size asks for it and it is not there.
 * - `SUPERFLUOUS`: no log of this size has it.
 * - `MALFORMED`: it is not what a file at this path can be.
 * - `ALTERED`: what it says is not what the checkpoint commits to, or cannot be brought together with the file beside it.
 * - `REFUSED`: the checkpoint is not one that a given key of its log signed.
 * - `UNKNOWN_SIGNATURE`: a line of the checkpoint by a key that was not given.
 */
export type LogFaultCode = 'MISSING' | 'SUPERFLUOUS' | 'MALFORMED' | 'ALTERED' | 'REFUSED' | 'UNKNOWN_SIGNATURE'

export interface LogFault {
  readonly path: string
  readonly code: LogFaultCode
  readonly reason: string
  /** Of an altered file, where it is known: which of its hashes or entries is the first that differs, from 0. */
  readonly entry?: number
}

/** What a check found. The log is sound where `faults` is empty, and then everything was read. */
export interface LogCheck {
  /** Absent where no checkpoint could be believed; then nothing else was looked at. */
  readonly checkpoint?: { readonly origin: string; readonly size: bigint; readonly root: Hash }
  readonly faults: readonly LogFault[]
  /** False where the check stopped early: at the checkpoint, or at the bound of faults. */
  readonly isComplete: boolean
}

/** What a check of the files under a known root found. */
export interface LogFilesCheck {
  /** `checkpoint` in the path of one says: neither entries nor tiles give the root. */
  readonly faults: readonly LogFault[]
  /** False where the check stopped at the bound of faults. */
  readonly isComplete: boolean
  /** Whether the entries give the root, whatever the tiles of hashes say. */
  readonly areEntriesProven: boolean
}

/**
 * Reads a whole exported log (C2SP tlog-tiles; formats F11: exactly the files its checkpoint needs) and names every file at fault. Where the
 * entries give the signed root, a differing tile is named alone; where they do not, the tiles are followed down from the signed
 * root to the entry that leaves them.
 */
export async function checkLog(files: LogFiles, keys: readonly VerifierKey[]): Promise<LogCheck> {
  const signed: LogFault[] = []
  const checkpoint = await readCheckpoint(files, keys, signed)
  if (checkpoint === undefined) return { faults: signed, isComplete: false }
  const { faults, isComplete } = await checkLogFiles(files, checkpoint, signed)
  return { checkpoint, faults, isComplete }
}

/**
 * The same of the files beside the checkpoint, for whoever has origin, size and root from elsewhere; the file `checkpoint` itself is not
 * looked at. `before`: faults found already, which count against the bound.
 */
export async function checkLogFiles(
  files: LogFiles,
  checkpoint: Checkpoint,
  before: readonly LogFault[] = [],
): Promise<LogFilesCheck> {
  const faults = [...before]
  const present = new Set(await files.list())
  compareListing(present, checkpoint.size, faults)
  let areEntriesProven = false
  if (faults.length < maxLogFaults) {
    const log: CheckedLog = {
      tree: treeHashOfOrigin(checkpoint.origin),
      size: checkpoint.size,
      root: checkpoint.root,
      // What is missing has been said; what is listed and is no file, or none any more, counts as missing too.
      read: async (path) => {
        const content = present.has(path) ? await files.read(path) : undefined
        if (content === undefined && present.has(path)) report(faults, path, 'MISSING', 'no file that can be read')
        return content
      },
    }
    const differing = await tilesDifferingFromEntries(log)
    areEntriesProven = differing !== undefined
    if (differing === undefined) await followTilesDown(log, faults)
    for (const { path, entry } of differing ?? []) {
      report(faults, path, 'ALTERED', 'not the hashes of the entries under it', entry)
    }
  }
  return { faults, isComplete: faults.length < maxLogFaults, areEntriesProven }
}

interface CheckedLog {
  readonly tree: TreeHash
  readonly size: bigint
  readonly root: Hash
  readonly read: ReadLogFile
}

const checkpointPath = 'checkpoint'

function report(faults: LogFault[], path: string, code: LogFaultCode, reason: string, entry?: number): void {
  if (faults.length >= maxLogFaults) return
  if (faults.some((fault) => fault.path === path && fault.code === code)) return
  faults.push({ path, code, reason, ...(entry === undefined ? {} : { entry }) })
}

async function readCheckpoint(
  files: LogFiles,
  keys: readonly VerifierKey[],
  faults: LogFault[],
): Promise<LogCheck['checkpoint']> {
  const refuse = (code: LogFaultCode, reason: string): undefined =>
    report(faults, checkpointPath, code, reason) as undefined
  const bytes = await files.read(checkpointPath)
  if (bytes === undefined) return refuse('MISSING', 'a log has a checkpoint')
  const opened = openNote(bytes, keys)
  if (opened.kind === 'refused') return refuse('REFUSED', opened.reason)
  const checkpoint = parseCheckpoint(opened.text)
  if (checkpoint.kind === 'refused') return refuse('REFUSED', checkpoint.reason)
  const { origin, size, root } = checkpoint
  const isByLog = opened.verified.some(({ key }) => key.type !== 'cosignature' && key.name === origin)
  if (!isByLog) return refuse('REFUSED', 'checkpoint: not signed by the log under its own origin')
  for (const { name } of opened.unknown) {
    report(faults, checkpointPath, 'UNKNOWN_SIGNATURE', `a line by ${name} with a key that was not given`)
  }
  return { origin, size, root }
}

function compareListing(present: ReadonlySet<string>, size: bigint, faults: LogFault[]): void {
  for (const path of present) {
    if (path !== checkpointPath && !isFileOfLog(path, size))
      report(faults, path, 'SUPERFLUOUS', `a log of ${size} has no such file`)
  }
  for (const tile of filesOfLog(size)) {
    if (faults.length >= maxLogFaults) return
    if (!present.has(pathOf(tile))) report(faults, pathOf(tile), 'MISSING', `a log of ${size} has this file`)
  }
}

function* filesOfLog(size: bigint): Generator<TileCoordinate> {
  yield* entryBundlesForRange(0n, size)
  yield* tilesForRange(0n, size)
}

/** Not by a set of all paths: the size is the signer's word, and a set of a lying one would fill the memory. */
function isFileOfLog(path: string, size: bigint): boolean {
  const tile = parseTilePath(path)
  if (tile.kind === 'refused') return false
  const { level, index, width } = tile
  return tileAt(level === 'entries' ? 0 : level, index, size).width === width
}

/**
 * Hashes all entries upward as a log does. Where that gives the signed root the entries are proven, and what is left is to name the
 * tiles that say otherwise; `undefined` where an entry or a bundle is not what was signed.
 */
async function tilesDifferingFromEntries(
  log: CheckedLog,
): Promise<{ readonly path: string; readonly entry: number }[] | undefined> {
  const differing: { path: string; entry: number }[] = []
  const levels: { index: bigint; hashes: Hash[] }[] = []

  const compare = async (level: number): Promise<void> => {
    const { index, hashes } = levels[level]!
    const path = tilePath(level, index, hashes.length)
    const stored = await log.read(path)
    if (stored === undefined) return
    const entry = firstDiffering(hashes, stored)
    if (entry !== undefined) differing.push({ path, entry })
  }
  const add = async (level: number, hash: Hash): Promise<void> => {
    levels[level] ??= { index: 0n, hashes: [] }
    const { index, hashes } = levels[level]
    hashes.push(hash)
    if (hashes.length < tileWidth) return
    await compare(level)
    levels[level] = { index: index + 1n, hashes: [] }
    await add(level + 1, fullTileRoot(log.tree, hashes))
  }

  for (const bundle of entryBundlesForRange(0n, log.size)) {
    const hashes = await leafHashesOf(log, bundle)
    if (hashes === undefined || hashes === 'MALFORMED') return undefined
    for (const hash of hashes) await add(0, hash)
  }
  for (const [level, { hashes }] of levels.entries()) if (hashes.length > 0) await compare(level)
  const partial = levels.map(({ hashes }) => hashes)
  return sameBytes(rootOfPartialTiles(log.tree, partial), log.root) ? differing : undefined
}

/** The root of a log out of what its partial tiles hold, by level from 0 up; a level that ends in a full tile holds nothing. */
function rootOfPartialTiles(tree: TreeHash, levels: readonly (readonly Hash[])[]): Hash {
  const peaks = levels.toReversed().flatMap((hashes) => appendLeafHashes(tree, emptyEdge, hashes).hashes)
  return peaks.length === 0 ? tree.empty() : rootOfPeaks(tree, peaks)
}

/** Looks at every file against the one above it, from the signed root down, and says where they part. */
async function followTilesDown(log: CheckedLog, faults: LogFault[]): Promise<void> {
  const believed = await arePartialTilesSigned(log, faults)
  for (const tile of tilesForRange(0n, log.size)) {
    if (faults.length >= maxLogFaults) return
    const hashes = await hashesOf(log, tile, faults)
    const above = await hashAbove(log, tile)
    if (hashes === undefined || above === undefined) continue
    if (!sameBytes(fullTileRoot(log.tree, hashes), above.hash)) {
      report(faults, pathOf(tile), 'ALTERED', `not what ${above.path} says of it`)
      if (!believed) report(faults, above.path, 'ALTERED', `not what ${pathOf(tile)} hashes to`)
    }
  }
  for (const bundle of entryBundlesForRange(0n, log.size)) {
    if (faults.length >= maxLogFaults) return
    await compareBundle(log, bundle, believed, faults)
  }
}

/** The partial tiles together give the root; where they do, each of them is what was signed. */
async function arePartialTilesSigned(log: CheckedLog, faults: LogFault[]): Promise<boolean> {
  const levels: (readonly Hash[])[] = []
  for (let level = 0; log.size >> BigInt(8 * level) > 0n; level++) {
    const count = log.size >> BigInt(8 * level)
    const tile = tileAt(level, count / BigInt(tileWidth), log.size)
    const hashes = tile.width === 0 ? [] : await hashesOf(log, tile, faults)
    if (hashes === undefined) return false
    levels.push(hashes)
  }
  if (sameBytes(rootOfPartialTiles(log.tree, levels), log.root)) return true
  report(faults, checkpointPath, 'ALTERED', 'neither the entries nor the tiles give its root')
  return false
}

async function hashesOf(log: CheckedLog, tile: TileCoordinate, faults: LogFault[]): Promise<Hash[] | undefined> {
  const bytes = await log.read(pathOf(tile))
  if (bytes === undefined) return undefined
  const decoded = decodeTile(bytes, tile.width)
  if (decoded.kind === 'hashes') return decoded.hashes
  report(faults, pathOf(tile), 'MALFORMED', decoded.reason)
  return undefined
}

/** What the tile above says a full tile hashes to; nothing is above a partial one. */
async function hashAbove(log: CheckedLog, tile: TileCoordinate): Promise<{ path: string; hash: Hash } | undefined> {
  if (tile.width < tileWidth) return undefined
  const above = tileAt(Number(tile.level) + 1, tile.index / BigInt(tileWidth), log.size)
  const hashes = await hashesOf(log, above, [])
  const hash = hashes?.[Number(tile.index % BigInt(tileWidth))]
  return hash === undefined ? undefined : { path: pathOf(above), hash }
}

async function compareBundle(
  log: CheckedLog,
  bundle: TileCoordinate,
  believed: boolean,
  faults: LogFault[],
): Promise<void> {
  const path = pathOf(bundle)
  const entries = await leafHashesOf(log, bundle)
  if (entries === undefined) return
  if (entries === 'MALFORMED') return report(faults, path, 'MALFORMED', `not ${bundle.width} entries`)
  const tile: TileCoordinate = { ...bundle, level: 0 }
  const above = await hashAbove(log, tile)
  // The tile beside the bundle may itself be the altered one: the hash above decides.
  if (believed && above !== undefined && sameBytes(fullTileRoot(log.tree, entries), above.hash)) return
  const hashes = await hashesOf(log, tile, [])
  const entry = hashes && firstDiffering(entries, encodeTile(hashes))
  if (entry === undefined) return
  report(faults, path, 'ALTERED', `not the entries that ${pathOf(tile)} has the hashes of`, entry)
  if (!believed) report(faults, pathOf(tile), 'ALTERED', `not the hashes of the entries in ${path}`)
}

/** The first of these hashes that does not stand at its place in the tile; their number where only the tile goes on. */
function firstDiffering(hashes: readonly Hash[], tile: Uint8Array): number | undefined {
  const at = hashes.findIndex(
    (hash, place) => !sameBytes(hash, tile.subarray(place * hashSizeBytes, (place + 1) * hashSizeBytes)),
  )
  if (at >= 0) return at
  return tile.length === hashes.length * hashSizeBytes ? undefined : hashes.length
}

async function leafHashesOf(log: CheckedLog, bundle: TileCoordinate): Promise<Hash[] | 'MALFORMED' | undefined> {
  const bytes = await log.read(pathOf(bundle))
  if (bytes === undefined) return undefined
  const decoded = decodeEntryBundle(bytes, bundle.width)
  return decoded.kind === 'entries' ? decoded.entries.map((entry) => log.tree.leaf(entry)) : 'MALFORMED'
}

function pathOf({ level, index, width }: TileCoordinate): string {
  return tilePath(level, index, width)
}
