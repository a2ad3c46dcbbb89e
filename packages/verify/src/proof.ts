import { type Event, kindNumber } from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { type ProofFileEvent, proofFileFromBytes } from '@hutong/wire'
import { foldSubject, stands } from './fold.ts'
import { type KeptEvent, type ReadEvent, readEvent } from './kept.ts'
import { type ProvenBatch, readBatchProof, readEventProof } from './proof-batch.ts'
import { trustOfCharters } from './proof-charters.ts'
import { type ProofFails, proofFails } from './proof-fault.ts'
import { type ProofHeads, textOf } from './proof-head.ts'
import { isDoubtful, newestLogged, type Trust, trustFromFirstCharter } from './trust.ts'

/** One event of a licence, as the log has it. */
export interface ProvenEvent {
  readonly origin: string
  /** The event id is `<origin>/<index>`. */
  readonly index: bigint
  /** The H index of its batch. */
  readonly position: bigint
  /** The hub's clock at that position, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** The zone's clock, milliseconds since 1970. */
  readonly loggedAtMs: number
  readonly leafHash: Uint8Array
  /** `<name>+<8 hex of key id>`. */
  readonly signer: string
  readonly event: Event
  /**
   * Whether it follows from the events before it. One that does not stand changed nothing. Whether another subject of that log bears
   * the same number (SUBJECT_SPLIT) cannot be seen in a proof.
   */
  readonly stands: boolean
}

/** The events shown are all there were about the licence in its zone's log up to the last of them. */
export interface ProofHolds {
  readonly kind: 'holds'
  readonly alliance: string
  /** The issuing zone. */
  readonly zone: string
  readonly origin: string
  /** Index of the last event shown. */
  readonly index: bigint
  /** The H index of its batch: what the proof is as of. */
  readonly position: bigint
  /** The hub's clock there, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** Lower-case hex. */
  readonly subject: string
  /** Number of the newest charter looked at. */
  readonly charter: bigint
  /** In the order of the log, never empty. */
  readonly events: readonly ProvenEvent[]
}

export type ProofVerdict = ProofHolds | ProofFails

/**
 * Checks a proof of a licence (formats F10) with nothing but the bytes of charter 0 (and, where given, the SHA-256 by which it is
 * pinned). It says what was logged, up to the last event shown; it never says whether the licence may be relied on: what came after
 * that event, also before the file was made, is not in it. Never throws on what an outsider wrote.
 */
export function verifyProof(bytes: Uint8Array, charter: Uint8Array, pinnedSha256?: Uint8Array): ProofVerdict {
  const first = trustFromFirstCharter(charter, pinnedSha256)
  return 'kind' in first
    ? proofFails('CHARTER_REFUSED', 'charter', `charter 0 of the alliance (${first.code})`)
    : verifyProofUnder(first, bytes)
}

/** The same with charter 0 already read. */
export function verifyProofUnder(first: Trust, bytes: Uint8Array): ProofVerdict {
  const reading = proofFileFromBytes(bytes)
  if (reading.kind === 'unreadable') return proofFails('PROOF_UNREADABLE', reading.field, reading.expected)
  const { file } = reading
  const trusted = trustOfCharters(first, file)
  if (trusted.kind === 'fails') return trusted
  const { trust, heads } = trusted
  const found: FoundEvent[] = []
  for (const [at, event] of file.events.entries()) {
    const next = readProofEvent(trust, heads, event, `events[${at}]`)
    if (next.kind === 'fails') return next
    const fault = followsFrom(found.at(-1), next, `events[${at}]`)
    if (fault !== undefined) return fault
    found.push(next)
  }
  return foldProof(trust, found)
}

interface FoundEvent {
  readonly kind: 'event'
  readonly read: ReadEvent
  readonly event: Event
  readonly batch: ProvenBatch
}

/** One event by itself: in its batch, the batch in H, the payload the one committed to, leaf and payload of one mind. */
function readProofEvent(
  trust: Trust,
  heads: ProofHeads,
  { leaf, salt, payload, eventProof, batchProof }: ProofFileEvent,
  where: string,
): FoundEvent | ProofFails {
  const batch = readBatchProof(trust, heads, batchProof, `${where}.batchProof`)
  if (batch.kind === 'fails') return batch
  const proven = readEventProof(batch, eventProof, `${where}.eventProof`, leaf)
  if (proven.kind === 'fails') return proven
  const { accepted, zone, position, receivedAtMs, signer } = batch
  const { origin, oldSize } = accepted
  const { index } = proven
  const kept: KeptEvent = {
    ...{ zone, origin, index, position, place: Number(index - oldSize), receivedAtMs, signer },
    ...{ leaf, leafHash: sha256Tree.leaf(leaf), salt, payload },
  }
  const read = readEvent(kept)
  if (read === undefined) return proofFails('LEAF_UNREADABLE', `${where}.leaf`, `the leaf ${index} of ${origin}`)
  const event = readProofPayload(read, where)
  return 'code' in event ? event : { kind: 'event', read, event, batch }
}

