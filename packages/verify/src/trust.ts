import type { Charter, SuiteName } from '@hutong/licence'
import { openNote, type VerifierKey } from '@hutong/merkle'
import { sha256 } from '@hutong/signing'
import { charterFromBytes } from '@hutong/wire'
import { type CharterView, type KeyView, type LogView, viewCharter } from './charter-view.ts'
import { type Refused, refused } from './refused.ts'

/** A charter travels whole; a larger one is refused unread (formats F14). */
export const maxCharterSizeBytes: number = 512 * 1024

/** A charter and where it stands. */
export interface LoggedCharter {
  /** Its index in H; it governs the leaves after that one. Charter 0 governs leaf 0 as well. */
  readonly position: bigint
  readonly charter: Charter
  readonly bytes: Uint8Array
  readonly sha256: Uint8Array
  readonly view: CharterView
}

/**
 * All charters so far, in order, never empty. Trust is judged by log position and not by clock: the same replay gives the same trust.
 */
export interface Trust {
  readonly charters: readonly [LoggedCharter, ...LoggedCharter[]]
}

/** Trust begins with charter 0, whose SHA-256 everybody pins (formats F14). */
export function trustFromFirstCharter(bytes: Uint8Array, pinnedSha256?: Uint8Array): Trust | Refused {
  const first = readCharter(bytes, 0n)
  if ('kind' in first) return first
  if (pinnedSha256 !== undefined && !sameBytes(first.sha256, pinnedSha256)) {
    return refused('CHARTER_NOT_PINNED', 'charter 0 is not the one whose SHA-256 is pinned here')
  }
  if (first.charter.number !== 0n || first.charter.previousSha256.length !== 0) {
    return refused('CHARTER_NUMBER', 'this is not a charter 0')
  }
  return { charters: [first] }
}

/** The text that admins sign for a charter: number, SHA-256 of the charter before (64 zeros for charter 0), SHA-256 of this one. */
export function charterNoteText(charter: {
  readonly alliance: string
  readonly number: bigint
  readonly previousSha256: Uint8Array
  readonly sha256: Uint8Array
}): string {
  const previous = charter.number === 0n ? '0'.repeat(64) : hex(charter.previousSha256)
  return `hutong/charter/v1\n${charter.alliance}\n${charter.number}\n${previous}\n${hex(charter.sha256)}\n`
}

/**
 * Whether at least m admins signed this note over `text`: those whose keys this charter accepts at the H position given. An admin with
 * two keys is still one.
 */
export function signedByAdmins(view: CharterView, note: Uint8Array, text: string, position: bigint): boolean {
  const accepted = view.admins.filter(({ entry }) => soundAt(entry, position))
  const opened = openNote(
    note,
    accepted.map(({ key }) => key),
  )
  if (opened.kind === 'refused' || opened.text !== text) return false
  const signed = new Set(opened.verified.map(({ key }) => accepted.find((admin) => admin.key === key)?.entry.owner))
  return signed.size >= view.charter.adminThreshold
}

/**
 * Trust after one more charter, from the leaf of H that carries it. Only number + 1, on the hash of the one before, signed by m admins
 * of the one before, is accepted; keys once in are never taken out or changed but for retirement and compromise.
 */
export function extendTrust(
  trust: Trust,
  next: {
    readonly position: bigint
    readonly number: bigint
    readonly sha256: Uint8Array
    readonly note: Uint8Array
    readonly bytes: Uint8Array
  },
): Trust | Refused {
  const before = newestLogged(trust)
  const read = readCharter(next.bytes, next.position)
  if ('kind' in read) return read
  const { charter } = read
  if (!sameBytes(read.sha256, next.sha256)) return refused('CHARTER_HASH', 'the leaf names another charter')
  if (charter.number !== next.number || charter.number !== before.charter.number + 1n) {
    return refused('CHARTER_NUMBER', `charter ${charter.number} does not follow charter ${before.charter.number}`)
  }
  if (!sameBytes(charter.previousSha256, before.sha256)) {
    return refused('CHARTER_PREVIOUS', 'the charter does not build on the one before')
  }
  if (charter.alliance !== before.charter.alliance) return refused('CHARTER_ALLIANCE', 'the alliance has another name')
  if (!signedByAdmins(before.view, next.note, charterNoteText({ ...charter, sha256: read.sha256 }), next.position)) {
    return refused('CHARTER_NOTE', 'too few admins of the charter before have signed')
  }
  if (!keepsKeys(before.charter, charter)) return refused('CHARTER_KEYS', 'a key was taken out or changed')
  return { charters: [...trust.charters, read] }
}

/** Trust as the leaves of H below this position have it. @throws {RangeError} there is none before leaf 0. */
export function trustBelow({ charters: [first, ...later] }: Trust, position: bigint): Trust {
  if (position <= first.position) throw new RangeError('no charter before leaf 0')
  return { charters: [first, ...later.filter((charter) => charter.position < position)] }
}

/** The charter that governs the leaf of H at this position. */
export function charterAt(trust: Trust, position: bigint): Charter {
  return viewAt(trust, position).charter
}

