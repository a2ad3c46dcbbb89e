import { hash } from 'node:crypto'
import { type Sealed, sealBatch } from '@hutong/batch'
import {
  type DeclarationState,
  kindNumber,
  type LicenceIssued,
  type LicenceState,
  noDeclaration,
  noLicence,
} from '@hutong/licence'
import {
  appendLeafHashes,
  decodeEdge,
  type Edge,
  edgeRoot,
  emptyEdge,
  encodeEdge,
  type Hash,
  type NoteSigner,
  openNote,
  parseCheckpoint,
  sha256Tree,
  type VerifierKey,
} from '@hutong/merkle'
import { type Document, keyFromIndex, StaleWriterError, type Store, StoreUnavailableError, step } from '@hutong/store'
import {
  foldSubject,
  type KeptEvent,
  type ReadEvent,
  readEvent,
  type SubjectFold,
  stands,
  type Trust,
} from '@hutong/verify'
import { decodeLeaf } from '@hutong/wire'
import {
  DocumentError,
  decodeAnswerDocument,
  decodeBatchDocument,
  decodePlace,
  decodePositionDocument,
  decodeSealDocument,
  encodeAnswerDocument,
  encodeBatchDocument,
  encodePlace,
  encodePositionDocument,
  encodeSealDocument,
  type KeptEntry,
  type Place,
  type PositionDocument,
} from './documents.ts'
import { RecentlyUsed } from './recently-used.ts'

/** Batches kept decoded in memory, at most: up to about 150 KB each in practice. */
const maxCachedBatches = 64
/** Answers whose position is kept in memory, at most. */
const maxCachedPositions = 8_192
/** Answers that wait for the next step to be written with it, at most. */
const maxUnkeptAnswers = 64
/** Events of one subject that are read in one call. */
const eventsPerRead = 1_024
/** Seals counted in one call when the outbox is measured at the start. */
const sealsPerRead = 1_024

/** What a zone's log says about one subject: folded from its events, as every verifier folds them. */
export interface Subject {
  /** 32 bytes: the leaf subject. */
  readonly value: Uint8Array
  readonly secret: Uint8Array
  /** 1 + index of its newest event; 0 for none. */
  readonly previous: bigint
  readonly licence: LicenceState
  readonly declaration: DeclarationState
  /** The event that issued the licence, where one stands, as it stands there: what the licence says may have changed since. */
  readonly issued: (Place & { readonly event: LicenceIssued }) | undefined
  readonly events: readonly SubjectEvent[]
}

export interface SubjectEvent extends Place {
  readonly leafHash: Hash
}

/** An entry about to be appended, and what should be found by it later. */
export interface NewLogEntry extends KeptEntry {
  /** `requestKey` of who asked; empty where nobody did. */
  readonly key: string
  /** Of whom it is; undefined for observed, and where nothing could be read of it. */
  readonly about:
    | {
        /** Undefined where the event, taken over as it was signed, cannot be read. */
        readonly subjectString: string | undefined
        readonly subject: Uint8Array
        readonly first: boolean
      }
    | undefined
  readonly observedHead: Uint8Array | undefined
}

/** A batch that is sealed: part of the log for ever. */
export interface SealedBatch {
  readonly firstIndex: bigint
  readonly size: bigint
  readonly root: Hash
  readonly entries: readonly KeptEntry[]
  readonly checkpoint: Uint8Array
}

/** Another run has taken the zone's log over. This one may not write any more, whatever it holds in memory. */
export class AnotherWriterError extends Error {
  override readonly name = 'AnotherWriterError'
}

/** The hub has answered a batch at another position than before: SEQUENCED never moves, so the hub contradicts itself. */
export class AnswerMovedError extends Error {
  override readonly name = 'AnswerMovedError'
}

/**
 * A zone's log as its publisher keeps it: documents keyed by log index, and one position that says how far they count.
 * After any method but the readers threw, this object is spent: what is durable is known only by opening anew.
 */
