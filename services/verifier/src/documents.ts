import { hash } from 'node:crypto'
import { isInformative } from '@hutong/licence'
import { type Hash, sha256Tree } from '@hutong/merkle'
import { type Document, keyFromIndex } from '@hutong/store'
import type { FollowedEntry, KeptEvent, ReadEvent } from '@hutong/verify'
import { decodeLeaf, type EntryRecord } from '@hutong/wire'

/**
 * Where a zone keeps what it has verified. Documents are inserted once, keyed by H index; those at or above the position in the
 * position document `verifier` are not there yet. Marks (`strings`, `declarations`) carry no index: they only say where to look, and
 * the events found there decide.
 *
 * - `leaves/<H index>`: the leaf of H, H's root after it, and the zone's leaves of its batch, packed
 * - `charters/<H index>`: a charter with the admins' note
 * - `events/<zone>/<subject>/<H index>/<place>`: one event as bytes, tagged with its subject for deletion (formats F13)
 * - `informative/<H index>/<place>`: salt and payload of a kind from 128 on. They change no state, so they stay out of `events`, where
 *   every heartbeat of every zone would lie in the way of folds and digests; they are kept, because whatever H holds is served again
 *   byte for byte to a hub that has lost it.
 * - `strings/<SHA-256 of a subject string>/<zone>/<subject>`: an event of this subject names the string and matches its leaf
 * - `touching/<SHA-256 of a subject string>/<zone>/<H index>/<place>`: an event that names the string under the leaf subject in the value
 * - `declarations/<zone>/<subject>`: this subject is a declaration of recognition
 * - `missing/<H index>/<place>`: an event whose payload is not here or does not open its commitment; empty where it came so, one byte
 *   where the payload was held and is lost
 * - `late/<H index>/<place>`: the payload that was missing, found later
 * - `evidence/<H index>/<fingerprint>`: both sides of a contradiction of the hub
 */
export const collections = {
  leaves: 'leaves',
  charters: 'charters',
  events: 'events',
  informative: 'informative',
  strings: 'strings',
  touching: 'touching',
  declarations: 'declarations',
  missing: 'missing',
  late: 'late',
  evidence: 'evidence',
} as const

/** Our own copy is broken: a document below the position is missing or cannot be read. */
export class DocumentDamagedError extends Error {
  override readonly name = 'DocumentDamagedError'
  readonly place: string

  constructor(place: string, problem: string) {
    super(`${place} ${problem}`)
    this.place = place
  }
}

/** One leaf of H as kept. */
export interface KeptLeaf {
  /** H's root after this leaf. */
  readonly root: Hash
  readonly hubLeaf: Uint8Array
  /** The zone whose batch it is; empty for a charter. */
  readonly zone: string
  /** The zone's leaves of the batch, in order. */
  readonly leaves: readonly Uint8Array[]
}

/** All documents of one followed leaf of H. `root` is H's root after it. */
export function documentsOf(record: EntryRecord, followed: FollowedEntry, root: Hash, term: bigint): Document[] {
  const key = keyFromIndex(record.index)
  const zone = followed.events[0]?.kept.zone ?? ''
  const leaves = record.entries.map((entry) => entry.leaf)
  const leaf = encodeKeptLeaf({ root, hubLeaf: record.leaf, zone, leaves })
  const documents: Document[] = [{ collection: collections.leaves, key, term, value: leaf }]
  const { entry } = followed.hubLeaf
  if (entry.kind === 'charter') {
    const value = encodeKeptCharter({ number: entry.number, note: entry.note, bytes: record.charter })
    documents.push({ collection: collections.charters, key, term, value })
  }
  const redacted = new Set(record.redacted)
  for (const event of followed.events) {
    documents.push(...eventDocuments(event, term))
    const { place } = event.kept
    if (!isInformative(event.leaf.kind) && needsPayload(event) && !redacted.has(place)) {
      documents.push({ collection: collections.missing, key: placeKey(record.index, place), term, value: nothing })
    }
  }
  return documents
}

/** Whether the payload of an event is to be asked for again. */
export function needsPayload({ reading }: ReadEvent): boolean {
  return reading.kind === 'missing' || reading.kind === 'mismatch'
}

/** Value of a `missing` document of a payload that was held. */
export const onceHeldValue: Uint8Array = Uint8Array.of(1)

/** Whether the payload that a `missing` document is about was held once. */
export function isOnceHeld({ value }: Document): boolean {
  return value.length > 0
}

