import { randomBytes } from 'node:crypto'

/** Entries that lie in one piece of memory. */
const segmentEntries = 8192
/** Above this share of taken places the table of places doubles. */
const fullestShare = 0.6
const fewestPlaces = 1024

/**
 * Entries of a fixed size, found by the bytes they begin with and numbered from 0 in the order in which they came. They lie outside of
 * the heap, one after the other: millions of them cost what they hold and 4 to 13 bytes each.
 */
export class ByteTable {
  readonly #keyBytes: number
  readonly #entryBytes: number
  readonly #segments: Buffer[] = []
  /** Number of an entry plus 1; 0 for a place that is free. */
  #places: Uint32Array = new Uint32Array(fewestPlaces)
  #count = 0
  // Keys are chosen by zones: without a seed nobody knows, one of them could make all its keys fall on one place.
  readonly #seed: Uint32Array = new Uint32Array(Uint8Array.from(randomBytes(8)).buffer)

  constructor(keyBytes: number, entryBytes: number) {
    this.#keyBytes = keyBytes
    this.#entryBytes = entryBytes
  }

  get count(): number {
    return this.#count
  }

  /** The number of the entry with this key; undefined for none. */
  find(key: Uint8Array): number | undefined {
    const place = this.#places[this.#placeOf(key)]!
    return place === 0 ? undefined : place - 1
  }

  /** The same; a new entry, all zeros behind its key, where there is none. */
  findOrAdd(key: Uint8Array): number {
    const place = this.#placeOf(key)
    const found = this.#places[place]!
    if (found !== 0) return found - 1
    const entry = this.#count
    if (entry % segmentEntries === 0) this.#segments.push(Buffer.alloc(segmentEntries * this.#entryBytes))
    this.#count++
    this.at(entry).set(key)
    this.#places[place] = this.#count
    if (this.#count > this.#places.length * fullestShare) this.#grow()
    return entry
  }

  /** The bytes of an entry, to read and to write; its key must stay. */
  at(entry: number): Buffer {
    const start = (entry % segmentEntries) * this.#entryBytes
    return this.#segments[Math.floor(entry / segmentEntries)]!.subarray(start, start + this.#entryBytes)
  }

  /** Where the key lies, or else the free place that it would take. */
  #placeOf(key: Uint8Array): number {
    const last = this.#places.length - 1
    for (let place = this.#hash(key) & last; ; place = (place + 1) & last) {
      const found = this.#places[place]!
      if (found === 0 || this.#isAt(found - 1, key)) return place
    }
  }

  #isAt(entry: number, key: Uint8Array): boolean {
    const segment = this.#segments[Math.floor(entry / segmentEntries)]!
    const start = (entry % segmentEntries) * this.#entryBytes
    for (let at = 0; at < this.#keyBytes; at++) if (segment[start + at] !== key[at]) return false
    return true
  }

  #hash(key: Uint8Array): number {
    let hash = this.#seed[0]!
    for (let at = 0; at < this.#keyBytes; at++) hash = Math.imul(hash ^ key[at]!, 0x0100_0193) ^ (hash >>> 15)
    return Math.imul(hash ^ this.#seed[1]!, 0x85eb_ca6b) >>> 0
  }

  #grow(): void {
    this.#places = new Uint32Array(this.#places.length * 2)
    for (let entry = 0; entry < this.#count; entry++) {
      this.#places[this.#placeOf(this.at(entry).subarray(0, this.#keyBytes))] = entry + 1
    }
  }
}
