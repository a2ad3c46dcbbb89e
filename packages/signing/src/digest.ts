import { hash } from 'node:crypto'

/** SHA-256 (FIPS 180-4): 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return plainBytes(hash('sha256', bytes, 'buffer'))
}

/** SM3 (GB/T 32905): 32 bytes. */
export function sm3(bytes: Uint8Array): Uint8Array {
  return plainBytes(hash('sm3', bytes, 'buffer'))
}

/** A Buffer as the Uint8Array it is: a Buffer's `slice` shares memory where a Uint8Array's copies. Nothing is copied here. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