function eventDocuments(event: ReadEvent, term: bigint): Document[] {
  const { kept, leaf, subject } = event
  const position = positionOf(kept)
  if (isInformative(leaf.kind)) {
    const value = encodeOpening(kept)
    // Subject zeros are the heartbeat's, about nobody: tagged, the first deletion would sweep them away.
    const tag = /^0+$/.test(subject) ? {} : { subject }
    return [{ collection: collections.informative, key: placeKey(position, kept.place), term, value, ...tag }]
  }
  const key = eventKey(kept.zone, subject, position, kept.place)
  return [{ collection: collections.events, key, term, value: encodeKeptEvent(kept), subject }, ...marksOf(event, term)]
}

/** What makes an event found by the string it names, and a declaration by its zone. Written again with the same content: no change. */
export function marksOf({ kept, leaf, subject, reading }: ReadEvent, term: bigint): Document[] {
  const marks: Document[] = []
  if (isAboutDeclaration(leaf.kind)) {
    const key = `${kept.zone}/${subject}`
    marks.push({ collection: collections.declarations, key, term, value: nothing, subject })
  }
  if (reading.kind !== 'read' || reading.subjectString === undefined) return marks
  const string = stringKey(reading.subjectString, kept.zone)
  if (reading.subjectMatches) {
    marks.push({ collection: collections.strings, key: `${string}/${subject}`, term, value: nothing, subject })
  } else {
    const key = `${string}/${placeKey(positionOf(kept), kept.place)}`
    marks.push({ collection: collections.touching, key, term, value: Buffer.from(subject, 'hex'), subject })
  }
  return marks
}

/** Whether kinds of this number are about declarations of recognition, those that nobody here knows included. */
export function isAboutDeclaration(kind: number): boolean {
  return kind >= 40 && kind < 80
}

/** An event followed from H always has a position. */
export function positionOf(kept: KeptEvent): bigint {
  if (kept.position === undefined) throw new RangeError('an event of H has a position')
  return kept.position
}

export function placeKey(position: bigint, place: number): string {
  return `${keyFromIndex(position)}/${place.toString().padStart(3, '0')}`
}

export function eventKey(zone: string, subject: string, position: bigint, place: number): string {
  return `${zone}/${subject}/${placeKey(position, place)}`
}

/** `<SHA-256 of the string>/<zone>`: what names a person or licence stays out of the keys. */
export function stringKey(subjectString: string, zone: string): string {
  return `${stringDigest(subjectString)}/${zone}`
}

export function stringDigest(subjectString: string): string {
  return hash('sha256', subjectString, 'hex')
}

/** The first key after all that begin with `<prefix>/`. */
export function endOfPrefix(prefix: string): string {
  return `${prefix}0`
}

export function encodeKeptEvent(kept: KeptEvent): Uint8Array {
  const { zone, origin, index, position, place, receivedAtMs, signer } = kept
  const head = Buffer.from(
    JSON.stringify({ zone, origin, index: `${index}`, position: `${position}`, place, receivedAtMs, signer }),
  )
  return concat([shortBlock(head), shortBlock(kept.leaf), Uint8Array.of(kept.salt.length), kept.salt, kept.payload])
}

/**
 * The leaf hash is made anew from the leaf's bytes: an altered leaf shows in every digest. The key says where the event stands; a value
 * that says otherwise is damaged. @throws {DocumentDamagedError}
 */
export function decodeKeptEvent({ key, value }: Document): KeptEvent {
  const place = `${collections.events}/${key}`
  const head = readShortBlock(value, 0, place)
  const leaf = readShortBlock(value, head.end, place)
  const opening = decodeOpening(value.subarray(leaf.end), place)
  let stored: Record<'zone' | 'origin' | 'index' | 'position' | 'signer', string> &
    Record<'place' | 'receivedAtMs', number>
  try {
    stored = JSON.parse(Buffer.from(head.bytes).toString('utf8'))
    const position = BigInt(stored.position)
    const [zone, , ...standsAt] = key.split('/')
    const { place: placeInBatch } = stored
    if (zone !== stored.zone || standsAt.join('/') !== placeKey(position, placeInBatch)) throw new RangeError(key)
    if (![placeInBatch, stored.receivedAtMs].every(Number.isSafeInteger)) throw new RangeError(key)
    return {
      zone,
      origin: stored.origin,
      index: BigInt(stored.index),
      position,
      place: placeInBatch,
      receivedAtMs: stored.receivedAtMs,
      leaf: leaf.bytes,
      leafHash: sha256Tree.leaf(leaf.bytes),
      ...opening,
      signer: stored.signer,
    }
  } catch {
    throw new DocumentDamagedError(place, 'is no event')
  }
}

/**
 * Where the key of an event says it stands.
 * @throws {DocumentDamagedError} the key is none: nobody can tell whose event it is.
 */
