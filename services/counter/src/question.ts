import type { Refusal } from '@hutong/licence'
import { refuse, status } from '@hutong/service'
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

/** The error for a question that is none. */
export function refused({ code, field, expected, zh, en }: Refusal): Error {
  return refuse({
    code,
    ...(field !== '' && { field }),
    ...(expected !== '' && { expected }),
    zh,
    en,
    grpc: status.INVALID_ARGUMENT,
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
