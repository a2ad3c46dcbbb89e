import { sm3 } from './digest.ts'
import { coordinatesOf, type PublicKey } from './public-key.ts'

/** The id that stands where the parties agreed on none (GM/T 0009 clause 10). An empty id is another one, never this. */
export const STANDARD_SM2_ID: Uint8Array = new TextEncoder().encode('1234567812345678')

/** The most bytes whose count in bits fits ENTL's 16. */
export const LONGEST_SM2_ID_BYTES = 8191

/**
 * Z = SM3(ENTL ‖ id ‖ a ‖ b ‖ Gx ‖ Gy ‖ Px ‖ Py), 32 bytes (GB/T 32918.2 clause 5.5). Kept for the standard id and for the last other one,
 * so that a key costs this hash once and not once a message.
 *
 * @throws {RangeError} the id is longer than `LONGEST_SM2_ID_BYTES`.
 */
export function sm2IdentityDigest(key: PublicKey, id: Uint8Array): Uint8Array {
  if (id.length > LONGEST_SM2_ID_BYTES) throw new RangeError(`an SM2 id has at most ${LONGEST_SM2_ID_BYTES} bytes`)
  const kept = KEPT_DIGESTS.get(key) ?? keepStandardDigest(key)
  if (sameBytes(id, STANDARD_SM2_ID)) return kept.standard
  if (kept.other === undefined || !sameBytes(id, kept.other.id)) {
    kept.other = { id: id.slice(), digest: computeIdentityDigest(key, id) }
  }
  return kept.other.digest
}

interface KeptDigests {
  readonly standard: Uint8Array
  other?: { readonly id: Uint8Array; readonly digest: Uint8Array }
}

const KEPT_DIGESTS = new WeakMap<PublicKey, KeptDigests>()

/** a ‖ b ‖ Gx ‖ Gy of the recommended curve (GB/T 32918.5 clause 2). */
const CURVE_PARAMETERS = Buffer.from(
  'fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc' +
    '28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93' +
    '32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7' +
    'bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0',
  'hex',
)

function keepStandardDigest(key: PublicKey): KeptDigests {
  const kept: KeptDigests = { standard: computeIdentityDigest(key, STANDARD_SM2_ID) }
  KEPT_DIGESTS.set(key, kept)
  return kept
}

function computeIdentityDigest(key: PublicKey, id: Uint8Array): Uint8Array {
  const idBits = id.length * 8
  return sm3(Buffer.concat([Uint8Array.of(idBits >> 8, idBits & 0xff), id, CURVE_PARAMETERS, coordinatesOf(key)]))
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0
}
