import { addSignatures, cosign, formatCheckpoint, formatVkey, noteSigner, signNote, verifierKey } from '@hutong/merkle'
import { generateKey, signerFromPem } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import { readCosigned, readHead, readZoneCheckpoint } from './head.ts'
import { type Trust, trustFromFirstCharter } from './trust.ts'
import { World } from './world.ts'

const world = new World()
world.publish('beijing', world.licence('beijing', '0001'))
world.observe('tianjin')
const copy = world.copy()
const { trust } = copy
const text = (note: Uint8Array) => `${Buffer.from(note).toString('utf8').split('\n\n')[0]!}\n`
const stranger = signerFromPem(generateKey('SM2-SM3').privateKeyPem)

describe('a head of H', () => {
  it('holds under the deciding suite of the hub and gives size and root', () => {
    const head = readHead(trust, world.head())
    if (head.kind !== 'checkpoint') throw new Error(head.reason)
    expect(head.checkpoint).toMatchObject({ origin: 'test.hutong.example/h/1', size: 3n })
    expect(head.signer).toMatch(/^test\.hutong\.example\/h\/1\+[0-9a-f]{8}$/)
  })

  it('is refused under another key, another suite alone, another origin, with extension lines, or cut', () => {
    const [sm2, ed25519] = world.hubSigners as [(typeof world.hubSigners)[0], (typeof world.hubSigners)[0]]
    const headText = text(world.head())
    const refusedCode = (note: Uint8Array) => {
      const read = readHead(trust, note)
      return read.kind === 'refused' ? read.code : read.kind
    }
    expect(refusedCode(signNote(headText, [noteSigner('test.hutong.example/h/1', stranger)]))).toBe(
      'NO_KNOWN_SIGNATURE',
    )
    expect(refusedCode(signNote(headText, [ed25519]))).toBe('NO_KNOWN_SIGNATURE')
    expect(refusedCode(signNote(headText, [sm2]))).toBe('checkpoint')
    expect(refusedCode(signNote(`${headText}extension\n`, [sm2]))).toBe('MALFORMED')
    const other = formatCheckpoint({ origin: world.origin('beijing'), size: 1n, root: new Uint8Array(32) })
    expect(refusedCode(signNote(other, [sm2]))).toBe('LOG_UNKNOWN')
    expect(refusedCode(world.head().subarray(0, -1))).toBe('MALFORMED')
    expect(refusedCode(new Uint8Array(0))).toBe('MALFORMED')
  })

  it('is refused where the line beside the deciding one is of a known key and does not hold', () => {
    const good = Buffer.from(world.head()).toString('utf8')
    const lines = good.trimEnd().split('\n')
    const beside = lines.at(-1)!
    const flipped = beside.slice(0, -6) + (beside.at(-6) === 'A' ? 'B' : 'A') + beside.slice(-5)
    const read = readHead(trust, Buffer.from(good.replace(beside, flipped), 'utf8'))
    expect(read).toMatchObject({ kind: 'refused', code: 'SIGNATURE_INVALID' })
  })

  it('is refused where a zone has signed it', () => {
    const note = signNote(text(world.head()), world.signers('beijing'))
    expect(readHead(trust, note).kind).toBe('refused')
  })
})

describe("a zone's checkpoint", () => {
  it('is refused of a log that nobody has', () => {
    const read = readZoneCheckpoint(trust, 'test.hutong.example/z/nobody/1', world.head(), 1n)
    expect(read).toMatchObject({ kind: 'refused', code: 'LOG_UNKNOWN' })
  })
})

