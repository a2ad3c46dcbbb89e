export type { Batch, Entry } from '@hutong/wire'
export {
  type AdmissionClock,
  admitBatch,
  type BatchAdmitted,
  type BatchRefusalCode,
  type BatchRefused,
  type BatchResent,
  classifyBatch,
  type KnownLog,
  type LogKeys,
  sameLeaves,
} from './admit-batch.ts'
export { opensCommitment, payloadCommitment, subjectValue } from './commitment.ts'
export { entryOf, leafHashesOf, type NewEntry } from './entry.ts'
export { batchLimits, saltBytes } from './limits.ts'
export { SealError, type Sealed, sealBatch, type Unsealed } from './seal-batch.ts'
export { batchSizeBytes, entrySizeBytes, wholeBatchSizeBytes } from './size.ts'
