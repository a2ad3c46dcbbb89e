import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '@hutong/signing'
import { viewCharter } from '@hutong/verify'
import { charterFromBytes } from '@hutong/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runHere } from './run-cli.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-cli-charter-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const alliance = 'jjj.hutong.example'

async function vkey(name: string, suite: string, ...more: string[]): Promise<string> {
  const out = join(folder, `${name.replaceAll('/', '-')}-${suite}.pem`)
  const { exitCode, stdout } = await runHere([
    'keys',
    'generate',
    '--suite',
    suite,
    '--name',
    name,
    '--out',
    out,
    ...more,
  ])
  expect(exitCode).toBe(0)
  return stdout.trim()
}

async function draft(): Promise<Record<string, unknown>> {
  const keys = []
  for (const [owner, origin] of [
    ['hub', `${alliance}/h/1`],
    ['beijing', `${alliance}/z/beijing/1`],
  ] as const) {
    for (const suite of ['SM2-SM3', 'Ed25519']) keys.push({ vkey: await vkey(origin, suite), role: 'log', owner })
  }
  const witness = await vkey(`${alliance}/w/beijing`, 'Ed25519', '--cosigner')
  keys.push({ vkey: witness, role: 'cosigner', owner: 'beijing' })
  keys.push({ vkey: await vkey(`${alliance}/a/one`, 'SM2-SM3'), role: 'admin', owner: 'one' })
  return {
    alliance,
    nameZh: '联盟',
    nameEn: 'alliance',
    demonstration: true,
    zones: [
      {
        id: 'beijing',
        nameZh: '北京',
        nameEn: 'Beijing',
        region: '110115',
        certificateAuthorities: [],
        authorities: [
          { code: '11110000000021135M', nameZh: '机构', nameEn: 'authority', licenceTypes: ['11100000000013338W011'] },
        ],
      },
    ],
    logs: [
      { owner: 'hub', suite: 'SM2-SM3' },
      { owner: 'beijing', suite: 'SM2-SM3' },
    ],
    keys,
    auditors: [],
    adminThreshold: 1,
    heartbeatMs: 15_000,
    maxClockOffsetMs: 60_000,
    freshMs: 30_000,
    usableMs: 120_000,
    declarationLeadMs: 0,
    declarationMinimumMs: 0,
  }
}

async function made(change: (draft: Record<string, unknown>) => void) {
  const one = await draft()
  change(one)
  writeFileSync(join(folder, 'draft.json'), JSON.stringify(one))
  const out = join(folder, 'charter-0.bin')
  return { out, ...(await runHere(['charter', 'new', join(folder, 'draft.json'), '--out', out])) }
}

describe('hutong keys generate', () => {
  it('writes a private key that its owner alone can read, and never over another one', async () => {
    await vkey('name', 'SM2-SM3')
    const file = join(folder, 'name-SM2-SM3.pem')
    const before = readFileSync(file, 'utf8')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(before).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    const again = await runHere(['keys', 'generate', '--suite', 'SM2-SM3', '--name', 'name', '--out', file])
    expect(again.exitCode).toBe(7)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it.each([
    ['a cosigner of another suite', ['--suite', 'SM2-SM3', '--name', 'n', '--cosigner']],
    ['a name with a blank', ['--suite', 'Ed25519', '--name', 'a b']],
    ['an unknown suite', ['--suite', 'RSA', '--name', 'n']],
  ])('answers 2 to %s and writes nothing', async (_what, args) => {
    const out = join(folder, 'never.pem')
    expect((await runHere(['keys', 'generate', ...args, '--out', out])).exitCode).toBe(2)
    expect(existsSync(out)).toBe(false)
  })
})

describe('hutong charter', () => {
  it('makes a charter 0 that stands, and prints the hash that everybody pins', async () => {
    const { exitCode, stdout, out } = await made(() => {})
    const bytes = readFileSync(out)
    const reading = charterFromBytes(bytes)
    expect(exitCode).toBe(0)
    expect(stdout).toBe(`sha256 ${Buffer.from(sha256(bytes)).toString('hex')}\n`)
    expect(reading.kind === 'charter' && viewCharter(reading.charter)).toMatchObject({ quorum: 1 })
    const shown = await runHere(['charter', 'show', out, '--json'])
    expect(JSON.parse(shown.stdout)).toMatchObject({ stands: true, charter: { alliance, number: 0 } })
  })

  it.each([
    ['a member that no draft has', (one: Record<string, unknown>) => Object.assign(one, { heartbeat: 15_000 })],
    ['a limit left out', (one: Record<string, unknown>) => delete one.usableMs],
    ['T1 above T2', (one: Record<string, unknown>) => Object.assign(one, { freshMs: 120_001 })],
    ['a log without its Ed25519 key', (one: Record<string, unknown>) => (one.keys as unknown[]).splice(1, 1)],
    [
      'more admins asked for than there are',
      (one: Record<string, unknown>) => Object.assign(one, { adminThreshold: 2 }),
    ],
    [
      'one key in two roles',
      (one: Record<string, unknown>) => (one.keys as unknown[]).push((one.keys as unknown[])[0]),
    ],
  ])('makes none of %s', async (_what, change) => {
    const { exitCode, out } = await made(change)
    expect(exitCode).toBe(2)
    expect(existsSync(out)).toBe(false)
  })

  it('shows no bytes that are no charter', async () => {
    writeFileSync(join(folder, 'noise'), 'noise')
    expect((await runHere(['charter', 'show', join(folder, 'noise')])).exitCode).toBe(2)
  })
})
