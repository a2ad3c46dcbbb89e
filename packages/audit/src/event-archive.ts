import { appendLeafHash, type Edge, edgeRoot, emptyEdge, type Hash, sha256Tree } from '@hutong/merkle'
import { type Document, keyFromIndex, type Store } from '@hutong/store'

/** A chunk is closed when the next piece would make it longer; a single longer piece is a chunk of its own. */
const chunkBytes = 64 * 1024
/** What is not in the store yet is put there when it comes to this much. */
const memoryBytesMax = 16 * 1024 * 1024
/** Chunks that were read and are kept for the next question. */
const readChunksMax = 64
/** Chunks put into a store, or read out of it, in one call. */
const chunksPerCall = 64

/** Collection of the chunks, by number. */
const chunkCollection = 'chunks'

/** Where a piece lies. */
export interface PieceAt {
  readonly chunk: number
  readonly offset: number
}

/**
 * Pieces of bytes, appended and read back: the newest in memory, the rest in a store, many to a document, so that what is kept does
 * not grow with what was appended. Every chunk is a leaf of an RFC 6962 tree: its root says whether the store gives back what it was
 * given.
 */
export class EventArchive {
  readonly #openStore: () => Promise<Store>
  #store: Store | undefined
  #term = 0n
  #open: Buffer = Buffer.alloc(chunkBytes)
  #openBytes = 0
  /** Closed and not in the store yet, by number. */
  readonly #closed: Map<number, Buffer> = new Map()
  #closedBytes = 0
  #chunks = 0
  #edge: Edge = emptyEdge
  readonly #read: Map<number, Buffer> = new Map()

  /** @param openStore called once, when memory does not suffice any more. */
  constructor(openStore: () => Promise<Store>) {
    this.#openStore = openStore
  }

  /** Writes into this store from now on, under this term. */
  use(store: Store, term: bigint): void {
    this.#store = store
    this.#term = term
  }

  append(piece: Uint8Array): PieceAt {
    if (this.#openBytes + piece.length > this.#open.length) this.#close()
    if (piece.length > this.#open.length) this.#open = Buffer.alloc(piece.length)
    const at = { chunk: this.#chunks, offset: this.#openBytes }
    this.#open.set(piece, this.#openBytes)
    this.#openBytes += piece.length
    return at
  }

  /** The bytes from there to the end of the chunk: a piece says itself how long it is. */
  async read({ chunk, offset }: PieceAt): Promise<Buffer> {
    if (chunk === this.#chunks) return this.#open.subarray(offset, this.#openBytes)
    const closed = this.#closed.get(chunk) ?? this.#read.get(chunk) ?? (await this.#fetch(chunk))
    return closed.subarray(offset)
  }

  /** Puts what memory should not hold any longer into the store. */
  async relieve(): Promise<void> {
    if (this.#closedBytes < memoryBytesMax) return
    this.#store ??= await this.#openStore()
    for (const documents of inCalls(this.#documents())) await this.#store.insert(documents)
    this.stored()
  }

  /** Closes the last chunk and gives the documents that the store lacks; `stored` says that it has them. */
  unstored(): readonly Document[] {
    if (this.#openBytes > 0) this.#close()
    return this.#documents()
  }

  stored(): void {
    this.#closed.clear()
    this.#closedBytes = 0
  }

  /** How many chunks were closed, and the root over them. */
  get extent(): { readonly chunks: number; readonly root: Hash } {
    return { chunks: this.#chunks, root: edgeRoot(sha256Tree, this.#edge) }
  }

  /** Hands over what the first `chunks` chunks of the store hold, in order; afterwards new pieces follow them. */
  async *reload(chunks: number): AsyncGenerator<{ readonly chunk: number; readonly bytes: Buffer }> {
    if (this.#store === undefined) throw new TypeError('no store to read from')
    while (this.#chunks < chunks) {
      const from = keyFromIndex(BigInt(this.#chunks))
      const to = keyFromIndex(BigInt(chunks))
      const documents = await this.#store.range(chunkCollection, { from, to, limit: chunksPerCall })
      if (documents.length === 0) return
      for (const { value } of documents) {
        const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
        this.#edge = appendLeafHash(sha256Tree, this.#edge, sha256Tree.leaf(bytes))
        yield { chunk: this.#chunks++, bytes }
      }
    }
  }

  #close(): void {
    const bytes = Buffer.from(this.#open.subarray(0, this.#openBytes))
    this.#edge = appendLeafHash(sha256Tree, this.#edge, sha256Tree.leaf(bytes))
    this.#closed.set(this.#chunks++, bytes)
    this.#closedBytes += bytes.length
    this.#openBytes = 0
    if (this.#open.length > chunkBytes) this.#open = Buffer.alloc(chunkBytes)
  }

  #documents(): readonly Document[] {
    return [...this.#closed].map(([chunk, value]) => {
      return { collection: chunkCollection, key: keyFromIndex(BigInt(chunk)), term: this.#term, value }
    })
  }

  async #fetch(chunk: number): Promise<Buffer> {
    const document = await this.#store?.get(chunkCollection, keyFromIndex(BigInt(chunk)))
    if (document === undefined) throw new ReplayStateError(`chunk ${chunk} is not where it was put`)
    const { buffer, byteOffset, byteLength } = document.value
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    this.#read.set(chunk, bytes)
    for (const oldest of this.#read.keys()) {
      if (this.#read.size <= readChunksMax) break
      this.#read.delete(oldest)
    }
    return bytes
  }
}

/** What a replay keeps on disk is damaged, or belongs to another replay: make it anew. Nobody else is to blame. */
export class ReplayStateError extends Error {
  override readonly name = 'ReplayStateError'
}

function* inCalls(documents: readonly Document[]): Generator<readonly Document[]> {
  for (let at = 0; at < documents.length; at += chunksPerCall) yield documents.slice(at, at + chunksPerCall)
}
