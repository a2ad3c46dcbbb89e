import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CharterDraft, firstCharter, firstOrigin } from '@hutong/cli'
import { formatVkey, verifierKey } from '@hutong/merkle'
import { createPublisherClient, type PublisherClient, type ToPublish } from '@hutong/sdk'
import { generateKey, type Suite } from '@hutong/signing'
import { World } from '@hutong/verify/world'
import type { Line } from './measure.ts'
import { cpuMicroseconds, Processes } from './processes.ts'

const askedPerSecond = 10_000
const eventsInAll = 128 * 1024
const eventsForWarmUp = 32 * 1024
const eventsPerRequest = 256
const zone = 'beijing'
const alliance = 'bench.hutong.example'
const startLimitMs = 20_000
/** As docs/decisions/0009 says a busy service is started. */
const nodeOptions = { NODE_OPTIONS: '--max-semi-space-size=32' }

/**
 * Events through `PublishStream` to SEQUENCED: hub and publisher are processes of their own, each with its store on disk, and this process
 * is the zone's system. The charter asks for no quorum.
 */
export async function benchPublishing(): Promise<readonly Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-bench-'))
  try {
    await using processes = new Processes()
    const { hub, publisher, client } = await startTwoProcesses(folder, processes)
    const world = new World({ zones: [zone] })
    await publishAll(client, requestsOf(world, 0, eventsForWarmUp))
    const requests = requestsOf(world, eventsForWarmUp, eventsInAll)
    const before = [hub, publisher].map(cpuMicroseconds)
    const started = performance.now()
    await publishAll(client, requests)
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
    rmSync(folder, { recursive: true, force: true })
  }
}

function cost(what: string, microseconds: number): Line {
  return { what, figure: `${microseconds.toFixed(1)} µs of CPU`, floor: '', ratio: Number.NaN, asked: '', met: true }
}

/** Licences made up beforehand: making them up is not what is measured. */
function requestsOf(world: World, from: number, count: number): readonly (readonly ToPublish[])[] {
  return Array.from({ length: count / eventsPerRequest }, (_, request) =>
    Array.from({ length: eventsPerRequest }, (_, at) => {
      const serial = from + request * eventsPerRequest + at + 1
      return { requestId: `bench-${serial}`, event: world.licence(zone, String(serial)) }
    }),
  )
}

async function publishAll(client: PublisherClient, requests: readonly (readonly ToPublish[])[]): Promise<void> {
  let published = 0
  for await (const outcomes of client.publishStream(requests, { waitFor: 'sequenced', deadlineMs: 600_000 })) {
    for (const outcome of outcomes) {
      if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code} ${outcome.refusal.field}`)
      if (outcome.position === undefined) throw new Error(`not sequenced: ${outcome.stage}`)
      published++
    }
  }
  const asked = requests.length * eventsPerRequest
  if (published !== asked) throw new Error(`${published} of ${asked} events were published`)
}

async function startTwoProcesses(
  folder: string,
  processes: Processes,
): Promise<{ readonly hub: ChildProcess; readonly publisher: ChildProcess; readonly client: PublisherClient }> {
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
  const hub = processes.start('services/log/src/main.ts', [], {
    HUTONG_LOG_DATA: join(folder, 'hub'),
    HUTONG_LOG_CHARTER: charterFile,
    HUTONG_LOG_KEYS: hubKeys.join(','),
    HUTONG_LOG_TOKENS: tokensFile,
    HUTONG_LOG_PORT: String(hubPort),
    ...nodeOptions,
  })
  const publisher = processes.start('services/publisher/src/main.ts', [], {
    HUTONG_ZONE: zone,
    HUTONG_PORT: String(publisherPort),
    HUTONG_CHARTER: charterFile,
    HUTONG_KEYS: zoneKeys.join(','),
    HUTONG_STORE: join(folder, 'publisher.sqlite'),
    HUTONG_HUB: `127.0.0.1:${hubPort}`,
    HUTONG_PEER_TOKEN: hubToken,
    HUTONG_CLIENTS: `bench=${clientToken}=all`,
    ...nodeOptions,
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
