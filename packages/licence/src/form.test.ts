import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authorityCheck } from './authority.ts'
import type { Charter } from './charter.ts'
import type { Event, LicenceIssued } from './event.ts'
import { checkForm } from './form.ts'
import { readIdentifier } from './identifier.ts'
import {
  amended,
  charter,
  corrected,
  declared,
  issued,
  observed,
  renewed,
  restated,
  resumed,
  revoked,
  suspended,
  withdrawn,
} from './sample-events.ts'
import { noLicence } from './state.ts'

const wrongManner = { ...revoked, manner: 'unspecified' } as unknown as Event
const wrongMode = { ...declared, mode: 'unspecified' } as unknown as Event
const file = issued.files[0]!
const many = (count: number) => Array.from({ length: count }, (_, at) => `item-${at}`)
const extensions = (count: number, length: number) =>
  Array.from({ length: count }, (_, at) => ({ name: `KZ_${at}`, value: 'x'.repeat(length) }))

const subject = '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001'

function amendedTo(identifier: string, licenceType: string = issued.licenceType): Event {
  return { ...amended, licence: { ...amended.licence, identifier, licenceType } }
}

describe('checkForm', () => {
  it.each([issued, amended, suspended, resumed, revoked, renewed, corrected, declared, withdrawn, restated, observed])(
    'takes $kind',
    (event) => {
      expect(checkForm(event)).toBeUndefined()
    },
  )

  it.each<[string, Event]>([
    ['no period', { ...issued, validFrom: '', validUntil: '' }],
    ['a period of one day', { ...issued, validUntil: issued.validFrom }],
    ['no number', { ...issued, number: '' }],
    ['names of 200 rare characters', { ...issued, name: '𬭎'.repeat(200), authorityName: '𬭎'.repeat(200) }],
    ['64 extensions of a small kind', { ...issued, extensions: extensions(64, 200) }],
    ['extensions of 16 KiB to the byte', { ...issued, extensions: extensions(4, 4096 - 4) }],
    ['a variant of the identifier', { ...issued, identifier: '1.2.156.3003.2.77.A1' }],
    ['16 files', { ...issued, files: Array.from({ length: 16 }, () => file) }],
    ['the widest declaration', { ...declared, issuingZones: many(64), matters: many(512), fields: many(64) }],
    ['a declaration without end', { ...declared, effectiveUntilMs: undefined }],
    ['the largest index', { ...restated, index: 2n ** 63n - 1n }],
    ['a correction of a variant', { ...corrected, licence: { ...issued, identifier: '1.2.156.3003.2.77.A1' } }],
    ['a renewal of a variant', { ...renewed, identifier: '1.2.156.3003.2.77.A1' }],
    ['a declaration restated', { ...restated, about: { kind: 'declaration', declarationId: 'a' } }],
  ])('takes %s', (_, event) => {
    expect(checkForm(event)).toBeUndefined()
  })

  it.each<[string, Event, string, string]>([
    ['no identifier', { ...issued, identifier: '' }, 'MISSING_IDENTIFIER', 'licence_issued.identifier'],
    [
      'a malformed identifier',
      { ...suspended, identifier: 'x' },
      'MALFORMED_IDENTIFIER',
      'licence_suspended.identifier',
    ],
    [
      'a wrong check character',
      { ...revoked, identifier: `${revoked.identifier.slice(0, -1)}F` },
      'CHECK_CHARACTER',
      'licence_revoked.identifier',
    ],
    [
      'another type than the identifier',
      { ...issued, licenceType: '11100000000013338W012' },
      'LICENCE_TYPE_DIFFERS',
      'licence_issued.licence_type',
    ],
    [
      'a malformed type',
      { ...issued, identifier: '1.2.156.3003.2.7', licenceType: 'W' },
      'LICENCE_TYPE_CODE',
      'licence_issued.licence_type',
    ],
    [
      'a wrong authority',
      { ...issued, authority: '11110000000021135N' },
      'AUTHORITY_CREDIT_CODE',
      'licence_issued.authority',
    ],
    ['no authority', { ...resumed, authority: '' }, 'AUTHORITY_CREDIT_CODE', 'licence_resumed.authority'],
    ['no name of the authority', { ...issued, authorityName: '' }, 'MISSING_TEXT', 'licence_issued.authority_name'],
    ['no name', { ...issued, name: '' }, 'MISSING_TEXT', 'licence_issued.name'],
    ['a tab in the name', { ...issued, name: 'a\tb' }, 'NAME_CONTROL_CHARACTER', 'licence_issued.name'],
    ['a number of 101 characters', { ...issued, number: '1'.repeat(101) }, 'TEXT_TOO_LONG', 'licence_issued.number'],
    ['a NUL in the number', { ...issued, number: '\u0000' }, 'CONTROL_CHARACTER', 'licence_issued.number'],
    ['no date of issue', { ...issued, issuedOn: '' }, 'IMPOSSIBLE_DATE', 'licence_issued.issued_on'],
    ['a date that is none', { ...issued, validFrom: '2025-02-29' }, 'IMPOSSIBLE_DATE', 'licence_issued.valid_from'],
    ['an end that is no date', { ...issued, validUntil: '长期' }, 'IMPOSSIBLE_DATE', 'licence_issued.valid_until'],
    ['a period reversed', { ...issued, validUntil: '2025-02-28' }, 'PERIOD_REVERSED', 'licence_issued.valid_until'],
    [
      'a wrong holder',
      { ...issued, holder: { ...issued.holder, code: '1' } },
      'HOLDER_CREDIT_CODE',
      'licence_issued.holder.code',
    ],
    ['65 extensions', { ...issued, extensions: extensions(65, 1) }, 'TOO_MANY_EXTENSIONS', 'licence_issued.extensions'],
    [
      'an extension of 4097 characters',
      { ...issued, extensions: extensions(1, 4097) },
      'OVERSIZE_EXTENSION',
      'licence_issued.extensions[0].value',
    ],
    [
      'extensions of 16 KiB and a byte',
      { ...issued, extensions: [...extensions(4, 4096 - 4), { name: 'a', value: '' }] },
      'OVERSIZE_EXTENSION',
      'licence_issued.extensions',
    ],
    [
      'an extension without name',
      { ...issued, extensions: [{ name: '', value: '' }] },
      'MISSING_TEXT',
      'licence_issued.extensions[0].name',
    ],
    [
      'an extension name of 65',
      { ...issued, extensions: [{ name: 'a'.repeat(65), value: '' }] },
      'TEXT_TOO_LONG',
      'licence_issued.extensions[0].name',
    ],
    [
      'half a character in an extension',
      { ...issued, extensions: [{ name: 'a', value: '\udc00' }] },
      'LONE_SURROGATE',
      'licence_issued.extensions[0].value',
    ],
    [
      'an extension twice',
      { ...issued, extensions: [...issued.extensions, ...issued.extensions] },
      'EXTENSION_REPEATED',
      'licence_issued.extensions',
    ],
    [
      '17 files',
      { ...issued, files: Array.from({ length: 17 }, () => file) },
      'TOO_MANY_FILES',
      'licence_issued.files',
    ],
    [
      'a short SHA-256',
      { ...issued, files: [{ ...file, sha256: new Uint8Array(31) }] },
      'FILE_DIGEST',
      'licence_issued.files[0].sha256',
    ],
    [
      'a long SM3',
      { ...issued, files: [file, { ...file, sm3: new Uint8Array(33) }] },
      'FILE_DIGEST',
      'licence_issued.files[1].sm3',
    ],
    [
      'a negative size',
      { ...issued, files: [{ ...file, sizeBytes: -1n }] },
      'FILE_SIZE',
      'licence_issued.files[0].size_bytes',
    ],
    [
      'a size of 2^63',
      { ...issued, files: [{ ...file, sizeBytes: 2n ** 63n }] },
      'FILE_SIZE',
      'licence_issued.files[0].size_bytes',
    ],
    [
      'no media type',
      { ...issued, files: [{ ...file, mediaType: '' }] },
      'MEDIA_TYPE',
      'licence_issued.files[0].media_type',
    ],
    [
      'a media type with a parameter',
      { ...issued, files: [{ ...file, mediaType: 'a/b; c' }] },
      'MEDIA_TYPE',
      'licence_issued.files[0].media_type',
    ],
    [
      'a reason of 501 characters',
      { ...suspended, reason: '因'.repeat(501) },
      'TEXT_TOO_LONG',
      'licence_suspended.reason',
    ],
    ['no identifier to supersede', { ...amended, supersedes: '' }, 'MISSING_IDENTIFIER', 'licence_amended.supersedes'],
    [
      'a new version of a variant, which has none',
      { ...amended, supersedes: '1.2.156.3003.2.77', licence: { ...issued, identifier: '1.2.156.3003.2.78' } },
      'NO_NEXT_VERSION',
      'licence_amended.supersedes',
    ],
    [
      'a version after 999',
      { ...amended, supersedes: `${subject}.999.U` },
      'NO_NEXT_VERSION',
      'licence_amended.supersedes',
    ],
    ['a version that skips', amendedTo(`${subject}.003.A`), 'NOT_NEXT_VERSION', 'licence_amended.licence.identifier'],
    ['a version that stays', amendedTo(issued.identifier), 'NOT_NEXT_VERSION', 'licence_amended.licence.identifier'],
    [
      'a version of another licence',
      amendedTo('1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0', '11100000000013338W009'),
      'NOT_NEXT_VERSION',
      'licence_amended.licence.identifier',
    ],
    [
      'a new version of another type',
      { ...amended, licence: { ...amended.licence, licenceType: '11100000000013338W012' } },
      'LICENCE_TYPE_DIFFERS',
      'licence_amended.licence.licence_type',
    ],
    [
      'a new version that no licence could be',
      { ...amended, licence: { ...amended.licence, holder: { ...issued.holder, name: '' } } },
      'MISSING_TEXT',
      'licence_amended.licence.holder.name',
    ],
    [
      'an amendment on no day',
      { ...amended, decidedOn: '2026-06-31' },
      'IMPOSSIBLE_DATE',
      'licence_amended.decided_on',
    ],
    ['a renewal without its end', { ...renewed, validUntil: '' }, 'IMPOSSIBLE_DATE', 'licence_renewed.valid_until'],
    ['a renewal to no day', { ...renewed, validUntil: '2031-02-29' }, 'IMPOSSIBLE_DATE', 'licence_renewed.valid_until'],
    [
      'a renewal with 17 files',
      { ...renewed, files: Array.from({ length: 17 }, () => file) },
      'TOO_MANY_FILES',
      'licence_renewed.files',
    ],
    ['a renewal of nothing', { ...renewed, identifier: 'x' }, 'MALFORMED_IDENTIFIER', 'licence_renewed.identifier'],
    ['a renewal by nobody', { ...renewed, authority: '' }, 'AUTHORITY_CREDIT_CODE', 'licence_renewed.authority'],
    [
      'a correction to a period reversed',
      { ...corrected, licence: { ...issued, validUntil: '2025-02-28' } },
      'PERIOD_REVERSED',
      'licence_corrected.licence.valid_until',
    ],
    [
      'a correction with a reason of 501 characters',
      { ...corrected, reason: '因'.repeat(501) },
      'TEXT_TOO_LONG',
      'licence_corrected.reason',
    ],
    ['a decision on no day', { ...revoked, decidedOn: '2026-06-31' }, 'IMPOSSIBLE_DATE', 'licence_revoked.decided_on'],
    ['no manner', wrongManner, 'REVOCATION_MANNER', 'licence_revoked.manner'],
    [
      'a dot in the declaration id',
      { ...declared, declarationId: 'a.b' },
      'DECLARATION_ID',
      'recognition_declared.declaration_id',
    ],
    [
      'a line end in the declaration id',
      { ...withdrawn, declarationId: 'a\n' },
      'DECLARATION_ID',
      'recognition_withdrawn.declaration_id',
    ],
    [
      'a declaration id of 65 characters',
      { ...declared, declarationId: 'a'.repeat(65) },
      'DECLARATION_ID',
      'recognition_declared.declaration_id',
    ],
    ['version 0', { ...declared, version: 0 }, 'DECLARATION_VERSION', 'recognition_declared.version'],
    ['half a version', { ...declared, version: 1.5 }, 'DECLARATION_VERSION', 'recognition_declared.version'],
    ['a withdrawal as version 1', { ...withdrawn, version: 1 }, 'DECLARATION_VERSION', 'recognition_withdrawn.version'],
    [
      'a malformed type declared',
      { ...declared, licenceType: '' },
      'LICENCE_TYPE_CODE',
      'recognition_declared.licence_type',
    ],
    ['no issuing zone', { ...declared, issuingZones: [] }, 'ITEM_COUNT', 'recognition_declared.issuing_zones'],
    ['65 issuing zones', { ...declared, issuingZones: many(65) }, 'ITEM_COUNT', 'recognition_declared.issuing_zones'],
    [
      'a zone in capitals',
      { ...declared, issuingZones: ['Beijing'] },
      'ZONE_ID',
      'recognition_declared.issuing_zones[0]',
    ],
    [
      'a zone twice',
      { ...declared, issuingZones: ['a', 'b', 'a'] },
      'ITEM_REPEATED',
      'recognition_declared.issuing_zones',
    ],
    ['no matter', { ...declared, matters: [] }, 'ITEM_COUNT', 'recognition_declared.matters'],
    ['513 matters', { ...declared, matters: many(513) }, 'ITEM_COUNT', 'recognition_declared.matters'],
    ['an empty matter', { ...declared, matters: ['a', ''] }, 'MISSING_TEXT', 'recognition_declared.matters[1]'],
    ['a matter twice', { ...declared, matters: ['a', 'a'] }, 'ITEM_REPEATED', 'recognition_declared.matters'],
    ['no mode', wrongMode, 'RECOGNITION_MODE', 'recognition_declared.mode'],
    [
      'a start before 1970',
      { ...declared, effectiveFromMs: -1 },
      'TIME_OUT_OF_RANGE',
      'recognition_declared.effective_from_ms',
    ],
    [
      'a start that is no number',
      { ...declared, effectiveFromMs: Number.NaN },
      'TIME_OUT_OF_RANGE',
      'recognition_declared.effective_from_ms',
    ],
    [
      'an end after the year 9999',
      { ...declared, effectiveUntilMs: 253_402_300_800_000 },
      'TIME_OUT_OF_RANGE',
      'recognition_declared.effective_until_ms',
    ],
    [
      'an end at the start',
      { ...declared, effectiveUntilMs: declared.effectiveFromMs },
      'PERIOD_REVERSED',
      'recognition_declared.effective_until_ms',
    ],
    ['65 fields', { ...declared, fields: many(65) }, 'ITEM_COUNT', 'recognition_declared.fields'],
    ['no legal basis', { ...declared, legalBasis: '' }, 'MISSING_TEXT', 'recognition_declared.legal_basis'],
    [
      'a withdrawal at no time',
      { ...withdrawn, effectiveFromMs: 0.5 },
      'TIME_OUT_OF_RANGE',
      'recognition_withdrawn.effective_from_ms',
    ],
    [
      'a malformed identifier restated',
      { ...restated, about: { kind: 'licence', identifier: '' } },
      'MISSING_IDENTIFIER',
      'restated.identifier',
    ],
    [
      'a malformed declaration restated',
      { ...restated, about: { kind: 'declaration', declarationId: '' } },
      'DECLARATION_ID',
      'restated.declaration_id',
    ],
    ['a negative index', { ...restated, index: -1n }, 'LEAF_INDEX', 'restated.index'],
    ['an index of 2^63', { ...restated, index: 2n ** 63n }, 'LEAF_INDEX', 'restated.index'],
    ['a short leaf hash', { ...restated, leafHash: new Uint8Array(31) }, 'LEAF_HASH', 'restated.leaf_hash'],
    ['a head beyond its bound', { ...observed, head: new Uint8Array(32_769) }, 'HEAD_TOO_LARGE', 'observed.head'],
  ])('refuses %s', (_, event, code, field) => {
    expect(checkForm(event)).toMatchObject({ code, field: `event.${field}` })
  })
})

