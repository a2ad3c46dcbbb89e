import { sha256Tree } from '@hutong/merkle'
import type { SubjectFold } from '@hutong/verify'
import { type DigestRowReading, decodeDigestRow } from '@hutong/wire'
import type { DigestAnswer, VerifierPeer } from './ports.ts'
import type { EventDifference, Exhibit, RowDifference, VerifierFinding } from './report.ts'
import { orAborted } from './until-aborted.ts'

type DigestRow = Extract<DigestRowReading, { kind: 'row' }>['row']

/** The state that a verifier is held against: a replay's own, or another verifier's. */
export interface OwnState {
  readonly position: bigint
  /** H's root. */
  readonly root: Uint8Array
  readonly digest: Uint8Array
  readonly rows: OwnRows
  /** Its payloads are those that a source of records gave: where one is missing there, no verifier is to blame. */
  readonly isReplayed?: true
}

/** Rows of a state digest, asked one by one and in slices. */
export interface OwnRows {
  readonly count: number
  /** RFC 6962 root over `count` rows from row `from` on. */
  sliceRoot(from: number, count: number): Uint8Array | Promise<Uint8Array>
  /** The bytes of a row, with what it was made of where that is known; undefined beyond the last. */
  row(index: number): Promise<OwnRow | undefined>
}

export interface OwnRow {
  readonly bytes: Uint8Array
  readonly fold?: SubjectFold
}

/**
 * Holds one verifier's root and digest against the replay's. Where the digests differ it finds the first row that does, by the roots of
 * slices, in at most about two questions for each bit of the number of rows.
 *
 * @throws the signal's reason; a verifier that cannot be asked is a finding.
 */
export async function compareVerifier(
  peer: VerifierPeer,
  own: OwnState,
  signal?: AbortSignal,
): Promise<VerifierFinding> {
  try {
    return await compare(peer, own, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof UnfitAnswer && error.zone === peer.zone) return inconsistent(peer, own, error)
    // The rows it is held against do not fit each other: that says nothing of this one.
    if (error instanceof UnfitAnswer) throw error
    return notCompared(peer.zone, 'NOT_REACHED', error instanceof Error ? error.message : String(error))
  }
}

/** A verifier's state as the one another is held against. Refused, or unable to be asked: a finding. @throws {UnfitAnswer} */
export async function stateOfVerifier(
  peer: VerifierPeer,
  position: bigint,
  signal?: AbortSignal,
): Promise<OwnState | VerifierFinding> {
  const { zone } = peer
  let whole: DigestAnswer
  try {
    whole = await orAborted(peer.digest(position, 0n, 0n, signal), signal)
  } catch (error) {
    signal?.throwIfAborted()
    return notCompared(zone, 'NOT_REACHED', error instanceof Error ? error.message : String(error))
  }
  if (whole.kind === 'refused' && whole.code === 'DOCUMENT_DAMAGED') throw new UnfitAnswer(zone, whole.reason)
  if (whole.kind === 'refused') return notCompared(zone, whole.code, whole.reason)
  if (whole.position !== position) throw new UnfitAnswer(zone, `asked at ${position}, it answers at ${whole.position}`)
  const { root, digest, rows } = whole
  const asked: Asked = { peer, own: { position, root, digest, rows: noRows }, signal, verifierRows: rows }
  return {
    position,
    root,
    digest,
    rows: {
      count: Number(rows),
      sliceRoot: async (from, count) => (await ask(asked, from, count)).digest,
      row: (index) => askRow(asked, index),
    },
  }
}

const noRows: OwnRows = { count: 0, sliceRoot: () => new Uint8Array(0), row: async () => undefined }

/** A verifier that was not compared, and why. */
export function notCompared(zone: string, code: string, reason: string): VerifierFinding {
  return { kind: 'not_compared', zone, code, reason }
}

async function compare(peer: VerifierPeer, own: OwnState, signal: AbortSignal | undefined): Promise<VerifierFinding> {
  const { zone } = peer
  const { position } = own
  const whole = await orAborted(peer.digest(position, 0n, 0n, signal), signal)
  // It cannot tell what it holds because it is damaged: that is no verifier that is away, it differs from the replay.
  if (whole.kind === 'refused' && whole.code === 'DOCUMENT_DAMAGED') throw new UnfitAnswer(zone, whole.reason)
  if (whole.kind === 'refused') return notCompared(zone, whole.code, whole.reason)
  if (whole.position !== position) throw new UnfitAnswer(zone, `asked at ${position}, it answers at ${whole.position}`)
  if (!sameBytes(whole.root, own.root)) {
    return { kind: 'root_differs', zone, position, own: own.root, verifier: whole.root }
  }
  const sameRows = whole.rows === BigInt(own.rows.count)
  if (sameBytes(whole.digest, own.digest)) {
    if (!sameRows) throw new UnfitAnswer(zone, `the same digest over ${whole.rows} rows as over ${own.rows.count}`)
    return { kind: 'agrees', zone, position }
  }
  const asked: Asked = { peer, own, signal, verifierRows: whole.rows }
  const difference = await firstDifference(asked)
  const lacked = own.isReplayed === true ? eventLackedBy('own', difference) : undefined
  return lacked === undefined ? { kind: 'row_differs', zone, position, difference } : withoutPayload(zone, lacked)
}

