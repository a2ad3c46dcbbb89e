import { createHash } from 'node:crypto'
import { hashSizeBytes } from '@hutong/merkle'
import {
  digestRow,
  digestRowHash,
  emptyFold,
  type FoldContext,
  foldEvent,
  foldSubject,
  type ReadEvent,
  type SubjectFold,
  type Trust,
} from '@hutong/verify'
import { ByteTable } from './byte-table.ts'
import { type EventArchive, type PieceAt, ReplayStateError } from './event-archive.ts'
import {
  decodePiece,
  type EventPiece,
  encodePiece,
  nameBytes,
  type RowNow,
  readPiece,
  type Texts,
} from './event-piece.ts'
import { standingOf } from './standing.ts'

/** Kinds from here on are informative: they never touch a state and have no row (formats F5, F15). */
const firstInformativeKind = 128
/** Folds held ready for the next event of their subject; every other one is made again out of its events when it is asked for. */
const foldsHeldDefault = 1024
/** A longer history is not folded anew at each event: that would be quadratic. */
const foldedAtOnceMax = 32

// An entry of a subject: zone, subject, row hash, last piece, last waiting piece, events told of, standing, stale.
const subjectKeyBytes = 2 + 32
const hashAt = subjectKeyBytes
const listAt = hashAt + hashSizeBytes
const waitingAt = listAt + 9
const toldAt = waitingAt + 9
const standingAt = toldAt + 4
const staleAt = standingAt + 5
const subjectEntryBytes = staleAt + 1
// An entry of a name: the name, its subject (number plus 1), last waiting piece.
const ownerAt = nameBytes
const nameWaitingAt = ownerAt + 4
const nameEntryBytes = nameWaitingAt + 9

/**
 * The rows of all subjects of all zones (formats F15), grown event by event. For each subject it holds the hash of its row and where its
 * last event lies, about 110 bytes; the events lie in the archive. A subject that is touched again long after is folded anew, out of
 * its events, when the row is asked for: once, however many events came.
 */
export class FoldBook {
  readonly #archive: EventArchive
  readonly #texts: Texts
  readonly #words: Texts
  readonly #onJudged: (zone: string, code: string) => void
  readonly #foldsHeldMax: number
  readonly #subjects: ByteTable = new ByteTable(subjectKeyBytes, subjectEntryBytes)
  readonly #names: ByteTable = new ByteTable(nameBytes, nameEntryBytes)
  readonly #folds: Map<number, SubjectFold> = new Map()

  /**
   * @param texts names that the pieces of the archive use; @param words those of standings.
   * @param onJudged is told the code of each event of a row once, when it is folded. @param foldsHeldMax how many folds are held ready.
   */
  constructor(
    archive: EventArchive,
    texts: Texts,
    words: Texts,
    onJudged: (zone: string, code: string) => void = () => {},
    foldsHeldMax: number = foldsHeldDefault,
  ) {
    this.#archive = archive
    this.#texts = texts
    this.#words = words
    this.#onJudged = onJudged
    this.#foldsHeldMax = foldsHeldMax
  }

  /** How many subjects have a row. */
  get count(): number {
    return this.#subjects.count
  }

  /** Takes the next event of a zone's log to its subject, and to the one it only names. Answers whether it can touch a state. */
  take(event: ReadEvent, trust: Trust): boolean {
    if (event.leaf.kind >= firstInformativeKind) return false
    const { kept, reading } = event
    const string = reading.kind === 'read' ? reading.subjectString : undefined
    const name = string === undefined ? undefined : nameOf(kept.zone, string)
    const nameEntry = name === undefined ? undefined : this.#names.findOrAdd(name)
    const added = this.#subjects.count
    const subject = this.#subjects.findOrAdd(this.#keyOf(kept.zone, event.leaf.subject))
    const settles =
      nameEntry !== undefined && reading.kind === 'read' && reading.subjectMatches && this.#settle(nameEntry, subject)
    const row = this.#foldAtOnce(subject, subject === added, event, trust)
    this.#append(subject, { event: kept, name, role: 'own', settles, row })
    if (nameEntry !== undefined) this.#touch(nameEntry, subject, event, name)
    return true
  }

