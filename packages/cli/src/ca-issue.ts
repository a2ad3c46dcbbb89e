import { createPrivateKey, generateKeyPair, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type TransportIdentity, transportIdentityFromText, transportIdentityToText } from '@hutong/service'
import {
  authorityCertificate,
  type CertificatePeriod,
  COMMON_NAME_LENGTH_LIMIT,
  commonNameOf,
  type KeyedCertificate,
  serviceCertificate,
} from './ca-certificate.ts'
import { pkcs12FromKey } from './ca-pkcs12.ts'
import { CERTIFICATE_FILE_MAX_BYTES, certificatesFromFile, shownCertificate } from './ca-show.ts'
import type { Cli, Common } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile, textOfFile, writeNewFiles } from './files.ts'
import { readNewPassphrase } from './passphrase.ts'

/** In days. */
export const AUTHORITY_DAYS_MOST: number = 7_300
/** What browsers take at most; a service's certificate is replaced more often. */
export const SERVICE_DAYS_MOST: number = 825
const authorityBits = 3_072
const serviceBits = 2_048
const namesMost = 32
const dayMs = 86_400_000
/** A certificate begins so much before it is made, for the clocks of those who look at it may be behind. */
const backdatedMs = 300_000

const [authorityFile, authorityKeyFile] = ['ca.pem', 'ca-key.pem']

export interface NewOptions extends Common {
  readonly alliance: string
  readonly out: string
  readonly days: string
}

/** `hutong ca new`: the alliance's CA as two files, its key for its owner alone. */
export async function newAuthority(cli: Cli, options: NewOptions): Promise<number> {
  const { alliance, out, days } = options
  // The name is judged as a part of an identity, for that is what it is going to be.
  identityOf('--alliance', `hutong://${alliance}/hub/log`)
  const period = periodFrom(cli.nowMs(), days, AUTHORITY_DAYS_MOST)
  const privateKeyPem = await newKey(authorityBits)
  const certificatePem = authorityCertificate(alliance, privateKeyPem, period)
  const files = await writeNewFiles(out, [
    { name: authorityKeyFile, content: privateKeyPem, mode: 0o600 },
    { name: authorityFile, content: certificatePem, mode: 0o644 },
  ])
  return tellMade(cli, options, { alliance, files }, certificatePem)
}

export interface IssueOptions extends Common {
  readonly ca: string
  readonly identity: string
  readonly out: string
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly days: string
  readonly pkcs12?: true
  readonly passphraseFile?: string
}

/** `hutong ca issue`: a service's key, its certificate, and the CA's beside it. Nothing is written unless all of it can be. */
export async function issueCertificate(cli: Cli, options: IssueOptions): Promise<number> {
  const identity = identityOf('--identity', options.identity)
  const commonName = commonNameOf(identity)
  if (commonName.length > COMMON_NAME_LENGTH_LIMIT)
    throw usage(
      `--identity: ${commonName} has more than ${COMMON_NAME_LENGTH_LIMIT} characters, what a common name holds`,
    )
  const [dns, ip] = [hostNames(options.dns ?? []), addresses(options.ip ?? [])]
  const passphrase = await passphraseOf(cli, options)
  const nowMs = cli.nowMs()
  const period = periodFrom(nowMs, options.days, SERVICE_DAYS_MOST)
  const authority = await authorityFrom(options.ca, identity, period, nowMs)
  const privateKeyPem = await newKey(serviceBits)
  const certificatePem = serviceCertificate(authority, { identity, dns, ip }, privateKeyPem, period)
  const keyed = { certificatePem, privateKeyPem }
  const files = await writeNewFiles(options.out, [
    { name: 'key.pem', content: privateKeyPem, mode: 0o600 },
    { name: 'certificate.pem', content: certificatePem, mode: 0o644 },
    { name: authorityFile, content: authority.certificatePem, mode: 0o644 },
    ...(passphrase === undefined
      ? []
      : [
          {
            name: 'keystore.p12',
            content: pkcs12FromKey(keyed, [authority.certificatePem], passphrase, commonName),
            mode: 0o600,
          },
        ]),
  ])
  return tellMade(cli, options, { identity: transportIdentityToText(identity), commonName, files }, certificatePem)
}

