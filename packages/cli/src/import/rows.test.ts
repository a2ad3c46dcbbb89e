import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkForm } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { CommandError } from '../exit.ts'
import { csvRows } from './csv-rows.ts'
import type { Encoding } from './encoding.ts'
import { ImportFile } from './file.ts'
import type { ImportRow, ZoneChoice } from './row.ts'
import { readingOf, rowsOf as rowsOfFile } from './rows.ts'

const samples = join(import.meta.dirname, '../../../../tests/samples/licences')
const byField: ZoneChoice = { kind: 'field', name: 'KZ_ZONE' }
const oneZone: ZoneChoice = { kind: 'zone', zone: 'beijing' }

const pinyin = 'ZZMC,ZZLXDM,ZZBH,ZZBS,ZZBFJG,ZZBFJGDM,ZZBFRQ,CZZT,CZZTDM,CZZTDMLXDM,ZZYXQQSRQ,ZZYXQJZRQ'
const english =
  'certificate_name,certificate_type_name_code,certificate_number,certificate_identifier,issuing_authority_name,issuing_authority_code,issuing_authority_date,holder_name,holder_code,holder_type,validate_start,validate_end'
const row = 'name,type,number,identifier,authority name,authority,2026-01-01,holder,code,001,2026-01-02,2036-01-01'

async function rowsOf(text: string, choice: ZoneChoice = oneZone, pieces = 1): Promise<ImportRow[]> {
  const size = Math.ceil(text.length / pieces)
  const chunks = Array.from({ length: pieces }, (_, at) => text.slice(at * size, (at + 1) * size))
  return gathered(csvRows(asyncOf(chunks), choice))
}

async function rowsAt(path: string, encoding?: Encoding): Promise<ImportRow[]> {
  await using file = await ImportFile.open(path)
  const reading = await readingOf(file, { choice: byField, ...(encoding === undefined ? {} : { encoding }) })
  return await gathered(rowsOfFile(file, reading, byField))
}

async function gathered(rows: AsyncIterable<ImportRow>): Promise<ImportRow[]> {
  const all: ImportRow[] = []
  for await (const one of rows) all.push(one)
  return all
}

const licencesIn = (rows: readonly ImportRow[]) => rows.map((one) => (one.kind === 'licence' ? one.licence : one))

async function* asyncOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks
}

