import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readVectors } from '../vectors/read.ts'
import { hashReaderOfLeaves } from './proof.ts'
import {
  decodeTile,
  encodeTile,
  entryBundlesForRange,
  fullTileRoot,
  parseTilePath,
  type TileCoordinate,
  tileNodes,
  tilePath,
  tilesForRange,
} from './tile.ts'
import { sha256Tree } from './tree-hash.ts'

const { paths, invalid_paths, sizes } = readVectors<{
  readonly paths: readonly {
    readonly path: string
    readonly index: number
    readonly width: number
    readonly level?: number
    readonly entries?: boolean
  }[]
  readonly invalid_paths: readonly { readonly path: string }[]
  readonly sizes: readonly { readonly size: number; readonly tiles: readonly string[] }[]
}>('tiles.json')

describe('a tile path', () => {
  it.each(paths)('$path is read and written', ({ path, index, width, level, entries }) => {
    const tile = { level: entries === true ? ('entries' as const) : level!, index: BigInt(index), width }
    expect(parseTilePath(path)).toEqual({ kind: 'tile', ...tile })
    expect(tilePath(tile.level, tile.index, tile.width)).toBe(path)
  })

  it.each(invalid_paths)('$path is none', ({ path }) => {
    expect(parseTilePath(path)).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
  })

  it('comes back as it was written, up to the largest log', () => {
    const levels = fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 }))
    fc.assert(
      fc.property(levels, fc.bigInt(0n, 2n ** 55n - 1n), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(parseTilePath(tilePath(level, index, width))).toEqual({ kind: 'tile', level, index, width })
      }),
    )
    expect(() => tilePath(0, 2n ** 55n, 256)).toThrow(RangeError)
    expect(() => tilePath(64, 0n, 256)).toThrow(RangeError)
    expect(() => tilePath(0, -1n, 256)).toThrow(RangeError)
    expect(() => tilePath(0, 0n, 0)).toThrow(RangeError)
    expect(parseTilePath('tile/0/x036/x028/x797/x018/x963/968')).toMatchObject({ kind: 'refused' })
  })
})

describe('the tiles of a log', () => {
  it.each(sizes)('of $size leaves are those that other implementations write', ({ size, tiles }) => {
    expect(summary([...tilesForRange(0n, BigInt(size))])).toEqual(tiles)
  })

  it('after growth are the old full ones and the new ones, and no path is written twice', () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(2_000), (oldSize, growth) => {
        const newSize = BigInt(oldSize + growth)
        const full = [...tilesForRange(0n, BigInt(oldSize))].filter(({ width }) => width === 256)
        const grown = [...tilesForRange(BigInt(oldSize), newSize)]
        const unchanged = [...tilesForRange(0n, BigInt(oldSize))].filter(
          ({ width, level, index }) =>
            width < 256 && !grown.some((tile) => tile.level === level && tile.index === index),
        )
        expect(pathsOf([...full, ...unchanged, ...grown]).sort()).toEqual(
          pathsOf([...tilesForRange(0n, newSize)]).sort(),
        )
      }),
    )
  })

  it('have a bundle of entries for each of level 0', () => {
    const bundles = pathsOf([...entryBundlesForRange(200n, 600n)])
    expect(bundles).toEqual(['tile/entries/000', 'tile/entries/001', 'tile/entries/002.p/88'])
    expect([...entryBundlesForRange(7n, 7n)]).toEqual([])
  })

  it('hold the nodes of every eighth level', async () => {
    const leafHashes = Array.from({ length: 600 }, (_, at) => sha256Tree.leaf(Uint8Array.of(at & 255)))
    const reader = hashReaderOfLeaves(sha256Tree, leafHashes)
    const upper = await reader.nodes(tileNodes({ level: 1, index: 0n, width: 2 }))
    expect(encodeTile(upper)).toEqual(
      encodeTile([0, 256].map((from) => fullTileRoot(sha256Tree, leafHashes.slice(from, from + 256)))),
    )
    expect(() => fullTileRoot(sha256Tree, leafHashes.slice(0, 255))).toThrow(RangeError)
  })
})

describe('the bytes of a tile', () => {
  it('are its hashes and nothing else', () => {
    const bytes = Buffer.alloc(64, 1)
    expect(decodeTile(bytes, 2)).toMatchObject({ kind: 'hashes', hashes: [{ length: 32 }, { length: 32 }] })
    expect(decodeTile(bytes, 1)).toMatchObject({ kind: 'refused' })
    expect(decodeTile(bytes.subarray(1), 2)).toMatchObject({ kind: 'refused' })
  })
})

function pathsOf(tiles: readonly TileCoordinate[]): string[] {
  return tiles.map(({ level, index, width }) => tilePath(level, index, width))
}

/** In the words of the vectors: the full tiles of a level by count and last path, a partial one by its path. */
function summary(tiles: readonly TileCoordinate[]): string[] {
  const levels = [...new Set(tiles.map(({ level }) => level))]
  return levels.flatMap((level) => {
    const full = tiles.filter((tile) => tile.level === level && tile.width === 256)
    const partial = tiles.filter((tile) => tile.level === level && tile.width < 256)
    const last = full.at(-1)
    return [
      ...(last === undefined
        ? []
        : [`${full.length} full at level ${level}, last ${tilePath(level, last.index, last.width)}`]),
      ...pathsOf(partial).map((path) => `partial ${path}`),
    ]
  })
}
