import { Ajv2020 } from 'ajv/dist/2020.js'
import { OPEN_API_PATH } from './open-api.ts'

/** An answer as a test received it, and what was read of it. */
export interface CheckedAnswer<Body> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

/** For tests: a caller of a zone's JSON interface that holds each answer against the document the interface itself gives. */
export interface CheckingCaller {
  /** `path` as in the document, its parameters filled in by `params`. @throws {Error} the answer is not as described. */
  ask<Body>(method: string, path: string, options?: AskOptions): Promise<CheckedAnswer<Body>>
}

export interface AskOptions {
  readonly params?: Readonly<Record<string, string>>
  /** Begins with `?`. */
  readonly query?: string
  /** undefined: none. */
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown
}

/** `base` is the address up to `/z/<zone>`. */
export async function checkingCaller(base: string): Promise<CheckingCaller> {
  const document = (await (await fetch(`${base}${OPEN_API_PATH}`)).json()) as OpenApiDocument
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema(document, 'document')
  return {
    async ask<Body>(method: string, path: string, options: AskOptions = {}) {
      const { params = {}, query = '', token, headers, body } = options
      const url = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
      const response = await fetch(`${base}${url}${query}`, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const [mediaType = ''] = (response.headers.get('content-type') ?? '').split(';')
      const place = ['paths', path, method.toLowerCase(), 'responses', `${response.status}`, 'content', mediaType]
      const pointer = [...place, 'schema'].map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
      const accepts = ajv.getSchema(`document#/${pointer}`)
      const text = await response.text()
      if (accepts === undefined) {
        throw new Error(`${method} ${path} answered ${response.status} ${mediaType}, which is not described: ${text}`)
      }
      const json = JSON.parse(text) as Body
      if (!accepts(json)) throw new Error(`${method} ${path}: ${ajv.errorsText(accepts.errors)}: ${text}`)
      return { status: response.status, headers: response.headers, body: json }
    },
  }
}

type OpenApiDocument = Readonly<Record<string, unknown>>
