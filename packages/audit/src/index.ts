export { type AnswerAsOf, type AnswerAsOfOptions, answerAsOf } from './answer-as-of.ts'
export {
  type CompareOptions,
  type CompareReport,
  type CompareSide,
  compareSides,
  type LeafDifference,
} from './compare.ts'
export { ReplayStateError } from './event-archive.ts'
export {
  type Evidence,
  type EvidenceDocument,
  encodeEvidence,
  evidenceMediaType,
  type HubLeafFaultCode,
  maxEvidenceSizeBytes,
} from './evidence.ts'
export { type Export, type ExportRefused, type OpenExportOptions, openExport, openExportFiles } from './export.ts'
export type { ExportDifference, ExportDifferenceCode, ExportPlace } from './export-difference.ts'
export type { ExportFiles } from './export-files.ts'
export {
  type ExportProgress,
  type WriteExportOptions,
  type WriteExportOutcome,
  type WrittenExport,
  writeExport,
} from './export-write.ts'
export { type FollowEnd, type FollowFact, type FollowOptions, follow } from './follow.ts'
export { type EvidenceFault, type EvidenceJudgement, judgeEvidence } from './judge-evidence.ts'
export {
  type DigestAnswer,
  growingRecordsOfHub,
  type HubHeads,
  type RecordSource,
  recordSourceOfHub,
  type UnreadableRecord,
  type VerifierPeer,
  type VerifierStanding,
  verifierPeer,
} from './ports.ts'
export { type ReplayOptions, type ReplayProgress, replay } from './replay.ts'
export { ReplayState } from './replay-state.ts'
export {
  type Contradiction,
  type EventDifference,
  type EvidenceFile,
  type Exhibit,
  type HubContradictionCode,
  maxNamedPayloads,
  type PayloadFinding,
  type ReplayCounts,
  type ReplayedCharter,
  type ReplayedCosigned,
  type ReplayedDigest,
  type ReplayedHead,
  type ReplayedLog,
  type ReplayReport,
  type RowDifference,
  type RowEvent,
  reportToJson,
  type VerifierFinding,
} from './report.ts'
export { lagBordersMs, type ReplayStatistics } from './statistics.ts'
