/** The suites whose signatures are two scalars in DER. */
export type ScalarSuite = 'SM2-SM3' | 'ECDSA-P256'

/** The order n of each curve's base point: GB/T 32918.5 clause 2, SEC 2 clause 2.4.2. */
export const CURVE_ORDER: Readonly<Record<ScalarSuite, bigint>> = {
  'SM2-SM3': 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  'ECDSA-P256': 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}

/**
 * Whether these bytes, an outsider's, are exactly SEQUENCE { r INTEGER, s INTEGER } in DER: short lengths, r and s positive, shortest
 * and 1 ≤ r, s < n of the suite's curve, nothing after them (formats F3). A signature then has one spelling, but for the sign of s.
 */
export function isStrictDerSignature(suite: ScalarSuite, signature: Uint8Array): boolean {
  if (signature.length > LONGEST_SIGNATURE_BYTES) return false
  if (signature[0] !== SEQUENCE || signature[1] !== signature.length - 2) return false
  const order = ORDER_BYTES[suite]
  const endOfR = endOfScalar(signature, 2, order)
  return endOfR !== undefined && endOfScalar(signature, endOfR, order) === signature.length
}

/** SEQUENCE { r INTEGER, s INTEGER } in DER, from two scalars with 1 ≤ r, s < 2^256. */
export function derFromScalars(r: bigint, s: bigint): Uint8Array {
  const scalars = [...derInteger(r), ...derInteger(s)]
  return Uint8Array.of(SEQUENCE, scalars.length, ...scalars)
}

/** A whole number from its big-endian bytes. */
export function scalarFromBytes(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

const SEQUENCE = 0x30
const INTEGER = 0x02
/** Two integers of 33 bytes with their tags and lengths, and the sequence's own two bytes. */
const LONGEST_SIGNATURE_BYTES = 72

const ORDER_BYTES: Readonly<Record<ScalarSuite, Uint8Array>> = {
  'SM2-SM3': Buffer.from(CURVE_ORDER['SM2-SM3'].toString(16), 'hex'),
  'ECDSA-P256': Buffer.from(CURVE_ORDER['ECDSA-P256'].toString(16), 'hex'),
}

/** Where the INTEGER that begins at `start` ends; undefined if it is none, not the shortest, or not in 1 … n − 1. */
function endOfScalar(der: Uint8Array, start: number, order: Uint8Array): number | undefined {
  const length = der[start + 1]
  const first = der[start + 2]
  if (der[start] !== INTEGER || length === undefined || first === undefined || length === 0) return undefined
  const end = start + 2 + length
  if (end > der.length) return undefined
  const negative = first >= 0x80
  const padded = first === 0
  const needlesslyPadded = padded && length > 1 && (der[start + 3] as number) < 0x80
  if (negative || needlesslyPadded) return undefined
  const digits = der.subarray(padded ? start + 3 : start + 2, end)
  return digits.length > 0 && isBelow(digits, order) ? end : undefined
}

/** Whether big-endian digits without leading zeroes are below the order. Nothing here is secret, so it may stop early. */
function isBelow(digits: Uint8Array, order: Uint8Array): boolean {
  if (digits.length !== order.length) return digits.length < order.length
  return Buffer.compare(digits, order) < 0
}

function derInteger(scalar: bigint): Uint8Array {
  const hex = scalar.toString(16)
  const digits = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  const padding = (digits[0] as number) >= 0x80 ? [0] : []
  return Uint8Array.of(INTEGER, padding.length + digits.length, ...padding, ...digits)
}