export class ZoneLog {
  readonly zone: string
  readonly origin: string
  readonly #store: Store
  readonly #term: bigint
  #version: bigint
  #position: PositionDocument
  #edge: Edge
  #answeredSize: bigint
  #outbox: number
  /** Answers that are not in the store yet. */
  readonly #answers: Document[] = []
  readonly #batches: RecentlyUsed<bigint, readonly KeptEntry[]> = new RecentlyUsed(maxCachedBatches)
  readonly #positions: RecentlyUsed<bigint, bigint> = new RecentlyUsed(maxCachedPositions)
  readonly #subjects: RecentlyUsed<string, Subject>

  private constructor(facts: {
    readonly zone: string
    readonly origin: string
    readonly store: Store
    readonly term: bigint
    readonly version: bigint
    readonly position: PositionDocument
    readonly edge: Edge
    readonly answeredSize: bigint
    readonly outbox: number
    readonly maxCachedSubjects: number
  }) {
    this.zone = facts.zone
    this.origin = facts.origin
    this.#store = facts.store
    this.#term = facts.term
    this.#version = facts.version
    this.#position = facts.position
    this.#edge = facts.edge
    this.#answeredSize = facts.answeredSize
    this.#outbox = facts.outbox
    this.#subjects = new RecentlyUsed(facts.maxCachedSubjects)
  }

  /**
   * Opens the log and raises its term, which fences out whoever held it. `reopening`: only if this same writer held it
   * last, so that a run which lost the log does not take it back from its successor.
   *
   * @throws {AnotherWriterError} another run holds it, or is taking it at this moment.
   */
  static async open(options: {
    readonly zone: string
    readonly origin: string
    readonly store: Store
    /** Names this run; unique. */
    readonly writer: string
    readonly reopening: boolean
    readonly maxCachedSubjects: number
  }): Promise<ZoneLog> {
    const { store, writer, reopening } = options
    const before = await store.position(positionName)
    const held = before === undefined ? emptyPosition : decodePositionDocument(before.value)
    if (reopening && before !== undefined && held.writer !== writer) {
      throw new AnotherWriterError('another publisher holds the log')
    }
    const position = { ...held, writer }
    const term = (before?.term ?? 0n) + 1n
    const next = { term, value: encodePositionDocument(position) }
    if (!(await store.movePosition(positionName, before?.version, next))) {
      throw new AnotherWriterError('another publisher took the log at this moment')
    }
    const edge = decodeEdge(position.edge)
    if (edge === undefined) throw new DocumentError('the position holds no edge')
    const answeredSize = await readAnsweredSize(store, edge.size)
    const outbox = await countSeals(store, answeredSize, edge.size)
    return new ZoneLog({
      ...options,
      term,
      version: (before?.version ?? 0n) + 1n,
      position,
      edge,
      answeredSize,
      outbox,
    })
  }

  get size(): bigint {
    return this.#edge.size
  }

  get edge(): Edge {
    return this.#edge
  }

  /** Milliseconds since 1970; 0 for an empty log. */
  get newestLoggedAtMs(): number {
    return this.#position.newestLoggedAtMs
  }

  /** Time of the newest observed leaf; 0 for none. */
  get observedAtMs(): number {
    return this.#position.observedAtMs
  }

  get observedHead(): Uint8Array {
    return this.#position.observedHead
  }

  /** Up to which size the hub has answered. */
  get answeredSize(): bigint {
    return this.#answeredSize
  }

  /** Sealed batches without an answer. */
  get outbox(): number {
    return this.#outbox
  }