// The list of types has this licence under another code than the licences themselves.
const TYPE_NOT_LISTED = '11100000000013338W032'

// The sample files are read here the short way: none of their fields but one name holds a comma or a quote.
const samples = join(import.meta.dirname, '../../../tests/samples')
const read = (path: string, encoding = 'utf-8') => new TextDecoder(encoding).decode(readFileSync(join(samples, path)))

describe('the sample licences', () => {
  it('are well-formed and in form, all 2,000', () => {
    const rows = read('licences/licences.csv').trim().split('\n').slice(1)
    const events = rows.map((row) => eventFromFields(row.split(',')))
    expect(events).toHaveLength(2000)
    expect(events.filter(({ identifier }) => readIdentifier(identifier).kind !== 'well_formed')).toEqual([])
    expect(events.map(checkForm).filter((found) => found !== undefined)).toEqual([])
  })

  it('are in form in GB18030, rare characters included', () => {
    const rows = read('licences/licences-gb18030-crlf.csv', 'gb18030').trim().split('\r\n').slice(1)
    const quoted = rows.filter((row) => row.includes('"'))
    expect([rows.length, quoted.length]).toEqual([46, 1])
    const [before, name = '', after] = quoted[0]!.split(/"(?=[^"])(.*)(?<=[^"])",/)
    const fields = [...before!.split(',').slice(0, -1), name.replaceAll('""', '"'), ...after!.split(',')]
    const events = [...rows.filter((row) => !row.includes('"')).map((row) => row.split(',')), fields].map(
      eventFromFields,
    )
    expect(events.at(-1)!.holder.name).toBe('㐂𬭎"贸易",公司')
    expect(events.map(checkForm).filter((found) => found !== undefined)).toEqual([])
  })

  it('fall out of the mixed file with exactly the faults that were put there', () => {
    const alliance = { ...charter, zones: sampleZones() }
    const found = Object.fromEntries(
      read('licences/licences-mixed.ndjson')
        .trim()
        .split('\n')
        .map((line, at) => [String(at + 1), codeOfLine(alliance, line)] as const)
        .filter(([, code]) => code !== undefined),
    )
    const { faults } = JSON.parse(read('licences/licences-mixed.expected.json')) as { faults: Record<string, string> }
    expect(found).toEqual(Object.fromEntries(Object.entries(faults).map(([line, code]) => [line, code.toUpperCase()])))
  })

  it('have types and matters that a declaration can name', () => {
    const [, ...types] = read('alliance/licence-types.csv').trim().split('\n')
    const [, ...matters] = read('alliance/matters.csv').trim().split('\n')
    expect([types.length, matters.length]).toEqual([113, 162])
    const codes = matters.map((row) => row.split(',')[0]!)
    const events = types.map((row) => ({ ...declared, licenceType: row.split(',')[0]!, matters: codes }))
    expect(events.map(checkForm).filter((refused) => refused !== undefined)).toEqual([])
  })
})

