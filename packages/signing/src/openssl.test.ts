import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { generateKey, publicKeyFromPem, SUITES, type Suite, signerFromPem, verifySignature } from './index.ts'

const MESSAGE = new TextEncoder().encode('jjj.hutong.example/z/beijing/1\n256\n测试\n')
const OPENSSL_MISSING = 'OpenSSL cross-check: the command openssl is not on this machine, or does not know SM2'
const folder = mkdtempSync(join(tmpdir(), 'hutong-signing-'))
const opensslPresent = openssl('ecparam', '-name', 'SM2', '-noout').status === 0

afterAll(() => rmSync(folder, { recursive: true }))

describe.each(SUITES)('the OpenSSL command line: %s', (suite) => {
  it('takes our signature under our key, and not over another message', (ctx) => {
    if (!opensslPresent) return ctx.skip(OPENSSL_MISSING)
    const { privateKeyPem } = generateKey(suite)
    const key = file('ours.pem', privateKeyPem)
    const publicKey = file('ours.pub', openssl('pkey', '-in', key, '-pubout').stdout)
    const message = file('message', MESSAGE)
    const other = file('other', MESSAGE.subarray(1))
    const signature = file('signature', signerFromPem(privateKeyPem).sign(MESSAGE))
    expect(opensslVerifies(suite, publicKey, message, signature)).toBe(true)
    expect(opensslVerifies(suite, publicKey, other, signature)).toBe(false)
  })

  it('makes a key we read and a signature we take, and not over another message', (ctx) => {
    if (!opensslPresent) return ctx.skip(OPENSSL_MISSING)
    const key = join(folder, 'theirs.pem')
    openssl('genpkey', ...KEY_OPTIONS[suite], '-out', key)
    const publicKey = publicKeyFromPem(openssl('pkey', '-in', key, '-pubout').stdout.toString())!
    const signature = opensslSigns(suite, key, file('message', MESSAGE))
    expect(publicKey.suite).toBe(suite)
    expect(signerFromPem(readFileSync(key, 'utf8')).publicKey).toEqual(publicKey)
    expect(verifySignature(publicKey, MESSAGE, signature)).toBe(true)
    expect(verifySignature(publicKey, MESSAGE.subarray(1), signature)).toBe(false)
  })
})

describe('the OpenSSL command line with another SM2 id', () => {
  it('agrees that the id is part of what is signed', (ctx) => {
    if (!opensslPresent) return ctx.skip(OPENSSL_MISSING)
    const { privateKeyPem, publicKey } = generateKey('SM2-SM3')
    const key = file('ours.pem', privateKeyPem)
    const message = file('message', MESSAGE)
    const signature = openssl('dgst', '-sm3', '-sign', key, '-sigopt', 'distid:ALICE123@YAHOO.COM', message).stdout
    const id = new TextEncoder().encode('ALICE123@YAHOO.COM')
    expect(verifySignature(publicKey, MESSAGE, signature, { id })).toBe(true)
    expect(verifySignature(publicKey, MESSAGE, signature)).toBe(false)
  })
})

const KEY_OPTIONS: Readonly<Record<Suite, readonly string[]>> = {
  'SM2-SM3': ['-algorithm', 'SM2'],
  'ECDSA-P256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:named_curve'],
  Ed25519: ['-algorithm', 'ED25519'],
}

const DIGEST_OPTIONS = {
  'SM2-SM3': ['-sm3', '-sigopt', 'distid:1234567812345678'],
  'ECDSA-P256': ['-sha256'],
} as const

function opensslVerifies(suite: Suite, publicKey: string, message: string, signature: string): boolean {
  const { status } =
    suite === 'Ed25519'
      ? openssl('pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', publicKey, '-in', message, '-sigfile', signature)
      : openssl('dgst', ...DIGEST_OPTIONS[suite], '-verify', publicKey, '-signature', signature, message)
  return status === 0
}

function opensslSigns(suite: Suite, key: string, message: string): Uint8Array {
  return suite === 'Ed25519'
    ? openssl('pkeyutl', '-sign', '-rawin', '-inkey', key, '-in', message).stdout
    : openssl('dgst', ...DIGEST_OPTIONS[suite], '-sign', key, message).stdout
}

function openssl(...args: readonly string[]): { status: number | null; stdout: Buffer } {
  return spawnSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
}

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}
