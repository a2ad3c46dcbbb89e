import type { JsonSchema } from './api-route.ts'

/** The media type of every refusal. */
export const PROBLEM_TYPE = 'application/problem+json'

/** A `Problem` as its reader sees it. */
export const problemSchema: JsonSchema = {
  $id: 'Problem',
  type: 'object',
  required: ['status', 'title', 'code', 'detail', 'detail_en'],
  properties: {
    status: { type: 'integer', minimum: 400, maximum: 599 },
    title: { type: 'string' },
    code: {
      type: 'string',
      pattern: '^[A-Z][A-Z0-9_]{1,62}$',
      description: 'Closed and stable: what a program acts on.',
    },
    field: { type: 'string', description: 'Path of the field that is at fault.' },
    expected: { type: 'string', description: 'What would have been accepted there.' },
    detail: { type: 'string', description: 'One sentence for people, Chinese.' },
    detail_en: { type: 'string', description: 'The same sentence, English.' },
  },
  additionalProperties: false,
}

const meanings: Readonly<Record<number, string>> = {
  400: 'The request cannot be read, or is not as described here: the program that sent it must change.',
  401: 'The caller has not shown who it is.',
  403: 'The caller may not do this.',
  404: 'There is no such thing.',
  405: 'The path does not answer to this method.',
  406: 'The answer is not there in the media type asked for.',
  409: 'It contradicts what is there already, or asks for what is not there yet.',
  413: 'The body is too large.',
  415: 'The body has another media type.',
  422: 'The request is well formed, and what it asks for cannot be.',
  429: 'Too much at once; the same may be sent again.',
  500: 'A failure of this service.',
  503: 'Not possible now; the same may be sent again.',
}

/** Every refusal a route can give, as the document says it. */
export function problemResponses(): Readonly<Record<string, JsonSchema>> {
  const content = { [PROBLEM_TYPE]: { schema: { $ref: 'Problem#' } } }
  return Object.fromEntries(Object.entries(meanings).map(([code, description]) => [code, { description, content }]))
}
