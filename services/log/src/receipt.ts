import { formatTlogProof, inclusionProof, sha256Tree } from '@hutong/merkle'
import type { KeptCosigned } from './cosigned-heads.ts'
import type { HubLog } from './log.ts'
import { zoneNodes } from './tree-nodes.ts'
import { batchHolding, leavesOf, zoneLeaves } from './zone-batches.ts'

/** What proves one event (formats F9). */
export interface EventReceipt {
  /** H index of its batch. */
  readonly position: bigint
  /** tlog-proof@v1 of the leaf of H under a cosigned head, the leaf in `extra`; empty until one covers it. */
  readonly batchProof: string
  /** tlog-proof@v1 of the event's leaf under the zone's checkpoint of its batch, the leaf in `extra`. */
  readonly eventProof: string
}

/** The receipt of the event `index` in the log `origin`; undefined where no such event was accepted. */
export async function receiptOf(
  log: HubLog,
  cosigned: KeptCosigned | undefined,
  origin: string,
  index: bigint,
): Promise<EventReceipt | undefined> {
  const { store, state } = log
  const size = state.edge.size
  const batch = await batchHolding(store, size, origin, index)
  if (batch === undefined) return undefined
  const { oldSize, newSize, checkpoint } = batch.accepted
  const nodes = zoneNodes(store, origin, (from, to) => zoneLeaves(store, size, origin, from, to))
  const path = await inclusionProof(sha256Tree, index, newSize, nodes)
  const extra = (await leavesOf(store, batch))[Number(index - oldSize)]!
  return {
    position: batch.position,
    batchProof: await batchProof(log, cosigned, batch.position, batch.hubLeaf),
    eventProof: text(formatTlogProof({ index, hashes: path, signedCheckpoint: checkpoint, extra })),
  }
}

async function batchProof(
  log: HubLog,
  cosigned: KeptCosigned | undefined,
  position: bigint,
  leaf: Uint8Array,
): Promise<string> {
  if (cosigned === undefined || position >= cosigned.size) return ''
  const hashes = await log.inclusion(position, cosigned.size)
  return text(formatTlogProof({ index: position, hashes, signedCheckpoint: cosigned.note, extra: leaf }))
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
