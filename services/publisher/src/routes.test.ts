import type { Event } from '@hutong/licence'
import {
  bidi,
  type Caller,
  type Client,
  createClient,
  createGrpcServer,
  createLogger,
  RefusedError,
  type Routes,
  tokenIdentity,
  unary,
} from '@hutong/service'
import { createMemoryStore } from '@hutong/store'
import {
  batchFromWire,
  eventToWire,
  LogServiceClient,
  LogServiceService,
  PublisherServiceClient,
  PublisherServiceService,
  recordToWire,
  Stage,
} from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { createPublisherService, PublisherMismatchError } from './context.ts'
import type { Appended, AppendRefused } from './hub.ts'
import { publisherServiceRoles } from './routes.ts'
import { beijingOrigin, beijingOtherAuthority, HonestHub, licence } from './testing/honest-hub.ts'
import { startMs, testAlliance, until } from './testing/open-zone.ts'

describe('the publisher over gRPC', () => {
  it('answers each event in its place, with stage and position', async () => {
    await using world = await startWorld()
    const items = [item('a', licence(1)), item('b', licence(2, { issuedOn: '' })), { requestId: 'c', event: undefined }]
    const { outcomes } = await unary(world.office, 'publish', { items, waitFor: Stage.STAGE_WITNESSED })
    expect(outcomes.map(({ requestId }) => requestId)).toEqual(['a', 'b', 'c'])
    expect(outcomes[0]?.outcome?.value).toMatchObject({
      origin: beijingOrigin,
      index: 0n,
      stage: Stage.STAGE_WITNESSED,
      position: 1n,
    })
    expect(outcomes[1]?.outcome).toMatchObject({
      $case: 'refusal',
      value: { code: 'IMPOSSIBLE_DATE', field: 'event.licence_issued.issued_on' },
    })
    expect(outcomes[2]?.outcome).toMatchObject({ $case: 'refusal', value: { code: 'NOT_PUBLISHABLE' } })
  })

  it('waits for SEQUENCED when no stage is named, and not beyond the deadline', async () => {
    await using world = await startWorld()
    const asked = (id: string, serial: number) => ({
      items: [item(id, licence(serial))],
      waitFor: Stage.STAGE_UNSPECIFIED,
    })
    const first = await unary(world.office, 'publish', asked('a', 1))
    expect(first.outcomes[0]?.outcome?.value).toMatchObject({ position: 1n })
    world.hub.before = (call) => {
      if (call === 'append') throw new Error('away')
    }
    const second = await unary(world.office, 'publish', asked('b', 2), { deadlineMs: 600 })
    expect(second.outcomes[0]?.outcome?.value).toMatchObject({ stage: Stage.STAGE_SEALED })
  })

  it('answers a stream in the order asked', async () => {
    await using world = await startWorld()
    const call = bidi(world.office, 'publishStream')
    const send = async () => {
      for (let at = 0; at < 100; at++) {
        await call.send({
          items: [item(`r${at}`, at % 10 === 9 ? licence(at, { issuedOn: '' }) : licence(at))],
          waitFor: Stage.STAGE_SEQUENCED,
        })
      }
      call.end()
    }
    const sending = send()
    const answers: string[] = []
    for await (const { outcomes } of call.responses)
      answers.push(`${outcomes[0]?.requestId} ${outcomes[0]?.outcome?.$case}`)
    await sending
    expect(answers).toEqual(Array.from({ length: 100 }, (_, at) => `r${at} ${at % 10 === 9 ? 'refusal' : 'published'}`))
  })

  it('lets a client speak for its authorities only, and a stranger for none', async () => {
    await using world = await startWorld()
    const mine = item('a', licence(1, { authority: beijingOtherAuthority }))
    const { outcomes } = await unary(world.counter, 'publish', {
      items: [mine, item('b', licence(1))],
      waitFor: Stage.STAGE_SEALED,
    })
    expect(outcomes.map(({ outcome }) => outcome?.$case)).toEqual(['published', 'refusal'])
    expect(outcomes[1]?.outcome?.value).toMatchObject({ code: 'NOT_AUTHORISED' })
    await expect(
      codeOf(unary(world.stranger, 'publish', { items: [mine], waitFor: Stage.STAGE_SEALED })),
    ).resolves.toBe('NOT_AUTHORISED')
  })

  it('refuses a request of no items and of too many', async () => {
    await using world = await startWorld()
    const many = Array.from({ length: 257 }, (_, at) => item(`r${at}`, licence(at)))
    for (const items of [[], many]) {
      await expect(codeOf(unary(world.office, 'publish', { items, waitFor: Stage.STAGE_SEALED }))).resolves.toBe(
        'TOO_MANY_ITEMS',
      )
    }
  })

  it('says in two languages why it refuses', async () => {
    await using world = await startWorld({ hubIsAway: true })
    const status = await unary(world.office, 'status', {})
    expect(status).toMatchObject({
      zone: 'beijing',
      origin: beijingOrigin,
      hubAnswered: false,
      refuses: 'HUB_NOT_ANSWERED',
    })
    expect(status.refusesZh).toMatch(/枢纽/)
    expect(status.refusesEn).toMatch(/hub/)
    const publishing = unary(world.office, 'publish', { items: [item('a', licence(1))], waitFor: Stage.STAGE_SEALED })
    await expect(publishing).rejects.toMatchObject({ exitCode: 6 })
  })

  it('takes back over gRPC what a restored copy lacks', async () => {
    await using first = await startWorld()
    await unary(first.office, 'publish', { items: [item('a', licence(1))], waitFor: Stage.STAGE_SEQUENCED })
    await using second = await startWorld({ hub: first.hub, meet: false })
    await until(() => second.refuses() === 'ADOPT_NEEDED')
    expect(await unary(second.operator, 'adopt', { dryRun: true })).toMatchObject({
      oldSize: 0n,
      newSize: 1n,
      refusal: undefined,
    })
    expect(await unary(second.operator, 'adopt', { dryRun: false })).toMatchObject({
      oldSize: 0n,
      newSize: 1n,
      refusal: undefined,
    })
    const { outcomes } = await unary(second.office, 'publish', {
      items: [item('b', licence(1))],
      waitFor: Stage.STAGE_SEALED,
    })
    expect(outcomes[0]?.outcome?.value).toMatchObject({ duplicate: true, index: 0n })
  })

  it('does not start for a zone that charter 0 does not know', async () => {
    await using world = await startWorld()
    const start = (zone: string, charter: Uint8Array) =>
      createPublisherService({
        zone,
        charter,
        store: createMemoryStore(),
        signers: [],
        hub: world.log,
        settings: { clients: new Map() },
      })
    await expect(start('nowhere', testAlliance.bytes)).rejects.toThrow(PublisherMismatchError)
    await expect(start('beijing', new Uint8Array([1]))).rejects.toThrow(PublisherMismatchError)
  })
})