  /**
   * Appends a batch, seals it, moves the position: on return it is SEALED, never lost. Only one at a time.
   *
   * @throws {StaleWriterError} another writer is at work, or an earlier move of this one went unreported: open anew to tell which.
   */
  async append(entries: readonly NewLogEntry[], signers: readonly NoteSigner[]): Promise<SealedBatch & Sealed> {
    const firstIndex = this.size
    const written = encodeBatchDocument(entries)
    await this.#store.insert(this.#documentsOf(firstIndex, entries, written))
    const kept = await this.#readBack(firstIndex, written)
    await this.#refuseForeignSeal(firstIndex)
    // A signature made here and lost before the position has moved is never sent: the sender reads only what lies below
    // the position. So no one can ever hold two roots of this zone for one size, also when a later step signs another
    // batch at this index.
    const { origin } = this
    const sealed = sealBatch({
      origin,
      edge: this.#edge,
      newestLoggedAtMs: this.newestLoggedAtMs,
      entries: kept,
      signers,
    })
    await this.#commit(firstIndex, sealed, entries)
    this.#batches.set(firstIndex, kept)
    return { ...sealed, firstIndex, entries: kept }
  }

  /**
   * Finishes a step that died between its seal and its position: the seal is ours and fits the batch that lies there.
   * Taking it keeps to "never two roots for one size" without asking whether anybody has seen it.
   */
  async finishDeadStep(keys: readonly VerifierKey[]): Promise<boolean> {
    const firstIndex = this.size
    const key = keyFromIndex(firstIndex)
    const seal = await this.#store.get('seals', key)
    const batch = await this.#store.get('batches', key)
    if (seal === undefined || batch === undefined || seal.term !== batch.term) return false
    const { checkpoint } = decodeSealDocument(seal.value)
    const entries = decodeBatchDocument(batch.value)
    const grown = appendLeafHashes(
      sha256Tree,
      this.#edge,
      entries.map(({ leaf }) => sha256Tree.leaf(leaf)),
    )
    if (!isSealOf(checkpoint, keys, this.origin, grown)) return false
    const value = encodePositionDocument(positionAfter(this.#position, grown, newestOf(entries), undefined))
    const moved = await this.#store.movePosition(positionName, this.#version, { term: this.#term, value })
    if (!moved) throw new StaleWriterError('the position was moved by another', { place: positionName })
    this.#moved(grown, decodePositionDocument(value))
    return true
  }

  /** A batch taken back from the hub: the same documents, under the seal that this zone had given it. */
  async adopt(
    entries: readonly NewLogEntry[],
    sealed: { readonly checkpoint: Uint8Array; readonly edge: Edge },
  ): Promise<void> {
    const firstIndex = this.size
    const documents = this.#documentsOf(firstIndex, entries, encodeBatchDocument(entries))
    await this.#store.insert(documents)
    await this.#commit(firstIndex, { ...sealed, size: sealed.edge.size }, entries)
  }

  /** The requests of this client and id that stand in the log, confirmed by their batches; by `requestKey`. */
  async requests(keys: readonly string[]): Promise<ReadonlyMap<string, Place & { readonly entry: KeptEntry }>> {
    const hints = await this.#store.getMany('requests', keys)
    if (hints.size === 0) return new Map()
    const places = [...hints.values()].map(({ key, value }) => ({ key, ...decodePlace(value) }))
    const batches = await this.#batchesAt(places.map(({ firstIndex }) => firstIndex))
    const confirmed = new Map<string, Place & { readonly entry: KeptEntry }>()
    for (const { key, index, firstIndex } of places) {
      const entry = this.#entryAt(batches, { index, firstIndex })
      if (entry !== undefined && requestKey(entry.client, entry.requestId) === key) {
        confirmed.set(key, { index, firstIndex, entry })
      }
    }
    return confirmed
  }

  /** What the log says of these subject strings; those it does not know are absent. */
  async subjects(subjectStrings: ReadonlySet<string>, trust: Trust): Promise<Map<string, Subject>> {
    const found = new Map<string, Subject>()
    const keys = new Map<string, string>()
    for (const subjectString of subjectStrings) {
      const cached = this.#subjects.get(subjectString)
      if (cached === undefined) keys.set(subjectStringKey(subjectString), subjectString)
      else found.set(subjectString, cached)
    }
    const hints =
      keys.size === 0 ? new Map<string, Document>() : await this.#store.getMany('subject_strings', [...keys.keys()])
    for (const { key, value } of hints.values()) {
      const subjectString = keys.get(key)!
      const subject = await this.#readSubject(subjectString, decodePlace(value), trust)
      if (subject === undefined) continue
      this.#subjects.set(subjectString, subject)
      found.set(subjectString, subject)
    }
    return found
  }

  /** Remembers subjects as they are after a batch that was appended. */
  remember(subjects: ReadonlyMap<string, Subject>): void {
    for (const [subjectString, subject] of subjects) this.#subjects.set(subjectString, subject)
  }

  /** The leaf hash at a place of this log. */
  async leafHashAt(place: Place): Promise<Hash> {
    const entry = this.#entryAt(await this.#batchesAt([place.firstIndex]), place)
    if (entry === undefined) throw new DocumentError(`no entry at index ${place.index}`)
    return sha256Tree.leaf(entry.leaf)
  }

  /** The first sealed batch without an answer; undefined when all are answered. */
  async nextUnanswered(): Promise<SealedBatch | undefined> {
    const firstIndex = this.#answeredSize
    if (firstIndex >= this.size) return undefined
    const entries = (await this.#batchesAt([firstIndex])).get(firstIndex)
    const document = await this.#store.get('seals', keyFromIndex(firstIndex))
    if (entries === undefined || document === undefined) throw new DocumentError(`no batch begins at ${firstIndex}`)
    const seal = decodeSealDocument(document.value)
    const edge = decodeEdge(seal.edge)
    if (edge === undefined || edge.size !== firstIndex + BigInt(entries.length)) {
      throw new DocumentError(`the seal at ${firstIndex} is of another batch`)
    }
    return { firstIndex, size: edge.size, root: edgeRoot(sha256Tree, edge), entries, checkpoint: seal.checkpoint }
  }

  /**
   * Takes the hub's answer to a batch: it is SEQUENCED. It goes to the store with the next step or by `keepAnswers`: if the process
   * dies before, the batch is sent again, and the answer is the same.
   *
   * @throws {AnswerMovedError} an earlier answer says another position.
   */
  async answered(batch: SealedBatch, answer: { readonly position: bigint; readonly leaf: Uint8Array }): Promise<void> {
    const key = keyFromIndex(batch.firstIndex)
    const value = encodeAnswerDocument({ ...answer, newSize: batch.size })
    // The answer is about what lies below the position, where nothing may be replaced: so look first.
    const before = await this.#store.get('answers', key)
    if (before !== undefined && Buffer.compare(before.value, value) !== 0) {
      throw new AnswerMovedError(`the batch at ${batch.firstIndex} was answered otherwise before`)
    }
    if (before === undefined) this.#answers.push({ collection: 'answers', key, term: this.#term, value })
    this.#positions.set(batch.firstIndex, answer.position)
    if (this.#answeredSize === batch.firstIndex) {
      this.#answeredSize = batch.size
      this.#outbox--
    }
    if (this.#answers.length >= maxUnkeptAnswers) await this.keepAnswers()
  }

  get hasUnkeptAnswers(): boolean {
    return this.#answers.length > 0
  }

  /** Writes down the answers that wait for the next step. */
  async keepAnswers(): Promise<void> {
    const answers = this.#answers.slice()
    if (answers.length === 0) return
    await this.#store.insert(answers)
    this.#answers.splice(0, answers.length)
  }

  /** The H positions of batches by their first index; absent where the hub has not answered. */
  async positions(firstIndexes: Iterable<bigint>): Promise<ReadonlyMap<bigint, bigint>> {
    const found = new Map<bigint, bigint>()
    const missing: bigint[] = []
    for (const firstIndex of firstIndexes) {
      const position = this.#positions.get(firstIndex)
      if (position !== undefined) found.set(firstIndex, position)
      else if (firstIndex < this.#answeredSize) missing.push(firstIndex)
    }
    if (missing.length === 0) return found
    for (const document of (await this.#store.getMany('answers', missing.map(keyFromIndex))).values()) {
      const firstIndex = BigInt(document.key)
      const { position } = decodeAnswerDocument(document.value)
      this.#positions.set(firstIndex, position)
      found.set(firstIndex, position)
    }
    return found
  }

  /** The root this zone signed for a size; undefined where no seal of that size is here. */
  async rootAt(size: bigint): Promise<Hash | undefined> {
    if (size > this.size) return undefined
    if (size === this.size) return edgeRoot(sha256Tree, this.#edge)
    if (size === 0n) return sha256Tree.empty()
    const [document] = await this.#store.range('seals', { to: keyFromIndex(size), limit: 1, reverse: true })
    const edge = document === undefined ? undefined : decodeEdge(decodeSealDocument(document.value).edge)
    return edge?.size === size ? edgeRoot(sha256Tree, edge) : undefined
  }

  /** The hub has less than it had answered: everything from `size` on is sent again. A batch must begin there. */
  async sendAgainFrom(size: bigint): Promise<void> {
    this.#outbox = await countSeals(this.#store, size, this.size)
    this.#answeredSize = size
  }

  #documentsOf(firstIndex: bigint, entries: readonly NewLogEntry[], batch: Uint8Array): Document[] {
    const term = this.#term
    const documents: Document[] = [{ collection: 'batches', key: keyFromIndex(firstIndex), term, value: batch }]
    let index = firstIndex
    for (const { key, about } of entries) {
      const place = { index, firstIndex }
      if (key !== '') documents.push({ collection: 'requests', key, term, value: encodePlace(place) })
      if (about !== undefined) documents.push(subjectDocument(about, place, term))
      index += 1n
    }
    return documents
  }

  /** Sign only what was read again: what comes back must be what was written, and by this writer. */
  async #readBack(firstIndex: bigint, written: Uint8Array): Promise<readonly KeptEntry[]> {
    const document = await this.#store.get('batches', keyFromIndex(firstIndex))
    if (document !== undefined && document.term > this.#term) {
      throw new StaleWriterError('another writer wrote here', { place: 'batches', storedTerm: document.term })
    }
    if (document === undefined || Buffer.compare(document.value, written) !== 0) {
      throw new StoreUnavailableError('what was read back is not what was written')
    }
    return decodeBatchDocument(document.value)
  }

  /** A seal of a smaller term was never sent (its position did not move) and fits no batch: it is replaced. */
  async #refuseForeignSeal(firstIndex: bigint): Promise<void> {
    const before = await this.#store.get('seals', keyFromIndex(firstIndex))
    if (before !== undefined && before.term >= this.#term) {
      throw new StaleWriterError('the batch is sealed already', { place: 'seals', storedTerm: before.term })
    }
  }

  async #commit(
    firstIndex: bigint,
    { checkpoint, edge, size }: { readonly checkpoint: Uint8Array; readonly edge: Edge; readonly size: bigint },
    entries: readonly NewLogEntry[],
  ): Promise<void> {
    const term = this.#term
    const observed = entries.findLast(({ observedHead }) => observedHead !== undefined)
    const next = positionAfter(this.#position, edge, newestOf(entries), observed)
    const seal = encodeSealDocument({ size, checkpoint, edge: encodeEdge(edge) })
    const document = { collection: 'seals', key: keyFromIndex(firstIndex), term, value: seal }
    const value = encodePositionDocument(next)
    const answers = this.#answers.slice()
    const moved = await step(this.#store, [document, ...answers], positionName, this.#version, { term, value })
    if (!moved) throw new StaleWriterError('the position was moved by another', { place: positionName })
    this.#answers.splice(0, answers.length)
    this.#moved(edge, next)
  }

  #moved(edge: Edge, position: PositionDocument): void {
    this.#version += 1n
    this.#position = position
    this.#edge = edge
    this.#outbox++
  }

  async #batchesAt(firstIndexes: readonly bigint[]): Promise<ReadonlyMap<bigint, readonly KeptEntry[]>> {
    const found = new Map<bigint, readonly KeptEntry[]>()
    const missing = new Set<bigint>()
    for (const firstIndex of firstIndexes) {
      const cached = this.#batches.get(firstIndex)
      if (cached !== undefined) found.set(firstIndex, cached)
      // Above the position lies what a dead step left.
      else if (firstIndex < this.size) missing.add(firstIndex)
    }
    if (missing.size === 0) return found
    const documents = await this.#store.getMany('batches', [...missing].map(keyFromIndex))
    for (const { key, value } of documents.values()) {
      const entries = decodeBatchDocument(value)
      this.#batches.set(BigInt(key), entries)
      found.set(BigInt(key), entries)
    }
    return found
  }

  #entryAt(batches: ReadonlyMap<bigint, readonly KeptEntry[]>, { index, firstIndex }: Place): KeptEntry | undefined {
    return index < this.size ? batches.get(firstIndex)?.[Number(index - firstIndex)] : undefined
  }

  /** Folds a subject out of its events. Undefined where the hint leads to no event that names the subject string. */
  async #readSubject(subjectString: string, hint: Place, trust: Trust): Promise<Subject | undefined> {
    const first = (await this.#eventsAt([hint]))[0]
    const reading = first?.event.reading
    if (first === undefined || reading?.kind !== 'read') return undefined
    if (reading.subjectString !== subjectString || !reading.subjectMatches) return undefined
    const { subject: hex } = first.event
    const later = await this.#eventsAt(await this.#eventPlaces(hex))
    const events = [first, ...later.filter(({ event }) => event.subject === hex)]
    const placeOf = new Map(events.map(({ place }) => [place.index, place]))
    const folded = events.map(({ event }) => event)
    const fold = foldSubject(this.zone, hex, folded, { trust, primarySubject: () => hex })
    return {
      value: Uint8Array.from(first.event.leaf.subject),
      secret: Uint8Array.from(reading.payload.subjectSecret),
      previous: fold.previous.get(this.origin) ?? 0n,
      licence: fold.licence,
      declaration: fold.declaration,
      issued: issuedIn(fold, events),
      events: fold.events.map(({ index, leafHash }) => ({ ...placeOf.get(index)!, leafHash })),
    }
  }

  /** The events that stand at these places, as they are read; places where nothing of this log stands are left out. */
  async #eventsAt(places: readonly Place[]): Promise<readonly { readonly place: Place; readonly event: ReadEvent }[]> {
    const firstIndexes = places.map(({ firstIndex }) => firstIndex)
    const batches = await this.#batchesAt(firstIndexes)
    const positions = await this.positions(firstIndexes)
    return places.flatMap((place) => {
      const entry = this.#entryAt(batches, place)
      const event = entry === undefined ? undefined : this.#eventOf(entry, place, positions.get(place.firstIndex))
      return event === undefined ? [] : [{ place, event }]
    })
  }

  /** Where the events of a subject after its first may stand, in order. */
  async #eventPlaces(hex: string): Promise<readonly Place[]> {
    const places: Place[] = []
    let from = `${hex}/`
    for (;;) {
      const documents = await this.#store.range('subject_events', { from, to: `${hex}0`, limit: eventsPerRead })
      for (const { value } of documents) places.push(decodePlace(value))
      const last = documents.at(-1)
      if (last === undefined || documents.length < eventsPerRead) return places
      from = `${last.key}!`
    }
  }

