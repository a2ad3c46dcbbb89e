import { describe, expect, it } from 'vitest'
import {
  assertKnownAnswers,
  type Cryptography,
  generateKey,
  KnownAnswerError,
  publicKeyFromBytes,
  sha256,
  signerFromPem,
  sm3,
  verifySignature,
} from './index.ts'

const SOUND: Cryptography = { sha256, sm3, publicKeyFromBytes, verifySignature, generateKey, signerFromPem }

describe('the known answers', () => {
  it('are given by the cryptography of this process', () => {
    expect(() => assertKnownAnswers()).not.toThrow()
  })

  const failures: readonly [string, string, Partial<Cryptography>][] = [
    ['SM3 is another hash', 'sm3 digest', { sm3: sha256 }],
    ['SHA-256 is another hash', 'sha256 digest', { sha256: sm3 }],
    ['no key is taken', 'SM2-SM3 known signature', { publicKeyFromBytes: () => undefined }],
    ['every signature holds', 'SM2-SM3 known signature', { verifySignature: () => true }],
    ['no signature holds', 'SM2-SM3 known signature', { verifySignature: () => false }],
    [
      'SM2 has an empty id by default',
      'SM2-SM3 known signature',
      {
        verifySignature: (key, message, signature) =>
          verifySignature(key, message, signature, key.suite === 'SM2-SM3' ? { id: new Uint8Array() } : {}),
      },
    ],
    [
      'signing signs something else',
      'SM2-SM3 round trip',
      {
        signerFromPem: (pem) => ({ ...signerOf(pem), sign: (message) => signerFromPem(pem).sign(message.subarray(1)) }),
      },
    ],
    [
      'generated keys are not those returned',
      'SM2-SM3 round trip',
      {
        generateKey: (suite) => ({
          privateKeyPem: generateKey(suite).privateKeyPem,
          publicKey: generateKey(suite).publicKey,
        }),
      },
    ],
  ]

  it.each(failures)('stop the service when %s', (_, check, broken) => {
    expect(() => assertKnownAnswers({ ...SOUND, ...broken })).toThrow(
      expect.objectContaining({ name: 'KnownAnswerError', check }),
    )
  })

  it('stop the service when an answer does not come, and keep the cause', () => {
    const cause = new Error('no such digest')
    const broken: Cryptography = {
      ...SOUND,
      sm3: () => {
        throw cause
      },
    }
    expect(() => assertKnownAnswers(broken)).toThrow(KnownAnswerError)
    expect(() => assertKnownAnswers(broken)).toThrow(expect.objectContaining({ check: 'sm3 digest', cause }))
  })
})

function signerOf(pem: string): ReturnType<typeof signerFromPem> {
  const { suite, publicKey, sign } = signerFromPem(pem)
  return { suite, publicKey, sign }
}
