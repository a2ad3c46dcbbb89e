import { createHash } from 'node:crypto'
import { edgeRoot, type Hash, sha256Tree, verifyConsistency } from '@hutong/merkle'
import {
  type Document,
  documentsPerCallMax,
  keyFromIndex,
  type Position,
  raiseTerm,
  type Store,
  step,
} from '@hutong/store'
import {
  coverLeaves,
  extendTrust,
  type FollowedEntry,
  type FollowState,
  followEntry,
  hubEdgeAfter,
  type ReadEvent,
  readCosigned,
  readHead,
  type SignedCheckpoint,
  type Trust,
  trustFromFirstCharter,
  withNewestLeaf,
} from '@hutong/verify'
import { decodeHubLeaf, type EntryRecord, encodeRecord, type LoggedRecord } from '@hutong/wire'
import {
  collections,
  DocumentDamagedError,
  decodeKeptLeaf,
  documentsOf,
  encodeOpening,
  marksOf,
  needsPayload,
  onceHeldValue,
  placeKey,
  positionOf,
} from './documents.ts'
import { emptyView, encodeView, type HubFault, headsAheadMax, readView, type View, verifierPosition } from './view.ts'

/** Entries that wait for a head that covers them at most; the hub writes a head at the latest after so many. */
const waitingEntriesMax = 64
const waitingBytesMax: number = 8 * 1024 * 1024
/** No record is larger (architecture, "Streams"). */
const recordBytesMax = 1024 * 1024
/** A step holds at most so many bytes of documents; one leaf of H always fits. */
const stepBytesMax: number = 8 * 1024 * 1024
/** A document of evidence holds at most so many bytes of records. */
const evidenceBytesMax = 2 * 1024 * 1024

/** Whence a record came: what the broker has altered or lost the hub still has. */
export type RecordSource = 'stream' | 'hub'

/** What became of a record. */
export type Taken =
  /** It is applied, waits for its head, or was known. */
  | { readonly kind: 'taken' }
  /** What waited was thrown away: read from the position on, from the hub. */
  | { readonly kind: 'read_again'; readonly why: string; readonly at: bigint }
  /** The hub has contradicted itself. Nothing is taken any more. */
  | { readonly kind: 'fault' }

/** A larger head under which the waiting entries can be proven by a proof of consistency. */
export interface ProofWanted {
  /** Size of H after the waiting entries. */
  readonly oldSize: bigint
  /** Undefined: no head beyond them is known yet. */
  readonly head: SignedCheckpoint | undefined
}

export interface FollowerOptions {
  readonly store: Store
  /** SHA-256 of charter 0. */
  readonly pinnedSha256: Uint8Array
  /** Told, in order, of what a step has added, in the same instant in which the view shows it. */
  readonly applied?: (events: readonly ReadEvent[]) => void
  /** Told of payloads that were missing and have come. */
  readonly filled?: () => void
  /** Told of what is counted: doubled records, unreadable heads, contradictions. */
  readonly noticed?: (what: Notice) => void
}

export type Notice =
  | 'doubled'
  | 'head_refused'
  | 'cosigned_refused'
  | 'observed_head_refused'
  | 'read_again'
  | 'hub_fault'

/** Another process writes to this store: this one must not go on. */
export class AnotherWriterError extends Error {
  override readonly name = 'AnotherWriterError'
}

