import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVerifierClient } from '@hutong/sdk'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CliRun, runCli, runHere } from '../packages/cli/src/run-cli.ts'
import { announcement, commands } from './announcement.ts'
import { demonstrationLicences, demonstrationMatters, undeclaredType } from './demonstration.ts'
import { publishFirstEvents } from './first-events.ts'
import { type RunningBox, startBox } from './local.ts'
import { whenReady } from './ready.ts'

// One alliance in this process, driven by the command line as a person would.

const startLimitMs = 60_000
const caseLimitMs = 60_000

let dataDir: string
let box: RunningBox

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'hutong-box-'))
  box = await startReady()
}, startLimitMs)

afterAll(async () => {
  await box?.[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}, startLimitMs)

async function startReady(): Promise<RunningBox> {
  const started = await startBox({ dataDir, port: 0 })
  const signal = AbortSignal.timeout(startLimitMs)
  await publishFirstEvents(started, signal)
  await whenReady(started, signal)
  return started
}

/** Here, where a process for every command would take most of the time; what is pasted below has one of its own. */
function hutong(line: string): Promise<CliRun> {
  return runHere([...line.split(' '), '--data', dataDir])
}

const licenceOf = (zone: string, type: string, isCurrent = true) =>
  demonstrationLicences(zone).find(
    ({ licenceType, validUntil }) =>
      licenceType === type && isCurrent === (validUntil === '' || validUntil > '2026-12-31'),
  )!.identifier
const matterOf = (type: string) => demonstrationMatters().find(({ materials }) => materials.includes(type))!.code

const safety = '11100000000013338W011'

async function word(line: string): Promise<{ exitCode: number; word: string; code: string }> {
  const { exitCode, stdout, stderr } = await hutong(`${line} --json`)
  const answer = JSON.parse(stdout) as { findings?: { word: string; code: string }; error?: { code: string } }
  if (answer.findings === undefined) return { exitCode, word: '', code: answer.error?.code ?? stderr }
  return { exitCode, word: answer.findings.word, code: answer.findings.code }
}

describe('a box', { timeout: caseLimitMs }, () => {
  it('says ready, where to look, and three commands that work when pasted', async () => {
    const lines = announcement(box, '').split('\n')
    expect(lines[0]).toMatch(/^ready/)
    for (const zone of box.zones) expect(lines.some((line) => line.includes(`/z/${zone}/`))).toBe(true)
    const [verify, revoke, stop] = commands(box)
    for (const pasted of [verify, revoke, stop]) {
      expect((await runCli([...pasted.split(' '), '--data', dataDir])).exitCode).toBe(0)
    }
    expect((await hutong('dev start hub')).exitCode).toBe(0)
  })

  it('keeps its tokens where its owner alone can read them', () => {
    const path = join(dataDir, 'box.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, grpc: box.grpcAddress })
  })

  it('answers each of the four words', async () => {
    const beijing = `--at-zone tianjin --matter ${matterOf(safety)}`
    expect(await word(`licence verify ${licenceOf('beijing', safety)} ${beijing}`)).toMatchObject({
      exitCode: 0,
      word: 'VALID',
    })
    expect(await word(`licence verify ${licenceOf('beijing', safety, false)} ${beijing}`)).toMatchObject({
      exitCode: 1,
      word: 'INVALID',
      code: 'EXPIRED',
    })
    expect(await word(`licence verify ${licenceOf('beijing', undeclaredType)} ${beijing}`)).toMatchObject({
      exitCode: 1,
      word: 'NOT_RECOGNISED',
      code: 'NOT_DECLARED',
    })
    // Well-formed, of a known authority, and never issued; its check character made by the domain's rule.
    const invented = '1.2.156.3005.2.11100000000013338W011.11110115010000001Q.NEVER0001.001.'
    const check = checkCharacter(invented)
    expect(await word(`licence verify ${invented}${check} ${beijing}`)).toMatchObject({
      exitCode: 5,
      word: 'UNDETERMINED',
      code: 'NOT_IN_LOG',
    })
    expect((await word(`licence verify ${invented}${check === 'A' ? 'B' : 'A'} ${beijing}`)).exitCode).toBe(2)
  })

  it('tells a wrong holder, a suspension and its end at every zone', async () => {
    const id = licenceOf('langfang', safety)
    const ask = (zone: string, more = '') =>
      word(`licence verify ${id} --at-zone ${zone} --matter ${matterOf(safety)}${more}`)
    expect(await ask('tianjin', ' --holder 110000')).toMatchObject({
      exitCode: 1,
      word: 'INVALID',
      code: 'HOLDER_DIFFERS',
    })
    expect((await hutong(`licence suspend ${id} --reason 复核`)).exitCode).toBe(0)
    for (const zone of box.zones) expect(await ask(zone)).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    expect((await hutong(`licence suspend ${id}`)).exitCode).toBe(1)
    expect((await hutong(`licence resume ${id}`)).exitCode).toBe(0)
    for (const zone of box.zones) expect(await ask(zone)).toMatchObject({ word: 'VALID' })
    const shown = await hutong(`licence show ${id} --at-zone beijing --json`)
    expect(JSON.parse(shown.stdout).events.map(({ kind }: { kind: string }) => kind)).toEqual([
      'licence_issued',
      'licence_suspended',
      'licence_resumed',
    ])
  })

  it('seals and says so with 6 while the hub is away, and heals by itself', async () => {
    const id = licenceOf('tianjin', safety)
    await box.stop('hub')
    expect(await box.status()).toMatchObject({ parts: [{ name: 'hub', running: false }, {}, {}, {}] })
    const { exitCode, stdout } = await hutong(`licence suspend ${id}`)
    expect(exitCode).toBe(6)
    expect(stdout).toContain('SEALED')
    expect((await hutong(`licence resume ${id} --wait sealed`)).exitCode).toBe(0)
    expect((await hutong(`licence suspend ${id} --wait sealed`)).exitCode).toBe(0)
    await box.start('hub')
    await vi.waitFor(async () => {
      const asked = await word(`licence verify ${id} --at-zone beijing --matter ${matterOf(safety)}`)
      expect(asked).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    }, 20_000)
  })

  it('answers 6 for a zone that is stopped, and goes on with it after', async () => {
    await box.stop('langfang')
    const id = licenceOf('beijing', safety)
    const line = `licence verify ${id} --at-zone langfang --matter ${matterOf(safety)}`
    expect((await word(line)).exitCode).toBe(6)
    expect((await hutong('dev status')).exitCode).toBe(1)
    await box.start('langfang')
    await vi.waitFor(async () => expect(await word(line)).toMatchObject({ exitCode: 0, word: 'VALID' }), 20_000)
  })

  it('is replayed by an auditor who comes to the same state as every zone', async () => {
    await vi.waitFor(async () => {
      const { exitCode, stdout } = await hutong('audit replay --json')
      expect(exitCode).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ outcome: 'agrees', verifiers: box.zones.map((zone) => ({ zone })) })
    }, 20_000)
  })

  it('lets nobody in without a token, and no zone into another', async () => {
    using stranger = createVerifierClient(box.grpcAddress, { zone: 'beijing' })
    using neighbour = createVerifierClient(box.grpcAddress, {
      zone: 'beijing',
      token: box.tokens.of('tianjin', 'client'),
    })
    await expect(stranger.status()).rejects.toMatchObject({ code: 'NOT_IDENTIFIED' })
    await expect(neighbour.status()).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
    const response = await fetch(`http://${box.httpAddress}/box/v1/stop`, { method: 'POST', body: '{}' })
    expect(response.status).toBeGreaterThanOrEqual(400)
  })

  it('refuses a host that others could reach', async () => {
    await expect(startBox({ dataDir: join(dataDir, 'other'), host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'NOT_LOOPBACK',
    })
  })

  it('goes on where it was after it was stopped', async () => {
    const id = licenceOf('beijing', undeclaredType)
    expect((await hutong(`licence revoke ${id} --manner penalty`)).exitCode).toBe(0)
    await box[Symbol.asyncDispose]()
    expect(existsSync(join(dataDir, 'box.json'))).toBe(false)
    box = await startReady()
    const asked = await word(`licence verify ${id} --at-zone beijing --matter ${matterOf(safety)}`)
    expect(asked).toMatchObject({ exitCode: 1, word: 'INVALID', code: 'REVOKED' })
    expect((await hutong('verdict show beijing-1')).exitCode).toBeLessThan(6)
  })
})

// ISO 7064 MOD 37,36 over the parts without their dots, as the domain writes it down.
function checkCharacter(identifier: string): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  const characters = identifier.slice('1.2.156.3005.2.'.length).replaceAll('.', '')
  let product = 36
  for (const character of characters) {
    product = (product + alphabet.indexOf(character)) % 36 || 36
    product = (product * 2) % 37
  }
  return alphabet[(37 - product) % 36]!
}
