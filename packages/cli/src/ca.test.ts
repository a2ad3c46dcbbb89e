import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runHere } from './run-cli.ts'

const alliance = 'jjj.hutong.example'
const publisher = `hutong://${alliance}/beijing/publisher`
const passphrase = 'correct horse battery'
const dayMs = 86_400_000
const madeAtMs = Date.UTC(2026, 0, 15, 8)
const isOpensslPresent = spawnSync('openssl', ['version']).status === 0

let folder: string
const at = (...names: string[]) => join(folder, ...names)
const read = (...names: string[]) => readFileSync(at(...names))
const run = (args: readonly string[], nowMs = madeAtMs, stdin: readonly Uint8Array[] = []) =>
  runHere(args, {}, stdin, () => nowMs)

const issued = ['--dns', 'p.example', '--ip', '10.0.0.7', '--ip', '2001:db8::1', '--days', '90']
function issue(out: string, identity: string, ...more: readonly string[]) {
  return run(['ca', 'issue', '--ca', at('ca'), '--identity', identity, '--out', at(out), ...more])
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-ca-'))
  writeFileSync(at('pass'), `${passphrase}\n`)
  expect((await run(['ca', 'new', '--alliance', alliance, '--out', at('ca')])).exitCode).toBe(0)
  const made = await issue('publisher', publisher, ...issued, '--pkcs12', '--passphrase-file', at('pass'), '--json')
  expect(made).toMatchObject({ exitCode: 0, stderr: '' })
  expect(JSON.parse(made.stdout)).toMatchObject({ identity: publisher, commonName: 'beijing.publisher' })
  expect(made.stdout).not.toMatch(/PRIVATE KEY|correct horse/)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('hutong ca new and issue', () => {
  it('make keys that their owner alone can read, in folders of his own', () => {
    const modeOf = (...names: string[]) => statSync(at(...names)).mode & 0o777
    expect([modeOf('ca'), modeOf('ca', 'ca-key.pem'), modeOf('ca', 'ca.pem')]).toEqual([0o700, 0o600, 0o644])
    expect([modeOf('publisher', 'key.pem'), modeOf('publisher', 'keystore.p12')]).toEqual([0o600, 0o600])
    expect(readdirSync(at('publisher')).sort()).toEqual(['ca.pem', 'certificate.pem', 'key.pem', 'keystore.p12'])
    expect(read('publisher', 'ca.pem')).toEqual(read('ca', 'ca.pem'))
  })

  it('make what node reads as meant: who, where, from when to when, whose key', () => {
    const authority = new X509Certificate(read('ca', 'ca.pem'))
    const certificate = new X509Certificate(read('publisher', 'certificate.pem'))
    expect(certificate.subject).toBe(`O=${alliance}\nCN=beijing.publisher`)
    expect(certificate.subjectAltName).toBe(
      `URI:${publisher}, DNS:p.example, IP Address:10.0.0.7, IP Address:2001:DB8:0:0:0:0:0:1`,
    )
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    expect(certificate.validToDate.toISOString()).toBe('2026-04-15T08:00:00.000Z')
    expect(certificate.validFromDate.toISOString()).toBe('2026-01-15T07:55:00.000Z')
    expect(certificate.ca).toBe(false)
    expect(certificate.checkIssued(authority) && certificate.verify(authority.publicKey)).toBe(true)
    expect(certificate.checkPrivateKey(createPrivateKey(read('publisher', 'key.pem')))).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(authority.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(authority.ca).toBe(true)
  })

  it('never write over what is there, and leave nothing beside it', async () => {
    const before = read('ca', 'ca-key.pem')
    expect((await run(['ca', 'new', '--alliance', alliance, '--out', at('ca')])).exitCode).toBe(7)
    expect(read('ca', 'ca-key.pem')).toEqual(before)
    writeFileSync(at('certificate.pem'), 'somebody else')
    expect((await issue('.', publisher)).exitCode).toBe(7)
    expect(existsSync(at('key.pem'))).toBe(false)
    expect(read('certificate.pem').toString()).toBe('somebody else')
  })

  it.each([
    ['an identity of another grammar', 'IDENTITY_ROLE', [`hutong://${alliance}/beijing/Publisher`]],
    ['an identity of another alliance', 'CA_OF_ANOTHER_ALLIANCE', ['hutong://other.example/beijing/publisher']],
    ['a name too long for a CN', 'USAGE', [`hutong://${alliance}/${'b'.repeat(32)}/client/${'n'.repeat(32)}`]],
    ['a wildcard', 'USAGE', [publisher, '--dns', '*.example']],
    ['an address as a host name', 'USAGE', [publisher, '--dns', '10.0.0.7']],
    ['a host name with a comma', 'USAGE', [publisher, '--dns', 'a,URI:b']],
    ['a host name as an address', 'USAGE', [publisher, '--ip', 'p.example']],
    ['an address with a zone', 'USAGE', [publisher, '--ip', 'fe80::1%eth0']],
    ['33 names', 'USAGE', [publisher, ...Array.from({ length: 33 }, (_, n) => ['--dns', `h${n}.example`]).flat()]],
    ['no days', 'USAGE', [publisher, '--days', '0']],
    ['more days than a service has', 'USAGE', [publisher, '--days', '826']],
    ['days with a unit', 'USAGE', [publisher, '--days', '90d']],
    ['PKCS#12 without a passphrase', 'USAGE', [publisher, '--pkcs12']],
    ['a passphrase for nothing', 'USAGE', [publisher, '--passphrase-file', 'pass']],
  ])('refuse %s and write nothing', async (_what, code, [identity = '', ...more]) => {
    const { exitCode, stdout } = await issue('never', identity, ...more, '--json')
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } })
    expect(existsSync(at('never'))).toBe(false)
  })

  it('take a passphrase from stdin, and refuse a short one without repeating it', async () => {
    const args = ['ca', 'issue', '--ca', at('ca'), '--identity', publisher, '--pkcs12', '--passphrase-file', '-']
    const short = await run([...args, '--out', at('never')], madeAtMs, [Buffer.from('hunter2\n')])
    expect(short).toMatchObject({ exitCode: 2, stdout: '' })
    expect(short.stderr).not.toContain('hunter2')
    expect(existsSync(at('never'))).toBe(false)
    const good = await run([...args, '--out', at('stdin')], madeAtMs, [Buffer.from(passphrase)])
    expect(good.exitCode).toBe(0)
    expect(existsSync(at('stdin', 'keystore.p12'))).toBe(true)
  })

  it('sign nothing that outlives the CA, nor with one that is over or is no CA', async () => {
    const args = ['ca', 'issue', '--identity', publisher, '--out', at('never'), '--json']
    const codeOf = (stdout: string) => JSON.parse(stdout).error.code
    const late = madeAtMs + 3_649 * dayMs
    const sooner = await run([...args, '--ca', at('ca'), '--days', '2'], late)
    expect([sooner.exitCode, codeOf(sooner.stdout)]).toEqual([2, 'CA_ENDS_SOONER'])
    const over = await run([...args, '--ca', at('ca'), '--days', '1'], late + 2 * dayMs)
    expect([over.exitCode, codeOf(over.stdout)]).toEqual([1, 'CA_NOT_IN_PERIOD'])
    copyFileSync(at('publisher', 'certificate.pem'), at('publisher', 'ca-key.pem'))
    const service = await run([...args, '--ca', at('publisher')])
    rmSync(at('publisher', 'ca-key.pem'))
    expect([service.exitCode, codeOf(service.stdout)]).toEqual([2, 'CA_UNREADABLE'])
    expect(existsSync(at('never'))).toBe(false)
  })
})

