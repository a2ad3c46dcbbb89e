import { hash } from 'node:crypto'

/** SHA-256 (FIPS 180-4): 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return digestOf('sha256', bytes)
}

/** SM3 (GB/T 32905): 32 bytes. */
export function sm3(bytes: Uint8Array): Uint8Array {
  return digestOf('sm3', bytes)
}

/** By way of a text of one character for each byte: asked for a Buffer, OpenSSL's binding makes memory of its own for it, at twice the cost of the hash. */
function digestOf(algorithm: string, bytes: Uint8Array): Uint8Array {
  return plainBytes(Buffer.from(hash(algorithm, bytes, 'binary'), 'latin1'))
}

/** A Buffer as the Uint8Array it is: a Buffer's `slice` shares memory where a Uint8Array's copies. Nothing is copied here. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
