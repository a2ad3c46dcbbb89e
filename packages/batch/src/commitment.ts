import { sha256 } from '@hutong/signing'
import type { Entry } from '@hutong/wire'
import { batchLimits, saltBytes } from './limits.ts'

/**
 * What a leaf says of its payload: `SHA-256("hutong/payload/v1\0" ‖ salt ‖ payload)` (formats F5).
 * @throws {RangeError} the salt is not of 32 bytes.
 */
export function payloadCommitment(salt: Uint8Array, payload: Uint8Array): Uint8Array {
  if (salt.length !== saltBytes) throw new RangeError(`a salt of ${salt.length} bytes`)
  const length = payloadContext.length + saltBytes + payload.length
  const message = length <= scratch.length ? scratch.subarray(0, length) : Buffer.alloc(length)
  message.set(payloadContext, 0)
  message.set(salt, payloadContext.length)
  message.set(payload, payloadContext.length + saltBytes)
  return sha256(message)
}

/**
 * What a leaf says of its subject: `SHA-256("hutong/subject/v1\0" ‖ secret ‖ subject string)` (formats F5).
 * @throws {RangeError} the secret is not of 16 bytes, or the subject string holds a lone surrogate.
 */
export function subjectValue(secret: Uint8Array, subjectString: string): Uint8Array {
  if (secret.length !== subjectSecretBytes) throw new RangeError(`a subject secret of ${secret.length} bytes`)
  if (!subjectString.isWellFormed()) throw new RangeError('a subject string with a lone surrogate')
  const textStart = subjectContext.length + subjectSecretBytes
  const length = textStart + Buffer.byteLength(subjectString, 'utf8')
  const message = length <= scratch.length ? scratch.subarray(0, length) : Buffer.alloc(length)
  message.set(subjectContext, 0)
  message.set(secret, subjectContext.length)
  message.write(subjectString, textStart, 'utf8')
  return sha256(message)
}

/** Whether what the entry carries is what `commitment` was made of. Nothing given opens nothing. Never throws. */
export function opensCommitment(entry: Entry, commitment: Uint8Array): boolean {
  if (entry.payloadEncoding !== plainEncoding || entry.salt.length !== saltBytes || entry.payload.length === 0)
    return false
  return sameBytes(payloadCommitment(entry.salt, entry.payload), commitment)
}

/** Encoding 0: the payload's bytes as they are. */
export const plainEncoding = 0

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0
}

const payloadContext = Buffer.from('hutong/payload/v1\0', 'ascii')
const subjectContext = Buffer.from('hutong/subject/v1\0', 'ascii')
const subjectSecretBytes = 16

// One buffer for all calls: each runs to its end before another begins, and a payload is copied once instead of twice.
const scratch = Buffer.alloc(payloadContext.length + saltBytes + batchLimits.payloadBytes)
