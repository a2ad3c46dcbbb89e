import { generateKey, signerFromPem } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import {
  countVerdicts,
  fromBase64,
  fromHex,
  readVectors,
  signerFromSeed,
  toHex,
  type VectorCase,
  vectorCounts,
} from '../vectors/read.ts'
import { cosign, verifyCosignature } from './cosignature.ts'
import { addSignatures, noteSigner, openNote, signNote } from './note.ts'
import { parseSignatureLine } from './signature-line.ts'
import { parsePolicy } from './tlog-policy.ts'
import { formatVkey, parseVkey, type VerifierKey, verifierKey } from './verifier-key.ts'

interface KeyVector {
  readonly name: string
  readonly type: string
  readonly key_id: string
  readonly vkey: string
  readonly secret_seed?: string
}
interface NoteCase extends VectorCase {
  readonly note_b64: string
  readonly text_b64?: string
  readonly known: readonly string[]
  readonly verified?: readonly string[]
  readonly ignored?: number
}
interface CosignatureCase extends VectorCase {
  readonly note_b64: string
  readonly known: readonly string[]
  readonly verified?: readonly { readonly key: string; readonly time?: string }[]
}

const { notes, vkeys, keys } = readVectors<{
  readonly notes: readonly NoteCase[]
  readonly vkeys: readonly (VectorCase & { readonly vkey: string })[]
  readonly keys: readonly KeyVector[]
}>('notes.json')
const witnessed = readVectors<{
  readonly cosignatures: readonly CosignatureCase[]
  readonly keys: readonly KeyVector[]
}>('cosignatures.json')

describe('the notes of the vectors', () => {
  it.each(notes)('$id: $expect', (one) => {
    const opened = openNote(fromBase64(one.note_b64), one.known.map(knownKey))
    if (one.expect === 'reject') {
      expect(opened.kind).toBe('refused')
      return
    }
    if (opened.kind === 'refused') throw new Error(opened.reason)
    expect(opened.text).toBe(Buffer.from(one.text_b64!, 'base64').toString())
    expect(opened.verified.map(({ key }) => lineName(key))).toEqual(one.verified)
    expect(opened.unknown).toHaveLength(one.ignored!)
  })

  it.each(vkeys)('vkey $id: $expect', ({ vkey, expect: verdict }) => {
    const parsed = parseVkey(vkey)
    expect(parsed.kind).toBe(verdict === 'accept' ? 'vkey' : 'refused')
    if (parsed.kind === 'vkey') expect(formatVkey(parsed.key)).toBe(vkey)
  })

  it('were all judged', () => {
    expect(countVerdicts([...notes, ...vkeys])).toEqual(vectorCounts('notes.json'))
  })
})

describe('the cosignatures of the vectors', () => {
  it.each(witnessed.cosignatures)('$id: $expect', (one) => {
    const opened = openNote(fromBase64(one.note_b64), one.known.map(knownKey))
    if (one.expect === 'reject') {
      expect(opened.kind).toBe('refused')
      return
    }
    if (opened.kind === 'refused') throw new Error(opened.reason)
    // `one-key-both-types` names its cosignature without a time: it says nothing about it.
    const verified = opened.verified.map(({ key, time }, at) => ({
      key: lineName(key),
      ...(time === undefined || one.verified?.[at]?.time === undefined ? {} : { time: String(time) }),
    }))
    expect(verified).toEqual(one.verified)
  })

  it('were all judged', () => {
    expect(countVerdicts(witnessed.cosignatures)).toEqual(vectorCounts('cosignatures.json'))
  })

  it('are made again byte for byte by their keys', () => {
    let made = 0
    for (const one of witnessed.cosignatures.filter((each) => each.expect === 'accept')) {
      const note = fromBase64(one.note_b64)
      const opened = openNote(note, one.known.map(knownKey))
      if (opened.kind === 'refused') throw new Error(opened.reason)
      for (const { key, time } of opened.verified) {
        const secret = witnessed.keys.find((each) => each.vkey === formatVkey(key))?.secret_seed
        if (time === undefined || secret === undefined) continue
        const line = cosign(opened.text, key.name, signerFromSeed(secret), time)
        expect(Buffer.from(note).toString()).toContain(`${line}\n`)
        made++
      }
    }
    expect(made).toBeGreaterThan(8)
  })
})

