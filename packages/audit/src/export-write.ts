import { opensCommitment } from '@hutong/batch'
import { edgeRoot, sha256Tree } from '@hutong/merkle'
import { type FollowedEntry, type FollowState, followEntry, logKeysAt, type ReadEvent } from '@hutong/verify'
import { type EntryRecord, encodeRecord, type LoggedRecord } from '@hutong/wire'
import { type DirectoryRefused, type ExportBase, openBase } from './export-base.ts'
import { ExportFolder } from './export-folder.ts'
import { claimedCheckpoint, keysOfHead, readExportedHead, withoutForeignLines } from './export-head.ts'
import { charterPath, headPath, logFolder, unfinishedPath } from './export-layout.ts'
import { LogWriter, PayloadWriter } from './export-log-writer.ts'
import type { ExportedPayload } from './export-payload-bundle.ts'
import { encodeStanding, type ResumedExport } from './export-resume.ts'
import { type ExportSizes, isFileOf, sizesOf, strayFiles } from './export-stray.ts'
import type { RecordSource, UnreadableRecord } from './ports.ts'
import { type Contradiction, type HubContradictionCode, maxNamedPayloads } from './report.ts'
import { orAborted, untilAborted } from './until-aborted.ts'

/** After so many leaves, of H and of zones together, what is there is secured: a run that dies loses no more. */
const defaultLeavesPerSecuring = 65_536n

export interface WriteExportOptions {
  readonly source: RecordSource
  /** SHA-256 of charter 0, 32 bytes. */
  readonly charterSha256: Uint8Array
  /** Ends the run; it then rejects with the signal's reason, and another run goes on. */
  readonly signal?: AbortSignal
  /** Called after each leaf of H; must be quick. */
  readonly onProgress?: (progress: ExportProgress) => void
  /** After so many leaves, of H and of zones together, what is there is secured. Default 65536. */
  readonly leavesPerSecuring?: bigint
}

export interface ExportProgress {
  /** Leaves of H in the export. */
  readonly position: bigint
  /** Where this run began, and where it ends. */
  readonly from: bigint
  readonly size: bigint
  /** Events of this run. */
  readonly events: bigint
}

/** What an export came to. */
export type WriteExportOutcome =
  | WrittenExport
  /** The hub says something that no honest hub says. The export is what it was before. */
  | { readonly kind: 'contradicted'; readonly contradiction: Contradiction }
  /** NOTHING_WITNESSED: the hub has no cosigned head yet. Else as of the directory; nothing was written. */
  | { readonly kind: 'refused'; readonly code: 'NOTHING_WITNESSED' | DirectoryRefused['code']; readonly reason: string }

export interface WrittenExport {
  readonly kind: 'exported'
  /** Leaves of H, and where this run began. */
  readonly position: bigint
  readonly from: bigint
  readonly root: Uint8Array
  readonly charters: bigint
  readonly logs: readonly { readonly zone: string; readonly origin: string; readonly size: bigint }[]
  /** Events of this run, by what was given of their payloads. */
  readonly payloads: { readonly given: bigint; readonly absent: bigint; readonly redacted: bigint }
  /** False where the payloads had been deleted from the export: no new ones were added. */
  readonly withPayloads: boolean
  /** Payloads of this run that do not open their commitments; they were not written. The first `maxNamedPayloads` by event id. */
  readonly mismatched: { readonly count: bigint; readonly eventIds: readonly string[] }
}

/**
 * Exports everything under the hub's newest cosigned head into a directory (formats F11), or adds to an export what is new. Everything is
 * verified before it counts: until the head stands in its place last of all, the file `unfinished` says that the rest is not to be relied
 * on. Killed at any point, another run goes on. Memory: one growth of each log and one bundle of payloads of each zone.
 *
 * @throws what source and disk throw, and the signal's reason; then another run goes on too.
 */
export async function writeExport(directory: string, options: WriteExportOptions): Promise<WriteExportOutcome> {
  return writeExportInto(new ExportFolder(directory), options)
}

