import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeStoreContract } from './contract.ts'
import {
  StaleWriterError,
  StoreBrokenError,
  StoreFormatError,
  StoreFullError,
  StoreUnavailableError,
} from './errors.ts'
import { createMemoryStore } from './memory-store.ts'
import { storeErrorFromSqlite } from './sqlite-errors.ts'
import { createSqliteStore } from './sqlite-store.ts'
import { step } from './step.ts'
import type { Document, Store } from './store.ts'

describeStoreContract('the sqlite store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-store-'))
  const path = join(folder, 'store.sqlite')
  const stores = [createSqliteStore({ path })]
  return {
    store: stores[0]!,
    async reopen() {
      await stores.at(-1)![Symbol.asyncDispose]()
      stores.push(createSqliteStore({ path }))
      return stores.at(-1)!
    },
    async dispose() {
      await stores.at(-1)![Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
})

describeStoreContract('the sqlite store that files every key at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-store-'))
  const path = join(folder, 'store.sqlite')
  const open = () => createSqliteStore({ path, unfiledKeysMax: 1 })
  const stores = [open()]
  return {
    store: stores[0]!,
    async reopen() {
      await stores.at(-1)![Symbol.asyncDispose]()
      stores.push(open())
      return stores.at(-1)!
    },
    async dispose() {
      await stores.at(-1)![Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
})

describe('a store in an SQLite file', () => {
  let folder: string
  let path: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hutong-store-'))
    path = join(folder, 'store.sqlite')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is readable by its owner only, also the files beside it', async () => {
    await using store = createSqliteStore({ path })
    await store.insert([document('a')])
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('of a newer version is refused with a text that says so, and is not touched', async () => {
    await createSqliteStore({ path })[Symbol.asyncDispose]()
    inFile('UPDATE schema_version SET version = 3')
    const before = readFileSync(path)
    expect(() => createSqliteStore({ path })).toThrow(StoreFormatError)
    expect(() => createSqliteStore({ path })).toThrow(/newer version \(layout 3, this program knows 2\)/)
    expect(() => createSqliteStore({ path, readonly: true })).toThrow(StoreFormatError)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('that is no database, or a database of something else, is refused', () => {
    writeFileSync(path, 'a letter to the editor, long enough to be no empty file'.repeat(100))
    expect(() => createSqliteStore({ path })).toThrow(StoreFormatError)
    rmSync(path)
    inFile('CREATE TABLE recipes (name TEXT)')
    expect(() => createSqliteStore({ path })).toThrow(StoreFormatError)
  })

  it('of the layout before is brought to the present one with all it holds', async () => {
    inFile(`
      CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
      INSERT INTO schema_version VALUES (1);
      CREATE TABLE positions (
        name TEXT PRIMARY KEY, version INTEGER NOT NULL, term INTEGER NOT NULL, value BLOB NOT NULL
      ) STRICT, WITHOUT ROWID;
      INSERT INTO positions VALUES ('log', 5, 3, x'01');
      CREATE TABLE collection_events (
        key TEXT NOT NULL PRIMARY KEY, term INTEGER NOT NULL, subject TEXT, value BLOB NOT NULL
      ) STRICT;
      INSERT INTO collection_events VALUES ('b', 3, 'ab', x'62'), ('a', 2, NULL, x'61');
      CREATE TABLE collection_empty (
        key TEXT NOT NULL PRIMARY KEY, term INTEGER NOT NULL, subject TEXT, value BLOB NOT NULL
      ) STRICT;
    `)
    expect(() => createSqliteStore({ path, readonly: true })).toThrow(/layout 1, this program knows 2/)
    for (const run of [1, 2]) {
      await using store = createSqliteStore({ path })
      expect(await store.position('log')).toEqual({ version: 5n, term: 3n, value: new Uint8Array([1]) })
      const events = await store.range('events', { limit: 10 })
      expect(events).toMatchObject([
        { key: 'a', term: 2n, value: new Uint8Array([0x61]) },
        { key: 'b', term: 3n, value: new Uint8Array([0x62]), subject: 'ab' },
        ...(run === 1 ? [] : [{ key: 'c' }]),
      ])
      await store.insert([document('a', 'other'), document('c')]).catch((error) => {
        expect(error).toBeInstanceOf(StaleWriterError)
      })
      await store.insert([document('c')])
      expect(await store.range('empty', { limit: 10 })).toEqual([])
    }
  })

  it('in a folder that is not there is unavailable', () => {
    expect(() => createSqliteStore({ path: join(folder, 'absent', 'x') })).toThrow(StoreUnavailableError)
    expect(() => createSqliteStore({ path: join(folder, 'absent.sqlite'), readonly: true })).toThrow(
      StoreUnavailableError,
    )
  })

  it('opened for reading sees what the writer commits, also in collections made later, and writes nothing', async () => {
    await using writer = createSqliteStore({ path })
    await using reader = createSqliteStore({ path, readonly: true })
    expect(await reader.get('events', 'a')).toBeUndefined()
    await step(writer, [document('a')], 'log', undefined, { term: 1n, value: new Uint8Array([1]) })
    expect((await reader.get('events', 'a'))?.key).toBe('a')
    expect((await reader.position('log'))?.version).toBe(1n)
    await expect(reader.insert([document('b')])).rejects.toThrow(TypeError)
    await expect(reader.movePosition('log', 1n, { term: 1n, value: new Uint8Array() })).rejects.toThrow(TypeError)
    await expect(reader.deleteBySubject('ab')).rejects.toThrow(TypeError)
  })

  it('goes on after its very first insert was refused', async () => {
    await using store = createSqliteStore({ path })
    const contradicting = [document('a', 'one'), document('a', 'other')]
    await expect(store.insert(contradicting)).rejects.toThrow(StaleWriterError)
    expect(await store.get('events', 'a')).toBeUndefined()
    await store.insert([document('a', 'other')])
    expect((await store.get('events', 'a'))?.key).toBe('a')
  })

  it('finds every document by its key while keys are filed, also after it was closed midway', async () => {
    const expected = createMemoryStore()
    const key = fc.stringMatching(/^[a-d]{1,3}$/)
    const commands = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ kind: fc.constant('insert' as const), keys: fc.array(key, { maxLength: 5 }) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant('delete' as const), keys: fc.array(key, { maxLength: 3 }) }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant('range' as const), from: key, to: key, reverse: fc.boolean() }),
        },
      ),
      { maxLength: 60 },
    )
    const open = () => createSqliteStore({ path, unfiledKeysMax: 12 })
    let store = open()
    let term = 1n
    await fc.assert(
      fc.asyncProperty(commands, async (steps) => {
        for (const one of steps) {
          if (one.kind === 'insert') {
            term += 1n
            const documents = one.keys.map((each) => ({ ...document(each, `${each} of ${term}`), term }))
            await store.insert(documents)
            await expected.insert(documents)
          } else if (one.kind === 'delete') {
            await store.delete('events', one.keys)
            await expected.delete('events', one.keys)
          } else if (one.kind === 'reopen') {
            await store[Symbol.asyncDispose]()
            store = open()
          } else {
            const options = { from: one.from, to: one.to, reverse: one.reverse, limit: 7 }
            expect(await store.range('events', options)).toEqual(await expected.range('events', options))
          }
        }
        const all = await expected.range('events', { limit: 1000 })
        expect(await store.range('events', { limit: 1000 })).toEqual(all)
        const keys = all.map((each) => each.key)
        expect(await store.getMany('events', keys)).toEqual(await expected.getMany('events', keys))
        for (const each of keys) expect(await store.get('events', each)).toEqual(await expected.get('events', each))
      }),
      { numRuns: 60 },
    )
    await store[Symbol.asyncDispose]()
  })

  it('finds what took the place of a deleted document, before and after its key was filed', async () => {
    const open = () => createSqliteStore({ path, unfiledKeysMax: 8 })
    const keysOf = async (store: Store) => (await store.range('events', { limit: 20 })).map(({ key }) => key)
    await using store = open()
    await store.insert([...'abcdefg'].map((key) => document(key)))
    // The eighth key begins the filing: four of them are filed with it, four are not.
    await store.insert([document('h')])
    await store.delete('events', ['a', 'h'])
    expect(await keysOf(store)).toEqual([...'bcdefg'])
    await store.insert([document('a', 'anew'), document('h', 'anew')])
    expect(await keysOf(store)).toEqual([...'abcdefgh'])
    expect(Buffer.from((await store.get('events', 'a'))!.value).toString()).toBe('anew')
    expect(Buffer.from((await store.get('events', 'h'))!.value).toString()).toBe('anew')
  })

  it('takes a document anew whose row was taken away behind its back', async () => {
    await using store = createSqliteStore({ path, unfiledKeysMax: 1 })
    await store.insert([document('a'), document('b')])
    inFile(`DELETE FROM collection_events WHERE key = 'a'`)
    expect(await store.get('events', 'a')).toBeUndefined()
    await store.insert([document('a', 'anew')])
    expect((await store.range('events', { limit: 10 })).map(({ key }) => key)).toEqual(['a', 'b'])
  })

  it('does not lose the document that follows one deleted at the end', async () => {
    const open = () => createSqliteStore({ path, unfiledKeysMax: 2 })
    await using store = open()
    await store.insert([document('a'), document('b')])
    await store.delete('events', ['b'])
    await store.insert([document('c')])
    await using reopened = open()
    expect((await reopened.get('events', 'c'))?.key).toBe('c')
  })

  it('that another process has open shows each what the other wrote', async () => {
    await using ours = createSqliteStore({ path })
    await using theirs = createSqliteStore({ path })
    for (const round of ['a', 'b', 'c']) {
      await ours.insert([document(`${round}1`)])
      await theirs.insert([document(`${round}2`), document(`${round}1`)])
      await expect(ours.insert([document(`${round}2`, 'other')])).rejects.toThrow(StaleWriterError)
    }
    const keys = (await ours.range('events', { limit: 10 })).map(({ key }) => key)
    expect(keys).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  })

  it('of two processes that read the same position one moves it', async () => {
    await using ours = createSqliteStore({ path })
    await using theirs = createSqliteStore({ path })
    await ours.movePosition('log', undefined, { term: 1n, value: new Uint8Array() })
    const next = { term: 1n, value: new Uint8Array() }
    expect(await step(theirs, [document('theirs')], 'log', 1n, next)).toBe(true)
    expect(await step(ours, [document('ours')], 'log', 1n, next)).toBe(false)
    expect(await ours.get('events', 'ours')).toBeUndefined()
  })

  it('says that it is unavailable while another process writes, and goes on afterwards', async () => {
    await using store = createSqliteStore({ path })
    await store.insert([document('a')])
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    await expect(store.insert([document('b')])).rejects.toThrow(StoreUnavailableError)
    expect((await store.get('events', 'a'))?.key).toBe('a')
    other.exec('ROLLBACK')
    other.close()
    await store.insert([document('b')])
    expect((await store.get('events', 'b'))?.key).toBe('b')
  })

  it('holds no byte of a deleted subject, neither in the file nor beside it', async () => {
    await using store = createSqliteStore({ path })
    const secret = 'Mr Nobody of Nowhere Street 1'
    const documents = Array.from({ length: 50 }, (_, index) => document(`k${index}`, secret.repeat(40), 'ab'))
    await store.insert([...documents, document('other')])
    expect(onDisk().includes(secret)).toBe(true)
    expect(await store.deleteBySubject('ab')).toBe(50)
    expect(onDisk().includes(secret)).toBe(false)
    expect((await store.get('events', 'other'))?.key).toBe('other')
  })

  it('keeps its log of writes short while it grows', async () => {
    await using store = createSqliteStore({ path })
    for (let index = 0; index < 40; index++) await store.insert([document(`k${index}`, 'x'.repeat(2_000_000))])
    expect(statSync(path).size).toBeGreaterThan(40_000_000)
    expect(statSync(`${path}-wal`).size).toBeLessThan(40_000_000)
  })

  it('says after a failed sync that it is broken, at this call and at every later one', (ctx) => {
    if (spawnSync('strace', ['-V']).error) return ctx.skip('sync fails with EIO: needs strace')
    const traced = [
      '-f',
      '-o',
      '/dev/null',
      '-e',
      'trace=fdatasync,fsync',
      '-e',
      'inject=fdatasync,fsync:error=EIO:when=40',
    ]
    const run = spawnSync('strace', [...traced, process.execPath, '--input-type=module', '-e', untilItFails], {
      encoding: 'utf8',
      env: { ...process.env, STORE_MODULE: new URL('./sqlite-store.ts', import.meta.url).href, STORE_PATH: path },
    })
    if (/ptrace|not permitted/i.test(run.stderr)) return ctx.skip('sync fails with EIO: strace may not trace here')
    const { acknowledged, failures } = JSON.parse(run.stdout) as { acknowledged: number; failures: string[] }
    expect(failures).toEqual(Array(4).fill('StoreBrokenError'))
    // Everything acknowledged is there; the one in doubt may be.
    const database = new DatabaseSync(path)
    const kept = Number(database.prepare('SELECT count(*) AS kept FROM collection_events').get()?.kept)
    database.close()
    expect(acknowledged).toBeGreaterThan(10)
    expect([acknowledged, acknowledged + 1]).toContain(kept)
  })

  it('corrupted in the middle says so instead of answering', async () => {
    const store = createSqliteStore({ path })
    await store.insert(Array.from({ length: 500 }, (_, index) => document(`k${index}`, 'x'.repeat(500))))
    await store[Symbol.asyncDispose]()
    const content = readFileSync(path)
    content.fill(0xff, 4096)
    writeFileSync(path, content)
    const failures: unknown[] = []
    try {
      await using damaged = createSqliteStore({ path, readonly: true })
      await damaged.range('events', { limit: 500 })
    } catch (error) {
      failures.push(error)
    }
    expect(failures).toEqual([expect.any(StoreBrokenError)])
  })

  function inFile(sql: string): void {
    const database = new DatabaseSync(path)
    database.exec(sql)
    database.close()
  }

  function onDisk(): string {
    return [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join('')
  }
})

