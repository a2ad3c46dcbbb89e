import { parseTlogProof } from '@hutong/merkle'
import { decodeHubLeaf, type ProofFile, type ProofFileCharter } from '@hutong/wire'
import { readHubLeafProof } from './proof-batch.ts'
import { type ProofFails, proofFails } from './proof-fault.ts'
import { ProofHeads } from './proof-head.ts'
import { extendTrust, newestLogged, type Trust } from './trust.ts'

/**
 * Trust after the charters of a file. The one that the reader brings is the one in leaf 0 of H. Admins of the charter before have signed
 * each of the others (so it is theirs whoever tells of it), and each stands in H where it says, under a head that the newest of them
 * finds cosigned.
 */
export function trustOfCharters(
  first: Trust,
  { firstCharter, charters }: Pick<ProofFile, 'firstCharter' | 'charters'>,
): { readonly kind: 'trust'; readonly trust: Trust; readonly heads: ProofHeads } | ProofFails {
  let trust = first
  for (const [at, charter] of charters.entries()) {
    const next = withCharter(trust, charter, `charters[${at}]`)
    if ('kind' in next) return next
    trust = next
  }
  const heads = new ProofHeads(trust)
  const zero = readHubLeafProof(heads, firstCharter, 'firstCharter')
  if (zero.kind === 'fails') return zero
  const { index, entry } = zero.leaf
  const isSame = entry.kind === 'charter' && sameBytes(entry.sha256, first.charters[0].sha256)
  if (index !== 0n || !isSame) return proofFails('CHARTER_DIFFERS', 'firstCharter', 'leaf 0 of H with this charter 0')
  for (const [at, { proof }] of charters.entries()) {
    const hubLeaf = readHubLeafProof(heads, proof, `charters[${at}].proof`)
    if (hubLeaf.kind === 'fails') return hubLeaf
  }
  return { kind: 'trust', trust, heads }
}

function withCharter(trust: Trust, { charter, proof }: ProofFileCharter, where: string): Trust | ProofFails {
  const parsed = parseTlogProof(proof)
  if (parsed.kind === 'refused' || parsed.extra === undefined) {
    return proofFails('PROOF_UNREADABLE', `${where}.proof`, 'a tlog-proof@v1 with the leaf of H in extra')
  }
  const decoded = decodeHubLeaf(parsed.extra)
  if (decoded.kind !== 'hub_leaf' || decoded.leaf.entry.kind !== 'charter') {
    return proofFails('HUB_LEAF_REFUSED', `${where}.proof`, 'the leaf of a charter')
  }
  const { index: position, entry } = decoded.leaf
  if (position <= newestLogged(trust).position) {
    return proofFails('CHARTER_CHAIN', where, 'a later place in H than that of the charter before')
  }
  const extended = extendTrust(trust, { position, ...entry, bytes: charter })
  return 'kind' in extended
    ? proofFails('CHARTER_CHAIN', where, 'the next charter, signed by the admins of the one before')
    : extended
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
