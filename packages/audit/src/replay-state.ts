import { createHash } from 'node:crypto'
import { createSqliteStore, type Document, keyFromIndex, raiseTerm, type Store, step } from '@hutong/store'
import { decodeFollowState, encodeFollowState, type KeptCharter } from '@hutong/verify'
import { EventArchive, ReplayStateError } from './event-archive.ts'
import { decodePiece, Texts } from './event-piece.ts'
import { FoldBook } from './fold-book.ts'
import { HubReplay, type KeptHub } from './hub-replay.ts'
import { type KeptPayloads, PayloadBook } from './payload-book.ts'
import { type KeptStatistics, StatisticsBook } from './statistics.ts'

const positionName = 'replay'
const charterCollection = 'charters'
const hashCollection = 'hashes'
/** Layout of the position document. */
const layout = 1
/** So many events at most are read again after a kill. */
const eventsBetweenSavesDefault = 16_384n
/** Documents read in one call. */
const documentsPerCall = 256

/** Everything a replay holds: what of it is kept on disk is enough to go on from there and come to the same report. */
export interface ReplayBooks {
  readonly hub: HubReplay
  readonly archive: EventArchive
  readonly folds: FoldBook
  readonly payloads: PayloadBook
  readonly statistics: StatisticsBook
  readonly texts: Texts
  /** Words of standings. */
  readonly words: Texts
  counts: { readonly events: bigint; readonly bytes: bigint }
}

/** Books at the beginning. @param openStore for what memory should not hold. */
export function newBooks(charterSha256: Uint8Array | undefined, openStore: () => Promise<Store>): ReplayBooks {
  const archive = new EventArchive(openStore)
  const [texts, words, statistics] = [new Texts(), new Texts(), new StatisticsBook()]
  const folds = new FoldBook(archive, texts, words, (zone, code) => statistics.judged(zone, code))
  const hub = new HubReplay(charterSha256)
  const counts = { events: 0n, bytes: 0n }
  return { hub, archive, folds, payloads: new PayloadBook(), statistics, texts, words, counts }
}

/**
 * A place on disk from which a replay goes on after it was killed, or later, when there is more to replay. It is the auditor's own file:
 * who may write it may make a later report lie. Damage is found (every chunk is a leaf of a tree whose root is kept, the root of H is
 * computed from the kept edge and held against signed heads again) and is never taken for the hub's fault.
 */
export class ReplayState implements AsyncDisposable {
  readonly #store: Store
  readonly #term: bigint
  #version: bigint
  readonly #kept: StateText | undefined
  #hashes = 0
  #hashChain: Uint8Array = noChain
  /** Of a running replay: it saves after so many events. */
  readonly eventsBetweenSaves: bigint

  private constructor(
    store: Store,
    position: { term: bigint; version: bigint; value: Uint8Array },
    eventsBetweenSaves: bigint,
  ) {
    this.#store = store
    this.eventsBetweenSaves = eventsBetweenSaves
    this.#term = position.term
    this.#version = position.version
    this.#kept = position.value.length === 0 ? undefined : readText(position.value)
  }

