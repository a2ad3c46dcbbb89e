import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CharterDraft, firstCharter, firstOrigin } from '@hutong/cli'
import { formatVkey, verifierKey } from '@hutong/merkle'
import { createPublisherClient, type PublisherClient, type ToPublish } from '@hutong/sdk'
import { generateKey, type Suite } from '@hutong/signing'
import { World } from '@hutong/verify/world'
import type { Line } from './measure.ts'

const askedPerSecond = 10_000
const eventsInAll = 24 * 1024
const eventsForWarmUp = 8 * 1024
const eventsPerRequest = 256
const zone = 'beijing'
const alliance = 'bench.hutong.example'
const startLimitMs = 20_000

/**
 * Events through `PublishStream` to SEQUENCED: hub and publisher are processes of their own, each with its store on disk, and this process
 * is the zone's system. The charter asks for no quorum.
 */
export async function benchPublishing(): Promise<readonly Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-bench-'))
  const children: ChildProcess[] = []
  try {
    const { hub, publisher, client } = await startTwoProcesses(folder, children)
    const world = new World({ zones: [zone] })
    await publishAll(client, world, 0, eventsForWarmUp)
    const before = [hub, publisher].map(cpuMicroseconds)
    const started = performance.now()
    await publishAll(client, world, eventsForWarmUp, eventsInAll)
    const seconds = (performance.now() - started) / 1000
    const [hubCost, publisherCost] = [hub, publisher].map(
      (child, at) => (cpuMicroseconds(child) - before[at]!) / eventsInAll,
    )
    client[Symbol.dispose]()
    const perSecond = eventsInAll / seconds
    return [
      {
        what: 'publish to SEQUENCED, hub and publisher as processes',
        figure: `${Math.round(perSecond).toLocaleString('en')} events/s`,
        floor: `${askedPerSecond.toLocaleString('en')} events/s`,
        ratio: perSecond / askedPerSecond,
        asked: '1',
        met: perSecond >= askedPerSecond,
      },
      cost('the publisher for one event', publisherCost!),
      cost('the hub for one event', hubCost!),
    ]
  } finally {
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))))
    rmSync(folder, { recursive: true, force: true })
  }
}

function cost(what: string, microseconds: number): Line {
  return { what, figure: `${microseconds.toFixed(1)} µs of CPU`, floor: '', ratio: Number.NaN, asked: '', met: true }
}

async function publishAll(client: PublisherClient, world: World, from: number, count: number): Promise<void> {
  const lists = function* (): Generator<readonly ToPublish[]> {
    for (let first = from; first < from + count; first += eventsPerRequest) {
      yield Array.from({ length: eventsPerRequest }, (_, at) => ({
        requestId: `bench-${first + at}`,
        event: world.licence(zone, String(first + at + 1)),
      }))
    }
  }
  let published = 0
  for await (const outcomes of client.publishStream(lists(), { waitFor: 'sequenced', deadlineMs: 600_000 })) {
    for (const outcome of outcomes) {
      if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code} ${outcome.refusal.field}`)
      if (outcome.position === undefined) throw new Error(`not sequenced: ${outcome.stage}`)
      published++
    }
  }
  if (published !== count) throw new Error(`${published} of ${count} events were published`)
}

async function startTwoProcesses(folder: string, children: ChildProcess[]) {
  const world = new World({ zones: [zone] })
  const keys: CharterDraft['keys'][number][] = []
  const make = (name: string, role: 'log' | 'admin' | 'cosigner', owner: string, suite: Suite): string => {
    const { privateKeyPem, publicKey } = generateKey(suite)
    keys.push({ vkey: formatVkey(verifierKey(name, publicKey, { cosignature: role === 'cosigner' })), role, owner })
    const path = join(folder, `${owner}-${role}-${suite}.pem`)
    writeFileSync(path, privateKeyPem, { mode: 0o600 })
    return path
  }
  const keysOf = (owner: string) =>
    (['SM2-SM3', 'Ed25519'] as const).map((suite) => make(firstOrigin(alliance, owner), 'log', owner, suite))
  const hubKeys = keysOf('hub')
  const zoneKeys = keysOf(zone)
  make(`${alliance}/admin`, 'admin', 'admin', 'Ed25519')
  const { charter } = world
  const { bytes } = firstCharter({
    ...charter,
    alliance,
    logs: ['hub', zone].map((owner) => ({ owner, suite: 'SM2-SM3' })),
    keys,
    quorum: 0,
    adminThreshold: 1,
  })
  const charterFile = join(folder, 'charter-0.bin')
  writeFileSync(charterFile, bytes)
  const [hubToken, clientToken] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
  const tokensFile = join(folder, 'tokens.json')
  writeFileSync(tokensFile, JSON.stringify({ [hubToken]: { zone, role: 'publisher' } }), { mode: 0o600 })
  mkdirSync(join(folder, 'hub'))
  const [hubPort, publisherPort] = [await freePort(), await freePort()]
  const hub = startService('log', children, {
    HUTONG_LOG_DATA: join(folder, 'hub'),
    HUTONG_LOG_CHARTER: charterFile,
    HUTONG_LOG_KEYS: hubKeys.join(','),
    HUTONG_LOG_TOKENS: tokensFile,
    HUTONG_LOG_PORT: String(hubPort),
  })
  const publisher = startService('publisher', children, {
    HUTONG_ZONE: zone,
    HUTONG_PORT: String(publisherPort),
    HUTONG_CHARTER: charterFile,
    HUTONG_KEYS: zoneKeys.join(','),
    HUTONG_STORE: join(folder, 'publisher.sqlite'),
    HUTONG_HUB: `127.0.0.1:${hubPort}`,
    HUTONG_PEER_TOKEN: hubToken,
    HUTONG_CLIENTS: `bench=${clientToken}=all`,
  })
  const client = createPublisherClient(`127.0.0.1:${publisherPort}`, { token: clientToken, zone })
  const end = performance.now() + startLimitMs
  while (
    !(await client.status().then(
      ({ hubAnswered }) => hubAnswered,
      () => false,
    ))
  ) {
    if (performance.now() > end) throw new Error('hub and publisher did not come up')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { hub, publisher, client }
}

function startService(name: string, children: ChildProcess[], env: Record<string, string>): ChildProcess {
  const main = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url))
  const child = spawn(
    process.execPath,
    [...(name === 'publisher' ? ['--cpu-prof', '--cpu-prof-dir=/tmp/prof'] : []), main],
    {
      env: { PATH: process.env.PATH ?? '', HUTONG_LOG_LEVEL: 'error', ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  children.push(child)
  return child
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

/** CPU time of another process so far, all its threads; Linux's hundredths of a second. */
function cpuMicroseconds({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