/**
 * Follows H: takes records of `logged` in, believes nothing before a head under the hub's own signature covers it, and moves the
 * position only after all it rests on is stored. After an exception it must be reopened: what the store holds then is the truth.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #watchers = new Set<() => void>()
  #view: View
  #position: Position | undefined
  #lost = true
  #waiting: EntryRecord[] = []
  #waitingBytes = 0
  /** The newest `cosigned` of what was drained, not looked at yet. */
  #cosigned: Uint8Array | undefined
  /** The position at which what was read did not fit; the same again from the hub is the hub's fault. */
  #suspected: bigint | undefined
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#view = emptyView(options.pinnedSha256)
  }

  /** What is known now. */
  get view(): View {
    return this.#view
  }

  /** Records that wait for the head that covers them. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether it must be reopened before it takes anything. */
  get lost(): boolean {
    return this.#lost
  }

  /**
   * Reads everything anew from the store, under a new term.
   * @throws {AnotherWriterError} since this one opened it, another has.
   * @throws {DocumentDamagedError} the position cannot be read: our own copy is broken.
   */
  open(): Promise<void> {
    return this.#inTurn(async () => {
      const found = await this.#options.store.position(verifierPosition)
      if (this.#position !== undefined && found !== undefined && found.term > this.#position.term) {
        throw new AnotherWriterError('another verifier writes to this store')
      }
      this.#position = await raiseTerm(this.#options.store, verifierPosition)
      this.#throwAway()
      this.#show(await readView(this.#options.store, this.#position.value, this.#options.pinnedSha256), [])
      this.#lost = false
    })
  }

  /** Takes a record in. `next` is the stream's place after it. @throws whatever the store throws; then it is lost. */
  take(record: LoggedRecord, source: RecordSource, next?: View['stream']): Promise<Taken> {
    return this.#inTurn(async () => {
      if (this.#view.fault !== undefined) return { kind: 'fault' }
      switch (record.kind) {
        case 'entry':
          return this.#takeEntry(record)
        case 'head':
          return this.#takeHead(record.checkpoint, source, next)
        case 'cosigned':
          this.#cosigned = record.checkpoint
          return taken
      }
    })
  }

  /** Entries wait that no head read so far ends at: under which head they can be proven. Undefined: none wait. */
  get proofWanted(): ProofWanted | undefined {
    if (this.#waiting.length === 0) return undefined
    const oldSize = this.#end()
    return { oldSize, head: this.#view.ahead.find(({ checkpoint }) => checkpoint.size > oldSize) }
  }

  /** Whether so much waits that nothing more is taken in before a head or a proof. */
  get full(): boolean {
    return this.#waiting.length >= waitingEntriesMax || this.#waitingBytes > waitingBytesMax - recordBytesMax
  }

  /** Applies what waits, if `proof` shows that the signed head `wanted.head` extends it. */
  takeProof(wanted: ProofWanted & { readonly head: SignedCheckpoint }, proof: readonly Hash[]): Promise<Taken> {
    return this.#inTurn(async () => {
      if (this.#view.fault !== undefined) return { kind: 'fault' }
      if (wanted.oldSize !== this.#end()) return taken
      const { size, root } = wanted.head.checkpoint
      const own = this.#rootAfterWaiting(this.#waiting.length)
      const fits = verifyConsistency(sha256Tree, wanted.oldSize, size, own, root, proof)
      return fits
        ? this.#apply(this.#waiting.length, wanted.head, 'hub', undefined)
        : this.#mismatch(wanted.head, 'hub', 'HUB_HEAD_DIFFERS', 'the head does not extend the leaves read')
    })
  }

  /** Looks at the newest `cosigned` record of what was drained: what it covers counts as witnessed from now on. */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      const note = this.#cosigned
      const view = this.#view
      const { trust, position } = view.state
      if (note === undefined || trust === undefined || view.fault !== undefined) return
      const before = view.cosigned
      const at = before?.checkpoint.size ?? 0n
      const read = readCosigned(trust, note, at)
      if (read.kind === 'refused') {
        this.#cosigned = undefined
        this.#notice('cosigned_refused')
        return
      }
      const { size, root } = read.checkpoint
      if (size > position) return
      this.#cosigned = undefined
      if (size < at || (size === at && read.quorumTimeMs <= (before?.quorumTimeMs ?? 0))) return
      const own = await this.#rootAt(size)
      if (Buffer.compare(own, root) !== 0) {
        await this.#fault('HUB_COSIGNED_DIFFERS', `another root at size ${size}`, [read.note], [])
        return
      }
      await this.#commit([], { ...view, cosigned: read, cosignedAt: at, leaves: coverLeaves(view.leaves, size) }, [])
    })
  }

  /** Keeps payloads that were missing; each must open the commitment of its leaf, which the caller has checked. */
  fill(events: readonly ReadEvent[]): Promise<void> {
    return this.#inTurn(async () => {
      const { store } = this.#options
      const term = this.#writer().term
      // Marks first: whoever sees the payload finds the event by what it names.
      const documents = events.flatMap((event): Document[] => [
        ...marksOf(event, term),
        {
          collection: collections.late,
          key: placeKey(positionOf(event.kept), event.kept.place),
          term,
          value: encodeOpening(event.kept),
          subject: event.subject,
        },
      ])
      await store.insert(documents)
      await store.delete(
        collections.missing,
        events.map(({ kept }) => placeKey(positionOf(kept), kept.place)),
      )
      this.#options.filled?.()
    })
  }

  /** Notes that the payload of an event, held once, must be asked for again. One that never came is asked for already. */
  wantPayload(position: bigint, place: number): Promise<void> {
    return this.#inTurn(async () => {
      const { store } = this.#options
      const key = placeKey(position, place)
      if ((await store.get(collections.missing, key)) !== undefined) return
      const term = this.#writer().term
      await store.insert([{ collection: collections.missing, key, term, value: onceHeldValue }])
    })
  }

  /** Resolves when the view has changed, or `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.#watchers.delete(go)
        signal.removeEventListener('abort', go)
        resolve()
      }
      if (signal.aborted) return resolve()
      this.#watchers.add(go)
      signal.addEventListener('abort', go)
    })
  }

  #takeEntry(record: EntryRecord): Taken {
    const end = this.#end()
    if (record.index < end) {
      const known = this.#waiting[Number(record.index - this.#view.state.position)]
      this.#notice('doubled')
      return known === undefined || sameBytes(known.leaf, record.leaf) ? taken : this.#readAgain('another leaf')
    }
    if (record.index > end) return this.#readAgain('a gap')
    if (this.full) return this.#readAgain('no head came')
    this.#waiting.push(record)
    this.#waitingBytes += entryBytes(record)
    return taken
  }

  async #takeHead(note: Uint8Array, source: RecordSource, next: View['stream']): Promise<Taken> {
    const trust = this.#trustAhead()
    if (trust === undefined) return this.#readAgain('no charter 0 as it is pinned here')
    const signed = readHead(trust, note)
    if (signed.kind === 'refused') {
      this.#notice('head_refused')
      return this.#readAgain(`a head that is none: ${signed.reason}`)
    }
    const { size } = signed.checkpoint
    if (size <= this.#view.state.position) return this.#compare(signed)
    if (size > this.#end()) {
      this.#remember(signed)
      return source === 'stream' ? this.#readAgain('entries before a head') : taken
    }
    const count = Number(size - this.#view.state.position)
    return sameBytes(this.#rootAfterWaiting(count), signed.checkpoint.root)
      ? this.#apply(count, signed, source, next)
      : this.#mismatch(signed, source, 'HUB_HEAD_DIFFERS', `another root at size ${size}`)
  }

  /** A head at or below the position must have the root that we have there. */
  async #compare(signed: SignedCheckpoint): Promise<Taken> {
    const { size, root } = signed.checkpoint
    if (sameBytes(await this.#rootAt(size), root)) return taken
    return this.#fault('HUB_HEAD_DIFFERS', `another root at size ${size}`, [signed.note], [])
  }

  /**
   * What waits, up to `count`, is what a signed head covers: judged entry by entry and stored. A head that ends exactly there
   * becomes the newest held.
   */
  async #apply(count: number, signed: SignedCheckpoint, source: RecordSource, next: View['stream']): Promise<Taken> {
    const records = this.#waiting.slice(0, count)
    const steps: Step[] = []
    let { state } = this.#view
    for (const record of records) {
      const followed = followEntry(state, record)
      if (followed.kind === 'refused') {
        if (followed.code === 'CHARTER_NOT_PINNED') throw new DocumentDamagedError('charter 0', followed.reason)
        return this.#mismatch(signed, source, followed.code, followed.reason)
      }
      if (source === 'stream' && lacksPayload(record, followed)) return this.#readAgain('a payload')
      state = followed.state
      steps.push({ record, followed, root: edgeRoot(sha256Tree, state.hubEdge) })
    }
    const differs = await this.#contradictedBy(steps, signed)
    if (differs !== undefined) {
      return this.#fault(
        'HUB_HEAD_DIFFERS',
        `another root at size ${differs.checkpoint.size}`,
        [differs.note],
        [signed.note],
      )
    }
    await this.#store(steps, signed, next)
    this.#suspected = undefined
    return taken
  }

  async #store(steps: readonly Step[], signed: SignedCheckpoint, next: View['stream']): Promise<void> {
    let from = 0
    while (from < steps.length) {
      const documents: Document[] = []
      let bytes = 0
      let to = from
      while (to < steps.length) {
        const { record, followed, root } = steps[to]!
        const more = documentsOf(record, followed, root, this.#writer().term)
        const moreBytes = more.reduce((sum, { value }) => sum + value.length, 0)
        const full = documents.length + more.length > documentsPerCallMax || bytes + moreBytes > stepBytesMax
        if (to > from && full) break
        documents.push(...more)
        bytes += moreBytes
        to += 1
      }
      const done = steps.slice(from, to)
      await this.#commit(
        documents,
        this.#viewAfter(done, to === steps.length ? signed : undefined, next),
        eventsOf(done),
      )
      this.#waiting = this.#waiting.slice(done.length)
      this.#waitingBytes = this.#waiting.reduce((sum, record) => sum + entryBytes(record), 0)
      from = to
    }
  }

  #viewAfter(steps: readonly Step[], signed: SignedCheckpoint | undefined, next: View['stream']): View {
    const view = this.#view
    const { state, hubLeaf } = steps.at(-1)!.followed
    const leaves = steps.reduce((leaves, { followed }) => {
      const last = followed.events.at(-1)
      if (last === undefined) return leaves
      const { zone, origin, signer, index } = last.kept
      const { loggedAtMs } = last.leaf
      return withNewestLeaf(leaves, { zone, origin, signer, index, position: positionOf(last.kept), loggedAtMs })
    }, view.leaves)
    const ends = signed !== undefined && signed.checkpoint.size === state.position
    const emptied = this.#waiting.length === steps.length
    return {
      ...view,
      state,
      leaves,
      head: ends ? { signed, receivedAtMs: hubLeaf.receivedAtMs } : view.head,
      ahead: view.ahead.filter(({ checkpoint }) => checkpoint.size > state.position),
      stream: next !== undefined && emptied ? next : view.stream,
    }
  }

  /** A signed head, remembered or in the payload of a heartbeat, that says another root than these leaves come to. */
  async #contradictedBy(steps: readonly Step[], covering: SignedCheckpoint): Promise<SignedCheckpoint | undefined> {
    const { state } = steps.at(-1)!.followed
    const rootOf = async (size: bigint) =>
      steps.find(({ followed }) => followed.state.position === size)?.root ?? (await this.#rootAt(size))
    const observed = eventsOf(steps).flatMap((event) => this.#observedHead(event, state.trust!))
    for (const head of [...this.#view.ahead, ...observed]) {
      const { size, root } = head.checkpoint
      if (size > state.position) {
        if (observed.includes(head)) this.#remember(head)
        continue
      }
      if (head !== covering && !sameBytes(await rootOf(size), root)) return head
    }
    return undefined
  }

  #observedHead({ reading }: ReadEvent, trust: Trust): readonly SignedCheckpoint[] {
    if (reading.kind !== 'read' || reading.payload.event.kind !== 'observed') return []
    const { head } = reading.payload.event
    if (head.length === 0) return []
    const signed = readHead(trust, head)
    if (signed.kind === 'checkpoint') return [signed]
    // Not under the hub's key: the zone's mistake, and no word against the hub.
    this.#notice('observed_head_refused')
    return []
  }

  /** What was read does not come to what the hub signed. From the hub itself, twice at one place: that is the hub's fault. */
  #mismatch(signed: SignedCheckpoint, source: RecordSource, code: string, detail: string): Promise<Taken> | Taken {
    const { position } = this.#view.state
    if (source === 'hub' && this.#suspected === position) {
      return this.#fault(code, detail, [signed.note], this.#waiting.map(encodeRecord))
    }
    this.#suspected = position
    this.#remember(signed)
    return this.#readAgain(detail)
  }

  /** Both sides are kept before the fault is said; nothing of it is applied. */
  async #fault(
    code: string,
    detail: string,
    theirs: readonly Uint8Array[],
    records: readonly Uint8Array[],
  ): Promise<Taken> {
    const { state, head } = this.#view
    const fault: HubFault = { code, detail }
    const value = Buffer.from(
      JSON.stringify({
        ...fault,
        position: `${state.position}`,
        ownRoot: base64(edgeRoot(sha256Tree, state.hubEdge)),
        ownHead: head && base64(head.signed.note),
        theirs: theirs.map(base64),
        records: firstBytes(records, evidenceBytesMax).map(base64),
      }),
    )
    const fingerprint = createHash('sha256').update(value).digest('hex').slice(0, 16)
    const key = `${keyFromIndex(state.position)}/${fingerprint}`
    const document = { collection: collections.evidence, key, term: this.#writer().term, value }
    await this.#commit([document], { ...this.#view, fault }, [])
    this.#throwAway()
    this.#notice('hub_fault')
    return { kind: 'fault' }
  }

  #readAgain(why: string): Taken {
    this.#throwAway()
    this.#notice('read_again')
    return { kind: 'read_again', why, at: this.#view.state.position }
  }

  #throwAway(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #remember(signed: SignedCheckpoint): void {
    const known = this.#view.ahead.some(({ note }) => sameBytes(note, signed.note))
    if (known) return
    // The oldest goes: the newest are nearest to what the hub says today.
    this.#view = { ...this.#view, ahead: [...this.#view.ahead, signed].slice(-headsAheadMax) }
  }

  async #commit(documents: readonly Document[], view: View, events: readonly ReadEvent[]): Promise<void> {
    const writer = this.#writer()
    const next = { term: writer.term, value: encodeView(view) }
    this.#lost = true
    if (!(await step(this.#options.store, documents, verifierPosition, writer.version, next))) {
      throw new AnotherWriterError('another verifier has moved the position of this store')
    }
    this.#position = { ...next, version: writer.version + 1n }
    this.#lost = false
    this.#show(view, events)
  }

  #show(view: View, events: readonly ReadEvent[]): void {
    this.#view = view
    if (events.length > 0) this.#options.applied?.(events)
    for (const go of [...this.#watchers]) go()
  }

  #writer(): Position {
    if (this.#position === undefined || this.#lost) throw new Error('the follower is not open')
    return this.#position
  }

  /** H's root when it had `size` leaves, at most the position. */
  async #rootAt(size: bigint): Promise<Hash> {
    const { position, hubEdge } = this.#view.state
    if (size === position) return edgeRoot(sha256Tree, hubEdge)
    if (size === 0n) return sha256Tree.empty()
    const document = await this.#options.store.get(collections.leaves, keyFromIndex(size - 1n))
    return decodeKeptLeaf(document, size - 1n).root
  }

  #rootAfterWaiting(count: number): Hash {
    const leaves = this.#waiting.slice(0, count).map(({ leaf }) => leaf)
    return edgeRoot(sha256Tree, hubEdgeAfter(this.#view.state.hubEdge, leaves))
  }

  #end(): bigint {
    return this.#view.state.position + BigInt(this.#waiting.length)
  }

  /** A head may be signed with a key that a charter among the waiting entries brings: a charter carries its own signatures. */
  #trustAhead(): Trust | undefined {
    const state: FollowState = this.#view.state
    let trust = state.trust
    for (const { leaf, index, charter } of this.#waiting) {
      if (charter.length === 0) continue
      const decoded = decodeHubLeaf(leaf)
      if (decoded.kind !== 'hub_leaf' || decoded.leaf.entry.kind !== 'charter') continue
      const next =
        trust === undefined
          ? trustFromFirstCharter(charter, state.pinnedSha256)
          : extendTrust(trust, { ...decoded.leaf.entry, position: index, bytes: charter })
      if ('kind' in next) return trust
      trust = next
    }
    return trust
  }

  #notice(what: Notice): void {
    this.#options.noticed?.(what)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => {})
    return turn
  }
}

interface Step {
  readonly record: EntryRecord
  readonly followed: FollowedEntry
  /** H's root after it. */
  readonly root: Hash
}

const taken: Taken = { kind: 'taken' }

function eventsOf(steps: readonly Step[]): readonly ReadEvent[] {
  return steps.flatMap(({ followed }) => followed.events)
}

/** The hub may still have what the broker lost of a record, or altered in it. */
function lacksPayload(record: EntryRecord, { events }: FollowedEntry): boolean {
  return events.some((event) => needsPayload(event) && !record.redacted.includes(event.kept.place))
}

function entryBytes({ leaf, charter, entries }: EntryRecord): number {
  return entries.reduce(
    (sum, entry) => sum + entry.leaf.length + entry.salt.length + entry.payload.length,
    leaf.length + charter.length,
  )
}

/** The first records that together have at most `limitBytes`. */
function firstBytes(records: readonly Uint8Array[], limitBytes: number): readonly Uint8Array[] {
  let bytes = 0
  const over = records.findIndex((record) => {
    bytes += record.length
    return bytes > limitBytes
  })
  return over < 0 ? records : records.slice(0, over)
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
