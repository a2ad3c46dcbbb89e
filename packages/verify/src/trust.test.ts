import type { Charter } from '@hutong/licence'
import { formatVkey, type noteSigner, signNote, verifierKey } from '@hutong/merkle'
import { generateKey, sha256, signerFromPem } from '@hutong/signing'
import { charterToBytes } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import {
  charterAt,
  charterNoteText,
  extendTrust,
  hubKeysAt,
  hubOrigin,
  isDoubtful,
  logKeysAt,
  maxCharterSizeBytes,
  newestCharter,
  type Trust,
  trustFromFirstCharter,
  witnessesAt,
  zoneOfOrigin,
  zoneOrigin,
} from './trust.ts'
import { World, type WorldCharter } from './world.ts'

const fast = { suite: 'Ed25519' } as const

function accepted(trust: ReturnType<typeof extendTrust>): Trust {
  if ('kind' in trust) throw new Error(`${trust.code}: ${trust.reason}`)
  return trust
}

/** What `extendTrust` says to a charter that is offered at this position. */
function extended(trust: Trust, offered: WorldCharter, changes: Partial<Parameters<typeof extendTrust>[1]> = {}) {
  const { bytes, note, position, charter } = offered
  return extendTrust(trust, { position, number: charter.number, sha256: sha256(bytes), note, bytes, ...changes })
}

function code(trust: ReturnType<typeof extendTrust>): string {
  return 'kind' in trust ? trust.code : 'trusted'
}

describe('charter 0', () => {
  it('is trusted where its SHA-256 is the pinned one, and nowhere else', () => {
    const world = new World(fast)
    const { bytes } = world.charters[0]!
    expect(code(trustFromFirstCharter(bytes, sha256(bytes)))).toBe('trusted')
    expect(code(trustFromFirstCharter(bytes, new Uint8Array(32)))).toBe('CHARTER_NOT_PINNED')
    expect(code(trustFromFirstCharter(bytes, sha256(bytes).subarray(1)))).toBe('CHARTER_NOT_PINNED')
  })

  it('is number 0 with nothing before it', () => {
    const world = new World(fast)
    const zero = world.charter
    expect(code(trustFromFirstCharter(charterToBytes({ ...zero, number: 1n })))).toBe('CHARTER_NUMBER')
    const built = { ...zero, previousSha256: new Uint8Array(32) }
    expect(code(trustFromFirstCharter(charterToBytes(built)))).toBe('CHARTER_NUMBER')
  })

  it('is refused unread beyond 512 KiB, and where it is no charter', () => {
    expect(code(trustFromFirstCharter(new Uint8Array(maxCharterSizeBytes + 1)))).toBe('CHARTER_TOO_LARGE')
    expect(code(trustFromFirstCharter(Uint8Array.of(1, 2, 3)))).toBe('CHARTER_UNREADABLE')
  })
})

describe('the note of a charter', () => {
  it('says kind, alliance, number, and both hashes in lower-case hex', () => {
    const named = { alliance: 'a.example', previousSha256: new Uint8Array(32).fill(0xab) }
    const hash = new Uint8Array(32).fill(0xcd)
    expect(charterNoteText({ ...named, number: 7n, sha256: hash })).toBe(
      `hutong/charter/v1\na.example\n7\n${'ab'.repeat(32)}\n${'cd'.repeat(32)}\n`,
    )
    expect(charterNoteText({ ...named, number: 0n, sha256: hash })).toBe(
      `hutong/charter/v1\na.example\n0\n${'00'.repeat(32)}\n${'cd'.repeat(32)}\n`,
    )
  })
})

