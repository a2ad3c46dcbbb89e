import { admitBatch, type Batch, type BatchAdmitted, type BatchRefused, type BatchResent } from '@hutong/batch'
import { charterAt, logKeysAt, type Trust } from '@hutong/verify'
import type { ZoneLog } from './log-state.ts'

/** What the hub thinks of a batch: pure, from what it knows of the log, the charter at the position to be given, and its clock. */
export type Admission = BatchAdmitted | BatchResent | BatchRefused

/**
 * Admits a batch as the leaf of H at `position`, or refuses it as a batch; never for what an event says (formats F7).
 * `known` is the log as it stands after the batches admitted before it.
 */
export function admit(
  known: ZoneLog,
  batch: Batch,
  place: { readonly trust: Trust; readonly position: bigint; readonly nowMs: number },
): Admission {
  const { trust, position, nowMs } = place
  const keys = logKeysAt(trust, batch.origin, position)
  if (keys === undefined || keys.owner === 'hub') {
    return { kind: 'refused', code: 'BATCH_ORIGIN', why: 'no zone has such a log under this charter' }
  }
  return admitBatch(
    { origin: batch.origin, edge: known.edge, newestLoggedAtMs: known.loggedAtMs },
    batch,
    { accepted: keys.keys, decides: keys.suite },
    { nowMs, maxClockOffsetMs: charterAt(trust, position).maxClockOffsetMs },
  )
}