type PublisherClient = Client<typeof PublisherServiceService>

interface GrpcWorld extends AsyncDisposable {
  readonly hub: HonestHub
  readonly log: Client<typeof LogServiceService>
  readonly office: PublisherClient
  readonly counter: PublisherClient
  readonly operator: PublisherClient
  readonly stranger: PublisherClient
  refuses(): string | undefined
}

async function startWorld(
  options: { readonly hub?: HonestHub; readonly hubIsAway?: boolean; readonly meet?: boolean } = {},
): Promise<GrpcWorld> {
  const log = createLogger({ name: 'test', level: 'silent' })
  const hub = options.hub ?? new HonestHub(testAlliance, () => startMs)
  if (options.hubIsAway) {
    hub.before = () => {
      throw new Error('away')
    }
  }
  const token = (name: string) => name.padEnd(40, '-')
  const as = (name: string): Caller => ({ zone: 'beijing', role: 'client', name })
  const server = createGrpcServer({
    identify: tokenIdentity(
      new Map<string, Caller>([
        [token('publisher'), { zone: 'beijing', role: 'publisher' }],
        [token('operator'), { zone: 'beijing', role: 'operator' }],
        ...['office', 'counter', 'stranger'].map((name) => [token(name), as(name)] as const),
      ]),
    ),
    allow: {
      ...publisherServiceRoles,
      ...Object.fromEntries(
        ['Known', 'Append', 'Charters', 'Heads', 'Read'].map((name) => [
          `/hutong.v1.LogService/${name}`,
          ['publisher'],
        ]),
      ),
    },
    log,
  })
  server.mount(LogServiceService, undefined, routesOfHub(hub))
  const { address } = await server.listen({ port: 0 })
  const hubClient = createClient(LogServiceClient, address, { token: token('publisher'), defaultDeadlineMs: 5_000 })
  const service = await createPublisherService({
    zone: 'beijing',
    store: createMemoryStore(),
    signers: testAlliance.beijing,
    charter: testAlliance.bytes,
    hub: hubClient,
    clock: () => startMs,
    monotonic: () => 0,
    log,
    settings: {
      clients: new Map<string, 'all' | readonly string[]>([
        ['office', 'all'],
        ['counter', [beijingOtherAuthority]],
      ]),
      initialRetryMs: 1,
      maxRetryMs: 5,
      witnessPollMs: 2,
      heartbeatCheckMs: 60_000,
    },
  })
  server.mount(PublisherServiceService, 'beijing', service.routes)
  const refuses = () => service.publisher.status().refuses?.code
  if (!options.hubIsAway && (options.meet ?? true)) await until(() => refuses() === undefined)
  const clients = ['office', 'counter', 'operator', 'stranger'].map((name) =>
    createClient(PublisherServiceClient, address, { token: token(name), zone: 'beijing', defaultDeadlineMs: 10_000 }),
  )
  const [office, counter, operator, stranger] = clients as [
    PublisherClient,
    PublisherClient,
    PublisherClient,
    PublisherClient,
  ]
  return {
    hub,
    log: hubClient,
    office,
    counter,
    operator,
    stranger,
    refuses,
    async [Symbol.asyncDispose]() {
      for (const client of [...clients, hubClient]) client[Symbol.dispose]()
      await service[Symbol.asyncDispose]()
      await server.drain()
    },
  }
}