describe('a further charter', () => {
  it('is trusted with m signatures of the admins before, and governs the leaves after its own', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    world.observe('beijing')
    const offered = world.changeCharter((charter) => ({ ...charter, freshMs: 1 }))
    const after = accepted(extended(trust, offered))
    expect(offered.position).toBe(2n)
    expect([0n, 1n, 2n, 3n, 99n].map((position) => charterAt(after, position).freshMs)).toEqual([
      300_000, 300_000, 300_000, 1, 1,
    ])
    expect(newestCharter(after).number).toBe(1n)
    expect(trust.charters).toHaveLength(1)
  })

  it('is refused with too few admins, one of them twice, or strangers', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    const offer = (admins: readonly string[]) => world.changeCharter((charter) => charter, { admins, log: false })
    expect(code(extended(trust, offer(['admin-a', 'admin-c'])))).toBe('trusted')
    expect(code(extended(trust, offer(['admin-a'])))).toBe('CHARTER_NOTE')
    expect(code(extended(trust, offer(['admin-a', 'admin-a'])))).toBe('CHARTER_NOTE')
    expect(code(extended(trust, offer(['admin-a', 'stranger'])))).toBe('CHARTER_NOTE')
    expect(code(extended(trust, offer(['stranger'])))).toBe('CHARTER_NOTE')
    expect(code(extended(trust, offer(['admin-a', 'admin-c']), { note: new Uint8Array(0) }))).toBe('CHARTER_NOTE')
  })

  it('is refused where the admins signed another text', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    const offered = world.changeCharter((charter) => charter, { log: false })
    const signers = [world.adminSigner('admin-a'), world.adminSigner('admin-b')]
    const text = charterNoteText({ ...offered.charter, sha256: sha256(offered.bytes) })
    expect(code(extended(trust, offered, { note: signNote(text, signers) }))).toBe('trusted')
    const other = signNote(text.replace('test.hutong.example', 'other.example'), signers)
    expect(code(extended(trust, offered, { note: other }))).toBe('CHARTER_NOTE')
    expect(code(extended(trust, offered, { note: signNote(`${text}more\n`, signers) }))).toBe('CHARTER_NOTE')
  })

  it('is signed by the admins of the charter before, not by those it brings', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    const brought = ['admin-x', 'admin-y', 'admin-z'].map((name) => world.adminSigner(name))
    const key = (signer: (typeof brought)[0]) => ({
      vkey: formatVkey(signer.key),
      role: 'admin' as const,
      owner: signer.key.name,
      acceptedFrom: 0n,
      retiredAt: undefined,
      compromisedFrom: undefined,
    })
    const change = (charter: Charter) => ({ ...charter, keys: [...charter.keys, ...brought.map(key)] })
    const usurped = world.changeCharter(change, { admins: ['admin-x', 'admin-y'], log: false })
    expect(code(extended(trust, usurped))).toBe('CHARTER_NOTE')
    const rightful = world.changeCharter(change)
    const next = world.changeCharter((charter) => charter, { admins: ['admin-x', 'admin-y'], log: false })
    expect(code(extended(accepted(extended(trust, rightful)), next))).toBe('trusted')
  })

  it('is not signed twice by one admin with two keys', () => {
    const world = new World(fast)
    const [second, third] = ['second', 'third'].map((name) => world.adminSigner(name))
    const key = (vkey: string, owner: string) => ({
      ...world.charter.keys.find(({ role }) => role === 'admin')!,
      vkey,
      owner,
    })
    world.changeCharter((charter) => ({
      ...charter,
      keys: [...charter.keys, key(formatVkey(second!.key), 'admin-a'), key(formatVkey(third!.key), 'admin-d')],
    }))
    const { trust } = world.copy()
    const by = (...admins: string[]) =>
      code(
        extended(
          trust,
          world.changeCharter((charter) => charter, { admins, log: false }),
        ),
      )
    expect(by('admin-a', 'second')).toBe('CHARTER_NOTE')
    expect(by('admin-a', 'third')).toBe('trusted')
    expect(by('second', 'third')).toBe('trusted')
  })

  it('is not signed by an admin whose key is retired or compromised', () => {
    for (const ending of [{ retiredAt: 2n }, { compromisedFrom: 0n }]) {
      const world = new World(fast)
      const { trust } = world.copy()
      const named = formatVkey(world.adminSigner('admin-a').key)
      const first = world.changeCharter((charter) => ({
        ...charter,
        keys: charter.keys.map((key) => (key.vkey === named ? { ...key, ...ending } : key)),
      }))
      const next = (admins: readonly string[]) => world.changeCharter((charter) => charter, { admins, log: false })
      const after = accepted(extended(trust, first))
      expect(code(extended(after, next(['admin-a', 'admin-b'])))).toBe('CHARTER_NOTE')
      expect(code(extended(after, next(['admin-c', 'admin-b'])))).toBe('trusted')
    }
  })

  it('follows number and hash of the one before, and the leaf says the same', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    const offer = (change: (charter: Charter) => Charter) => world.changeCharter(change, { log: false })
    const good = offer((charter) => charter)
    expect(code(extended(trust, good))).toBe('trusted')
    expect(code(extended(trust, good, { number: 2n }))).toBe('CHARTER_NUMBER')
    expect(code(extended(trust, good, { sha256: new Uint8Array(32) }))).toBe('CHARTER_HASH')
    expect(code(extended(trust, good, { bytes: world.charters[0]!.bytes }))).toBe('CHARTER_HASH')
    expect(
      code(
        extended(
          trust,
          offer((charter) => ({ ...charter, number: 2n })),
        ),
      ),
    ).toBe('CHARTER_NUMBER')
    expect(
      code(
        extended(
          trust,
          offer((charter) => ({ ...charter, number: 0n })),
        ),
      ),
    ).toBe('CHARTER_NUMBER')
    const otherBefore = offer((charter) => ({ ...charter, previousSha256: new Uint8Array(32) }))
    expect(code(extended(trust, otherBefore))).toBe('CHARTER_PREVIOUS')
    const skipping = extended(accepted(extended(trust, good)), good)
    expect(code(skipping)).toBe('CHARTER_NUMBER')
  })

  it('keeps the alliance its name', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    const rename = (text: string) => text.replace('test.hutong.example', 'other.example')
    const keys = [...world.hubSigners, ...world.zones.flatMap((zone) => world.signers(zone))]
    const renamed = world.changeCharter(
      (charter) => ({
        ...charter,
        alliance: 'other.example',
        logs: charter.logs.map((log) => ({ ...log, origin: rename(log.origin) })),
        keys: [
          ...keys.map(({ key }, at) => {
            const { publicKey } = signerFromPem(generateKey('Ed25519').privateKeyPem)
            const logKey = charter.keys.filter(({ role }) => role === 'log')[at]!
            return { ...logKey, vkey: formatVkey(verifierKey(rename(key.name), publicKey)) }
          }),
          ...charter.keys.filter(({ role }) => role !== 'log'),
        ],
      }),
      { log: false },
    )
    expect(code(extended(trust, renamed))).toBe('CHARTER_ALLIANCE')
  })

  it('takes no key out and changes none but by retiring it or calling it compromised', () => {
    const world = new World(fast)
    const { trust } = world.copy()
    const beijing = formatVkey(world.signers('beijing')[0]!.key)
    const admin = formatVkey(world.adminSigner('admin-c').key)
    const change = (vkey: string, changes: Partial<Charter['keys'][0]> | 'out') =>
      code(
        extended(
          trust,
          world.changeCharter(
            (charter) => ({
              ...charter,
              keys: charter.keys.flatMap((key) =>
                key.vkey !== vkey ? [key] : changes === 'out' ? [] : [{ ...key, ...changes }],
              ),
            }),
            { log: false },
          ),
        ),
      )
    expect(change(admin, 'out')).toBe('CHARTER_KEYS')
    expect(change(admin, { owner: 'somebody' })).toBe('CHARTER_KEYS')
    expect(change(admin, { role: 'slip' })).toBe('CHARTER_KEYS')
    expect(change(beijing, { acceptedFrom: 5n })).toBe('CHARTER_KEYS')
    expect(change(beijing, { retiredAt: 5n })).toBe('trusted')
    expect(change(beijing, { compromisedFrom: 5n })).toBe('trusted')
  })

  it('does not take back a retirement or a compromise, which may only reach further down', () => {
    const world = new World(fast)
    const beijing = formatVkey(world.signers('beijing')[0]!.key)
    const set = (changes: Partial<Charter['keys'][0]>, log: boolean) =>
      world.changeCharter(
        (charter) => ({
          ...charter,
          keys: charter.keys.map((key) => (key.vkey === beijing ? { ...key, ...changes } : key)),
        }),
        { log },
      )
    set({ retiredAt: 5n, compromisedFrom: 3n }, true)
    const { trust } = world.copy()
    const changed = (changes: Partial<Charter['keys'][0]>) => code(extended(trust, set(changes, false)))
    expect(changed({ retiredAt: undefined })).toBe('CHARTER_KEYS')
    expect(changed({ retiredAt: 6n })).toBe('CHARTER_KEYS')
    expect(changed({ compromisedFrom: undefined })).toBe('CHARTER_KEYS')
    expect(changed({ compromisedFrom: 4n })).toBe('CHARTER_KEYS')
    expect(changed({ compromisedFrom: 2n })).toBe('trusted')
  })
})

