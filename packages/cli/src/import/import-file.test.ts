import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { access, appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cellText, guardedCell } from './fields.ts'
import { type ImportOptions, type ImportSurroundings, importFile } from './import-file.ts'
import { KeptPublisher } from './testing/kept-publisher.ts'

const samples = join(import.meta.dirname, '../../../../tests/samples/licences')
const mixed = join(samples, 'licences-mixed.ndjson')
const good = join(samples, 'licences-gb18030-crlf.csv')
const goodRows = 46

let folder: string
let publisher: KeptPublisher
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'))
  publisher = new KeptPublisher(join(folder, 'published'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)

function importOf(path: string, options: Partial<ImportOptions> = {}, over: Partial<ImportSurroundings> = {}) {
  const choice = { kind: 'field', name: 'KZ_ZONE' } as const
  return importFile(path, { choice, mode: 'publish', waitFor: 'sealed', ...options }, publisher.surroundings(over))
}

/** The charter of the sample's zones, as far as judging needs it. */
const charter = (() => {
  const zones = JSON.parse(readFileSync(join(samples, 'zones.json'), 'utf8')) as {
    readonly id: string
    readonly region: string
    readonly authorities: readonly { readonly code: string }[]
  }[]
  const licenceTypes = [
    ...new Set(
      readFileSync(join(samples, 'licences.csv'), 'utf8')
        .split('\n')
        .map((line) => line.split(',')[1]),
    ),
  ]
  const withTypes = zones.map((zone) => ({
    ...zone,
    authorities: zone.authorities.map((one) => ({ ...one, licenceTypes })),
  }))
  return { zones: withTypes } as unknown as ImportSurroundings['charter']
})()
const knowsNothing: Partial<ImportSurroundings> = {
  charter,
  verifierOf: () => ({ history: async () => ({ events: [], position: 0n, state: 'none' }) }),
}

describe('an import with a state', () => {
  it('that was interrupted goes on where it was, and tells the whole', async () => {
    // The eighth request is not answered: the seven before are in.
    let calls = 0
    publisher.next = async () => {
      calls += 1
      if (calls === 8) throw new Error('killed')
    }
    const statePath = at('state')
    const sample = join(samples, 'licences.csv')
    await expect(importOf(sample, { statePath }, { nowMs: () => calls * 2_000 })).rejects.toThrow('killed')
    const before = publisher.requestIds.length
    expect(before).toBeGreaterThan(0)
    const sent: number[] = []
    publisher.next = async () => void sent.push(1)
    const report = await importOf(sample, { statePath })
    expect(publisher.requestIds).toHaveLength(2_000)
    expect(report).toMatchObject({ read: 2_000, refusedCount: 0 })
    expect(report.published + report.duplicates).toBe(2_000)
    expect(report.resumedRows).toBe(
      JSON.parse(await readFile(statePath, 'utf8')).counts.read - (2_000 - report.resumedRows),
    )
    expect((await importOf(sample, { statePath })).resumedRows).toBe(2_000)
  })

  it('that was interrupted by a person goes on as well', async () => {
    const stop = new AbortController()
    let calls = 0
    publisher.next = async () => {
      calls += 1
      if (calls === 8) stop.abort()
    }
    const [sample, statePath] = [join(samples, 'licences.csv'), at('state')]
    await expect(importOf(sample, { statePath }, { signal: stop.signal })).rejects.toThrow(/abort/i)
    expect(JSON.parse(await readFile(statePath, 'utf8'))).toMatchObject({ complete: false })
    publisher.next = undefined
    expect(await importOf(sample, { statePath })).toMatchObject({ read: 2_000, refusedCount: 0 })
    expect(publisher.requestIds).toHaveLength(2_000)
  })

  it('that is complete sends nothing any more', async () => {
    const statePath = at('state')
    await importOf(good, { statePath })
    publisher.next = () => Promise.reject(new Error('asked again'))
    expect(await importOf(good, { statePath })).toMatchObject({ published: goodRows, resumedRows: goodRows })
  })

  it.each([
    ['of another file', {}, join(samples, 'licences.csv')],
    ['of another way of reading', { choice: { kind: 'zone', zone: 'beijing' } }, good],
    ['of another mode', { mode: 'atomic' }, good],
  ] as const)('%s is refused', async (_what, options, path) => {
    const statePath = at('state')
    await importOf(good, { statePath })
    const again = importOf(path, { statePath, ...options }, knowsNothing)
    await expect(again).rejects.toMatchObject({ code: 'STATE_OF_ANOTHER_FILE' })
  })

  it.each(['', '{}', '{"version":2}', 'null', 'half {'])('that is none (%j) is refused', async (text) => {
    await writeFile(at('state'), text)
    await expect(importOf(good, { statePath: at('state') })).rejects.toMatchObject({ code: 'STATE' })
  })
})

describe('an atomic import', () => {
  /** The last row of the sample says something else about the licence of the first. */
  const withoutLast = async (name: string) => {
    const bytes = await readFile(good)
    await writeFile(at(name), bytes.subarray(0, bytes.lastIndexOf('\r\n', bytes.length - 3) + 2))
    return at(name)
  }

  it('sends nothing where one row is bad', async () => {
    const report = await importOf(mixed, { mode: 'atomic' }, knowsNothing)
    expect(report).toMatchObject({ sent: false, read: 402, refusedCount: 17 })
    expect(publisher.requestIds).toEqual([])
  })

  it('sends all where every row is good', async () => {
    const report = await importOf(await withoutLast('good.csv'), { mode: 'atomic' }, knowsNothing)
    expect(report).toMatchObject({ sent: true, published: goodRows - 1, refusedCount: 0 })
    expect(publisher.requestIds).toHaveLength(goodRows - 1)
  })

  it('that died in its second pass is completed, and nobody is asked to judge again', async () => {
    const [path, statePath] = [await withoutLast('good.csv'), at('state')]
    let calls = 0
    publisher.next = async () => {
      calls += 1
      if (calls > 5) throw new Error('killed')
    }
    await expect(importOf(path, { mode: 'atomic', statePath }, knowsNothing)).rejects.toThrow('killed')
    expect(publisher.requestIds.length).toBeGreaterThan(0)
    expect(publisher.requestIds.length).toBeLessThan(goodRows - 1)
    publisher.next = undefined
    const asked = { history: () => Promise.reject(new Error('asked to judge again')) }
    const report = await importOf(path, { mode: 'atomic', statePath }, { charter, verifierOf: () => asked })
    expect(report).toMatchObject({ sent: true, read: goodRows - 1, refusedCount: 0 })
    expect(publisher.requestIds).toHaveLength(goodRows - 1)
  })

  it('sends nothing where a verifier does not answer', async () => {
    const { CallError } = await import('@hutong/sdk')
    const away = { history: () => Promise.reject(new CallError('unavailable', 'ZONE_NOT_RUNNING', 14, 'away')) }
    const running = importOf(good, { mode: 'atomic' }, { charter, verifierOf: () => away })
    await expect(running).rejects.toMatchObject({ code: 'VERIFIER_AWAY', exitCode: 6 })
    expect(publisher.requestIds).toEqual([])
  })

  it('sends nothing of a block that is not the one it judged', async () => {
    await withoutLast('good.csv')
    let isWritten = false
    const verifierOf = () => {
      if (!isWritten) {
        isWritten = true
        const bytes = readFileSync(at('good.csv'))
        bytes[bytes.length - 20] = 0x30 ^ bytes[bytes.length - 20]!
        writeFileSync(at('good.csv'), bytes, { flag: 'r+' })
      }
      return { history: async () => ({ events: [], position: 0n, state: 'none' }) }
    }
    const running = importOf(at('good.csv'), { mode: 'atomic' }, { charter, verifierOf })
    await expect(running).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    expect(publisher.requestIds).toEqual([])
  })

  it('finds a licence that is repeated with other content', async () => {
    const text = new TextDecoder('gb18030').decode(await readFile(good))
    const [heading, first] = text.split('\r\n')
    await writeFile(at('twice.csv'), [heading, first, first, first!.replace(/,[^,]*$/, ',beijing'), ''].join('\r\n'))
    const choice = { kind: 'zone', zone: first!.split(',').at(-1)! } as const
    const report = await importOf(at('twice.csv'), { mode: 'dry_run', choice }, knowsNothing)
    expect(report).toMatchObject({ published: 1, duplicates: 1, refusedCount: 1 })
    expect(report.refused[0]).toMatchObject({ item: 3, line: 4, refusal: { code: 'CONFLICT' } })
  })
})

describe('a dry run', () => {
  it('finds what the publisher refuses for form, and sends nothing', async () => {
    const dry = await importOf(mixed, { mode: 'dry_run' }, knowsNothing)
    expect(publisher.requestIds).toEqual([])
    const expected = JSON.parse(await readFile(join(samples, 'licences-mixed.expected.json'), 'utf8'))
    expect(faultsIn(dry.refused)).toEqual(expected.faults)
    expect(dry).toMatchObject({ read: 402, published: 384, duplicates: 1, refusedCount: 17, sent: false, unasked: 0 })
    expect(dry.notJudged).toHaveLength(3)
  })

  it('counts the rows that no verifier was asked about', async () => {
    const { CallError } = await import('@hutong/sdk')
    const away = { history: () => Promise.reject(new CallError('unavailable', 'ZONE_NOT_RUNNING', 14, 'away')) }
    const dry = await importOf(good, { mode: 'dry_run' }, { charter, verifierOf: () => away })
    expect(dry).toMatchObject({ read: goodRows, unasked: goodRows })
  })
})

describe('the table of refused rows', () => {
  it('mended and imported again brings the rest in, as the rows were', async () => {
    const refusedPath = at('refused.csv')
    const first = await importOf(mixed, { refusedPath }, knowsNothing)
    expect(first.refusedTable).toBe(refusedPath)
    const table = await readFile(refusedPath, 'utf8')
    expect(table.startsWith('\ufeffHUTONG_LINE,HUTONG_CODE,')).toBe(true)
    expect(table).toContain(
      '\r\n58,PERIOD_REVERSED,event.licence_issued.valid_until,2025-06-01 or later,有效期止早于有效期起,',
    )
    // As a person would mend it: the end of the period of line 58.
    const lines = table.split('\r\n')
    const row = lines.findIndex((line) => line.startsWith('58,'))
    await writeFile(at('mended.csv'), [lines[0], lines[row]!.replace(',2024-06-01,', ',2026-06-01,'), ''].join('\r\n'))
    const second = await importOf(at('mended.csv'))
    expect(second).toMatchObject({ read: 1, published: 1, refusedCount: 0 })
    // The whole file, mended at its source, finds it as a duplicate: it is the same licence to the letter, absent fields included.
    const source = (await readFile(mixed, 'utf8')).split('\n')
    source[57] = source[57]!.replace('"validate_end":"2024-06-01"', '"validate_end":"2026-06-01"')
    await writeFile(at('source.ndjson'), source.join('\n'))
    const third = await importOf(at('source.ndjson'))
    expect(third).toMatchObject({ read: 402, published: 0, refusedCount: first.refusedCount - 1 })
  })

  it('is not written over a file that is there', async () => {
    await writeFile(at('refused.csv'), 'somebody else')
    await expect(importOf(mixed, { refusedPath: at('refused.csv') })).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(publisher.requestIds).toEqual([])
  })

  it('is not there where nothing was refused', async () => {
    expect((await importOf(good, { refusedPath: at('refused.csv') })).refusedTable).toBeUndefined()
    await expect(access(at('refused.csv'))).rejects.toThrow()
    await expect(access(at('refused.csv.part'))).rejects.toThrow()
  })

  it('of a resumed import has the rows of both runs, each once', async () => {
    const [statePath, refusedPath] = [at('state'), at('refused.csv')]
    let calls = 0
    publisher.next = async () => {
      calls += 1
      if (calls > 12) throw new Error('killed')
    }
    await importOf(mixed, { statePath, refusedPath }, { nowMs: () => calls * 2_000 }).catch(() => {})
    // What a run writes after its last state: a whole row, and half of one.
    const beyond = { item: 402, line: 402, refusal: { code: 'X' }, source: { kind: 'text', text: '' } }
    await appendFile(`${refusedPath}.part`, `${JSON.stringify(beyond)}\n{"item":7`)
    publisher.next = undefined
    const report = await importOf(mixed, { statePath, refusedPath })
    const lines = (await readFile(refusedPath, 'utf8')).trimEnd().split('\r\n').slice(1)
    expect(lines).toHaveLength(report.refusedCount)
    expect(new Set(lines.map((line) => line.split(',')[0])).size).toBe(report.refusedCount)
  })

  it('holds no cell that a spreadsheet takes for a formula, and loses none of them', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('=', '+', '-', '@', "'", '\t', '＝', 'a', '1'), maxLength: 6 }),
        (text) => {
          expect(guardedCell(text)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/)
          expect(cellText(guardedCell(text))).toBe(text)
        },
      ),
    )
  })
})

