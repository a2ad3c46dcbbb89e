import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CommandError } from '../exit.ts'
import { importFile } from '../import/import-file.ts'
import { KeptPublisher } from '../import/testing/kept-publisher.ts'
import type { Step } from './desk.ts'
import { type WatchNews, type WatchOptions, type WatchSurroundings, watchFolder } from './watch-folder.ts'

const samples = join(import.meta.dirname, '../../../../tests/samples/licences')
const sample = join(samples, 'licences-gb18030-crlf.csv')
/** Rows of it. */
const sampleRows = 46

let [place, folder] = ['', '']
let publisher: KeptPublisher
let news: WatchNews[]

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'watched-'))
  folder = join(place, 'in')
  await mkdir(folder)
  publisher = new KeptPublisher(join(place, 'published'))
  news = []
})
afterEach(() => rm(place, { recursive: true, force: true }))

const reading = { choice: { kind: 'field', name: 'KZ_ZONE' }, mode: 'publish', waitFor: 'sealed' } as const

function surroundings(over: Partial<WatchSurroundings> = {}): WatchSurroundings {
  return {
    importFile: (path, kept) =>
      importFile(path, { ...reading, ...kept, mayReplaceTable: true, isLinkAllowed: false }, publisher.surroundings()),
    monotonicMs: () => performance.now(),
    pause: async () => {},
    signal: new AbortController().signal,
    tell: (one) => news.push(one),
    ...over,
  }
}

const watchOnce = (over: Partial<WatchSurroundings> = {}, options: Partial<WatchOptions> = {}) =>
  watchFolder(folder, { settleMs: 0, pollMs: 1, once: true, ...options }, surroundings(over))

const namesIn = async (name: string) => (await readdir(join(folder, name))).toSorted()
const deliveries = () => news.flatMap((one) => (one.kind === 'delivered' ? [one.delivery] : []))

