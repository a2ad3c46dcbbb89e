import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CURVE_ORDER, scalarFromBytes } from './der-signature.ts'
import { generateKey, KeyFormatError, SUITES, signerFromPem, verifySignature } from './index.ts'

describe('a signer', () => {
  it.each(SUITES)('signs what its public key verifies, for any message: %s', (suite) => {
    const signer = signerFromPem(generateKey(suite).privateKeyPem)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(verifySignature(signer.publicKey, message, signer.sign(message))).toBe(true)
      }),
    )
  })

  it.each(SUITES)('read from its PEM has the suite and the public key it was generated with: %s', (suite) => {
    const { privateKeyPem, publicKey } = generateKey(suite)
    const signer = signerFromPem(privateKeyPem)
    expect(signer.suite).toBe(suite)
    expect(signer.publicKey).toEqual(publicKey)
  })

  it('writes low s for P-256', () => {
    const signer = signerFromPem(generateKey('ECDSA-P256').privateKeyPem)
    for (let i = 0; i < 64; i += 1) {
      const signature = signer.sign(Uint8Array.of(i))
      const s = scalarFromBytes(signature.subarray(6 + (signature[3] as number)))
      expect(s <= CURVE_ORDER['ECDSA-P256'] / 2n).toBe(true)
    }
  })

  it('signs Ed25519 as RFC 8032 7.1, test 2 prints it', () => {
    const pkcs8 = `302e020100300506032b657004220420${'4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'}`
    const signature = signerFromPem(pemOf(pkcs8)).sign(Uint8Array.of(0x72))
    expect(Buffer.from(signature).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    )
  })

  it('reads the private key of GB/T 32918.5 Annex A.2 and finds the public key printed there', () => {
    const signer = signerFromPem(pemOf(sm2Pkcs8('3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8')))
    expect(Buffer.from(signer.publicKey.bytes).toString('hex', 27)).toBe(
      '09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13',
    )
  })

  it('returns plain bytes, whose slice is a copy', () => {
    for (const suite of SUITES) {
      const signature = signerFromPem(generateKey(suite).privateKeyPem).sign(new Uint8Array())
      expect(Object.getPrototypeOf(signature)).toBe(Uint8Array.prototype)
    }
  })
})

describe('a private key that is refused', () => {
  const { privateKeyPem } = generateKey('SM2-SM3')

  it.each([
    ['no text', ''],
    ['text before it', `key:\n${privateKeyPem}`],
    ['text after it', `${privateKeyPem}more`],
    ['two keys', privateKeyPem + privateKeyPem],
    ['headers', privateKeyPem.replace('KEY-----\n', 'KEY-----\nProc-Type: 4\n\n')],
    ['a blank in the base64', privateKeyPem.replace('MIG', 'MI G')],
    ['a public key', ecPem('prime256v1').publicKey],
    [
      'SEC 1',
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({
        type: 'sec1',
        format: 'pem',
      }) as string,
    ],
    [
      'encrypted',
      generateKeyPairSync('ed25519').privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-128-cbc',
        passphrase: 'x',
      }) as string,
    ],
    ['more than 4096 characters', `${privateKeyPem}${'\n'.repeat(4096)}`],
  ])('is not one PKCS#8 block: %s', (_, pem) => {
    expect(refusal(pem).code).toBe('NOT_PKCS8_PEM')
  })

  it('is bytes that OpenSSL does not read', () => {
    expect(refusal(pemOf('3003020100')).code).toBe('UNREADABLE_KEY')
  })

  it('is d = 0 or d = n, whose public key is the point at infinity', () => {
    const n = CURVE_ORDER['SM2-SM3'].toString(16)
    expect(refusal(pemOf(sm2Pkcs8('00'.repeat(32)))).code).toBe('UNSUPPORTED_KEY')
    expect(refusal(pemOf(sm2Pkcs8(n))).code).toBe('UNSUPPORTED_KEY')
  })

  it('is of an algorithm or curve we do not sign with, or on an explicit curve', () => {
    const explicit = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }).privateKey
    const others = [
      ecPem('secp256k1').privateKey,
      ecPem('secp384r1').privateKey,
      generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      explicit.export({ type: 'pkcs8', format: 'pem' }) as string,
    ]
    expect(others.map((pem) => refusal(pem).code)).toEqual(others.map(() => 'UNSUPPORTED_KEY'))
  })

  it('carries the public key of another private key', () => {
    const own = derOf(ecPem('prime256v1').privateKey)
    const other = derOf(ecPem('prime256v1').privateKey)
    const mixed = own.slice(0, -128) + other.slice(-128)
    expect(refusal(pemOf(mixed)).code).toBe('UNUSABLE_KEY')
  })

  it('is d = n - 1 of SM2, with which OpenSSL would search for a signature for ever', () => {
    const d = (CURVE_ORDER['SM2-SM3'] - 1n).toString(16)
    expect(refusal(pemOf(sm2Pkcs8(d))).code).toBe('UNUSABLE_KEY')
  })
})

describe('a private key stays hidden', () => {
  it.each(SUITES)('in every print of a generated key and of a signer: %s', (suite) => {
    const generated = generateKey(suite)
    const signer = signerFromPem(generated.privateKeyPem)
    for (const object of [generated, signer, { ...generated }, { ...signer }])
      expectNoSecret(object, generated.privateKeyPem)
  })

  it('in every error about its text', () => {
    const { privateKeyPem } = generateKey('SM2-SM3')
    const { privateKey } = ecPem('secp256k1')
    const body = privateKeyPem.split('\n')[1] as string
    const spoilt = pemOf(derOf(privateKeyPem).replace('020100', '020109'))
    expectNoSecret(refusal(`x${privateKeyPem}`), privateKeyPem)
    expectNoSecret(refusal(body), privateKeyPem)
    expectNoSecret(refusal(privateKey), privateKey)
    expectNoSecret(refusal(spoilt), spoilt)
  })
})

function expectNoSecret(object: object, pem: string): void {
  const prints = [
    JSON.stringify(object),
    String(object),
    inspect(object, { depth: null, showHidden: true, getters: false }),
    ...(object instanceof Error ? [object.stack, object.message, String(object.cause)] : []),
  ].join('\n')
  const secret = scalarOf(pem)
  for (const trace of [
    ...pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-')),
    secret.toString('hex'),
    secret.toString('base64'),
  ]) {
    expect(prints).not.toContain(trace)
  }
}

/** The private scalar or seed: the first OCTET STRING of 32 bytes. */
function scalarOf(pem: string): Buffer {
  const der = Buffer.from(derOf(pem), 'hex')
  const at = der.indexOf(Buffer.from('0420', 'hex'))
  expect(at).toBeGreaterThan(0)
  return der.subarray(at + 2, at + 34)
}

function refusal(pem: string): KeyFormatError {
  try {
    signerFromPem(pem)
  } catch (error) {
    expect(error).toBeInstanceOf(KeyFormatError)
    return error as KeyFormatError
  }
  throw new Error('the key was taken')
}

function ecPem(namedCurve: string): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

function sm2Pkcs8(d: string): string {
  return `3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420${d}`
}

function pemOf(pkcs8: string): string {
  return `-----BEGIN PRIVATE KEY-----\n${Buffer.from(pkcs8, 'hex').toString('base64')}\n-----END PRIVATE KEY-----\n`
}

function derOf(pem: string): string {
  return Buffer.from(pem.replaceAll(/-----.*-----|\n/g, ''), 'base64').toString('hex')
}
