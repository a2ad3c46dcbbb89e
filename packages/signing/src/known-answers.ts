import { sha256, sm3 } from './digest.ts'
import { publicKeyFromBytes, SUITES, type Suite } from './public-key.ts'
import { generateKey, signerFromPem } from './signer.ts'
import { verifySignature } from './verify-signature.ts'

/** What must give the known answers. */
export interface Cryptography {
  readonly sha256: typeof sha256
  readonly sm3: typeof sm3
  readonly publicKeyFromBytes: typeof publicKeyFromBytes
  readonly verifySignature: typeof verifySignature
  readonly generateKey: typeof generateKey
  readonly signerFromPem: typeof signerFromPem
}

/**
 * Asks the implementation in use for answers that others have printed, and lets every suite sign and verify once with a fresh key.
 * A service calls this at its start and refuses to start if it throws (formats F4). Takes a few milliseconds.
 *
 * @throws {KnownAnswerError} an answer was wrong or did not come.
 */
export function assertKnownAnswers(cryptography: Cryptography = OWN_CRYPTOGRAPHY): void {
  for (const check of KNOWN_DIGESTS) hold(`${check.name} digest`, () => givesDigest(cryptography, check))
  for (const check of KNOWN_SIGNATURES)
    hold(`${check.suite} known signature`, () => tellsSignature(cryptography, check))
  for (const suite of SUITES) hold(`${suite} round trip`, () => goesRound(cryptography, suite))
}

/** The cryptography under this process does not do what its name says; nothing it says about a signature can be trusted. */
export class KnownAnswerError extends Error {
  override readonly name = 'KnownAnswerError'
  /** Which answer: an algorithm and what was asked of it. */
  readonly check: string

  constructor(check: string, options?: ErrorOptions) {
    super(`known answer test failed: ${check}`, options)
    this.check = check
  }
}

const OWN_CRYPTOGRAPHY: Cryptography = { sha256, sm3, publicKeyFromBytes, verifySignature, generateKey, signerFromPem }

interface KnownDigest {
  readonly name: 'sha256' | 'sm3'
  readonly digest: string
}

/** Digests of `abc`: FIPS 180-2 Appendix B.1, GB/T 32905 A.1. */
const KNOWN_DIGESTS: readonly KnownDigest[] = [
  { name: 'sha256', digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  { name: 'sm3', digest: '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0' },
]

interface KnownSignature {
  readonly suite: Suite
  readonly key: string
  readonly message: string
  readonly signature: string
}

const KNOWN_SIGNATURES: readonly KnownSignature[] = [
  // GB/T 32918.5 Annex A.2, message "message digest".
  {
    suite: 'SM2-SM3',
    key:
      '3059301306072a8648ce3d020106082a811ccf5501822d03420004' +
      '09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020' +
      'ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13',
    message: '6d65737361676520646967657374',
    signature:
      '3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3' +
      '022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa',
  },
  // RFC 6979 A.2.5, SHA-256, message "sample"; its s is high.
  {
    suite: 'ECDSA-P256',
    key:
      '3059301306072a8648ce3d020106082a8648ce3d03010703420004' +
      '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
      '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    message: '73616d706c65',
    signature:
      '3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
      '022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  },
  // RFC 8032 7.1, test 2.
  {
    suite: 'Ed25519',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
]

/** Turns a wrong answer and an exception on the way to one into the same refusal. */
function hold(check: string, answersRightly: () => boolean): void {
  let right: boolean
  try {
    right = answersRightly()
  } catch (cause) {
    throw new KnownAnswerError(check, { cause })
  }
  if (!right) throw new KnownAnswerError(check)
}

function givesDigest(cryptography: Cryptography, known: KnownDigest): boolean {
  const digest = cryptography[known.name](new TextEncoder().encode('abc'))
  return Buffer.from(digest).toString('hex') === known.digest
}

/** The signature holds for its message and for no other. */
function tellsSignature(cryptography: Cryptography, known: KnownSignature): boolean {
  const key = cryptography.publicKeyFromBytes(known.suite, bytes(known.key))
  if (key === undefined) return false
  const signature = bytes(known.signature)
  const holds = cryptography.verifySignature(key, bytes(known.message), signature)
  const holdsForOther = cryptography.verifySignature(key, bytes(`${known.message}00`), signature)
  return holds && !holdsForOther
}

function goesRound(cryptography: Cryptography, suite: Suite): boolean {
  const { privateKeyPem, publicKey } = cryptography.generateKey(suite)
  const message = new TextEncoder().encode('hutong/known-answer/v1\n')
  const signature = cryptography.signerFromPem(privateKeyPem).sign(message)
  const holds = cryptography.verifySignature(publicKey, message, signature)
  const holdsForOther = cryptography.verifySignature(publicKey, message.subarray(1), signature)
  return holds && !holdsForOther
}

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}
