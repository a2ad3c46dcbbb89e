import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeStreamContract } from './contract.ts'
import { StreamBrokenError, StreamFormatError, StreamFullError, StreamUnavailableError } from './errors.ts'
import { streamErrorFromSqlite } from './local-file.ts'
import { createLocalStream } from './local-stream.ts'
import type { RetainingStream } from './stream.ts'

describeStreamContract('the local stream', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-stream-'))
  const open = () => createLocalStream({ path: join(folder, 'stream.sqlite'), now: () => 1000 })
  let stream = open()
  return {
    stream,
    forgetAll: async () => void (await stream.trim(1001)),
    async reopen() {
      await stream[Symbol.asyncDispose]()
      stream = open()
      return stream
    },
    async dispose() {
      await stream[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
})

describe('a stream in an SQLite file', () => {
  let folder: string
  let path: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hutong-stream-'))
    path = join(folder, 'stream.sqlite')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('opened twice in one process wakes the readers of both', async () => {
    await using hub = open()
    await using zone = open()
    await using reader = await zone.reader()
    const first = (async () => {
      for await (const batch of reader.read(0n, AbortSignal.timeout(10_000))) return batch.length
      return 'nothing came'
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await appendTo(hub, 'a')
    expect(await first).toBe(1)
    expect(zone.id).toBe(hub.id)
  })

  it('made anew under the same name is another stream', async () => {
    const before = open()
    await before[Symbol.asyncDispose]()
    rmSync(path)
    await using after = open()
    expect(after.id).not.toBe(before.id)
  })

  it('is readable by its owner only, also the files beside it', async () => {
    await using stream = open()
    await appendTo(stream, 'a')
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('of a newer version is refused with a text that says so, and is not touched', async () => {
    await open()[Symbol.asyncDispose]()
    inFile('UPDATE stream SET layout = 2')
    const before = readFileSync(path)
    expect(open).toThrow(StreamFormatError)
    expect(open).toThrow(/newer version \(layout 2, this program knows 1\)/)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('that is no database, or a database of something else, is refused', () => {
    writeFileSync(path, 'a letter to the editor, long enough to be no empty file'.repeat(100))
    expect(open).toThrow(StreamFormatError)
    rmSync(path)
    inFile('CREATE TABLE recipes (name TEXT)')
    expect(open).toThrow(StreamFormatError)
  })

  it('in a folder that is not there is unavailable', () => {
    expect(() => createLocalStream({ path: join(folder, 'absent', 'x'), now: () => 0 })).toThrow(StreamUnavailableError)
  })

  it('holds no byte of what retention took, neither in the file nor beside it', async () => {
    await using stream = open()
    const secret = 'Mr Nobody of Nowhere Street 1'
    await appendTo(stream, ...Array(50).fill(secret.repeat(100)))
    expect(onDisk().includes(secret)).toBe(true)
    expect(await stream.trim(1001)).toBe(50)
    expect(onDisk().includes(secret)).toBe(false)
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
      env: { ...process.env, STREAM_MODULE: new URL('./local-stream.ts', import.meta.url).href, STREAM_PATH: path },
    })
    if (/ptrace|not permitted/i.test(run.stderr)) return ctx.skip('sync fails with EIO: strace may not trace here')
    const { acknowledged, failures } = JSON.parse(run.stdout) as { acknowledged: number; failures: string[] }
    expect(failures).toEqual(Array(3).fill('StreamBrokenError'))
    const database = new DatabaseSync(path)
    const kept = Number(database.prepare('SELECT count(*) AS kept FROM records').get()?.kept)
    database.close()
    expect(acknowledged).toBeGreaterThan(10)
    expect([acknowledged, acknowledged + 1]).toContain(kept)
  })

  function open(): RetainingStream {
    return createLocalStream({ path, now: () => 1000 })
  }

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
    ['SQLITE_FULL', 13, StreamFullError],
    ['SQLITE_IOERR_SHMSIZE', 4874, StreamFullError],
    ['SQLITE_BUSY_SNAPSHOT', 517, StreamUnavailableError],
    ['SQLITE_CANTOPEN', 14, StreamUnavailableError],
    ['SQLITE_IOERR_FSYNC', 1034, StreamBrokenError],
    ['SQLITE_CORRUPT', 11, StreamBrokenError],
    ['a code nobody knows', 99, StreamBrokenError],
  ])('%s', (_, errcode, expected) => {
    const cause = Object.assign(new Error('as SQLite said it'), { errcode })
    const error = streamErrorFromSqlite(cause, 'x.sqlite')
    expect(error).toBeInstanceOf(expected)
    expect(error).toMatchObject({ cause, message: 'x.sqlite: as SQLite said it' })
  })

  it('what is not SQLite’s stays what it is', () => {
    const error = new TypeError('ours')
    expect(streamErrorFromSqlite(error, 'x.sqlite')).toBe(error)
  })
})

// Runs in a process of its own under strace: appends until a call fails, then tries two more.
const untilItFails = `
  const { createLocalStream } = await import(process.env.STREAM_MODULE)
  const stream = createLocalStream({ path: process.env.STREAM_PATH, now: () => 1000 })
  const writer = await stream.writer()
  const reader = await stream.reader()
  const failures = []
  let acknowledged = 0
  for (let index = 0; index < 1000 && failures.length === 0; index++) {
    await writer.append([new Uint8Array(100)]).then(() => acknowledged++, (error) => failures.push(error.name))
  }
  await writer.append([new Uint8Array(100)]).catch((error) => failures.push(error.name))
  await reader.end().catch((error) => failures.push(error.name))
  console.log(JSON.stringify({ acknowledged, failures }))
`

async function appendTo(stream: RetainingStream, ...texts: string[]): Promise<void> {
  await using writer = await stream.writer()
  await writer.append(texts.map((text) => new Uint8Array(Buffer.from(text))))
}
