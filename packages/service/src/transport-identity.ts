import type { X509Certificate } from 'node:crypto'
import type { Caller, Role } from './caller.ts'

/** Who a process or a person is to the transport: a caller, and the alliance whose word that is. */
export interface TransportIdentity {
  readonly alliance: string
  readonly caller: Caller
}

/** Why a text or a certificate names nobody, in both languages. Not one character is mended: an identity has one spelling. */
export interface NoIdentity {
  readonly kind: 'no-identity'
  /** UPPER_SNAKE, stable. */
  readonly code: NoIdentityCode
  readonly zh: string
  readonly en: string
}

export type NoIdentityCode =
  | 'IDENTITY_SCHEME'
  | 'IDENTITY_ALLIANCE'
  | 'IDENTITY_ZONE'
  | 'IDENTITY_ROLE'
  | 'IDENTITY_NAME'
  | 'IDENTITY_ABSENT'
  | 'IDENTITY_SEVERAL'
  | 'IDENTITY_NAMES_UNREADABLE'

/** An alliance's name in an identity is written as a host name: also a field of 64 characters in a certificate must hold it. */
export const ALLIANCE_LENGTH_LIMIT = 63
export const IDENTITY_NAME_LENGTH_LIMIT = 32

/**
 * Reads `hutong://<alliance>/<zone or hub>/<role>[/<name>]` (docs/domain.md, "Who is who"): lower case alone, no port, query, fragment,
 * percent sign, empty part or slash at the end.
 */
export function transportIdentityFromText(text: string): TransportIdentity | NoIdentity {
  if (!text.startsWith(scheme)) return noIdentity('IDENTITY_SCHEME')
  const [alliance = '', zone = '', role = '', name, ...more] = text.slice(scheme.length).split('/')
  if (alliance.length > ALLIANCE_LENGTH_LIMIT || !hostName.test(alliance)) return noIdentity('IDENTITY_ALLIANCE')
  if (!zoneId.test(zone)) return noIdentity('IDENTITY_ZONE')
  if (!isRole(role)) return noIdentity('IDENTITY_ROLE')
  if (name === undefined) return { alliance, caller: { zone, role } }
  if (more.length > 0 || !callerName.test(name)) return noIdentity('IDENTITY_NAME')
  return { alliance, caller: { zone, role, name } }
}

/** The one spelling of an identity; the inverse of `transportIdentityFromText`. */
export function transportIdentityToText({ alliance, caller: { zone, role, name } }: TransportIdentity): string {
  return `${scheme}${alliance}/${zone}/${role}${name === undefined ? '' : `/${name}`}`
}

/**
 * The identity in a certificate: its only URI among the alternative names. Says nothing about whether the certificate is to be
 * believed; only a handshake that verified it does.
 */
export function transportIdentityFromCertificate(certificate: X509Certificate): TransportIdentity | NoIdentity {
  const names = alternativeNames(certificate.subjectAltName ?? '')
  if (names === undefined) return noIdentity('IDENTITY_NAMES_UNREADABLE')
  const uris = names.filter(({ type }) => type === 'URI')
  if (uris.length === 0) return noIdentity('IDENTITY_ABSENT')
  // Of two, each reader would believe another one.
  if (uris.length > 1) return noIdentity('IDENTITY_SEVERAL')
  return transportIdentityFromText(uris[0]!.value)
}

const scheme = 'hutong://'
const hostName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
const zoneId = /^[a-z][a-z0-9]{0,31}$/
const callerName = new RegExp(`^[a-z0-9][a-z0-9-]{0,${IDENTITY_NAME_LENGTH_LIMIT - 1}}$`)

const roles: Readonly<Record<Role, true>> = {
  publisher: true,
  log: true,
  verifier: true,
  counter: true,
  auditor: true,
  operator: true,
  client: true,
}

function isRole(word: string): word is Role {
  return Object.hasOwn(roles, word)
}

const sentences: Readonly<Record<NoIdentityCode, { readonly zh: string; readonly en: string }>> = {
  IDENTITY_SCHEME: {
    zh: '身份应写作 hutong://联盟/区或hub/角色[/名称]',
    en: 'an identity is written hutong://<alliance>/<zone or hub>/<role>[/<name>]',
  },
  IDENTITY_ALLIANCE: {
    zh: `联盟应写作小写主机名，至多 ${ALLIANCE_LENGTH_LIMIT} 个字符`,
    en: `the alliance is a host name in lower case of at most ${ALLIANCE_LENGTH_LIMIT} characters`,
  },
  IDENTITY_ZONE: {
    zh: '区应为章程中的区编号或 hub',
    en: 'the zone is an id as in the charter (a lower-case letter, then letters and digits, at most 32), or hub',
  },
  IDENTITY_ROLE: {
    zh: `角色应为以下之一：${Object.keys(roles).join('、')}`,
    en: `the role is one of ${Object.keys(roles).join(', ')}`,
  },
  IDENTITY_NAME: {
    zh: `名称应为小写字母、数字与连字符，至多 ${IDENTITY_NAME_LENGTH_LIMIT} 个，其后不得再有内容`,
    en: `the name has lower-case letters, digits and hyphens, at most ${IDENTITY_NAME_LENGTH_LIMIT}, and nothing follows it`,
  },
  IDENTITY_ABSENT: { zh: '证书中没有 URI 名称', en: 'the certificate has no URI among its alternative names' },
  IDENTITY_SEVERAL: { zh: '证书中有多个 URI 名称', en: 'the certificate has several URIs among its alternative names' },
  IDENTITY_NAMES_UNREADABLE: {
    zh: '证书的备用名称无法读取',
    en: 'the alternative names of the certificate cannot be read',
  },
}

function noIdentity(code: NoIdentityCode): NoIdentity {
  return { kind: 'no-identity', code, ...sentences[code] }
}

/**
 * The names in node's text, where each is `TYPE:value` and a value with a comma or a quotation mark stands in quotation marks: cut at
 * commas alone, a host name could pretend to be a URI beside it.
 */
function alternativeNames(text: string): readonly { readonly type: string; readonly value: string }[] | undefined {
  const names: { readonly type: string; readonly value: string }[] = []
  for (let at = 0; at < text.length; ) {
    oneName.lastIndex = at
    const [whole, type, value] = oneName.exec(text) ?? []
    if (whole === undefined || type === undefined || value === undefined) return undefined
    names.push({ type, value })
    at += whole.length
  }
  return names
}

const oneName = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y
