import {
  addSignatures,
  cosign,
  edgeRoot,
  emptyEdge,
  formatCheckpoint,
  type NoteSigner,
  openNote,
  rootOfLeafHashes,
  sha256Tree,
  signNote,
  verifierKey,
} from '@hutong/merkle'
import { generateKey, signerFromPem } from '@hutong/signing'
import type { Batch, Entry } from '@hutong/wire'
import { encodeLeaf } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admitBatch, type BatchAdmitted, classifyBatch, type KnownLog, sameLeaves } from './admit-batch.ts'
import { payloadCommitment } from './commitment.ts'
import { leafHashesOf } from './entry.ts'
import { batchLimits } from './limits.ts'
import {
  clock,
  emptyLog,
  keysOf,
  newBatch,
  newEntries,
  newSigner,
  origin,
  sealed,
  signers,
  signersOf,
  startMs,
} from './sample-log.ts'
import { wholeBatchSizeBytes } from './size.ts'

const keys = keysOf('SM2-SM3')
const code = (known: KnownLog, batch: Batch, by = keys, at = clock): string => {
  const answer = admitBatch(known, batch, by, at)
  return answer.kind === 'refused' ? answer.code : answer.kind
}

/** A batch over entries that a zone of ours would not seal, signed all the same. */
function signedAnyway(entries: readonly Entry[], by: readonly NoteSigner[] = signersOf('SM2-SM3')): Batch {
  const root = rootOfLeafHashes(sha256Tree, leafHashesOf(entries))
  const text = formatCheckpoint({ origin, size: BigInt(entries.length), root })
  return { origin, firstIndex: 0n, entries, checkpoint: signNote(text, by) }
}

function after(batch: Batch, known: KnownLog = emptyLog): KnownLog {
  const answer = admitBatch(known, batch, keys, clock)
  if (answer.kind !== 'admitted') throw new Error(JSON.stringify(answer))
  return { origin, edge: answer.edge, newestLoggedAtMs: answer.newestLoggedAtMs }
}

describe('a batch that continues the log', () => {
  it.each(['SM2-SM3', 'ECDSA-P256', 'Ed25519'] as const)('is admitted under %s', (suite) => {
    const batch = newBatch(5, suite)
    const answer = admitBatch(emptyLog, batch, keysOf(suite), clock) as BatchAdmitted
    expect(answer).toMatchObject({ kind: 'admitted', size: 5n, newestLoggedAtMs: startMs + 4 })
    expect(answer.root).toEqual(rootOfLeafHashes(sha256Tree, leafHashesOf(batch.entries)))
    expect(answer.leaves.map((leaf) => leaf.index)).toEqual([0n, 1n, 2n, 3n, 4n])
  })

  it('is admitted after another, and the log is then that of both', () => {
    const first = newBatch(3)
    const known = after(first)
    const entries = newEntries(256, 3n, startMs + 2)
    const log = after(sealed(entries, signersOf('SM2-SM3'), known), known)
    expect(log.edge.size).toBe(259n)
    expect(edgeRoot(sha256Tree, log.edge)).toEqual(
      rootOfLeafHashes(sha256Tree, leafHashesOf([...first.entries, ...entries])),
    )
  })

  it('is admitted with a leaf that is not understood: it keeps its place', () => {
    const entry = newEntries(1)[0]!
    const leaf = Buffer.concat([entry.leaf, Buffer.from('b83e01', 'hex')])
    const batch = signedAnyway([{ ...entry, leaf }])
    expect(code(emptyLog, batch)).toBe('admitted')
  })

  it('is admitted whatever its payload says', () => {
    expect(code(emptyLog, newBatch(1))).toBe('admitted')
  })
})

