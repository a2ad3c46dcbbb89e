import type { Charter, CharterKey } from '@hutong/licence'
import { formatPolicy, formatVkey, parseVkey, verifierKey } from '@hutong/merkle'
import { generateKey } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import { keyIdentity, viewCharter } from './charter-view.ts'
import { World } from './world.ts'

const world = new World({ zones: ['a', 'b', 'c', 'd'], suite: 'SM2-SM3' })
const good = world.charter

function code(changes: Partial<Charter>): string {
  const view = viewCharter({ ...good, ...changes })
  return 'kind' in view ? view.code : 'viewed'
}

function withKeys(change: (key: CharterKey) => CharterKey | undefined): string {
  return code({ keys: good.keys.flatMap((key) => change(key) ?? []) })
}

const isKey = (role: string, owner: string) => (key: CharterKey) => key.role === role && key.owner === owner
const first = (role: string, owner: string) => good.keys.find(isKey(role, owner))!

function vkey(name: string, suite: 'Ed25519' | 'SM2-SM3' = 'Ed25519', cosignature = false): string {
  return formatVkey(verifierKey(name, generateKey(suite).publicKey, { cosignature }))
}

function keyOf(text: string) {
  const parsed = parseVkey(text)
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return parsed.key
}

describe('the view of a charter', () => {
  it('knows zones, logs, hub, admins, witnesses and quorum', () => {
    const view = viewCharter(good)
    if ('kind' in view) throw new Error(view.reason)
    expect([...view.zones.keys()]).toEqual(['a', 'b', 'c', 'd'])
    expect([...view.logs.keys()]).toContain('test.hutong.example/z/d/1')
    expect(view.hub).toMatchObject({ origin: 'test.hutong.example/h/1', owner: 'hub', suite: 'SM2-SM3' })
    expect(view.admins).toHaveLength(3)
    expect(view.witnesses.map(({ entry }) => entry.owner)).toEqual(['a', 'b', 'c', 'd'])
    expect(view.quorum).toBe(3)
  })

  it('names a key by its name and eight hex digits of its id', () => {
    const key = keyOf(first('admin', 'admin-a').vkey)
    expect(keyIdentity(key)).toBe(first('admin', 'admin-a').vkey.split('+').slice(0, 2).join('+'))
    expect(keyIdentity({ ...key, keyId: 10 })).toBe(`${key.name}+0000000a`)
  })
})

