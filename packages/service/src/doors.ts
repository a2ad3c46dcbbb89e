import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { Caller, Identify, Role } from './caller.ts'
import { refuse } from './refusal.ts'

/** Which roles may call an RPC, by its path `/hutong.v1.LogService/Append`. What is not in it is denied. */
export type RoleTable = Readonly<Record<string, readonly Role[]>>

/** Whether the table names the role for a path. */
export function roleMay(allow: RoleTable, path: string, role: Role): boolean {
  return Object.hasOwn(allow, path) && allow[path]?.includes(role) === true
}

/** Whether a caller may reach services of a zone at all: its own zone's, and the hub's people every zone's. */
export function zoneMay(zone: string | undefined, caller: Caller): boolean {
  return zone === undefined || caller.zone === zone || caller.zone === 'hub'
}

/** Who may come in by HTTP to the services of one zone: the same people, tokens and role tables as by gRPC. */
export interface Doors {
  readonly zone: string
  readonly identify: Identify
  readonly allow: RoleTable
}

/**
 * The caller of an HTTP request, if `path` of the role table is open to it.
 * @throws what `refuse` makes: UNAUTHENTICATED or PERMISSION_DENIED.
 */
export function admitted({ zone, identify, allow }: Doors, path: string, authorization: string | undefined): Caller {
  const metadata = new Metadata()
  // grpc-js throws at what no header can carry; what it does not take is no token of ours.
  if (authorization !== undefined && /^[\x20-\x7e]*$/.test(authorization)) metadata.set('authorization', authorization)
  const caller = identify(metadata, {})
  if (caller === undefined) throw notIdentified()
  if (!roleMay(allow, path, caller.role) || !zoneMay(zone, caller)) throw notAuthorised()
  return caller
}

export function notIdentified(): ServiceError {
  return refuse({
    code: 'NOT_IDENTIFIED',
    field: 'authorization',
    zh: '未能确认调用方身份。',
    en: 'the caller has not shown who it is',
    grpc: status.UNAUTHENTICATED,
  })
}

export function notAuthorised(): ServiceError {
  return refuse({
    code: 'NOT_AUTHORISED',
    zh: '调用方无权执行此操作。',
    en: 'the caller may not do this',
    grpc: status.PERMISSION_DENIED,
  })
}
