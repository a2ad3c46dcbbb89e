import { createHash } from 'node:crypto'
import type { LicenceIssued, RecognitionDeclared } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { digestRoot, digestRow, digestRowHash } from './digest.ts'
import { emptyFold } from './fold.ts'
import { type Published, revoked, suspended, World } from './world.ts'

// The rows are made here by hand, field by field, from state.proto and payload.proto; the root by node:crypto alone.

function varint(value: bigint | number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

/** A field as proto3 writes it: nothing for the default. */
function field(number: number, value: bigint | number | string | Uint8Array | readonly Buffer[]): Buffer {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return BigInt(value) === 0n ? Buffer.alloc(0) : Buffer.concat([varint(number << 3), varint(value)])
  }
  const isMessage = Array.isArray(value)
  const bytes = isMessage ? Buffer.concat(value) : Buffer.from(value as string)
  if (bytes.length === 0 && !isMessage) return bytes
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}

function issuedFields(licence: LicenceIssued): Buffer[] {
  const { holder } = licence
  return [
    field(1, licence.identifier),
    field(2, licence.authority),
    field(3, licence.authorityName),
    field(4, licence.licenceType),
    field(5, licence.name),
    field(6, licence.number),
    field(7, licence.issuedOn),
    field(8, [field(1, holder.name), field(2, holder.code), field(3, holder.codeType)]),
    field(9, licence.validFrom),
    field(10, licence.validUntil),
  ]
}

function declaredFields(declared: RecognitionDeclared): Buffer[] {
  return [
    field(1, declared.declarationId),
    field(2, declared.version),
    field(3, declared.licenceType),
    ...declared.issuingZones.map((zone) => field(4, zone)),
    ...declared.matters.map((matter) => field(5, matter)),
    field(6, 1),
    field(7, declared.effectiveFromMs),
    field(10, declared.legalBasis),
  ]
}

function eventField(published: Published, verdict: string): Buffer {
  const leafHash = createHash('sha256').update('\0').update(published.entry.leaf).digest()
  return field(3, [field(1, published.position), field(2, published.place), field(3, leafHash), field(4, verdict)])
}

function h(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const world = new World({ suite: 'Ed25519' })
const licence = world.licence('beijing', '0001')
const declaration = world.declaration('beijing')
const [issued, other] = world.publishBatch('beijing', [licence, world.licence('beijing', '0002')]) as [
  Published,
  Published,
]
const declared = world.publish('beijing', declaration)
const refused = world.publish('beijing', { ...suspended(licence), decidedOn: '2026-02-30' })
const missing = world.publish('beijing', { event: suspended(licence), carried: 'missing' })
const gone = world.publish('beijing', revoked(licence))
world.observe('beijing')
const copy = world.copy()
const subject = (published: Published) => Buffer.from(published.subject, 'hex')

const licenceRow = Buffer.concat([
  field(1, 'beijing'),
  field(2, subject(issued)),
  eventField(issued, 'STANDS'),
  eventField(refused, 'IMPOSSIBLE_DATE'),
  eventField(missing, 'PAYLOAD_MISSING'),
  eventField(gone, 'STANDS'),
  field(4, [field(1, 4), field(2, issuedFields(licence)), field(3, 1)]),
])
const otherRow = Buffer.concat([
  field(1, 'beijing'),
  field(2, subject(other)),
  eventField(other, 'STANDS'),
  field(4, [field(1, 2), field(2, issuedFields(world.licence('beijing', '0002')))]),
])
const declarationRow = Buffer.concat([
  field(1, 'beijing'),
  field(2, subject(declared)),
  eventField(declared, 'STANDS'),
  field(5, [field(1, [field(1, 1), field(2, declaration.effectiveFromMs), field(3, declaredFields(declaration))])]),
])

describe('a row of the state digest', () => {
  it.each([
    ['a revoked licence with a refused and a missing event', issued, licenceRow],
    ['a licence in force, second in its batch', other, otherRow],
    ['a declaration', declared, declarationRow],
  ])('is zone, subject, each event with its verdict, and the state: %s', (_, published, row) => {
    expect(Buffer.from(digestRow(copy.fold('beijing', published.subject))!).toString('hex')).toBe(row.toString('hex'))
  })

  it('is none for a subject of which there are only informative events, or none', () => {
    expect(digestRow(emptyFold('beijing', '00'.repeat(32)))).toBeUndefined()
    expect(digestRow(copy.fold('beijing', '00'.repeat(32)))).toBeUndefined()
  })

  it('leaves out the events that only name the subject', () => {
    const split = new World({ suite: 'Ed25519' })
    const first = split.publish('beijing', licence)
    const second = split.publish('beijing', { event: licence, secret: new Uint8Array(16) })
    const row = digestRow(split.copy().fold('beijing', first.subject))!
    expect(Buffer.from(row).includes(Buffer.from(second.leafHash))).toBe(false)
    const ownRow = digestRow(split.copy().fold('beijing', second.subject))!
    expect(Buffer.from(ownRow).includes('SUBJECT_SPLIT')).toBe(true)
  })

  it('cannot be made of an event that H does not hold', () => {
    const fold = copy.fold('beijing', other.subject)
    const events = fold.events.map((event) => ({ ...event, position: undefined }))
    expect(() => digestRow({ ...fold, events })).toThrow(RangeError)
  })
})

describe('the state digest', () => {
  it('is the RFC 6962 root over the rows in byte order', () => {
    const rows = [licenceRow, otherRow, declarationRow].sort(Buffer.compare)
    const [one, two, three] = rows.map((row) => h('\0', row)) as [Buffer, Buffer, Buffer]
    const root = h('\x01', h('\x01', one, two), three)
    const folds = copy.folds('beijing').toSorted((left, right) => (left.subject < right.subject ? -1 : 1))
    const hashes = folds.flatMap((fold) => digestRow(fold) ?? []).map(digestRowHash)
    expect(Buffer.from(digestRoot(hashes)).toString('hex')).toBe(root.toString('hex'))
  })

  it('of nothing is the hash of nothing', () => {
    expect(Buffer.from(digestRoot([])).toString('hex')).toBe(h().toString('hex'))
  })

  it('tells a row that was altered or taken away', () => {
    const hashes = [licenceRow, otherRow, declarationRow].map(digestRowHash)
    const root = Buffer.from(digestRoot(hashes))
    expect(root.equals(digestRoot(hashes.slice(1)))).toBe(false)
    const altered = digestRowHash(Buffer.from(licenceRow.toString('latin1').replace('STANDS', 'STOODS'), 'latin1'))
    expect(root.equals(digestRoot([altered, ...hashes.slice(1)]))).toBe(false)
  })
})
