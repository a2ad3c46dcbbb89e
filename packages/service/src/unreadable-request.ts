import type { Duplex } from 'node:stream'
import { status } from '@grpc/grpc-js'
import { HEADERS_LIMIT_BYTES } from './http-limits.ts'
import { problemFromRefusal } from './problem.ts'
import { PROBLEM_TYPE } from './problem-schema.ts'
import type { Refusal } from './refusal.ts'

/** Answers, as a problem too, what no request could be read out of: no application sees it. `code` is node's. */
export function answerUnreadable(code: string | undefined, socket: Duplex): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const refusal = code === 'HPE_HEADER_OVERFLOW' ? headersTooLarge : malformedRequest
  const body = JSON.stringify(problemFromRefusal(refusal))
  const status = refusal === headersTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
  const head = [`HTTP/1.1 ${status}`, `content-type: ${PROBLEM_TYPE}; charset=utf-8`, 'connection: close']
  socket.end(`${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

const malformedRequest: Refusal = {
  code: 'MALFORMED_REQUEST',
  zh: '请求内容无法解析。',
  en: 'the request cannot be read',
  grpc: status.INVALID_ARGUMENT,
}

const headersTooLarge: Refusal = {
  code: 'HEADERS_TOO_LARGE',
  field: 'headers',
  expected: `at most ${HEADERS_LIMIT_BYTES} bytes`,
  zh: '请求头过大。',
  en: 'the headers of the request are too large',
  grpc: status.INVALID_ARGUMENT,
  http: 431,
}