describe('a watched folder', () => {
  it('has its files imported in the order of their names, each laid into done with its report', async () => {
    await cp(sample, join(folder, 'b.csv'))
    await writeFile(join(folder, 'a.json'), '[]')
    expect(await watchOnce()).toBe('done')
    expect(deliveries().map(({ name }) => name)).toEqual(['a.json', 'b.csv'])
    expect(await namesIn('done')).toEqual(['a.json', 'a.json.report.json', 'b.csv', 'b.csv.report.json'])
    expect(await readFile(join(folder, 'done', 'b.csv'))).toEqual(await readFile(sample))
    const { outcome } = JSON.parse(await readFile(join(folder, 'done', 'b.csv.report.json'), 'utf8'))
    expect(outcome.report).toMatchObject({ published: sampleRows, refusedCount: 0, encoding: 'gb18030' })
    expect(publisher.requestIds).toHaveLength(sampleRows)
    expect(await namesIn('.hutong')).toEqual(['lock.sqlite', 'now'])
  })

  it('lays a file with refused rows into refused, with a table of them', async () => {
    await cp(join(samples, 'licences-mixed.ndjson'), join(folder, 'mixed.ndjson'))
    expect(await watchOnce()).toBe('refused')
    expect(await namesIn('refused')).toEqual(['mixed.ndjson', 'mixed.ndjson.refused.csv', 'mixed.ndjson.report.json'])
  })

  it('lays a file that is none of licences into refused, and goes on', async () => {
    await writeFile(join(folder, 'a.csv'), 'no,such,heading\n')
    await cp(sample, join(folder, 'b.csv'))
    expect(await watchOnce()).toBe('refused')
    expect(await namesIn('refused')).toEqual(['a.csv', 'a.csv.report.json'])
    expect(await namesIn('done')).toEqual(['b.csv', 'b.csv.report.json'])
    expect(deliveries()[0]?.outcome).toMatchObject({ kind: 'refused', code: 'HEADING' })
  })

  it('finds the same content under another name as duplicates', async () => {
    for (const name of ['a.csv', 'b.csv']) await cp(sample, join(folder, name))
    await watchOnce()
    expect(deliveries().map(({ outcome }) => outcome)).toMatchObject([
      { report: { published: sampleRows, duplicates: 0 } },
      { report: { published: 0, duplicates: sampleRows } },
    ])
  })

  it('keeps a second file of a name beside the first', async () => {
    await cp(sample, join(folder, 'a.csv'))
    await watchOnce()
    await cp(sample, join(folder, 'a.csv'))
    await watchOnce()
    expect(await namesIn('done')).toEqual(['a.2.csv', 'a.2.csv.report.json', 'a.csv', 'a.csv.report.json'])
  })

  it('takes a file whose name leaves no room for a report beside it, under a shorter one', async () => {
    const long = `${'证'.repeat(80)}.csv`
    await cp(sample, join(folder, long))
    await writeFile(join(folder, 'zz.json'), '[]')
    expect(await watchOnce()).toBe('done')
    const as = `${'证'.repeat(24)}.2.csv`
    expect(await namesIn('done')).toEqual(['zz.json', 'zz.json.report.json', as, `${as}.report.json`])
    expect(deliveries()[1]).toMatchObject({ name: long, as })
  })

  it('says of a file whose name is no UTF-8 that it is left', async () => {
    // GBK, as an old system writes it.
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xd6, 0xd0]), Buffer.from('.csv')]), '')
    expect(await watchOnce()).toBe('done')
    expect(news).toMatchObject([{ kind: 'left' }])
  })

  it('does not look at hidden and temporary names, and leaves what is no plain file', async () => {
    for (const name of ['.a.csv', 'a.csv.tmp', 'a.csv.part', '~$a.csv', 'a.csv~']) await cp(sample, join(folder, name))
    await symlink(sample, join(folder, 'link.csv'))
    await mkdir(join(folder, 'directory.csv'))
    expect(await watchOnce()).toBe('done')
    expect(publisher.requestIds).toEqual([])
    const left = news.flatMap((one) => (one.kind === 'left' ? [one.name] : []))
    expect(left.toSorted()).toEqual(['directory.csv', 'link.csv'])
    expect(await namesIn('.')).toContain('link.csv')
  })

  it('takes a file only when nothing about it has changed for the settle time', async () => {
    let nowMs = 0
    const path = join(folder, 'a.csv')
    await writeFile(path, 'half')
    const sizes: number[] = []
    let looks = 0
    await watchOnce(
      {
        monotonicMs: () => nowMs,
        pause: async () => {
          nowMs += 1_000
          looks += 1
          // A slow writer: the last piece comes at the fourth look.
          if (looks < 4) await writeFile(path, 'half', { flag: 'a' })
          if (looks === 4) await cp(sample, path)
        },
        importFile: async (file, kept) => {
          sizes.push((await readFile(file)).length)
          return surroundings().importFile(file, kept)
        },
      },
      { settleMs: 3_000 },
    )
    expect(sizes).toEqual([(await readFile(sample)).length])
    expect(looks).toBe(7)
  })

  it('takes a file that was written elsewhere and renamed into it', async () => {
    await cp(sample, join(place, 'elsewhere'))
    await rename(join(place, 'elsewhere'), join(folder, 'a.csv'))
    await watchOnce()
    expect(await namesIn('done')).toContain('a.csv')
  })

  it('says that a publisher is away, waits, and goes on with the same file', async () => {
    await cp(sample, join(folder, 'a.csv'))
    let tries = 0
    const end = watchOnce(
      {
        importFile: async (path, kept) => {
          tries += 1
          if (tries < 4) throw new CommandError(6, 'BOX_NOT_RUNNING', 'no box')
          return surroundings().importFile(path, kept)
        },
        tell: (one) => {
          news.push(one)
          if (one.kind === 'delivered') stop.abort()
        },
        signal: stop.signal,
      },
      { once: false },
    )
    expect(await end).toBe('done')
    expect(news.map(({ kind }) => kind)).toEqual(['waiting', 'waiting', 'waiting', 'delivered'])
  })
  const stop = new AbortController()

  it('asked once, ends where a publisher is away, and the next watcher goes on', async () => {
    await cp(sample, join(folder, 'a.csv'))
    const away = async () => {
      throw new CommandError(6, 'BOX_NOT_RUNNING', 'no box')
    }
    expect(await watchOnce({ importFile: away })).toMatchObject({ kind: 'away', error: { code: 'BOX_NOT_RUNNING' } })
    expect(await namesIn('.hutong/now')).toEqual(['a.csv'])
    expect(await watchOnce()).toBe('done')
    expect(await namesIn('done')).toEqual(['a.csv', 'a.csv.report.json'])
  })

  it('imports a file again that was written to meanwhile', async () => {
    await cp(sample, join(folder, 'a.csv'))
    let tries = 0
    await watchOnce({
      importFile: async (path, kept) => {
        tries += 1
        if (tries === 1) throw new CommandError(7, 'FILE_CHANGED', 'changed')
        return surroundings().importFile(path, kept)
      },
    })
    expect(tries).toBe(2)
    expect(await namesIn('done')).toContain('a.csv')
  })

  it('has one watcher at a time', async () => {
    await cp(sample, join(folder, 'a.csv'))
    let second: unknown
    await watchOnce({
      importFile: async (path, kept) => {
        second = await watchOnce().catch((error: unknown) => error)
        return surroundings().importFile(path, kept)
      },
    })
    expect(second).toMatchObject({ code: 'FOLDER_WATCHED' })
    expect(deliveries()).toHaveLength(1)
  })

  it.each([
    ['is not there', 'nowhere'],
    ['is a file', 'published'],
  ])('cannot be used where it %s', async (_what, name) => {
    await writeFile(join(place, 'published'), '')
    const used = watchFolder(join(place, name), { settleMs: 0, pollMs: 1, once: true }, surroundings())
    await expect(used).rejects.toThrow(CommandError)
  })

  const steps: readonly Step[] = [
    'claimed',
    'imported',
    'reported',
    'table delivered',
    'file delivered',
    'delivered',
    'cleared',
  ]
  it.each(steps)(
    'killed with -9 at "%s", has each file imported and delivered once by the next watcher',
    async (step) => {
      for (const name of ['a.csv', 'b.csv']) await cp(sample, join(folder, name))
      await cp(join(samples, 'licences-mixed.ndjson'), join(folder, 'c.ndjson'))
      const program = new URL('./testing/watch-once.ts', import.meta.url)
      const child = spawn(process.execPath, [program.pathname, folder, join(place, 'published'), step], {
        stdio: 'ignore',
      })
      expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
      expect(await watchOnce()).toBe('refused')
      const published = publisher.requestIds
      expect(new Set(published).size).toBe(published.length)
      // 46 of the one file, and of the other 402 those that have a form; one line of it repeats another, some stand in both files.
      expect(published).toHaveLength(await publishedAlone())
      expect(await namesIn('done')).toEqual(['a.csv', 'a.csv.report.json', 'b.csv', 'b.csv.report.json'])
      expect(await namesIn('refused')).toEqual(['c.ndjson', 'c.ndjson.refused.csv', 'c.ndjson.report.json'])
      expect(await namesIn('.hutong')).toEqual(['lock.sqlite', 'now'])
      expect(await namesIn('.hutong/now')).toEqual([])
    },
  )

  /** What the same files come to where nobody dies. */
  async function publishedAlone(): Promise<number> {
    const alone = new KeptPublisher(join(place, 'alone'))
    for (const path of [sample, join(samples, 'licences-mixed.ndjson')]) {
      await importFile(path, reading, alone.surroundings())
    }
    return alone.requestIds.length
  }
})
