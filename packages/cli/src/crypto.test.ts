import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, runHere } from './run-cli.ts'

// Keys and signatures are OpenSSL's. One case of each answer goes the whole way through a process of its own.

const missing = 'hutong crypto verify against OpenSSL: the command openssl is not on this machine, or does not know SM2'
const isPresent = spawnSync('openssl', ['ecparam', '-name', 'SM2', '-noout']).status === 0
const standardId = 'distid:1234567812345678'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-cli-crypto-'))
  writeFileSync(join(folder, 'message'), '互认\n')
  writeFileSync(join(folder, 'other'), '互认。\n')
  if (!isPresent) return
  makeKey('sm2', '-algorithm', 'SM2')
  makeKey('p256', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
  makeKey('ed25519', '-algorithm', 'ED25519')
  openssl('dgst', '-sm3', '-sign', 'sm2.key', '-sigopt', standardId, '-out', 'sm2.sig', 'message')
  openssl('dgst', '-sm3', '-sign', 'sm2.key', '-sigopt', 'distid:ALICE', '-out', 'alice.sig', 'message')
  openssl('dgst', '-sha256', '-sign', 'p256.key', '-out', 'p256.sig', 'message')
  openssl('pkeyutl', '-sign', '-inkey', 'ed25519.key', '-rawin', '-in', 'message', '-out', 'ed25519.sig')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function makeKey(name: string, ...options: readonly string[]): void {
  openssl('genpkey', ...options, '-out', `${name}.key`)
  openssl('pkey', '-in', `${name}.key`, '-pubout', '-out', `${name}.pem`)
  openssl('pkey', '-in', `${name}.key`, '-pubout', '-outform', 'DER', '-out', `${name}.der`)
}

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
}

function commandLine(suite: string, key: string, message: string, signature: string, id?: string): string[] {
  const files = { '--key': key, '--message': message, '--signature': signature }
  const paths = Object.entries(files).flatMap(([option, name]) => [option, join(folder, name)])
  return ['crypto', 'verify', '--suite', suite, ...paths, ...(id === undefined ? [] : ['--id', id])]
}

const alice = Buffer.from('ALICE').toString('hex')

describe('hutong crypto verify', () => {
  it.for([
    ['SM2-SM3', 'sm2.pem', 'sm2.sig', undefined],
    ['SM2-SM3', 'sm2.der', 'sm2.sig', Buffer.from('1234567812345678').toString('hex')],
    ['SM2-SM3', 'sm2.pem', 'alice.sig', alice],
    ['ECDSA-P256', 'p256.pem', 'p256.sig', undefined],
    ['Ed25519', 'ed25519.der', 'ed25519.sig', undefined],
  ] as const)('answers 0 to what OpenSSL has signed: %s under %s', async ([suite, key, signature, id], ctx) => {
    if (!isPresent) return ctx.skip(missing)
    expect((await runHere(commandLine(suite, key, 'message', signature, id))).exitCode).toBe(0)
  })

  it.for([
    ['another message', 'SM2-SM3', 'sm2.pem', 'other', 'sm2.sig', undefined],
    ['a signature of another suite', 'SM2-SM3', 'sm2.pem', 'message', 'ed25519.sig', undefined],
    ['a key of another suite', 'SM2-SM3', 'p256.pem', 'message', 'p256.sig', undefined],
    ['a signature under another id', 'SM2-SM3', 'sm2.pem', 'message', 'alice.sig', undefined],
    ['an empty id where the standard one signed', 'SM2-SM3', 'sm2.pem', 'message', 'sm2.sig', ''],
    ['another message under P-256', 'ECDSA-P256', 'p256.pem', 'other', 'p256.sig', undefined],
    ['another message under Ed25519', 'Ed25519', 'ed25519.pem', 'other', 'ed25519.sig', undefined],
    ['a private key in place of a public one', 'SM2-SM3', 'sm2.key', 'message', 'sm2.sig', undefined],
  ] as const)('answers 1 to %s', async ([, suite, key, message, signature, id], ctx) => {
    if (!isPresent) return ctx.skip(missing)
    expect((await runHere(commandLine(suite, key, message, signature, id))).exitCode).toBe(1)
  })

  it('says so in words and in JSON, in a process of its own', async (ctx) => {
    if (!isPresent) return ctx.skip(missing)
    const good = await runCli(commandLine('SM2-SM3', 'sm2.pem', 'message', 'sm2.sig'))
    const bad = await runCli([...commandLine('SM2-SM3', 'sm2.pem', 'other', 'sm2.sig'), '--json'])
    expect(good).toEqual({ exitCode: 0, stdout: 'SIGNATURE_HOLDS\n', stderr: '' })
    expect(bad.exitCode).toBe(1)
    expect(JSON.parse(bad.stdout)).toEqual({ holds: false, code: 'SIGNATURE_FAILS', suite: 'SM2-SM3' })
  })

  it.each([
    ['an unknown suite', ['RSA', 'message', 'message', 'message']],
    ['a file that is not there', ['SM2-SM3', 'nothing', 'message', 'message']],
    ['an id for a suite that has none', ['Ed25519', 'message', 'message', 'message', '00']],
    ['an id that is not hex', ['SM2-SM3', 'message', 'message', 'message', '0g']],
  ] as const)('answers 2 to %s', async (_what, [suite, key, message, signature, id]) => {
    expect((await runHere(commandLine(suite, key, message, signature, id))).exitCode).toBe(2)
  })
})
