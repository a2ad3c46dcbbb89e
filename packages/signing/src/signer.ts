import { createPrivateKey, createPublicKey, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { CURVE_ORDER, derFromScalars, scalarFromBytes } from './der-signature.ts'
import { plainBytes } from './digest.ts'
import { derFromPem } from './pem.ts'
import { type PublicKey, publicKeyFromSpki, type Suite } from './public-key.ts'
import { STANDARD_SM2_ID, sm2IdentityDigest } from './sm2-identity.ts'
import { verifySignature } from './verify-signature.ts'

/** A private key at work. What it holds cannot be printed, compared, copied or serialised. */
export interface Signer {
  readonly suite: Suite
  readonly publicKey: PublicKey

  /** A signature that `verifySignature` takes under `publicKey`; SM2 under the standard id, ECDSA with low s. */
  sign(message: Uint8Array): Uint8Array
}

/** A new key. `privateKeyPem` (PKCS#8) is what to keep, in a file of mode 0600; it is read on asking and shows in no print of this object. */
export interface GeneratedKey {
  readonly privateKeyPem: string
  readonly publicKey: PublicKey
}

/** Draws a key of the suite from the system's randomness. */
export function generateKey(suite: Suite): GeneratedKey {
  const privateKeyPem = generatePrivateKeyPem(suite)
  // Through the text and back: a key object fresh from the generator would sign plain ECDSA where SM2 is asked for.
  return new KeyWithHiddenPem(privateKeyPem, signerFromPem(privateKeyPem).publicKey)
}

/**
 * The signer in a PKCS#8 text (one unencrypted `PRIVATE KEY` block and nothing else), of the suite the key says. It has signed and verified once.
 *
 * @throws {KeyFormatError} the text holds no key of our suites. No part of the text, and no cause that could quote it, is in the error.
 */
export function signerFromPem(pem: string): Signer {
  const der = derFromPem('PRIVATE KEY', pem)
  if (der === undefined) throw new KeyFormatError('NOT_PKCS8_PEM')
  if (der.includes(UNSIGNABLE_SM2_SCALAR)) throw new KeyFormatError('UNUSABLE_KEY')
  const privateKey = privateKeyFromPkcs8(der)
  const publicKey = publicKeyFromSpki(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }))
  if (publicKey === undefined) throw new KeyFormatError('UNSUPPORTED_KEY')
  const signer = new NodeSigner(privateKey, publicKey)
  if (!signsForItsPublicKey(signer)) throw new KeyFormatError('UNUSABLE_KEY')
  return signer
}

/** Why a text is no key of ours. */
export type KeyFormatCode =
  /** Not exactly one PEM block `PRIVATE KEY`: SEC 1, encrypted, with headers, with something around it. */
  | 'NOT_PKCS8_PEM'
  /** The block is not a private key that OpenSSL reads. */
  | 'UNREADABLE_KEY'
  /** A key of another algorithm or curve, or of an explicit curve. */
  | 'UNSUPPORTED_KEY'
  /** It cannot sign (SM2 with d = n − 1), or the public key stored in it belongs to another private key. */
  | 'UNUSABLE_KEY'

/** A private key text that cannot be used; whoever configured it must replace it. */
export class KeyFormatError extends Error {
  override readonly name = 'KeyFormatError'
  readonly code: KeyFormatCode

  constructor(code: KeyFormatCode) {
    super(`not a usable private key: ${code}`)
    this.code = code
  }
}

function generatePrivateKeyPem(suite: Suite): string {
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const
  switch (suite) {
    case 'SM2-SM3':
      return generateKeyPairSync('ec', { namedCurve: 'SM2', privateKeyEncoding, publicKeyEncoding }).privateKey
    case 'ECDSA-P256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1', privateKeyEncoding, publicKeyEncoding }).privateKey
    case 'Ed25519':
      return generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding }).privateKey
  }
}

/** d = n − 1 of SM2: 1 + d has no inverse, every s is 0, and OpenSSL (seen in 3.5) draws nonces for ever. No key drawn at random holds these bytes. */
const UNSIGNABLE_SM2_SCALAR = Buffer.from((CURVE_ORDER['SM2-SM3'] - 1n).toString(16), 'hex')

function privateKeyFromPkcs8(der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch {
    // OpenSSL's own words are dropped on purpose: nothing that has seen the key's bytes goes into an error that will be logged.
    throw new KeyFormatError('UNREADABLE_KEY')
  }
}

/** No log's origin and no note's first line is this text, so the signature over it is worth nothing to anybody. */
const TRIAL_MESSAGE = new TextEncoder().encode('hutong/key-trial/v1\n')

function signsForItsPublicKey(signer: Signer): boolean {
  try {
    return verifySignature(signer.publicKey, TRIAL_MESSAGE, signer.sign(TRIAL_MESSAGE))
  } catch {
    // A key that was read and cannot sign. The caller says so, without OpenSSL's words.
    return false
  }
}

class KeyWithHiddenPem implements GeneratedKey {
  readonly #privateKeyPem: string
  readonly publicKey: PublicKey

  constructor(privateKeyPem: string, publicKey: PublicKey) {
    this.#privateKeyPem = privateKeyPem
    this.publicKey = publicKey
  }

  get privateKeyPem(): string {
    return this.#privateKeyPem
  }
}

class NodeSigner implements Signer {
  readonly #privateKey: KeyObject
  readonly publicKey: PublicKey

  constructor(privateKey: KeyObject, publicKey: PublicKey) {
    this.#privateKey = privateKey
    this.publicKey = publicKey
  }

  get suite(): Suite {
    return this.publicKey.suite
  }

  sign(message: Uint8Array): Uint8Array {
    switch (this.suite) {
      case 'SM2-SM3': {
        const identityDigest = sm2IdentityDigest(this.publicKey, STANDARD_SM2_ID)
        return plainBytes(createSign('sm3').update(identityDigest).update(message).sign(this.#privateKey))
      }
      case 'ECDSA-P256':
        return lowScalarDer(sign('sha256', message, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' }))
      case 'Ed25519':
        return plainBytes(sign(null, message, this.#privateKey))
    }
  }
}

/** r ‖ s of P-256 in DER, s replaced by n − s where that is smaller: both hold, and one message and nonce then give one signature. */
function lowScalarDer(scalars: Uint8Array): Uint8Array {
  const order = CURVE_ORDER['ECDSA-P256']
  const s = scalarFromBytes(scalars.subarray(32))
  return derFromScalars(scalarFromBytes(scalars.subarray(0, 32)), s > order / 2n ? order - s : s)
}
