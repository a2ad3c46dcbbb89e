import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LicenceIssued } from '@hutong/licence'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fieldNames } from './fields.ts'
import { ImportFile } from './file.ts'
import type { ImportRow } from './row.ts'
import { readingOf, rowsOf } from './rows.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formats-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const choice = { kind: 'field', name: 'KZ_ZONE' } as const

async function rowsIn(name: string, bytes: string | Uint8Array): Promise<readonly ImportRow[]> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  await using file = await ImportFile.open(path)
  const rows: ImportRow[] = []
  for await (const row of rowsOf(file, await readingOf(file, { choice }), choice)) rows.push(row)
  return rows
}

type Fields = Readonly<Record<string, string>>

/** One row under the pinyin names or the English ones, from twelve texts. */
function fieldsOf(texts: readonly string[], set: 0 | 1, zone: string, extensions: Fields = {}): Fields {
  const named = Object.values(fieldNames).map((both, at) => [both[set], texts[at]!] as const)
  return { ...Object.fromEntries(named), ...extensions, KZ_ZONE: zone }
}

const good = fieldsOf(
  Array.from({ length: 12 }, (_, at) => `t${at}`),
  1,
  'beijing',
)
const codesIn = (rows: readonly ImportRow[]) =>
  rows.map((row) => (row.kind === 'licence' ? 'licence' : row.refusal.code))

