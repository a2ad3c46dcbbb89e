export { isStrictDerSignature, type ScalarSuite } from './der-signature.ts'
export { sha256, sm3 } from './digest.ts'
export { assertKnownAnswers, type Cryptography, KnownAnswerError } from './known-answers.ts'
export {
  type PublicKey,
  publicKeyFromBytes,
  publicKeyFromPem,
  publicKeyFromSpki,
  SUITES,
  type Suite,
} from './public-key.ts'
export {
  type GeneratedKey,
  generateKey,
  type KeyFormatCode,
  KeyFormatError,
  type Signer,
  signerFromPem,
} from './signer.ts'
export { LONGEST_SM2_ID_BYTES, STANDARD_SM2_ID } from './sm2-identity.ts'
export { verifySignature } from './verify-signature.ts'
