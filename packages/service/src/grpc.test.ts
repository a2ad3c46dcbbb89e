import { makeGenericClientConstructor, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { type Caller, tokenIdentity } from './caller.ts'
import { bidi, type Client, clientStream, createChannelPool, createClient, serverStream, unary } from './grpc-client.ts'
import type { Routes } from './grpc-route.ts'
import { createGrpcServer, type GrpcServer, type GrpcServerOptions } from './grpc-server.ts'
import { createLogger, type Logger } from './logger.ts'
import { PeerFailedError, PeerUnavailableError, RefusedError } from './peer-errors.ts'
import { refuse } from './refusal.ts'

const asItIs = (bytes: Buffer): Buffer => bytes
const method = <Q extends boolean, R extends boolean, P extends string>(
  path: P,
  requestStream: Q,
  responseStream: R,
) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: asItIs,
  requestDeserialize: (bytes: Buffer): Buffer => {
    if (bytes.toString() === 'malformed') throw new Error('inner secret about bytes')
    return bytes
  },
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
})
const Echo = {
  one: method('/hutong.test.Echo/One', false, false),
  many: method('/hutong.test.Echo/Many', false, true),
  gather: method('/hutong.test.Echo/Gather', true, false),
  talk: method('/hutong.test.Echo/Talk', true, true),
  unlisted: method('/hutong.test.Echo/Unlisted', false, false),
}
const EchoClient = { service: Echo }

const tokenOf = (name: string) => name.replaceAll(' ', '-').padEnd(40, '.')
const callers: [string, Caller][] = [
  [tokenOf('beijing client'), { zone: 'beijing', role: 'client' }],
  [tokenOf('tianjin client'), { zone: 'tianjin', role: 'client' }],
  [tokenOf('beijing counter'), { zone: 'beijing', role: 'counter' }],
  [tokenOf('hub client'), { zone: 'hub', role: 'client' }],
]
const allow = {
  '/hutong.test.Echo/One': ['client'],
  '/hutong.test.Echo/Many': ['client'],
  '/hutong.test.Echo/Gather': ['client'],
  '/hutong.test.Echo/Talk': ['client'],
} as const

const echo: Routes<typeof Echo> = {
  one: async (request) => request,
  async *many(request) {
    for (let index = 0; index < Number(request.toString()); index++) yield Buffer.from(String(index))
  },
  async gather(requests) {
    const parts: Buffer[] = []
    for await (const part of requests) parts.push(part)
    return Buffer.concat(parts)
  },
  async *talk(requests) {
    for await (const request of requests) yield request
  },
  unlisted: async (request) => request,
}

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start(
  routes: Partial<Routes<typeof Echo>> = {},
  options: Partial<GrpcServerOptions> = {},
  zone: string | undefined = 'beijing',
): Promise<{ server: GrpcServer; address: string; routes: Routes<typeof Echo> }> {
  const log = createLogger({ name: 'test', level: 'silent' })
  const server = createGrpcServer({
    identify: tokenIdentity(new Map(callers)),
    allow,
    log,
    drainLimitMs: 500,
    ...options,
  })
  open.push(server)
  const all = { ...echo, ...routes }
  server.mount(Echo, zone, all)
  const { address } = await server.listen({ port: 0 })
  return { server, address, routes: all }
}

function clientOf(
  address: string,
  who: string | undefined = 'beijing client',
  zone: string | undefined = 'beijing',
): Client<typeof Echo> {
  const client = createClient(EchoClient, address, {
    ...(who === undefined || who === '' ? {} : { token: tokenOf(who) }),
    ...(zone === undefined || zone === '' ? {} : { zone }),
    defaultDeadlineMs: 5_000,
  })
  open.push({ [Symbol.asyncDispose]: async () => client[Symbol.dispose]() })
  return client
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it should have failed'),
    (error) => error,
  )
}