describe('what SQLite says becomes the reaction it asks for', () => {
  // Result codes from sqlite.org/rescode.html.
  it.each([
    ['SQLITE_FULL', 13, StoreFullError],
    ['SQLITE_IOERR_SHMSIZE', 4874, StoreFullError],
    ['SQLITE_BUSY', 5, StoreUnavailableError],
    ['SQLITE_BUSY_RECOVERY', 261, StoreUnavailableError],
    ['SQLITE_LOCKED', 6, StoreUnavailableError],
    ['SQLITE_CANTOPEN', 14, StoreUnavailableError],
    ['SQLITE_IOERR_FSYNC', 1034, StoreBrokenError],
    ['SQLITE_IOERR_WRITE', 778, StoreBrokenError],
    ['SQLITE_CORRUPT', 11, StoreBrokenError],
    ['SQLITE_NOTADB', 26, StoreBrokenError],
    ['SQLITE_READONLY', 8, StoreBrokenError],
    ['a code nobody knows', 99, StoreBrokenError],
  ])('%s', (_, errcode, expected) => {
    const cause = Object.assign(new Error('as SQLite said it'), { errcode })
    const error = storeErrorFromSqlite(cause, 'x.sqlite')
    expect(error).toBeInstanceOf(expected)
    expect(error).toMatchObject({ cause, message: 'x.sqlite: as SQLite said it' })
  })

  it('what is not SQLite’s stays what it is', () => {
    const error = new TypeError('ours')
    expect(storeErrorFromSqlite(error, 'x.sqlite')).toBe(error)
  })
})

// Runs in a process of its own under strace: inserts until a call fails, then tries three more.
const untilItFails = `
  const { createSqliteStore } = await import(process.env.STORE_MODULE)
  const store = createSqliteStore({ path: process.env.STORE_PATH })
  const failures = []
  let acknowledged = 0
  for (let index = 0; index < 1000 && failures.length === 0; index++) {
    const document = { collection: 'events', key: 'k' + index, term: 1n, value: new Uint8Array(100) }
    await store.insert([document]).then(() => acknowledged++, (error) => failures.push(error.name))
  }
  await store.insert([]).catch((error) => failures.push(error.name))
  await store.get('events', 'k0').catch((error) => failures.push(error.name))
  await store.movePosition('log', undefined, { term: 1n, value: new Uint8Array() })
    .catch((error) => failures.push(error.name))
  console.log(JSON.stringify({ acknowledged, failures }))
`

function document(key: string, value: string = key, subject?: string): Document {
  const bare = { collection: 'events', key, term: 1n, value: new Uint8Array(Buffer.from(value)) }
  return subject === undefined ? bare : { ...bare, subject }
}
