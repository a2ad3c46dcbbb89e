import {
  decodeTile,
  hashSizeBytes,
  type LogFault,
  parseTilePath,
  tilePath,
  tileWidth,
  treeHashOfOrigin,
} from '@hutong/merkle'
import type { ExportPlace } from './export-difference.ts'
import type { ExportFiles } from './export-files.ts'

/**
 * Where in the file the fault of a log begins, by path below the log's folder: the first hash of a tile that differs, and of a bundle the
 * first entry that is not the one whose hash stands in the tile beside it. Undefined where that cannot be told.
 */
export async function placeOfFault(
  files: ExportFiles,
  origin: string,
  size: bigint,
  fault: LogFault,
): Promise<ExportPlace | undefined> {
  const tile = parseTilePath(fault.path)
  if (tile.kind === 'refused' || fault.code === 'MISSING' || fault.code === 'SUPERFLUOUS') return undefined
  const first = tile.index * BigInt(tileWidth)
  if (tile.level !== 'entries') {
    if (fault.entry === undefined) return undefined
    return { offset: fault.entry * hashSizeBytes, index: first + BigInt(fault.entry) }
  }
  const bundle = await files.read(fault.path)
  const beside = await files.read(tilePath(0, tile.index, tile.width))
  const hashes = beside && decodeTile(beside, tile.width)
  if (bundle === undefined || hashes?.kind !== 'hashes') return undefined
  const tree = treeHashOfOrigin(origin)
  let offset = 0
  for (const [at, hash] of hashes.hashes.entries()) {
    const end = offset + 2 + ((bundle[offset]! << 8) | bundle[offset + 1]!)
    const isThere = offset + 2 <= bundle.length && end <= bundle.length
    if (!isThere || Buffer.compare(tree.leaf(bundle.subarray(offset + 2, end)), hash) !== 0) {
      const index = first + BigInt(at)
      return { offset, index, ...(index < size && origin.includes('/z/') ? { eventId: `${origin}/${index}` } : {}) }
    }
    offset = end
  }
  return { offset }
}