describe('trust at a position', () => {
  it('gives the keys accepted there: from the position they are accepted at, to before the one they are retired at', () => {
    const world = new World(fast)
    const origin = world.origin('beijing')
    const [old] = world.signers('beijing')
    world.compromise('beijing', 0n)
    const [young] = world.signers('beijing')
    const { trust } = world.copy()
    const ids = (position: bigint) => logKeysAt(trust, origin, position)?.keys.map(({ keyId }) => keyId)
    expect(ids(0n)).toEqual([old!.key.keyId])
    expect(ids(1n)).toEqual([old!.key.keyId])
    expect(ids(2n)).toEqual([young!.key.keyId])
    expect(logKeysAt(trust, origin, 2n)).toMatchObject({ owner: 'beijing', suite: 'Ed25519' })
    expect(logKeysAt(trust, 'test.hutong.example/z/nobody/1', 2n)).toBeUndefined()
  })

  it('tells the deciding keys from those beside them', () => {
    const world = new World({ suite: 'ECDSA-P256' })
    const { trust } = world.copy()
    const { keys, deciding, suite } = hubKeysAt(trust, 0n)
    expect(suite).toBe('ECDSA-P256')
    expect(keys.map(({ type }) => type)).toEqual(['ecdsa-p256', 'ed25519'])
    expect(deciding.map(({ type }) => type)).toEqual(['ecdsa-p256'])
  })

  it('names origins and owners', () => {
    const world = new World(fast)
    const { charter } = world
    expect(hubOrigin(charter)).toBe('test.hutong.example/h/1')
    expect(zoneOrigin(charter, 'tianjin')).toBe('test.hutong.example/z/tianjin/1')
    expect(zoneOfOrigin(charter, 'test.hutong.example/z/tianjin/1')).toBe('tianjin')
    expect(zoneOfOrigin(charter, hubOrigin(charter))).toBeUndefined()
    expect(zoneOfOrigin(charter, 'elsewhere')).toBeUndefined()
    expect(() => zoneOrigin(charter, 'nobody')).toThrow(RangeError)
  })

  it('knows the witnesses and their quorum', () => {
    const witnesses = witnessesAt(new World(fast).copy().trust, 0n)
    expect(witnesses.cosigners.map(({ zone }) => zone)).toEqual(['beijing', 'tianjin', 'langfang'])
    expect(witnesses.quorum).toBe(2)
    expect(witnessesAt(new World({ ...fast, quorum: 0 }).copy().trust, 0n)).toEqual({ cosigners: [], quorum: 0 })
  })

  it('accepts a key from its position on, and no more from that of its retirement on', () => {
    const { trust } = new World({
      ...fast,
      charter: (charter) => ({
        ...charter,
        keys: charter.keys.map((key) => (key.owner === 'beijing' ? { ...key, acceptedFrom: 5n, retiredAt: 9n } : key)),
      }),
    }).copy()
    const origin = 'test.hutong.example/z/beijing/1'
    const keysAt = (position: bigint) => logKeysAt(trust, origin, position)?.deciding.length
    expect([4n, 5n, 8n, 9n].map(keysAt)).toEqual([0, 1, 1, 0])
    const witnessing = (position: bigint) => witnessesAt(trust, position).cosigners.map(({ zone }) => zone)
    expect([4n, 5n, 8n, 9n].map((position) => witnessing(position).includes('beijing'))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('doubts what lies at or after the index, under that key alone, as the charter asked sees it', () => {
    const world = new World(fast)
    const origin = world.origin('beijing')
    const id = (signer: ReturnType<typeof noteSigner>) =>
      `${signer.key.name}+${signer.key.keyId.toString(16).padStart(8, '0')}`
    const old = id(world.signers('beijing')[0]!)
    world.compromise('beijing', 7n)
    const young = id(world.signers('beijing')[0]!)
    const { trust } = world.copy()
    expect([6n, 7n, 8n].map((index) => isDoubtful(trust, 2n, origin, old, index))).toEqual([false, true, true])
    expect(isDoubtful(trust, 1n, origin, old, 8n)).toBe(false)
    expect(isDoubtful(trust, 2n, origin, young, 8n)).toBe(false)
    expect(isDoubtful(trust, 2n, origin, 'nobody+00000000', 0n)).toBe(true)
    expect(isDoubtful(trust, 2n, world.origin('tianjin'), old, 0n)).toBe(true)
  })
})
