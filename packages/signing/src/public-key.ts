import { createPublicKey, type KeyObject } from 'node:crypto'
import { isSoundEd25519Point } from './ed25519-point.ts'
import { derFromPem } from './pem.ts'

/** A signature algorithm with its hash and encoding. It comes from the key's record, never from a message. */
export type Suite = 'SM2-SM3' | 'ECDSA-P256' | 'Ed25519'

/** Every suite there is. */
export const SUITES: readonly Suite[] = ['SM2-SM3', 'ECDSA-P256', 'Ed25519']

/** A public key that was found sound. Only the functions of this file make one; `verifySignature` takes no other object. */
export interface PublicKey {
  readonly suite: Suite
  /** SPKI in DER for SM2 and P-256 (91 bytes), the raw point for Ed25519 (32 bytes): the key bytes of a vkey (formats F3). Not to be written to. */
  readonly bytes: Uint8Array
}

/**
 * The key in an outsider's bytes, or undefined. For SM2 and P-256 exactly one SubjectPublicKeyInfo with id-ecPublicKey, the named curve and
 * an uncompressed point on it, in DER, with nothing after it (formats F4); for Ed25519 one canonical point of large order.
 */
export function publicKeyFromBytes(suite: Suite, bytes: Uint8Array): PublicKey | undefined {
  const prefix = SPKI_PREFIX[suite]
  return publicKeyFromSpkiOf(suite, suite === 'Ed25519' ? Buffer.concat([prefix, bytes]) : Buffer.from(bytes))
}

/** The key in an outsider's SubjectPublicKeyInfo, with the suite its curve says; undefined under the rules of `publicKeyFromBytes`. */
export function publicKeyFromSpki(der: Uint8Array): PublicKey | undefined {
  const spki = Buffer.from(der)
  const suite = SUITES.find((each) => spki.subarray(0, SPKI_PREFIX[each].length).equals(SPKI_PREFIX[each]))
  return suite && publicKeyFromSpkiOf(suite, spki)
}

/** The key in an outsider's text: exactly one `PUBLIC KEY` block, read as `publicKeyFromSpki` does; else undefined. */
export function publicKeyFromPem(pem: string): PublicKey | undefined {
  const der = derFromPem('PUBLIC KEY', pem)
  return der && publicKeyFromSpki(der)
}

/**
 * What node:crypto verifies with.
 *
 * @throws {TypeError} the key was not made by this file, so nobody has looked at its bytes.
 */
export function keyObjectOf(key: PublicKey): KeyObject {
  const keyObject = KEY_OBJECTS.get(key)
  if (keyObject === undefined) throw new TypeError('this public key was not made by publicKeyFromBytes')
  return keyObject
}

/** x ‖ y of an SM2 or P-256 key, 64 bytes. */
export function coordinatesOf(key: PublicKey): Uint8Array {
  return key.bytes.subarray(SPKI_PREFIX[key.suite].length)
}

/** Everything of a SubjectPublicKeyInfo before the coordinates: comparing it whole leaves no second spelling to think about. */
const SPKI_PREFIX: Readonly<Record<Suite, Buffer>> = {
  'SM2-SM3': Buffer.from('3059301306072a8648ce3d020106082a811ccf5501822d03420004', 'hex'),
  'ECDSA-P256': Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
  Ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
}

const COORDINATE_BYTES: Readonly<Record<Suite, number>> = { 'SM2-SM3': 64, 'ECDSA-P256': 64, Ed25519: 32 }

/** Kept beside the keys, so that a PublicKey stays plain data that may be compared and printed. */
const KEY_OBJECTS = new WeakMap<PublicKey, KeyObject>()

function publicKeyFromSpkiOf(suite: Suite, spki: Buffer): PublicKey | undefined {
  const prefix = SPKI_PREFIX[suite]
  if (spki.length !== prefix.length + COORDINATE_BYTES[suite]) return undefined
  if (!spki.subarray(0, prefix.length).equals(prefix)) return undefined
  if (suite === 'Ed25519' && !isSoundEd25519Point(spki.subarray(prefix.length))) return undefined
  const keyObject = keyObjectFromSpki(spki)
  if (keyObject === undefined) return undefined
  const key: PublicKey = Object.freeze({
    suite,
    bytes: new Uint8Array(suite === 'Ed25519' ? spki.subarray(prefix.length) : spki),
  })
  KEY_OBJECTS.set(key, keyObject)
  return key
}

function keyObjectFromSpki(spki: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    // The prefix and the length are right, so all OpenSSL can object to is the point: a coordinate ≥ p, or off the curve.
    return undefined
  }
}
