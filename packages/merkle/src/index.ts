export { type Checkpoint, formatCheckpoint, type ParsedCheckpoint, parseCheckpoint } from './checkpoint.ts'
export { cosign, verifyCosignature } from './cosignature.ts'
export {
  appendLeafHash,
  appendLeafHashes,
  decodeEdge,
  type Edge,
  edgeRoot,
  emptyEdge,
  encodeEdge,
  rootOfLeafHashes,
} from './edge.ts'
export { decodeEntryBundle, type EntryBundle, encodeEntryBundle, maxEntrySizeBytes } from './entry-bundle.ts'
export {
  checkLog,
  checkLogFiles,
  type LogCheck,
  type LogFault,
  type LogFaultCode,
  type LogFiles,
  type LogFilesCheck,
  maxLogFaults,
} from './log-check.ts'
export {
  growLog,
  hashReaderOfTiles,
  type LogFile,
  LogFileError,
  type LogGrowth,
  type ReadLogFile,
} from './log-growth.ts'
export {
  addSignatures,
  maxNoteSizeBytes,
  maxSignatureLines,
  type NoteSigner,
  noteSigner,
  type OpenedNote,
  openNote,
  signNote,
  type UnknownSignature,
  type VerifiedSignature,
} from './note.ts'
export {
  consistencyProof,
  type HashReader,
  hashReaderOfLeaves,
  inclusionProof,
  type NodeCoordinate,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts'
export type { Refusal, RefusalCode } from './refusal.ts'
export { formatSignatureLine, parseSignatureLine, type SignatureLine } from './signature-line.ts'
export {
  decodeTile,
  encodeTile,
  entryBundlesForRange,
  fullTileRoot,
  type ParsedTilePath,
  parseTilePath,
  type TileCoordinate,
  tileAt,
  tileNodes,
  tilePath,
  tilesForRange,
  tileWidth,
} from './tile.ts'
export {
  evaluatePolicy,
  formatPolicy,
  maxPolicyMembers,
  maxPolicySizeBytes,
  type ParsedPolicy,
  type Policy,
  type PolicyFulfilled,
  type PolicyWitness,
  parsePolicy,
  type Quorum,
  quorumSize,
} from './tlog-policy.ts'
export {
  formatTlogProof,
  maxTlogProofSizeBytes,
  type ParsedTlogProof,
  parseTlogProof,
  type TlogProof,
  type VerifiedTlogProof,
  verifyTlogProof,
} from './tlog-proof.ts'
export { type Hash, hashSizeBytes, sha256Tree, sm3Tree, type TreeHash, treeHashOfOrigin } from './tree-hash.ts'
export {
  formatVkey,
  isKeyName,
  type ParsedVkey,
  parseVkey,
  type VerifierKey,
  type VerifierKeyType,
  verifierKey,
} from './verifier-key.ts'
