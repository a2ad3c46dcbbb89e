import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CURVE_ORDER, derFromScalars, scalarFromBytes } from './der-signature.ts'
import { generateKey, publicKeyFromBytes, STANDARD_SM2_ID, SUITES, signerFromPem, verifySignature } from './index.ts'
import { sm2IdentityDigest } from './sm2-identity.ts'

const MESSAGE = new TextEncoder().encode('一件事\n')
const signers = SUITES.map((suite) => signerFromPem(generateKey(suite).privateKeyPem))

describe('a signature', () => {
  it('does not hold for a message or a signature with any bit changed', () => {
    for (const signer of signers) {
      const signature = signer.sign(MESSAGE)
      fc.assert(
        fc.property(fc.nat(MESSAGE.length * 8 - 1), fc.nat(signature.length * 8 - 1), (inMessage, inSignature) => {
          expect(verifySignature(signer.publicKey, flipped(MESSAGE, inMessage), signature)).toBe(false)
          expect(verifySignature(signer.publicKey, MESSAGE, flipped(signature, inSignature))).toBe(false)
        }),
      )
    }
  })

  it('does not hold when cut, extended or empty', () => {
    for (const signer of signers) {
      const signature = signer.sign(MESSAGE)
      for (const wrong of [
        signature.slice(1),
        signature.slice(0, -1),
        Uint8Array.of(...signature, 0),
        new Uint8Array(),
      ]) {
        expect(verifySignature(signer.publicKey, MESSAGE, wrong), signer.suite).toBe(false)
      }
    }
  })

  it('does not hold under another key of its suite, nor under the key of another suite', () => {
    for (const signer of signers) {
      const signature = signer.sign(MESSAGE)
      const others = [...SUITES.map((suite) => generateKey(suite).publicKey)]
      expect(others.filter((key) => verifySignature(key, MESSAGE, signature))).toEqual([])
    }
  })

  it('is false, and nothing is thrown, for any bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...signers),
        fc.uint8Array(),
        fc.uint8Array({ maxLength: 80 }),
        (signer, message, signature) => {
          expect(verifySignature(signer.publicKey, message, signature)).toBe(false)
        },
      ),
    )
  })

  it('of P-256 holds with low and with high s', () => {
    const [, signer] = signers as [unknown, (typeof signers)[number]]
    const signature = signer.sign(MESSAGE)
    const rLength = signature[3] as number
    const r = scalarFromBytes(signature.subarray(4, 4 + rLength))
    const s = scalarFromBytes(signature.subarray(6 + rLength))
    expect(verifySignature(signer.publicKey, MESSAGE, derFromScalars(r, s))).toBe(true)
    expect(verifySignature(signer.publicKey, MESSAGE, derFromScalars(r, CURVE_ORDER['ECDSA-P256'] - s))).toBe(true)
  })

  it('of Ed25519 does not hold with L added to S', () => {
    const signer = signerFromPem(generateKey('Ed25519').privateKeyPem)
    const signature = signer.sign(MESSAGE)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString('hex')}`)
    const unreduced = Buffer.from((s + order).toString(16).padStart(64, '0'), 'hex').reverse()
    expect(verifySignature(signer.publicKey, MESSAGE, signature)).toBe(true)
    expect(verifySignature(signer.publicKey, MESSAGE, Uint8Array.of(...signature.slice(0, 32), ...unreduced))).toBe(
      false,
    )
  })
})

describe('the id of SM2', () => {
  const signer = signerFromPem(generateKey('SM2-SM3').privateKeyPem)
  const signature = signer.sign(MESSAGE)

  it('is the standard one when absent, and empty when empty', () => {
    expect(verifySignature(signer.publicKey, MESSAGE, signature)).toBe(true)
    expect(verifySignature(signer.publicKey, MESSAGE, signature, {})).toBe(true)
    expect(verifySignature(signer.publicKey, MESSAGE, signature, { id: STANDARD_SM2_ID })).toBe(true)
    expect(verifySignature(signer.publicKey, MESSAGE, signature, { id: new Uint8Array() })).toBe(false)
    expect(verifySignature(signer.publicKey, MESSAGE, signature, { id: new Uint8Array(16) })).toBe(false)
  })

  it('may have 8191 bytes and no more', () => {
    expect(verifySignature(signer.publicKey, MESSAGE, signature, { id: new Uint8Array(8191) })).toBe(false)
    expect(() => verifySignature(signer.publicKey, MESSAGE, signature, { id: new Uint8Array(8192) })).toThrow(
      RangeError,
    )
  })

  it('is refused for a suite that has none', () => {
    const { publicKey } = generateKey('Ed25519')
    expect(() => verifySignature(publicKey, MESSAGE, new Uint8Array(64), { id: STANDARD_SM2_ID })).toThrow(TypeError)
  })

  it('gives the Z printed in GB/T 32918.5 Annex A.2', () => {
    const key = publicKeyFromBytes(
      'SM2-SM3',
      Buffer.from(
        '3059301306072a8648ce3d020106082a811ccf5501822d0342000409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13',
        'hex',
      ),
    )!
    const printed = 'b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3'
    expect(Buffer.from(sm2IdentityDigest(key, STANDARD_SM2_ID)).toString('hex')).toBe(printed)
  })

  it('is never taken from an earlier question: ids in any order, also one buffer written over, give the Z of a fresh key', () => {
    const kept = signer.publicKey
    const reused = new Uint8Array(4)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2), { maxLength: 8 }), (numbers) => {
        for (const number of numbers) {
          const id = number === 0 ? STANDARD_SM2_ID : reused.fill(number)
          const fresh = publicKeyFromBytes('SM2-SM3', kept.bytes)!
          expect(sm2IdentityDigest(kept, id)).toEqual(sm2IdentityDigest(fresh, id))
        }
      }),
    )
  })
})

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}