/** @throws {CommandError} no CA is there, its key is another's, or it cannot sign this certificate: another alliance's, or not so long. */
async function authorityFrom(
  folder: string,
  identity: TransportIdentity,
  period: CertificatePeriod,
  nowMs: number,
): Promise<KeyedCertificate> {
  const path = join(folder, authorityFile)
  const [certificate, ...more] = certificatesFromFile(await bytesOfFile(path, CERTIFICATE_FILE_MAX_BYTES)) ?? []
  const privateKeyPem = await textOfFile(join(folder, authorityKeyFile), CERTIFICATE_FILE_MAX_BYTES)
  if (certificate === undefined || more.length > 0 || !isAuthority(certificate, privateKeyPem))
    throw new CommandError(exits.usage, 'CA_UNREADABLE', `${folder}: no CA as hutong ca new makes it, with its key`)
  const alliance = /^O=(.*)$/m.exec(certificate.subject)?.[1]
  if (alliance !== identity.alliance)
    throw new CommandError(
      exits.usage,
      'CA_OF_ANOTHER_ALLIANCE',
      `${path}: the CA of ${alliance}, not ${identity.alliance}`,
    )
  const { period: where, notAfterMs, daysLeft } = shownCertificate(certificate, nowMs)
  if (where !== 'running')
    throw new CommandError(exits.negative, 'CA_NOT_IN_PERIOD', `${path}: the CA is not in its period`)
  if (period.notAfterMs > notAfterMs)
    throw new CommandError(exits.usage, 'CA_ENDS_SOONER', `--days: the CA itself has ${daysLeft} days left`)
  return { certificatePem: certificate.toString(), privateKeyPem }
}

function isAuthority(certificate: X509Certificate, privateKeyPem: string): boolean {
  if (!certificate.ca || !certificate.verify(certificate.publicKey)) return false
  try {
    return certificate.checkPrivateKey(createPrivateKey(privateKeyPem))
  } catch {
    // What stands in the folder is its owner's; a key that is none is as good as another's.
    return false
  }
}

function identityOf(option: string, text: string): TransportIdentity {
  const identity = transportIdentityFromText(text)
  if (!('kind' in identity)) return identity
  throw new CommandError(exits.usage, identity.code, `${option}: ${identity.zh} ${identity.en}`)
}

function periodFrom(nowMs: number, days: string, daysMost: number): CertificatePeriod {
  if (!/^[1-9]\d{0,4}$/.test(days) || Number(days) > daysMost)
    throw usage(`--days: want 1 to ${daysMost}, got "${days}"`)
  const nowSecondsMs = nowMs - (nowMs % 1_000)
  return { notBeforeMs: nowSecondsMs - backdatedMs, notAfterMs: nowSecondsMs + Number(days) * dayMs }
}

/** Host names in lower case, without wildcard: a certificate is of one service. */
function hostNames(names: readonly string[]): readonly string[] {
  const bad = names.find((name) => name.length > 253 || !hostName.test(name) || isIP(name) !== 0)
  if (bad !== undefined) throw usage(`--dns: want a host name in lower case, no wildcard, got "${bad}"`)
  return bounded('--dns', names)
}

function addresses(ips: readonly string[]): readonly string[] {
  // The library cannot write an address with a zone, or one of version 6 that ends in dots.
  const bad = ips.find((one) => isIP(one) === 0 || one.includes('%') || (one.includes(':') && one.includes('.')))
  if (bad !== undefined) throw usage(`--ip: want an address, version 4 or 6, got "${bad}"`)
  return bounded('--ip', ips)
}

function bounded(option: string, values: readonly string[]): readonly string[] {
  if (values.length > namesMost) throw usage(`${option}: at most ${namesMost}`)
  return values
}

async function passphraseOf(cli: Cli, { pkcs12, passphraseFile }: IssueOptions): Promise<string | undefined> {
  if ((pkcs12 === true) !== (passphraseFile !== undefined))
    throw usage('--pkcs12 and --passphrase-file go together: the file is protected by that passphrase')
  return passphraseFile === undefined ? undefined : await readNewPassphrase(cli, passphraseFile)
}

async function newKey(modulusLength: number): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

interface Made {
  readonly alliance?: string
  readonly identity?: string
  readonly commonName?: string
  readonly files: readonly string[]
}

function tellMade(cli: Cli, { json }: Common, said: Made, pem: string): number {
  const { sha256, serialNumber, notBeforeMs, notAfterMs } = shownCertificate(new X509Certificate(pem), cli.nowMs())
  if (json) cli.print.json({ ...said, sha256, serialNumber, notBeforeMs, notAfterMs })
  else {
    for (const path of said.files) cli.print.line(path)
    cli.print.line(`sha256 ${sha256}`)
  }
  return exits.done
}

const hostName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

function usage(message: string): CommandError {
  return new CommandError(exits.usage, 'USAGE', message)
}
