import { parseTilePath, tileAt } from '@hutong/merkle'
import type { FollowState } from '@hutong/verify'
import { halfSuffix } from './export-folder.ts'
import { charterPath, headPath, payloadsFolder } from './export-layout.ts'

/** How much an export holds: enough to say which files are its own. */
export interface ExportSizes {
  /** Leaves of H. */
  readonly hub: bigint
  /** Leaves of each zone's log, by zone. */
  readonly zones: ReadonlyMap<string, bigint>
  /** Charters, numbered from 0. */
  readonly charters: bigint
}

/** How much an export holds that has followed so far. */
export function sizesOf({ position, logs, trust }: FollowState): ExportSizes {
  const zones = new Map([...logs.values()].map(({ zone, edge }) => [zone, edge.size]))
  return { hub: position, zones, charters: BigInt(trust?.charters.length ?? 0) }
}

/**
 * Those of these paths that an export writes and one of these sizes does not have: left over from another size, or half written. What
 * somebody else has put there is none of them.
 */
export function strayFiles(paths: readonly string[], sizes: ExportSizes): readonly string[] {
  return paths.filter((path) => isStray(path, sizes))
}

/** Whether a file is one of a log of these sizes. */
export function isFileOf(path: string, sizes: ExportSizes): boolean {
  return isOwn(path) && !isStray(path, sizes)
}

function isStray(path: string, sizes: ExportSizes): boolean {
  if (path.endsWith(halfSuffix)) return isOwn(path.slice(0, -halfSuffix.length))
  const [top = '', zone = '', ...rest] = path.split('/')
  if (top === 'charter') return isOwn(path) && BigInt(zone) >= sizes.charters
  const size = top === 'h' ? sizes.hub : (sizes.zones.get(zone) ?? 0n)
  if (path === headPath || path === `z/${zone}/checkpoint`) return size === 0n
  if (top === 'h') return isTileOfAnother([zone, ...rest].join('/'), size)
  if (top === 'z') return isTileOfAnother(rest.join('/'), size)
  return top === payloadsFolder && isTileOfAnother(`tile/entries/${rest.join('/')}`, size)
}

/** Whether an export writes files of this name, at some size. */
function isOwn(path: string): boolean {
  const [top = '', ...rest] = path.split('/')
  const below = rest.slice(1).join('/')
  if (top === 'charter') return /^\d{1,19}$/.test(rest[0] ?? '') && path === charterPath(BigInt(rest[0]!))
  if (top === payloadsFolder) return parseTilePath(`tile/entries/${below}`).kind === 'tile'
  if (top !== 'h' && top !== 'z') return false
  const inLog = top === 'h' ? rest.join('/') : below
  return inLog === 'checkpoint' || parseTilePath(inLog).kind === 'tile'
}

function isTileOfAnother(path: string, size: bigint): boolean {
  const tile = parseTilePath(path)
  if (tile.kind === 'refused') return false
  return tileAt(tile.level === 'entries' ? 0 : tile.level, tile.index, size).width !== tile.width
}