describe('the rows of a file of licences', () => {
  it('are the 2,000 of the sample, each of a form that can be published, each with its line and zone', async () => {
    const rows = await rowsAt(join(samples, 'licences.csv'))
    const lines = readFileSync(join(samples, 'licences.csv'), 'utf8').trimEnd().split('\n')
    expect(rows).toHaveLength(2000)
    for (const one of rows) {
      if (one.kind !== 'licence') throw new Error(`line ${one.line} is refused`)
      expect(lines[one.line - 1]).toContain(one.licence.identifier)
      expect(lines[one.line - 1]).toMatch(new RegExp(`,${one.zone}$`))
      expect(checkForm(one.licence)).toBeUndefined()
    }
  })

  it('are read out of GB18030 with CRLF, rare and quoted characters kept', async () => {
    const path = join(samples, 'licences-gb18030-crlf.csv')
    const rows = await rowsAt(path)
    const text = new TextDecoder('gb18030').decode(readFileSync(path))
    const quoted = /,"([^"\r\n]*(?:""[^"\r\n]*)*)",/.exec(text)?.[1]?.replaceAll('""', '"')
    const names = rows.flatMap((one) => (one.kind === 'licence' ? [one.licence.holder.name, one.licence.name] : []))
    expect(rows).toHaveLength(text.trimEnd().split('\r\n').length - 1)
    expect(names).toContain(quoted)
    expect(names.every((name) => !name.includes('\r') && !name.includes('\ufffd'))).toBe(true)
  })

  it('are the same under both sets of names, whatever the ends of lines and wherever the text is cut', async () => {
    const expected = await rowsOf(`${pinyin}\n${row}\n`)
    expect(expected).toHaveLength(1)
    expect(expected[0]).toMatchObject({
      kind: 'licence',
      line: 2,
      zone: 'beijing',
      licence: {
        identifier: 'identifier',
        licenceType: 'type',
        authority: 'authority',
        holder: { name: 'holder', code: 'code', codeType: '001' },
        issuedOn: '2026-01-01',
        validFrom: '2026-01-02',
        validUntil: '2036-01-01',
      },
    })
    expect(licencesIn(await rowsOf(`${english}\r\n${row}\r\n`))).toEqual(licencesIn(expected))
    for (const pieces of [2, 7, 50, 400]) expect(await rowsOf(`${pinyin}\n${row}`, oneZone, pieces)).toEqual(expected)
  })

  it('keep extension fields as they were given', async () => {
    const [one] = await rowsOf(`${pinyin},KZ_A,extend_info\n${row}, a ,"{""b"":1}"\n`)
    expect(one).toMatchObject({
      licence: {
        extensions: [
          { name: 'KZ_A', value: ' a ' },
          { name: 'extend_info', value: '{"b":1}' },
        ],
      },
    })
  })

  it('have the line on which they begin, also behind a name of two lines and an empty line', async () => {
    const rows = await rowsOf(`${pinyin}\n"a\nb"${row.slice(4)}\n\n${row}\n`)
    expect(rows.map(({ line }) => line)).toEqual([2, 5])
  })

  it.each([
    ['a missing column', pinyin.replace(',ZZYXQJZRQ', ''), oneZone],
    ['a misspelt column', pinyin.replace('ZZYXQJZRQ', 'ZZYXQJZRO'), oneZone],
    ['a column nobody knows', `${pinyin},REMARK`, oneZone],
    ['a column twice', `${pinyin},ZZMC`, oneZone],
    ['one column under both its names', `${pinyin},certificate_name`, oneZone],
    ['no column for the zone', pinyin, byField],
    ['nothing at all', '', oneZone],
  ])('are none under a heading with %s', async (_what, heading, choice) => {
    await expect(rowsOf(`${heading}\n${row}\n`, choice)).rejects.toThrow(CommandError)
  })

  it('refuse a row of another number of columns, and go on', async () => {
    const rows = await rowsOf(`${pinyin}\n${row},more\n${row}\nless\n${row}\n`)
    expect(rows.map(({ kind, line }) => [kind, line])).toEqual([
      ['refused', 2],
      ['licence', 3],
      ['refused', 4],
      ['licence', 5],
    ])
  })

  it('refuse a row with a stray quotation mark, and go on', async () => {
    const rows = await rowsOf(`${pinyin}\n${row.replace('name', 'na"me')}\n${row}\n`)
    expect(rows).toMatchObject([
      { kind: 'refused', line: 2, refusal: { code: 'NOT_CSV' }, restUnread: false },
      { kind: 'licence', line: 3 },
    ])
  })

  it('say that the rest was not read behind a quotation mark that nobody closed', async () => {
    const rows = await rowsOf(`${pinyin}\n${row}\n"${row}\n${row}\n`)
    expect(rows).toMatchObject([
      { kind: 'licence', line: 2 },
      { kind: 'refused', line: 3, refusal: { code: 'NOT_CSV' }, restUnread: true },
    ])
  })

  it('keep no more of it in memory than a row may be long', async () => {
    const rows = await rowsOf(`${pinyin}\n"${'x'.repeat(200_000)}\n${row}\n`, oneZone, 100)
    expect(rows).toMatchObject([{ kind: 'refused', line: 2, restUnread: true }])
  })

  it('stop where a file is not of the encoding it is said to be, and say where', async () => {
    const rows = await rowsAt(join(samples, 'licences-gb18030-crlf.csv'), 'utf-8')
    expect(rows).toMatchObject([{ kind: 'refused', line: 2, restUnread: true, refusal: { code: 'NOT_IN_ENCODING' } }])
    // 103: where Python's decoder stops too.
    const { expected } = (rows[0] as ImportRow & { kind: 'refused' }).refusal
    expect(expected).toBe('utf-8 at byte 103; if all of the file looks wrong, try --encoding gb18030')
  })

  it('are none of a file that is not there', async () => {
    await expect(rowsAt('no-such-file')).rejects.toThrow(/no such file/)
  })
})
