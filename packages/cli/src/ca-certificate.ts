import { createPrivateKey, createPublicKey, randomBytes, sign, X509Certificate } from 'node:crypto'
import { type TransportIdentity, transportIdentityFromCertificate, transportIdentityToText } from '@hutong/service'
import forge from 'node-forge'

/** A certificate and its private key, both PEM; the key is PKCS#8. */
export interface KeyedCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/** From when to when a certificate may be used, whole seconds in milliseconds since 1970; both ends belong to it. */
export interface CertificatePeriod {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** What a service's certificate says. */
export interface ServiceNames {
  readonly identity: TransportIdentity
  /** Host names and addresses under which others reach it. */
  readonly dns: readonly string[]
  readonly ip: readonly string[]
}

/** X.509's own limit (ub-common-name, RFC 5280 A.1). */
export const COMMON_NAME_LENGTH_LIMIT = 64

/**
 * The name that Kafka's rules read, for they do not see the URI: `<zone or hub>.<role>[.<name>]`, such as `beijing.publisher`. No part
 * holds a dot, so two identities of one alliance never share it.
 */
export function commonNameOf({ caller: { zone, role, name } }: TransportIdentity): string {
  return [zone, role, ...(name === undefined ? [] : [name])].join('.')
}

/** The certificate with which an alliance's transport certificates are signed: of its own, for nothing but end certificates and CRLs. */
export function authorityCertificate(alliance: string, privateKeyPem: string, period: CertificatePeriod): string {
  const subject = subjectOf(alliance, 'hutong transport CA')
  const certificate = newCertificate(privateKeyPem, subject, subject, period)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ])
  const made = signedPem(certificate, privateKeyPem)
  assertMade(new X509Certificate(made).ca && isSignedBy(made, made))
  return made
}

/**
 * A service's certificate, signed by `authority`. That the period lies within the authority's, and that the identity is of its
 * alliance, is the caller's to see to.
 */
export function serviceCertificate(
  authority: KeyedCertificate,
  { identity, dns, ip }: ServiceNames,
  privateKeyPem: string,
  period: CertificatePeriod,
): string {
  const issuer = forge.pki.certificateFromPem(authority.certificatePem)
  const subject = subjectOf(identity.alliance, commonNameOf(identity))
  const certificate = newCertificate(privateKeyPem, subject, issuer.subject.attributes, period)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: generalName.uri, value: transportIdentityToText(identity) },
        ...dns.map((value) => ({ type: generalName.dns, value })),
        ...ip.map((address) => ({ type: generalName.ip, ip: address })),
      ],
    },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
  ])
  const made = signedPem(certificate, authority.privateKeyPem)
  const read = new X509Certificate(made)
  const found = transportIdentityFromCertificate(read)
  assertMade(!('kind' in found) && transportIdentityToText(found) === transportIdentityToText(identity))
  assertMade(isSignedBy(made, authority.certificatePem) && read.checkPrivateKey(createPrivateKey(privateKeyPem)))
  assertMade(
    dns.every((name) => read.checkHost(name) !== undefined) && ip.every((one) => read.checkIP(one) !== undefined),
  )
  return made
}

/** Whether a certificate is issued and signed by another, both PEM: OpenSSL's answer, for the library that makes them is not asked. */
function isSignedBy(certificatePem: string, issuerPem: string): boolean {
  const [certificate, issuer] = [new X509Certificate(certificatePem), new X509Certificate(issuerPem)]
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** GeneralName's tags (RFC 5280 4.2.1.6). */
const generalName = { dns: 2, uri: 6, ip: 7 } as const

function subjectOf(alliance: string, commonName: string): forge.pki.CertificateField[] {
  const valueTagClass = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class
  return [
    { name: 'organizationName', value: alliance, valueTagClass },
    { name: 'commonName', value: commonName, valueTagClass },
  ]
}

function newCertificate(
  privateKeyPem: string,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  period: CertificatePeriod,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  const publicKeyPem = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKeyPem)
  certificate.serialNumber = serialNumber()
  certificate.validity.notBefore = new Date(period.notBeforeMs)
  certificate.validity.notAfter = new Date(period.notAfterMs)
  certificate.setSubject(subject)
  certificate.setIssuer(issuer)
  return certificate
}

/** 127 bits of chance under a first byte of 64 to 127: positive, and of one length (RFC 5280 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** Signs with OpenSSL: the authority's private key never goes through the library. */
function signedPem(certificate: forge.pki.Certificate, privateKeyPem: string): string {
  const signer = {
    sign: () => {
      const signed = forge.asn1.toDer(certificate.tbsCertificate).getBytes()
      return sign('sha256', Buffer.from(signed, 'latin1'), privateKeyPem).toString('latin1')
    },
  }
  certificate.sign(signer as unknown as forge.pki.rsa.PrivateKey, forge.md.sha256.create())
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n')
}

function assertMade(holds: boolean): void {
  if (!holds) throw new Error('a certificate was made that does not say what it should')
}
