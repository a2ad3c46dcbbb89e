import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JSON_DEPTH_LIMIT, jsonFromBody } from './json-body.ts'

describe('a JSON body', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        if (!text.includes('"__proto__"')) expect(jsonFromBody(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    ['nothing', '', 'MALFORMED_REQUEST'],
    ['half of an object', '{"a":', 'MALFORMED_REQUEST'],
    ['a trailing comma', '[1,]', 'MALFORMED_REQUEST'],
    ['a member twice', '{"a":1,"b":{"c":[]},"a":2}', 'MEMBER_TWICE'],
    ['a member twice, once escaped', '{"a":1,"\\u0061" : 2}', 'MEMBER_TWICE'],
    ['a member twice further in', '{"x":[{"y":1},{"y":1,"y":1}]}', 'MEMBER_TWICE'],
    ['the prototype as a member', '{"__proto__":{}}', 'MEMBER_TWICE'],
    ['one level too many', `${'['.repeat(JSON_DEPTH_LIMIT + 1)}${']'.repeat(JSON_DEPTH_LIMIT + 1)}`, 'TOO_DEEP'],
    ['far too many levels', `${'['.repeat(400_000)}${']'.repeat(400_000)}`, 'TOO_DEEP'],
  ])('that is %s is refused', (_, text, code) => {
    expect(() => jsonFromBody(text)).toThrow(code)
  })

  it.each([
    ['as deep as may be', `${'['.repeat(JSON_DEPTH_LIMIT)}${']'.repeat(JSON_DEPTH_LIMIT)}`],
    ['the same member in two objects', '[{"a":1},{"a":1}]'],
    ['a text that looks like members', '{"a":"{\\"a\\":1,","b":"\\\\"}'],
    ['a text in a list before a member', '{"a":["b","b"],"b":1}'],
  ])('that is %s is read', (_, text) => {
    expect(jsonFromBody(text)).toEqual(JSON.parse(text))
  })
})
