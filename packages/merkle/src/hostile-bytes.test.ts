import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64, readVectors } from '../vectors/read.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { decodeEdge, encodeEdge } from './edge.ts'
import { decodeEntryBundle } from './entry-bundle.ts'
import { openNote } from './note.ts'
import { parseSignatureLine } from './signature-line.ts'
import { parseTilePath } from './tile.ts'
import { evaluatePolicy, parsePolicy } from './tlog-policy.ts'
import { parseTlogProof, verifyTlogProof } from './tlog-proof.ts'
import { parseVkey } from './verifier-key.ts'

const proofs = readVectors<{ policy_b64: string; proofs: { proof_b64: string; leaf: string }[] }>('proofs.json')
const policyBytes = fromBase64(proofs.policy_b64)
const policy = parsePolicy(policyBytes)
if (policy.kind === 'refused') throw new Error(policy.reason)
const keys = [...policy.logs, ...policy.witnesses.map(({ key }) => key)]
const proofBytes = fromBase64(proofs.proofs[0]!.proof_b64)
const parsedProof = parseTlogProof(proofBytes)
if (parsedProof.kind === 'refused') throw new Error(parsedProof.reason)

/** Bytes that are nearly right: one of these with a few bytes replaced, cut or doubled; or anything at all. */
const nearly = (valid: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.constantFrom('set', 'cut', 'double'), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      })
      .map((changes) => changes.reduce(change, valid)),
  )

describe('whatever bytes an outsider sends', () => {
  it('every reader of text answers with a value', () => {
    fc.assert(
      fc.property(nearly(parsedProof.signedCheckpoint), (bytes) => {
        const text = Buffer.from(bytes).toString('utf8')
        const kinds = [
          openNote(bytes, keys),
          evaluatePolicy(policy, bytes),
          parseCheckpoint(bytes),
          parseVkey(text),
          parseSignatureLine(text),
          parseTilePath(text),
        ].map(({ kind }) => kind)
        expect(kinds).not.toContain(undefined)
      }),
      { numRuns: 500 },
    )
  })

  it('a policy is read or refused', () => {
    fc.assert(
      fc.property(nearly(policyBytes), (bytes) => {
        expect(['policy', 'refused']).toContain(parsePolicy(bytes).kind)
      }),
      { numRuns: 500 },
    )
  })

  it('a changed proof never shows another leaf, index, size or root than the true one', () => {
    const leaf = Buffer.from(proofs.proofs[0]!.leaf, 'hex')
    const truth = verifyTlogProof(policy, leaf, proofBytes)
    if (truth.kind === 'refused') throw new Error(truth.reason)
    fc.assert(
      fc.property(nearly(proofBytes), (bytes) => {
        const verified = verifyTlogProof(policy, leaf, bytes)
        if (verified.kind === 'refused') return
        expect(verified.index).toBe(truth.index)
        expect(verified.checkpoint).toEqual(truth.checkpoint)
      }),
      { numRuns: 500 },
    )
  })

  it('an edge or a bundle that is read is written back as the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (bytes, width) => {
        const edge = decodeEdge(bytes)
        if (edge !== undefined) expect(Buffer.from(encodeEdge(edge)).equals(bytes)).toBe(true)
        expect(['entries', 'refused']).toContain(decodeEntryBundle(bytes, width).kind)
      }),
      { numRuns: 500 },
    )
  })
})

function change(bytes: Uint8Array, [at, how, value]: [number, string, number]): Uint8Array {
  const head = bytes.subarray(0, at)
  const tail = bytes.subarray(at)
  if (how === 'set') return Buffer.concat([head, Uint8Array.of(value), tail.subarray(1)])
  return how === 'cut' ? Buffer.concat([head, tail.subarray(1)]) : Buffer.concat([head, tail.subarray(0, 1), tail])
}
