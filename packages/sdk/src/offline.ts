import {
  openNote,
  parsePolicy,
  parseVkey,
  type Refusal,
  type VerifiedTlogProof,
  type VerifierKey,
  verifyTlogProof,
} from '@hutong/merkle'
import { hubKeysAt, type Refused, trustFromFirstCharter } from '@hutong/verify'

/** A note under keys that the caller named. Whether those keys suffice is for the caller to judge. */
export interface CheckedNote {
  readonly kind: 'note'
  readonly text: string
  /** Names of the keys whose lines hold, in the order of the lines; never empty. */
  readonly signers: readonly string[]
}

/** Checks a signed note (C2SP signed-note) against vkeys, without any service. */
export function checkNote(note: Uint8Array, vkeys: readonly string[]): CheckedNote | Refusal {
  const keys = keysFromVkeys(vkeys)
  if ('kind' in keys) return keys
  const opened = openNote(note, keys)
  if (opened.kind === 'refused') return opened
  return { kind: 'note', text: opened.text, signers: opened.verified.map(({ key }) => key.name) }
}

/**
 * Checks the receipt of a batch (formats F9) with nothing but charter 0: that `leaf` stands in the hub's log, under a head of the hub's
 * deciding suite that a quorum of its witnesses cosigned. Later charters are not looked at: a receipt under their keys is refused.
 */
export function checkBatchReceipt(
  receipt: { readonly proof: Uint8Array; readonly leaf: Uint8Array },
  charter: { readonly bytes: Uint8Array; readonly pinnedSha256: Uint8Array },
): VerifiedTlogProof | Refusal | Refused {
  const trust = trustFromFirstCharter(charter.bytes, charter.pinnedSha256)
  if ('kind' in trust) return trust
  const policy = parsePolicy(trust.charters[0].charter.witnessPolicy)
  if (policy.kind === 'refused') return policy
  return verifyTlogProof(policy, receipt.leaf, receipt.proof, hubKeysAt(trust, 0n).deciding)
}

/** The keys in vkeys; the first that is none is told. Two equal ones count once. */
export function keysFromVkeys(vkeys: readonly string[]): readonly VerifierKey[] | Refusal {
  const keys: VerifierKey[] = []
  for (const vkey of new Set(vkeys)) {
    const parsed = parseVkey(vkey)
    if (parsed.kind === 'refused') return parsed
    keys.push(parsed.key)
  }
  return keys
}
