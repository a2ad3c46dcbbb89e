import type { FastifyInstance, InjectOptions } from 'fastify'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ApiRoute, addApiRoute } from './api-route.ts'
import { type Caller, tokenIdentity } from './caller.ts'
import { admitted } from './doors.ts'
import { createHttpApp } from './http-app.ts'
import { createLogger } from './logger.ts'
import { addOpenApi, OPEN_API_PATH } from './open-api.ts'

const tokenOf = (who: string) => `${who}-`.padEnd(40, 'x')
const identify = tokenIdentity(
  new Map<string, Caller>([
    [tokenOf('clerk'), { zone: 'beijing', role: 'client' }],
    [tokenOf('peer'), { zone: 'beijing', role: 'publisher' }],
    [tokenOf('stranger'), { zone: 'tianjin', role: 'client' }],
    [tokenOf('auditor'), { zone: 'hub', role: 'auditor' }],
  ]),
)
const doors = { zone: 'beijing', identify, allow: { '/hutong.v1.Test/Echo': ['client', 'auditor'] } } as const

const echo: ApiRoute = {
  method: 'POST',
  path: '/v1/echoes/:name',
  name: 'echo',
  service: 'test',
  summary: 'Says it again.',
  params: { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 100 } } },
  query: {
    type: 'object',
    properties: { times: { type: 'integer', minimum: 1, maximum: 3 } },
    additionalProperties: false,
  },
  body: { $ref: 'Said#' },
  answer: { type: 'object', properties: { said: { $ref: 'Said#' } } },
  admit: ({ headers }) => admitted(doors, '/hutong.v1.Test/Echo', headers.authorization),
}
const said = {
  $id: 'Said',
  type: 'object',
  required: ['words'],
  properties: { words: { type: 'array', maxItems: 2, items: { enum: ['yes', 'no'] } }, count: { type: 'integer' } },
  additionalProperties: false,
}

