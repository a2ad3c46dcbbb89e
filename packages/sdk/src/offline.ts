import { openNote, parseVkey, type Refusal, type VerifierKey } from '@hutong/merkle'

export {
  type ProofEvidence,
  type ProofFails,
  type ProofFaultCode,
  type ProofHolds,
  type ProofVerdict,
  type ProvenEvent,
  proofSentence,
  type Receipt,
  type ReceiptHolds,
  verifyProof,
  verifyReceipt as checkReceipt,
} from '@hutong/verify'

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