/** The event whose payload one side lacks and the other has read: what follows from it in the row is nobody's fault. */
export function eventLackedBy(side: 'own' | 'verifier', { events }: RowDifference): EventDifference | undefined {
  const other = side === 'own' ? 'verifier' : 'own'
  return events.find((event) => {
    const [lacking, having] = [event[side], event[other]]
    if (lacking?.verdict !== 'PAYLOAD_MISSING' || having === undefined) return false
    return having.verdict !== lacking.verdict && sameBytes(having.leafHash, lacking.leafHash)
  })
}

/** A comparison that a payload is missing for: deleted from an export, or never given. */
export function withoutPayload(zone: string, { eventId, position }: EventDifference): VerifierFinding {
  const event = eventId ?? `an event at position ${position}`
  return notCompared(zone, 'PAYLOAD_MISSING', `one side has no payload for ${event}, the other has: replay what has it`)
}

/** What the questions to one verifier rest on. */
interface Asked {
  readonly peer: VerifierPeer
  readonly own: OwnState
  readonly signal: AbortSignal | undefined
  readonly verifierRows: bigint
}

/** An answer that cannot be true together with the one before, or that says of itself that the copy is damaged. */
export class UnfitAnswer extends Error {
  override readonly name = 'UnfitAnswer'
  /** Whose answer it is. */
  readonly zone: string
  readonly own: readonly Exhibit[]
  readonly verifier: readonly Exhibit[]

  constructor(zone: string, reason: string, own: readonly Exhibit[] = [], verifier: readonly Exhibit[] = []) {
    super(reason)
    this.zone = zone
    this.own = own
    this.verifier = verifier
  }
}

async function firstDifference(asked: Asked): Promise<RowDifference> {
  const { own, verifierRows } = asked
  const ownRows = BigInt(own.rows.count)
  const index = await firstDifferingIndex(asked, Number(ownRows < verifierRows ? ownRows : verifierRows))
  const ownFull = await own.rows.row(index)
  const ownRow = ownFull?.bytes
  const verifierRow = await askRow(asked, index)
  if (ownRow === undefined && verifierRow === undefined) {
    throw new UnfitAnswer(asked.peer.zone, 'its digest differs, and every one of its rows agrees')
  }
  if (ownRow !== undefined && verifierRow !== undefined && sameBytes(ownRow, verifierRow.bytes)) {
    throw new UnfitAnswer(asked.peer.zone, `row ${index} differs by its hash and is the same`)
  }
  const ownRead = ownRow === undefined ? undefined : readRow(ownRow)
  const kind = await kindOfDifference(asked, index, ownRead, verifierRow?.row)
  const named = (kind === 'superfluous' ? verifierRow?.row : ownRead) ?? verifierRow!.row
  return {
    kind,
    index: BigInt(index),
    zone: named.zone,
    subject: hex(named.subject),
    events: eventDifferences(ownFull?.fold, kind, ownRead, verifierRow?.row),
    ownRows,
    verifierRows,
    own: ownRow,
    verifier: verifierRow?.bytes,
  }
}

/** The first of the rows both sides have that differs; `common` where none does: then it is the row only one side has. */
async function firstDifferingIndex(asked: Asked, common: number): Promise<number> {
  let from = 0
  for (let left = common; left > 0; ) {
    const width = largestPowerUpTo(left)
    if (!(await sliceAgrees(asked, from, width))) return descend(asked, from, width)
    from += width
    left -= width
  }
  return common
}

async function descend(asked: Asked, from: number, width: number): Promise<number> {
  let first = from
  for (let half = width / 2; half >= 1; half /= 2) {
    if (await sliceAgrees(asked, first, half)) first += half
  }
  return first
}

async function sliceAgrees(asked: Asked, from: number, count: number): Promise<boolean> {
  const { digest } = await ask(asked, from, count)
  return sameBytes(digest, await asked.own.rows.sliceRoot(from, count))
}