async function refusalCodeOf(work: Promise<unknown>): Promise<string> {
  const error = await failureOf(work)
  if (error instanceof RefusedError) return error.refusal.code
  if (error instanceof PeerUnavailableError) return error.refusal?.code ?? error.reason
  throw error
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function memoryLog(): { log: Logger; lines: () => Record<string, unknown>[] } {
  const written: string[] = []
  const log = createLogger({ name: 'test', destination: { write: (line) => void written.push(line) } })
  return { log, lines: () => written.map((line) => JSON.parse(line)) }
}

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('the four kinds of call', () => {
  it('answers a unary call', async () => {
    const { address } = await start()
    expect((await unary(clientOf(address), 'one', Buffer.from('你好'))).toString()).toBe('你好')
  })

  it('carries an empty message as a message', async () => {
    const { address } = await start()
    expect(await collect(serverStream(clientOf(address), 'many', Buffer.from('0')))).toEqual([])
    expect((await unary(clientOf(address), 'one', Buffer.alloc(0))).length).toBe(0)
    expect((await clientStream(clientOf(address), 'gather', [Buffer.alloc(0)])).length).toBe(0)
  })

  it('streams answers in order and ends', async () => {
    const { address } = await start()
    const answers = await collect(serverStream(clientOf(address), 'many', Buffer.from('1000')))
    expect(answers.map(String)).toEqual(Array.from({ length: 1000 }, (_, index) => String(index)))
  })

  it('gathers a stream of requests into one answer', async () => {
    const { address } = await start()
    const parts = Array.from({ length: 500 }, (_, index) => Buffer.from(`${index},`))
    expect(await clientStream(clientOf(address), 'gather', parts)).toEqual(Buffer.concat(parts))
  })

  it('converses in both directions', async () => {
    const { address } = await start()
    const talk = bidi(clientOf(address), 'talk')
    const answers = collect(talk.responses)
    for (let index = 0; index < 300; index++) await talk.send(Buffer.from(String(index)))
    talk.end()
    expect((await answers).map(String)).toEqual(Array.from({ length: 300 }, (_, index) => String(index)))
  })

  it('lets a route answer after it has stopped reading', async () => {
    const { address } = await start({
      async *talk(requests) {
        for await (const first of requests) {
          yield first
          break
        }
        yield Buffer.from('last')
      },
    })
    const talk = bidi(clientOf(address), 'talk')
    await talk.send(Buffer.from('first'))
    expect((await collect(talk.responses)).map(String)).toEqual(['first', 'last'])
    await expect(talk.send(Buffer.from('too late'))).rejects.toThrow('ended the call')
  })

  it('is understood by a client that grpc-js makes', async () => {
    const { address } = await start()
    const Constructor = makeGenericClientConstructor(Echo, 'hutong.test.Echo')
    const { credentials, Metadata } = await import('@grpc/grpc-js')
    const client = new Constructor(address, credentials.createInsecure())
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${tokenOf('beijing client')}`)
    metadata.set('hutong-zone', 'beijing')
    const answer = await new Promise((resolve, reject) =>
      client.one?.(Buffer.from('x'), metadata, (error: unknown, value: unknown) =>
        error ? reject(error) : resolve(value),
      ),
    )
    client.close()
    expect(String(answer)).toBe('x')
  })
})

describe('who may call', () => {
  it('denies a method that the role table does not name', async () => {
    const { address } = await start()
    expect(await refusalCodeOf(unary(clientOf(address), 'unlisted', Buffer.from('x')))).toBe('NOT_AUTHORISED')
  })

  it('denies a role that the table does not name for the method', async () => {
    const { address } = await start()
    expect(await refusalCodeOf(unary(clientOf(address, 'beijing counter'), 'one', Buffer.from('x')))).toBe(
      'NOT_AUTHORISED',
    )
  })

  it.each(['', 'nobody'])('does not let in the token "%s"', async (who) => {
    const { address } = await start()
    expect(await refusalCodeOf(unary(clientOf(address, who), 'one', Buffer.from('x')))).toBe('NOT_IDENTIFIED')
  })

  it('denies a token of another zone, in every kind of call', async () => {
    const { address } = await start()
    const stranger = clientOf(address, 'tianjin client')
    expect(await refusalCodeOf(unary(stranger, 'one', Buffer.from('x')))).toBe('NOT_AUTHORISED')
    expect(await refusalCodeOf(collect(serverStream(stranger, 'many', Buffer.from('1'))))).toBe('NOT_AUTHORISED')
    expect(await refusalCodeOf(clientStream(stranger, 'gather', [Buffer.from('x')]))).toBe('NOT_AUTHORISED')
    expect(await refusalCodeOf(collect(bidi(stranger, 'talk').responses))).toBe('NOT_AUTHORISED')
  })

  it('lets the hub call a service of a zone', async () => {
    const { address } = await start()
    expect((await unary(clientOf(address, 'hub client'), 'one', Buffer.from('x'))).toString()).toBe('x')
  })

  it('tells the route who calls and for which zone', async () => {
    const { address } = await start({
      one: async (_request, { caller, zone }) => Buffer.from(`${caller.zone}/${caller.role} at ${zone}`),
    })
    expect((await unary(clientOf(address), 'one', Buffer.alloc(0))).toString()).toBe('beijing/client at beijing')
  })

  it('decodes nothing for a caller that is not let in', async () => {
    const { address } = await start()
    expect(await refusalCodeOf(unary(clientOf(address, 'nobody'), 'one', Buffer.from('malformed')))).toBe(
      'NOT_IDENTIFIED',
    )
    expect(await refusalCodeOf(unary(clientOf(address), 'one', Buffer.from('malformed')))).toBe('MALFORMED_MESSAGE')
  })
})

describe('zones', () => {
  it('dispatches one service to the zone that is named', async () => {
    const { server, address } = await start({ one: async () => Buffer.from('at beijing') })
    server.mount(Echo, 'tianjin', { ...echo, one: async () => Buffer.from('at tianjin') })
    const ask = async (zone: string) =>
      String(await unary(clientOf(address, 'hub client', zone), 'one', Buffer.alloc(0)))
    expect([await ask('beijing'), await ask('tianjin')]).toEqual(['at beijing', 'at tianjin'])
  })

  it('refuses an unmounted zone as unavailable, and serves it when it is mounted again', async () => {
    const { server, address, routes } = await start()
    const client = clientOf(address)
    await server.unmount(Echo, 'beijing')
    const error = await failureOf(unary(client, 'one', Buffer.from('x')))
    expect(error).toBeInstanceOf(PeerUnavailableError)
    expect(error).toMatchObject({ exitCode: 6, refusal: { code: 'ZONE_NOT_RUNNING', grpc: status.UNAVAILABLE } })
    server.mount(Echo, 'beijing', routes)
    expect((await unary(client, 'one', Buffer.from('x'))).toString()).toBe('x')
  })

  it('does not serve a call that names no zone from a zone', async () => {
    const { address } = await start()
    expect(await refusalCodeOf(unary(clientOf(address, 'beijing client', ''), 'one', Buffer.from('x')))).toBe(
      'HUB_NOT_RUNNING',
    )
  })

  it('serves members of every zone from a service of the hub', async () => {
    const log = createLogger({ name: 'test', level: 'silent' })
    const server = createGrpcServer({ identify: tokenIdentity(new Map(callers)), allow, log })
    open.push(server)
    server.mount(Echo, undefined, { ...echo, one: async (_request, { caller }) => Buffer.from(caller.zone) })
    const { address } = await server.listen({ port: 0 })
    expect(String(await unary(clientOf(address, 'tianjin client', 'tianjin'), 'one', Buffer.alloc(0)))).toBe('tianjin')
  })

  it('does not mount a service twice for one zone', async () => {
    const { server, routes } = await start()
    expect(() => server.mount(Echo, 'beijing', routes)).toThrow('already mounted')
  })
})

describe('failures', () => {
  it('carries a refusal to the caller, word for word', async () => {
    const refusal = {
      code: 'LICENCE_EXPIRED',
      field: 'event.valid_to',
      expected: 'a day not before today',
      zh: '证照已过期。',
      en: 'the licence has expired',
      grpc: status.FAILED_PRECONDITION,
    }
    const { address } = await start({
      one: () => Promise.reject(refuse(refusal)),
      async *many() {
        yield Buffer.from('first')
        throw refuse(refusal)
      },
    })
    expect(await failureOf(unary(clientOf(address), 'one', Buffer.alloc(0)))).toMatchObject({
      name: 'RefusedError',
      refusal,
    })
    const seen: string[] = []
    const error = await failureOf(
      (async () => {
        for await (const answer of serverStream(clientOf(address), 'many', Buffer.alloc(0))) seen.push(String(answer))
      })(),
    )
    expect(seen).toEqual(['first'])
    expect(error).toMatchObject({ name: 'RefusedError', refusal })
  })

  it('leaks nothing of an inner error, and logs it once under the id the caller gets', async () => {
    const { log, lines } = memoryLog()
    const { address } = await start({ one: () => Promise.reject(new Error('password of the database')) }, { log })
    const error = await failureOf(unary(clientOf(address), 'one', Buffer.alloc(0)))
    expect(error).toBeInstanceOf(PeerFailedError)
    const cause = (error as PeerFailedError).cause as {
      details: string
      metadata: { getMap(): Record<string, unknown> }
    }
    expect(
      cause.details + JSON.stringify(error) + String(cause.metadata.getMap()['grpc-status-details-bin']),
    ).not.toContain('password')
    expect(cause).toMatchObject({ code: status.INTERNAL })
    const line = lines().filter(({ level }) => level === 'error')
    expect(line).toHaveLength(1)
    expect(line[0]).toMatchObject({ route: '/hutong.test.Echo/One', err: { message: 'password of the database' } })
    expect(cause.details).toContain(String(line[0]?.errorId))
  })

  it('takes the status of a stranger inside a route for a failure of its own', async () => {
    const foreign = Object.assign(new Error('5 NOT_FOUND'), {
      code: status.NOT_FOUND,
      details: 'inner',
      metadata: undefined,
    })
    const { address } = await start({ one: () => Promise.reject(foreign) })
    expect(await failureOf(unary(clientOf(address), 'one', Buffer.alloc(0)))).toMatchObject({ grpc: status.INTERNAL })
  })

  it('says which failures can be waited out', async () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
    const { address } = await start({ one: () => Promise.reject(new Error('store', { cause: full })) })
    const error = await failureOf(unary(clientOf(address), 'one', Buffer.alloc(0)))
    expect(error).toMatchObject({ exitCode: 8, refusal: { code: 'LOCAL_DISK' } })
  })

  it('ends a call whose deadline passes, and tells the route', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const { address } = await start({
      one: (_request, { signal }) => {
        signal.addEventListener('abort', () => resolve(true))
        return new Promise(() => {})
      },
    })
    const error = await failureOf(unary(clientOf(address), 'one', Buffer.alloc(0), { deadlineMs: 50 }))
    expect(error).toMatchObject({ name: 'PeerUnavailableError', reason: 'deadline', exitCode: 6 })
    expect(await promise).toBe(true)
  })

  it('calls a peer that is not there unavailable', async () => {
    const error = await failureOf(unary(clientOf('127.0.0.1:1'), 'one', Buffer.alloc(0)))
    expect(error).toMatchObject({ name: 'PeerUnavailableError', reason: 'unavailable', exitCode: 6 })
  })

  it('throws the reason of the signal that ended a call', async () => {
    const { address } = await start({ one: () => new Promise(() => {}) })
    const stop = new AbortController()
    const work = failureOf(unary(clientOf(address), 'one', Buffer.alloc(0), { signal: stop.signal }))
    stop.abort(new Error('enough'))
    expect(await work).toMatchObject({ message: 'enough' })
  })

  it('refuses a message above the limit in both directions', async () => {
    const { address } = await start({ one: async () => Buffer.alloc(20_000) }, { maxMessageBytes: 10_000 })
    const client = clientOf(address)
    expect(await failureOf(unary(client, 'one', Buffer.alloc(10_001)))).toMatchObject({
      grpc: status.RESOURCE_EXHAUSTED,
    })
    expect(await failureOf(unary(client, 'one', Buffer.alloc(10)))).toMatchObject({ grpc: status.INTERNAL })
  })

  it('refuses one call more than it may run', async () => {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    const { address } = await start({ one: () => promise }, { maxRunningCalls: 1 })
    const client = clientOf(address)
    const first = unary(client, 'one', Buffer.alloc(0))
    await soon(50)
    expect(await refusalCodeOf(unary(client, 'one', Buffer.alloc(0)))).toBe('SERVER_BUSY')
    resolve(Buffer.from('done'))
    expect(String(await first)).toBe('done')
  })
})

describe('pace', () => {
  const big = Buffer.alloc(64 * 1024)

  it('does not run ahead of a slow reader', async () => {
    let made = 0
    const { address } = await start({
      async *many() {
        for (; made < 2_000; made++) yield big
      },
    })
    const answers = serverStream(clientOf(address), 'many', Buffer.alloc(0))
    await answers.next()
    await soon(300)
    const ahead = made
    // 2,000 answers are 125 MiB. What may wait: 16 messages on each side, the window and the socket's buffers.
    expect(ahead).toBeLessThan(150)
    let rest = 1
    for await (const _ of answers) rest++
    expect(rest).toBe(2_000)
  })

  it('does not run ahead of a route that reads slowly', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { address } = await start({
      async gather(requests) {
        await promise
        let count = 0
        for await (const _ of requests) count++
        return Buffer.from(String(count))
      },
    })
    let sent = 0
    const requests = function* () {
      for (; sent < 2_000; sent++) yield big
    }
    const answer = clientStream(clientOf(address), 'gather', requests())
    await soon(300)
    expect(sent).toBeLessThan(150)
    resolve()
    expect(String(await answer)).toBe('2000')
  })

  it('stops a route whose reader leaves', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const { address } = await start({
      async *many() {
        try {
          for (;;) yield big
        } finally {
          resolve('stopped')
        }
      },
    })
    for await (const _ of serverStream(clientOf(address), 'many', Buffer.alloc(0))) break
    expect(await promise).toBe('stopped')
  })
})

describe('stopping', () => {
  it('finishes what is running and takes nothing new', async () => {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    const { server, address } = await start({ one: () => promise })
    const client = clientOf(address)
    const running = unary(client, 'one', Buffer.alloc(0))
    await soon(50)
    const drained = server.drain()
    expect(await failureOf(unary(clientOf(address), 'one', Buffer.alloc(0), { deadlineMs: 300 }))).toBeInstanceOf(
      PeerUnavailableError,
    )
    resolve(Buffer.from('finished'))
    expect(String(await running)).toBe('finished')
    await drained
  })

  it('answers what it took from a stream, and says that it did not take all', async () => {
    const { server, address } = await start()
    const talk = bidi(clientOf(address), 'talk')
    const answers = talk.responses[Symbol.asyncIterator]()
    await talk.send(Buffer.from('taken'))
    expect(String((await answers.next()).value)).toBe('taken')
    const next = refusalCodeOf(answers.next())
    await server.drain()
    expect(await next).toBe('SHUTTING_DOWN')
  })

  it('ends an endless stream without waiting for the limit', async () => {
    const { server, address } = await start(
      {
        async *many(_request, { draining }) {
          yield Buffer.from('first')
          await new Promise((_, reject) => draining.addEventListener('abort', () => reject(draining.reason)))
        },
      },
      { drainLimitMs: 20_000 },
    )
    const answers = serverStream(clientOf(address), 'many', Buffer.alloc(0))
    await answers.next()
    const end = refusalCodeOf(answers.next())
    const startedMs = performance.now()
    await server.drain()
    expect(await end).toBe('SHUTTING_DOWN')
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })

  it('cuts a route that never ends, after the limit', async () => {
    const { server, address } = await start({ one: () => new Promise(() => {}) }, { drainLimitMs: 200 })
    const running = refusalCodeOf(unary(clientOf(address), 'one', Buffer.alloc(0)))
    await soon(50)
    const startedMs = performance.now()
    await server.drain()
    expect(await running).toBe('SHUTTING_DOWN')
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(190)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })
})

describe('where it listens', () => {
  it('does not listen beyond loopback unless told', async () => {
    const { server } = await start()
    await expect(server.listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow('loopback')
  })

  it('does not send a token unprotected beyond loopback', () => {
    expect(() => clientOf('192.0.2.1:443')).toThrow('unprotected')
  })
})

describe('a pool of channels', () => {
  it('opens one channel for an address, carries each client its own token, and closes it at the end', async () => {
    const { address } = await start({ one: async (_request, { caller }) => Buffer.from(caller.role + caller.zone) })
    const pool = createChannelPool()
    const client = (who: string) =>
      pool.client(EchoClient, address, { token: tokenOf(who), zone: 'beijing', defaultDeadlineMs: 5_000 })
    const [mine, hubs] = [client('beijing client'), client('hub client')]
    expect(mine.channel).toBe(hubs.channel)
    expect(String(await unary(mine, 'one', Buffer.alloc(0)))).toBe('clientbeijing')
    mine[Symbol.dispose]()
    expect(String(await unary(hubs, 'one', Buffer.alloc(0)))).toBe('clienthub')
    pool[Symbol.dispose]()
    await expect(unary(hubs, 'one', Buffer.alloc(0))).rejects.toThrow()
  })

  it.each([0, -1, 86_400_001, Number.NaN])('takes no deadline of %s ms', (defaultDeadlineMs) => {
    expect(() => createClient(EchoClient, '127.0.0.1:1', { defaultDeadlineMs })).toThrow('deadline')
  })
})
