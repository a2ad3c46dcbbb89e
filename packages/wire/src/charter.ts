import type { Authority, Charter, CharterKey, Contact, KeyRole, Log, SuiteName, Zone } from '@hutong/licence'
import type * as wire from '@hutong/proto/charter'
import { Charter as WireCharter } from '@hutong/proto/charter'
import { boundedTime, isTime, largestIndex } from './bounds.ts'
import { asBuffer } from './bytes.ts'
import { assertTexts } from './generated-message.ts'
import { charterRule } from './rules.ts'
import { readStrictly } from './strict-reader.ts'

/** A charter is never longer, in bytes. */
export const largestCharterBytes = 524_288

/** What the bytes of a charter come to. A charter that is not understood is not trusted in part. */
export type CharterReading =
  | { readonly kind: 'charter'; readonly charter: Charter }
  | { readonly kind: 'not_understood'; readonly why: string }
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * Reads a charter strictly. Bytes fields are views of `bytes`. Never throws. Whether its keys, logs and zones fit together is
 * for `verify` to judge.
 */
export function charterFromBytes(bytes: Uint8Array): CharterReading {
  if (bytes.length > largestCharterBytes) return { kind: 'unreadable', why: 'a charter of more than 512 KiB' }
  const reading = readStrictly(charterRule, bytes)
  if (reading.kind === 'unreadable') return reading
  if (reading.unknown !== undefined) return { kind: 'not_understood', why: reading.unknown }
  const message = reading.message
  const logs = allOrNone(message.logs.map(logFromMessage))
  const keys = allOrNone(message.keys.map(keyFromMessage))
  if (logs === undefined) return { kind: 'not_understood', why: 'Log: a suite that is not known here' }
  if (keys === undefined) return { kind: 'not_understood', why: 'Key: a role that is not known here' }
  if (message.number > largestIndex || keys.some(beyondBounds)) return { kind: 'unreadable', why: 'beyond 2^63 - 1' }
  const spans = allOrNone(spanNames.map((name) => boundedTime(message[name])))
  if (spans === undefined) return { kind: 'unreadable', why: 'a span of time beyond 2^53 - 1' }
  const [heartbeatMs, maxClockOffsetMs, freshMs, usableMs, declarationLeadMs, declarationMinimumMs] = spans
  return {
    kind: 'charter',
    charter: {
      number: message.number,
      previousSha256: message.previousSha256,
      alliance: message.alliance,
      nameZh: message.nameZh,
      nameEn: message.nameEn,
      demonstration: message.demonstration,
      zones: message.zones.map(zoneFromMessage),
      logs,
      keys,
      witnessPolicy: message.witnessPolicy,
      auditors: message.auditors,
      adminThreshold: message.adminThreshold,
      heartbeatMs: heartbeatMs!,
      maxClockOffsetMs: maxClockOffsetMs!,
      freshMs: freshMs!,
      usableMs: usableMs!,
      declarationLeadMs: declarationLeadMs!,
      declarationMinimumMs: declarationMinimumMs!,
    },
  }
}

/**
 * The bytes of a charter, serialised once: what is pinned and signed over is their SHA-256.
 * @throws {RangeError} the charter is none that `charterFromBytes` would read as it stands, or it is longer than 512 KiB.
 */