describe('a verifier key', () => {
  it('has the key id that other implementations give it', () => {
    for (const { vkey, name, key_id } of [...keys, ...witnessed.keys]) {
      const key = knownKey(vkey)
      expect(lineName(key)).toBe(`${name}+${key_id}`)
      const made = verifierKey(name, key.publicKey, { cosignature: key.type === 'cosignature' })
      expect(formatVkey(made)).toBe(vkey)
    }
  })

  it('is not made under a name that no line can carry, nor as a cosigner of another suite', () => {
    const { publicKey } = generateKey('Ed25519')
    for (const name of ['', 'a b', 'a+b', 'a\u3000b', 'a\nb', 'a\u0001']) {
      expect(() => verifierKey(name, publicKey)).toThrow(RangeError)
    }
    expect(() => verifierKey('a', generateKey('SM2-SM3').publicKey, { cosignature: true })).toThrow(RangeError)
  })
})

describe('a signed note', () => {
  it('is made again byte for byte by the Ed25519 keys of the vectors', () => {
    let made = 0
    for (const one of notes.filter((each) => each.expect === 'accept' && each.ignored === 0)) {
      const signers = one.verified!.flatMap((verified) => {
        const key = keys.find((each) => `${each.name}+${each.key_id}` === verified && each.type === '01')
        return key?.secret_seed === undefined ? [] : [noteSigner(key.name, signerFromSeed(key.secret_seed))]
      })
      if (signers.length === 0 || signers.length !== one.verified!.length || one.id.includes('twice')) continue
      const lines = Buffer.from(one.note_b64, 'base64').toString().split('\n\n').at(-1)!.split('\n').length - 1
      if (lines !== signers.length) continue
      expect(toHex(signNote(Buffer.from(one.text_b64!, 'base64').toString(), signers)), one.id).toBe(
        toHex(fromBase64(one.note_b64)),
      )
      made++
    }
    expect(made).toBeGreaterThan(8)
  })

  it.each(['SM2-SM3', 'ECDSA-P256', 'Ed25519'] as const)(
    'by %s opens, and not with one bit of its text changed',
    (suite) => {
      const signer = noteSigner('zone.example/1', signerFromPem(generateKey(suite).privateKeyPem))
      const note = signNote('one\n\ntwo\n', [signer])
      const opened = openNote(note, [signer.key])
      expect(opened).toMatchObject({ kind: 'note', text: 'one\n\ntwo\n', unknown: [] })
      note[0]! ^= 1
      expect(openNote(note, [signer.key])).toMatchObject({ kind: 'refused', code: 'SIGNATURE_INVALID' })
      expect(openNote(note, [])).toMatchObject({ kind: 'refused', code: 'NO_KNOWN_SIGNATURE' })
    },
  )

  it('is not made of a text that could not be read back, nor without a signer', () => {
    const signer = noteSigner('a', signerFromPem(generateKey('Ed25519').privateKeyPem))
    for (const text of ['', 'no newline', 'a\r\n', '\ud800\n'])
      expect(() => signNote(text, [signer])).toThrow(RangeError)
    expect(() => signNote('a\n', [])).toThrow(RangeError)
  })

  it('larger than the bound is refused unread', () => {
    const signer = noteSigner('a', signerFromPem(generateKey('Ed25519').privateKeyPem))
    const note = signNote(`${'a'.repeat(1_000_000)}\n`, [signer])
    expect(openNote(note, [signer.key])).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
  })
})

