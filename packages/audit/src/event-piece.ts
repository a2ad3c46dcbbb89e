import { sha256Tree } from '@hutong/merkle'
import { type KeptEvent, type ReadEvent, readEvent } from '@hutong/verify'
import type { PieceAt } from './event-archive.ts'

/** Bytes of a name by which a subject string is known here (`nameOf`). */
export const nameBytes = 24

/** An event as a replay keeps it, in the list of one subject or, while nobody knows whose string it names, of one name. */
export interface EventPiece {
  readonly event: KeptEvent
  /** The subject in whose list it stands: zone, and 32 bytes; of another subject's event that only names this one too. */
  readonly subject: Uint8Array
  /** The string that it names; undefined for none. */
  readonly name: Uint8Array | undefined
  /** `own`: the leaf bears the subject. `touching`: it only names it. `waiting`: it stands in the list of its name. */
  readonly role: 'own' | 'touching' | 'waiting'
  /** It is the first that names the string and matches its leaf: the string belongs to this subject from here on. */
  readonly settles: boolean
  /** The one before it in its list. */
  readonly previous: PieceAt | undefined
  /** The row after it, where it was folded at once. */
  readonly row: RowNow | undefined
}

/** What is known of a subject's row without folding it again. */
export interface RowNow {
  readonly hash: Uint8Array
  readonly standing: Standing
}

/** What STATUS rests on (`standing.ts`), in 5 bytes. */
export interface Standing {
  readonly word: number
  /** Days since 1970; 0 for none. */
  readonly fromDay: number
  readonly untilDay: number
}

/** Texts that return in every event, by number. */
export class Texts {
  readonly #numbers: Map<string, number> = new Map()
  readonly #texts: string[] = []

  constructor(texts: readonly string[] = []) {
    for (const text of texts) this.numberOf(text)
  }

  numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#texts.length)
    return this.#texts.push(text) - 1
  }

  text(number: number): string {
    return this.#texts[number]!
  }

  get all(): readonly string[] {
    return this.#texts
  }
}

const roles = ['own', 'touching', 'waiting'] as const
const headBytes = 4 + 4 + 8 + 32 + nameBytes + 32 + 5 + 12 + 8 + 8 + 8 + 2 + 12
const nowhere = 0xffff_ffff

export function encodePiece(piece: EventPiece, texts: Texts): Buffer {
  const { event, role, settles, name, previous, row } = piece
  const { leaf, salt, payload } = event
  const bytes = Buffer.allocUnsafe(headBytes + leaf.length + salt.length + payload.length)
  let at = bytes.writeUInt32LE(bytes.length, 0)
  at = bytes.writeUInt8(roles.indexOf(role), at)
  at = bytes.writeUInt8((settles ? 1 : 0) | (name === undefined ? 0 : 2) | (row === undefined ? 0 : 4), at)
  at = bytes.writeUInt16LE(0, at)
  at = bytes.writeUInt32LE(previous?.chunk ?? nowhere, at)
  at = bytes.writeUInt32LE(previous?.offset ?? 0, at)
  at = put(bytes, piece.subject, 32, at)
  at = put(bytes, name, nameBytes, at)
  at = put(bytes, row?.hash, 32, at)
  at = bytes.writeUInt8(row?.standing.word ?? 0, at)
  at = bytes.writeUInt16LE(row?.standing.fromDay ?? 0, at)
  at = bytes.writeUInt16LE(row?.standing.untilDay ?? 0, at)
  for (const text of [event.zone, event.origin, event.signer]) at = bytes.writeUInt32LE(texts.numberOf(text), at)
  at = bytes.writeBigUInt64LE(event.index, at)
  at = bytes.writeBigUInt64LE(positionOf(event), at)
  at = bytes.writeDoubleLE(event.receivedAtMs, at)
  at = bytes.writeUInt16LE(event.place, at)
  for (const { length } of [leaf, salt, payload]) at = bytes.writeUInt32LE(length, at)
  for (const part of [leaf, salt, payload]) at = put(bytes, part, part.length, at)
  return bytes
}

/** The piece at the beginning of these bytes, and how long it is. */
export function decodePiece(bytes: Buffer, texts: Texts): { readonly piece: EventPiece; readonly length: number } {
  const length = bytes.readUInt32LE(0)
  const flags = bytes.readUInt8(5)
  const chunk = bytes.readUInt32LE(8)
  let at = 16
  const take = (count: number): Buffer => {
    at += count
    return bytes.subarray(at - count, at)
  }
  const subject = take(32)
  const name = take(nameBytes)
  const hash = take(32)
  const standing: Standing = {
    word: bytes.readUInt8(at),
    fromDay: bytes.readUInt16LE(at + 1),
    untilDay: bytes.readUInt16LE(at + 3),
  }
  at += 5
  const [zone, origin, signer] = [0, 4, 8].map((by) => texts.text(bytes.readUInt32LE(at + by))) as [
    string,
    string,
    string,
  ]
  at += 12
  const index = bytes.readBigUInt64LE(at)
  const position = bytes.readBigUInt64LE(at + 8)
  const receivedAtMs = bytes.readDoubleLE(at + 16)
  const place = bytes.readUInt16LE(at + 24)
  const sizes = [26, 30, 34].map((by) => bytes.readUInt32LE(at + by))
  at += 38
  const [leaf, salt, payload] = sizes.map(take) as [Buffer, Buffer, Buffer]
  const event: KeptEvent = {
    zone,
    origin,
    index,
    position,
    place,
    receivedAtMs,
    leaf,
    get leafHash() {
      return sha256Tree.leaf(leaf)
    },
    salt,
    payload,
    signer,
  }
  const piece: EventPiece = {
    event,
    subject,
    name: (flags & 2) === 0 ? undefined : name,
    role: roles[bytes.readUInt8(4)]!,
    settles: (flags & 1) !== 0,
    previous: chunk === nowhere ? undefined : { chunk, offset: bytes.readUInt32LE(12) },
    row: (flags & 4) === 0 ? undefined : { hash, standing },
  }
  return { piece, length }
}

/** The event of a piece, read anew: the payload counts only where it opens the leaf's commitment. */
export function readPiece({ event }: EventPiece): ReadEvent | undefined {
  return readEvent({ ...event, leafHash: event.leafHash })
}

function positionOf({ position }: KeptEvent): bigint {
  if (position === undefined) throw new RangeError('an event out of H has a position')
  return position
}

function put(bytes: Buffer, part: Uint8Array | undefined, length: number, at: number): number {
  if (part === undefined) bytes.fill(0, at, at + length)
  else bytes.set(part, at)
  return at + length
}