describe('a described route', () => {
  let app: FastifyInstance

  beforeAll(async () => {
    const log = createLogger({ name: 'test', level: 'silent' })
    app = await createHttpApp({ log, bodyLimitBytes: 1_000, knows: () => true })
    await addOpenApi(app, 'beijing')
    app.addSchema(said)
    addApiRoute(app, 'beijing', new AbortController().signal, echo, async ({ body, query, params, context }) => ({
      said: body,
      query,
      params,
      caller: context.caller,
    }))
    await app.ready()
  })

  const ask = (over: Partial<Exclude<InjectOptions, string>> & { who?: string } = {}) => {
    const { who = 'clerk', headers, ...rest } = over
    const authorization = who === '' ? {} : { authorization: `Bearer ${tokenOf(who)}` }
    const json = { words: ['yes'] }
    const options = { method: 'POST', url: '/v1/echoes/a', payload: json, ...rest } as const
    return app.inject({ ...options, headers: { ...authorization, ...headers } })
  }

  it('answers what its route gave, nothing left out, with numbers of the query as numbers', async () => {
    const answer = await ask({ url: '/v1/echoes/a?times=2', payload: { words: ['yes', 'no'], count: 1 } })
    expect(answer.json()).toEqual({
      said: { words: ['yes', 'no'], count: 1 },
      query: { times: 2 },
      params: { name: 'a' },
      caller: { zone: 'beijing', role: 'client' },
    })
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect((await ask({ who: 'auditor' })).statusCode).toBe(200)
  })

  const json = { 'content-type': 'application/json' }
  it.each<[string, Parameters<typeof ask>[0], number, string, string | undefined]>([
    ['no token', { who: '' }, 401, 'NOT_IDENTIFIED', 'authorization'],
    ['a token nobody knows', { who: 'nobody' }, 401, 'NOT_IDENTIFIED', 'authorization'],
    ['a token of another role', { who: 'peer' }, 403, 'NOT_AUTHORISED', undefined],
    ['a token of another zone', { who: 'stranger' }, 403, 'NOT_AUTHORISED', undefined],
    ['no such path', { url: '/v1/nowhere' }, 404, 'NO_SUCH_PATH', undefined],
    ['another method', { method: 'PUT' }, 405, 'METHOD_NOT_ALLOWED', 'method'],
    [
      'a method of which bodies are expected',
      { method: 'QUERY' as 'PUT', payload: '' },
      405,
      'METHOD_NOT_ALLOWED',
      'method',
    ],
    [
      'a parameter longer than routers like',
      { url: `/v1/echoes/${'x'.repeat(200)}` },
      400,
      'MALFORMED_REQUEST',
      'name',
    ],
    ['a path that is no text', { url: '/v1/echoes/%ff' }, 400, 'MALFORMED_REQUEST', undefined],
    ['another media type wanted', { headers: { accept: 'text/html' } }, 406, 'NOT_ACCEPTABLE', 'accept'],
    ['too large a body', { payload: `"${'x'.repeat(1_000)}"`, headers: json }, 413, 'BODY_TOO_LARGE', undefined],
    ['another media type', { payload: 'x', headers: { 'content-type': 'text/plain' } }, 415, 'MEDIA_TYPE', undefined],
    ['no JSON', { payload: '{', headers: json }, 400, 'MALFORMED_REQUEST', 'body'],
    ['a member twice', { payload: '{"words":[],"words":[]}', headers: json }, 400, 'MEMBER_TWICE', 'body'],
    ['a member missing', { payload: {} }, 400, 'MALFORMED_REQUEST', 'words'],
    ['a member too many', { payload: { words: [], more: 1 } }, 400, 'MALFORMED_REQUEST', 'more'],
    ['a text for a number', { payload: { words: [], count: '1' } }, 400, 'MALFORMED_REQUEST', 'count'],
    ['a word nobody knows, inside', { payload: { words: ['yes', 'hm'] } }, 400, 'MALFORMED_REQUEST', 'words[1]'],
    ['a number out of range', { url: '/v1/echoes/a?times=4' }, 400, 'MALFORMED_REQUEST', 'times'],
    ['no number in the query', { url: '/v1/echoes/a?times=two' }, 400, 'MALFORMED_REQUEST', 'times'],
    ['a parameter nobody knows', { url: '/v1/echoes/a?often=1' }, 400, 'MALFORMED_REQUEST', 'often'],
    ['no body', { payload: '' }, 400, 'MALFORMED_REQUEST', 'body'],
  ])('refuses %s as a problem with its code and field', async (_, asked, httpStatus, code, field) => {
    const answer = await ask(asked)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect([answer.statusCode, answer.json().code, answer.json().field]).toEqual([httpStatus, code, field])
  })

  it('tells a stranger how to show who it is, and another method which there are', async () => {
    expect((await ask({ who: '' })).headers['www-authenticate']).toBe('Bearer')
    expect((await ask({ method: 'PUT' })).headers.allow).toBe('POST')
  })

  it('lets nobody in before the body is read: a stranger learns nothing about it', async () => {
    expect((await ask({ who: '', payload: '{', headers: json })).statusCode).toBe(401)
  })

  it('stands in the document with its schema, its refusals and who may come in', async () => {
    const document = (await app.inject(OPEN_API_PATH)).json()
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/z/beijing' }] })
    expect(Object.keys(document.paths)).toEqual(['/v1/echoes/{name}'])
    const { post } = document.paths['/v1/echoes/{name}']
    expect(post).toMatchObject({ operationId: 'echo', tags: ['test'], security: [{ bearer: [] }] })
    expect(post.requestBody.content['application/json'].schema).toEqual({ $ref: '#/components/schemas/Said' })
    expect(post.parameters).toContainEqual({
      in: 'query',
      name: 'times',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 3 },
    })
    const refusals = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429, 500, 503]
    expect(Object.keys(post.responses).map(Number)).toEqual([200, ...refusals])
    for (const code of refusals) {
      const schema = { $ref: '#/components/schemas/Problem' }
      expect(post.responses[code].content).toEqual({ 'application/problem+json': { schema } })
    }
    expect(document.components.schemas.Said.properties.words).toEqual(said.properties.words)
    expect(document.components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
  })
})
