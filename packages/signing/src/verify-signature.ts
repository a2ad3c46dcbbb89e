import { createVerify, verify } from 'node:crypto'
import { isStrictDerSignature } from './der-signature.ts'
import { keyObjectOf, type PublicKey } from './public-key.ts'
import { STANDARD_SM2_ID, sm2IdentityDigest } from './sm2-identity.ts'

/**
 * Whether an outsider's signature over these bytes holds under the key, by the key's own suite:
 * SM2 over SM3(Z ‖ message), strict DER; ECDSA over SHA-256(message), strict DER, low and high s; Ed25519, 64 bytes, S < L, no prehash.
 * `id` is SM2's alone, 0 to 8191 bytes; absent it is the standard `1234567812345678`, and empty it is empty.
 *
 * @throws {TypeError} the key was not made by `publicKeyFromBytes`, or an id was given for a suite that has none.
 * @throws {RangeError} the id is too long.
 */
export function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
  options: { readonly id?: Uint8Array } = {},
): boolean {
  const keyObject = keyObjectOf(key)
  if (options.id !== undefined && key.suite !== 'SM2-SM3') throw new TypeError(`${key.suite} takes no id`)
  switch (key.suite) {
    case 'SM2-SM3': {
      const identityDigest = sm2IdentityDigest(key, options.id ?? STANDARD_SM2_ID)
      if (!isStrictDerSignature(key.suite, signature)) return false
      // Not the one-shot verify: it puts the Z of an empty id in front by itself. This one hashes what it is given and nothing else.
      return createVerify('sm3').update(identityDigest).update(message).verify(keyObject, signature)
    }
    case 'ECDSA-P256':
      return isStrictDerSignature(key.suite, signature) && verify('sha256', message, keyObject, signature)
    case 'Ed25519':
      return signature.length === ED25519_SIGNATURE_BYTES && verify(null, message, keyObject, signature)
  }
}

const ED25519_SIGNATURE_BYTES = 64
