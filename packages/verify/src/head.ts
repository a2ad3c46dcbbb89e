import { type Checkpoint, openNote, parseCheckpoint, type VerifiedSignature, type VerifierKey } from '@hutong/merkle'
import { keyIdentity } from './charter-view.ts'
import { type Refused, refused } from './refused.ts'
import { hubKeysAt, type LogKeys, logKeysAt, type Trust, witnessesAt } from './trust.ts'

/** A checkpoint under the deciding signature of its log. */
export interface SignedCheckpoint {
  readonly kind: 'checkpoint'
  readonly checkpoint: Checkpoint
  /** The signed note as received. */
  readonly note: Uint8Array
  /** `<name>+<8 hex of key id>` of the key whose line decides. */
  readonly signer: string
}

/** A head with a quorum of cosignatures. */
export interface CosignedHead {
  readonly kind: 'cosigned'
  readonly checkpoint: Checkpoint
  readonly note: Uint8Array
  /** When each witness signed, milliseconds since 1970, newest first. */
  readonly timesMs: readonly number[]
  /** How many of them make a quorum, at least 1. */
  readonly quorum: number
  /** The q-th newest of them: since then a whole quorum has seen it. */
  readonly quorumTimeMs: number
}

/**
 * A head of H: the hub's note over a checkpoint of its log, signed by the suite that decides with a key accepted at position `at`
 * (default: the position the head itself names, since a head of size n covers the leaves below n).
 */
export function readHead(trust: Trust, note: Uint8Array, at?: bigint): SignedCheckpoint | Refused {
  const size = at ?? sizeOfNote(note)
  if (size === undefined) return refused('MALFORMED', 'head: no checkpoint')
  return readCheckpoint(hubKeysAt(trust, size), note)
}

/** A zone's checkpoint, under a key accepted at H position `at`. */
export function readZoneCheckpoint(
  trust: Trust,
  origin: string,
  note: Uint8Array,
  at: bigint,
): SignedCheckpoint | Refused {
  const keys = logKeysAt(trust, origin, at)
  return keys === undefined ? refused('LOG_UNKNOWN', `no log ${origin}`) : readCheckpoint(keys, note)
}

/**
 * A head with cosignatures. It is judged by the witness set at `at`: the size of the last cosigned head before it, 0 before the first
 * (formats F12). With `quorum none` no head is ever cosigned.
 */
export function readCosigned(trust: Trust, note: Uint8Array, at: bigint): CosignedHead | Refused {
  const { cosigners, quorum } = witnessesAt(trust, at)
  if (quorum === 0) return refused('QUORUM_MISSED', 'the charter asks for no quorum, so nothing is witnessed')
  const size = sizeOfNote(note)
  if (size === undefined) return refused('MALFORMED', 'head: no checkpoint')
  const hub = hubKeysAt(trust, size)
  const opened = openNote(note, [...hub.keys, ...cosigners.map(({ key }) => key)])
  if (opened.kind === 'refused') return opened
  const signed = checkpointOf(hub, opened.text, opened.verified, note)
  if (signed.kind === 'refused') return signed
  const timesMs = timesOf(opened.verified, cosigners)
  const quorumTimeMs = timesMs[quorum - 1]
  if (quorumTimeMs === undefined) {
    return refused('QUORUM_MISSED', `${timesMs.length} cosignatures, and ${quorum} make a quorum`)
  }
  return { kind: 'cosigned', checkpoint: signed.checkpoint, note, timesMs, quorum, quorumTimeMs }
}

/** Newest first. A zone with two keys, while one follows the other, is still one witness. */
function timesOf(
  verified: readonly VerifiedSignature[],
  cosigners: readonly { readonly zone: string; readonly key: VerifierKey }[],
): readonly number[] {
  const byZone = new Map<string, number>()
  for (const { key, time } of verified) {
    const zone = cosigners.find((cosigner) => cosigner.key === key)?.zone
    if (zone === undefined || time === undefined) continue
    byZone.set(zone, Math.max(Number(time) * 1000, byZone.get(zone) ?? 0))
  }
  return [...byZone.values()].sort((left, right) => right - left)
}

/** The size a note claims, nothing verified; undefined where it is no checkpoint. */
export function sizeOfNote(note: Uint8Array): bigint | undefined {
  const text = Buffer.from(note).toString('utf8')
  const parting = text.lastIndexOf('\n\n')
  if (parting < 0) return undefined
  const parsed = parseCheckpoint(text.slice(0, parting + 1))
  return parsed.kind === 'checkpoint' ? parsed.size : undefined
}

function readCheckpoint(keys: LogKeys, note: Uint8Array): SignedCheckpoint | Refused {
  const opened = openNote(note, keys.keys)
  return opened.kind === 'refused' ? opened : checkpointOf(keys, opened.text, opened.verified, note)
}

function checkpointOf(
  keys: LogKeys,
  text: string,
  verified: readonly { readonly key: VerifierKey }[],
  note: Uint8Array,
): SignedCheckpoint | Refused {
  // By the key itself: a witness may sign by the same suite, and may be called anything.
  const deciding = verified.find(({ key }) => keys.deciding.includes(key))
  if (deciding === undefined) return refused('NO_KNOWN_SIGNATURE', `no line of ${keys.origin} by ${keys.suite}`)
  const checkpoint = parseCheckpoint(text)
  if (checkpoint.kind === 'refused') return checkpoint
  if (checkpoint.origin !== keys.origin) return refused('LOG_UNKNOWN', `a checkpoint of ${checkpoint.origin}`)
  if (checkpoint.extensionLines.length > 0) return refused('MALFORMED', 'checkpoint: extension lines')
  return { kind: 'checkpoint', checkpoint, note, signer: keyIdentity(deciding.key) }
}
