import { type Signer, verifySignature } from '@hutong/signing'
import { parseCheckpoint } from './checkpoint.ts'
import { formatSignatureLine } from './signature-line.ts'
import { maxPosition } from './strict-text.ts'
import { type VerifierKey, verifierKey } from './verifier-key.ts'

/**
 * A witness's signature line for a checkpoint, without its newline (C2SP tlog-cosignature, cosignature/v1). It says: at `timeSeconds`
 * since the epoch, this was the largest tree I had seen of this log, and it extends all I had seen before.
 * @throws {RangeError} the text is no checkpoint, the time is out of 0 … 2^63 − 1, the name is no key name, or the signer is not Ed25519.
 */
export function cosign(checkpointText: string, name: string, signer: Signer, timeSeconds: bigint | number): string {
  const key = verifierKey(name, signer.publicKey, { cosignature: true })
  const time = BigInt(timeSeconds)
  if (time < 0n || time > maxPosition) throw new RangeError(`no cosignature has the time ${time}`)
  if (parseCheckpoint(checkpointText).kind === 'refused') throw new RangeError('only a checkpoint can be cosigned')
  const signature = Buffer.alloc(cosignatureSizeBytes)
  signature.writeBigUInt64BE(time)
  signature.set(signer.sign(cosignedMessage(checkpointText, time)), timeSizeBytes)
  return formatSignatureLine(key, signature)
}

/** The time in seconds that `key` cosigned this checkpoint at; `undefined` unless the signature holds and the text is a checkpoint. */
export function verifyCosignature(key: VerifierKey, checkpointText: string, signature: Uint8Array): bigint | undefined {
  if (key.type !== 'cosignature' || signature.length !== cosignatureSizeBytes) return undefined
  if (parseCheckpoint(checkpointText).kind === 'refused') return undefined
  const time = Buffer.from(signature.subarray(0, timeSizeBytes)).readBigUInt64BE()
  if (time > maxPosition) return undefined
  const message = cosignedMessage(checkpointText, time)
  return verifySignature(key.publicKey, message, signature.subarray(timeSizeBytes)) ? time : undefined
}

const timeSizeBytes = 8
const cosignatureSizeBytes = timeSizeBytes + 64

function cosignedMessage(checkpointText: string, time: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${checkpointText}`, 'utf8')
}
