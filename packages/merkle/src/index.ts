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
