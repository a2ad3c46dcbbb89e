import type { Refusal } from '@hutong/licence'
import { type Caller, type HttpRoutes, refuse, status } from '@hutong/service'
import { verdictToJson } from '@hutong/wire'
import { type IdentifyAsker, type Incoming, isFromAnotherSite } from './askers.ts'
import type { Counter, CounterQuestion } from './counter.ts'
import { counterPage, type Matter, type PageContent } from './page.ts'
import { pageScript, pageStyle } from './page-files.ts'

/** Longest identifier, matter and holder number that are passed on, in characters. */
const lengths = { identifier: 128, matter: 64, holderCode: 64 } as const

/** What the routes delegate to. */
export interface RouteParts {
  readonly zone: string
  readonly zoneNameZh: string
  readonly matters: readonly Matter[]
  readonly counter: Counter
  readonly identify: IdentifyAsker
  readonly clock: () => number
}

/** The counter over HTTP, to be mounted under `/z/<zone>`: the JSON endpoint, and the page for a clerk. */
export function routesOf(parts: RouteParts): HttpRoutes {
  const { zone, counter, identify } = parts
  const page = (content: PageContent) => counterPage({ ...parts, nowMs: parts.clock() }, content)
  return (app) => {
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(body))))
    })

    app.post('/v1/verdicts', async (request) => {
      const caller = admitted(identify, request)
      const answer = await counter.ask(questionOf(request.body), nameOf(caller))
      if (answer.kind === 'refused') throw refused(answer.refusal)
      return verdictToJson(answer.verdict)
    })

    app.get<{ Params: { receipt: string } }>('/v1/verdicts/:receipt', async (request) => {
      admitted(identify, request)
      const verdict = await counter.shown(request.params.receipt)
      if (verdict === undefined) throw noSuchReceipt()
      return verdictToJson(verdict)
    })

    app.get('/', async (request, reply) => {
      admitted(identify, request)
      return reply.type(html).send(page({ kind: 'empty' }))
    })

    app.post('/', async (request, reply) => {
      const caller = admitted(identify, request)
      const question = questionOf(request.body)
      const answer = await counter.ask(question, nameOf(caller))
      if (answer.kind === 'refused') {
        return reply
          .status(400)
          .type(html)
          .send(page({ ...question, ...answer }))
      }
      const { receiptNumber } = answer.verdict
      // What is shown is what was kept, under an address that names no licence; loading it again asks nothing anew.
      if (receiptNumber !== '') return reply.redirect(`/z/${zone}/verdicts/${receiptNumber}`, 303)
      return reply.type(html).send(page({ kind: 'verdict', verdict: answer.verdict }))
    })

    app.get<{ Params: { receipt: string } }>('/verdicts/:receipt', async (request, reply) => {
      admitted(identify, request)
      const verdict = await counter.shown(request.params.receipt)
      if (verdict === undefined) throw noSuchReceipt()
      return reply.type(html).send(page({ kind: 'verdict', verdict }))
    })

    app.get('/counter.js', async (_request, reply) => reply.type('text/javascript; charset=utf-8').send(pageScript))
    app.get('/counter.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(pageStyle))
  }
}

const html = 'text/html; charset=utf-8'

interface Request {
  readonly headers: Incoming['headers']
  readonly socket: { readonly remoteAddress?: string | undefined }
}

function admitted(identify: IdentifyAsker, { headers, socket }: Request): Caller {
  const caller = identify({ remoteAddress: socket.remoteAddress ?? '', headers })
  if (caller !== undefined && !isFromAnotherSite(headers)) return caller
  throw refuse({
    code: 'NOT_AUTHORISED',
    zh: '无权在此查验。',
    en: 'the caller may not ask here',
    grpc: status.PERMISSION_DENIED,
  })
}

/** Who asked, for the access log: a role, and the name the transport proved. */
function nameOf({ role, name }: Caller): string {
  return name === undefined ? role : `${role}/${name}`
}

/** Blanks around what a clerk typed or scanned are no part of it; an empty holder number is none. */
function questionOf(body: unknown): CounterQuestion {
  const fields = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
  const holderCode = textOf(fields, 'holderCode')
  return {
    identifier: textOf(fields, 'identifier'),
    matter: textOf(fields, 'matter'),
    holderCode: holderCode === '' ? undefined : holderCode,
  }
}

function textOf(fields: Readonly<Record<string, unknown>>, field: keyof typeof lengths): string {
  const value = fields[field] ?? ''
  if (typeof value !== 'string' || value.length > lengths[field] || !value.isWellFormed()) {
    throw refuse({
      code: 'MALFORMED_REQUEST',
      field,
      expected: `a text of at most ${lengths[field]} characters`,
      zh: '请求内容无法解析。',
      en: 'the request cannot be read',
      grpc: status.INVALID_ARGUMENT,
    })
  }
  return value.trim()
}

function refused({ code, field, expected, zh, en }: Refusal): Error {
  return refuse({
    code,
    ...(field !== '' && { field }),
    ...(expected !== '' && { expected }),
    zh,
    en,
    grpc: status.INVALID_ARGUMENT,
  })
}

function noSuchReceipt(): Error {
  return refuse({
    code: 'NOT_FOUND',
    field: 'receipt',
    zh: '没有此查验编号。',
    en: 'no verdict was shown under this receipt number',
    grpc: status.NOT_FOUND,
  })
}