export function charterToBytes(charter: Charter): Uint8Array {
  assertTexts(charter)
  const bytes = WireCharter.encode({
    number: charter.number,
    previousSha256: asBuffer(charter.previousSha256),
    alliance: charter.alliance,
    nameZh: charter.nameZh,
    nameEn: charter.nameEn,
    demonstration: charter.demonstration,
    zones: charter.zones.map(zoneToWire),
    logs: charter.logs.map(({ origin, owner, suite }) => ({ origin, owner, suite: suiteNumbers[suite] })),
    keys: charter.keys.map((key) => ({ ...key, role: roleNumbers[key.role] })),
    witnessPolicy: charter.witnessPolicy,
    auditors: [...charter.auditors],
    adminThreshold: charter.adminThreshold,
    heartbeatMs: span(charter.heartbeatMs),
    maxClockOffsetMs: span(charter.maxClockOffsetMs),
    freshMs: span(charter.freshMs),
    usableMs: span(charter.usableMs),
    declarationLeadMs: span(charter.declarationLeadMs),
    declarationMinimumMs: span(charter.declarationMinimumMs),
  }).finish()
  const read = charterFromBytes(bytes)
  if (read.kind !== 'charter') throw new RangeError(`a charter that nobody would read: ${read.why}`)
  return bytes
}

/** A contact out of its wire form. */
export function contactFromWire({ telephone, hoursZh, hoursEn, addressZh, addressEn }: wire.Contact): Contact {
  return { telephone, hoursZh, hoursEn, addressZh, addressEn }
}

const suites: readonly (SuiteName | undefined)[] = [undefined, 'Ed25519', 'ECDSA-P256', 'SM2-SM3']
const suiteNumbers: Readonly<Record<SuiteName, 1 | 2 | 3>> = { Ed25519: 1, 'ECDSA-P256': 2, 'SM2-SM3': 3 }
const roles: readonly (KeyRole | undefined)[] = [undefined, 'log', 'cosigner', 'admin', 'slip', 'presenter']
const roleNumbers: Readonly<Record<KeyRole, 1 | 2 | 3 | 4 | 5>> = {
  log: 1,
  cosigner: 2,
  admin: 3,
  slip: 4,
  presenter: 5,
}
const spanNames = [
  'heartbeatMs',
  'maxClockOffsetMs',
  'freshMs',
  'usableMs',
  'declarationLeadMs',
  'declarationMinimumMs',
] as const

function allOrNone<T>(values: readonly (T | undefined)[]): T[] | undefined {
  const given = values.filter((value) => value !== undefined)
  return given.length === values.length ? given : undefined
}

function logFromMessage({ origin, owner, suite: number }: wire.Log): Log | undefined {
  const suite = suites[number]
  return suite === undefined ? undefined : { origin, owner, suite }
}

function keyFromMessage(message: wire.Key): CharterKey | undefined {
  const { vkey, owner, acceptedFrom, retiredAt, compromisedFrom } = message
  const role = roles[message.role]
  return role === undefined ? undefined : { vkey, role, owner, acceptedFrom, retiredAt, compromisedFrom }
}

function beyondBounds({ acceptedFrom, retiredAt, compromisedFrom }: CharterKey): boolean {
  return [acceptedFrom, retiredAt ?? 0n, compromisedFrom ?? 0n].some((index) => index > largestIndex)
}

function zoneFromMessage({ id, nameZh, nameEn, region, certificateAuthorities, authorities }: wire.Zone): Zone {
  return { id, nameZh, nameEn, region, certificateAuthorities, authorities: authorities.map(authorityFromMessage) }
}

function authorityFromMessage({ code, nameZh, nameEn, contact, licenceTypes }: wire.Authority): Authority {
  return { code, nameZh, nameEn, contact: contact && contactFromWire(contact), licenceTypes }
}

function zoneToWire({ id, nameZh, nameEn, region, certificateAuthorities, authorities }: Zone): wire.Zone {
  return {
    id,
    nameZh,
    nameEn,
    region,
    certificateAuthorities: certificateAuthorities.map(asBuffer),
    authorities: authorities.map((authority) => ({
      code: authority.code,
      nameZh: authority.nameZh,
      nameEn: authority.nameEn,
      contact: authority.contact,
      licenceTypes: [...authority.licenceTypes],
    })),
  }
}

function span(milliseconds: number): bigint {
  if (!isTime(milliseconds)) throw new RangeError(`a span of ${milliseconds} ms`)
  return BigInt(milliseconds)
}
