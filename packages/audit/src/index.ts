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
export {
  type DigestAnswer,
  type HubHeads,
  type RecordSource,
  recordSourceOfHub,
  type UnreadableRecord,
  type VerifierPeer,
  type VerifierStanding,
  verifierPeer,
} from './ports.ts'
export { type ReplayOptions, type ReplayProgress, replay } from './replay.ts'
export {
  type Contradiction,
  type EventDifference,
  type Evidence,
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
