import { hash, randomBytes } from 'node:crypto'
import { type Caller, isLoopback } from '@hutong/service'

/** What the transport says of a request. */
export interface Incoming {
  readonly remoteAddress: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Finds who asks; undefined: nobody who may. */
export type IdentifyAsker = (incoming: Incoming) => Caller | undefined

const roles: ReadonlySet<string> = new Set(['counter', 'client', 'operator', 'auditor'])

/**
 * Who may ask a zone's counter: bearers of a token of that zone, and, where that is opened, whoever sits at this machine. Tokens are
 * kept and found only as digests under a secret of this process.
 */
export function askersOf(zone: string, tokens: ReadonlyMap<string, Caller>, openOnLoopback: boolean): IdentifyAsker {
  const pepper = randomBytes(32).toString('hex')
  const digest = (token: string) => hash('sha256', pepper + token)
  const callers = new Map([...tokens].map(([token, caller]) => [digest(token), caller]))
  return ({ remoteAddress, headers }) => {
    const { authorization } = headers
    if (authorization === undefined) {
      return openOnLoopback && isAtThisMachine(remoteAddress, headers) ? { zone, role: 'counter' } : undefined
    }
    const [, token] =
      typeof authorization === 'string' ? (/^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization) ?? []) : []
    const caller = token === undefined ? undefined : callers.get(digest(token))
    return caller !== undefined && caller.zone === zone && roles.has(caller.role) ? caller : undefined
  }
}

/** Something forwarded comes from somewhere else, and a stranger's page must not ask through the clerk's browser. */
function isAtThisMachine(remoteAddress: string, headers: Incoming['headers']): boolean {
  const address = remoteAddress.replace(/^::ffff:/, '')
  const forwarded = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined)
  return isLoopback(address) && !forwarded && !isFromAnotherSite(headers)
}

/** Whether a browser says that a page of another origin has made it ask. */
export function isFromAnotherSite({ origin, host, 'sec-fetch-site': site }: Incoming['headers']): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`
}
