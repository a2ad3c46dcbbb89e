import {
  type Client,
  createClient,
  createGrpcServer,
  createLogger,
  type GrpcServer,
  type Routes,
  tokenIdentity,
  unary,
} from '@hutong/service'
import { createMemoryStore, type Store } from '@hutong/store'
import {
  batchToWire,
  type LoggedRecord,
  LogServiceClient,
  LogServiceService,
  recordToWire,
  VerifierServiceClient,
  VerifierServiceService,
} from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { adopt } from './adopt.ts'
import { logServiceRoles } from './routes.ts'
import { type Alliance, createAlliance } from './testing/alliance.ts'
import { createTestClock, logOpener, type OpenLog, startMs } from './testing/open-log.ts'

const openLog = logOpener(createMemoryStore)
const alone: Alliance = createAlliance({ quorum: 0 })
const three: Alliance = createAlliance()
const beijing = 'beijing'

describe('adopt', () => {
  it('takes back what was signed and lost, byte for byte, and goes on in the same log', async () => {
    const { older, records, publisher, head } = await story()
    await using log = await openLog(alone, { store: older })
    expect(log.service.log.state.edge.size).toBe(2n)
    expect(await adopt(log.service.log, streamOf(records), false)).toEqual({
      kind: 'adopted',
      oldSize: 2n,
      newSize: 5n,
    })
    expect(Buffer.compare(log.service.log.state.head, head)).toBe(0)
    expect(await log.read(0n)).toEqual(records)
    const next = await log.append(beijing, publisher.seal(1, startMs))
    expect(next.kind === 'appended' && next.index).toBe(5n)
  })

  it('only lists in a dry run', async () => {
    const { older, records } = await story()
    await using log = await openLog(alone, { store: older })
    expect(await adopt(log.service.log, streamOf(records), true)).toEqual({ kind: 'adopted', oldSize: 2n, newSize: 5n })
    expect(log.service.log.state.edge.size).toBe(2n)
    expect(await log.read(2n)).toHaveLength(1)
  })

  it('refuses what does not continue its own leaves: that is a second history, not a restored copy', async () => {
    const { records } = await story()
    const testClock = createTestClock()
    testClock.tick(1)
    await using log = await openLog(alone, { testClock })
    await log.service.log.exclusively(async () => {})
    expect(log.service.log.state.edge.size).toBe(1n)
    expect((await adopt(log.service.log, streamOf(records), false)).kind).toBe('refused')
    expect(log.service.log.state.edge.size).toBe(1n)
  })

  it('refuses entries that no head of this hub covers', async () => {
    const { older, records } = await story()
    await using log = await openLog(alone, { store: older })
    const withoutHead = records.filter(({ kind }) => kind !== 'head')
    expect((await adopt(log.service.log, streamOf(withoutHead), false)).kind).toBe('refused')
    const foreign = await foreignRecords()
    expect((await adopt(log.service.log, streamOf(foreign), false)).kind).toBe('refused')
    expect(log.service.log.state.edge.size).toBe(2n)
  })

  it('refuses entries altered, left out or out of turn, and takes nothing of them', async () => {
    const { older, records } = await story()
    await using log = await openLog(alone, { store: older })
    const altered = records.map((record) =>
      record.kind === 'entry' && record.index === 3n
        ? { ...record, entries: record.entries.map((entry) => ({ ...entry, payload: Buffer.from('other') })) }
        : record,
    )
    const otherLeaf = records.map((record) =>
      record.kind === 'entry' && record.index === 3n ? { ...record, leaf: flip(record.leaf) } : record,
    )
    const gap = records.filter((record) => record.kind !== 'entry' || record.index !== 3n)
    for (const bad of [altered, otherLeaf, gap]) {
      expect((await adopt(log.service.log, streamOf(bad), false)).kind).toBe('refused')
    }
    expect(log.service.log.state.edge.size).toBe(2n)
    expect((await adopt(log.service.log, streamOf(records), false)).kind).toBe('adopted')
  })

  it('takes entries without payloads where the verifier no longer has them', async () => {
    const { older, records } = await story()
    await using log = await openLog(alone, { store: older })
    const bare = records.map((record) =>
      record.kind === 'entry'
        ? {
            ...record,
            entries: record.entries.map(({ leaf }) => ({ leaf, salt: none, payload: none, payloadEncoding: 0 })),
          }
        : record,
    )
    expect((await adopt(log.service.log, streamOf(bare), false)).kind).toBe('adopted')
  })

  it('asked over gRPC of a zone, heals the log that a witness had shown to be an older copy', async () => {
    const store = createMemoryStore()
    const publisher = three.publisher(beijing)
    const records = await witnessedRecords(publisher)
    const head = records.findLast((record) => record.kind === 'head')!
    await using network = await openNetwork(store, records)
    const { log, client } = network
    await log.witness(beijing, head.checkpoint)
    await log.witness('tianjin')
    expect((await log.status()).refuses).toBe('ADOPT_NEEDED')
    await expect(
      unary(client('publisher'), 'append', { batch: batchToWire(publisher.fork().seal(1, startMs)) }),
    ).rejects.toThrow('ADOPT_NEEDED')
    const operator = client('operator')
    expect(await unary(operator, 'adopt', { fromZone: 'nowhere', dryRun: true }).catch(codeOf)).toBe('NOT_FOUND')
    expect(await unary(operator, 'adopt', { fromZone: beijing, dryRun: true })).toMatchObject({
      oldSize: 0n,
      newSize: 3n,
    })
    expect(await unary(operator, 'adopt', { fromZone: beijing, dryRun: false })).toMatchObject({
      oldSize: 0n,
      newSize: 3n,
      refusal: undefined,
    })
    expect((await log.status()).refuses).toBe('')
    const { outcome } = await unary(client('publisher'), 'append', { batch: batchToWire(publisher.seal(1, startMs)) })
    expect(outcome?.$case === 'appended' && outcome.value.index).toBe(3n)
  })

  it('is for the operator alone', async () => {
    await using network = await openNetwork(createMemoryStore(), [])
    const answer = unary(network.client('publisher'), 'adopt', { fromZone: beijing, dryRun: true }).catch(codeOf)
    expect(await answer).toBe('NOT_AUTHORISED')
  })
})

