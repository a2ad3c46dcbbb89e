import { decodeEntryBundle, tileAt, tilePath, tileWidth } from '@hutong/merkle'
import { decodeHubLeaf, type Entry, type EntryRecord, type HubLeaf, type LoggedRecord } from '@hutong/wire'
import type { ExportFiles } from './export-files.ts'
import { charterPath, headPath, logFolder, payloadBundlePath, zoneInOrigin } from './export-layout.ts'
import { decodePayloadBundle, type ExportedPayload } from './export-payload-bundle.ts'
import { claimedSize } from './hub-replay.ts'
import type { RecordSource, UnreadableRecord } from './ports.ts'

/**
 * An export as a source of records: the same entries that the hub streams, then its head. Nothing is verified here; what cannot be read
 * ends the stream with a record that names the file. Memory: one bundle of H and one of each zone.
 */
export function recordSourceOfExport(files: ExportFiles): RecordSource {
  const head = async () => (await files.read(headPath)) ?? nothing
  return {
    records: (fromIndex, signal) => readRecords(files, fromIndex, signal),
    heads: async () => {
      const note = await head()
      return { head: note, cosigned: note }
    },
  }
}

async function* readRecords(
  files: ExportFiles,
  fromIndex: bigint,
  signal: AbortSignal | undefined,
): AsyncGenerator<LoggedRecord | UnreadableRecord> {
  const note = await files.read(headPath)
  const size = note === undefined ? undefined : claimedSize(note)
  if (note === undefined || size === undefined) return yield unreadable(headPath, 'no checkpoint')
  try {
    const hub = bundlesOf(size, (bundle, width) => readLeaves(files, 'h', bundle, width))
    const zones = new ZoneEntries(files)
    for (let index = fromIndex; index < size; index++) {
      signal?.throwIfAborted()
      yield await recordOf(files, zones, index, await hub.at(index))
    }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    return yield unreadable(error.path, error.why)
  }
  yield { kind: 'head', checkpoint: note }
  yield { kind: 'cosigned', checkpoint: note }
}

async function recordOf(files: ExportFiles, zones: ZoneEntries, index: bigint, leaf: Uint8Array): Promise<EntryRecord> {
  const decoded = decodeHubLeaf(leaf)
  // Whoever follows refuses such a leaf by itself.
  if (decoded.kind !== 'hub_leaf') return { kind: 'entry', index, leaf, entries: [], charter: nothing, redacted: [] }
  const { entry } = decoded.leaf
  if (entry.kind === 'batch') return { kind: 'entry', index, leaf, charter: nothing, ...(await zones.of(entry)) }
  const path = charterPath(entry.number)
  const charter = await files.read(path)
  if (charter === undefined) throw new UnreadableFile(path, notThere)
  return { kind: 'entry', index, leaf, entries: [], charter, redacted: [] }
}

/** What stands behind the batches of all zones, for each zone one bundle of leaves and one of payloads held. */
class ZoneEntries {
  readonly #files: ExportFiles
  readonly #logs = new Map<string, ZoneLog>()

  constructor(files: ExportFiles) {
    this.#files = files
  }

  /** @throws {UnreadableFile} */
  async of(batch: BatchEntry): Promise<Pick<EntryRecord, 'entries' | 'redacted'>> {
    const log = this.#logs.get(batch.origin) ?? (await this.#open(batch))
    if (batch.newSize > log.size) throw new UnreadableFile(log.checkpointPath, `of fewer than ${batch.newSize} leaves`)
    const entries: Entry[] = []
    const redacted: number[] = []
    for (let index = batch.oldSize; index < batch.newSize; index++) {
      // The hub's word for a size: nobody asks for more than a batch may have before he is refused.
      if (entries.length > maxEntries) break
      const payload = await log.payloads.at(index)
      if (payload.kind === 'redacted') redacted.push(entries.length)
      entries.push({ leaf: await log.leaves.at(index), ...openingOf(payload), payloadEncoding: 0 })
    }
    return { entries, redacted }
  }