describe('a cosigned head', () => {
  it('has a quorum, its times newest first, and is dated by the q-th newest', () => {
    const { nowMs } = world
    const note = world.cosignedHead({ timesMs: [nowMs - 3000, nowMs, nowMs - 1000] })
    const read = readCosigned(trust, note, 0n)
    expect(read).toMatchObject({
      kind: 'cosigned',
      timesMs: [nowMs, nowMs - 1000, nowMs - 3000],
      quorum: 2,
      quorumTimeMs: nowMs - 1000,
    })
  })

  it('is refused with fewer than q cosignatures, or none', () => {
    const one = readCosigned(trust, world.cosignedHead({ zones: ['beijing'] }), 0n)
    expect(one).toMatchObject({ kind: 'refused', code: 'QUORUM_MISSED' })
    expect(readCosigned(trust, world.head(), 0n)).toMatchObject({ kind: 'refused', code: 'QUORUM_MISSED' })
    expect(readCosigned(trust, world.cosignedHead({ zones: ['beijing', 'tianjin'] }), 0n).kind).toBe('cosigned')
  })

  it('is refused where one zone has cosigned twice and no other has', () => {
    const note = world.cosignedHead({ zones: ['beijing', 'beijing'] })
    expect(readCosigned(trust, note, 0n)).toMatchObject({ kind: 'refused', code: 'QUORUM_MISSED' })
  })

  it('is refused without the signature of the hub, with whatever cosignatures', () => {
    const headText = text(world.head())
    const lines = Buffer.from(world.cosignedHead()).toString('utf8').trimEnd().split('\n').slice(-3)
    const note = addSignatures(signNote(headText, world.signers('beijing')), lines)
    expect(readCosigned(trust, note, 0n).kind).toBe('refused')
  })

  it('is refused without the signature of the hub where witnesses sign by the same suite, one of them under its name', () => {
    const hub = 'test.hutong.example/h/1'
    const witness = signerFromPem(generateKey('Ed25519').privateKeyPem)
    const called = formatVkey(verifierKey(hub, witness.publicKey, { cosignature: true }))
    const named = new World({
      suite: 'Ed25519',
      charter: (charter) => {
        const { vkey } = charter.keys.find(({ role, owner }) => role === 'cosigner' && owner === 'beijing')!
        return {
          ...charter,
          keys: charter.keys.map((key) => (key.vkey === vkey ? { ...key, vkey: called } : key)),
          witnessPolicy: charter.witnessPolicy.replace(vkey, called),
        }
      },
    })
    const headText = text(named.head())
    const [own, ...others] = Buffer.from(named.cosignedHead({ zones: ['tianjin', 'langfang'] }))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .slice(-3)
    const cosigned = [...others, cosign(headText, hub, witness, 1)]
    const noteOf = (lines: readonly string[]) => Buffer.from(`${headText}\n${lines.join('\n')}\n`)
    const named0 = trustFromFirstCharter(named.charters[0]!.bytes) as Trust
    expect(readCosigned(named0, noteOf([own!, ...cosigned]), 0n)).toMatchObject({ kind: 'cosigned', quorum: 2 })
    expect(readCosigned(named0, noteOf(cosigned), 0n)).toMatchObject({ code: 'NO_KNOWN_SIGNATURE' })
  })

  it('counts no cosigner that the charter does not name', () => {
    const strangers = ['a', 'b', 'c'].map((name) => {
      const signer = signerFromPem(generateKey('Ed25519').privateKeyPem)
      return cosign(text(world.head()), name, signer, 1)
    })
    const note = addSignatures(world.head(), strangers)
    expect(readCosigned(trust, note, 0n)).toMatchObject({ kind: 'refused', code: 'QUORUM_MISSED' })
  })

  it('is never read under quorum none', () => {
    const none = new World({ suite: 'Ed25519', quorum: 0 })
    expect(readCosigned(none.copy().trust, none.cosignedHead(), 0n)).toMatchObject({ code: 'QUORUM_MISSED' })
  })

  it('is judged by the witnesses of the position given: a retired or compromised one counts no more', () => {
    const changing = new World({ suite: 'Ed25519' })
    const vkeyOf = (zone: string) => changing.charter.keys.find((key) => key.role === 'cosigner' && key.owner === zone)!
    const retired = vkeyOf('beijing')
    const compromised = vkeyOf('tianjin')
    changing.changeCharter((charter) => ({
      ...charter,
      keys: charter.keys.map((key) =>
        key.vkey === retired.vkey
          ? { ...key, retiredAt: 2n }
          : key.vkey === compromised.vkey
            ? { ...key, compromisedFrom: 0n }
            : key,
      ),
    }))
    const after = changing.copy().trust
    const note = changing.cosignedHead({ zones: ['beijing', 'langfang'] })
    expect(readCosigned(after, note, 1n).kind).toBe('cosigned')
    expect(readCosigned(after, note, 2n)).toMatchObject({ code: 'QUORUM_MISSED' })
    const other = changing.cosignedHead({ zones: ['tianjin', 'langfang'] })
    expect(readCosigned(after, other, 0n).kind).toBe('cosigned')
    expect(readCosigned(after, other, 2n)).toMatchObject({ code: 'QUORUM_MISSED' })
  })
})