function codeOfLine(alliance: Charter, line: string): string | undefined {
  let fields: Record<string, string>
  try {
    fields = JSON.parse(line)
  } catch {
    return 'NOT_JSON'
  }
  const event = eventFromEnglish(fields)
  return (checkForm(event) ?? authorityCheck(alliance, fields.KZ_ZONE!, event, noLicence))?.code
}

const englishNames = [
  'certificate_name',
  'certificate_type_name_code',
  'certificate_number',
  'certificate_identifier',
  'issuing_authority_name',
  'issuing_authority_code',
  'issuing_authority_date',
  'holder_name',
  'holder_code',
  'holder_type',
  'validate_start',
  'validate_end',
]

function eventFromEnglish(fields: Record<string, string>): LicenceIssued {
  const extra = Object.entries(fields).filter(([name]) => !englishNames.includes(name))
  const event = eventFromFields(englishNames.map((name) => fields[name] ?? ''))
  return { ...event, extensions: extra.map(([name, value]) => ({ name, value })) }
}

function eventFromFields(fields: readonly string[]): LicenceIssued {
  const [name = '', licenceType = '', number = '', identifier = '', authorityName = '', authority = ''] = fields
  const [issuedOn = '', holderName = '', code = '', codeType = '', validFrom = '', validUntil = ''] = fields.slice(6)
  const holder = { name: holderName, code, codeType }
  const event = {
    name,
    licenceType,
    number,
    identifier,
    authorityName,
    authority,
    issuedOn,
    holder,
    validFrom,
    validUntil,
  }
  return { ...issued, ...event, files: [], extensions: [{ name: 'KZ_ZONE', value: fields[12] ?? '' }] }
}

function sampleZones(): Charter['zones'] {
  const zones = JSON.parse(read('licences/zones.json')) as {
    id: string
    region: string
    authorities: { code: string }[]
  }[]
  const [, ...types] = read('alliance/licence-types.csv').trim().split('\n')
  const licenceTypes = [...types.map((row) => row.split(',')[0]!), TYPE_NOT_LISTED]
  return zones.map(({ id, region, authorities }) => ({
    ...charter.zones[0]!,
    id,
    region,
    authorities: authorities.map(({ code }) => ({ ...charter.zones[0]!.authorities[0]!, code, licenceTypes })),
  }))
}