/** The same into a folder that is open already. */
export async function writeExportInto(folder: ExportFolder, options: WriteExportOptions): Promise<WriteExportOutcome> {
  const { source, signal, charterSha256 } = options
  const { cosigned } = await orAborted(source.heads(signal), signal)
  if (cosigned.length === 0) return { kind: 'refused', code: 'NOTHING_WITNESSED', reason: 'no head is cosigned yet' }
  const base = await openBase(folder, charterSha256)
  if (base.kind === 'refused') return base
  try {
    return await new ExportRun(folder, base, cosigned, options).run()
  } finally {
    // Another run may begin at once: nothing of this one may still come after it.
    await folder.rest()
  }
}

class ExportRun {
  readonly #folder: ExportFolder
  readonly #base: ExportBase
  readonly #cosigned: Uint8Array
  readonly #options: WriteExportOptions
  readonly #finishedSizes: ExportSizes
  readonly #hub: LogWriter
  readonly #zones: Map<string, { readonly leaves: LogWriter; readonly payloads: PayloadWriter }> = new Map()
  readonly #checkpoints: Map<string, { readonly checkpoint: Uint8Array; readonly position: bigint }>
  readonly #counts = { given: 0n, absent: 0n, redacted: 0n }
  readonly #mismatched: string[] = []
  #mismatchedCount = 0n
  #events = 0n
  #unsecured = 0n
  #state: FollowState

  constructor(folder: ExportFolder, base: ExportBase, cosigned: Uint8Array, options: WriteExportOptions) {
    this.#folder = folder
    this.#base = base
    this.#cosigned = cosigned
    this.#options = options
    this.#state = base.from.state
    this.#finishedSizes = sizesOf(base.finished.state)
    this.#hub = new LogWriter(folder, 'h', base.from.state.position)
    this.#checkpoints = new Map(base.from.checkpoints)
  }