  async #open({ origin }: BatchEntry): Promise<ZoneLog> {
    const zone = zoneInOrigin(origin)
    if (zone === undefined) throw new UnreadableFile(headPath, `a log ${origin}, which is no zone's`)
    const checkpointPath = `${logFolder(zone)}/checkpoint`
    const note = await this.#files.read(checkpointPath)
    const size = note === undefined ? undefined : claimedSize(note)
    if (size === undefined) throw new UnreadableFile(checkpointPath, note === undefined ? notThere : 'no checkpoint')
    const leaves = bundlesOf(size, (bundle, width) => readLeaves(this.#files, logFolder(zone), bundle, width))
    const payloads = bundlesOf(size, (bundle, width) => readPayloads(this.#files, zone, origin, bundle, width))
    const log = { size, checkpointPath, leaves, payloads }
    this.#logs.set(origin, log)
    return log
  }
}

type BatchEntry = Extract<HubLeaf['entry'], { kind: 'batch' }>

interface ZoneLog {
  readonly size: bigint
  readonly checkpointPath: string
  readonly leaves: Bundles<Uint8Array>
  readonly payloads: Bundles<ExportedPayload>
}

/** What stands at each index of a log, read by bundles of 256, the last one held. */
interface Bundles<T> {
  /** @throws {UnreadableFile} */
  at(index: bigint): Promise<T>
}

function bundlesOf<T>(size: bigint, read: (bundle: bigint, width: number) => Promise<readonly T[]>): Bundles<T> {
  let held = -1n
  let content: readonly T[] = []
  return {
    async at(index) {
      const bundle = index / BigInt(tileWidth)
      if (bundle !== held) {
        content = await read(bundle, tileAt(0, bundle, size).width)
        held = bundle
      }
      return content[Number(index % BigInt(tileWidth))]!
    },
  }
}

async function readLeaves(
  files: ExportFiles,
  folder: string,
  bundle: bigint,
  width: number,
): Promise<readonly Uint8Array[]> {
  const path = `${folder}/${tilePath('entries', bundle, width)}`
  const bytes = await files.read(path)
  if (bytes === undefined) throw new UnreadableFile(path, notThere)
  const decoded = decodeEntryBundle(bytes, width)
  if (decoded.kind === 'refused') throw new UnreadableFile(path, decoded.reason)
  return decoded.entries
}

/** A bundle that is not there, or is none, gives no payload: a replay reports them as missing, `check` names the file. */
async function readPayloads(
  files: ExportFiles,
  zone: string,
  origin: string,
  bundle: bigint,
  width: number,
): Promise<readonly ExportedPayload[]> {
  const bytes = await files.read(payloadBundlePath(zone, bundle, width))
  const name = { origin, firstIndex: bundle * BigInt(tileWidth), width }
  const reading = bytes && decodePayloadBundle(bytes, name)
  if (reading !== undefined && reading.fault === undefined) return reading.payloads
  return Array.from({ length: width }, () => ({ kind: 'absent' }))
}

function openingOf(payload: ExportedPayload): Pick<Entry, 'salt' | 'payload'> {
  if (payload.kind !== 'given') return { salt: nothing, payload: nothing }
  return { salt: payload.salt, payload: payload.payload }
}

/** A file of the export cannot be read as what it should be; it ends the stream of records as one of them. */
class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
  readonly path: string
  readonly why: string

  constructor(path: string, why: string) {
    super(`${path}: ${why}`)
    this.path = path
    this.why = why
  }
}

function unreadable(path: string, why: string): UnreadableRecord {
  return { kind: 'unreadable', why: `${path}: ${why}` }
}

/** More entries than a batch may have are refused by whoever follows (formats F7): so many are enough to be refused. */
const maxEntries = 256
const notThere = 'is not there'
const nothing = new Uint8Array(0)