async function askRow(
  asked: Asked,
  index: number,
): Promise<{ readonly bytes: Uint8Array; readonly row: DigestRow } | undefined> {
  if (BigInt(index) >= asked.verifierRows) return undefined
  const { row: bytes, digest } = await ask(asked, index, 1)
  if (!sameBytes(sha256Tree.leaf(bytes), digest)) {
    throw new UnfitAnswer(
      asked.peer.zone,
      `row ${index} is not the one its hash names`,
      [],
      [{ what: `row ${index}`, bytes }],
    )
  }
  const reading = decodeDigestRow(bytes)
  if (reading.kind === 'unreadable') {
    const ownRow = await asked.own.rows.row(index)
    const own = ownRow === undefined ? [] : [{ what: `row ${index}`, bytes: ownRow.bytes }]
    throw new UnfitAnswer(asked.peer.zone, `row ${index} is none: ${reading.why}`, own, [
      { what: `row ${index}`, bytes },
    ])
  }
  return { bytes, row: reading.row }
}

async function ask(
  { peer, own, signal, verifierRows }: Asked,
  from: number,
  count: number,
): Promise<Extract<DigestAnswer, { kind: 'digest' }>> {
  const answer = await orAborted(peer.digest(own.position, BigInt(from), BigInt(count), signal), signal)
  if (answer.kind === 'refused') {
    throw new UnfitAnswer(peer.zone, `it answers for all rows and refuses a slice: ${answer.reason}`)
  }
  if (answer.position !== own.position || answer.rows !== verifierRows || !sameBytes(answer.root, own.root)) {
    throw new UnfitAnswer(peer.zone, 'its rows changed while they were asked for')
  }
  return answer
}

async function kindOfDifference(
  asked: Asked,
  index: number,
  own: DigestRow | undefined,
  verifier: DigestRow | undefined,
): Promise<RowDifference['kind']> {
  if (verifier === undefined) return 'missing'
  if (await isMisplaced(asked, index, verifier)) return 'misplaced'
  if (own === undefined) return 'superfluous'
  const order = compareKeys(own, verifier)
  return order === 0 ? 'altered' : order < 0 ? 'missing' : 'superfluous'
}

/** Whether the verifier's rows do not ascend around this one. The row before it is the same on both sides. */
async function isMisplaced(asked: Asked, index: number, row: DigestRow): Promise<boolean> {
  const before = index === 0 ? undefined : await asked.own.rows.row(index - 1)
  if (before !== undefined && compareKeys(readRow(before.bytes), row) >= 0) return true
  const next = await askRow(asked, index + 1)
  return next !== undefined && compareKeys(row, next.row) >= 0
}

function eventDifferences(
  fold: SubjectFold | undefined,
  kind: RowDifference['kind'],
  ownRow: DigestRow | undefined,
  verifierRow: DigestRow | undefined,
): readonly EventDifference[] {
  const ids = new Map(fold?.events.map((event) => [placeOf(event), `${event.origin}/${event.index}`]))
  const places = new Map<string, EventDifference>()
  const add = (side: 'own' | 'verifier', row: DigestRow | undefined) => {
    for (const { position, place, leafHash, verdict } of row?.events ?? []) {
      const at = placeOf({ position, place })
      const known = places.get(at) ?? { eventId: ids.get(at), position, place, own: undefined, verifier: undefined }
      places.set(at, { ...known, [side]: { leafHash, verdict } })
    }
  }
  if (kind !== 'superfluous') add('own', ownRow)
  if (kind === 'altered' || kind === 'superfluous') add('verifier', verifierRow)
  return [...places.values()].filter((event) => !sameEvent(event))
}

function sameEvent({ own, verifier }: EventDifference): boolean {
  return (
    own !== undefined &&
    verifier !== undefined &&
    own.verdict === verifier.verdict &&
    sameBytes(own.leafHash, verifier.leafHash)
  )
}

function placeOf({ position, place }: { readonly position: bigint | undefined; readonly place: number }): string {
  return `${position}/${place}`
}

function compareKeys(left: DigestRow, right: DigestRow): number {
  return Buffer.compare(Buffer.from(left.zone), Buffer.from(right.zone)) || Buffer.compare(left.subject, right.subject)
}

/** Of rows of our own, and of another's that were read before: they are rows. */
function readRow(bytes: Uint8Array): DigestRow {
  const reading = decodeDigestRow(bytes)
  if (reading.kind === 'unreadable') throw new RangeError(`a row of the replay is none: ${reading.why}`)
  return reading.row
}

function inconsistent({ zone }: VerifierPeer, { position }: OwnState, error: UnfitAnswer): VerifierFinding {
  return { kind: 'inconsistent', zone, position, reason: error.message, own: error.own, verifier: error.verifier }
}

function largestPowerUpTo(count: number): number {
  return 2 ** Math.floor(Math.log2(count))
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
