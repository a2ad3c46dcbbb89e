export type { AsOf, Event, Findings, LicenceIssued, Refusal, Verdict } from '@hutong/licence'
export { CallError } from './call-error.ts'
export { type ExportedProof, type ExportOptions, exportProof, type ProofSources } from './export-proof.ts'
export { createLogClient, type LogClient } from './log-client.ts'
export * from './offline.ts'
export { callDeadlineMs, type PeerCall, type PeerOptions, streamDeadlineMs } from './peer.ts'
export {
  createPublisherClient,
  itemSizeBytes,
  itemsPerRequestMax,
  type Outcome,
  type PublishedEvent,
  type PublisherClient,
  type PublisherStatus,
  type PublishOptions,
  requestSizeMaxBytes,
  type StageName,
  type ToPublish,
} from './publisher-client.ts'
export { type AsOfCall, createVerifierClient, type Question, type VerifierClient } from './verifier-client.ts'
