import type { HttpRoutes } from '@hutong/service'
import { admitted, nameOf } from './admission.ts'
import type { IdentifyAsker } from './askers.ts'
import type { Counter } from './counter.ts'
import { counterPage, type Matter, type PageContent } from './page.ts'
import { pageScript, pageStyle } from './page-files.ts'
import { noSuchReceipt, questionOf } from './question.ts'

/** What the routes delegate to. */
export interface RouteParts {
  readonly zone: string
  readonly zoneNameZh: string
  readonly matters: readonly Matter[]
  readonly counter: Counter
  readonly identify: IdentifyAsker
  readonly clock: () => number
}

/** The page for a clerk, to be mounted under `/z/<zone>`. */
export function routesOf(parts: RouteParts): HttpRoutes {
  const { zone, counter, identify } = parts
  const page = (content: PageContent) => counterPage({ ...parts, nowMs: parts.clock() }, content)
  return (app) => {
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(body))))
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