export function viewAt(trust: Trust, position: bigint): CharterView {
  for (let at = trust.charters.length - 1; at > 0; at--) {
    const logged = trust.charters[at]!
    if (logged.position < position) return logged.view
  }
  return trust.charters[0].view
}

export function newestCharter(trust: Trust): Charter {
  return newestLogged(trust).charter
}

export function newestLogged(trust: Trust): LoggedCharter {
  return trust.charters.at(-1)!
}

/** Keys that may sign a log's checkpoints at a position, and the one suite that decides. */
export interface LogKeys {
  readonly origin: string
  /** Zone id, or `hub`. */
  readonly owner: string
  readonly suite: SuiteName
  /** All keys accepted at that position, of every suite. */
  readonly keys: readonly VerifierKey[]
  /** Those of the deciding suite. */
  readonly deciding: readonly VerifierKey[]
}

/** The keys of the log `origin` accepted at this position; undefined where the charter knows no such log. */
export function logKeysAt(trust: Trust, origin: string, position: bigint): LogKeys | undefined {
  const log = viewAt(trust, position).logs.get(origin)
  return log === undefined ? undefined : keysOf(log, position)
}

/** The same for the hub's log. */
export function hubKeysAt(trust: Trust, position: bigint): LogKeys {
  return keysOf(viewAt(trust, position).hub, position)
}

/** The witnesses whose cosignatures count at this position, and how many make a quorum (0: none is asked for, nothing is witnessed). */
export function witnessesAt(
  trust: Trust,
  position: bigint,
): { readonly cosigners: readonly { readonly zone: string; readonly key: VerifierKey }[]; readonly quorum: number } {
  const { witnesses, quorum } = viewAt(trust, position)
  return {
    cosigners: witnesses
      .filter(({ entry }) => soundAt(entry, position))
      .map(({ key, entry }) => ({ zone: entry.owner, key })),
    quorum,
  }
}

/** The origin of the hub's log. */
export function hubOrigin(charter: Charter): string {
  return originOf(charter, 'hub')
}

/** The origin of a zone's log. @throws {RangeError} the charter has no log of that zone. */
export function zoneOrigin(charter: Charter, zone: string): string {
  return originOf(charter, zone)
}

/** The zone that owns a log; undefined for the hub's and for unknown logs. */
export function zoneOfOrigin(charter: Charter, origin: string): string | undefined {
  const owner = charter.logs.find((log) => log.origin === origin)?.owner
  return owner === 'hub' ? undefined : owner
}

/**
 * Whether an event under this key is doubtful, as the charter at `position` sees it: the key was compromised from an index at or below
 * the event's. A key the charter does not know is doubtful too.
 */
export function isDoubtful(trust: Trust, position: bigint, origin: string, signer: string, index: bigint): boolean {
  const key = viewAt(trust, position)
    .logs.get(origin)
    ?.keys.find(({ id }) => id === signer)
  if (key === undefined) return true
  const { compromisedFrom } = key.entry
  return compromisedFrom !== undefined && index >= compromisedFrom
}

function keysOf(log: LogView, position: bigint): LogKeys {
  const keys = log.keys.filter(({ entry }) => acceptedAt(entry, position)).map(({ key }) => key)
  return {
    origin: log.origin,
    owner: log.owner,
    suite: log.suite,
    keys,
    deciding: keys.filter((key) => key.publicKey.suite === log.suite),
  }
}

function acceptedAt(entry: KeyView['entry'], position: bigint): boolean {
  return entry.acceptedFrom <= position && (entry.retiredAt === undefined || position < entry.retiredAt)
}

/** An admin's or a witness's key that is compromised counts no more: the index of a zone's log says nothing about what it signed. */
function soundAt(entry: KeyView['entry'], position: bigint): boolean {
  return acceptedAt(entry, position) && entry.compromisedFrom === undefined
}

function originOf(charter: Charter, owner: string): string {
  const log = charter.logs.findLast((one) => one.owner === owner)
  if (log === undefined) throw new RangeError(`the charter has no log of ${owner}`)
  return log.origin
}

function readCharter(bytes: Uint8Array, position: bigint): LoggedCharter | Refused {
  if (bytes.length > maxCharterSizeBytes) {
    return refused('CHARTER_TOO_LARGE', `a charter has at most ${maxCharterSizeBytes} bytes`)
  }
  const read = charterFromBytes(bytes)
  if (read.kind !== 'charter') return refused('CHARTER_UNREADABLE', `charter: ${read.why}`)
  const view = viewCharter(read.charter)
  if ('kind' in view) return view
  return { position, charter: read.charter, bytes, sha256: sha256(bytes), view }
}

function keepsKeys(before: Charter, after: Charter): boolean {
  const later = new Map(after.keys.map((key) => [key.vkey, key]))
  return before.keys.every((key) => {
    const kept = later.get(key.vkey)
    return (
      kept !== undefined &&
      kept.role === key.role &&
      kept.owner === key.owner &&
      kept.acceptedFrom === key.acceptedFrom &&
      (key.retiredAt === undefined || kept.retiredAt === key.retiredAt) &&
      (key.compromisedFrom === undefined ||
        (kept.compromisedFrom !== undefined && kept.compromisedFrom <= key.compromisedFrom))
    )
  })
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
