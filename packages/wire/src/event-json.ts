import type { Event, Extension, FileDigest, Holder, LicenceIssued, Restated } from '@hutong/licence'
import { isTime, largestIndex } from './bounds.ts'
import { asBytes } from './bytes.ts'
import { mannerNumbers, modeNumbers } from './event.ts'

/** An event out of JSON, or where it is none. Its form is checked by `licence` as for any other. */
export type EventJsonReading =
  | { readonly kind: 'event'; readonly event: Event }
  | {
      readonly kind: 'unreadable'
      /** Path of the field, such as event.licence_issued.holder.code. */
      readonly field: string
      readonly expected: string
    }

/**
 * Reads what `eventToJson` writes. A member left out is empty; a member that no event of this kind has, or of another type,
 * makes it no event: a misspelt `validUntil` must not become a licence without end. Never throws.
 */
export function eventFromJson(json: unknown): EventJsonReading {
  if (!isObject(json)) return { kind: 'unreadable', field: 'event', expected: 'an object' }
  const members = new JsonMembers(json, 'event')
  const event = members.read((event) => readEvent(event, event.text('kind')))
  const fault = members.faults[0]
  return fault === undefined ? { kind: 'event', event } : { kind: 'unreadable', ...fault }
}

/**
 * The event of a kind out of its members, each asked for by name. What is asked is also what is described (`event-schema.ts`), so nothing
 * may be asked for on a condition other than a choice made by `oneOf`.
 */
export function readEvent(members: Members, kind: string): Event {
  members.path = `event.${kind}`
  switch (kind) {
    case 'licence_issued':
      return { kind, ...readContent(members) }
    case 'licence_amended':
      return {
        kind,
        licence: members.object('licence', readLicence),
        supersedes: members.text('supersedes'),
        ...readGrounds(members),
      }
    case 'licence_renewed':
      return {
        kind,
        ...readDecision(members),
        validUntil: members.text('validUntil'),
        files: members.list('files', readFile),
      }
    case 'licence_corrected':
      return { kind, licence: members.object('licence', readLicence), ...readGrounds(members) }
    case 'licence_suspended':
    case 'licence_resumed':
      return { kind, ...readDecision(members) }
    case 'licence_revoked':
      return { kind, ...readDecision(members), manner: members.oneOf('manner', mannerNumbers) }
    case 'recognition_declared':
      return {
        kind,
        declarationId: members.text('declarationId'),
        version: members.count('version'),
        licenceType: members.text('licenceType'),
        issuingZones: members.texts('issuingZones'),
        matters: members.texts('matters'),
        mode: members.oneOf('mode', modeNumbers),
        effectiveFromMs: members.moment('effectiveFrom') ?? members.fault('effectiveFrom', momentWanted, 0),
        effectiveUntilMs: members.moment('effectiveUntil'),
        fields: members.texts('fields'),
        legalBasis: members.text('legalBasis'),
      }
    case 'recognition_withdrawn':
      return {
        kind,
        declarationId: members.text('declarationId'),
        version: members.count('version'),
        effectiveFromMs: members.moment('effectiveFrom'),
        reason: members.text('reason'),
      }
    case 'restated':
      return {
        kind,
        about: members.object('about', readAbout),
        index: members.integer('index'),
        leafHash: members.bytes('leafHash'),
      }
    default:
      if (kind !== 'observed') members.faults.unshift({ field: 'event.kind', expected: `one of ${kinds.join(', ')}` })
      return { kind: 'observed', head: members.bytes('head') }
  }
}

/** The kinds that JSON can name, in the order of their numbers. */
export const kinds: readonly Event['kind'][] = [
  'licence_issued',
  'licence_amended',
  'licence_suspended',
  'licence_resumed',
  'licence_revoked',
  'licence_renewed',
  'licence_corrected',
  'recognition_declared',
  'recognition_withdrawn',
  'restated',
  'observed',
]

