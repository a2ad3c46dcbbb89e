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
  const refusal =
    refusalOf(error) ?? misshapen(error) ?? httpRefusal(error) ?? refusalOf(answerFromError(error, log, route))
  if (refusal === undefined) throw new Error('an answer made by refuse carries a refusal')
  return problemFromRefusal(refusal, httpStatusOf(error))
}

/** `httpStatus` where HTTP has a word of its own for it (413, 415). */
export function problemFromRefusal(refusal: Refusal, httpStatus?: number): Problem {
  return {
    status: refusal.http ?? httpStatus ?? HTTP_STATUSES.get(refusal.grpc) ?? 500,
    title: refusal.code,
    code: refusal.code,
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
    ...(refusal.expected === undefined ? {} : { expected: refusal.expected }),
    detail: refusal.zh,
    detail_en: refusal.en,
  }
}

/** What one part of a request does not share with its description. */
interface SchemaFault {
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** A request whose shape is not the described one: which field, and what was expected there. */
function misshapen(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('validation' in error) || !Array.isArray(error.validation)) return undefined
  const fault = deepest(error.validation as readonly SchemaFault[])
  if (fault === undefined) return undefined
  const { missingProperty, additionalProperty, allowedValues } = fault.params
  const member = missingProperty ?? additionalProperty
  const path = [...fault.instancePath.split('/').slice(1), ...(member === undefined ? [] : [String(member)])]
  const expected =
    additionalProperty !== undefined ? 'no such member' : (fault.message ?? '').replace(/^must (be )?/, '')
  const field = path.reduce((text, step) => (/^[0-9]+$/.test(step) ? `${text}[${step}]` : `${text}.${step}`), '')
  return {
    code: 'MALFORMED_REQUEST',
    field: field.replace(/^\./, '') || String('validationContext' in error ? error.validationContext : 'body'),
    expected: Array.isArray(allowedValues) ? `one of ${allowedValues.join(', ')}` : expected,
    zh: '请求内容不符合接口说明。',
    en: 'the request is not as the interface describes it',
    grpc: status.INVALID_ARGUMENT,
  }
}

/** Of several, the one furthest inside: what lies around it only says that something within does not fit. */
function deepest(faults: readonly SchemaFault[]): SchemaFault | undefined {
  const depth = ({ instancePath }: SchemaFault) => instancePath.split('/').length
  return faults.toSorted((left, right) => depth(right) - depth(left))[0]
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

/** What a path answers that is there, but not for this method. */
export function methodNotAllowed(allowed: readonly string[]): Error {
  return refuse({
    code: 'METHOD_NOT_ALLOWED',
    field: 'method',
    expected: allowed.join(', '),
    zh: '该地址不接受此方法。',
    en: 'this path does not answer to that method',
    grpc: status.UNIMPLEMENTED,
    http: 405,
  })
}

/** What a request answers that wants another media type than there is. */
export function notAcceptable(mediaType: string): Error {
  return refuse({
    code: 'NOT_ACCEPTABLE',
    field: 'accept',
    expected: mediaType,
    zh: '无法以所要求的内容类型答复。',
    en: 'the answer is not there in the media type asked for',
    grpc: status.INVALID_ARGUMENT,
    http: 406,
  })
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
