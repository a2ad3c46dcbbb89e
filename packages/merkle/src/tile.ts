import { rootOfLeafHashes } from './edge.ts'
import type { NodeCoordinate } from './proof.ts'
import { type Refusal, refused } from './refusal.ts'
import { maxPosition } from './strict-text.ts'
import { type Hash, hashSizeBytes, type TreeHash } from './tree-hash.ts'

/** Hashes or entries in a full tile (C2SP tlog-tiles). */
export const tileWidth = 256

const maxTileLevel = 63

const maxTileIndex = maxPosition / BigInt(tileWidth)

/**
 * A file of a log in tiles: at a numbered level hashes of perfect subtrees of 256^`level` leaves, at `entries` the leaves themselves.
 */
export interface TileCoordinate {
  /** 0 … 63, or `entries` for a bundle of leaves. */
  readonly level: number | 'entries'
  /** The tile's place in its level, from the left. */
  readonly index: bigint
  /** 1 … 256; below 256 the tile is partial: the right-hand end of its level at some size. */
  readonly width: number
}

/** A tile's path as read. */
export interface ParsedTilePath extends TileCoordinate {
  readonly kind: 'tile'
}

/**
 * The path of a tile below the log's prefix: `tile/<L>/<N>[.p/<W>]` (C2SP tlog-tiles, "Merkle Tree" and "Log Entries").
 * @throws {RangeError} there is no such tile.
 */
export function tilePath(level: number | 'entries', index: bigint, width: number): string {
  const isLevel = level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= maxTileLevel)
  if (!isLevel || index < 0n || index > maxTileIndex || !Number.isInteger(width) || width < 1 || width > tileWidth) {
    throw new RangeError(`no tile ${index} at level ${level} of width ${width}`)
  }
  const groups = index
    .toString()
    .padStart(Math.ceil(index.toString().length / 3) * 3, '0')
    .match(/\d{3}/g)!
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${name}${width === tileWidth ? '' : `.p/${width}`}`
}

/** Reads a tile's path: exactly what `tilePath` writes, nothing before or after it. */
export function parseTilePath(path: string): ParsedTilePath | Refusal {
  const parts = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path)
  if (parts === null) return refused('MALFORMED', 'tile path: not tile/<level>/<number>[.p/<width>]')
  const [, levelText = '', name = '', widthText] = parts
  const level = levelText === 'entries' ? 'entries' : Number(levelText)
  const index = BigInt(name.replaceAll(/[x/]/g, ''))
  const width = widthText === undefined ? tileWidth : Number(widthText)
  if ((level !== 'entries' && level > maxTileLevel) || index > maxTileIndex || width < 1 || width > tileWidth) {
    return refused('MALFORMED', 'tile path: a number out of range')
  }
  // One tile, one path: a needless group, a leading zero and the width 256 spelled out are other paths.
  if (tilePath(level, index, width) !== path) return refused('MALFORMED', 'tile path: not the one spelling of it')
  return { kind: 'tile', level, index, width }
}

/**
 * The tiles of hashes to write when a log grows from `oldSize` to `newSize`: the ones that became full, and in each level that grew
 * the partial one at its end. From 0 these are all the tiles of a log of `newSize`. A partial tile is never hashed upward: a level
 * knows only the full tiles below it.
 */
export function* tilesForRange(oldSize: bigint, newSize: bigint): Generator<TileCoordinate> {
  for (let level = 0; newSize >> levelShift(level) > 0n; level++) {
    yield* growthOf(level, oldSize >> levelShift(level), newSize >> levelShift(level))
  }
}

/** The bundles of entries to write when a log grows from `oldSize` to `newSize`: as the tiles of level 0. */
export function* entryBundlesForRange(oldSize: bigint, newSize: bigint): Generator<TileCoordinate> {
  yield* growthOf('entries', oldSize, newSize)
}

/**
 * The tile of hashes at this place in a log of `size` leaves: full, or partial where its level ends in it. Width 0 or less: the level
 * ends before it, and there is no such tile.
 */
export function tileAt(level: number, index: bigint, size: bigint): TileCoordinate & { readonly level: number } {
  const rest = (size >> levelShift(level)) - index * BigInt(tileWidth)
  return { level, index, width: rest < BigInt(tileWidth) ? Number(rest) : tileWidth }
}

/** The nodes whose hashes a tile of hashes holds, in their order: to ask a `HashReader` for. */
export function tileNodes(tile: TileCoordinate & { readonly level: number }): NodeCoordinate[] {
  const first = tile.index * BigInt(tileWidth)
  return Array.from({ length: tile.width }, (_, at) => ({ level: tile.level * 8, index: first + BigInt(at) }))
}

/** A tile of hashes as bytes: the hashes one after the other. */
export function encodeTile(hashes: readonly Hash[]): Uint8Array {
  return Buffer.concat(hashes)
}

/** The hashes of a tile of this width; refused unless the bytes are exactly that many. */
export function decodeTile(
  bytes: Uint8Array,
  width: number,
): { readonly kind: 'hashes'; readonly hashes: Hash[] } | Refusal {
  if (bytes.length !== width * hashSizeBytes) return refused('MALFORMED', `tile: not ${width} hashes`)
  const hashes = Array.from({ length: width }, (_, at) => bytes.subarray(at * hashSizeBytes, (at + 1) * hashSizeBytes))
  return { kind: 'hashes', hashes }
}

/** The hash of a full tile, which stands in the level above. */
export function fullTileRoot(tree: TreeHash, hashes: readonly Hash[]): Hash {
  if (hashes.length !== tileWidth) throw new RangeError('a partial tile is never hashed upward')
  return rootOfLeafHashes(tree, hashes)
}

function levelShift(level: number): bigint {
  return BigInt(level * 8)
}

function* growthOf(level: TileCoordinate['level'], oldCount: bigint, newCount: bigint): Generator<TileCoordinate> {
  if (oldCount >= newCount) return
  const width = BigInt(tileWidth)
  for (let index = oldCount / width; index < newCount / width; index++) yield { level, index, width: tileWidth }
  const partial = Number(newCount % width)
  if (partial > 0) yield { level, index: newCount / width, width: partial }
}