describe.skipIf(!isOpensslPresent)('what hutong ca made, to OpenSSL (skipped where openssl is not in the PATH)', () => {
  const openssl = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder })
    return { status, text: `${stdout}${stderr}` }
  }
  const seconds = (ms: number) => String(Math.floor(ms / 1_000))
  const verify = (ca: string, atMs: number, purpose: string) =>
    openssl(
      'verify',
      '-x509_strict',
      '-purpose',
      purpose,
      '-attime',
      seconds(atMs),
      '-CAfile',
      ca,
      'publisher/certificate.pem',
    )

  it.each(['sslserver', 'sslclient'])(
    'verifies by the strict rules as %s, and neither before nor after its period',
    (purpose) => {
      expect(verify('ca/ca.pem', madeAtMs, purpose)).toMatchObject({ status: 0 })
      expect(verify('ca/ca.pem', madeAtMs - 301_000, purpose).text).toContain('not yet valid')
      expect(verify('ca/ca.pem', madeAtMs + 91 * dayMs, purpose).text).toContain('has expired')
      expect(verify('publisher/certificate.pem', madeAtMs, purpose).status).not.toBe(0)
    },
  )

  it('is no CA and signs no mail', () => {
    expect(verify('ca/ca.pem', madeAtMs, 'smimesign').status).not.toBe(0)
    const { text } = openssl('x509', '-in', 'publisher/certificate.pem', '-noout', '-text')
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment\n/)
    expect(text).toMatch(/Extended Key Usage: \s+TLS Web Server Authentication, TLS Web Client Authentication\n/)
    expect(text).toContain(`URI:${publisher}, DNS:p.example, IP Address:10.0.0.7`)
    const authority = openssl('x509', '-in', 'ca/ca.pem', '-noout', '-text').text
    expect(authority).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    expect(authority).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
    const keyId = /Subject Key Identifier: \s+([0-9A-F:]+)/.exec(authority)?.[1]
    expect(/Authority Key Identifier: \s+(?:keyid:)?([0-9A-F:]+)/.exec(text)?.[1]).toBe(keyId)
  })

  it("has a name that Kafka's rule finds first", () => {
    const { text } = openssl('x509', '-in', 'publisher/certificate.pem', '-noout', '-subject', '-nameopt', 'RFC2253')
    expect(/^subject=CN=([^,]+),.*$/m.exec(text)?.[1]).toBe('beijing.publisher')
  })

  it('is the same key and certificates out of the PKCS#12 file, and nothing with another passphrase', () => {
    const p12 = ['pkcs12', '-in', 'publisher/keystore.p12', '-nodes', '-passin']
    const opened = openssl(...p12, 'file:pass')
    expect(opened.status).toBe(0)
    const pems = [...opened.text.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(
      ([pem]) => pem,
    )
    const ours = [read('publisher', 'certificate.pem'), read('ca', 'ca.pem')]
    expect(pems.map((pem) => new X509Certificate(pem).raw)).toEqual(ours.map((pem) => new X509Certificate(pem).raw))
    const key = createPrivateKey(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(opened.text)![0])
    expect(key.equals(createPrivateKey(read('publisher', 'key.pem')))).toBe(true)
    expect(openssl(...p12, 'pass:correct horse').status).not.toBe(0)
    expect(
      openssl('pkcs12', '-in', 'publisher/keystore.p12', '-info', '-noout', '-passin', 'file:pass').text,
    ).toContain('PBES2, PBKDF2, AES-256-CBC, Iteration 20000, PRF hmacWithSHA256')
  })
})

