import { X509Certificate } from 'node:crypto'
import { transportIdentityFromCertificate, transportIdentityToText } from '@hutong/service'
import type { Cli } from './command.ts'
import { moment, plain } from './print.ts'

/** What a certificate says about itself. Nothing here is believed: only a handshake verifies. */
export interface ShownCertificate {
  /** Absent where it names nobody; `noIdentity` says why. */
  readonly identity?: string
  readonly noIdentity?: { readonly code: string; readonly zh: string; readonly en: string }
  readonly isAuthority: boolean
  readonly subject: string
  readonly issuer: string
  readonly names: string
  readonly serialNumber: string
  readonly sha256: string
  readonly key: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly period: 'to-come' | 'running' | 'over'
  /** Whole days until it is over, rounded down; negative afterwards. */
  readonly daysLeft: number
  /** The smallest of the days at which one is told, that has been reached. */
  readonly warning?: 30 | 7 | 1
}

/** A file may hold a chain of at most so many certificates. */
export const CERTIFICATES_MOST = 16
export const CERTIFICATE_FILE_MAX_BYTES = 65_536

/** Reads the certificates of a file, PEM (one or several) or DER (one), in their order; undefined where that is not what it holds. */
export function certificatesFromFile(bytes: Buffer): readonly X509Certificate[] | undefined {
  const isDer = bytes[0] === 0x30
  const parts = isDer ? [bytes] : (bytes.toString('latin1').match(pemCertificate) ?? [])
  if (parts.length === 0 || parts.length > CERTIFICATES_MOST) return undefined
  try {
    const certificates = parts.map((part) => new X509Certificate(part))
    // OpenSSL passes over what stands after a certificate.
    return isDer && certificates[0]!.raw.length !== bytes.length ? undefined : certificates
  } catch {
    // The file is somebody's; OpenSSL's words about it say less than ours.
    return undefined
  }
}

export function shownCertificate(certificate: X509Certificate, nowMs: number): ShownCertificate {
  const identity = transportIdentityFromCertificate(certificate)
  const [notBeforeMs, notAfterMs] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  const daysLeft = Math.floor((notAfterMs - nowMs) / dayMs)
  const warning = warnDays.find((days) => daysLeft < days)
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails } = certificate.publicKey
  const bits = asymmetricKeyDetails?.modulusLength
  return {
    ...('kind' in identity
      ? { noIdentity: { code: identity.code, zh: identity.zh, en: identity.en } }
      : { identity: transportIdentityToText(identity) }),
    isAuthority: certificate.ca,
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: certificate.subjectAltName ?? '',
    serialNumber: certificate.serialNumber,
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    key: bits === undefined ? asymmetricKeyType : `${asymmetricKeyType} ${bits}`,
    notBeforeMs,
    notAfterMs,
    period: nowMs < notBeforeMs ? 'to-come' : nowMs > notAfterMs ? 'over' : 'running',
    daysLeft,
    ...(warning === undefined ? {} : { warning }),
  }
}

export function printCertificate({ print }: Cli, shown: ShownCertificate): void {
  const { noIdentity } = shown
  const nobody = noIdentity === undefined ? '' : `${noIdentity.code}  ${noIdentity.zh}  ${noIdentity.en}`
  print.table(
    ['', '', ''],
    [
      ['identity', '身份', shown.identity ?? (shown.isAuthority ? '签发者 a CA' : nobody)],
      ['subject', '主体', shown.subject],
      ['issuer', '签发者（自称）', shown.issuer],
      ['names', '名称', shown.names],
      ['key', '密钥', shown.key],
      ['serial', '序列号', shown.serialNumber],
      ['sha256', '指纹', shown.sha256],
      ['from', '自', moment(shown.notBeforeMs)],
      ['to', '至', moment(shown.notAfterMs)],
    ].map((row) => row.map(plain)),
  )
  print.line(print.colour(shown.period !== 'running' ? 'red' : shown.warning ? 'yellow' : 'green', periodOf(shown)))
}

const dayMs = 86_400_000
/** The days before its end at which a certificate is told, smallest first. */
const warnDays = [1, 7, 30] as const

const pemCertificate = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

function periodOf({ period, daysLeft, warning }: ShownCertificate): string {
  switch (period) {
    case 'to-come':
      return '尚未生效  not in its period yet'
    case 'over':
      return '已过期  its period is over'
    case 'running':
      if (warning === undefined) return `还有 ${daysLeft} 天  ${daysLeft} days left`
      return `还有 ${daysLeft} 天，不足 ${warning} 天，请更换  ${daysLeft} days left, fewer than ${warning}: replace it`
  }
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ')
}
