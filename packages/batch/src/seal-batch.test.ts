import { emptyEdge, formatCheckpoint, openNote, rootOfLeafHashes, sha256Tree } from '@hutong/merkle'
import { decodeLeaf } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { entryOf, leafHashesOf } from './entry.ts'
import { newEntries, newSigner, origin, signersOf, startMs } from './sample-log.ts'
import { SealError, sealBatch, type Unsealed } from './seal-batch.ts'

const entries = newEntries(3)
const [first, second, third] = entries as [(typeof entries)[0], (typeof entries)[0], (typeof entries)[0]]
const unsealed: Unsealed = { origin, edge: emptyEdge, entries, signers: signersOf('SM2-SM3') }

describe('sealing', () => {
  it('signs size and root of the log with these entries, once in each suite', () => {
    const sealed = sealBatch(unsealed)
    const root = rootOfLeafHashes(sha256Tree, leafHashesOf(entries))
    const opened = openNote(
      sealed.checkpoint,
      signersOf('SM2-SM3').map((signer) => signer.key),
    )
    expect(opened).toMatchObject({ kind: 'note', text: formatCheckpoint({ origin, size: 3n, root }), unknown: [] })
    expect(opened.kind === 'note' && opened.verified.map((line) => line.key.type)).toEqual(['sm2-sm3', 'ed25519'])
    expect(sealed).toMatchObject({ size: 3n, root, leafHashes: leafHashesOf(entries) })
  })

  it('goes on from the edge it left', () => {
    const { edge } = sealBatch({ ...unsealed, entries: [first] })
    const { root } = sealBatch({ ...unsealed, edge, newestLoggedAtMs: startMs, entries: [second, third] })
    expect(root).toEqual(sealBatch(unsealed).root)
  })

  const flipped = (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))
  it.each<[string, Partial<Unsealed>]>([
    ['no entries', { entries: [] }],
    ['257 entries', { entries: newEntries(257) }],
    ['entries in another order', { entries: [second, first] }],
    ['a leaf out of its place', { entries: [first, newEntries(1, 2n, startMs + 1)[0]!] }],
    ['a flipped bit in a leaf', { entries: [{ ...first, leaf: flipped(first.leaf) }] }],
    ['a flipped bit in a payload', { entries: [{ ...first, payload: flipped(first.payload) }] }],
    ['a flipped bit in a salt', { entries: [{ ...first, salt: flipped(first.salt) }] }],
    ['a payload missing', { entries: [{ ...first, payload: new Uint8Array() }] }],
    ['an unreadable leaf', { entries: [{ ...first, leaf: Uint8Array.of(0) }] }],
    [
      'a leaf of a newer format',
      { entries: [{ ...first, leaf: Buffer.concat([first.leaf, Buffer.from('b83e01', 'hex')]) }] },
    ],
    ['a time below that of the log', { newestLoggedAtMs: startMs + 1 }],
    ['a falling time', { entries: [first, newEntries(2, 0n, startMs - 9)[1]!] }],
    ['no signer', { signers: [] }],
    ['a signer of another name', { signers: [newSigner('SM2-SM3', 'jjj.hutong.example/z/beijing/1')] }],
  ])('signs nothing with %s', (_, wrong) => {
    expect(() => sealBatch({ ...unsealed, ...wrong })).toThrow(SealError)
  })

  it('signs nothing beyond the bytes of a batch', () => {
    const large = Array.from({ length: 19 }, (_, at) =>
      entryOf({
        index: BigInt(at),
        kind: 1,
        loggedAtMs: startMs,
        subject: new Uint8Array(32),
        previous: 0n,
        payload: new Uint8Array(48 * 1024),
        salt: new Uint8Array(32),
      }),
    )
    expect(() => sealBatch({ ...unsealed, entries: large })).toThrow(SealError)
    expect(sealBatch({ ...unsealed, entries: large.slice(0, 18) }).size).toBe(18n)
  })
})

describe('an entry', () => {
  const given = {
    index: 4n,
    kind: 128,
    loggedAtMs: startMs,
    subject: new Uint8Array(32),
    previous: 3n,
    payload: Uint8Array.of(1),
    salt: new Uint8Array(32),
  }

  it('carries a leaf that says what was given', () => {
    const reading = decodeLeaf(entryOf(given).leaf)
    const { payload: _payload, salt: _salt, ...leaf } = given
    expect(reading).toMatchObject({ kind: 'leaf', leaf: { version: 1, ...leaf } })
  })

  it.each([
    ['an empty payload', { payload: new Uint8Array() }],
    ['a payload of more than 48 KiB', { payload: new Uint8Array(48 * 1024 + 1) }],
    ['a salt of 16 bytes', { salt: new Uint8Array(16) }],
    ['a subject of 31 bytes', { subject: new Uint8Array(31) }],
    ['a previous event that is not before it', { previous: 5n }],
  ])('is not made of %s', (_, wrong) => {
    expect(() => entryOf({ ...given, ...wrong })).toThrow(RangeError)
  })
})
