import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { credentials, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js'
import { service } from 'grpc-health-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createClient, serverStream, unary } from './grpc-client.ts'
import { createGrpcServer, type GrpcServer } from './grpc-server.ts'
import { createLogger } from './logger.ts'
import { createMetrics, grpcObserver } from './metrics.ts'

// Written by `buf build`: package hutong.test, message Text, service Echo with One.
const descriptorSet = Buffer.from(
  'CnoKCmVjaG8ucHJvdG8SC2h1dG9uZy50ZXN0IhoKBFRleHQSEgoEdGV4dBgBIAEoDFIEdGV4dDIzCgRFY2hvEisKA09uZRIRLmh1dG9uZy50ZXN0LlRleHQaES5odXRvbmcudGVzdC5UZXh0YgZwcm90bzPS9gMECAAYAA==',
  'base64',
)
const asItIs = (bytes: Buffer): Buffer => bytes
const Echo = {
  one: {
    path: '/hutong.test.Echo/One',
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  },
}

let server: GrpcServer | undefined
afterEach(() => server?.drain())

async function start(): Promise<{ server: GrpcServer; address: string; metrics: ReturnType<typeof createMetrics> }> {
  const metrics = createMetrics()
  server = createGrpcServer({
    identify: () => undefined,
    allow: {},
    log: createLogger({ name: 'test', level: 'silent' }),
    descriptorSet,
    drainLimitMs: 5_000,
    observe: grpcObserver(metrics),
  })
  server.mount(Echo, 'beijing', { one: async (request) => request })
  const { address } = await server.listen({ port: 0 })
  return { server, address, metrics }
}

async function check(address: string, name: string): Promise<string> {
  const Health = makeGenericClientConstructor(service as unknown as ServiceDefinition, 'grpc.health.v1.Health')
  const client = new Health(address, credentials.createInsecure())
  try {
    return await new Promise((resolve) =>
      client.Check?.({ service: name }, (error: { code: number } | null, answer: { status: string }) =>
        resolve(error === null ? answer.status : `status ${error.code}`),
      ),
    )
  } finally {
    client.close()
  }
}

describe('health', () => {
  it('says what is up, for a service and for its zones, to callers without a token', async () => {
    const { server, address } = await start()
    expect(await check(address, '')).toBe('SERVING')
    expect(await check(address, 'hutong.test.Echo')).toBe('SERVING')
    expect(await check(address, 'hutong.test.Echo/beijing')).toBe('SERVING')
    expect(await check(address, 'hutong.test.Echo/tianjin')).toBe('status 5')
    await server.unmount(Echo, 'beijing')
    expect(await check(address, 'hutong.test.Echo')).toBe('NOT_SERVING')
    expect(await check(address, 'hutong.test.Echo/beijing')).toBe('NOT_SERVING')
    expect(await check(address, '')).toBe('SERVING')
  })

  it('tells who watches of each change, and of the end', async () => {
    const { server, address } = await start()
    // biome-ignore lint/suspicious/noExplicitAny: proto-loader's definition carries no types for its messages.
    const client = createClient({ service: service as any }, address, { defaultDeadlineMs: 5_000 })
    const seen: string[] = []
    const watching = (async () => {
      for await (const { status } of serverStream(client, 'Watch', { service: 'hutong.test.Echo' }) as AsyncIterable<{
        status: string
      }>) {
        seen.push(status)
        if (seen.length === 1) void server.unmount(Echo, 'beijing')
        if (seen.length === 2) server.mount(Echo, 'beijing', { one: async (request) => request })
        if (seen.length === 3) void server.drain()
      }
    })()
    await expect(watching).rejects.toMatchObject({ refusal: { code: 'SHUTTING_DOWN' } })
    expect(seen.slice(0, 3)).toEqual(['SERVING', 'NOT_SERVING', 'SERVING'])
    client[Symbol.dispose]()
  })
})

describe('reflection', () => {
  it('tells buf what methods there are', async (ctx) => {
    const { address } = await start()
    const answer = await promisify(execFile)('buf', [
      'curl',
      '--http2-prior-knowledge',
      '--protocol',
      'grpc',
      '--list-methods',
      `http://${address}`,
    ]).catch((error) => {
      if (error.code === 'ENOENT') ctx.skip('buf: not installed, reflection was not asked by an outside client')
      throw error
    })
    expect(answer.stdout).toContain('hutong.test.Echo/One')
  })
})

describe('metrics', () => {
  it('count calls by method and status', async () => {
    const { address, metrics } = await start()
    const client = createClient({ service: Echo }, address, { zone: 'beijing', defaultDeadlineMs: 5_000 })
    await expect(unary(client, 'one', Buffer.alloc(0))).rejects.toThrow('NOT_IDENTIFIED')
    client[Symbol.dispose]()
    const { body, contentType } = await metrics.text()
    expect(contentType).toContain('text/plain')
    expect(body).toContain('hutong_grpc_call_seconds_count{method="/hutong.test.Echo/One",status="UNAUTHENTICATED"} 1')
  })
})
