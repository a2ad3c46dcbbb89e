import { describe, expect, it } from 'vitest'
import { opensCommitment, payloadCommitment, subjectValue } from './commitment.ts'

const range = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const payload = new TextEncoder().encode('payload')

// Expected values by Python's hashlib over the bytes that formats F5 names.
describe('a payload commitment', () => {
  const salt = range(32)
  const commitment = payloadCommitment(salt, payload)
  const entry = { leaf: new Uint8Array(), salt, payload, payloadEncoding: 0 }

  it('is frozen', () => {
    expect(hex(commitment)).toBe('29f97ef5d12be1210c9c32cf62ea3dcfa47725c4ebfea08bb7332e37e6a4a7d4')
  })

  it('of more than 48 KiB is computed all the same', () => {
    expect(hex(payloadCommitment(salt, new Uint8Array(50_000)))).toBe(
      '0c1a9d7667cf88255724ee9665cd12965b9a184b3979581179f1acc9dc9c9e5a',
    )
  })

  it('opens for what it was made of', () => {
    expect(opensCommitment(entry, commitment)).toBe(true)
  })

  it.each([
    ['another payload', { ...entry, payload: payload.subarray(1) }],
    ['another salt', { ...entry, salt: range(32).reverse() }],
    ['a salt that gives a byte to the payload', { ...entry, salt: range(31) }],
    ['no salt', { ...entry, salt: new Uint8Array() }],
    ['no payload', { ...entry, payload: new Uint8Array() }],
    ['an encoding nobody knows', { ...entry, payloadEncoding: 1 }],
  ])('does not open for %s', (_, other) => {
    expect(opensCommitment(other, commitment)).toBe(false)
  })

  it('does not open an empty payload, not even its own', () => {
    const empty = { ...entry, payload: new Uint8Array() }
    expect(opensCommitment(empty, payloadCommitment(salt, empty.payload))).toBe(false)
  })

  it('wants a salt of 32 bytes', () => {
    expect(() => payloadCommitment(range(31), payload)).toThrow(RangeError)
  })
})

describe('a subject value', () => {
  it('is frozen', () => {
    const licence = '1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403'
    expect(hex(subjectValue(range(16), licence))).toBe(
      '02042b590d60f8cfc8074d4d991552e1a71063a2a439e2e297546f96136066e8',
    )
    expect(hex(subjectValue(range(16), '津'))).toBe('7ec37ce52c66113deef59e31dc252c95c889533e190a1b0befedf9e6e60dfe19')
  })

  it('wants a secret of 16 bytes and a text that UTF-8 can carry', () => {
    expect(() => subjectValue(range(15), 'A')).toThrow(RangeError)
    expect(() => subjectValue(range(16), '\ud800')).toThrow(RangeError)
  })
})