const none: Uint8Array = new Uint8Array()

/** A log of five leaves; what a zone kept of it; and a store that remembers only the first two. */
async function story(): Promise<{
  readonly older: Store
  readonly records: readonly LoggedRecord[]
  readonly publisher: ReturnType<Alliance['publisher']>
  readonly head: Uint8Array
}> {
  const publisher = alone.publisher(beijing)
  const [older, newer] = [createMemoryStore(), createMemoryStore()]
  {
    await using log = await openLog(alone, { store: older })
    await log.append(beijing, publisher.seal(2, startMs))
  }
  await copyOf(older, newer)
  await using log = await openLog(alone, { store: newer })
  for (let at = 0; at < 3; at++) await log.append(beijing, publisher.seal(at + 1, startMs))
  return { older, records: await log.read(0n), publisher, head: log.service.log.state.head }
}

async function witnessedRecords(publisher: ReturnType<Alliance['publisher']>): Promise<readonly LoggedRecord[]> {
  await using log = await openLog(three)
  await log.welcomeAll()
  await log.append(beijing, publisher.seal(1, startMs))
  await log.append(beijing, publisher.seal(1, startMs))
  return await log.read(0n)
}

async function foreignRecords(): Promise<readonly LoggedRecord[]> {
  const other = createAlliance({ quorum: 0 })
  const publisher = other.publisher(beijing)
  await using log = await openLog(other)
  for (let at = 0; at < 3; at++) await log.append(beijing, publisher.seal(1, startMs))
  return await log.read(0n)
}

async function copyOf(from: Store, to: Store): Promise<void> {
  for (const collection of ['leaves', 'batches', 'payloads', 'charters', 'firsts', 'nodes']) {
    const documents = await from.range(collection, { limit: 1000 })
    if (documents.length > 0) await to.insert(documents)
  }
  const position = (await from.position('log'))!
  await to.movePosition('log', undefined, position)
}

interface Network extends AsyncDisposable {
  readonly log: OpenLog
  readonly client: (role: 'publisher' | 'operator') => Client<typeof LogServiceService>
}

/** The log and a zone's verifier behind one server, on loopback. */
async function openNetwork(store: Store, kept: readonly LoggedRecord[]): Promise<Network> {
  const tokens = { publisher: 'p'.repeat(40), operator: 'o'.repeat(40), hub: 'h'.repeat(40) }
  const server: GrpcServer = createGrpcServer({
    identify: tokenIdentity(
      new Map([
        [tokens.publisher, { zone: beijing, role: 'publisher' }],
        [tokens.operator, { zone: 'hub', role: 'operator' }],
        [tokens.hub, { zone: 'hub', role: 'log' }],
      ]),
    ),
    allow: { ...logServiceRoles, '/hutong.v1.VerifierService/Read': ['log'] },
    log: createLogger({ name: 'test', level: 'silent' }),
  })
  const { address } = await server.listen({ host: '127.0.0.1', port: 0 })
  const verifier = createClient(VerifierServiceClient, address, {
    token: tokens.hub,
    zone: beijing,
    defaultDeadlineMs: 5_000,
  })
  const log = await openLog(three, { store, verifier: (zone) => (zone === beijing ? verifier : undefined) })
  server.mount(LogServiceService, undefined, log.service.routes)
  server.mount(VerifierServiceService, beijing, verifierRoutes(kept))
  const clients: Client<typeof LogServiceService>[] = []
  return {
    log,
    client(role) {
      const client = createClient(LogServiceClient, address, { token: tokens[role], defaultDeadlineMs: 5_000 })
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of [...clients, verifier]) client[Symbol.dispose]()
      await server.drain()
      await log[Symbol.asyncDispose]()
    },
  }
}

function verifierRoutes(kept: readonly LoggedRecord[]): Routes<typeof VerifierServiceService> {
  const absent = () => Promise.reject(new Error('not part of this test'))
  const routes = Object.fromEntries(Object.keys(VerifierServiceService).map((name) => [name, absent]))
  return {
    ...routes,
    async *read({ fromIndex }: { readonly fromIndex: bigint }) {
      for (const record of kept) {
        if (record.kind !== 'entry' || record.index >= fromIndex) yield { record: recordToWire(record) }
      }
    },
  } as unknown as Routes<typeof VerifierServiceService>
}

async function* streamOf(records: readonly LoggedRecord[]): AsyncGenerator<LoggedRecord> {
  yield* records
}

function codeOf(error: unknown): string | undefined {
  return (error as { readonly refusal?: { readonly code: string } }).refusal?.code
}

function flip(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}