  #eventOf(entry: KeptEntry, { index, firstIndex }: Place, position: bigint | undefined): ReadEvent | undefined {
    const kept: KeptEvent = {
      zone: this.zone,
      origin: this.origin,
      index,
      position,
      place: Number(index - firstIndex),
      receivedAtMs: 0,
      leaf: entry.leaf,
      leafHash: sha256Tree.leaf(entry.leaf),
      salt: entry.salt,
      payload: entry.payload,
      signer: '',
    }
    const event = readEvent(kept)
    return event?.leaf.index === index ? event : undefined
  }
}

/**
 * The key under which a request is found again. A digest, because the pages a batch touches decide what a step costs: short keys of one
 * length make few. What it leads to is confirmed by the batch in any case.
 */
export function requestKey(client: string, requestId: string): string {
  return digestKey(`${client.length}/${client}/${requestId}`)
}

/** What a fresh subject is: nothing happened yet. */
export function newSubject(value: Uint8Array, secret: Uint8Array): Subject {
  return {
    value,
    secret,
    previous: 0n,
    licence: noLicence,
    declaration: noDeclaration,
    issued: undefined,
    events: [],
  }
}

/** Where the licence was issued, among the events of its subject, and what that event said. */
function issuedIn(
  fold: SubjectFold,
  events: readonly { readonly place: Place; readonly event: ReadEvent }[],
): Subject['issued'] {
  const issued = fold.events.find(({ code, kind }) => code === stands && kind === kindNumber.licence_issued)
  const found = events.find(({ place }) => place.index === issued?.index)
  const event = found?.event.reading.kind === 'read' ? found.event.reading.payload.event : undefined
  return found === undefined || event?.kind !== 'licence_issued' ? undefined : { ...found.place, event }
}

