import type { Authority, Contact, KeyRole, SuiteName, Zone } from '@hutong/licence'
import { CommandError, exits } from './exit.ts'
import type { CharterDraft } from './first-charter.ts'

/**
 * Reads a draft out of JSON, strictly: a member that no draft has is refused, for a misspelt limit must not become a default.
 *
 * @throws {CommandError} it is no draft (exit 2), naming the member.
 */
export function charterDraftFromJson(text: string): CharterDraft {
  const draft = new Members(parsed(text), 'draft')
  const quorum = draft.optionalCount('quorum')
  const read: CharterDraft = {
    alliance: draft.text('alliance'),
    nameZh: draft.text('nameZh'),
    nameEn: draft.text('nameEn'),
    demonstration: draft.truth('demonstration'),
    zones: draft.list('zones', zoneFrom),
    logs: draft.list('logs', (log) => ({ owner: log.text('owner'), suite: log.oneOf('suite', suites) })),
    keys: draft.list('keys', (key) => ({
      vkey: key.text('vkey'),
      role: key.oneOf('role', roles),
      owner: key.text('owner'),
    })),
    ...(quorum === undefined ? {} : { quorum }),
    auditors: draft.texts('auditors'),
    adminThreshold: draft.count('adminThreshold'),
    heartbeatMs: draft.count('heartbeatMs'),
    maxClockOffsetMs: draft.count('maxClockOffsetMs'),
    freshMs: draft.count('freshMs'),
    usableMs: draft.count('usableMs'),
    declarationLeadMs: draft.count('declarationLeadMs'),
    declarationMinimumMs: draft.count('declarationMinimumMs'),
  }
  draft.end()
  return read
}

const suites: readonly SuiteName[] = ['SM2-SM3', 'ECDSA-P256', 'Ed25519']
const roles: readonly KeyRole[] = ['log', 'cosigner', 'admin', 'slip', 'presenter']

function zoneFrom(zone: Members): Zone {
  return {
    id: zone.text('id'),
    nameZh: zone.text('nameZh'),
    nameEn: zone.text('nameEn'),
    region: zone.text('region'),
    certificateAuthorities: zone.fingerprints('certificateAuthorities'),
    authorities: zone.list('authorities', authorityFrom),
  }
}

function authorityFrom(authority: Members): Authority {
  return {
    code: authority.text('code'),
    nameZh: authority.text('nameZh'),
    nameEn: authority.text('nameEn'),
    contact: authority.optional('contact', contactFrom),
    licenceTypes: authority.texts('licenceTypes'),
  }
}

function contactFrom(contact: Members): Contact {
  return {
    telephone: contact.text('telephone'),
    hoursZh: contact.text('hoursZh'),
    hoursEn: contact.text('hoursEn'),
    addressZh: contact.text('addressZh'),
    addressEn: contact.text('addressEn'),
  }
}

/** The members of one JSON object, each asked for once. */
class Members {
  readonly #members: Map<string, unknown>
  readonly #path: string

  constructor(json: unknown, path: string) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wanted(path, 'an object')
    this.#members = new Map(Object.entries(json))
    this.#path = path
  }

  text(name: string): string {
    const value = this.#take(name)
    return typeof value === 'string' && value.isWellFormed() ? value : this.#wanted(name, 'a text')
  }

  texts(name: string): readonly string[] {
    const value = this.#take(name)
    const all = Array.isArray(value) && value.every((one) => typeof one === 'string' && one.isWellFormed())
    return all ? value : this.#wanted(name, 'a list of texts')
  }

  truth(name: string): boolean {
    const value = this.#take(name)
    return typeof value === 'boolean' ? value : this.#wanted(name, 'true or false')
  }

  count(name: string): number {
    return this.optionalCount(name) ?? this.#wanted(name, 'a whole number from 0 on')
  }

  optionalCount(name: string): number | undefined {
    const value = this.#take(name)
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0))
      return value as number | undefined
    return this.#wanted(name, 'a whole number from 0 on')
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.#take(name)
    return words.find((word) => word === value) ?? this.#wanted(name, `one of ${words.join(', ')}`)
  }

  fingerprints(name: string): readonly Uint8Array[] {
    const all = this.texts(name)
    if (!all.every((one) => /^[0-9a-f]{64}$/.test(one))) this.#wanted(name, 'SHA-256 fingerprints in hex')
    return all.map((one) => Buffer.from(one, 'hex'))
  }

  list<T>(name: string, read: (members: Members) => T): readonly T[] {
    const value = this.#take(name)
    if (!Array.isArray(value)) return this.#wanted(name, 'a list')
    return value.map((one, at) => this.#whole(one, `${name}[${at}]`, read))
  }

  optional<T>(name: string, read: (members: Members) => T): T | undefined {
    const value = this.#take(name)
    return value === undefined ? undefined : this.#whole(value, name, read)
  }

  /** Says that everything was asked for. */
  end(): void {
    for (const name of this.#members.keys()) this.#wanted(name, 'no such member')
  }

  #whole<T>(value: unknown, name: string, read: (members: Members) => T): T {
    const members = new Members(value, `${this.#path}.${name}`)
    const result = read(members)
    members.end()
    return result
  }

  #take(name: string): unknown {
    const value = this.#members.get(name)
    this.#members.delete(name)
    return value
  }

  #wanted(name: string, expected: string): never {
    throw wanted(`${this.#path}.${name}`, expected)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandError(exits.usage, 'NOT_JSON', 'the draft is not JSON', error)
  }
}

function wanted(path: string, expected: string): CommandError {
  return new CommandError(exits.usage, 'DRAFT', `${path}: want ${expected}`)
}
