import { createHash } from 'node:crypto'
import { decodeEntryBundle, type Edge, emptyEdge, entryBundlesForRange, tilePath } from '@hutong/merkle'
import {
  extendTrust,
  hubEdgeAfter,
  type KeptCharter,
  type Refused,
  type Trust,
  trustFromFirstCharter,
} from '@hutong/verify'
import { decodeHubLeaf, type HubLeaf } from '@hutong/wire'
import type { ExportFiles } from './export-files.ts'
import { charterPath, zoneInOrigin } from './export-layout.ts'

/** What the leaves of H say of the rest of an export. */
export interface WalkedHub {
  /** In the order of their leaves. */
  readonly charters: readonly NamedCharter[]
  /** By origin: each log as its last batch left it. */
  readonly logs: ReadonlyMap<string, NamedLog>
  /** The hub's clock at the last leaf, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** Of the leaves read. */
  readonly edge: Edge
  /** False where a bundle or a leaf could not be read: then the rest is missing here. */
  readonly isComplete: boolean
}

/** A charter that a leaf of H names. */
export type NamedCharter = Omit<KeptCharter, 'bytes'> & { readonly sha256: Uint8Array }

/** A zone's log as the last leaf of H about it leaves it. */
export interface NamedLog {
  readonly zone: string
  readonly origin: string
  readonly size: bigint
  readonly root: Uint8Array
  /** The zone's note, as it stands in the leaf. */
  readonly checkpoint: Uint8Array
  /** Of that leaf. */
  readonly position: bigint
}

/** Reads the leaves of H in order and notes what each names. Nothing is verified here. */
export async function walkHub(files: ExportFiles, size: bigint, signal?: AbortSignal): Promise<WalkedHub> {
  const charters: NamedCharter[] = []
  const logs = new Map<string, NamedLog>()
  let receivedAtMs = 0
  let edge = emptyEdge
  for (const { level, index, width } of entryBundlesForRange(0n, size)) {
    signal?.throwIfAborted()
    const bytes = await files.read(`h/${tilePath(level, index, width)}`)
    const bundle = bytes && decodeEntryBundle(bytes, width)
    if (bundle?.kind !== 'entries') return { charters, logs, receivedAtMs, edge, isComplete: false }
    for (const [at, leaf] of bundle.entries.entries()) {
      const position = edge.size + BigInt(at)
      const decoded = decodeHubLeaf(leaf)
      if (decoded.kind !== 'hub_leaf') return { charters, logs, receivedAtMs, edge, isComplete: false }
      const { entry } = decoded.leaf
      receivedAtMs = decoded.leaf.receivedAtMs
      if (entry.kind === 'charter') charters.push({ position, ...entry })
      else if (!noteLog(logs, entry, position)) return { charters, logs, receivedAtMs, edge, isComplete: false }
    }
    edge = hubEdgeAfter(edge, bundle.entries)
  }
  return { charters, logs, receivedAtMs, edge, isComplete: true }
}

/** Whether the batch is of a log that has a folder in an export. */
function noteLog(
  logs: Map<string, NamedLog>,
  { origin, newSize, root, checkpoint }: Extract<HubLeaf['entry'], { kind: 'batch' }>,
  position: bigint,
): boolean {
  const zone = zoneInOrigin(origin)
  if (zone === undefined) return false
  logs.set(origin, { zone, origin, size: newSize, root, checkpoint, position })
  return true
}

/** The charters of an export, read, as far as they hold. */
export interface WalkedCharters {
  /** Resting on those before the first that does not hold; undefined where charter 0 does not. */
  readonly trust: Trust | undefined
  /** The first that does not hold. */
  readonly fault: CharterFault | undefined
}

export interface CharterFault {
  readonly path: string
  /** `MISSING`, `ALTERED` (not the one that the leaf names), else what `verify` refuses it with. */
  readonly code: 'MISSING' | 'ALTERED' | 'REFUSED'
  readonly reason: string
}

/** Reads the files of the charters and builds trust on them, from charter 0, whose SHA-256 may be pinned. */
export async function readCharters(
  files: ExportFiles,
  charters: readonly NamedCharter[],
  charterSha256: Uint8Array | undefined,
): Promise<WalkedCharters> {
  let trust: Trust | undefined
  for (const named of charters) {
    const path = charterPath(named.number)
    const faulty = (code: CharterFault['code'], reason: string): WalkedCharters => {
      return { trust, fault: { path, code, reason } }
    }
    const bytes = await files.read(path)
    if (bytes === undefined) return faulty('MISSING', `leaf ${named.position} of H names this charter`)
    if (!sameBytes(sha256(bytes), named.sha256)) {
      return faulty('ALTERED', `leaf ${named.position} of H names another charter by its SHA-256`)
    }
    const read: Trust | Refused =
      trust === undefined ? trustFromFirstCharter(bytes, charterSha256) : extendTrust(trust, { ...named, bytes })
    if ('kind' in read) return faulty('REFUSED', `${read.code}: ${read.reason}`)
    trust = read
  }
  if (trust !== undefined) return { trust, fault: undefined }
  return { trust, fault: { path: charterPath(0n), code: 'REFUSED', reason: 'leaf 0 of H is no charter' } }
}

/** Trust on as many of the charters as hold; on the file of charter 0 alone where no leaf that can be read names one. */
export async function readAnyCharters(
  files: ExportFiles,
  charters: readonly NamedCharter[],
  charterSha256: Uint8Array | undefined,
): Promise<Trust | undefined> {
  const { trust } = await readCharters(files, charters, charterSha256)
  if (trust !== undefined) return trust
  const bytes = await files.read(charterPath(0n))
  const first = bytes && trustFromFirstCharter(bytes, charterSha256)
  return first === undefined || 'kind' in first ? undefined : first
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
