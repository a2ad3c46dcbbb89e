import type { Charter, CharterKey, KeyRole, SuiteName, Zone } from '@hutong/licence'
import { formatPolicy, parseVkey, quorumSize, type VerifierKey } from '@hutong/merkle'
import { sha256 } from '@hutong/signing'
import { viewCharter } from '@hutong/verify'
import { charterToBytes } from '@hutong/wire'
import { CommandError, exits } from './exit.ts'

/** What an alliance decides about itself before its first charter is made. All logs are in their first epoch. */
export interface CharterDraft {
  /** A schema-less URL, such as jjj.hutong.example. */
  readonly alliance: string
  readonly nameZh: string
  readonly nameEn: string
  readonly demonstration: boolean
  readonly zones: readonly Zone[]
  /** One of the owner `hub` and one of each zone, with the suite that decides. */
  readonly logs: readonly { readonly owner: string; readonly suite: SuiteName }[]
  readonly keys: readonly { readonly vkey: string; readonly role: KeyRole; readonly owner: string }[]
  /** How many cosigners make a quorum; absent: by formats F12 from their number; 0: none is asked for and nothing is witnessed. */
  readonly quorum?: number
  readonly auditors: readonly string[]
  readonly adminThreshold: number
  readonly heartbeatMs: number
  readonly maxClockOffsetMs: number
  readonly freshMs: number
  readonly usableMs: number
  readonly declarationLeadMs: number
  readonly declarationMinimumMs: number
}

/** A charter 0 and the hash of its bytes, which everybody pins. */
export interface FirstCharter {
  readonly charter: Charter
  readonly bytes: Uint8Array
  readonly sha256: Uint8Array
}

/** The origin of a log in its first epoch (formats F2). */
export function firstOrigin(alliance: string, owner: string): string {
  return owner === 'hub' ? `${alliance}/h/1` : `${alliance}/z/${owner}/1`
}

/** The name a zone's witness signs with. */
export function cosignerName(alliance: string, zone: string): string {
  return `${alliance}/w/${zone}`
}

/**
 * Charter 0 of a draft, its bytes made once.
 *
 * @throws {CommandError} the draft is none that a member would trust (exit 2); the message says why.
 */
export function firstCharter(draft: CharterDraft): FirstCharter {
  const charter: Charter = {
    number: 0n,
    previousSha256: new Uint8Array(),
    alliance: draft.alliance,
    nameZh: draft.nameZh,
    nameEn: draft.nameEn,
    demonstration: draft.demonstration,
    zones: draft.zones,
    logs: draft.logs.map(({ owner, suite }) => ({ origin: firstOrigin(draft.alliance, owner), owner, suite })),
    keys: draft.keys.map(keyFromStart),
    witnessPolicy: witnessPolicy(draft),
    auditors: draft.auditors,
    adminThreshold: draft.adminThreshold,
    heartbeatMs: draft.heartbeatMs,
    maxClockOffsetMs: draft.maxClockOffsetMs,
    freshMs: draft.freshMs,
    usableMs: draft.usableMs,
    declarationLeadMs: draft.declarationLeadMs,
    declarationMinimumMs: draft.declarationMinimumMs,
  }
  const view = viewCharter(charter)
  if ('kind' in view) throw new CommandError(exits.usage, view.code, view.reason)
  const bytes = bytesOf(charter)
  return { charter, bytes, sha256: sha256(bytes) }
}

function keyFromStart({ vkey, role, owner }: CharterDraft['keys'][number]): CharterKey {
  return { vkey, role, owner, acceptedFrom: 0n, retiredAt: undefined, compromisedFrom: undefined }
}

function witnessPolicy({ keys, quorum }: CharterDraft): string {
  const witnesses = keys
    .filter(({ role }) => role === 'cosigner')
    .map(({ vkey }) => vkeyOf(vkey))
    .map((key) => ({ name: key.name, key }))
  const threshold = quorum ?? (witnesses.length === 0 ? 0 : quorumSize(witnesses.length))
  try {
    return formatPolicy([], witnesses, threshold)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError(exits.usage, 'CHARTER_POLICY', `charter: ${error.message}`, error)
  }
}

function vkeyOf(text: string): VerifierKey {
  const parsed = parseVkey(text)
  if (parsed.kind === 'refused') throw new CommandError(exits.usage, 'CHARTER_KEYS', `charter: ${parsed.reason}`)
  return parsed.key
}

function bytesOf(charter: Charter): Uint8Array {
  try {
    return charterToBytes(charter)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError(exits.usage, 'CHARTER_UNREADABLE', error.message, error)
  }
}
