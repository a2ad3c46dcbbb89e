import { type Batch, opensCommitment, sameLeaves } from '@hutong/batch'
import {
  edgeRoot,
  formatCheckpoint,
  type Hash,
  inclusionProof,
  type NoteSigner,
  sha256Tree,
  signNote,
} from '@hutong/merkle'
import {
  type Document,
  documentsPerCallMax,
  raiseTerm,
  StaleWriterError,
  type Store,
  StoreBrokenError,
  StoreFullError,
  StoreUnavailableError,
  step,
} from '@hutong/store'
import { hubOrigin, newestCharter, newestLogged, type Trust } from '@hutong/verify'
import { decodeLeaf } from '@hutong/wire'
import { admit } from './admit.ts'
import type { Bell } from './bell.ts'
import { checkLog, checkSigners, readTrust } from './check-log.ts'
import { collections, DocumentDamagedError, logPosition, payloadKey, readHubLeaves } from './documents.ts'
import { Draft, openingDocument } from './draft.ts'
import { isRedacted, KeptEntries } from './kept-entries.ts'
import {
  decodeLogState,
  emptyLogState,
  emptyZoneLog,
  encodeLogState,
  type LogState,
  LogStateError,
  type ZoneLog,
} from './log-state.ts'
import type { LogCode } from './refusals.ts'
import { growEdge, HubNodes, hubTree, nodeDocument } from './tree-nodes.ts'
import { batchFrom, leavesOf } from './zone-batches.ts'

/** Batches that may wait for their group; one more is told QUEUE_FULL. */
const waitingBatchesMax = 1024
/** Bytes of payloads that may wait. */
const waitingBytesMax: number = 64 * 1024 * 1024
/** Batches committed under one signature. */
const groupBatchesMax = 64
/** Events committed under one signature: with their documents they stay below what the store takes in a few calls. */
const groupEntriesMax = 8192

/** What a log is made of. */
export interface LogParts {
  readonly store: Store
  /** Trust in charter 0 alone, as given to this hub. */
  readonly firstTrust: Trust
  /** The admins' note on charter 0; empty where there is none. */
  readonly firstCharterNote: Uint8Array
  /** One of the suite that decides and one of Ed25519, under the hub's origin. */
  readonly signers: readonly NoteSigner[]
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Why nothing may be committed now; undefined: go on. Asked before each group. */
  readonly gate: () => LogCode | undefined
  /** Told after each commit, in order. Must not throw. */
  readonly committed: (state: LogState) => void
  /** Rings after each commit. */
  readonly changed: Bell
}

/** What became of a batch: SEQUENCED, refused as a batch, or not taken up at this moment. */
export type AppendAnswer =
  | {
      readonly kind: 'appended'
      readonly index: bigint
      readonly leaf: Uint8Array
      readonly proof: readonly Hash[]
      readonly head: Uint8Array
    }
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly why: string
      readonly knownSize: bigint
      readonly knownCheckpoint: Uint8Array
    }
  | { readonly kind: 'unavailable'; readonly code: LogCode }

/** Where this writer stands: what it must still find there to move the position. */
export interface Writer {
  readonly version: bigint
  readonly term: bigint
}

/**
 * The hub's log: one queue, one group at a time, one compare-and-swap that commits. What was committed is in `state`; it is a true
 * statement for ever, also while nothing can be written.
 */
export class HubLog implements AsyncDisposable {
  readonly nodes: HubNodes
  readonly entries: KeptEntries
  /** Resolves with what ended all writing in this run; the process must end too. Never rejects. */
  readonly failed: Promise<Error>
  readonly #parts: LogParts
  readonly #fail: (error: Error) => void
  #state: LogState = emptyLogState
  #trust: Trust
  #writer: Writer | undefined
  #term: bigint | undefined
  #failure: { readonly error: Error; readonly code: LogCode } | undefined
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #turn: Promise<unknown> = Promise.resolve()
  #running = false
  #closed = false

  /**
   * Opens the log as its writer: fences out whoever wrote before, and checks what is there before anything is signed on top.
   * @throws {DocumentDamagedError | LogStateError | LogMismatchError} see there; the data or the keys are not what they must be.
   */
  static async open(parts: LogParts): Promise<HubLog> {
    const log = new HubLog(parts)
    await log.#acquire()
    return log
  }

  private constructor(parts: LogParts) {
    const failed = Promise.withResolvers<Error>()
    this.failed = failed.promise
    this.#fail = failed.resolve
    this.#parts = parts
    this.#trust = parts.firstTrust
    this.nodes = new HubNodes(parts.store)
    this.entries = new KeptEntries(parts.store)
  }