describe('a batch is refused', () => {
  const batch = newBatch(3)
  const [first, second, third] = batch.entries as [Entry, Entry, Entry]

  it('without entries', () => {
    expect(code(emptyLog, { ...batch, entries: [] })).toBe('BATCH_EMPTY')
  })

  it.each<[string, Partial<Batch>]>([
    ['257 entries', { entries: newEntries(257) }],
    ['a payload of more than 48 KiB', { entries: [{ ...first, payload: new Uint8Array(48 * 1024 + 1) }] }],
    ['a leaf of more than 65535 bytes', { entries: [{ ...first, leaf: new Uint8Array(65_536) }] }],
    ['a checkpoint of more than 16 KiB', { checkpoint: new Uint8Array(16 * 1024 + 1) }],
    ['an origin of more than 256 bytes', { origin: 'o'.repeat(257) }],
    ['more than 900 KiB', { entries: Array(20).fill({ ...first, payload: new Uint8Array(48 * 1024) }) }],
  ])('with %s', (_, wrong) => {
    expect(code(emptyLog, { ...batch, ...wrong })).toBe('BATCH_TOO_LARGE')
  })

  it('of another log', () => {
    expect(code({ ...emptyLog, origin: 'jjj.hutong.example/z/beijing/1' }, batch)).toBe('BATCH_ORIGIN')
  })

  it('where it leaves a gap, or begins below the known size and ends above it', () => {
    expect(code(emptyLog, { ...batch, firstIndex: 1n })).toBe('BATCH_NOT_CONTINUING')
    const known = after(newBatch(2))
    expect(code(known, { ...batch, firstIndex: 0n })).toBe('BATCH_NOT_CONTINUING')
    expect(code(known, { ...batch, firstIndex: 1n })).toBe('BATCH_NOT_CONTINUING')
  })

  it.each<[string, Entry[]]>([
    ['a leaf that is no protobuf', [{ ...first, leaf: Uint8Array.of(0) }, second, third]],
    ['its leaves in another order', [second, first, third]],
    ['a leaf twice', [first, first, third]],
  ])('with %s', (_, entries) => {
    expect(code(emptyLog, signedAnyway(entries))).toBe('BATCH_LEAF')
  })

  it.each<[string, Partial<Entry>]>([
    ['another payload', { payload: second.payload }],
    ['another salt', { salt: new Uint8Array(32) }],
    ['no payload', { payload: new Uint8Array(), salt: new Uint8Array() }],
    ['a payload sealed to its recipients', { payloadEncoding: 1 }],
  ])('with %s', (_, wrong) => {
    expect(code(emptyLog, { ...batch, entries: [{ ...first, ...wrong }, second, third] })).toBe('BATCH_COMMITMENT')
  })

  it('where a time falls, within it or against the log', () => {
    const early = newEntries(2, 0n, startMs - 10)[1]!
    expect(code(emptyLog, signedAnyway([first, early]))).toBe('BATCH_TIME_FALLS')
    expect(code({ ...emptyLog, newestLoggedAtMs: startMs + 1 }, batch)).toBe('BATCH_TIME_FALLS')
    expect(code({ ...emptyLog, newestLoggedAtMs: startMs }, batch)).toBe('admitted')
  })

  it('until the clock has come near enough to its times', () => {
    const newest = startMs + 2
    const early = { nowMs: newest - 60_001, maxClockOffsetMs: 60_000 }
    expect(admitBatch(emptyLog, batch, keys, early)).toMatchObject({
      code: 'BATCH_FROM_THE_FUTURE',
      retryAtMs: newest - 60_000,
    })
    expect(code(emptyLog, batch, keys, { ...early, nowMs: newest - 60_000 })).toBe('admitted')
  })

  it.each<[string, string, string]>([
    ['another size', formatCheckpoint({ origin, size: 4n, root: rootOf(batch) }), 'BATCH_ROOT'],
    ['another root', formatCheckpoint({ origin, size: 3n, root: new Uint8Array(32) }), 'BATCH_ROOT'],
    ['an extension line', `${formatCheckpoint({ origin, size: 3n, root: rootOf(batch) })}more\n`, 'BATCH_ROOT'],
    ['no checkpoint', 'hello\n', 'BATCH_ROOT'],
    ['another log', formatCheckpoint({ origin: 'other', size: 3n, root: rootOf(batch) }), 'BATCH_ORIGIN'],
  ])('where what is signed is of %s', (_, text, expected) => {
    expect(code(emptyLog, { ...batch, checkpoint: signNote(text, signersOf('SM2-SM3')) })).toBe(expected)
  })

  describe('for its signature', () => {
    const text = formatCheckpoint({ origin, size: 3n, root: rootOf(batch) })
    const noteBy = (...by: NoteSigner[]): Batch => ({ ...batch, checkpoint: signNote(text, by) })
    const stranger = newSigner('SM2-SM3')

    it('where the deciding suite has not signed', () => {
      expect(code(emptyLog, noteBy(signers.Ed25519))).toBe('BATCH_SIGNATURE')
      expect(code(emptyLog, noteBy(signers['ECDSA-P256'], signers.Ed25519))).toBe('BATCH_SIGNATURE')
      const both = { accepted: Object.values(signers).map((signer) => signer.key), decides: 'SM2-SM3' as const }
      expect(code(emptyLog, noteBy(signers['ECDSA-P256'], signers.Ed25519), both)).toBe('BATCH_SIGNATURE')
    })

    it('where the key is not accepted', () => {
      expect(code(emptyLog, noteBy(stranger, signers.Ed25519))).toBe('BATCH_SIGNATURE')
      expect(code(emptyLog, batch, { accepted: [], decides: 'SM2-SM3' })).toBe('BATCH_SIGNATURE')
    })

    it('where the accepted key bears the name of another log', () => {
      const other = newSigner('SM2-SM3', 'jjj.hutong.example/z/beijing/1')
      expect(code(emptyLog, noteBy(other), { accepted: [other.key], decides: 'SM2-SM3' })).toBe('BATCH_SIGNATURE')
    })

    it('where a witness has cosigned in place of the log', () => {
      const witness = signerFromPem(generateKey('Ed25519').privateKeyPem)
      const key = verifierKey(origin, witness.publicKey, { cosignature: true })
      const checkpoint = Buffer.from(`${text}\n${cosign(text, origin, witness, 1)}\n`)
      expect(openNote(checkpoint, [key]).kind).toBe('note')
      expect(code(emptyLog, { ...batch, checkpoint }, { accepted: [key], decides: 'Ed25519' })).toBe('BATCH_SIGNATURE')
    })

    it('where a line that anybody could have added stands beside good ones', () => {
      expect(code(emptyLog, noteBy(...signersOf('SM2-SM3'), stranger))).toBe('BATCH_SIGNATURE')
      expect(code(emptyLog, noteBy(...signersOf('SM2-SM3'), signers.Ed25519))).toBe('BATCH_SIGNATURE')
    })

    it('where one of two accepted lines fails', () => {
      const other = signNote('other\n', [signers.Ed25519])
      const line = Buffer.from(other).toString().split('\n')[2]!
      const checkpoint = addSignatures(signNote(text, [signers['SM2-SM3']]), [line])
      expect(code(emptyLog, { ...batch, checkpoint })).toBe('BATCH_SIGNATURE')
    })

    it('where there is no note', () => {
      expect(code(emptyLog, { ...batch, checkpoint: new Uint8Array() })).toBe('BATCH_SIGNATURE')
    })
  })

  it('after any byte of it was changed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('leaf', 'salt', 'payload', 'checkpoint'),
        fc.nat({ max: 2 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (part, which, at, change) => {
          const flip = (bytes: Uint8Array): Uint8Array => {
            const changed = Uint8Array.from(bytes)
            changed[at % changed.length]! ^= change
            return changed
          }
          const altered: Batch =
            part === 'checkpoint'
              ? { ...batch, checkpoint: flip(batch.checkpoint) }
              : {
                  ...batch,
                  entries: batch.entries.map((entry, i) =>
                    i === which ? { ...entry, [part]: flip(entry[part]) } : entry,
                  ),
                }
          expect(admitBatch(emptyLog, altered, keys, clock).kind).toBe('refused')
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('after any single byte of its checkpoint was changed', () => {
    for (let at = 0; at < batch.checkpoint.length; at++) {
      const checkpoint = Uint8Array.from(batch.checkpoint)
      checkpoint[at]! ^= 1
      expect(code(emptyLog, { ...batch, checkpoint })).toMatch(/^BATCH_/)
    }
  })
})

describe('a batch sent again', () => {
  const first = newBatch(3)
  const known = after(first)

  it('is told apart by its indexes', () => {
    expect(code(known, first)).toBe('resent')
    expect(classifyBatch(known, first)).toEqual({ kind: 'resent' })
    expect(classifyBatch(emptyLog, first)).toEqual({ kind: 'append' })
  })

  it('is the same where its leaves are, byte for byte', () => {
    const kept = first.entries.map((entry) => entry.leaf)
    const moved = encodeLeaf({
      version: 1,
      index: 1n,
      kind: 1,
      loggedAtMs: startMs + 9,
      subject: new Uint8Array(32),
      previous: 0n,
      payloadCommitment: payloadCommitment(new Uint8Array(32), Uint8Array.of(1)),
    })
    expect(sameLeaves(first.entries, kept)).toBe(true)
    expect(sameLeaves(first.entries, [kept[0]!, moved, kept[2]!])).toBe(false)
    expect(sameLeaves(first.entries, kept.slice(1))).toBe(false)
  })
})

describe('the bounds of a batch', () => {
  it('leave room for origin, index and note beside the entries', () => {
    const empty = { origin: 'o'.repeat(batchLimits.originBytes), firstIndex: 2n ** 63n - 1n, entries: [] }
    const around = wholeBatchSizeBytes({ ...empty, checkpoint: new Uint8Array(batchLimits.checkpointBytes) })
    expect(batchLimits.entriesBytes + around).toBeLessThanOrEqual(batchLimits.bytes)
    expect(emptyEdge.size).toBe(0n)
  })
})

function rootOf(batch: Batch): Uint8Array {
  return rootOfLeafHashes(sha256Tree, leafHashesOf(batch.entries))
}
