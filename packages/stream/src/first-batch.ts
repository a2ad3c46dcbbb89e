import { batchBytesMax, recordsPerBatchMax, type StreamRecord } from './stream.ts'

/** As many records from the front as one batch may hold. Takes no more from `records` than the one that is too many. */
export function firstBatch(records: Iterable<StreamRecord>): readonly StreamRecord[] {
  const batch: StreamRecord[] = []
  let bytes = 0
  for (const record of records) {
    bytes += record.value.byteLength
    if (bytes > batchBytesMax) break
    batch.push(record)
    if (batch.length === recordsPerBatchMax) break
  }
  return batch
}