  /** What is committed. */
  get state(): LogState {
    return this.#state
  }

  /** All charters committed so far; charter 0 before anything is. */
  get trust(): Trust {
    return this.#trust
  }

  /** The term of this writer: what it keeps carries it. */
  get term(): bigint {
    return this.#term ?? 0n
  }

  get store(): Store {
    return this.#parts.store
  }

  get origin(): string {
    return hubOrigin(newestCharter(this.#trust))
  }

  /** Why nothing is committed now; undefined where batches are taken. */
  get refuses(): LogCode | undefined {
    if (this.#closed) return 'SHUTTING_DOWN'
    return this.#failure?.code ?? this.#parts.gate()
  }

  /** Takes a batch in. Answers when it is committed, or cannot be. The batch is of the caller's own log: that is for the door. */
  append(batch: Batch): Promise<AppendAnswer> {
    if (this.#closed) return Promise.resolve({ kind: 'unavailable', code: 'SHUTTING_DOWN' })
    const bytes = batch.entries.reduce(
      (sum, { leaf, salt, payload }) => sum + leaf.length + salt.length + payload.length,
      0,
    )
    if (this.#waiting.length >= waitingBatchesMax || this.#waitingBytes + bytes > waitingBytesMax) {
      return Promise.resolve({ kind: 'unavailable', code: 'QUEUE_FULL' })
    }
    const answer = Promise.withResolvers<AppendAnswer>()
    this.#waiting.push({ batch, bytes, ...answer })
    this.#waitingBytes += bytes
    this.#run()
    return answer.promise
  }

  /** Something changed that the gate looks at: leaf 0 may be written now. */
  wake(): void {
    this.#run()
  }

  /** Proof that the leaf of H at `index` stands under the tree of `size` leaves, which is at most the committed size. */
  inclusion(index: bigint, size: bigint): Promise<readonly Hash[]> {
    return inclusionProof(sha256Tree, index, size, this.nodes)
  }

  /** Runs work while no group is being committed. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** This writer's place; reads it anew where an outcome was unknown. Only within `exclusively`. */
  async writer(): Promise<Writer> {
    return this.#writer ?? this.#acquire()
  }

  /**
   * Commits a draft under one head: documents, read back, hashed, signed, then the one compare-and-swap. `sign` gets the checkpoint of
   * the tree as it was read back; it answers undefined to sign nothing. Only within `exclusively`. Whatever is thrown, the writer's
   * place counts as unknown afterwards.
   *
   * @throws {StaleWriterError} another process writes this log.
   * @throws {DocumentDamagedError} what was read back is not what was written; nothing was signed.
   */
  async commit(
    writer: Writer,
    draft: Draft,
    sign: (checkpoint: string) => Uint8Array = (checkpoint) => signNote(checkpoint, this.#parts.signers),
  ): Promise<void> {
    this.#writer = undefined
    await insertAll(
      this.store,
      draft.leaves.flatMap(({ documents }) => documents),
    )
    // Dies it here, the documents lie above the position: the next run writes over them.
    const { edge, closed } = growEdge(this.#state.edge, await this.#readBack(draft), 0)
    const head = sign(formatCheckpoint({ origin: this.origin, size: edge.size, root: edgeRoot(sha256Tree, edge) }))
    const state: LogState = { edge, receivedAtMs: draft.receivedAtMs, head, zones: draft.zones }
    const nodes = closed.map((node) => nodeDocument(hubTree, node, writer.term))
    const next = { term: writer.term, value: encodeLogState(state) }
    if (!(await step(this.store, nodes, logPosition, writer.version, next))) {
      throw new StaleWriterError('another process moved the position of the log', { place: logPosition })
    }
    // From here on it is committed, and everything that follows can be done again from what was written.
    this.#writer = { term: writer.term, version: writer.version + 1n }
    this.#trust = await readTrustIfCharters(this.store, draft, state, this.#trust)
    this.nodes.keep(closed)
    for (const { record } of draft.leaves) this.entries.keep(record)
    this.#become(state)
  }

  /** Deletes what opens the leaves of a subject, for ever; the leaves stay (formats F13). How many documents there were. */
  redact(subject: string): Promise<number> {
    return this.exclusively(async () => {
      const { term } = await this.writer()
      // First the mark: a batch sent again must find it, or it would bring back what is deleted here.
      await this.store.insert([{ collection: collections.redactions, key: subject, term, value: new Uint8Array() }])
      const deleted = await this.store.deleteBySubject(subject)
      this.entries.forget()
      return deleted
    })
  }

  /** Takes nothing more, and ends when the group that is being committed has its answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#turn
    this.#answerAll({ kind: 'unavailable', code: 'SHUTTING_DOWN' })
  }

  #become(state: LogState): void {
    this.#state = state
    this.#parts.committed(state)
    this.#parts.changed.ring()
  }

  async #acquire(): Promise<Writer> {
    const { store, signers, firstTrust } = this.#parts
    if (this.#term !== undefined) {
      const found = await store.position(logPosition)
      if (found?.term !== this.#term) {
        throw new StaleWriterError('another process writes this log', { place: logPosition })
      }
    }
    const { term, version, value } = await raiseTerm(store, logPosition)
    const state = decodeLogState(value)
    const trust = await readTrust(store, state.edge.size, firstTrust)
    await checkLog(store, state, trust)
    checkSigners(trust, state.edge.size, signers)
    this.#term = term
    this.#trust = trust
    this.#writer = { term, version }
    // A commit whose outcome was unknown did happen: what follows a commit follows now.
    if (state.edge.size !== this.#state.edge.size) this.#become(state)
    return this.#writer
  }

  #run(): void {
    if (this.#running || this.#closed) return
    this.#running = true
    void this.exclusively(async () => {
      this.#running = false
      await this.#group().catch((error: unknown) => this.#note(error))
      if (this.#waiting.length > 0) this.#run()
    })
  }

  async #group(): Promise<void> {
    const waiting = this.#take()
    if (this.#failure !== undefined) return this.#answer(waiting, { kind: 'unavailable', code: this.#failure.code })
    try {
      const writer = await this.writer()
      if (this.#state.edge.size === 0n && this.#parts.gate() === undefined) await this.#begin(writer)
      await this.#admitAndCommit(waiting)
    } catch (error) {
      const code = this.#note(error)
      if (code !== undefined) this.#answer(waiting, { kind: 'unavailable', code })
      else for (const { reject } of waiting) reject(error)
    }
  }

  /** Leaf 0 is charter 0, under a head of its own. */
  async #begin(writer: Writer): Promise<void> {
    const draft = new Draft(this.#state, writer.term)
    draft.addCharter(newestLogged(this.#parts.firstTrust), this.#parts.firstCharterNote, this.#parts.clock())
    await this.commit(writer, draft)
  }

  async #admitAndCommit(waiting: readonly Waiting[]): Promise<void> {
    const writer = await this.writer()
    const draft = new Draft(this.#state, writer.term)
    const gate = this.#parts.gate()
    const nowMs = this.#parts.clock()
    const answers: (() => Promise<void>)[] = []
    for (const one of waiting) {
      const { batch, resolve } = one
      const known = draft.zone(batch.origin)
      const index = draft.position
      const admission = admit(known, batch, { trust: this.#trust, position: index, nowMs })
      if (admission.kind === 'resent') answers.push(() => this.#answerResent(one, gate))
      // A copy that does not yet know whether it is the newest cannot say what continues the log, either.
      else if (gate !== undefined) answers.push(async () => resolve({ kind: 'unavailable', code: gate }))
      else if (admission.kind === 'refused') answers.push(async () => resolve(refusedAnswer(admission, known)))
      else {
        draft.addBatch(batch, admission, nowMs)
        const { leaf } = draft.leaves.at(-1)!.record
        answers.push(() => this.#answerAppended(one, index, leaf))
      }
    }
    if (draft.leaves.length > 0) await this.commit(writer, draft)
    for (const answer of answers) await answer()
  }

  async #answerAppended({ resolve }: Waiting, index: bigint, leaf: Uint8Array): Promise<void> {
    const { edge, head } = this.#state
    resolve({ kind: 'appended', index, leaf, proof: await this.inclusion(index, edge.size), head })
  }

  /** The same leaves get the same leaf of H and index as the first time, under a head that may be newer. */
  async #answerResent({ batch, resolve }: Waiting, gate: LogCode | undefined): Promise<void> {
    const { edge, head, zones } = this.#state
    const first = await batchFrom(this.store, edge.size, batch.origin, batch.firstIndex)
    const kept = first === undefined ? [] : await leavesOf(this.store, first)
    if (first === undefined || !sameLeaves(batch.entries, kept)) {
      if (gate !== undefined) return resolve({ kind: 'unavailable', code: gate })
      const refused = { code: 'BATCH_NOT_CONTINUING', why: 'other leaves are kept under these indexes' }
      return resolve(refusedAnswer(refused, zones.get(batch.origin) ?? emptyZoneLog))
    }
    await this.#fillIn(first.position, batch)
    const { position: index, hubLeaf: leaf } = first
    resolve({ kind: 'appended', index, leaf, proof: await this.inclusion(index, edge.size), head })
  }

  /** Keeps payloads that are not here, of subjects that were not deleted here. */
  async #fillIn(position: bigint, batch: Batch): Promise<void> {
    const keys = batch.entries.map((_, place) => payloadKey(position, place))
    const there = await this.store.getMany(collections.payloads, keys)
    if (there.size === keys.length) return
    const { term } = await this.writer()
    const documents: Document[] = []
    for (const [place, entry] of batch.entries.entries()) {
      const decoded = decodeLeaf(entry.leaf)
      if (there.has(keys[place]!) || decoded.kind === 'unreadable') continue
      if (!opensCommitment(entry, decoded.leaf.payloadCommitment) || (await isRedacted(this.store, entry.leaf)))
        continue
      documents.push(...openingDocument(position, place, entry, decoded.leaf.subject, term))
    }
    if (documents.length === 0) return
    await this.store.insert(documents)
    this.entries.forget()
  }

  #take(): readonly Waiting[] {
    const taken: Waiting[] = []
    let entries = 0
    while (taken.length < groupBatchesMax) {
      const next = this.#waiting[0]
      if (next === undefined) break
      entries += next.batch.entries.length
      if (taken.length > 0 && entries > groupEntriesMax) break
      taken.push(next)
      this.#waiting.shift()
      this.#waitingBytes -= next.bytes
    }
    return taken
  }

  async #readBack(draft: Draft): Promise<readonly Hash[]> {
    const from = this.#state.edge.size
    const leaves = await readHubLeaves(this.store, from, draft.position)
    for (const [at, leaf] of leaves.entries()) {
      if (Buffer.compare(leaf, draft.leaves[at]!.record.leaf) === 0) continue
      throw new DocumentDamagedError(`${collections.leaves}/${from + BigInt(at)}`, 'was read back as something else')
    }
    return leaves.map((leaf) => sha256Tree.leaf(leaf))
  }

  /** What an exception of ours means for those who wait; undefined for a bug. Some end all writing in this run. */
  #note(error: unknown): LogCode | undefined {
    this.#writer = undefined
    if (error instanceof StoreFullError) return 'DISK_FULL'
    if (error instanceof StoreUnavailableError) return 'STORE_UNAVAILABLE'
    const code = fatalCode(error)
    if (code !== undefined && this.#failure === undefined) {
      this.#failure = { error: error as Error, code }
      this.#fail(error as Error)
    }
    return code
  }

  #answer(waiting: readonly Waiting[], answer: AppendAnswer): void {
    for (const { resolve } of waiting) resolve(answer)
  }

  #answerAll(answer: AppendAnswer): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.#answer(waiting, answer)
  }
}

interface Waiting {
  readonly batch: Batch
  readonly bytes: number
  readonly resolve: (answer: AppendAnswer) => void
  readonly reject: (error: unknown) => void
}

function refusedAnswer(refused: { readonly code: string; readonly why: string }, known: ZoneLog): AppendAnswer {
  const { code, why } = refused
  return { kind: 'refused', code, why, knownSize: known.edge.size, knownCheckpoint: known.checkpoint }
}

function fatalCode(error: unknown): LogCode | undefined {
  if (error instanceof StaleWriterError) return 'ANOTHER_WRITER'
  const isDamage =
    error instanceof StoreBrokenError || error instanceof DocumentDamagedError || error instanceof LogStateError
  return isDamage ? 'LOG_DAMAGED' : undefined
}

async function insertAll(store: Store, documents: readonly Document[]): Promise<void> {
  for (let at = 0; at < documents.length; at += documentsPerCallMax) {
    await store.insert(documents.slice(at, at + documentsPerCallMax))
  }
}

/** Charters are rare: only where a draft holds one is trust read anew. */
function readTrustIfCharters(store: Store, draft: Draft, state: LogState, trust: Trust): Promise<Trust> {
  const holdsCharter = draft.leaves.some(({ record }) => record.charter.length > 0)
  return holdsCharter ? readTrust(store, state.edge.size, trust) : Promise.resolve(trust)
}