/** The hub as its clients see it; what a publisher never calls is not there. */
function routesOfHub(hub: HonestHub): Routes<typeof LogServiceService> {
  const routes: Partial<Routes<typeof LogServiceService>> = {
    async known({ origin }) {
      const { clockMs, size, checkpoint } = await hub.known(origin)
      return { clockMs: BigInt(clockMs), size, checkpoint: Buffer.from(checkpoint) }
    },
    async append({ batch }) {
      const read = batchFromWire(batch!)
      if (read.kind !== 'batch') throw new Error(read.why)
      return { outcome: outcomeOf(await hub.append(read.batch)) }
    },
    async charters({ fromNumber }) {
      const { charters, head } = await hub.charters(fromNumber)
      return {
        charters: charters.map(({ charter, leaf, index, inclusionProof }) => ({
          charter: Buffer.from(charter),
          leaf: Buffer.from(leaf),
          index,
          inclusionProof: inclusionProof.map((hash) => Buffer.from(hash)),
        })),
        head: Buffer.from(head),
      }
    },
    async heads() {
      const { head, cosigned } = await hub.heads()
      return { head: Buffer.from(head), cosigned: Buffer.from(cosigned) }
    },
    async *read({ fromIndex }) {
      for await (const record of hub.read(fromIndex)) yield { record: recordToWire(record) }
    },
  }
  const absent = () => Promise.reject(new Error('no publisher calls this'))
  return new Proxy(routes, { get: (target, name) => Reflect.get(target, name) ?? absent }) as Routes<
    typeof LogServiceService
  >
}

function outcomeOf(answer: Appended | AppendRefused) {
  const clockMs = BigInt(answer.clockMs)
  if (answer.kind === 'refused') {
    const value = { refusal: answer.refusal, knownSize: 0n, knownCheckpoint: Buffer.alloc(0), clockMs }
    return { $case: 'refused', value } as const
  }
  const { index, leaf, inclusionProof, head } = answer
  const value = {
    index,
    leaf: Buffer.from(leaf),
    inclusionProof: inclusionProof.map((hash) => Buffer.from(hash)),
    head: Buffer.from(head),
    clockMs,
  }
  return { $case: 'appended', value } as const
}

function item(requestId: string, event: Event) {
  return { requestId, event: eventToWire(event) }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'answered'
  } catch (error) {
    if (error instanceof RefusedError) return error.refusal.code
    throw error
  }
}
