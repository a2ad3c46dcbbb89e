import { hash, randomBytes } from 'node:crypto'
import type { Metadata } from '@grpc/grpc-js'

/** What a process or a person may be, as in the URI SAN `hutong://<alliance>/<zone or hub>/<role>[/<name>]`. */
export type Role = 'publisher' | 'log' | 'verifier' | 'counter' | 'auditor' | 'operator' | 'client'

/** Who calls, as far as the transport has proven it. */
export interface Caller {
  readonly zone: string | 'hub'
  readonly role: Role
  readonly name?: string
}

/**
 * Finds the caller in what the transport says of him; undefined when nothing there proves anybody. `authContext` is
 * grpc-js's: the peer's certificate under mTLS, else empty. Must not throw for anything a caller can send.
 */
export type Identify = (metadata: Metadata, authContext: unknown) => Caller | undefined

/** A token shorter than this could be guessed; a longer one than the limit is not hashed at all. */
export const TOKEN_LENGTH_LEAST = 32
export const TOKEN_LENGTH_LIMIT = 512

/**
 * Identity by bearer token: metadata `authorization: Bearer <token>`, exactly once. Tokens are kept and found only as
 * SHA-256 under a secret of this process, so the time a look-up takes says nothing about a token.
 *
 * @throws {TypeError} a token is shorter than 32 or longer than 512 characters, or not printable ASCII without spaces.
 */
export function tokenIdentity(tokens: ReadonlyMap<string, Caller>): Identify {
  const pepper = randomBytes(32).toString('hex')
  const digest = (token: string) => hash('sha256', pepper + token)
  const callers = new Map([...tokens].map(([token, caller]) => [digest(checkedToken(token)), caller]))
  return (metadata) => {
    const values = metadata.get('authorization')
    const token = values.length === 1 ? bearerToken(values[0]) : undefined
    return token === undefined ? undefined : callers.get(digest(token))
  }
}

function checkedToken(token: string): string {
  if (token.length < TOKEN_LENGTH_LEAST || token.length > TOKEN_LENGTH_LIMIT)
    throw new TypeError(`a token has ${token.length} characters: want ${TOKEN_LENGTH_LEAST} to ${TOKEN_LENGTH_LIMIT}`)
  if (!/^[\x21-\x7e]+$/.test(token)) throw new TypeError('a token holds a character that no header carries')
  return token
}

function bearerToken(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > TOKEN_LENGTH_LIMIT + 'Bearer '.length) return undefined
  return /^Bearer ([\x21-\x7e]+)$/i.exec(value)?.[1]
}