describe('signatures added to a note', () => {
  const log = noteSigner('log.example', signerFromPem(generateKey('SM2-SM3').privateKeyPem))
  const witness = signerFromPem(generateKey('Ed25519').privateKeyPem)
  const witnessKey = verifierKey('witness.example', witness.publicKey, { cosignature: true })
  const text = `log.example\n1\n${Buffer.alloc(32).toString('base64')}\n`
  const note = signNote(text, [log])
  const line = cosign(text, 'witness.example', witness, 1_795_790_216)

  it('verify beside those already there', () => {
    const opened = openNote(addSignatures(note, [line]), [log.key, witnessKey])
    if (opened.kind === 'refused') throw new Error(opened.reason)
    expect(opened.verified.map(({ key, time }) => [key.name, time])).toEqual([
      ['log.example', undefined],
      ['witness.example', 1_795_790_216n],
    ])
  })

  it('stand once, however often they are added, and never replace a line', () => {
    const once = addSignatures(note, [line, line])
    const later = cosign(text, 'witness.example', witness, 1_795_790_999n)
    expect(toHex(addSignatures(once, [line, later]))).toBe(toHex(once))
  })

  it('past a hundred lines are refused, and so is a line that is none', () => {
    const others = Array.from({ length: 100 }, (_, at) => line.replace('witness.example', `witness${at}.example`))
    expect(openNote(addSignatures(note, others.slice(0, 99)), [log.key])).toMatchObject({ kind: 'note' })
    expect(() => addSignatures(note, others)).toThrow(RangeError)
    expect(() => addSignatures(note, ['no line'])).toThrow(RangeError)
    expect(() => addSignatures(note, [`${line}\n`])).toThrow(RangeError)
    expect(() => addSignatures(fromHex('00'), [line])).toThrow(RangeError)
    expect(parseSignatureLine('no line')).toMatchObject({ kind: 'refused' })
  })

  it('are not made over what is no checkpoint, at no time, or by another suite', () => {
    expect(() => cosign('hello\n', 'w', witness, 1)).toThrow(RangeError)
    expect(() => cosign(text, 'w', witness, -1)).toThrow(RangeError)
    expect(() => cosign(text, 'w', witness, 2n ** 63n)).toThrow(RangeError)
    expect(() => cosign(text, 'w', signerFromPem(generateKey('ECDSA-P256').privateKeyPem), 1)).toThrow(RangeError)
  })

  it('count as cosignatures under the key of a witness alone', () => {
    const parsed = parseSignatureLine(line)
    if (parsed.kind === 'refused') throw new Error(parsed.reason)
    expect(verifyCosignature(witnessKey, text, parsed.signature)).toBe(1_795_790_216n)
    const logKey = verifierKey('witness.example', witness.publicKey)
    expect(verifyCosignature(logKey, text, parsed.signature)).toBeUndefined()
  })

  it('by two different keys under one name and key id cannot be told apart', () => {
    // Found by trying 67,892 keys: a key id has 32 bits.
    const twins = [
      'two.example+a0386cd0+AZVVvUVLuBE59O31jo/HBXCV4DgpxPSgyzpUwI1ILuIw',
      'two.example+a0386cd0+ATKeVF0Ym4OofDTL7TmyzENtXJO1X1sqVtFaSTe/Y49n',
    ]
    expect(() => openNote(note, [log.key, ...twins.map(knownKey)])).toThrow(RangeError)
    expect(openNote(note, [log.key, knownKey(twins[0]!), knownKey(twins[0]!)])).toMatchObject({ kind: 'note' })
    const policy = (vkeys: readonly string[]): string => `${vkeys.map((vkey) => `log ${vkey}\n`).join('')}quorum none\n`
    expect(parsePolicy(policy(twins))).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
    expect(parsePolicy(policy(twins.slice(1)))).toMatchObject({ kind: 'policy' })
  })
})

function knownKey(vkey: string): VerifierKey {
  const parsed = parseVkey(vkey)
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return parsed.key
}

function lineName(key: VerifierKey): string {
  return `${key.name}+${key.keyId.toString(16).padStart(8, '0')}`
}