const positionName = 'publisher'

const emptyPosition: PositionDocument = {
  writer: '',
  edge: encodeEdge(emptyEdge),
  newestLoggedAtMs: 0,
  observedAtMs: 0,
  observedHead: new Uint8Array(),
}

/** The raw string never becomes a key: a store's keys end up in logs and tools. */
function subjectStringKey(subjectString: string): string {
  return digestKey(subjectString)
}

/** 132 bits of SHA-256. */
function digestKey(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}

function subjectDocument(
  { subjectString, subject, first }: NonNullable<NewLogEntry['about']>,
  place: Place,
  term: bigint,
): Document {
  const hex = Buffer.from(subject.buffer, subject.byteOffset, subject.byteLength).toString('hex')
  if (first && subjectString !== undefined) {
    const key = subjectStringKey(subjectString)
    return { collection: 'subject_strings', key, term, value: encodePlace(place), subject: hex }
  }
  const key = `${hex}/${keyFromIndex(place.index)}`
  return { collection: 'subject_events', key, term, value: encodePlace(place), subject: hex }
}

function positionAfter(
  before: PositionDocument,
  edge: Edge,
  newest: number,
  observed: NewLogEntry | undefined,
): PositionDocument {
  const after = { ...before, edge: encodeEdge(edge), newestLoggedAtMs: Math.max(before.newestLoggedAtMs, newest) }
  return observed?.observedHead === undefined
    ? after
    : { ...after, observedAtMs: newest, observedHead: observed.observedHead }
}

