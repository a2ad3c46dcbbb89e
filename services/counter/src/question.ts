import { type AsOf, type Refusal, refusal } from '@hutong/licence'
import { refuse, status } from '@hutong/service'
import { asOfFromJson } from '@hutong/wire'
import type { CounterQuestion } from './counter.ts'

/** Longest identifier, matter and holder number that are passed on, in characters. */
export const lengths = { identifier: 128, matter: 64, holderCode: 64 } as const

/** The question in a body. Blanks around what a clerk typed or scanned are no part of it; an empty holder number is none. */
export function questionOf(body: unknown): CounterQuestion {
  const fields = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
  const holderCode = textOf(fields, 'holderCode')
  return {
    identifier: textOf(fields, 'identifier'),
    matter: textOf(fields, 'matter'),
    holderCode: holderCode === '' ? undefined : holderCode,
    asOf: asOfOf(fields.asOf),
  }
}

/** What says neither a position nor a time is no question about now. */
function asOfOf(value: unknown): AsOf | undefined {
  if (value === undefined) return undefined
  const expected = '{"position": 12} or {"time": "2026-03-01T00:00:00+08:00"}'
  const asOf = asOfFromJson(value)
  if (asOf === undefined) throw refused(refusal('AS_OF', { field: 'asOf', expected }))
  return asOf
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

/** The error for a question that is none. */
export function refused({ code, field, expected, zh, en }: Refusal): Error {
  return refuse({
    code,
    ...(field !== '' && { field }),
    ...(expected !== '' && { expected }),
    zh,
    en,
    grpc: code === 'NOT_YET' ? status.UNAVAILABLE : status.INVALID_ARGUMENT,
    // It contradicts what is here now: no failure of this service.
    ...(code === 'NOT_YET' && { http: 409 }),
  })
}

/** The error for a receipt number that was not given. */
export function noSuchReceipt(): Error {
  return refuse({
    code: 'NOT_FOUND',
    field: 'receipt',
    zh: '没有此查验编号。',
    en: 'no verdict was shown under this receipt number',
    grpc: status.NOT_FOUND,
  })
}
