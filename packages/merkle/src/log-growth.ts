import { rootOfLeafHashes } from './edge.ts'
import { decodeEntryBundle, encodeEntryBundle } from './entry-bundle.ts'
import type { HashReader, NodeCoordinate } from './proof.ts'
import { decodeTile, encodeTile, fullTileRoot, type TileCoordinate, tileAt, tilePath, tileWidth } from './tile.ts'
import type { Hash, TreeHash } from './tree-hash.ts'

/** Reads a file of a log by its path below the log's prefix; `undefined` where there is none. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | undefined>

/** A file of a log in tiles. */
export interface LogFile {
  readonly path: string
  readonly content: Uint8Array
}

/** What becomes of a log's files when it grows. Writing them all before the checkpoint keeps every reader served. */
export interface LogGrowth {
  /** Files to write; a full tile or bundle is never written again afterwards. */
  readonly files: readonly LogFile[]
  /** Partial files of the old size that a newer file replaces; a live log may keep them, an export does not. */
  readonly superseded: readonly string[]
}

/** The files of a log cannot be what its size says: one is missing or has another length. Nothing was written. */
export class LogFileError extends Error {
  readonly path: string

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'LogFileError'
    this.path = path
  }
}

/**
 * The tiles and bundles of a log of `oldSize` leaves after these were appended (C2SP tlog-tiles). It reads at most one partial file
 * of each level, those of `oldSize` exactly, and believes them.
 * @throws {LogFileError} a partial file of the old size is not there or is none.
 */
export async function growLog(
  tree: TreeHash,
  oldSize: bigint,
  leaves: readonly Uint8Array[],
  read: ReadLogFile,
): Promise<LogGrowth> {
  const files: LogFile[] = []
  const superseded: string[] = []
  if (leaves.length === 0) return { files, superseded }

  const entries = await growLevel('entries', oldSize, leaves, readPartial(read, decodeEntries), superseded)
  for (const [tile, content] of entries) files.push({ path: pathOf(tile), content: encodeEntryBundle(content) })

  let size = oldSize
  let hashes: readonly Hash[] = leaves.map((leaf) => tree.leaf(leaf))
  for (let level = 0; hashes.length > 0; level++) {
    const tiles = await growLevel(level, size, hashes, readPartial(read, decodeHashes), superseded)
    for (const [tile, content] of tiles) files.push({ path: pathOf(tile), content: encodeTile(content) })
    size /= BigInt(tileWidth)
    hashes = tiles.filter(([tile]) => tile.width === tileWidth).map(([, content]) => fullTileRoot(tree, content))
  }
  return { files, superseded }
}

/**
 * A reader of perfect subtrees out of the tiles of a log of `size` leaves, for proofs. It believes the tiles: a proof made of a bad
 * one does not verify.
 */
export function hashReaderOfTiles(tree: TreeHash, size: bigint, read: ReadLogFile): HashReader {
  return {
    async nodes(coordinates) {
      // Neighbouring nodes lie in one tile: within one call each tile is read once.
      const tiles = new Map<string, Promise<readonly Hash[]>>()
      const tileHashes = (tile: TileCoordinate): Promise<readonly Hash[]> => {
        const path = pathOf(tile)
        if (!tiles.has(path)) tiles.set(path, readPartial(read, decodeHashes)(tile))
        return tiles.get(path)!
      }
      return Promise.all(coordinates.map((node) => nodeHash(tree, size, node, tileHashes)))
    },
  }
}

async function growLevel<T>(
  level: TileCoordinate['level'],
  oldCount: bigint,
  added: readonly T[],
  readTile: (tile: TileCoordinate) => Promise<readonly T[]>,
  superseded: string[],
): Promise<[TileCoordinate, readonly T[]][]> {
  let index = oldCount / BigInt(tileWidth)
  const width = Number(oldCount % BigInt(tileWidth))
  let pending: readonly T[] = added
  if (width > 0) {
    const partial = { level, index, width }
    pending = [...(await readTile(partial)), ...added]
    superseded.push(pathOf(partial))
  }
  const grown: [TileCoordinate, readonly T[]][] = []
  for (; pending.length > 0; index++) {
    const content = pending.slice(0, tileWidth)
    grown.push([{ level, index, width: content.length }, content])
    pending = pending.slice(tileWidth)
  }
  return grown
}

async function nodeHash(
  tree: TreeHash,
  size: bigint,
  { level, index }: NodeCoordinate,
  tileHashes: (tile: TileCoordinate) => Promise<readonly Hash[]>,
): Promise<Hash> {
  const tileLevel = level >> 3
  const width = 1 << (level & 7)
  const first = index * BigInt(width)
  const tile = tileAt(tileLevel, first / BigInt(tileWidth), size)
  const from = Number(first % BigInt(tileWidth))
  if (index < 0n || from + width > tile.width)
    throw new RangeError(`no node ${index} at level ${level} in a log of ${size}`)
  return rootOfLeafHashes(tree, (await tileHashes(tile)).slice(from, from + width))
}

function readPartial<T>(
  read: ReadLogFile,
  decode: (bytes: Uint8Array, width: number) => readonly T[] | undefined,
): (tile: TileCoordinate) => Promise<readonly T[]> {
  return async (tile) => {
    const path = pathOf(tile)
    const bytes = await read(path)
    if (bytes === undefined) throw new LogFileError(path, 'is not there')
    const content = decode(bytes, tile.width)
    if (content === undefined) throw new LogFileError(path, `does not hold ${tile.width}`)
    return content
  }
}

function decodeEntries(bytes: Uint8Array, width: number): readonly Uint8Array[] | undefined {
  const bundle = decodeEntryBundle(bytes, width)
  return bundle.kind === 'entries' ? bundle.entries : undefined
}

function decodeHashes(bytes: Uint8Array, width: number): readonly Hash[] | undefined {
  const tile = decodeTile(bytes, width)
  return tile.kind === 'hashes' ? tile.hashes : undefined
}

function pathOf({ level, index, width }: TileCoordinate): string {
  return tilePath(level, index, width)
}
