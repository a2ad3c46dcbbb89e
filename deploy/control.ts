import { timingSafeEqual } from 'node:crypto'
import { type BoxStatus, controlPath } from '@hutong/cli'
import { type HttpRoutes, refuse, status } from '@hutong/service'

/** What the operator's endpoint of a box can do. */
export interface Controlled {
  /** `hub` and the zones. */
  readonly parts: readonly string[]
  stop(part: string): Promise<void>
  start(part: string): Promise<void>
  status(): Promise<BoxStatus>
}

/** The endpoint by which `hutong dev` stops and starts parts of a running box; for the operator's token alone. */
export function controlRoutes(box: Controlled, operatorToken: string): HttpRoutes {
  const wanted = Buffer.from(`Bearer ${operatorToken}`)
  const identify = (given: string | undefined) => {
    const shown = Buffer.from(given ?? '')
    if (shown.length !== wanted.length || !timingSafeEqual(shown, wanted)) throw notIdentified()
  }
  return (app) => {
    for (const action of ['stop', 'start'] as const) {
      app.post(`${controlPath}/${action}`, async (request) => {
        identify(request.headers.authorization)
        const part = partOf(box, request.body)
        await box[action](part)
        return { part, running: action === 'start' }
      })
    }
    app.get(`${controlPath}/status`, async (request) => {
      identify(request.headers.authorization)
      return box.status()
    })
  }
}

function partOf(box: Controlled, body: unknown): string {
  const part = typeof body === 'object' && body !== null && 'part' in body ? body.part : undefined
  const found = box.parts.find((name) => name === part)
  if (found !== undefined) return found
  throw refuse({
    code: 'UNKNOWN_PART',
    field: 'part',
    expected: box.parts.join(', '),
    zh: '没有该部分。',
    en: 'the box has no such part',
    grpc: status.INVALID_ARGUMENT,
  })
}

function notIdentified(): Error {
  return refuse({
    code: 'NOT_IDENTIFIED',
    field: 'authorization',
    zh: '未能确认调用方身份。',
    en: 'the caller has not shown who it is',
    grpc: status.UNAUTHENTICATED,
  })
}