  /**
   * Opens the file, made where there is none. One replay at a time: a second one makes the first stop at its next save.
   * @throws {ReplayStateError} it is damaged. Errors of the store pass through.
   */
  static async open(path: string, eventsBetweenSaves: bigint = eventsBetweenSavesDefault): Promise<ReplayState> {
    const store = createSqliteStore({ path })
    try {
      return new ReplayState(store, await raiseTerm(store, positionName), eventsBetweenSaves)
    } catch (error) {
      await store[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * The books as they were saved, or new ones. @throws {ReplayStateError} damaged, or of another alliance than the pinned one.
   */
  async books(charterSha256: Uint8Array | undefined): Promise<ReplayBooks> {
    if (this.#kept === undefined) {
      const books = newBooks(charterSha256, async () => this.#store)
      books.archive.use(this.#store, this.#term)
      return books
    }
    return this.#reload(this.#kept, charterSha256)
  }

  /** Makes this the place to go on from; durable on return. Nothing before charter 0. */
  async save(books: ReplayBooks): Promise<void> {
    const kept = books.hub.keep()
    if (kept === undefined) return
    const charters = this.#charters(kept)
    const hashes = this.#newHashes(books.hub)
    const documents = [...books.archive.unstored(), ...charters, ...hashes]
    const hashChain = hashes.reduce((chain, { value }) => chained(chain, value), this.#hashChain)
    const charterChain = charters.reduce((chain, { value }) => chained(chain, value), noChain)
    const value = textOf(books, kept, { hashChain: base64(hashChain), charterChain: base64(charterChain) })
    if (!(await step(this.#store, documents, positionName, this.#version, { term: this.#term, value }))) {
      throw new ReplayStateError('another replay goes on from the same state')
    }
    this.#version += 1n
    this.#hashes = Number(kept.state.position)
    this.#hashChain = hashChain
    books.archive.stored()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }

  async #reload(kept: StateText, charterSha256: Uint8Array | undefined): Promise<ReplayBooks> {
    const charters = await this.#readCharters(kept)
    const state = decodeFollowState(Buffer.from(kept.follow, 'base64'), charters)
    if (charterSha256 !== undefined && Buffer.compare(state.pinnedSha256, charterSha256) !== 0) {
      throw new ReplayStateError('the state is of another alliance: its charter 0 is not the one given')
    }
    const archive = new EventArchive(async () => this.#store)
    archive.use(this.#store, this.#term)
    const [texts, words] = [new Texts(kept.texts), new Texts(kept.words)]
    const statistics = new StatisticsBook(kept.statistics)
    const folds = new FoldBook(archive, texts, words, (zone, code) => statistics.judged(zone, code))
    for await (const { chunk, bytes } of archive.reload(kept.chunks)) restoreChunk(folds, chunk, bytes, texts)
    const { chunks, root } = archive.extent
    if (chunks !== kept.chunks || base64(root) !== kept.chunkRoot) throw damaged('its chunks')
    const hub = new HubReplay(state.pinnedSha256)
    const hashes = await this.#readHashes(state.position, kept.hashChain)
    if (!hub.restore(hubOf(kept, state, charters), hashes.leafHashes, hashes.roots)) throw damaged('its hashes')
    this.#hashes = Number(state.position)
    const counts = { events: BigInt(kept.events), bytes: BigInt(kept.bytes) }
    const payloads = new PayloadBook(kept.payloads)
    return { hub, archive, folds, payloads, statistics, texts, words, counts }
  }

  #charters({ state, charterNotes }: KeptHub): Document[] {
    return state.trust!.charters.map(({ position, charter, bytes }, at) => ({
      collection: charterCollection,
      key: keyFromIndex(BigInt(at)),
      term: this.#term,
      value: Buffer.from(
        JSON.stringify({
          position: String(position),
          number: String(charter.number),
          bytes: base64(bytes),
          note: base64(charterNotes.get(charter.number) ?? nothing),
        }),
      ),
    }))
  }

  #newHashes(hub: HubReplay): Document[] {
    const { leafHashes, roots } = hub.hashesFrom(this.#hashes)
    if (leafHashes.length === 0) return []
    const value = Buffer.concat([leafHashes, roots])
    return [{ collection: hashCollection, key: keyFromIndex(BigInt(this.#hashes)), term: this.#term, value }]
  }

  async #readCharters({ charters: count, charterChain }: StateText): Promise<KeptCharter[]> {
    const values: Uint8Array[] = []
    for (let at = 0; at < count; at++) {
      const document = await this.#store.get(charterCollection, keyFromIndex(BigInt(at)))
      if (document === undefined) throw damaged(`charter ${at}`)
      values.push(document.value)
    }
    if (base64(values.reduce<Uint8Array>(chained, noChain)) !== charterChain) throw damaged('its charters')
    return values.map((value) => {
      const { position, number, bytes, note } = JSON.parse(Buffer.from(value).toString()) as CharterText
      return {
        position: BigInt(position),
        number: BigInt(number),
        bytes: Buffer.from(bytes, 'base64'),
        note: Buffer.from(note, 'base64'),
      }
    })
  }

  async #readHashes(
    size: bigint,
    hashChain: string,
  ): Promise<{ readonly leafHashes: Uint8Array; readonly roots: Uint8Array }> {
    const leafHashes: Uint8Array[] = []
    const roots: Uint8Array[] = []
    for (let from = 0n; from < size; ) {
      const options = { from: keyFromIndex(from), to: keyFromIndex(size), limit: documentsPerCall }
      const documents = await this.#store.range(hashCollection, options)
      if (documents.length === 0) break
      for (const { key, value } of documents) {
        if (BigInt(key) !== from) throw damaged(`its hashes at ${key}`)
        this.#hashChain = chained(this.#hashChain, value)
        leafHashes.push(value.subarray(0, value.length / 2))
        roots.push(value.subarray(value.length / 2))
        from += BigInt(value.length / 64)
      }
    }
    if (base64(this.#hashChain) !== hashChain) throw damaged('its hashes')
    return { leafHashes: Buffer.concat(leafHashes), roots: Buffer.concat(roots) }
  }
}

/** Whether the chunk is what it was is only known when all were read: until then nothing in it is relied on. */
function restoreChunk(folds: FoldBook, chunk: number, bytes: Buffer, texts: Texts): void {
  try {
    for (let offset = 0; offset < bytes.length; ) {
      const { piece, length } = decodePiece(bytes.subarray(offset), texts)
      if (length === 0 || length > bytes.length - offset) throw damaged('its chunks')
      folds.restore(piece, { chunk, offset })
      offset += length
    }
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError) throw damaged('its chunks')
    throw cause
  }
}

interface CharterText {
  readonly position: string
  readonly number: string
  readonly bytes: string
  readonly note: string
}

interface StateText {
  readonly layout: number
  readonly follow: string
  readonly charters: number
  readonly chunks: number
  readonly chunkRoot: string
  readonly charterChain: string
  readonly hashChain: string
  readonly texts: readonly string[]
  readonly words: readonly string[]
  readonly newestLeaves: readonly { readonly origin: string; readonly index: string; readonly leaf: string }[]
  readonly heads: readonly string[]
  readonly cosigned?: { readonly note: string; readonly at: string }
  readonly headsHeld: string
  readonly pending: readonly { readonly note: string; readonly shownBy: string; readonly byHub: boolean }[]
  readonly events: string
  readonly bytes: string
  readonly payloads: KeptPayloads
  readonly statistics: KeptStatistics
}

/** JSON, behind its SHA-256: half of it, or another one, is not taken for it. */
function textOf(books: ReplayBooks, kept: KeptHub, chains: Pick<StateText, 'charterChain' | 'hashChain'>): Uint8Array {
  const { chunks, root } = books.archive.extent
  const value: StateText = {
    layout,
    follow: base64(encodeFollowState(kept.state)),
    charters: kept.state.trust!.charters.length,
    chunks,
    chunkRoot: base64(root),
    ...chains,
    texts: books.texts.all,
    words: books.words.all,
    newestLeaves: kept.newestLeaves.map(({ origin, index, leaf }) => {
      return { origin, index: String(index), leaf: base64(leaf) }
    }),
    heads: kept.heads.map(base64),
    ...(kept.cosigned && { cosigned: { note: base64(kept.cosigned.note), at: String(kept.cosigned.at) } }),
    headsHeld: String(kept.headsHeld),
    pending: kept.pending.map(({ note, shownBy, byHub }) => ({ note: base64(note), shownBy, byHub })),
    events: String(books.counts.events),
    bytes: String(books.counts.bytes),
    payloads: books.payloads.keep(),
    statistics: books.statistics.keep(),
  }
  const text = Buffer.from(JSON.stringify(value))
  return Buffer.concat([createHash('sha256').update(text).digest(), text])
}

function readText(bytes: Uint8Array): StateText {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(32)
  if (Buffer.compare(createHash('sha256').update(text).digest(), bytes.subarray(0, 32)) !== 0) throw damaged('itself')
  const value = JSON.parse(text.toString()) as StateText
  if (value.layout !== layout) throw new ReplayStateError(`the state has layout ${value.layout}, not ${layout}`)
  return value
}

function hubOf(kept: StateText, state: KeptHub['state'], charters: readonly KeptCharter[]): KeptHub {
  return {
    state,
    newestLeaves: kept.newestLeaves.map(({ origin, index, leaf }) => {
      return { origin, index: BigInt(index), leaf: Buffer.from(leaf, 'base64') }
    }),
    heads: kept.heads.map((note) => Buffer.from(note, 'base64')),
    cosigned: kept.cosigned && { note: Buffer.from(kept.cosigned.note, 'base64'), at: BigInt(kept.cosigned.at) },
    headsHeld: BigInt(kept.headsHeld),
    pending: kept.pending.map(({ note, shownBy, byHub }) => ({ note: Buffer.from(note, 'base64'), shownBy, byHub })),
    charterNotes: new Map(charters.map(({ number, note }) => [number, note])),
  }
}

/** A hash over everything so far and the next. */
function chained(chain: Uint8Array, next: Uint8Array): Uint8Array {
  return createHash('sha256').update(chain).update(createHash('sha256').update(next).digest()).digest()
}

const noChain: Uint8Array = new Uint8Array(32)

function damaged(what: string): ReplayStateError {
  return new ReplayStateError(`the state is damaged (${what}): delete it and replay from the beginning`)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

const nothing = new Uint8Array(0)
