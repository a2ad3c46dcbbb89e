import { checkCollection, checkDocuments, checkKey, checkKeys, checkMove, checkRange, checkSubject } from './bounds.ts'
import { StaleWriterError, StoreClosedError } from './errors.ts'
import type { Document, NextPosition, Position, RangeOptions, Store } from './store.ts'

/** A store that forgets everything when the process ends: for benches and for tests of other rooms. */
export function createMemoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  readonly #collections = new Map<string, SortedDocuments>()
  readonly #positions = new Map<string, Position>()
  #closed = false

  async insert(documents: readonly Document[]): Promise<void> {
    this.#checkUsable()
    checkDocuments(documents)
    for (const document of documents) this.#insertOne(document)
  }

  async position(name: string): Promise<Position | undefined> {
    this.#checkUsable()
    checkCollection(name)
    const position = this.#positions.get(name)
    return position && { ...position, value: position.value.slice() }
  }

  async movePosition(name: string, expectedVersion: bigint | undefined, next: NextPosition): Promise<boolean> {
    this.#checkUsable()
    checkMove(name, expectedVersion, next)
    if (this.#positions.get(name)?.version !== expectedVersion) return false
    this.#positions.set(name, { version: (expectedVersion ?? 0n) + 1n, term: next.term, value: next.value.slice() })
    return true
  }

  async get(collection: string, key: string): Promise<Document | undefined> {
    this.#checkUsable()
    checkCollection(collection)
    checkKey(key)
    const document = this.#collections.get(collection)?.get(key)
    return document && copyOf(document)
  }

  async getMany(collection: string, keys: readonly string[]): Promise<ReadonlyMap<string, Document>> {
    this.#checkUsable()
    checkKeys(collection, keys)
    const documents = keys.map((key) => this.#collections.get(collection)?.get(key))
    return new Map(documents.filter((document) => document !== undefined).map((found) => [found.key, copyOf(found)]))
  }

  async range(collection: string, options: RangeOptions): Promise<readonly Document[]> {
    this.#checkUsable()
    checkRange(collection, options)
    return this.#collections.get(collection)?.range(options).map(copyOf) ?? []
  }

  async deleteBySubject(subject: string): Promise<number> {
    this.#checkUsable()
    checkSubject(subject)
    return [...this.#collections.values()].reduce((sum, documents) => sum + documents.deleteBySubject(subject), 0)
  }

  async delete(collection: string, keys: readonly string[]): Promise<void> {
    this.#checkUsable()
    checkKeys(collection, keys)
    for (const key of keys) this.#collections.get(collection)?.delete(key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  #insertOne(document: Document): void {
    const documents = this.#collections.get(document.collection) ?? new SortedDocuments()
    this.#collections.set(document.collection, documents)
    const stored = documents.get(document.key)
    if (!stored || stored.term < document.term) documents.put(copyOf(document))
    else if (!sameContent(stored, document)) {
      const place = `${document.collection}/${document.key}`
      throw new StaleWriterError(
        `other content lies at ${place} under term ${stored.term}, this writer has ${document.term}`,
        { place, storedTerm: stored.term },
      )
    }
  }

  #checkUsable(): void {
    if (this.#closed) throw new StoreClosedError()
  }
}

class SortedDocuments {
  readonly #byKey = new Map<string, Document>()
  readonly #keys: string[] = []

  get(key: string): Document | undefined {
    return this.#byKey.get(key)
  }

  put(document: Document): void {
    if (!this.#byKey.has(document.key)) this.#keys.splice(this.#place(document.key), 0, document.key)
    this.#byKey.set(document.key, document)
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#keys.splice(this.#place(key), 1)
  }

  range({ from, to, limit, reverse }: RangeOptions): Document[] {
    const start = from === undefined ? 0 : this.#place(from)
    const end = Math.max(start, to === undefined ? this.#keys.length : this.#place(to))
    const keys = reverse
      ? this.#keys.slice(Math.max(start, end - limit), end).reverse()
      : this.#keys.slice(start, Math.min(end, start + limit))
    return keys.map((key) => this.#byKey.get(key)!)
  }

  deleteBySubject(subject: string): number {
    const about = [...this.#byKey.values()].filter((document) => document.subject === subject)
    for (const { key } of about) this.delete(key)
    return about.length
  }

  // The first place whose key is not below `key`. Keys mostly come in order, so the end is tried first.
  #place(key: string): number {
    const last = this.#keys.at(-1)
    if (last === undefined || compareAsUtf8(last, key) < 0) return this.#keys.length
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareAsUtf8(this.#keys[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

// JavaScript orders texts by UTF-16 units, which puts U+E000 to U+FFFF after what lies above them.
function compareAsUtf8(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

function copyOf(document: Document): Document {
  return { ...document, value: document.value.slice() }
}

function sameContent(left: Document, right: Document): boolean {
  return left.subject === right.subject && Buffer.compare(left.value, right.value) === 0
}
