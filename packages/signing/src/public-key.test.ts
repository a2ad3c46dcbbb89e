import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  generateKey,
  type PublicKey,
  publicKeyFromBytes,
  publicKeyFromPem,
  publicKeyFromSpki,
  SUITES,
  verifySignature,
} from './index.ts'

const P256_PREFIX = '3059301306072a8648ce3d020106082a8648ce3d030107034200'
const P256_PRIME = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
// RFC 6979 A.2.5.
const P256_X = '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'
const P256_Y = '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'
const P256_KEY = `${P256_PREFIX}04${P256_X}${P256_Y}`
// RFC 8032 7.1, test 2.
const ED25519_KEY = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const SM2_KEY =
  '3059301306072a8648ce3d020106082a811ccf5501822d0342000409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13'

describe('a public key from an outsider', () => {
  it('keeps the bytes it came in and names its suite', () => {
    for (const [suite, hex] of [
      ['SM2-SM3', SM2_KEY],
      ['ECDSA-P256', P256_KEY],
      ['Ed25519', ED25519_KEY],
    ] as const) {
      expect(publicKeyFromBytes(suite, fromHex(hex))).toEqual({ suite, bytes: new Uint8Array(fromHex(hex)) })
    }
  })

  it('is not changed by writing to the bytes it was read from', () => {
    const bytes = new Uint8Array(fromHex(ED25519_KEY))
    const key = publicKeyFromBytes('Ed25519', bytes)
    bytes.fill(0)
    expect(hexOf(key?.bytes)).toBe(ED25519_KEY)
  })

  it.each([
    ['compressed', `3039301306072a8648ce3d020106082a8648ce3d03010703220003${P256_X}`],
    ['hybrid', `${P256_PREFIX}07${P256_X}${P256_Y}`],
    ['off the curve', `${P256_PREFIX}04${P256_X}${'00'.repeat(32)}`],
    ['the origin', `${P256_PREFIX}04${'00'.repeat(64)}`],
    ['x at the field prime', `${P256_PREFIX}04${P256_PRIME.toString(16)}${P256_Y}`],
    ['infinity', '3019301306072a8648ce3d020106082a8648ce3d03010703020000'],
    ['a byte after it', `${P256_KEY}00`],
    ['a byte short', P256_KEY.slice(0, -2)],
    ['two keys', P256_KEY + P256_KEY],
    ['the curve of SM2 named', P256_KEY.replace('06082a8648ce3d030107', '06082a811ccf5501822d')],
    ['a long form length', P256_KEY.replace(/^3059/, '308159')],
    ['unused bits', P256_KEY.replace('034200', '034204')],
    ['the coordinates alone', `04${P256_X}${P256_Y}`],
    ['no bytes', ''],
  ])('is refused for P-256: %s', (_, hex) => {
    expect(publicKeyFromBytes('ECDSA-P256', fromHex(hex))).toBeUndefined()
  })

  it('is refused under the name of another suite', () => {
    for (const [own, hex] of [
      ['SM2-SM3', SM2_KEY],
      ['ECDSA-P256', P256_KEY],
      ['Ed25519', ED25519_KEY],
    ] as const) {
      for (const other of SUITES.filter((suite) => suite !== own)) {
        expect(publicKeyFromBytes(other, fromHex(hex)), `${own} as ${other}`).toBeUndefined()
      }
    }
  })

  it.each([
    ['31 bytes', ED25519_KEY.slice(2)],
    ['33 bytes', `${ED25519_KEY}00`],
    ['its SPKI', `302a300506032b6570032100${ED25519_KEY}`],
    ['y = p', `ed${'ff'.repeat(30)}7f`],
    ['y = p + 3 for the point with y = 3', `f0${'ff'.repeat(30)}7f`],
    ['all ones', 'ff'.repeat(32)],
    ['y = 2, which is on no point', `02${'00'.repeat(31)}`],
  ])('is refused for Ed25519: %s', (_, hex) => {
    expect(publicKeyFromBytes('Ed25519', fromHex(hex))).toBeUndefined()
  })

  it('is refused for Ed25519 when it is one of the eight points whose order divides 8', () => {
    const smallOrder = [
      `01${'00'.repeat(31)}`,
      `ec${'ff'.repeat(30)}7f`,
      '00'.repeat(32),
      `${'00'.repeat(31)}80`,
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    ].map(fromHex)
    expect(new Set(smallOrder.map((point) => point.toString('hex'))).size).toBe(8)
    expect(smallOrder.map(yOfEightTimes)).toEqual(smallOrder.map(() => 1n))
    expect(yOfEightTimes(fromHex(ED25519_KEY))).not.toBe(1n)
    expect(smallOrder.map((bytes) => publicKeyFromBytes('Ed25519', bytes)).filter(Boolean)).toEqual([])
  })

  it('is read from an SPKI with the suite its curve says, and from no other SPKI', () => {
    expect(publicKeyFromSpki(fromHex(SM2_KEY))?.suite).toBe('SM2-SM3')
    expect(publicKeyFromSpki(fromHex(P256_KEY))?.suite).toBe('ECDSA-P256')
    expect(publicKeyFromSpki(fromHex(`302a300506032b6570032100${ED25519_KEY}`))).toEqual(
      publicKeyFromBytes('Ed25519', fromHex(ED25519_KEY)),
    )
    // X25519, the same point bytes under the wrong algorithm.
    expect(publicKeyFromSpki(fromHex(`302a300506032b656e032100${ED25519_KEY}`))).toBeUndefined()
    expect(publicKeyFromSpki(fromHex(`${SM2_KEY}00`))).toBeUndefined()
    expect(publicKeyFromSpki(new Uint8Array())).toBeUndefined()
  })

  it('is read from one PEM block and nothing around it', () => {
    const pem = createPublicKey({ key: fromHex(SM2_KEY), format: 'der', type: 'spki' }).export({
      type: 'spki',
      format: 'pem',
    }) as string
    expect(hexOf(publicKeyFromPem(pem)?.bytes)).toBe(SM2_KEY)
    expect(hexOf(publicKeyFromPem(pem.replaceAll('\n', '\r\n'))?.bytes)).toBe(SM2_KEY)
    for (const wrong of [
      `x${pem}`,
      `${pem}\n`,
      pem + pem,
      pem.replace('PUBLIC', 'PRIVATE'),
      pem.replace('M', ' M'),
      '',
    ]) {
      expect(publicKeyFromPem(wrong), JSON.stringify(wrong.slice(0, 40))).toBeUndefined()
    }
  })

  it('comes back equal from its own bytes', () => {
    for (const suite of SUITES) {
      const { publicKey } = generateKey(suite)
      expect(publicKeyFromBytes(suite, publicKey.bytes)).toEqual(publicKey)
    }
  })

  it('is undefined, and nothing is thrown, for any other bytes', () => {
    const mutated = fc.tuple(fc.constantFrom(SM2_KEY, P256_KEY), fc.nat(90), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(mutated, ([hex, at, change]) => {
        const bytes = fromHex(hex)
        bytes[at] = (bytes[at] as number) ^ change
        expect(publicKeyFromBytes(hex === SM2_KEY ? 'SM2-SM3' : 'ECDSA-P256', bytes)).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...SUITES), fc.uint8Array({ maxLength: 100 }), (suite, bytes) => {
        const key = publicKeyFromBytes(suite, bytes)
        expect(key === undefined || suite === 'Ed25519').toBe(true)
      }),
    )
  })

  it('made by hand is misuse, not a key', () => {
    const byHand: PublicKey = { suite: 'SM2-SM3', bytes: fromHex(SM2_KEY) }
    expect(() => verifySignature(byHand, new Uint8Array(), new Uint8Array())).toThrow(TypeError)
  })
})

/** y of 8·P by the doubling law of edwards25519 (RFC 8032 5.1.4), which needs no x but its square. The identity alone has y = 1. */
function yOfEightTimes(point: Buffer): bigint {
  const prime = 2n ** 255n - 19n
  const d = (-121665n * inverse(121666n, prime)) % prime
  let y = BigInt(`0x${Buffer.from(point).reverse().toString('hex')}`) & (2n ** 255n - 1n)
  for (let doublings = 0; doublings < 3; doublings += 1) {
    const y2 = (y * y) % prime
    const x2 = (y2 - 1n) * inverse(d * y2 + 1n, prime)
    y = ((y2 + x2) * inverse(2n + x2 - y2, prime)) % prime
  }
  return ((y % prime) + prime) % prime
}

function inverse(value: bigint, prime: bigint): bigint {
  let [rest, next, factor, nextFactor] = [prime, ((value % prime) + prime) % prime, 0n, 1n]
  while (next !== 0n) {
    const quotient = rest / next
    ;[rest, next] = [next, rest - quotient * next]
    ;[factor, nextFactor] = [nextFactor, factor - quotient * nextFactor]
  }
  return factor
}

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex')
}
