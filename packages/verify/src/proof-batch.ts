import { parseTlogProof, sha256Tree, verifyInclusion } from '@hutong/merkle'
import { type AcceptedBatch, decodeHubLeaf, type HubLeaf } from '@hutong/wire'
import { readZoneCheckpoint } from './head.ts'
import { type ProofFails, proofFails } from './proof-fault.ts'
import { type ProofHeads, textOf } from './proof-head.ts'
import { logKeysAt, type Trust } from './trust.ts'

/** A leaf of H that stands under a cosigned head. */
export interface ProvenHubLeaf {
  readonly kind: 'hub_leaf'
  readonly bytes: Uint8Array
  readonly leaf: HubLeaf
  /** The head it stands under, as a signed note. */
  readonly head: Uint8Array
}

/** A batch of a zone that H has accepted. */
export interface ProvenBatch {
  readonly kind: 'batch'
  readonly accepted: AcceptedBatch
  readonly zone: string
  /** Its H index. */
  readonly position: bigint
  /** The hub's clock there, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** `<name>+<8 hex of key id>` of the key that signed the zone checkpoint. */
  readonly signer: string
  readonly hubLeaf: ProvenHubLeaf
}

/** That the leaf of H in `extra` stands in H, under a head with a quorum (formats F9). */
export function readHubLeafProof(heads: ProofHeads, proof: Uint8Array, where: string): ProvenHubLeaf | ProofFails {
  const parsed = parseTlogProof(proof)
  if (parsed.kind === 'refused') return proofFails('PROOF_UNREADABLE', where, 'a tlog-proof@v1')
  const { extra: bytes, index, hashes, signedCheckpoint } = parsed
  if (bytes === undefined) return proofFails('PROOF_UNREADABLE', where, 'the leaf of H in extra')
  const head = heads.read(signedCheckpoint, where)
  if (head.kind === 'fails') return head
  const { size, root } = head.checkpoint
  if (!verifyInclusion(sha256Tree, index, size, sha256Tree.leaf(bytes), hashes, root)) {
    return proofFails('NOT_INCLUDED', where, 'the path from the leaf of H to the root of the head')
  }
  const decoded = decodeHubLeaf(bytes)
  if (decoded.kind !== 'hub_leaf' || decoded.leaf.index !== index) {
    return proofFails('HUB_LEAF_REFUSED', where, `the leaf ${index} of H`)
  }
  const contradiction = heads.see(index, bytes, head, where)
  if (contradiction !== undefined) return contradiction
  return { kind: 'hub_leaf', bytes, leaf: decoded.leaf, head: head.note }
}

/** The same of a batch, whose checkpoint its zone has signed with a key accepted at that position. */
export function readBatchProof(
  trust: Trust,
  heads: ProofHeads,
  proof: Uint8Array,
  where: string,
): ProvenBatch | ProofFails {
  const hubLeaf = readHubLeafProof(heads, proof, where)
  if (hubLeaf.kind === 'fails') return hubLeaf
  const { index: position, receivedAtMs, entry: accepted } = hubLeaf.leaf
  if (accepted.kind !== 'batch') return proofFails('HUB_LEAF_REFUSED', where, 'the leaf of a batch')
  const zone = logKeysAt(trust, accepted.origin, position)?.owner
  const signed = readZoneCheckpoint(trust, accepted.origin, accepted.checkpoint, position)
  if (zone === undefined || zone === 'hub' || signed.kind === 'refused') {
    return proofFails('BATCH_NOT_SIGNED', where, `a checkpoint of ${accepted.origin} by a key accepted at ${position}`)
  }
  const { checkpoint, signer } = signed
  if (checkpoint.size !== accepted.newSize || Buffer.compare(checkpoint.root, accepted.root) !== 0) {
    return proofFails('BATCH_NOT_SIGNED', where, 'the size and root that the leaf of H names')
  }
  return { kind: 'batch', accepted, zone, position, receivedAtMs, signer, hubLeaf }
}

/** A leaf of a zone's log that stands in a proven batch. */
export interface ProvenLeaf {
  readonly kind: 'leaf'
  /** Its index in that log. */
  readonly index: bigint
  readonly bytes: Uint8Array
}

/** That a leaf of a zone's log stands in this very batch (formats F9). The leaf is the one given, or else the one in `extra`. */
export function readEventProof(
  { accepted }: ProvenBatch,
  proof: Uint8Array,
  where: string,
  given?: Uint8Array,
): ProvenLeaf | ProofFails {
  const parsed = parseTlogProof(proof)
  if (parsed.kind === 'refused') return proofFails('PROOF_UNREADABLE', where, 'a tlog-proof@v1')
  const { index, hashes, signedCheckpoint, extra } = parsed
  const bytes = given ?? extra
  if (bytes === undefined) return proofFails('PROOF_UNREADABLE', where, "the event's leaf in extra")
  // Beside a leaf that is given, extra is checked by nobody: it could say anything.
  if (given !== undefined && extra !== undefined) return proofFails('PROOF_UNREADABLE', where, 'no extra')
  if (textOf(signedCheckpoint) !== textOf(accepted.checkpoint)) {
    return proofFails('EVENT_NOT_IN_BATCH', where, 'the zone checkpoint that stands in the leaf of H')
  }
  if (index < accepted.oldSize || index >= accepted.newSize) {
    return proofFails('EVENT_NOT_IN_BATCH', where, `an index from ${accepted.oldSize} to below ${accepted.newSize}`)
  }
  if (!verifyInclusion(sha256Tree, index, accepted.newSize, sha256Tree.leaf(bytes), hashes, accepted.root)) {
    return proofFails('NOT_INCLUDED', where, "the path from the event's leaf to the root of the zone checkpoint")
  }
  return { kind: 'leaf', index, bytes }
}
