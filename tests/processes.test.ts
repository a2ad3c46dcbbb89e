import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CharterDraft, firstCharter, firstOrigin } from '@hutong/cli'
import { formatVkey, verifierKey } from '@hutong/merkle'
import { createPublisherClient } from '@hutong/sdk'
import { generateKey, type Suite, sha256 } from '@hutong/signing'
import { World } from '@hutong/verify/world'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Processes } from './bench/processes.ts'

// Each service as its operator starts it: through its main.ts, told everything by its environment.

const zone = 'beijing'
const alliance = 'processes.hutong.example'
const cosignerName = `${alliance}/w/${zone}`
/** Until all four have found each other, on a machine under load. */
const startLimitMs = 30_000

describe('hub, publisher, verifier and counter as four processes', () => {
  let folder: string
  const processes = new Processes()
  const world = new World({ zones: [zone] })
  const tokens = { publisher: token(), verifier: token(), counter: token(), clerk: token(), system: token() }
  const ports = { log: 0, publisher: 0, verifier: 0, counter: 0 }
  const httpPorts = { publisher: 0, verifier: 0 }
  const started = new Map<string, ChildProcess>()

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'processes-'))
    for (const service of Object.keys(ports) as (keyof typeof ports)[]) ports[service] = await freePort()
    for (const service of ['publisher', 'verifier'] as const) httpPorts[service] = await freePort()
    const files = writeFiles()
    const start = (service: keyof typeof ports, env: Readonly<Record<string, string>>) =>
      started.set(service, processes.start(`services/${service}/src/main.ts`, [], env))
    start('log', {
      HUTONG_LOG_DATA: files.hubData,
      HUTONG_LOG_CHARTER: files.charter,
      HUTONG_LOG_KEYS: files.hubKeys.join(),
      HUTONG_LOG_TOKENS: files.hubTokens,
      HUTONG_LOG_PORT: String(ports.log),
    })
    const zoneEnv = (service: keyof typeof ports) => ({
      HUTONG_ZONE: zone,
      HUTONG_PORT: String(ports[service]),
      HUTONG_STORE: join(folder, `${service}.sqlite`),
    })
    start('publisher', {
      ...zoneEnv('publisher'),
      HUTONG_HTTP_PORT: String(httpPorts.publisher),
      HUTONG_CHARTER: files.charter,
      HUTONG_KEYS: files.zoneKeys.join(),
      HUTONG_HUB: `127.0.0.1:${ports.log}`,
      HUTONG_VERIFIER: `127.0.0.1:${ports.verifier}`,
      HUTONG_PEER_TOKEN: tokens.publisher,
      HUTONG_CLIENTS: `system=${tokens.system}=all,verifier=${tokens.verifier}=all`,
    })
    start('verifier', {
      ...zoneEnv('verifier'),
      HUTONG_HTTP_PORT: String(httpPorts.verifier),
      HUTONG_CHARTER_SHA256: files.charterSha256,
      HUTONG_HUB: `127.0.0.1:${ports.log}`,
      HUTONG_HUB_TOKEN: tokens.verifier,
      HUTONG_PUBLISHER: `127.0.0.1:${ports.publisher}`,
      HUTONG_PUBLISHER_TOKEN: tokens.verifier,
      HUTONG_COSIGNER_NAME: cosignerName,
      HUTONG_COSIGNER_KEY: files.cosignerKey,
      HUTONG_CALLERS: files.verifierCallers,
    })
    start('counter', {
      ...zoneEnv('counter'),
      HUTONG_VERIFIER: `127.0.0.1:${ports.verifier}`,
      HUTONG_VERIFIER_TOKEN: tokens.counter,
      HUTONG_CALLERS: files.counterCallers,
    })
  })
  afterAll(async () => {
    await processes[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  it('a licence is published, and is VALID at the counter of its zone for who has a token', async () => {
    const licence = world.licence(zone, '0001')
    using client = createPublisherClient(`127.0.0.1:${ports.publisher}`, { token: tokens.system, zone })
    await until('a published licence', async () => {
      const [outcome] = await client.publish([{ requestId: 'processes-1', event: licence }], { waitFor: 'witnessed' })
      return outcome?.kind !== 'refused' && outcome?.stage === 'witnessed'
    })
    const { findings: answer } = await until('a verdict', async () => {
      const asked = await ask(licence.identifier, tokens.clerk)
      return asked.status === 200 && asked.body.findings.word === 'VALID' ? asked.body : undefined
    })
    expect(answer).toMatchObject({ word: 'VALID', issuingZone: zone, receivingZone: zone })
    expect(answer.findings).toContainEqual(expect.objectContaining({ check: 'RECOGNITION', code: 'OWN_ZONE' }))
    expect((await ask(licence.identifier, token())).status).toBe(403)
  })

  it('publisher and verifier answer by HTTP where a port was opened for it', async () => {
    const asked = [
      ['publisher', tokens.system],
      ['verifier', tokens.counter],
    ] as const
    for (const [service, bearer] of asked) {
      const url = `http://127.0.0.1:${httpPorts[service]}/z/${zone}/v1/${service}/status`
      const answer = await fetch(url, { headers: { authorization: `Bearer ${bearer}` } })
      expect([answer.status, await answer.json()]).toMatchObject([200, { zone }])
      expect((await fetch(url)).status).toBe(401)
    }
  })

  it.each(['counter', 'verifier', 'publisher', 'log'])('SIGTERM ends the %s with exit code 0', async (service) => {
    const child = started.get(service)!
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  async function ask(identifier: string, bearer: string): Promise<{ status: number; body: VerdictJson }> {
    const response = await fetch(`http://127.0.0.1:${ports.counter}/z/${zone}/v1/verdicts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ identifier, matter: 'M-001' }),
    })
    return { status: response.status, body: (await response.json()) as VerdictJson }
  }

  /** Keys, a charter in which one zone witnesses itself, and who may call whom. */
  function writeFiles() {
    const keys: CharterDraft['keys'][number][] = []
    const make = (name: string, role: 'log' | 'admin' | 'cosigner', owner: string, suite: Suite): string => {
      const { privateKeyPem, publicKey } = generateKey(suite)
      keys.push({ vkey: formatVkey(verifierKey(name, publicKey, { cosignature: role === 'cosigner' })), role, owner })
      return write(`${owner}-${role}-${suite}.pem`, privateKeyPem)
    }
    const logKeys = (owner: string) =>
      (['SM2-SM3', 'Ed25519'] as const).map((suite) => make(firstOrigin(alliance, owner), 'log', owner, suite))
    const [hubKeys, zoneKeys] = [logKeys('hub'), logKeys(zone)]
    const cosignerKey = make(cosignerName, 'cosigner', zone, 'Ed25519')
    make(`${alliance}/admin`, 'admin', 'admin', 'Ed25519')
    const logs: CharterDraft['logs'] = ['hub', zone].map((owner) => ({ owner, suite: 'SM2-SM3' }))
    const { bytes } = firstCharter({ ...world.charter, alliance, logs, keys, quorum: 1, adminThreshold: 1 })
    const hubData = join(folder, 'hub')
    mkdirSync(hubData)
    const caller = (role: 'publisher' | 'verifier' | 'counter', of: string = tokens[role]) => ({
      token: of,
      zone,
      role,
    })
    const hubTokens = Object.fromEntries(
      (['publisher', 'verifier'] as const).map((role) => [tokens[role], { zone, role }]),
    )
    return {
      hubKeys,
      zoneKeys,
      cosignerKey,
      hubData,
      charter: write('charter-0.bin', bytes),
      charterSha256: Buffer.from(sha256(bytes)).toString('hex'),
      hubTokens: write('hub-tokens.json', JSON.stringify(hubTokens)),
      verifierCallers: write('verifier-callers.json', JSON.stringify([caller('publisher'), caller('counter')])),
      counterCallers: write('counter-callers.json', JSON.stringify([caller('counter', tokens.clerk)])),
    }
  }

  function write(name: string, content: string | Uint8Array): string {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
})

interface VerdictJson {
  readonly findings: { readonly word: string; readonly findings: readonly { readonly check: string }[] }
}

function token(): string {
  return randomBytes(32).toString('hex')
}

/** Asks again until there is something; what fails meanwhile is only told when time is up. */
async function until<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const limitMs = performance.now() + startLimitMs
  let failure: unknown
  while (performance.now() < limitMs) {
    const found = await look().catch((error: unknown) => {
      failure = error
      return undefined
    })
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no ${what} within ${startLimitMs} ms`, { cause: failure })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
