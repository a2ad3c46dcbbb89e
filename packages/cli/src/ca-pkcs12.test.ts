import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keyFileFromPkcs12 } from './ca-pkcs12.ts'

const vectors = join(import.meta.dirname, '../vectors/pkcs12')
const vector = (file: string) => readFileSync(join(vectors, file))

interface Case {
  readonly id: string
  readonly file: string
  readonly password: string
  readonly result: 'opens' | 'refuse'
}
const { cases } = JSON.parse(vector('manifest.json').toString()) as { cases: readonly Case[] }
/** What `openssl pkcs12 -nokeys` finds two certificates in. */
const withAuthority = ['rsa-modern.p12', 'rsa-legacy.p12']
const ofRsa = cases.filter(({ id }) => id.startsWith('rsa-'))

describe('a PKCS#12 file of the vectors', () => {
  it.each(ofRsa.filter(({ result }) => result === 'opens'))('gives its key and chain: $id', ({ file, password }) => {
    const opened = keyFileFromPkcs12(vector(file), password)
    if (opened.kind === 'refused') throw new Error(opened.code)
    const key = createPrivateKey(vector('rsa.key.pem'))
    expect(createPrivateKey(opened.privateKeyPem).equals(key)).toBe(true)
    expect(opened.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    const [own, above] = ['rsa.cert.pem', 'rsa.ca.pem'].map((name) => new X509Certificate(vector(name)).fingerprint256)
    const chain = opened.chain.map(({ fingerprint256 }) => fingerprint256)
    expect(chain).toEqual(withAuthority.includes(file) ? [own, above] : [own])
    expect(opened.leftOut).toBe(0)
  })

  it.each(ofRsa.filter(({ result }) => result === 'refuse'))('is refused: $id', ({ file, password }) => {
    expect(keyFileFromPkcs12(vector(file), password)).toMatchObject({ kind: 'refused', code: 'WRONG_PASSPHRASE' })
  })

  it.each([
    ['an SM2 key', 'sm2.p12', 'TEST-1', 'KEY_NOT_RSA'],
    ['an SM2 key and a wrong passphrase', 'sm2.p12', 'TEST-1x', 'WRONG_PASSPHRASE'],
    ["the structure of CFCA's .sm2 files", 'sm2-cfca.sm2', 'TEST-1', 'NOT_PKCS12'],
    ['a passphrase in the other characters', 'rsa-utf8-password.p12', '测试口令2', 'WRONG_PASSPHRASE'],
    ['a certificate in PEM', 'rsa.cert.pem', 'TEST-1', 'NOT_PKCS12'],
  ])('is refused for what it is: %s', (_what, file, password, code) => {
    expect(keyFileFromPkcs12(vector(file), password)).toMatchObject({ kind: 'refused', code })
  })

  it('is refused where anything is missing at its end, or follows it', () => {
    const whole = vector('rsa-modern.p12')
    for (const length of [0, 1, 4, 100, whole.length - 1]) {
      expect(keyFileFromPkcs12(whole.subarray(0, length), 'TEST-1')).toMatchObject({ code: 'NOT_PKCS12' })
    }
    expect(keyFileFromPkcs12(Buffer.concat([whole, Buffer.from([0])]), 'TEST-1')).toMatchObject({ code: 'NOT_PKCS12' })
  })

  it('with one bit altered anywhere is refused, or is what it was', () => {
    const whole = vector('rsa-modern.p12')
    const was = keyFileFromPkcs12(whole, 'TEST-1')
    for (let at = 0; at < whole.length; at += 29) {
      const altered = Buffer.from(whole)
      altered[at]! ^= 1 << (at % 8)
      const opened = keyFileFromPkcs12(altered, 'TEST-1')
      if (opened.kind === 'key-file') expect(opened).toEqual(was)
    }
  })

  it('is refused without its MAC: nobody could see that it was altered', () => {
    const whole = vector('rsa-modern.p12')
    // SEQUENCE with a length of two bytes; the MAC is the last of its three parts, and its own length stands in one byte.
    const macAt = whole.length - 2 - whole[whole.lastIndexOf(macStart(whole)) + 1]!
    const body = whole.subarray(4, macAt)
    const head = Buffer.from([0x30, 0x82, body.length >> 8, body.length & 0xff])
    expect(keyFileFromPkcs12(Buffer.concat([head, body]), 'TEST-1')).toMatchObject({ code: 'PKCS12_WITHOUT_MAC' })
  })

  it('is refused where it asks for more rounds than are done for anybody, before one is done', () => {
    const whole = Buffer.from(vector('rsa-modern.p12'))
    const rounds = Buffer.from([0x02, 0x02, 0x08, 0x00])
    expect(whole.subarray(-4)).toEqual(rounds)
    // The MAC grows by one byte, and so does the whole.
    const macAt = whole.lastIndexOf(macStart(whole))
    whole[macAt + 1]! += 1
    whole.writeUInt16BE(whole.readUInt16BE(2) + 1, 2)
    const more = Buffer.concat([whole.subarray(0, -4), Buffer.from([0x02, 0x03, 0x0f, 0x42, 0x40])])
    expect(keyFileFromPkcs12(more, 'TEST-1')).toMatchObject({ code: 'PKCS12_TOO_SLOW' })
  })
})

/** MacData: its DigestInfo with SHA-256, as OpenSSL writes it; the bytes before name the length of MacData. */
function macStart(whole: Buffer): Buffer {
  const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const at = whole.lastIndexOf(digestInfo)
  expect(at).toBeGreaterThan(0)
  return whole.subarray(at - 2, at)
}
