export { type Age, ageOf } from './age.ts'
export { type CharterView, type KeyView, keyIdentity, type LogView, viewCharter } from './charter-view.ts'
export { type DamagedPlace, digestRoot, digestRow, digestRowHash } from './digest.ts'
export {
  type Cloud,
  emptyFold,
  type FoldContext,
  foldEvent,
  foldSubject,
  type JudgedEvent,
  type SubjectFold,
  stands,
} from './fold.ts'
export {
  type FollowedEntry,
  type FollowedLog,
  type FollowState,
  followEntry,
  hubEdgeAfter,
  startFollowing,
} from './follow.ts'
export { decodeFollowState, encodeFollowState, FollowStateError, type KeptCharter } from './follow-state.ts'
export { type CosignedHead, readCosigned, readHead, readZoneCheckpoint, type SignedCheckpoint } from './head.ts'
export { foldThatCounts, foundNowhere, issuingZones } from './issuing-zones.ts'
export { judge, notInLog, zoneNotMember } from './judge.ts'
export { type KeptEvent, type ReadEvent, type Reading, readEvent, readPayload } from './kept.ts'
export {
  coverLeaves,
  maxWaitingLeaves,
  type NewestLeaf,
  type NewestLeaves,
  newestLeafMs,
  noLeaves,
  withNewestLeaf,
} from './newest-leaf.ts'
export { type ProofHolds, type ProofVerdict, type ProvenEvent, verifyProof } from './proof.ts'
export { type ProofEvidence, type ProofFails, type ProofFaultCode, proofFaults } from './proof-fault.ts'
export { type Receipt, type ReceiptHolds, verifyReceipt } from './proof-receipt.ts'
export { proofSentence } from './proof-sentence.ts'
export {
  charterPolicy,
  type Dossier,
  type Knowledge,
  type KnowledgeNow,
  knowledgeAsOf,
  type Policy,
  type Question,
} from './question.ts'
export { type Refused, refused } from './refused.ts'
export {
  charterAt,
  charterNoteText,
  extendTrust,
  hubKeysAt,
  hubOrigin,
  isDoubtful,
  type LoggedCharter,
  type LogKeys,
  logKeysAt,
  maxCharterSizeBytes,
  newestCharter,
  newestLogged,
  signedByAdmins,
  type Trust,
  trustFromFirstCharter,
  viewAt,
  witnessesAt,
  zoneOfOrigin,
  zoneOrigin,
} from './trust.ts'