describe('a file', () => {
  it.each([
    ['a directory', '.'],
    ['not there', 'nowhere'],
    ['empty', 'empty'],
    ['of blanks', 'blanks'],
  ])('that is %s is refused', async (_what, name) => {
    await writeFile(at('empty'), '')
    await writeFile(at('blanks'), ' \n\n')
    await expect(importOf(at(name))).rejects.toMatchObject({ exitCode: 2 })
  })

  it('that is a pipe is refused, and not waited for', async () => {
    execFileSync('mkfifo', [at('pipe')])
    await expect(importOf(at('pipe'))).rejects.toMatchObject({ code: 'FILE' })
  })
})

function faultsIn(refused: readonly { readonly line: number; readonly refusal: { readonly code: string } }[]) {
  return Object.fromEntries(refused.map(({ line, refusal }) => [line, refusal.code.toLowerCase()]))
}

describe('what an import must not say', () => {
  const rows = async () => (await readFile(mixed, 'utf8')).replace('\ufeff', '').split('\n')
  const refusedOf = (path: string) => importOf(path, { mode: 'publish' })

  it('that rows are in, for another alliance than the one that took them', async () => {
    const statePath = at('state')
    await importOf(good, { statePath })
    const elsewhere = importOf(good, { statePath }, { pinnedSha256: 'ff'.repeat(32) })
    await expect(elsewhere).rejects.toMatchObject({ code: 'STATE_OF_ANOTHER_FILE', exitCode: 7 })
  })

  it('that a table holds all refused rows, where the earlier ones went into another; nor is a stranger written over', async () => {
    const statePath = at('state')
    await importOf(mixed, { statePath, refusedPath: at('one.csv') })
    await writeFile(at('two.csv'), 'mine')
    const other = importOf(mixed, { statePath, refusedPath: at('two.csv') })
    await expect(other).rejects.toMatchObject({ code: 'STATE_OF_ANOTHER_FILE' })
    expect(await readFile(at('two.csv'), 'utf8')).toBe('mine')
  })

  it('that a licence has no end, because the field was missing and the table came back unmended', async () => {
    const { validate_end: _, ...endless } = JSON.parse((await rows())[0]!)
    await writeFile(at('endless.ndjson'), `${JSON.stringify(endless)}\n`)
    await importOf(at('endless.ndjson'), { refusedPath: at('refused.csv') })
    const again = await refusedOf(at('refused.csv'))
    const missing = { code: 'MISSING_TEXT', field: 'validate_end' }
    expect(again).toMatchObject({ published: 0, refused: [{ refusal: missing }] })
    // Whoever means it to be empty says so.
    const [heading, ...cells] = (await readFile(at('refused.csv'), 'utf8')).split('\r\n')
    const mended = cells.map((line) => line.replaceAll(',validate_end,', ',,'))
    await writeFile(at('mended.csv'), [heading, ...mended].join('\r\n'))
    expect(await refusedOf(at('mended.csv'))).toMatchObject({ published: 1, refusedCount: 0 })
  })

  it('that a row too short or too long for its heading is one, because the table came back unmended', async () => {
    const [heading, first] = new TextDecoder('gb18030').decode(await readFile(good)).split('\r\n')
    await writeFile(at('short.csv'), `${heading}\r\n${first},more\r\n${first!.slice(0, first!.lastIndexOf(','))}\r\n`)
    const choice = { kind: 'zone', zone: 'beijing' } as const
    await importOf(at('short.csv'), { choice, refusedPath: at('refused.csv') })
    const [long, short] = (await importOf(at('refused.csv'), { choice })).refused
    expect(long).toMatchObject({ refusal: { code: 'ITEM_COUNT', field: 'HUTONG_TEXT' } })
    expect(short === undefined || short.refusal.code).not.toBe('ITEM_COUNT')
  })

  it('which of two names, or of two sets of names, was meant: such an object comes back as text, in a table that can be read', async () => {
    const row = JSON.parse((await rows())[0]!)
    const strange = { ...row, '=cmd': '1' }
    const both = { ...row, ZZYXQJZRQ: '20991231' }
    const twice = JSON.stringify(row).replace('{', '{"validate_end":"20300101",')
    const file = at('names.ndjson')
    await writeFile(file, `${JSON.stringify(strange)}\n${JSON.stringify(both)}\n${twice}\n`)
    await importOf(file, { refusedPath: at('refused.csv') })
    expect((await readFile(at('refused.csv'), 'utf8')).split('\r\n')[0]).not.toMatch(/=cmd|validate_end/)
    const again = await refusedOf(at('refused.csv'))
    expect(again.refused.map(({ refusal }) => refusal.code)).toEqual(Array(3).fill('MISSING_IDENTIFIER'))
  })

  it('anything of half a character: such a text is refused before it is sent', async () => {
    const row = { ...JSON.parse((await rows())[0]!), certificate_name: '\ud800' }
    await writeFile(at('half.ndjson'), `${JSON.stringify(row)}\n`)
    expect(await importOf(at('half.ndjson'))).toMatchObject({
      published: 0,
      refused: [{ refusal: { code: 'NOT_TEXT', field: 'certificate_name' } }],
    })
  })
})
