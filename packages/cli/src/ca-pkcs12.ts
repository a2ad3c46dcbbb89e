import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import forge from 'node-forge'
import type { KeyedCertificate } from './ca-certificate.ts'

/** A PKCS#12 file is at most this large; those of certificate authorities have a few thousand bytes. */
export const PKCS12_SIZE_MAX_BYTES = 1_048_576
/** RSA keys below this are not taken from anybody (GM/T 0006 and NIST SP 800-131A ask the same). */
const rsaBitsLeast = 2048

/** What a PKCS#12 file held: its key, the key's certificate, and the certificates above it as far as the file has them. */
export interface KeyFile {
  readonly kind: 'key-file'
  readonly privateKeyPem: string
  /** The key's own first; each is signed by the next. */
  readonly chain: readonly X509Certificate[]
  /** Certificates in the file that do not belong to the chain; they are not taken over. */
  readonly leftOut: number
}

/** Why a PKCS#12 file is not taken. */
export interface KeyFileRefused {
  readonly kind: 'refused'
  readonly code:
    | 'NOT_PKCS12'
    | 'PKCS12_WITHOUT_MAC'
    | 'PKCS12_TOO_SLOW'
    | 'PKCS12_UNREADABLE'
    | 'WRONG_PASSPHRASE'
    | 'NO_KEY'
    | 'SEVERAL_KEYS'
    | 'KEY_NOT_RSA'
    | 'KEY_TOO_SHORT'
    | 'NO_CERTIFICATE'
  readonly reason: string
}

/**
 * Opens a PKCS#12 file with one RSA key. The integrity of the file is held against the passphrase before anything in it is used; that
 * certificate and key belong together, and who signed whom, is OpenSSL's answer. Whether the certificates are to be believed is not asked.
 */
export function keyFileFromPkcs12(bytes: Uint8Array, passphrase: string): KeyFile | KeyFileRefused {
  const file = asn1From(bytes)
  if (file === undefined || !isPfx(file)) return refused('NOT_PKCS12', 'not a PKCS#12 file of version 3')
  if (children(file).length < 3)
    return refused('PKCS12_WITHOUT_MAC', 'nothing in the file protects it from being altered')
  if (asksTooMuch(file, 0)) {
    return refused('PKCS12_TOO_SLOW', `more than ${iterationsMost} rounds for one passphrase, or nested too deeply`)
  }
  const opened = openPfx(file, passphrase)
  return 'kind' in opened ? opened : keyFileFrom(opened)
}

/**
 * Packs a key with its chain (own certificate first) for what reads PKCS#12, such as Java: AES-256, PBKDF2 with HMAC-SHA-256, MAC with
 * SHA-1 (the only one the library writes). The passphrase is ASCII: outside of it readers disagree about its bytes.
 */
export function pkcs12FromKey(
  { privateKeyPem, certificatePem }: KeyedCertificate,
  above: readonly string[],
  passphrase: string,
  friendlyName: string,
): Uint8Array {
  const options = { algorithm: 'aes256', prfAlgorithm: 'sha256', count: iterationsWritten, saltSize: 16, friendlyName }
  const key = forge.pki.privateKeyFromPem(privateKeyPem)
  const chain = [certificatePem, ...above].map((pem) => forge.pki.certificateFromPem(pem))
  const packed = forge.pkcs12.toPkcs12Asn1(key, chain, passphrase, options as object)
  const bytes = Buffer.from(forge.asn1.toDer(packed).getBytes(), 'latin1')
  // OpenSSL opens it, or nobody gets it.
  createSecureContext({ pfx: bytes, passphrase })
  return bytes
}

const iterationsWritten = 20_000
/** A round is about a microsecond in JavaScript; what certificate authorities write has 1 to 100,000. */
const iterationsMost = 600_000
const depthMost = 24

type Node = forge.asn1.Asn1
type Pfx = forge.pkcs12.Pkcs12Pfx

function asn1From(bytes: Uint8Array): Node | undefined {
  try {
    return forge.asn1.fromDer(Buffer.from(bytes).toString('latin1'))
  } catch {
    // Whoever wrote it may have meant anything; it is no DER.
    return undefined
  }
}

function isPfx(node: Node): boolean {
  const [version, content] = children(node)
  return (
    version?.type === forge.asn1.Type.INTEGER && version.value === '\x03' && content?.type === forge.asn1.Type.SEQUENCE
  )
}

function children(node: Node): readonly Node[] {
  return Array.isArray(node.value) ? (node.value as readonly Node[]) : []
}