describe('hutong ca import', () => {
  it('takes out what issue packed', async () => {
    const args = [
      'ca',
      'import',
      at('publisher', 'keystore.p12'),
      '--passphrase-file',
      at('pass'),
      '--out',
      at('imported'),
    ]
    expect((await run(args)).exitCode).toBe(0)
    expect(read('imported', 'key.pem')).toEqual(read('publisher', 'key.pem'))
    expect(statSync(at('imported', 'key.pem')).mode & 0o777).toBe(0o600)
    const chain = Buffer.concat([read('publisher', 'certificate.pem'), read('ca', 'ca.pem')])
    expect(read('imported', 'certificate.pem')).toEqual(chain)
    expect((await run(args)).exitCode).toBe(7)
  })

  it.each([
    ['another passphrase', 'keystore.p12', 'wrong horse battery', 'WRONG_PASSPHRASE'],
    ['a file that is none', 'certificate.pem', passphrase, 'NOT_PKCS12'],
    ['a passphrase of two lines', 'keystore.p12', 'one\ntwo', 'PASSPHRASE'],
  ])('refuses %s in both languages and writes nothing', async (_what, name, word, code) => {
    const args = ['ca', 'import', at('publisher', name), '--passphrase-file', '-', '--out', at('never'), '--json']
    const { exitCode, stdout, stderr } = await run(args, madeAtMs, [Buffer.from(word)])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code, remedy: { zh: expect.stringMatching(/\p{Script=Han}/u), en: expect.any(String) } },
    })
    expect(stdout + stderr).not.toContain(word)
    expect(existsSync(at('never'))).toBe(false)
  })
})