  async run(): Promise<WriteExportOutcome> {
    const claimed = claimedCheckpoint(this.#cosigned)
    if (claimed === undefined) return this.#contradicted('COSIGNED_SIGNATURE', 'it is no checkpoint')
    const { finished, isUnfinished } = this.#base
    if (claimed.size < finished.state.position) return this.#hubIsBehind(claimed.size)
    // What was secured on the way to a head that the hub no longer shows is fetched again, from what was completed.
    if (claimed.size < this.#state.position) return this.#startAgain()
    if (claimed.size > this.#state.position || isUnfinished) await this.#secure()
    const contradiction = (await this.#read(claimed.size)) ?? this.#holdHead(claimed.size)
    if (contradiction !== undefined) return this.#contradict(contradiction)
    if (claimed.size > finished.state.position || isUnfinished) await this.#complete(claimed.size)
    return this.#written()
  }

  async #read(size: bigint): Promise<Contradiction | undefined> {
    const { source, signal } = this.#options
    if (this.#state.position >= size) return undefined
    for await (const record of untilAborted(source.records(this.#state.position, signal), signal)) {
      const contradiction = await this.#take(record, size)
      if (contradiction !== undefined) return contradiction
      if (this.#state.position >= size) return undefined
    }
    return this.#contradiction('HEAD_NOT_REACHED', `the hub has signed ${size} leaves and serves fewer`)
  }

  async #take(record: LoggedRecord | UnreadableRecord, size: bigint): Promise<Contradiction | undefined> {
    if (record.kind === 'unreadable') return { ...this.#contradiction('RECORD_UNREADABLE', record.why), hub: [] }
    // The one head that counts is held against the leaves in the end.
    if (record.kind !== 'entry') return undefined
    const followed = followEntry(this.#state, record)
    if (followed.kind === 'refused') {
      const hub = [{ what: 'record', bytes: encodeRecord(record) }]
      return { ...this.#contradiction(followed.code, followed.reason), hub }
    }
    this.#state = followed.state
    await this.#write(followed, record)
    this.#options.onProgress?.({
      position: this.#state.position,
      from: this.#base.from.state.position,
      size,
      events: this.#events,
    })
    return undefined
  }

  async #write({ hubLeaf, events }: FollowedEntry, record: EntryRecord): Promise<void> {
    const { entry, index } = hubLeaf
    await this.#hub.add(record.leaf)
    if (entry.kind === 'charter') await this.#folder.write(charterPath(entry.number), record.charter)
    else {
      this.#checkpoints.set(entry.origin, { checkpoint: Uint8Array.from(entry.checkpoint), position: index })
      const { leaves, payloads } = await this.#zone(entry.origin, entry.oldSize)
      for (const event of events) {
        await leaves.add(event.kept.leaf)
        const payload = this.#payloadOf(event, record.redacted.includes(event.kept.place))
        if (this.#base.withPayloads) await payloads.add(payload)
      }
    }
    this.#events += BigInt(events.length)
    this.#unsecured += BigInt(events.length) + 1n
    if (this.#unsecured >= (this.#options.leavesPerSecuring ?? defaultLeavesPerSecuring)) await this.#secure()
  }

  async #zone(origin: string, size: bigint): Promise<{ readonly leaves: LogWriter; readonly payloads: PayloadWriter }> {
    const known = this.#zones.get(origin)
    if (known !== undefined) return known
    const { zone } = this.#state.logs.get(origin)!
    const opened = {
      leaves: new LogWriter(this.#folder, logFolder(zone), size),
      payloads: await PayloadWriter.open(this.#folder, zone, origin, size),
    }
    this.#zones.set(origin, opened)
    return opened
  }

  /** Only what opens its commitment is written. */
  #payloadOf(event: ReadEvent, isRedacted: boolean): ExportedPayload {
    const { salt, payload, origin, index } = event.kept
    const opens = payload.length > 0 && opensIts(event)
    const kind = isRedacted ? 'redacted' : opens ? 'given' : 'absent'
    this.#counts[kind] += 1n
    if (payload.length > 0 && !opens) {
      this.#mismatchedCount += 1n
      if (this.#mismatched.length < maxNamedPayloads) this.#mismatched.push(`${origin}/${index}`)
    }
    return kind === 'given' ? { kind, salt, payload } : { kind }
  }

  /** The head against the leaves: its signatures, and its root. */
  #holdHead(size: bigint): Contradiction | undefined {
    const { trust, hubEdge } = this.#state
    if (trust === undefined) return this.#contradiction('COSIGNED_SIGNATURE', 'a head of no leaves')
    const head = readExportedHead(trust, this.#cosigned, size)
    if (head.kind === 'refused') return this.#contradiction('COSIGNED_SIGNATURE', head.reason)
    if (Buffer.compare(head.checkpoint.root, edgeRoot(sha256Tree, hubEdge)) === 0) return undefined
    return this.#contradiction('HEAD_ROOT', `the cosigned head of size ${size} names another root than the leaves have`)
  }

  /** What is there is on the disk, and from here another run can go on. */
  async #secure(): Promise<void> {
    await this.#flush()
    const { position, hubEdge } = this.#state
    const standing = { position, root: edgeRoot(sha256Tree, hubEdge) }
    await this.#folder.write(unfinishedPath, encodeStanding(standing))
    // Until the new head stands, the completed export keeps every file it has.
    const superseded = this.#writers().flatMap((writer) => writer.takeSuperseded())
    await this.#folder.remove(superseded.filter((path) => !isFileOf(path, this.#finishedSizes)))
    this.#unsecured = 0n
  }

  async #flush(): Promise<void> {
    for (const writer of this.#writers()) await writer.flush()
    await this.#folder.settle()
  }

  #writers(): readonly (LogWriter | PayloadWriter)[] {
    return [this.#hub, ...[...this.#zones.values()].flatMap(({ leaves, payloads }) => [leaves, payloads])]
  }

  /** The checkpoints go into their places, that of H last; then what only the completed export had goes. */
  async #complete(size: bigint): Promise<void> {
    await this.#secure()
    await this.#writeCheckpoints(this.#state, this.#checkpoints)
    const keys = keysOfHead(this.#state.trust!, size)
    await this.#folder.write(headPath, sound(withoutForeignLines(this.#cosigned, keys)))
    await this.#pruneTo(sizesOf(this.#state))
  }

  async #writeCheckpoints({ logs, trust }: FollowState, checkpoints: ResumedExport['checkpoints']): Promise<void> {
    for (const [origin, { checkpoint, position }] of checkpoints) {
      const note = withoutForeignLines(checkpoint, logKeysAt(trust!, origin, position)!.keys)
      await this.#folder.write(`${logFolder(logs.get(origin)!.zone)}/checkpoint`, sound(note))
    }
  }

  /** Leaves exactly the files of these sizes, and the mark of an export in the making goes last. */
  async #pruneTo(sizes: ExportSizes): Promise<void> {
    await this.#folder.remove(strayFiles(await this.#folder.files.list(), sizes))
    await this.#folder.remove([unfinishedPath])
  }

  /** Back to the completed export: a run that died may already have put newer checkpoints of zones in. */
  async #contradict(contradiction: Contradiction): Promise<WriteExportOutcome> {
    const { state, checkpoints } = this.#base.finished
    await this.#folder.settle()
    await this.#writeCheckpoints(state, checkpoints)
    await this.#pruneTo(this.#finishedSizes)
    return { kind: 'contradicted', contradiction }
  }

  #contradicted(code: HubContradictionCode, reason: string): WriteExportOutcome {
    return { kind: 'contradicted', contradiction: this.#contradiction(code, reason) }
  }

  /** The hub showed a larger cosigned head before: it stands in the export. */
  #hubIsBehind(size: bigint): WriteExportOutcome {
    const { state } = this.#base.finished
    const read = readExportedHead(state.trust!, this.#cosigned, size)
    if (read.kind === 'refused') return this.#contradicted('COSIGNED_SIGNATURE', read.reason)
    const own = [{ what: 'head', bytes: this.#base.head! }]
    const reason = `the export has a cosigned head of ${state.position} leaves, and the hub's newest is of ${size}`
    return { kind: 'contradicted', contradiction: { ...this.#contradiction('HEAD_BEHIND', reason), own } }
  }

  async #startAgain(): Promise<WriteExportOutcome> {
    await this.#pruneTo(this.#finishedSizes)
    const base: ExportBase = { ...this.#base, from: this.#base.finished, isUnfinished: false }
    return new ExportRun(this.#folder, base, this.#cosigned, this.#options).run()
  }

  #contradiction(code: string, reason: string): Contradiction {
    const { position, hubEdge } = this.#state
    const root = { what: `root of H at size ${position}`, bytes: edgeRoot(sha256Tree, hubEdge) }
    const { head } = this.#base
    return {
      code,
      reason,
      position,
      hub: [{ what: 'head', bytes: this.#cosigned }],
      own: head === undefined ? [root] : [root, { what: 'head of the export before', bytes: head }],
      coveringHead: undefined,
    }
  }

  #written(): WrittenExport {
    const { position, hubEdge, trust, logs } = this.#state
    return {
      kind: 'exported',
      position,
      from: this.#base.from.state.position,
      root: edgeRoot(sha256Tree, hubEdge),
      charters: BigInt(trust?.charters.length ?? 0),
      logs: [...logs.values()].map(({ zone, origin, edge }) => ({ zone, origin, size: edge.size })),
      payloads: this.#counts,
      withPayloads: this.#base.withPayloads,
      mismatched: { count: this.#mismatchedCount, eventIds: this.#mismatched },
    }
  }
}

/** What was read was opened before; of a leaf that is not understood nobody has looked at the payload yet. */
function opensIts({ kept, leaf, reading }: ReadEvent): boolean {
  const { salt, payload } = kept
  if (reading.kind === 'read' || reading.kind === 'unreadable') return true
  return opensCommitment({ leaf: kept.leaf, salt, payload, payloadEncoding: 0 }, leaf.payloadCommitment)
}

/** Of notes whose signatures were verified when they came in. */
function sound(note: ReturnType<typeof withoutForeignLines>): Uint8Array {
  if ('kind' in note) throw new TypeError(`a note that was right is refused: ${note.reason}`)
  return note
}