function readProofPayload({ kept, leaf, reading }: ReadEvent, where: string): Event | ProofFails {
  switch (reading.kind) {
    case 'missing':
    case 'mismatch':
      return proofFails('PAYLOAD_MISMATCH', `${where}.payload`, 'salt and payload that open the commitment of the leaf')
    case 'not_understood':
      return proofFails('EVENT_NOT_UNDERSTOOD', where, reading.why)
    case 'unreadable':
      return proofFails('EVENT_NOT_UNDERSTOOD', `${where}.payload`, reading.why)
    case 'read': {
      const { payload, subjectMatches } = reading
      const saysTheSame = subjectMatches && payload.origin === kept.origin
      if (!saysTheSame || kindNumber[payload.event.kind] !== leaf.kind) {
        return proofFails('LEAF_MISMATCH', where, 'subject, kind and log of the leaf in the payload')
      }
      if (!isAboutLicence(payload.event)) return proofFails('NOT_OF_A_LICENCE', where, 'an event of a licence')
      // Then the history began in an earlier epoch of the log, whose events one file does not carry.
      if (payload.previousEpoch !== undefined) {
        return proofFails('EVENT_LEFT_OUT', where, 'a licence whose events stand in one epoch of the log')
      }
      return payload.event
    }
  }
}

function isAboutLicence(event: Event): boolean {
  switch (event.kind) {
    case 'recognition_declared':
    case 'recognition_withdrawn':
    case 'observed':
      return false
    case 'restated':
      return event.about.kind === 'licence'
    default:
      return true
  }
}

/** Whether an event is the very next one about the licence: what `previous` is for. */
function followsFrom(before: FoundEvent | undefined, event: FoundEvent, where: string): ProofFails | undefined {
  const { read, batch } = event
  const { kept, leaf } = read
  if (before === undefined) {
    return leaf.previous === 0n ? undefined : proofFails('EVENT_LEFT_OUT', where, 'the first event about the licence')
  }
  const last = before.read
  if (kept.origin !== last.kept.origin) return proofFails('LOG_DIFFERS', where, `an event of ${last.kept.origin}`)
  if (read.subject !== last.subject) return proofFails('SUBJECT_DIFFERS', where, 'the subject of the event before')
  if (kept.index <= last.kept.index) return proofFails('ORDER', where, `an index above ${last.kept.index}`)
  if (leaf.previous !== last.kept.index + 1n) {
    return proofFails('EVENT_LEFT_OUT', where, `the event whose previous one is ${last.kept.index}`)
  }
  return batchFollows(before.batch, batch, where)
}

/** Two leaves of H of one log: the same one, or one after the other in place, sizes and time. */
function batchFollows(before: ProvenBatch, batch: ProvenBatch, where: string): ProofFails | undefined {
  if (batch.position === before.position) return undefined
  const follows =
    batch.position > before.position &&
    batch.accepted.oldSize >= before.accepted.newSize &&
    batch.receivedAtMs >= before.receivedAtMs
  if (follows) return undefined
  const heads = [textOf(before.hubLeaf.head), textOf(batch.hubLeaf.head)] as const
  return proofFails('HEADS_CONTRADICT', `${where}.batchProof`, 'a leaf of H after that of the event before', { heads })
}

function foldProof(trust: Trust, found: readonly FoundEvent[]): ProofVerdict {
  const last = found.at(-1)!
  const { zone } = last.batch
  const { subject } = last.read
  const { events: judged } = foldSubject(
    zone,
    subject,
    found.map(({ read }) => read),
    { trust, primarySubject: () => subject },
  )
  const doubtful = firstDoubtful(trust, found, judged)
  if (doubtful !== undefined) {
    return proofFails('KEY_COMPROMISED', `events[${doubtful}]`, 'an event by a sound key, or one restated under it')
  }
  const { origin, index } = last.read.kept
  return {
    kind: 'holds',
    alliance: trust.charters[0].charter.alliance,
    ...{ zone, origin, index, position: last.batch.position, receivedAtMs: last.batch.receivedAtMs, subject },
    charter: newestLogged(trust).charter.number,
    events: found.map(({ read: { kept, leaf }, event, batch }, at) => ({
      ...{ origin, index: kept.index, position: batch.position, receivedAtMs: batch.receivedAtMs },
      ...{ loggedAtMs: leaf.loggedAtMs, leafHash: kept.leafHash, signer: kept.signer, event },
      stands: judged[at]!.code === stands,
    })),
  }
}

/** The place of the first event under a compromised key that no sound event of the file has stated again. */
function firstDoubtful(
  trust: Trust,
  found: readonly FoundEvent[],
  judged: readonly { readonly index: bigint; readonly restates: bigint | undefined }[],
): number | undefined {
  // As the newest charter of the file sees it, not the one at the event's position: a key found out later is found out.
  const at = newestLogged(trust).position + 1n
  const isSound = ({ read: { kept } }: FoundEvent) => !isDoubtful(trust, at, kept.origin, kept.signer, kept.index)
  const restatements = judged.filter((_, place) => isSound(found[place]!)).map(({ restates }) => restates)
  const place = found.findIndex((one) => !isSound(one) && !restatements.includes(one.read.kept.index))
  return place < 0 ? undefined : place
}
