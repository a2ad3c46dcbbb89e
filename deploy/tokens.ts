import { randomBytes } from 'node:crypto'
import type { BoxFile, BoxRole } from '@hutong/cli'
import type { Caller, Role } from '@hutong/service'

const zoneRoles: readonly Role[] = ['publisher', 'verifier', 'counter', 'operator', 'client']
const hubRoles: readonly Role[] = ['log', 'operator', 'auditor']
const tokenSizeBytes = 32

/** Who may call whom in a box, drawn at each start: one token for each zone and role. */
export interface Tokens {
  /** For `tokenIdentity`. */
  readonly callers: ReadonlyMap<string, Caller>
  /** @throws {RangeError} no such token. */
  of(owner: string, role: Role): string
  /** Those that a person at the command line needs. */
  forPeople(): BoxFile['tokens']
}

export function drawTokens(zones: readonly string[]): Tokens {
  const callers = new Map<string, Caller>()
  const byName = new Map<string, string>()
  const draw = (zone: string, role: Role) => {
    const token = randomBytes(tokenSizeBytes).toString('base64url')
    callers.set(token, { zone, role })
    byName.set(`${zone}/${role}`, token)
  }
  for (const role of hubRoles) draw('hub', role)
  for (const zone of zones) for (const role of zoneRoles) draw(zone, role)
  const of = (owner: string, role: Role) => {
    const token = byName.get(`${owner}/${role}`)
    if (token === undefined) throw new RangeError(`no token for ${role} of ${owner}`)
    return token
  }
  const pick = (owner: string, roles: readonly BoxRole[]) =>
    [owner, Object.fromEntries(roles.map((role) => [role, of(owner, role)]))] as const
  return {
    callers,
    of,
    forPeople: () =>
      Object.fromEntries([
        pick('hub', ['operator', 'auditor']),
        ...zones.map((zone) => pick(zone, ['client', 'operator'])),
      ]),
  }
}
