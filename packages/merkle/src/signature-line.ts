import { type Refusal, refused } from './refusal.ts'
import { base64FromBytes, bytesFromBase64 } from './strict-text.ts'
import { isKeyName } from './verifier-key.ts'

/** A signature line as read: whose it says it is, nothing verified. */
export interface SignatureLine {
  readonly kind: 'signature-line'
  readonly name: string
  /** Unsigned 32 bits. */
  readonly keyId: number
  /** At least one byte. */
  readonly signature: Uint8Array
}

/** One signature line, without its newline: `— <name> <base64(key id ‖ signature)>` (C2SP signed-note, "Format"). */
export function formatSignatureLine(
  key: { readonly name: string; readonly keyId: number },
  signature: Uint8Array,
): string {
  const body = Buffer.alloc(keyIdSizeBytes + signature.length)
  body.writeUInt32BE(key.keyId)
  body.set(signature, keyIdSizeBytes)
  return `${linePrefix}${key.name} ${base64FromBytes(body)}`
}

/** Reads one signature line without its newline. */
export function parseSignatureLine(line: string): SignatureLine | Refusal {
  if (!line.startsWith(linePrefix))
    return refused('MALFORMED', 'signature line: does not begin with an em dash and a space')
  const [name = '', base64, ...more] = line.slice(linePrefix.length).split(' ')
  if (base64 === undefined || more.length > 0) return refused('MALFORMED', 'signature line: not a name and a signature')
  if (!isKeyName(name)) return refused('MALFORMED', 'signature line: no key name')
  const body = bytesFromBase64(base64)
  if (body === undefined) return refused('MALFORMED', 'signature line: no canonical base64')
  if (body.length <= keyIdSizeBytes) return refused('MALFORMED', 'signature line: no signature after the key id')
  return {
    kind: 'signature-line',
    name,
    keyId: Buffer.from(body).readUInt32BE(),
    signature: body.subarray(keyIdSizeBytes),
  }
}

const linePrefix = '\u2014 '

const keyIdSizeBytes = 4
