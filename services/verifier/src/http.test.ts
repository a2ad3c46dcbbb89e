import { type Caller, createHttpServer, createLogger, type HttpServer, tokenIdentity } from '@hutong/service'
import { type CheckedAnswer, type CheckingCaller, checkingCaller } from '@hutong/service/open-api-check'
import { createMemoryStore } from '@hutong/store'
import { suspended, type World, worldMatter } from '@hutong/verify/world'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifierService, type VerifierService } from './context.ts'
import { newHub, until } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const tokenOf = (who: string) => `${who}-`.padEnd(40, 'x')
const identify = tokenIdentity(
  new Map<string, Caller>([
    ...(['client', 'counter', 'publisher', 'auditor'] as const).map(
      (role) => [tokenOf(role), { zone: 'tianjin', role }] as const,
    ),
    [tokenOf('stranger'), { zone: 'beijing', role: 'client' }],
  ]),
)

interface CloudEvent {
  readonly id: string
  readonly type: string
  readonly verdict: string
  readonly position: string
  readonly place: number
  readonly data?: { readonly event: { readonly kind: string }; readonly state: { readonly standing: string } }
}

class Served implements AsyncDisposable {
  readonly hub: WorldHub = newHub()
  readonly world: World = this.hub.world
  readonly licence: ReturnType<World['licence']> = this.world.licence('beijing', '1')
  service!: VerifierService
  server!: HttpServer
  caller!: CheckingCaller

  async start(): Promise<this> {
    const { hub, world, licence } = this
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    world.publishBatch('beijing', [
      { event: suspended(licence) },
      { event: world.licence('beijing', '2'), carried: 'missing' },
      { event: suspended(licence) },
    ])
    hub.witness()
    this.service = await createVerifierService({
      zone: 'tianjin',
      store: createMemoryStore(),
      charter: world.charters[0]!.bytes,
      clients: { log: undefined as never },
      peers: { hub },
      clock: () => world.nowMs,
      log,
    })
    this.server = await createHttpServer({ log })
    await this.server.mount('tianjin', this.service.http(identify))
    const { address } = await this.server.listen({ port: 0 })
    this.caller = await checkingCaller(`http://${address}/z/tianjin`)
    await this.caughtUp()
    return this
  }

  async caughtUp(): Promise<void> {
    await until(() => {
      this.hub.changed()
      return this.service.verifier.follower.view.cosigned?.checkpoint.size === this.world.size
    })
  }

