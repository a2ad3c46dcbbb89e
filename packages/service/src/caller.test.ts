import { Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { type Caller, tokenIdentity } from './caller.ts'

const token = 'a'.repeat(32)
const caller: Caller = { zone: 'beijing', role: 'client' }
const identify = tokenIdentity(new Map([[token, caller]]))

function metadata(...values: string[]): Metadata {
  const all = new Metadata()
  for (const value of values) all.add('authorization', value)
  return all
}

describe('identity by token', () => {
  it.each([`Bearer ${token}`, `bearer ${token}`])('knows the caller of a token', (value) => {
    expect(identify(metadata(value), {})).toEqual(caller)
  })

  it.each([
    ['no token', []],
    ['another token', [`Bearer ${'b'.repeat(32)}`]],
    ['a token cut short', [`Bearer ${token.slice(1)}`]],
    ['a token grown longer', [`Bearer ${token}a`]],
    ['another scheme', [`Basic ${token}`]],
    ['no scheme', [token]],
    ['the scheme alone', ['Bearer ']],
    ['text after the token', [`Bearer ${token} x`]],
    ['two tokens, the first of them right', [`Bearer ${token}`, `Bearer ${'b'.repeat(32)}`]],
    ['a token of a megabyte', [`Bearer ${'a'.repeat(1_000_000)}`]],
  ])('knows nobody by %s', (_what, values) => {
    expect(identify(metadata(...values), {})).toBeUndefined()
  })

  it.each(['', 'short', 'a'.repeat(31), 'a'.repeat(513), `${token} `, '令'.repeat(40)])(
    'takes no token like "%s"',
    (bad) => {
      expect(() => tokenIdentity(new Map([[bad, caller]]))).toThrow(TypeError)
    },
  )
})