export function readEventKey(key: string): {
  readonly zone: string
  readonly subject: string
  readonly position: bigint
  readonly place: number
} {
  const parts = /^([a-z][a-z0-9]{0,31})\/([0-9a-f]{64})\/(\d{19})\/(\d{3})$/.exec(key)
  if (parts === null) throw new DocumentDamagedError(`${collections.events}/${key}`, 'has a key that is none')
  const [, zone = '', subject = '', position = '', place = ''] = parts
  return { zone, subject, position: BigInt(position), place: Number(place) }
}

/** Salt and payload of one event: one byte length of the salt, salt, payload. */
export function encodeOpening({ salt, payload }: Pick<KeptEvent, 'salt' | 'payload'>): Uint8Array {
  return concat([Uint8Array.of(salt.length), salt, payload])
}

/** @throws {DocumentDamagedError} the bytes are cut off. */
export function decodeOpening(bytes: Uint8Array, place: string): Pick<KeptEvent, 'salt' | 'payload'> {
  const end = 1 + (bytes[0] ?? 0)
  if (bytes.length < end) throw new DocumentDamagedError(place, 'is cut off')
  return { salt: bytes.subarray(1, end), payload: bytes.subarray(end) }
}

function encodeKeptLeaf({ root, hubLeaf, zone, leaves }: KeptLeaf): Uint8Array {
  return concat([root, shortBlock(Buffer.from(zone)), shortBlock(hubLeaf), ...leaves.map(shortBlock)])
}

/** @throws {DocumentDamagedError} it is not what was written. */
export function decodeKeptLeaf(document: Document | undefined, index: bigint): KeptLeaf {
  const place = `${collections.leaves}/${keyFromIndex(index)}`
  if (document === undefined) throw new DocumentDamagedError(place, 'is missing')
  const { value } = document
  const zone = readShortBlock(value, 32, place)
  const hubLeaf = readShortBlock(value, zone.end, place)
  const leaves: Uint8Array[] = []
  for (let at = hubLeaf.end; at < value.length; ) {
    const { bytes, end } = readShortBlock(value, at, place)
    leaves.push(bytes)
    at = end
  }
  return {
    root: value.subarray(0, 32),
    hubLeaf: hubLeaf.bytes,
    zone: Buffer.from(zone.bytes).toString('utf8'),
    leaves,
  }
}

/** Where the payload of one leaf of a batch is kept. */
export function openingPlace(
  zone: string,
  leafBytes: Uint8Array,
  position: bigint,
  place: number,
): { readonly collection: 'events' | 'informative'; readonly key: string } {
  const decoded = decodeLeaf(leafBytes)
  if (decoded.kind === 'unreadable') {
    throw new DocumentDamagedError(`${collections.leaves}/${keyFromIndex(position)}`, `holds no leaf at ${place}`)
  }
  const { leaf } = decoded
  if (isInformative(leaf.kind)) return { collection: collections.informative, key: placeKey(position, place) }
  const subject = Buffer.from(leaf.subject).toString('hex')
  return { collection: collections.events, key: eventKey(zone, subject, position, place) }
}

interface CharterValue {
  readonly number: bigint
  readonly note: Uint8Array
  readonly bytes: Uint8Array
}

function encodeKeptCharter({ number, note, bytes }: CharterValue): Uint8Array {
  const head = Buffer.alloc(12)
  head.writeBigUInt64BE(number)
  head.writeUInt32BE(note.length, 8)
  return concat([head, note, bytes])
}

/** @throws {DocumentDamagedError} it is not what was written. */
export function decodeKeptCharter({ key, value }: Document): CharterValue {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (bytes.length < 12) throw new DocumentDamagedError(`${collections.charters}/${key}`, 'is cut off')
  const end = 12 + bytes.readUInt32BE(8)
  return { number: bytes.readBigUInt64BE(0), note: bytes.subarray(12, end), bytes: bytes.subarray(end) }
}

const nothing = new Uint8Array(0)

function shortBlock(bytes: Uint8Array): Uint8Array {
  const block = Buffer.allocUnsafe(2 + bytes.length)
  block.writeUInt16BE(bytes.length)
  block.set(bytes, 2)
  return block
}

function readShortBlock(value: Uint8Array, at: number, place: string): { bytes: Uint8Array; end: number } {
  const end = at + 2 + (((value[at] ?? 0) << 8) | (value[at + 1] ?? 0))
  if (at + 2 > value.length || end > value.length) throw new DocumentDamagedError(place, 'is cut off')
  return { bytes: value.subarray(at + 2, end), end }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