const csvOf = (rows: readonly Fields[], end: string) => {
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`
  return [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]
    .map((cells) => `${cells.map(cell).join(',')}${end}`)
    .join('')
}
const writers: Readonly<Record<string, (rows: readonly Fields[], end: string) => string>> = {
  csv: csvOf,
  ndjson: (rows, end) => rows.map((row) => `${JSON.stringify(row)}${end}`).join(''),
  json: (rows, end) => `[${rows.map((row) => JSON.stringify(row)).join(`,${end}`)}]`,
  'pretty.json': (rows) => JSON.stringify({ total: rows.length, meta: { list: 1 }, records: rows }, undefined, 2),
}

/** Texts that any of the formats can hold: whole characters; no CR, which ends of lines would swallow. */
const text = fc.string({
  unit: fc.constantFrom('a', ' ', ',', '"', "'", '=', '\n', '{', ']', '\\', '中', '𠀀', '𬭎', 'é', '½'),
  maxLength: 8,
})

describe('the same licences', () => {
  it('come out of every format, set of names, encoding and end of line', async () => {
    const rows = fc.array(fc.tuple(fc.array(text, { minLength: 12, maxLength: 12 }), text), {
      minLength: 1,
      maxLength: 4,
    })
    const form = fc.record({
      writer: fc.constantFrom(...Object.keys(writers)),
      set: fc.constantFrom<0 | 1>(0, 1),
      end: fc.constantFrom('\n', '\r\n'),
      mark: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(rows, form, async (given, { writer, set, end, mark }) => {
        const fields = given.map(([texts, note]) => fieldsOf(texts, set, 'beijing', { KZ_NOTE: note }))
        const content = writers[writer]!(fields, end)
        const read = await rowsIn(`same.${writer}`, `${mark ? '\ufeff' : ''}${content}`)
        expect(read.map((row) => (row.kind === 'licence' ? row.licence : row))).toEqual(
          given.map(([texts, note]) => licenceOf(texts, note)),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('come out of GB18030 as iconv writes it', async () => {
    const texts = Array.from({ length: 12 }, (_, at) => `𠀀𬭎中${at}`)
    for (const [name, write] of Object.entries(writers)) {
      const input = write([fieldsOf(texts, 0, 'beijing', { KZ_NOTE: '㐀' })], '\r\n')
      const bytes = execFileSync('iconv', ['-f', 'utf-8', '-t', 'gb18030'], { input })
      const rows = await rowsIn(`gb.${name}`, bytes)
      expect(rows).toMatchObject([{ kind: 'licence', licence: licenceOf(texts, '㐀') }])
    }
  })
})

describe('an object', () => {
  it.each([
    ['both sets of names', { ...good, ZZMC: 'x' }, 'FIELD_NAMES'],
    ['a name of the other set alone', swapped('certificate_name', 'ZZMC'), 'FIELD_NAMES'],
    ['a misspelt end of period', swapped('validate_end', 'valdate_end'), 'FIELD_NAMES'],
    ['an end of period twice', `{"validate_end":"2020-01-01",${JSON.stringify(good).slice(1)}`, 'FIELD_NAMES'],
    ['a name that is the prototype', `{"__proto__":{},${JSON.stringify(good).slice(1)}`, 'FIELD_NAMES'],
    ['no end of period', without('validate_end'), 'MISSING_TEXT'],
    ['no identifier', without('certificate_identifier'), 'MISSING_IDENTIFIER'],
    ['no zone', without('KZ_ZONE'), 'MISSING_TEXT'],
    ['a number for a code', { ...good, holder_type: 1 }, 'NOT_TEXT'],
    ['a number no double holds', `{"KZ_A":12345678901234567890,${JSON.stringify(good).slice(1)}`, 'NOT_TEXT'],
    ['a text in its place', '"x"', 'NOT_JSON'],
    ['half of it', JSON.stringify(good).slice(0, 40), 'NOT_JSON'],
  ])('with %s is refused, and the next one read', async (_what, given, code) => {
    const line = typeof given === 'string' ? given : JSON.stringify(given)
    const rows = await rowsIn('odd.ndjson', `${line}\n${JSON.stringify(good)}\n`)
    expect(codesIn(rows)).toEqual([code, 'licence'])
    if (code === 'NOT_JSON') return
    expect(codesIn(await rowsIn('odd.json', `[${line},${JSON.stringify(good)}]`))).toEqual([code, 'licence'])
  })

  it('may say null for nothing, and more than text in an extension field', async () => {
    const given = { ...good, validate_end: null, KZ_NUMBER: 7, extend_info: { a: ['b', true] } }
    const [row] = await rowsIn('more.ndjson', `${JSON.stringify(given)}\n`)
    expect(row).toMatchObject({
      licence: {
        validUntil: '',
        extensions: [
          { name: 'KZ_ZONE', value: 'beijing' },
          { name: 'KZ_NUMBER', value: '7' },
          { name: 'extend_info', value: '{"a":["b",true]}' },
        ],
      },
    })
  })
})

describe('a JSON document', () => {
  const one = JSON.stringify(good)
  it.each([
    ['cut inside an object', `[${one},\n${one.slice(0, 50)}`, 2, 'FILE_CUT'],
    ['cut inside a text', `[${one},\n{"certificate_name":"中`, 2, 'FILE_CUT'],
    ['cut between objects', `[${one},\n`, 2, 'FILE_CUT'],
    ['that is no JSON from its third line', `[${one},\n${one},\n"x" "y"]`, 3, 'NOT_JSON'],
    ['with something behind its end', `[${one}]\n{}`, 2, 'NOT_JSON'],
    ['with two lists', `{"a":[${one}],\n"b":[${one}]}`, 2, 'NOT_JSON'],
  ])('%s says where, and what stands before is read', async (_what, content, line, code) => {
    const rows = await rowsIn('cut.json', content)
    expect(codesIn(rows)[0]).toBe('licence')
    expect(rows.at(-1)).toMatchObject({ kind: 'refused', line, restUnread: true, refusal: { code } })
  })

  it('without a list of objects is refused', async () => {
    const rows = await rowsIn('none.json', '{\n"a": 1 }')
    expect(codesIn(rows)).toEqual(['NOT_JSON'])
  })

  it('tells each object by the line on which it begins', async () => {
    const rows = await rowsIn('lines.json', JSON.stringify([good, good], undefined, 2))
    expect(rows.map(({ line }) => line)).toEqual([2, 17])
  })

  it('keeps no more of it in memory than a row may be long', async () => {
    const rows = await rowsIn('long.json', `[${one},\n{"certificate_name":"${'x'.repeat(3_000_000)}"}]`)
    expect(codesIn(rows)).toEqual(['licence', 'NOT_JSON'])
  })
})

describe('the format', () => {
  it.each([
    ['a table under the name of JSON', 'odd.json', csvOf([good], '\n')],
    ['objects to a line under the name of JSON', 'lines.json', `${JSON.stringify(good)}\n${JSON.stringify(good)}\n`],
    ['a list under the name of a table', 'list.csv', `[${JSON.stringify(good)}]`],
    ['a document on one line', 'flat.txt', `{"records":[${JSON.stringify(good)}]}`],
  ])('is found out by the content: %s', async (_what, name, content) => {
    expect(new Set(codesIn(await rowsIn(name, content)))).toEqual(new Set(['licence']))
  })
})

function without(name: string): Fields {
  return Object.fromEntries(Object.entries(good).filter(([one]) => one !== name))
}

function swapped(name: string, other: string): Fields {
  return Object.fromEntries(Object.entries(good).map(([one, value]) => [one === name ? other : one, value]))
}

/** In the order of `fieldNames`: the twelve of GB/T 36903 as docs/domain.md has them, by meaning. */
function licenceOf(
  [name, type, number, identifier, authorityName, authority, issuedOn, ...rest]: readonly string[],
  note: string,
): LicenceIssued {
  const [holderName, code, codeType, validFrom, validUntil] = rest
  return {
    kind: 'licence_issued',
    identifier: identifier!,
    authority: authority!,
    authorityName: authorityName!,
    licenceType: type!,
    name: name!,
    number: number!,
    issuedOn: issuedOn!,
    holder: { name: holderName!, code: code!, codeType: codeType! },
    validFrom: validFrom!,
    validUntil: validUntil!,
    extensions: [
      { name: 'KZ_NOTE', value: note },
      { name: 'KZ_ZONE', value: 'beijing' },
    ],
    files: [],
    demonstration: false,
  }
}