function newestOf(entries: readonly KeptEntry[]): number {
  const last = entries.at(-1)
  const reading = last === undefined ? undefined : decodeLeaf(last.leaf)
  return reading === undefined || reading.kind === 'unreadable' ? 0 : reading.leaf.loggedAtMs
}

function isSealOf(checkpoint: Uint8Array, keys: readonly VerifierKey[], origin: string, edge: Edge): boolean {
  const opened = openNote(checkpoint, keys)
  if (opened.kind === 'refused') return false
  const parsed = parseCheckpoint(opened.text)
  return (
    parsed.kind === 'checkpoint' &&
    parsed.origin === origin &&
    parsed.size === edge.size &&
    Buffer.compare(parsed.root, edgeRoot(sha256Tree, edge)) === 0
  )
}

async function readAnsweredSize(store: Store, size: bigint): Promise<bigint> {
  const [last] = await store.range('answers', { to: keyFromIndex(size), limit: 1, reverse: true })
  return last === undefined ? 0n : decodeAnswerDocument(last.value).newSize
}

async function countSeals(store: Store, fromIndex: bigint, size: bigint): Promise<number> {
  let count = 0
  let from = keyFromIndex(fromIndex)
  const to = keyFromIndex(size)
  for (;;) {
    const seals = await store.range('seals', { from, to, limit: sealsPerRead })
    count += seals.length
    const last = seals.at(-1)
    if (last === undefined || seals.length < sealsPerRead) return count
    from = `${last.key}!`
  }
}
