import { createHttpServer, createLogger, type HttpServer, tokenIdentity } from '@hutong/service'
import { type CheckingCaller, checkingCaller } from '@hutong/service/open-api-check'
import { eventToJson } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publisherHttp } from './http.ts'
import { routesOf } from './routes.ts'
import { defaultSettings } from './settings.ts'
import { beijingOrigin, beijingOtherAuthority, licence } from './testing/honest-hub.ts'
import { startZone, type Zone } from './testing/open-zone.ts'

const tokenOf = (who: string) => `${who}-`.padEnd(40, 'x')
const identify = tokenIdentity(
  new Map([
    [tokenOf('office'), { zone: 'beijing', role: 'client', name: 'office' }],
    [tokenOf('counter'), { zone: 'beijing', role: 'client', name: 'counter' }],
    [tokenOf('nameless'), { zone: 'beijing', role: 'client', name: 'nameless' }],
    [tokenOf('verifier'), { zone: 'beijing', role: 'verifier' }],
    [tokenOf('stranger'), { zone: 'tianjin', role: 'client', name: 'office' }],
  ]),
)

interface Published {
  readonly eventId: string
  readonly duplicate: boolean
  readonly stage: string
}
interface Problem {
  readonly code: string
  readonly field?: string
}

describe('publishing by HTTP', () => {
  let zone: Zone
  let server: HttpServer
  let caller: CheckingCaller

  beforeAll(async () => {
    zone = await startZone()
    const clients = new Map<string, 'all' | readonly string[]>([
      ['office', 'all'],
      ['counter', [beijingOtherAuthority]],
    ])
    const routes = routesOf(zone.publisher, { ...defaultSettings, clients })
    server = await createHttpServer({ log: createLogger({ name: 'test', level: 'silent' }) })
    await server.mount('beijing', publisherHttp({ zone: 'beijing', routes, identify }))
    const { address } = await server.listen({ port: 0 })
    caller = await checkingCaller(`http://${address}/z/beijing`)
  })
  afterAll(async () => {
    await server.drain()
    await zone[Symbol.asyncDispose]()
  })

  const publish = <Body>(body: unknown, more: { key?: string; wait?: string; who?: string } = {}) =>
    caller.ask<Body>('POST', '/v1/events', {
      body,
      query: more.wait === undefined ? '' : `?wait=${more.wait}`,
      token: tokenOf(more.who ?? 'office'),
      headers: more.key === undefined ? {} : { 'idempotency-key': more.key },
    })

  it('one event is answered with where it stands, once for the same request id and content', async () => {
    const event = eventToJson(licence(1))
    const first = await publish<Published>(event, { key: 'r-1', wait: 'witnessed' })
    expect(first).toMatchObject({
      status: 200,
      body: { requestId: 'r-1', origin: beijingOrigin, stage: 'witnessed', duplicate: false },
    })
    expect(first.body.eventId).toMatch(new RegExp(`^${beijingOrigin}/\\d+$`))
    const again = await publish<Published>(event, { key: '"r-1"' })
    expect(again.body).toMatchObject({ eventId: first.body.eventId, duplicate: true })
  })

  it('the request id with other content is a conflict, as by gRPC', async () => {
    await publish(eventToJson(licence(2)), { key: 'r-2' })
    const answer = await publish(eventToJson(licence(2, { name: '另一个名称' })), { key: 'r-2' })
    expect(answer).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
  })

  it.each<[string, Record<string, unknown>, number, string, string]>([
    ['a misspelt member', { validUntill: '' }, 400, 'MALFORMED_REQUEST', 'event.licence_issued.valid_untill'],
    ['a number for a text', { name: 7 }, 400, 'MALFORMED_REQUEST', 'event.licence_issued.name'],
    [
      'half a pair inside',
      { holder: { name: '\ud800' } },
      400,
      'MALFORMED_REQUEST',
      'event.licence_issued.holder.name',
    ],
    ['no kind', { kind: undefined }, 400, 'MALFORMED_REQUEST', 'event.kind'],
    ['a day that does not exist', { issuedOn: '2026-02-30' }, 422, 'IMPOSSIBLE_DATE', 'event.licence_issued.issued_on'],
  ])(
    'an event with %s is refused with the path of the field, and nothing is written',
    async (_, over, code, reason, field) => {
      const { size } = zone.publisher.status()
      const answer = await publish<Problem>({ ...eventToJson(licence(3)), ...over }, { key: 'r-3' })
      expect([answer.status, answer.body.code, answer.body.field]).toEqual([code, reason, field])
      expect(zone.publisher.status().size).toBe(size)
    },
  )

  it('an event that does not follow is unprocessable, one for another authority forbidden, an id is wanted', async () => {
    const { identifier, authority } = licence(99)
    const revoked = { kind: 'licence_revoked', identifier, authority, manner: 'cancelled' }
    expect(await publish(revoked, { key: 'r-4' })).toMatchObject({ status: 422, body: { code: 'NOT_ISSUED' } })
    const event = eventToJson(licence(4))
    expect(await publish(event, { key: 'r-5', who: 'counter' })).toMatchObject({ status: 403 })
    expect(await publish(event, { key: 'r-5', who: 'nameless' })).toMatchObject({ status: 403 })
    expect(await publish(event)).toMatchObject({ status: 400, body: { field: 'idempotency-key' } })
    for (const key of ['', 'two words', '"half', 'x'.repeat(65)]) {
      expect(await publish(event, { key })).toMatchObject({ status: 400, body: { field: 'idempotency-key' } })
    }
  })

  it('a list has an outcome for each item, in order', async () => {
    const items = [
      { requestId: 'l-1', event: eventToJson(licence(5)) },
      { requestId: 'l-2', event: eventToJson(licence(6, { issuedOn: '' })) },
      { requestId: 'l-1', event: eventToJson(licence(5)) },
    ]
    const { status, body } = await publish<{ outcomes: readonly unknown[] }>(items)
    expect(status).toBe(200)
    expect(body.outcomes).toMatchObject([
      { requestId: 'l-1', duplicate: false },
      { requestId: 'l-2', refusal: { status: 422, code: 'IMPOSSIBLE_DATE', detail: expect.stringMatching(/./) } },
      { requestId: 'l-1', duplicate: true },
    ])
  })

  it('a list that is not as described is refused whole, with the place of the fault', async () => {
    const good = { requestId: 'l-3', event: eventToJson(licence(7)) }
    const { size } = zone.publisher.status()
    const bad = { ...good, event: { ...good.event, files: [{ sm3: 'abc' }] } }
    const answer = await publish<Problem>([good, bad])
    expect(answer).toMatchObject({ status: 400, body: { field: '[1].event.licence_issued.files[0].sm3' } })
    for (const list of [[], [{ event: good.event }], Array.from({ length: 257 }, () => good)]) {
      expect(await publish(list)).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } })
    }
    expect(zone.publisher.status().size).toBe(size)
  })

  it('is closed to strangers, and to roles that may not publish by gRPC either', async () => {
    const event = eventToJson(licence(8))
    expect((await publish(event, { who: 'nobody' })).status).toBe(401)
    expect((await publish(event, { who: 'stranger' })).status).toBe(403)
    expect((await publish(event, { who: 'verifier' })).status).toBe(403)
    const status = await caller.ask('GET', '/v1/publisher/status', { token: tokenOf('verifier') })
    expect(status).toMatchObject({ status: 200, body: { zone: 'beijing', origin: beijingOrigin, hubAnswered: true } })
  })
})

describe('publishing by HTTP while the hub is away', () => {
  it('is refused as something to send again', async () => {
    await using zone = await startZone({ meet: false })
    zone.hub.before = () => {
      throw new Error('away')
    }
    const routes = routesOf(zone.publisher, { ...defaultSettings, clients: new Map([['office', 'all']]) })
    await using server = await createHttpServer({ log: createLogger({ name: 'test', level: 'silent' }) })
    await server.mount('beijing', publisherHttp({ zone: 'beijing', routes, identify }))
    const { address } = await server.listen({ port: 0 })
    const caller = await checkingCaller(`http://${address}/z/beijing`)
    const headers = { 'idempotency-key': 'r-1' }
    const asked = { token: tokenOf('office'), headers, body: eventToJson(licence(1)) }
    const answer = await caller.ask('POST', '/v1/events', asked)
    expect(answer).toMatchObject({ status: 503, body: { code: 'HUB_NOT_ANSWERED' } })
    expect(answer.headers.get('retry-after')).toBe('1')
  })
})
