/**
 * Whether these 32 bytes are the one encoding of a point of edwards25519 (RFC 8032 5.1.3) whose order is not small.
 * Under a key of small order one signature holds for many messages nobody signed; OpenSSL 3.0 takes such keys and signatures.
 */
export function isSoundEd25519Point(bytes: Uint8Array): boolean {
  const y = yFromEncoding(bytes)
  if (y >= FIELD_PRIME || SMALL_ORDER_Y.has(y)) return false
  return liesOnCurve(y)
}

const FIELD_PRIME = 2n ** 255n - 19n
/** d of the curve −x² + y² = 1 + d·x²·y². */
const CURVE_D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n
/** y of a point of order 8; the others of that order have −y. */
const ORDER_EIGHT_Y = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n
/** y of the eight points whose order divides 8: of order 1, 2, 4 (two points) and 8 (four points). */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  1n,
  FIELD_PRIME - 1n,
  0n,
  ORDER_EIGHT_Y,
  FIELD_PRIME - ORDER_EIGHT_Y,
])

/** y in little-endian order; the top bit is the sign of x, which is free to be either once x is not 0. */
function yFromEncoding(bytes: Uint8Array): bigint {
  const bigEndian = Buffer.from(bytes).reverse()
  return BigInt(`0x${bigEndian.toString('hex')}`) & (2n ** 255n - 1n)
}

/** Whether x² = (y² − 1) / (d·y² + 1) has a root: Euler's criterion on the product, a square exactly when the quotient is one. */
function liesOnCurve(y: bigint): boolean {
  const ySquared = (y * y) % FIELD_PRIME
  return power(((ySquared - 1n) * (CURVE_D * ySquared + 1n)) % FIELD_PRIME, (FIELD_PRIME - 1n) / 2n) === 1n
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % FIELD_PRIME
    square = (square * square) % FIELD_PRIME
  }
  return result
}