/** How what JSON has no type for is written. */
export const patterns: Readonly<Record<'bytes' | 'integer' | 'moment', RegExp>> = {
  bytes: /^([0-9a-f]{2})*$/,
  integer: /^(0|[1-9][0-9]{0,18})$/,
  moment: /^([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?(Z|[+-][0-9]{2}:[0-9]{2})$/,
}

const momentWanted = 'a moment such as 2026-11-24T08:00:00Z or with +08:00, or whole milliseconds since 1970'

/** A licence within another event says its kind, as the event that would issue it does. */
function readLicence(members: Members): LicenceIssued {
  return { kind: members.oneOf('kind', { licence_issued: 1 }), ...readContent(members) }
}

function readContent(members: Members): Omit<LicenceIssued, 'kind'> {
  return {
    identifier: members.text('identifier'),
    authority: members.text('authority'),
    authorityName: members.text('authorityName'),
    licenceType: members.text('licenceType'),
    name: members.text('name'),
    number: members.text('number'),
    issuedOn: members.text('issuedOn'),
    holder: members.object('holder', readHolder),
    validFrom: members.text('validFrom'),
    validUntil: members.text('validUntil'),
    extensions: members.list('extensions', readExtension),
    files: members.list('files', readFile),
    demonstration: members.truth('demonstration'),
  }
}

function readHolder(members: Members): Holder {
  return { name: members.text('name'), code: members.text('code'), codeType: members.text('codeType') }
}

function readExtension(members: Members): Extension {
  return { name: members.text('name'), value: members.text('value') }
}

function readFile(members: Members): FileDigest {
  return {
    sha256: members.bytes('sha256'),
    sm3: members.bytes('sm3'),
    sizeBytes: members.integer('sizeBytes'),
    mediaType: members.text('mediaType'),
  }
}

function readDecision(members: Members): { identifier: string; authority: string; reason: string; decidedOn: string } {
  return { identifier: members.text('identifier'), authority: members.text('authority'), ...readGrounds(members) }
}

function readGrounds(members: Members): { reason: string; decidedOn: string } {
  return { reason: members.text('reason'), decidedOn: members.text('decidedOn') }
}

function readAbout(members: Members): Restated['about'] {
  const kind = members.oneOf('kind', { licence: 1, declaration: 2 })
  return kind === 'licence'
    ? { kind, identifier: members.text('identifier') }
    : { kind, declarationId: members.text('declarationId') }
}

interface Fault {
  readonly field: string
  readonly expected: string
}

/** The members of one object, asked for by name and type. What is absent is empty; a choice is never absent. */
export interface Members {
  path: string
  readonly faults: Fault[]
  fault<T>(name: string, expected: string, instead: T): T
  text(name: string): string
  texts(name: string): string[]
  truth(name: string): boolean
  count(name: string): number
  integer(name: string): bigint
  bytes(name: string): Uint8Array
  moment(name: string): number | undefined
  oneOf<T extends string>(name: string, choices: Readonly<Record<T, number>>): T
  object<T>(name: string, reader: (members: Members) => T): T
  list<T>(name: string, reader: (members: Members) => T): T[]
}

/** Members out of JSON: each is asked for once, and what nobody asked for is a fault. */
class JsonMembers implements Members {
  path: string
  readonly faults: Fault[]
  readonly #members: ReadonlyMap<string, unknown>
  readonly #asked = new Set<string>()

  constructor(json: unknown, path: string, faults: Fault[] = []) {
    this.path = path
    this.faults = faults
    this.#members = new Map(isObject(json) ? Object.entries(json) : [])
    if (!isObject(json)) this.faults.push({ field: path, expected: 'an object' })
  }

  read<T>(reader: (members: Members) => T): T {
    const value = reader(this)
    for (const name of this.#members.keys()) if (!this.#asked.has(name)) this.fault(name, 'no such member', undefined)
    return value
  }

  /** Notes what was expected of a member and goes on with a value that nobody will see. */
  fault<T>(name: string, expected: string, instead: T): T {
    this.faults.push({ field: `${this.path}.${snake(name)}`, expected })
    return instead
  }

  text(name: string): string {
    const value = this.#ask(name, '')
    return typeof value === 'string' && value.isWellFormed() ? value : this.fault(name, 'a text', '')
  }

  texts(name: string): string[] {
    const value = this.#ask(name, [])
    const all = Array.isArray(value) && value.every((one) => typeof one === 'string' && one.isWellFormed())
    return all ? (value as string[]) : this.fault(name, 'a list of texts', [])
  }

  truth(name: string): boolean {
    const value = this.#ask(name, false)
    return typeof value === 'boolean' ? value : this.fault(name, 'true or false', false)
  }

  count(name: string): number {
    const value = this.#ask(name, 0)
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff
    return fits ? value : this.fault(name, 'a whole number from 0 to 4294967295', 0)
  }

  integer(name: string): bigint {
    const value = this.#ask(name, 0)
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
    if (typeof value === 'string' && patterns.integer.test(value) && BigInt(value) <= largestIndex) {
      return BigInt(value)
    }
    return this.fault(name, 'a whole number from 0 to 2^63 - 1', 0n)
  }

  bytes(name: string): Uint8Array {
    const value = this.#ask(name, '')
    if (typeof value === 'string' && patterns.bytes.test(value)) return asBytes(Buffer.from(value, 'hex'))
    return this.fault(name, 'bytes in lower-case hex', new Uint8Array())
  }

  /** 0 is no moment here: on the wire it says none. */
  moment(name: string): number | undefined {
    const value = this.#ask(name)
    if (value === undefined) return undefined
    const milliseconds = typeof value === 'string' ? momentFromIso(value) : value
    const fits = typeof milliseconds === 'number' && isTime(milliseconds) && milliseconds > 0
    return fits ? milliseconds : this.fault(name, momentWanted, 1)
  }

  oneOf<T extends string>(name: string, choices: Readonly<Record<T, number>>): T {
    const value = this.#ask(name)
    const names = Object.keys(choices) as T[]
    return names.find((choice) => choice === value) ?? this.fault(name, `one of ${names.join(', ')}`, names[0]!)
  }

  object<T>(name: string, reader: (members: Members) => T): T {
    return new JsonMembers(this.#ask(name, {}), `${this.path}.${snake(name)}`, this.faults).read(reader)
  }

  list<T>(name: string, reader: (members: Members) => T): T[] {
    const value = this.#ask(name, [])
    if (!Array.isArray(value)) return this.fault(name, 'a list', [])
    return value.map((one, at) => new JsonMembers(one, `${this.path}.${snake(name)}[${at}]`, this.faults).read(reader))
  }

  #ask(name: string, absent?: unknown): unknown {
    this.#asked.add(name)
    const value = this.#members.get(name)
    return value === undefined ? absent : value
  }
}

function isObject(json: unknown): json is object {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Milliseconds of a moment written out with its zone; undefined for everything else, also for the thirtieth of February. */
export function momentFromIso(text: string): number | undefined {
  const parts = patterns.moment.exec(text)
  if (parts === null) return undefined
  const midnight = new Date(`${parts[1]}T00:00:00Z`)
  const real = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(parts[1]!)
  const milliseconds = Date.parse(text)
  return real && !Number.isNaN(milliseconds) ? milliseconds : undefined
}
