import { generateKey, signerFromPem } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import { countVerdicts, fromBase64, readVectors, type VectorCase, vectorCounts } from '../vectors/read.ts'
import { formatCheckpoint } from './checkpoint.ts'
import { cosign } from './cosignature.ts'
import { addSignatures, noteSigner, signNote } from './note.ts'
import { evaluatePolicy, formatPolicy, type Policy, parsePolicy, quorumSize } from './tlog-policy.ts'
import { verifierKey } from './verifier-key.ts'

const { parse, evaluate } = readVectors<{
  readonly parse: readonly (VectorCase & { readonly policy_b64: string })[]
  readonly evaluate: readonly (VectorCase & { readonly policy_b64: string; readonly checkpoint_b64: string })[]
}>('policies.json')

describe('the policies of the vectors', () => {
  it.each(parse)('$id: $expect', (one) => {
    const parsed = parsePolicy(fromBase64(one.policy_b64))
    expect(parsed.kind).toBe(one.expect === 'accept' ? 'policy' : 'refused')
  })

  it.each(evaluate)('over a checkpoint, $id: $expect', (one) => {
    const policy = policyOf(fromBase64(one.policy_b64))
    const judged = evaluatePolicy(policy, fromBase64(one.checkpoint_b64))
    expect(judged.kind).toBe(one.expect === 'accept' ? 'fulfilled' : 'refused')
  })

  it('were all judged', () => {
    expect(countVerdicts([...parse, ...evaluate])).toEqual(vectorCounts('policies.json'))
  })
})

describe('a quorum', () => {
  it('has the sizes of formats F12', () => {
    expect([3, 4, 7, 14].map(quorumSize)).toEqual([2, 3, 5, 10])
  })

  it('meets every other in an honest witness, and the honest alone reach it', () => {
    for (let witnesses = 1; witnesses <= 100; witnesses++) {
      const bad = Math.floor((witnesses - 1) / 3)
      const quorum = quorumSize(witnesses)
      expect(2 * quorum - witnesses).toBeGreaterThan(bad)
      expect(quorum).toBeLessThanOrEqual(witnesses - bad)
    }
    expect(() => quorumSize(0)).toThrow(RangeError)
  })
})

describe('a policy written here', () => {
  const log = noteSigner('log.example', signerFromPem(generateKey('SM2-SM3').privateKeyPem))
  const signers = ['w1.example', 'w2.example', 'w3.example'].map((name) => ({
    name,
    signer: signerFromPem(generateKey('Ed25519').privateKeyPem),
  }))
  const witnesses = signers.map(({ name, signer }) => ({
    name,
    key: verifierKey(name, signer.publicKey, { cosignature: true }),
  }))
  const text = formatCheckpoint({ origin: 'log.example', size: 1n, root: new Uint8Array(32) })
  const note = signNote(text, [log])
  const cosigned = (count: number): Uint8Array =>
    addSignatures(
      note,
      signers.slice(0, count).map(({ name, signer }) => cosign(text, name, signer, 7)),
    )

  it('is fulfilled from its threshold on', () => {
    const policy = policyOf(formatPolicy([log.key], witnesses, 2))
    expect(evaluatePolicy(policy, cosigned(1))).toMatchObject({ kind: 'refused', code: 'QUORUM_MISSED' })
    const judged = evaluatePolicy(policy, cosigned(2))
    if (judged.kind === 'refused') throw new Error(judged.reason)
    expect(judged.log.name).toBe('log.example')
    expect(judged.witnesses.map(({ name, time }) => [name, time])).toEqual([
      ['w1.example', 7n],
      ['w2.example', 7n],
    ])
  })

  it('of threshold 0 waits for nobody, and says that nobody witnessed', () => {
    expect(evaluatePolicy(policyOf(formatPolicy([log.key], witnesses, 0)), note)).toMatchObject({
      kind: 'fulfilled',
      witnesses: [],
    })
  })

  it('without logs holds for logs known from elsewhere, and for no other', () => {
    const policy = policyOf(formatPolicy([], witnesses, 2))
    expect(evaluatePolicy(policy, cosigned(2), [log.key])).toMatchObject({ kind: 'fulfilled' })
    expect(evaluatePolicy(policy, cosigned(2))).toMatchObject({ kind: 'refused', code: 'LOG_UNKNOWN' })
  })

  it('is not written where it would be read otherwise', () => {
    expect(() => formatPolicy([log.key], witnesses, 4)).toThrow(RangeError)
    expect(() => formatPolicy([log.key], witnesses, -1)).toThrow(RangeError)
    expect(() => formatPolicy([log.key], [{ ...witnesses[0]!, name: 'none' }], 1)).toThrow(RangeError)
    expect(() => formatPolicy([log.key], [{ ...witnesses[0]!, name: 'a b' }], 1)).toThrow(RangeError)
    expect(() => formatPolicy([witnesses[0]!.key], [], 0)).toThrow(RangeError)
  })

  it('is read with 32 of each kind, and refused past the bound', () => {
    const many = (count: number): string =>
      Array.from({ length: count }, (_, at) => `group g${at} any ${at === 0 ? 'w' : `g${at - 1}`}\n`).join('')
    const head = formatPolicy([log.key], [{ name: 'w', key: witnesses[0]!.key }], 0).replace('quorum none\n', '')
    expect(parsePolicy(`${head}${many(32)}quorum g31\n`)).toMatchObject({ kind: 'policy' })
    expect(parsePolicy(`${head}${many(257)}quorum g256\n`)).toMatchObject({ kind: 'refused' })
    expect(parsePolicy(`#${' '.repeat(65_536)}\nquorum none\n`)).toMatchObject({ kind: 'refused' })
  })

  it('does not end in the middle of a line', () => {
    expect(parsePolicy('quorum none')).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
  })
})

function policyOf(text: string | Uint8Array): Policy {
  const parsed = parsePolicy(text)
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return parsed
}