/** Whether anything that can be seen without the passphrase has more rounds than are done for anybody: a salt, followed by their number. */
function asksTooMuch(node: Node, depth: number): boolean {
  if (depth > depthMost) return true
  const below = children(node)
  const asks = below.some(
    (one, at) =>
      one.type === forge.asn1.Type.INTEGER &&
      below[at - 1]?.type === forge.asn1.Type.OCTETSTRING &&
      typeof one.value === 'string' &&
      BigInt(`0x${Buffer.from(one.value, 'latin1').toString('hex') || '0'}`) > iterationsMost,
  )
  return asks || [...below, ...wrapped(node)].some((one) => asksTooMuch(one, depth + 1))
}

/** Structure inside an octet string, as PKCS#12 nests it. */
function wrapped(node: Node): readonly Node[] {
  if (node.type !== forge.asn1.Type.OCTETSTRING || typeof node.value !== 'string') return []
  const inside = asn1From(Buffer.from(node.value, 'latin1'))
  return inside === undefined ? [] : [inside]
}

function openPfx(file: Node, passphrase: string): Pfx | KeyFileRefused {
  try {
    return forge.pkcs12.pkcs12FromAsn1(file, passphrase)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (reason.startsWith('PKCS#12 MAC could not be verified')) {
      return refused('WRONG_PASSPHRASE', 'the passphrase is not the right one, or the file was altered')
    }
    const isAscii = Buffer.from(passphrase, 'utf8').length === passphrase.length
    if (isAscii || reason !== 'Failed to decrypt PKCS#12 SafeContents.') return refused('PKCS12_UNREADABLE', reason)
    return openAsUtf8(file, passphrase)
  }
}

/**
 * The MAC of a file takes the passphrase in UTF-16, PBES2 in it takes UTF-8 (RFC 7292 B.1, RFC 8018): the library knows one for both.
 * Reached only when the MAC has held, so that it may be left away here.
 */
function openAsUtf8(file: Node, passphrase: string): Pfx | KeyFileRefused {
  const withoutMac = { ...file, value: children(file).slice(0, 2) as Node[] }
  try {
    return forge.pkcs12.pkcs12FromAsn1(withoutMac, Buffer.from(passphrase, 'utf8').toString('latin1'))
  } catch (error) {
    return refused('PKCS12_UNREADABLE', error instanceof Error ? error.message : String(error))
  }
}

function keyFileFrom(pfx: Pfx): KeyFile | KeyFileRefused {
  const bags = pfx.safeContents.flatMap(({ safeBags }) => safeBags)
  const keys = bags.filter(({ type }) => type === forge.pki.oids.keyBag || type === forge.pki.oids.pkcs8ShroudedKeyBag)
  const [bag] = keys
  if (bag === undefined) return refused('NO_KEY', 'the file holds no private key')
  if (keys.length > 1) return refused('SEVERAL_KEYS', `the file holds ${keys.length} private keys: want one`)
  if (!bag.key) return refused('KEY_NOT_RSA', 'the private key is no RSA key')
  const key = keyFromPem(forge.pki.privateKeyToPem(bag.key))
  if (key === undefined) return refused('PKCS12_UNREADABLE', 'the numbers of the RSA key do not fit together')
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < rsaBitsLeast) return refused('KEY_TOO_SHORT', `an RSA key of ${bits} bits: want ${rsaBitsLeast} or more`)
  const certificates = once(bags.filter(({ type }) => type === forge.pki.oids.certBag).flatMap(certificateOf))
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (own === undefined) return refused('NO_CERTIFICATE', 'the file holds no certificate of its private key')
  const chain = chainFrom(own, certificates)
  return { kind: 'key-file', privateKeyPem: pkcs8(key), chain, leftOut: certificates.length - chain.length }
}

function keyFromPem(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    // The file is its maker's; OpenSSL does not take this key.
    return undefined
  }
}

function certificateOf({ cert, asn1 }: forge.pkcs12.Bag): readonly X509Certificate[] {
  const node = cert ? forge.pki.certificateToAsn1(cert) : asn1
  if (!node) return []
  try {
    return [new X509Certificate(Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1'))]
  } catch {
    // OpenSSL cannot read it: then it is nobody's certificate.
    return []
  }
}

function once(certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values()]
}

function chainFrom(own: X509Certificate, certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain = [own]
  for (let at: X509Certificate | undefined = own; at !== undefined; ) {
    const below: X509Certificate = at
    at = certificates.find((one) => !chain.includes(one) && below.checkIssued(one) && below.verify(one.publicKey))
    if (at !== undefined) chain.push(at)
  }
  return chain
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function refused(code: KeyFileRefused['code'], reason: string): KeyFileRefused {
  return { kind: 'refused', code, reason }
}
