import { status } from '@grpc/grpc-js'
import { answerFromError } from './failure.ts'
import type { Logger } from './logger.ts'
import { type Refusal, refusalOf, refuse } from './refusal.ts'

/** A refusal as `application/problem+json` (RFC 9457): `type` is left to its default, `code` is ours. */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly code: string
  readonly field?: string
  readonly expected?: string
  /** One sentence each; `detail` is the Chinese one, as pages show it. */
  readonly detail: string
  readonly detail_en: string
}

// google/rpc/code.proto names the HTTP status of each code.
const HTTP_STATUSES: ReadonlyMap<status, number> = new Map([
  [status.INVALID_ARGUMENT, 400],
  [status.FAILED_PRECONDITION, 400],
  [status.OUT_OF_RANGE, 400],
  [status.UNAUTHENTICATED, 401],
  [status.PERMISSION_DENIED, 403],
  [status.NOT_FOUND, 404],
  [status.ALREADY_EXISTS, 409],
  [status.ABORTED, 409],
  [status.RESOURCE_EXHAUSTED, 429],
  [status.UNIMPLEMENTED, 501],
  [status.UNAVAILABLE, 503],
  [status.DEADLINE_EXCEEDED, 504],
])

/** The problem a caller may see; errors that are no refusal are logged once and become INTERNAL_ERROR, as under gRPC. */
export function problemFromError(error: unknown, log: Logger, route: string): Problem {
  const refusal = refusalOf(error) ?? httpRefusal(error) ?? refusalOf(answerFromError(error, log, route))
  if (refusal === undefined) throw new Error('an answer made by refuse carries a refusal')
  return problemFromRefusal(refusal, httpStatusOf(error))
}

/** `httpStatus` where HTTP has a word of its own for it (413, 415). */
export function problemFromRefusal(refusal: Refusal, httpStatus?: number): Problem {
  return {
    status: httpStatus ?? HTTP_STATUSES.get(refusal.grpc) ?? 500,
    title: refusal.code,
    code: refusal.code,
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
    ...(refusal.expected === undefined ? {} : { expected: refusal.expected }),
    detail: refusal.zh,
    detail_en: refusal.en,
  }
}

// What fastify itself refuses has a status from 400 to 499 and a code that begins with FST_; its text may quote the
// request, so it is not passed on.
function httpRefusal(error: unknown): Refusal | undefined {
  switch (httpStatusOf(error)) {
    case undefined:
      return undefined
    case 413:
      return {
        code: 'BODY_TOO_LARGE',
        zh: '请求内容过大。',
        en: 'the body is too large',
        grpc: status.INVALID_ARGUMENT,
      }
    case 415:
      return {
        code: 'MEDIA_TYPE',
        zh: '不支持的内容类型。',
        en: 'the media type is not read here',
        grpc: status.INVALID_ARGUMENT,
      }
    default:
      return {
        code: 'MALFORMED_REQUEST',
        zh: '请求内容无法解析。',
        en: 'the request cannot be read',
        grpc: status.INVALID_ARGUMENT,
      }
  }
}

function httpStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined
  const { statusCode, code } = error
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined
  return typeof code === 'string' && code.startsWith('FST_') ? statusCode : undefined
}

/** What a path that leads nowhere answers. */
export function notFound(): Error {
  return refuse({
    code: 'NO_SUCH_PATH',
    zh: '没有该地址。',
    en: 'there is nothing at this path',
    grpc: status.NOT_FOUND,
  })
}
