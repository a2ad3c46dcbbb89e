import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  countVerdicts,
  fromBase64,
  fromHex,
  readVectors,
  toHex,
  type VectorCase,
  vectorCounts,
} from '../vectors/read.ts'
import { parsePolicy } from './tlog-policy.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts'

interface ProofCase extends VectorCase {
  readonly proof_b64: string
  readonly leaf: string
  readonly policy_b64?: string
  readonly index?: number
  readonly size?: number
  readonly origin?: string
  readonly extra?: string
}

const vectors = readVectors<{
  readonly policy_b64: string
  readonly proofs: readonly ProofCase[]
  readonly sm3_proofs: readonly ProofCase[]
}>('proofs.json')
const cases = [...vectors.proofs, ...vectors.sm3_proofs]

describe('the proofs of the vectors', () => {
  it.each(cases)('$id: $expect', (one) => {
    const policy = parsePolicy(fromBase64(one.policy_b64 ?? vectors.policy_b64))
    if (policy.kind === 'refused') throw new Error(policy.reason)
    const verified = verifyTlogProof(policy, fromHex(one.leaf), fromBase64(one.proof_b64))
    if (one.expect === 'reject') {
      expect(verified.kind).toBe('refused')
      return
    }
    if (verified.kind === 'refused') throw new Error(verified.reason)
    const { origin, size } = verified.checkpoint
    if (one.origin !== undefined) expect(origin).toBe(one.origin)
    if (one.size !== undefined) expect(size).toBe(BigInt(one.size))
    if (one.index !== undefined) expect(verified.index).toBe(BigInt(one.index))
    const parsed = parseTlogProof(fromBase64(one.proof_b64))
    if (parsed.kind === 'refused') throw new Error(parsed.reason)
    expect(parsed.extra && toHex(parsed.extra)).toBe(one.extra)
    expect(toHex(formatTlogProof(parsed))).toBe(toHex(fromBase64(one.proof_b64)))
  })

  it('were all judged', () => {
    expect(countVerdicts(cases)).toEqual(vectorCounts('proofs.json'))
  })
})

describe('a proof', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 63n - 1n),
        fc.array(hash, { maxLength: 63 }),
        fc.option(fc.uint8Array({ maxLength: 100 })),
        (index, hashes, extra) => {
          const signedCheckpoint = Buffer.from('origin\n1\nroot\n\nsignatures\n')
          const file = formatTlogProof({ index, hashes, signedCheckpoint, ...(extra === null ? {} : { extra }) })
          const parsed = parseTlogProof(file)
          if (parsed.kind === 'refused') throw new Error(parsed.reason)
          expect(parsed.index).toBe(index)
          expect(parsed.hashes.map(toHex)).toEqual(hashes.map(toHex))
          expect(toHex(parsed.signedCheckpoint)).toBe(toHex(signedCheckpoint))
          expect(parsed.extra && toHex(parsed.extra)).toBe(extra === null ? undefined : toHex(extra))
        },
      ),
    )
  })

  it('of a path no tree has is neither written nor read', () => {
    const signedCheckpoint = Buffer.from('c')
    const hashes = Array.from({ length: 64 }, () => new Uint8Array(32))
    expect(() => formatTlogProof({ index: 0n, hashes, signedCheckpoint })).toThrow(RangeError)
    expect(() => formatTlogProof({ index: -1n, hashes: [], signedCheckpoint })).toThrow(RangeError)
    expect(() => formatTlogProof({ index: 0n, hashes: [new Uint8Array(31)], signedCheckpoint })).toThrow(RangeError)
    const line = `${Buffer.alloc(32).toString('base64')}\n`
    const long = `c2sp.org/tlog-proof@v1\nindex 0\n${line.repeat(64)}\nc`
    expect(parseTlogProof(Buffer.from(long))).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
    expect(parseTlogProof(Buffer.from(long.replace(line, '')))).toMatchObject({ kind: 'proof' })
  })

  it('larger than the bound or of no UTF-8 is refused', () => {
    expect(parseTlogProof(Buffer.alloc(1_048_577, 'a'))).toMatchObject({ kind: 'refused' })
    expect(parseTlogProof(Buffer.from('c2sp.org/tlog-proof@v1\nindex 0\n\n\xff', 'latin1'))).toMatchObject({
      kind: 'refused',
    })
  })
})