describe('hutong ca show', () => {
  const shown = async (daysLater: number) => {
    const { exitCode, stdout } = await run(
      ['ca', 'show', at('publisher', 'certificate.pem'), '--json'],
      madeAtMs + daysLater * dayMs,
    )
    const { identity, period, daysLeft, warning } = JSON.parse(stdout).certificates[0]
    return { exitCode, identity, period, daysLeft, warning }
  }

  it.each([
    [-1, 1, 'to-come', 91, undefined],
    [0, 0, 'running', 90, undefined],
    [60, 0, 'running', 30, undefined],
    [60.5, 0, 'running', 29, 30],
    [83.5, 0, 'running', 6, 7],
    [89.5, 0, 'running', 0, 1],
    [90, 0, 'running', 0, 1],
    [90.5, 1, 'over', -1, 1],
  ])('%d days after it was made answers %d: %s, %d days left', async (later, exitCode, period, daysLeft, warning) => {
    expect(await shown(later)).toEqual({ exitCode, identity: publisher, period, daysLeft, warning })
  })

  it('says it in both languages, and shows a CA as one', async () => {
    const service = await run(['ca', 'show', at('publisher', 'certificate.pem')], madeAtMs + 85 * dayMs)
    expect(service.stdout).toContain(publisher)
    expect(service.stdout).toMatch(/还有 5 天，不足 7 天，请更换 {2}5 days left, fewer than 7: replace it\n$/)
    expect((await run(['ca', 'show', at('ca', 'ca.pem')])).stdout).toContain('签发者 a CA')
  })

  it('says why a certificate names nobody', async () => {
    writeFileSync(at('other.pem'), readFileSync(join(import.meta.dirname, '../vectors/pkcs12/rsa.cert.pem')))
    const { exitCode, stdout } = await run(['ca', 'show', at('other.pem')])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/IDENTITY_ABSENT .*\p{Script=Han}.*no URI/u)
  })

  it('reads DER and chains, and nothing with anything after it', async () => {
    const der = new X509Certificate(read('publisher', 'certificate.pem')).raw
    writeFileSync(at('one.der'), der)
    writeFileSync(at('one-and-more.der'), Buffer.concat([der, Buffer.from([0])]))
    writeFileSync(at('chain.pem'), Buffer.concat([read('publisher', 'certificate.pem'), read('ca', 'ca.pem')]))
    expect((await run(['ca', 'show', at('one.der')])).exitCode).toBe(0)
    const chain = await run(['ca', 'show', at('chain.pem'), '--json'])
    expect(JSON.parse(chain.stdout).certificates).toHaveLength(2)
    for (const file of ['one-and-more.der', 'pass', 'publisher/key.pem', 'publisher/keystore.p12']) {
      expect((await run(['ca', 'show', at(file)])).exitCode).toBe(2)
    }
  })
})
