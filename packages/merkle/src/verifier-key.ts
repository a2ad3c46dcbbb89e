import { type PublicKey, publicKeyFromBytes, type Suite, sha256 } from '@hutong/signing'
import { type Refusal, refused } from './refusal.ts'
import { base64FromBytes, bytesFromBase64, holdsControlCharacter, sameBytes } from './strict-text.ts'

/** What a key signs, and how: three kinds of log key, and the cosignature of a witness (formats F3). */
export type VerifierKeyType = 'ed25519' | 'ecdsa-p256' | 'sm2-sm3' | 'cosignature'

/** A key that signs notes, under the name it signs with (C2SP signed-note, "Verifier keys"). */
export interface VerifierKey {
  /** Not empty, without white space and plus; compared byte by byte. */
  readonly name: string
  /** The first four bytes of a hash over the key (and, except for P-256, name and type), as an unsigned big-endian number. */
  readonly keyId: number
  readonly type: VerifierKeyType
  readonly publicKey: PublicKey
}

/** A vkey as read. */
export interface ParsedVkey {
  readonly kind: 'vkey'
  readonly key: VerifierKey
}

/**
 * The verifier key of `publicKey` under `name`. With `cosignature` the key (Ed25519 only) is a witness's and not a log's: another
 * type, another key id, another message under the signature.
 * @throws {RangeError} the name is no key name, or a cosignature is wanted of another suite.
 */
export function verifierKey(
  name: string,
  publicKey: PublicKey,
  options: { readonly cosignature?: boolean } = {},
): VerifierKey {
  if (!isKeyName(name))
    throw new RangeError('a key name is not empty and holds no white space, plus or control character')
  if (options.cosignature && publicKey.suite !== 'Ed25519') throw new RangeError('cosignature/v1 is made with Ed25519')
  const type = options.cosignature ? 'cosignature' : typeOfSuite[publicKey.suite]
  return { name, keyId: keyIdOf(name, type, publicKey.bytes), type, publicKey }
}

/** The key as one line of text: `<name>+<8 hex of key id>+<base64(type ‖ key)>`, no newline. */
export function formatVkey(key: VerifierKey): string {
  const material = base64FromBytes(Buffer.concat([typeBytes[key.type], key.publicKey.bytes]))
  return `${key.name}+${key.keyId.toString(16).padStart(8, '0')}+${material}`
}

/** Reads a vkey: lower-case hex, canonical base64, a key of a known type that is one, and the key id that belongs to it. */
export function parseVkey(text: string): ParsedVkey | Refusal {
  const parts = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text)
  if (parts === null) return refused('MALFORMED', 'vkey: not <name>+<8 hex digits>+<base64>')
  const [, name = '', keyId = '', base64 = ''] = parts
  if (!isKeyName(name)) return refused('MALFORMED', 'vkey: no key name')
  const material = bytesFromBase64(base64)
  if (material === undefined) return refused('MALFORMED', 'vkey: no canonical base64')
  const type = keyTypes.find((one) => sameBytes(material.subarray(0, typeBytes[one].length), typeBytes[one]))
  if (type === undefined) return refused('MALFORMED', 'vkey: an unknown signature type')
  const publicKey = publicKeyFromBytes(suiteOfType[type], material.subarray(typeBytes[type].length))
  if (publicKey === undefined) return refused('MALFORMED', 'vkey: the key is none of its type')
  const key = verifierKey(name, publicKey, { cosignature: type === 'cosignature' })
  if (key.keyId !== Number.parseInt(keyId, 16)) return refused('MALFORMED', 'vkey: the key id is not that of the key')
  return { kind: 'vkey', key }
}

/** Whether a signature line can carry this name (C2SP signed-note, "Format"): not empty, no Unicode space, no plus, no control character. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}+]/u.test(name) && !holdsControlCharacter(name)
}

const keyTypes: readonly VerifierKeyType[] = ['ed25519', 'ecdsa-p256', 'sm2-sm3', 'cosignature']

const typeBytes: Readonly<Record<VerifierKeyType, Uint8Array>> = {
  ed25519: Uint8Array.of(0x01),
  'ecdsa-p256': Uint8Array.of(0x02),
  'sm2-sm3': Buffer.concat([Uint8Array.of(0xff), Buffer.from('SM2-SM3-GBT32918/v1', 'ascii')]),
  cosignature: Uint8Array.of(0x04),
}

const suiteOfType: Readonly<Record<VerifierKeyType, Suite>> = {
  ed25519: 'Ed25519',
  'ecdsa-p256': 'ECDSA-P256',
  'sm2-sm3': 'SM2-SM3',
  cosignature: 'Ed25519',
}

const typeOfSuite: Readonly<Record<Suite, VerifierKeyType>> = {
  Ed25519: 'ed25519',
  'ECDSA-P256': 'ecdsa-p256',
  'SM2-SM3': 'sm2-sm3',
}

function keyIdOf(name: string, type: VerifierKeyType, keyBytes: Uint8Array): number {
  // Type 0x02 is older than the rule that a key id covers the name: C2SP keeps its id over the SPKI alone.
  const message =
    type === 'ecdsa-p256' ? keyBytes : Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), typeBytes[type], keyBytes])
  return Buffer.from(sha256(message)).readUInt32BE()
}
