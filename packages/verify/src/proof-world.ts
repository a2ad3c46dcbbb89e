import { formatTlogProof, hashReaderOfLeaves, inclusionProof, sha256Tree } from '@hutong/merkle'
import { decodeHubLeaf, type ProofFile, type ProofFileEvent } from '@hutong/wire'
import type { Published, World } from './world.ts'

/** For tests: what the hub's `Receipt` and `Charters` give about a world, put together as a proof file. */
export async function proofFileOf(
  world: World,
  events: readonly Published[],
  head: Uint8Array = world.cosignedHead(),
  size: bigint = world.size,
): Promise<ProofFile> {
  const charters = world.charters.filter(({ position }) => position > 0n && position < size)
  return {
    firstCharter: await hubLeafProof(world, 0n, head, size),
    charters: await Promise.all(
      charters.map(async ({ bytes, position }) => ({
        charter: bytes,
        proof: await hubLeafProof(world, position, head, size),
      })),
    ),
    events: await Promise.all(events.map((event) => proofEventOf(world, event, head, size))),
  }
}

/** The same for one event. */
export async function proofEventOf(
  world: World,
  { origin, index, position, entry }: Published,
  head: Uint8Array = world.cosignedHead(),
  size: bigint = world.size,
): Promise<ProofFileEvent> {
  const { leaf, salt, payload } = entry
  const batch = batchAt(world, position)
  const leaves = world.records.flatMap((record) => {
    const other = decodeHubLeaf(record.leaf)
    const isOfLog = other.kind === 'hub_leaf' && other.leaf.entry.kind === 'batch' && other.leaf.entry.origin === origin
    return isOfLog ? record.entries.map((one) => one.leaf) : []
  })
  const hashes = await pathTo(leaves.slice(0, Number(batch.newSize)), index)
  return {
    ...{ leaf, salt, payload },
    eventProof: formatTlogProof({ index, hashes, signedCheckpoint: batch.checkpoint }),
    batchProof: await hubLeafProof(world, position, head, size),
  }
}

/** `tlog-proof@v1` of a leaf of H under a head of this size, the leaf in `extra`. */
export async function hubLeafProof(
  world: World,
  position: bigint,
  head: Uint8Array = world.cosignedHead(),
  size: bigint = world.size,
): Promise<Uint8Array> {
  const leaves = world.records.slice(0, Number(size)).map(({ leaf }) => leaf)
  const hashes = await pathTo(leaves, position)
  return formatTlogProof({
    index: position,
    hashes,
    signedCheckpoint: head,
    extra: world.records[Number(position)]!.leaf,
  })
}

function batchAt(world: World, position: bigint) {
  const decoded = decodeHubLeaf(world.records[Number(position)]!.leaf)
  if (decoded.kind !== 'hub_leaf' || decoded.leaf.entry.kind !== 'batch') throw new RangeError('no batch there')
  return decoded.leaf.entry
}

function pathTo(leaves: readonly Uint8Array[], index: bigint) {
  const hashes = leaves.map((leaf) => sha256Tree.leaf(leaf))
  return inclusionProof(sha256Tree, index, BigInt(leaves.length), hashReaderOfLeaves(sha256Tree, hashes))
}