  /** Number of the zone, the subject, and the row hash of an entry: views, in the order in which the subjects came. */
  key(subject: number): { readonly zone: string; readonly subject: Buffer } {
    const entry = this.#subjects.at(subject)
    return { zone: this.#texts.text(entry.readUInt16LE(0)), subject: entry.subarray(2, subjectKeyBytes) }
  }

  hash(subject: number): Buffer {
    return this.#subjects.at(subject).subarray(hashAt, hashAt + hashSizeBytes)
  }

  standing(subject: number): RowNow['standing'] {
    const entry = this.#subjects.at(subject)
    return {
      word: entry.readUInt8(standingAt),
      fromDay: entry.readUInt16LE(standingAt + 1),
      untilDay: entry.readUInt16LE(standingAt + 3),
    }
  }

  isStale(subject: number): boolean {
    return this.#subjects.at(subject)[staleAt] !== 0
  }

  /** Folds a subject out of its events and notes its row. */
  async refold(subject: number, trust: Trust): Promise<void> {
    this.#note(subject, await this.foldBelow(subject, undefined, trust))
  }

  /** The fold of a subject out of its events below a position of H (undefined: all); nothing is noted. */
  async foldBelow(subject: number, position: bigint | undefined, trust: Trust): Promise<SubjectFold> {
    const { zone, subject: bytes } = this.key(subject)
    const hex = bytes.toString('hex')
    const entry = this.#subjects.at(subject)
    const own = await this.#list(getPlace(entry, listAt))
    const waiting = await this.#list(getPlace(entry, waitingAt))
    const events = [...own, ...waiting.filter((event) => event.subject !== hex)]
    const below = position === undefined ? events : events.filter(({ kept }) => kept.position! < position)
    return foldSubject(zone, hex, below.sort(byPlace), this.#context(zone, trust))
  }

  /** Takes back a piece that the archive held already, as it was appended. */
  restore(piece: EventPiece, at: PieceAt): void {
    const { event, name, role, settles, row } = piece
    const nameEntry = name === undefined ? undefined : this.#names.findOrAdd(name)
    if (role === 'waiting') {
      if (nameEntry === undefined) throw new ReplayStateError('a waiting piece without a name')
      putPlace(this.#names.at(nameEntry), nameWaitingAt, at)
      return
    }
    const subject = this.#subjects.findOrAdd(this.#keyOf(event.zone, piece.subject))
    const entry = this.#subjects.at(subject)
    if (settles && nameEntry !== undefined) this.#settle(nameEntry, subject)
    putPlace(entry, listAt, at)
    if (row === undefined) entry[staleAt] = 1
    else this.#noteRow(entry, row)
    if (row !== undefined && role === 'own') entry.writeUInt32LE(entry.readUInt32LE(toldAt) + 1, toldAt)
  }

  /** Whether the string belongs to the subject from now on; what waited for it does too. */
  #settle(nameEntry: number, subject: number): boolean {
    const name = this.#names.at(nameEntry)
    if (name.readUInt32LE(ownerAt) !== 0) return false
    name.writeUInt32LE(subject + 1, ownerAt)
    const waiting = getPlace(name, nameWaitingAt)
    if (waiting === undefined) return true
    const entry = this.#subjects.at(subject)
    putPlace(entry, waitingAt, waiting)
    this.#makeStale(subject)
    return true
  }

  #touch(nameEntry: number, subject: number, event: ReadEvent, name: Uint8Array | undefined): void {
    const entry = this.#names.at(nameEntry)
    const owner = entry.readUInt32LE(ownerAt)
    const { kept } = event
    if (owner === 0) {
      const previous = getPlace(entry, nameWaitingAt)
      const piece: EventPiece = {
        event: kept,
        subject: event.leaf.subject,
        name,
        role: 'waiting',
        settles: false,
        previous,
        row: undefined,
      }
      putPlace(entry, nameWaitingAt, this.#archive.append(encodePiece(piece, this.#texts)))
    } else if (owner - 1 !== subject) {
      this.#makeStale(owner - 1)
      this.#append(owner - 1, { event: kept, name: undefined, role: 'touching', settles: false, row: undefined })
    }
  }

  #append(subject: number, piece: Omit<EventPiece, 'subject' | 'previous'>): void {
    const entry = this.#subjects.at(subject)
    const whole = { ...piece, subject: entry.subarray(2, subjectKeyBytes), previous: getPlace(entry, listAt) }
    putPlace(entry, listAt, this.#archive.append(encodePiece(whole, this.#texts)))
  }

  /** Only where everything about the subject is at hand; else its row is made when it is asked for. */
  #foldAtOnce(subject: number, isNew: boolean, event: ReadEvent, trust: Trust): RowNow | undefined {
    const { zone } = event.kept
    const held = isNew ? emptyFold(zone, event.subject) : this.#folds.get(subject)
    if (held === undefined || this.isStale(subject) || held.events.length >= foldedAtOnceMax) {
      this.#makeStale(subject)
      return undefined
    }
    const fold = withoutViews(foldEvent(held, event, this.#context(zone, trust)), held)
    const row = this.#note(subject, fold)
    this.#folds.delete(subject)
    this.#folds.set(subject, fold)
    for (const oldest of this.#folds.keys()) {
      if (this.#folds.size <= this.#foldsHeldMax) break
      this.#folds.delete(oldest)
    }
    return row
  }

  #makeStale(subject: number): void {
    this.#subjects.at(subject)[staleAt] = 1
    this.#folds.delete(subject)
  }

  #note(subject: number, fold: SubjectFold): RowNow {
    const bytes = digestRow(fold)
    if (bytes === undefined) throw new RangeError('a subject without an event of its own has no row')
    const row = { hash: digestRowHash(bytes), standing: standingOf(fold, this.#words) }
    const entry = this.#subjects.at(subject)
    this.#noteRow(entry, row)
    const own = fold.events.filter(({ touching }) => !touching)
    for (const { code } of own.slice(entry.readUInt32LE(toldAt))) this.#onJudged(fold.zone, code)
    entry.writeUInt32LE(own.length, toldAt)
    return row
  }

  #noteRow(entry: Buffer, { hash, standing }: RowNow): void {
    entry.set(hash, hashAt)
    entry.writeUInt8(standing.word, standingAt)
    entry.writeUInt16LE(standing.fromDay, standingAt + 1)
    entry.writeUInt16LE(standing.untilDay, standingAt + 3)
    entry[staleAt] = 0
  }

  async #list(last: PieceAt | undefined): Promise<ReadEvent[]> {
    const events: ReadEvent[] = []
    for (let at = last; at !== undefined; ) {
      const { piece } = decodePiece(await this.#archive.read(at), this.#texts)
      const event = readPiece(piece)
      if (event === undefined) throw new ReplayStateError('an event is not as it was kept')
      events.push(event)
      at = piece.previous
    }
    return events
  }

  #context(zone: string, trust: Trust): FoldContext {
    const primarySubject = (string: string) => {
      const name = this.#names.find(nameOf(zone, string))
      const owner = name === undefined ? 0 : this.#names.at(name).readUInt32LE(ownerAt)
      return owner === 0 ? undefined : this.key(owner - 1).subject.toString('hex')
    }
    return { trust, primarySubject }
  }

  #keyOf(zone: string, subject: Uint8Array): Buffer {
    keyScratch.writeUInt16LE(this.#texts.numberOf(zone), 0)
    keyScratch.set(subject, 2)
    return keyScratch
  }
}

const keyScratch = Buffer.alloc(subjectKeyBytes)

/** A hash: only whether two subject strings are equal is ever asked. */
function nameOf(zone: string, subjectString: string): Buffer {
  return createHash('sha256').update(`${zone}\0${subjectString}`).digest().subarray(0, nameBytes)
}

function putPlace(bytes: Buffer, at: number, { chunk, offset }: PieceAt): void {
  bytes[at] = 1
  bytes.writeUInt32LE(chunk, at + 1)
  bytes.writeUInt32LE(offset, at + 5)
}

function getPlace(bytes: Buffer, at: number): PieceAt | undefined {
  return bytes[at] === 0 ? undefined : { chunk: bytes.readUInt32LE(at + 1), offset: bytes.readUInt32LE(at + 5) }
}

/** The order of the log: what waited for a string came before what settled it. */
function byPlace({ kept: left }: ReadEvent, { kept: right }: ReadEvent): number {
  const [a, b] = [left.position!, right.position!]
  return a < b ? -1 : a > b ? 1 : left.place - right.place
}

/**
 * Digests of files are views of the payload they came in, and so of the bytes of its whole batch: left so, a fold would hold all of them.
 */
function withoutViews(fold: SubjectFold, before: SubjectFold): SubjectFold {
  const { licence, refusedIssue } = fold
  return {
    ...fold,
    ...(licence !== before.licence && licence.kind !== 'none' && { licence: withOwnFiles(licence) }),
    ...(refusedIssue !== undefined &&
      refusedIssue !== before.refusedIssue && { refusedIssue: withOwnFiles(refusedIssue) }),
  }
}

type WithLicence = Pick<NonNullable<SubjectFold['refusedIssue']>, 'licence'>

function withOwnFiles<T extends WithLicence>(holder: T): T {
  const { files } = holder.licence
  if (files.length === 0) return holder
  const own = files.map((file) => ({ ...file, sha256: Uint8Array.from(file.sha256), sm3: Uint8Array.from(file.sm3) }))
  return { ...holder, licence: { ...holder.licence, files: own } }
}
