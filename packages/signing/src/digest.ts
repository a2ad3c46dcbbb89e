import { hash } from 'node:crypto'

/** SHA-256 (FIPS 180-4): 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return digestOf('sha256', bytes)
}

/** SM3 (GB/T 32905): 32 bytes. */
export function sm3(bytes: Uint8Array): Uint8Array {
  return digestOf('sm3', bytes)
}

/** A Buffer as the Uint8Array it is: a Buffer's `slice` shares memory where a Uint8Array's copies. Nothing is copied here. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/**
 * By way of a text of one character for each byte, written into memory that many digests share: asked for a Buffer, node makes memory
 * for each, and that costs more than the hash of a small message.
 */
function digestOf(algorithm: string, bytes: Uint8Array): Uint8Array {
  const text = hash(algorithm, bytes, 'binary')
  if (written + text.length > shared.length) {
    shared = Buffer.allocUnsafeSlow(sharedBytes)
    written = 0
  }
  const start = written
  written += shared.write(text, start, 'latin1')
  return new Uint8Array(shared.buffer, start, text.length)
}

/** Digests of one piece of memory: 256. Whoever keeps one keeps its piece. */
const sharedBytes = 8192
let shared = Buffer.allocUnsafeSlow(sharedBytes)
let written = 0
