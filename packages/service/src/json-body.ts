import { status } from '@grpc/grpc-js'
import { refuse } from './refusal.ts'

/** Deepest nesting of objects and lists in a body. */
export const JSON_DEPTH_LIMIT = 16

/**
 * Reads a body so that it can be read in one way only: JSON (RFC 8259) in which no object names a member twice, nested at most
 * JSON_DEPTH_LIMIT deep. What a faulty text says is in no error: it may be personal data.
 *
 * @throws what `refuse` makes, INVALID_ARGUMENT.
 */
export function jsonFromBody(text: string): unknown {
  const value = parsed(text)
  const objects: (Set<string> | undefined)[] = []
  // The text is JSON by now: a string is the name of a member where a colon follows.
  for (const [token, name, colon] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")([ \t\r\n]*:)?|[{}[\]]/g)) {
    if (token === '{' || token === '[') {
      if (objects.push(token === '{' ? new Set() : undefined) > JSON_DEPTH_LIMIT) throw notRead('TOO_DEEP')
    } else if (token === '}' || token === ']') objects.pop()
    else if (name !== undefined && colon !== undefined) addName(objects.at(-1), JSON.parse(name) as string)
  }
  return value
}

function addName(names: Set<string> | undefined, name: string): void {
  if (names?.has(name) || name === '__proto__') throw notRead('MEMBER_TWICE')
  names?.add(name)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notRead('MALFORMED_REQUEST')
  }
}

const reasons = {
  MALFORMED_REQUEST: { expected: 'JSON', zh: '请求内容无法解析。', en: 'the request cannot be read' },
  TOO_DEEP: {
    expected: `at most ${JSON_DEPTH_LIMIT} levels`,
    zh: '请求内容嵌套过深。',
    en: 'the body is nested too deep',
  },
  MEMBER_TWICE: {
    expected: 'each member once',
    zh: '请求内容中有重复的成员。',
    en: 'an object in the body names a member twice',
  },
} as const

function notRead(code: keyof typeof reasons): Error {
  return refuse({ code, field: 'body', ...reasons[code], grpc: status.INVALID_ARGUMENT })
}
