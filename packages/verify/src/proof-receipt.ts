import { decodeLeaf } from '@hutong/wire'
import { readBatchProof, readEventProof } from './proof-batch.ts'
import { type ProofFails, proofFails } from './proof-fault.ts'
import { ProofHeads } from './proof-head.ts'
import { trustFromFirstCharter } from './trust.ts'

/** The receipt of a batch or of an event: two texts in the form of C2SP tlog-proof (formats F9). */
export interface Receipt {
  /** Of the batch's leaf of H under a cosigned head, the leaf in `extra`. */
  readonly batchProof: Uint8Array
  /** Of the event's leaf under the zone checkpoint of that batch, the leaf in `extra`; absent where only the batch is shown. */
  readonly eventProof?: Uint8Array
}

/** What a receipt shows: that the hub accepted this batch, and that this event stands in it. Nothing is said of what came after. */
export interface ReceiptHolds {
  readonly kind: 'holds'
  readonly zone: string
  readonly origin: string
  /** The batch took the log from this size … */
  readonly oldSize: bigint
  /** … to this one. */
  readonly newSize: bigint
  /** The H index of the batch. */
  readonly position: bigint
  /** The hub's clock there, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** `<name>+<8 hex of key id>` of the key that signed the zone checkpoint. */
  readonly signer: string
  /** Index of the event in its log, and the zone's clock; undefined where the receipt is of a batch. */
  readonly event: { readonly index: bigint; readonly loggedAtMs: number; readonly leaf: Uint8Array } | undefined
}

/**
 * Checks a receipt with nothing but the bytes of charter 0 (and, where given, the SHA-256 by which it is pinned). Later charters are
 * not in a receipt: one under their keys or witnesses fails, and a proof file (formats F10), which carries them, does not. Never throws.
 */
export function verifyReceipt(
  receipt: Receipt,
  charter: Uint8Array,
  pinnedSha256?: Uint8Array,
): ReceiptHolds | ProofFails {
  const trust = trustFromFirstCharter(charter, pinnedSha256)
  if ('kind' in trust) return proofFails('CHARTER_REFUSED', 'charter', `charter 0 of the alliance (${trust.code})`)
  const batch = readBatchProof(trust, new ProofHeads(trust), receipt.batchProof, 'batchProof')
  if (batch.kind === 'fails') return batch
  const { accepted, zone, position, receivedAtMs, signer } = batch
  const { origin, oldSize, newSize } = accepted
  const holds: ReceiptHolds = {
    kind: 'holds',
    ...{ zone, origin, oldSize, newSize, position, receivedAtMs, signer },
    event: undefined,
  }
  if (receipt.eventProof === undefined) return holds
  const proven = readEventProof(batch, receipt.eventProof, 'eventProof')
  if (proven.kind === 'fails') return proven
  const { index, bytes: leaf } = proven
  const decoded = decodeLeaf(leaf)
  if (decoded.kind === 'unreadable' || decoded.leaf.index !== index) {
    return proofFails('LEAF_UNREADABLE', 'eventProof', `the leaf ${index} of ${origin}`)
  }
  return { ...holds, event: { index, loggedAtMs: decoded.leaf.loggedAtMs, leaf } }
}
