import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts'
import { createLogger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { refuse } from './refusal.ts'

let server: HttpServer | undefined
afterEach(() => server?.drain())

async function start(options: Partial<HttpServerOptions> = {}): Promise<{ server: HttpServer; origin: string }> {
  server = await createHttpServer({ log: createLogger({ name: 'test', level: 'silent' }), ...options })
  const { address } = await server.listen({ port: 0 })
  return { server, origin: `http://${address}` }
}

async function problemOf(response: Response): Promise<{ status: number; code: string }> {
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  const problem = (await response.json()) as { status: number; code: string }
  expect(problem.status).toBe(response.status)
  return { status: problem.status, code: problem.code }
}

function statusWithHost(origin: string, host: string): Promise<number> {
  return new Promise((resolve, reject) =>
    httpRequest(`${origin}/healthz`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end(),
  )
}

describe('the HTTP server', () => {
  it('says that it is alive, and whether it is ready', async () => {
    let ready = false
    const { origin } = await start({ ready: () => ready })
    for (const method of ['GET', 'HEAD']) expect((await fetch(`${origin}/healthz`, { method })).status).toBe(200)
    expect(await problemOf(await fetch(`${origin}/readyz`))).toEqual({ status: 503, code: 'NOT_READY' })
    ready = true
    expect((await fetch(`${origin}/readyz`)).status).toBe(200)
  })

  it('serves metrics where there are some', async () => {
    const metrics = createMetrics()
    metrics.counter('hutong_test_total', 'a test').inc(3)
    const { origin } = await start({ metrics })
    expect(await (await fetch(`${origin}/metrics`)).text()).toContain('hutong_test_total 3')
  })

  it('answers a refusal of a route as a problem', async () => {
    const refusal = {
      code: 'LICENCE_EXPIRED',
      field: 'number',
      zh: '证照已过期。',
      en: 'expired',
      grpc: status.NOT_FOUND,
    }
    const { origin } = await start({
      routes: (app) => {
        app.get('/x', () => Promise.reject(refuse(refusal)))
      },
    })
    const response = await fetch(`${origin}/x`)
    expect(await response.json()).toEqual({
      status: 404,
      title: 'LICENCE_EXPIRED',
      code: 'LICENCE_EXPIRED',
      field: 'number',
      detail: '证照已过期。',
      detail_en: 'expired',
    })
  })

  it('leaks nothing of an inner error, nor a path that may hold a number, and logs it once', async () => {
    const lines: string[] = []
    const log = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } })
    const { origin } = await start({
      log,
      routes: (app) => {
        app.get('/licence/:number', () => Promise.reject(new Error('password of the database')))
      },
    })
    const response = await fetch(`${origin}/licence/110108199001011234`)
    const body = await response.text()
    expect(response.status).toBe(500)
    expect(body).not.toContain('password')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('password of the database')
    expect(lines[0]).not.toContain('110108199001011234')
    expect(body).toContain(JSON.parse(lines[0] ?? '').errorId)
  })

  it.each([
    [
      'a body that is no JSON',
      { body: '{', headers: { 'content-type': 'application/json' } },
      400,
      'MALFORMED_REQUEST',
    ],
    [
      'a body above the limit',
      { body: `"${'x'.repeat(2_000)}"`, headers: { 'content-type': 'application/json' } },
      413,
      'BODY_TOO_LARGE',
    ],
    ['a media type nobody reads', { body: 'x', headers: { 'content-type': 'image/png' } }, 415, 'MEDIA_TYPE'],
  ])('refuses %s', async (_what, request, httpStatus, code) => {
    const { origin } = await start({
      bodyLimitBytes: 1_000,
      routes: (app) => {
        app.post('/x', async (request) => request.body)
      },
    })
    const response = await fetch(`${origin}/x`, { method: 'POST', ...request })
    expect(await problemOf(response)).toEqual({ status: httpStatus, code })
  })

  it('answers a path that leads nowhere as a problem', async () => {
    const { origin } = await start()
    expect(await problemOf(await fetch(`${origin}/nowhere`))).toEqual({ status: 404, code: 'NO_SUCH_PATH' })
  })

  it.each([
    ['headers above the limit', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['what is no HTTP', 'hello\r\n\r\n', 400, 'MALFORMED_REQUEST'],
  ])('answers %s as a problem too', async (_what, sent, httpStatus, code) => {
    const { origin } = await start()
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.write(sent)
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
    expect(head).toContain('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ status: httpStatus, code })
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${httpStatus} `))
  })

  it('answers only to host names it knows', async () => {
    const { origin } = await start({ hostNames: ['hutong.example'] })
    const port = new URL(origin).port
    expect(await statusWithHost(origin, `localhost:${port}`)).toBe(200)
    expect(await statusWithHost(origin, `hutong.example:${port}`)).toBe(200)
    expect(await statusWithHost(origin, `attacker.example:${port}`)).toBe(403)
  })

  it('does not listen beyond loopback unless told', async () => {
    const { server } = await start()
    await expect(server.listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow('loopback')
  })

  it('forbids caches and frames', async () => {
    const { headers } = await fetch(`${(await start()).origin}/healthz`)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })
})

describe('zones under HTTP', () => {
  const sayName = (name: string) => (app: Parameters<NonNullable<HttpServerOptions['routes']>>[0]) => {
    app.get('/', async () => `${name} root`)
    app.get('/name', async (request) => `${name} ${JSON.stringify(request.query)}`)
    app.post('/echo', async (request) => request.body)
  }

  it('are served under their prefix, and see paths without it', async () => {
    const { server, origin } = await start()
    await server.mount('beijing', sayName('beijing'))
    await server.mount('tianjin', sayName('tianjin'))
    expect(await (await fetch(`${origin}/z/beijing/name?a=1`)).text()).toBe('beijing {"a":"1"}')
    expect(await (await fetch(`${origin}/z/tianjin/name`)).text()).toBe('tianjin {}')
    expect(await (await fetch(`${origin}/z/beijing`)).text()).toBe('beijing root')
    const echo = await fetch(`${origin}/z/beijing/echo`, {
      method: 'POST',
      body: '{"a":"你"}',
      headers: { 'content-type': 'application/json' },
    })
    expect(await echo.json()).toEqual({ a: '你' })
  })

  it('are refused as not running when unmounted, and served when mounted again', async () => {
    const { server, origin } = await start()
    expect(await problemOf(await fetch(`${origin}/z/beijing/name`))).toEqual({ status: 503, code: 'ZONE_NOT_RUNNING' })
    await server.mount('beijing', sayName('beijing'))
    expect((await fetch(`${origin}/z/beijing/name`)).status).toBe(200)
    await server.unmount('beijing')
    expect(await problemOf(await fetch(`${origin}/z/beijing/name`))).toEqual({ status: 503, code: 'ZONE_NOT_RUNNING' })
    await server.mount('beijing', sayName('new beijing'))
    expect(await (await fetch(`${origin}/z/beijing/name`)).text()).toBe('new beijing {}')
  })

  it.each(['Beijing', '../x', '', 'a/b'])('are not mounted under the name "%s"', async (zone) => {
    const { server } = await start()
    await expect(server.mount(zone, sayName('x'))).rejects.toThrow('lower-case')
  })
})

describe('stopping the HTTP server', () => {
  it('finishes what is running', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const arrived = Promise.withResolvers<void>()
    const { server, origin } = await start({
      routes: (app) => {
        app.get('/slow', () => {
          arrived.resolve()
          return promise
        })
      },
    })
    const running = fetch(`${origin}/slow`)
    await arrived.promise
    const drained = server.drain()
    await expect(fetch(`${origin}/healthz`)).rejects.toThrow()
    resolve('finished')
    expect(await (await running).text()).toBe('finished')
    await drained
  })

  it('cuts a request that never ends, after the limit', async () => {
    const arrived = Promise.withResolvers<void>()
    const { server, origin } = await start({
      drainLimitMs: 100,
      routes: (app) => {
        app.get('/never', () => {
          arrived.resolve()
          return new Promise(() => {})
        })
      },
    })
    const running = fetch(`${origin}/never`).then(
      () => 'answered',
      () => 'cut',
    )
    await arrived.promise
    await server.drain()
    expect(await running).toBe('cut')
  })
})
