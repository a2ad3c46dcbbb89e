import {
  appendLeafHashes,
  decodeEntryBundle,
  decodeTile,
  type Edge,
  edgeRoot,
  emptyEdge,
  type Hash,
  sha256Tree,
  tileAt,
  tilePath,
  tileWidth,
} from '@hutong/merkle'
import { type FollowedLog, type FollowState, startFollowing } from '@hutong/verify'
import { decodeLeaf } from '@hutong/wire'
import type { ExportFiles } from './export-files.ts'
import { logFolder } from './export-layout.ts'
import { type NamedLog, readCharters, walkHub } from './export-walk.ts'

/** What an export in the making says of how far it is. */
export interface ExportStanding {
  /** Leaves of H. */
  readonly position: bigint
  /** H's root there. */
  readonly root: Uint8Array
}

/** An export up to some position, ready to be continued. */
export interface ResumedExport {
  readonly kind: 'resumed'
  readonly state: FollowState
  /** By origin: the newest checkpoint of each zone's log, and where it stands. */
  readonly checkpoints: ReadonlyMap<string, Pick<NamedLog, 'checkpoint' | 'position'>>
}

/** Files of an export that are not what it needs to be continued: `path` is one of them. */
export interface UnfitExport {
  readonly kind: 'unfit'
  readonly path: string
  readonly reason: string
}

/**
 * The state of a follower out of the files of an export up to `standing`: the leaves of H come to its root, the charters hold from the
 * pinned one on, and the right-hand tiles of each zone's log come to the root that H names. Older tiles are not looked at.
 */
export async function resumeFollowing(
  files: ExportFiles,
  standing: ExportStanding,
  charterSha256: Uint8Array,
): Promise<ResumedExport | UnfitExport> {
  const { position, root } = standing
  if (position === 0n) return { kind: 'resumed', state: startFollowing(charterSha256), checkpoints: new Map() }
  const hub = await walkHub(files, position)
  if (!hub.isComplete || Buffer.compare(edgeRoot(sha256Tree, hub.edge), root) !== 0) {
    return unfit('h', `its entries do not come to the root at size ${position}`)
  }
  const { trust, fault } = await readCharters(files, hub.charters, charterSha256)
  if (fault !== undefined) return unfit(fault.path, fault.reason)
  const logs = new Map<string, FollowedLog>()
  for (const log of hub.logs.values()) {
    const followed = await resumeLog(files, log)
    if ('kind' in followed) return followed
    logs.set(log.origin, followed)
  }
  const { edge: hubEdge, receivedAtMs } = hub
  const state = { position, hubEdge, receivedAtMs, logs, trust, pinnedSha256: charterSha256 }
  return { kind: 'resumed', state, checkpoints: hub.logs }
}

async function resumeLog(
  files: ExportFiles,
  { zone, origin, size, root }: NamedLog,
): Promise<FollowedLog | UnfitExport> {
  const folder = logFolder(zone)
  const edge = await readEdge(files, folder, size)
  if (edge === undefined || Buffer.compare(edgeRoot(sha256Tree, edge), root) !== 0) {
    return unfit(folder, `its tiles do not come to the root at size ${size}`)
  }
  const { index, width } = tileAt(0, (size - 1n) / BigInt(tileWidth), size)
  const path = `${folder}/${tilePath('entries', index, width)}`
  const bytes = await files.read(path)
  const bundle = bytes && decodeEntryBundle(bytes, width)
  const leaf = bundle?.kind === 'entries' ? decodeLeaf(bundle.entries.at(-1)!) : undefined
  if (leaf === undefined || leaf.kind === 'unreadable') return unfit(path, 'its last leaf cannot be read')
  return { zone, origin, edge, loggedAtMs: leaf.leaf.loggedAtMs }
}

/** The edge of a log out of the partial tile at the end of each level. */
async function readEdge(files: ExportFiles, folder: string, size: bigint): Promise<Edge | undefined> {
  const peaks: Hash[] = []
  for (let level = 0; size >> BigInt(8 * level) > 0n; level++) {
    const count = size >> BigInt(8 * level)
    const { index, width } = tileAt(level, count / BigInt(tileWidth), size)
    if (width === 0) continue
    const bytes = await files.read(`${folder}/${tilePath(level, index, width)}`)
    const tile = bytes && decodeTile(bytes, width)
    if (tile?.kind !== 'hashes') return undefined
    peaks.unshift(...appendLeafHashes(sha256Tree, emptyEdge, tile.hashes).hashes)
  }
  return { size, hashes: peaks }
}

/** A standing as the text of the file that marks an export in the making. */
export function encodeStanding({ position, root }: ExportStanding): Uint8Array {
  return Buffer.from(`${JSON.stringify({ position: String(position), root: Buffer.from(root).toString('hex') })}\n`)
}

/** The standing in that file; undefined where it holds none. */
export function decodeStanding(bytes: Uint8Array): ExportStanding | undefined {
  const parts = /^\{"position":"(0|[1-9]\d{0,18})","root":"([0-9a-f]{64})"\}\n$/.exec(
    Buffer.from(bytes).toString('latin1'),
  )
  return parts === null ? undefined : { position: BigInt(parts[1]!), root: Buffer.from(parts[2]!, 'hex') }
}

function unfit(path: string, reason: string): UnfitExport {
  return { kind: 'unfit', path, reason }
}