  feed(query: string, who = 'client'): Promise<CheckedAnswer<readonly CloudEvent[]>> {
    return this.caller.ask<readonly CloudEvent[]>('GET', '/v1/events', { query, token: tokenOf(who) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.drain()
    await this.service[Symbol.asyncDispose]()
  }
}

describe('the verifier by HTTP', () => {
  let served: Served
  let caller: CheckingCaller
  let world: World
  let licence: ReturnType<World['licence']>

  beforeAll(async () => {
    served = await new Served().start()
    caller = served.caller
    world = served.world
    licence = served.licence
  })
  afterAll(() => served[Symbol.asyncDispose]())

  const post = <Body>(path: string, body: unknown, who = 'client') =>
    caller.ask<Body>('POST', path, { body, token: tokenOf(who) })
  const feed = (query: string, who = 'client') => served.feed(query, who)

  it('answers a verdict as by gRPC, and refuses what is no question', async () => {
    const question = { identifier: licence.identifier, matter: worldMatter }
    const verdict = await post('/v1/verify', question)
    expect(verdict.body).toMatchObject({
      findings: { word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED' },
      receiptNumber: '',
    })
    const before = await post('/v1/verify', { ...question, asOf: { position: Number(world.size) - 1 } })
    expect(before.body).toMatchObject({ findings: { word: 'VALID', asOf: { kind: 'position' } } })
    const refused = [
      [{ ...question, identifier: 'nonsense' }, 400, 'MALFORMED_IDENTIFIER'],
      [{ ...question, holderCode: '' }, 400, 'MALFORMED_REQUEST'],
      [{ ...question, asOf: { position: 1, time: '2026-01-01T00:00:00Z' } }, 400, 'MALFORMED_REQUEST'],
      [{ ...question, asOf: { time: '2026-02-30T00:00:00Z' } }, 400, 'AS_OF'],
      [{ ...question, asOf: { position: 99 } }, 409, 'NOT_YET'],
      [{ identifier: licence.identifier }, 400, 'MALFORMED_REQUEST'],
    ] as const
    for (const [body, status, code] of refused) {
      expect(await post('/v1/verify', body), code).toMatchObject({ status, body: { code } })
    }
  })

  it('tells the history of a licence with what each event came to', async () => {
    const { body } = await post<{ events: { kind: string; verdict: string }[] }>('/v1/history', {
      identifier: licence.identifier,
    })
    expect(body).toMatchObject({ state: 'suspended', position: Number(world.size) })
    expect(body.events.map(({ kind, verdict }) => [kind, verdict])).toEqual([
      ['licence_issued', 'STANDS'],
      ['licence_suspended', 'STANDS'],
      ['licence_suspended', 'ALREADY_SUSPENDED'],
    ])
    expect(body.events[0]).toMatchObject({ event: { kind: 'licence_issued', identifier: licence.identifier } })
    const unknown = await post('/v1/history', { identifier: world.licence('beijing', 'NEVER').identifier })
    expect(unknown).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })

  it('tells the matrix, and how it stands', async () => {
    const matrix = await caller.ask<{ rows: readonly unknown[] }>('GET', '/v1/matrix', { token: tokenOf('client') })
    expect(matrix.body.rows).toMatchObject([{ receivingZone: 'tianjin', declaration: { declarationId: 'tianjin-1' } }])
    const query = '?receivingZone=beijing&asOfPosition=2'
    const none = await caller.ask<{ rows: readonly unknown[] }>('GET', '/v1/matrix', {
      query,
      token: tokenOf('client'),
    })
    expect(none.body).toMatchObject({ rows: [], position: 2 })
    const both = { query: '?asOfPosition=2&asOfTime=2026-01-01T00:00:00Z', token: tokenOf('client') }
    expect((await caller.ask('GET', '/v1/matrix', both)).status).toBe(400)
    const status = await caller.ask('GET', '/v1/verifier/status', { token: tokenOf('publisher') })
    expect(status.body).toMatchObject({
      zone: 'tianjin',
      position: Number(world.size),
      missingPayloads: [`${world.origin('beijing')}/2`],
    })
  })

  it('feeds every event once, in the order of H, with the state after it', async () => {
    const { body, headers } = await feed('?after=0')
    expect(body.map(({ type, verdict, place, data }) => [type, verdict, place, data?.state.standing])).toEqual([
      ['cn.hutong.recognition.declared.v1', 'STANDS', 0, undefined],
      ['cn.hutong.licence.issued.v1', 'STANDS', 0, 'in_force'],
      ['cn.hutong.licence.suspended.v1', 'STANDS', 0, 'suspended'],
      ['cn.hutong.licence.issued.v1', 'PAYLOAD_MISSING', 1, undefined],
      ['cn.hutong.licence.suspended.v1', 'ALREADY_SUSPENDED', 2, 'suspended'],
    ])
    expect(body[3]).not.toHaveProperty('data')
    expect(body[3]).toMatchObject({ id: `${world.origin('beijing')}/2`, source: world.origin('beijing') })
    expect(headers.get('hutong-next')).toBe(`${world.size}`)
    expect(headers.get('link')).toContain(`<events?after=${world.size}&`)
    expect(headers.get('content-type')).toContain('application/cloudevents-batch+json')
  })

  it.each([1, 2, 3])('loses and doubles nothing in pages of %i, also within a batch', async (limit) => {
    const whole = (await feed('?after=0')).body
    const read: CloudEvent[] = []
    let after = '0'
    for (let pages = 0; pages < 10; pages++) {
      const { body, headers } = await feed(`?after=${after}&limit=${limit}`)
      expect(body.length).toBeLessThanOrEqual(limit)
      read.push(...body)
      after = headers.get('hutong-next') ?? ''
      if (body.length === 0) break
    }
    expect(read).toEqual(whole)
    expect(after).toBe(`${world.size}`)
  })

  it('refuses a cursor beyond what is here, and a form that is none', async () => {
    expect(await feed('?after=99')).toMatchObject({ status: 409, body: { code: 'NOT_YET', field: 'after' } })
    for (const query of ['?after=-1', '?after=1.1000', '?after=x', '?limit=0', '?limit=257', '?wait=31', '?wait=1.5']) {
      expect(await feed(query), query).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } })
    }
  })

  it('keeps contents from who only asks for verdicts, and everything from other zones', async () => {
    expect((await feed('?after=0', 'counter')).status).toBe(403)
    expect((await feed('?after=0', 'publisher')).status).toBe(403)
    expect((await feed('?after=0', 'auditor')).status).toBe(200)
    const question = { identifier: licence.identifier, matter: worldMatter }
    expect((await post('/v1/verify', question, 'counter')).status).toBe(200)
    expect((await post('/v1/verify', question, 'publisher')).status).toBe(403)
    expect((await post('/v1/verify', question, 'stranger')).status).toBe(403)
    expect((await post('/v1/verify', question, 'nobody')).status).toBe(401)
  })
})

describe('who waits for the feed', () => {
  it('lets a caller wait for news, and tells it when it comes', async () => {
    await using served = await new Served().start()
    const waiting = served.feed(`?after=${served.world.size}&wait=30`)
    served.world.publish('beijing', served.world.licence('beijing', '3'))
    served.hub.witness()
    await served.caughtUp()
    const { body } = await waiting
    expect(body.map(({ type }) => type)).toEqual(['cn.hutong.licence.issued.v1'])
  })

  it('answers who waits with nothing and the same cursor when it stops', async () => {
    await using served = await new Served().start()
    const waiting = served.feed(`?after=${served.world.size}&wait=30`)
    const other = served.feed(`?after=${served.world.size}.7&wait=30`)
    await until(
      async () => (await served.caller.ask('GET', '/v1/verifier/status', { token: tokenOf('client') })).status === 200,
    )
    await served.server.unmount('tianjin')
    for (const [answer, cursor] of [
      [await waiting, `${served.world.size}`],
      [await other, `${served.world.size}.7`],
    ] as const) {
      expect(answer).toMatchObject({ status: 200, body: [] })
      expect(answer.headers.get('hutong-next')).toBe(cursor)
    }
  })

  it('is refused where more wait than there is room for', async () => {
    await using served = await new Served().start()
    const waiting = Array.from({ length: 65 }, () => served.feed(`?after=${served.world.size}&wait=30`))
    const busy = await Promise.any(
      waiting.map(async (answer) => ((await answer).status === 429 ? answer : Promise.reject(new Error()))),
    )
    expect(busy).toMatchObject({ status: 429, body: { code: 'QUEUE_FULL' } })
    await served.server.unmount('tianjin')
    const answers = await Promise.all(waiting)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(64)
  })
})