describe('a charter is refused', () => {
  it('with a key that is none, or whose id is not its own', () => {
    expect(withKeys((key) => ({ ...key, vkey: key.vkey.slice(0, -4) }))).toBe('CHARTER_KEYS')
    expect(withKeys((key) => ({ ...key, vkey: key.vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+') }))).toBe(
      'CHARTER_KEYS',
    )
  })

  it('with one public key twice: for two owners, in two roles, under two names', () => {
    const [one] = good.keys.filter(isKey('admin', 'admin-a'))
    const publicKey = keyOf(one!.vkey).publicKey
    const also = (changes: Partial<CharterKey>) => code({ keys: [...good.keys, { ...one!, ...changes }] })
    expect(also({ owner: 'admin-z' })).toBe('CHARTER_KEYS')
    expect(also({ vkey: formatVkey(verifierKey('another', publicKey)) })).toBe('CHARTER_KEYS')
    const asWitness = formatVkey(verifierKey('another', publicKey, { cosignature: true }))
    expect(also({ vkey: asWitness, role: 'cosigner', owner: 'a' })).toBe('CHARTER_KEYS')
  })

  it('with a type of key that does not fit its role', () => {
    expect(withKeys((key) => (isKey('cosigner', 'a')(key) ? { ...key, vkey: vkey('a') } : key))).toBe('CHARTER_KEYS')
    const name = 'test.hutong.example/admin/x'
    const admin = { ...first('admin', 'admin-a'), vkey: vkey(name, 'Ed25519', true) }
    expect(code({ keys: [...good.keys, admin] })).toBe('CHARTER_KEYS')
  })

  it('with a log without a key of its deciding suite, or without one of Ed25519', () => {
    const log = isKey('log', 'a')
    const isSm2 = (key: CharterKey) => keyOf(key.vkey).type === 'sm2-sm3'
    expect(withKeys((key) => (log(key) && isSm2(key) ? undefined : key))).toBe('CHARTER_KEYS')
    expect(withKeys((key) => (log(key) && !isSm2(key) ? undefined : key))).toBe('CHARTER_KEYS')
  })

  it("with a log's key of another owner, or of no log", () => {
    expect(withKeys((key) => (isKey('log', 'a')(key) ? { ...key, owner: 'b' } : key))).toBe('CHARTER_KEYS')
    const stray = { ...first('log', 'a'), vkey: vkey('test.hutong.example/z/a/2') }
    expect(code({ keys: [...good.keys, stray] })).toBe('CHARTER_KEYS')
  })

  it('with a log twice, of no zone, of a name that is not its owner’s, or without one of the hub', () => {
    const [hub, a] = good.logs
    const logs = (...changed: Charter['logs']) => code({ logs: changed })
    expect(logs(...good.logs, a!)).toBe('CHARTER_LOGS')
    const epoch = { ...first('log', 'a'), vkey: vkey('test.hutong.example/z/a/2') }
    const twoEpochs = [...good.logs, { ...a!, origin: 'test.hutong.example/z/a/2', suite: 'Ed25519' as const }]
    expect(code({ logs: twoEpochs, keys: [...good.keys, epoch] })).toBe('CHARTER_LOGS')
    expect(logs(...good.logs, { ...a!, owner: 'nobody', origin: 'test.hutong.example/z/nobody/1' })).toBe(
      'CHARTER_LOGS',
    )
    for (const origin of ['z/a/0', 'z/a/01', 'z/a/', 'z/a/x', 'z/b/1', 'a/a/1', 'h/1', 'z/a/1/1']) {
      expect(logs(hub!, { ...a!, origin: `test.hutong.example/${origin}` })).toBe('CHARTER_LOGS')
    }
    expect(logs(hub!, { ...a!, origin: 'other.example/z/a/1' })).toBe('CHARTER_LOGS')
    const keys = good.keys.filter((key) => !isKey('log', 'hub')(key))
    expect(code({ logs: good.logs.slice(1), keys })).toBe('CHARTER_LOGS')
  })

  it('with a zone twice, or one called hub', () => {
    expect(code({ zones: [...good.zones, good.zones[0]!] })).toBe('CHARTER_ZONES')
    expect(code({ zones: [...good.zones, { ...good.zones[0]!, id: 'hub' }] })).toBe('CHARTER_ZONES')
  })

  it.each(['', 'A', '1a', 'a-b', 'a/b', 'a b', 'a\n', '北京', 'a'.repeat(33)])('with a zone whose id is %j', (id) => {
    expect(code({ zones: [...good.zones, { ...good.zones[0]!, id }] })).toBe('CHARTER_ZONES')
  })

  it.each(['e', 'e9', 'e'.repeat(32)])('but not for a zone whose id is %j', (id) => {
    expect(code({ zones: [...good.zones, { ...good.zones[0]!, id }] })).toBe('viewed')
  })

  it('with an alliance without a name, or one whose origins begin as our contexts do', () => {
    expect(code({ alliance: '' })).toBe('CHARTER_ALLIANCE')
    expect(code({ alliance: 'hutong/charter' })).toBe('CHARTER_ALLIANCE')
  })

  it('with a threshold that one admin with two keys would have to reach', () => {
    const second = { ...first('admin', 'admin-a'), vkey: vkey('test.hutong.example/admin/second') }
    expect(code({ keys: [...good.keys, second], adminThreshold: 4 })).toBe('CHARTER_ADMINS')
    expect(code({ keys: [...good.keys, { ...second, owner: 'admin-d' }], adminThreshold: 4 })).toBe('viewed')
  })

  it('with a threshold of admins that is 0 or more than there are', () => {
    expect([0, 1, 3, 4].map((adminThreshold) => code({ adminThreshold }))).toEqual([
      'CHARTER_ADMINS',
      'viewed',
      'viewed',
      'CHARTER_ADMINS',
    ])
  })

  it('with T1 above T2', () => {
    expect(code({ freshMs: 10, usableMs: 10 })).toBe('viewed')
    expect(code({ freshMs: 11, usableMs: 10 })).toBe('CHARTER_LIMITS')
  })

  const witnesses = ['a', 'b', 'c', 'd'].map((name) => ({ name, key: keyOf(first('cosigner', name).vkey) }))
  const policy = (threshold: number, members = witnesses) =>
    code({ witnessPolicy: formatPolicy([], members, threshold) })

  it('with a quorum that two halves of the witnesses could reach', () => {
    expect([1, 2, 3, 4].map((threshold) => policy(threshold))).toEqual([
      'CHARTER_POLICY',
      'CHARTER_POLICY',
      'viewed',
      'viewed',
    ])
    expect(policy(1, witnesses.slice(0, 1))).toBe('viewed')
    expect(policy(1, witnesses.slice(0, 2))).toBe('CHARTER_POLICY')
    expect(policy(0)).toBe('viewed')
  })

  it('with a witness that is no cosigner of it, a policy of groups in groups, and no policy', () => {
    const stranger = { name: 'x', key: keyOf(vkey('x', 'Ed25519', true)) }
    expect(policy(3, [...witnesses.slice(1), stranger])).toBe('CHARTER_POLICY')
    const lines = witnesses.map(({ name, key }) => `witness ${name} ${formatVkey(key)}\n`).join('')
    const nested = `${lines}group inner 2 a b c\ngroup outer 2 inner d\nquorum outer\n`
    expect(code({ witnessPolicy: nested })).toBe('CHARTER_POLICY')
    expect(code({ witnessPolicy: '' })).toBe('CHARTER_POLICY')
    expect(code({ witnessPolicy: `${lines}quorum a\n` })).toBe('viewed')
  })

  it('where two keys of one zone would be a quorum of two zones', () => {
    const second = { ...first('cosigner', 'a'), vkey: vkey('second', 'Ed25519', true) }
    const members = [...witnesses.slice(0, 2), { name: 'second', key: keyOf(second.vkey) }]
    const of = (threshold: number) =>
      code({ keys: [...good.keys, second], witnessPolicy: formatPolicy([], members, threshold) })
    expect([of(2), of(3)]).toEqual(['viewed', 'CHARTER_POLICY'])
  })
})
