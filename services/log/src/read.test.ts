import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import {
  checkLog as checkLogFiles,
  parsePolicy,
  parseTlogProof,
  type VerifierKey,
  verifyTlogProof,
} from '@hutong/merkle'
import { sha256 } from '@hutong/signing'
import { createMemoryStore, createSqliteStore } from '@hutong/store'
import { createMemoryStream, type Stream, StreamUnavailableError } from '@hutong/stream'
import { newestCharter, trustFromFirstCharter } from '@hutong/verify'
import { decodeRecord, type EntryRecord, encodeRecord, type LoggedRecord } from '@hutong/wire'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Bell } from './bell.ts'
import { hex } from './documents.ts'
import { HeadAnnouncer } from './heads.ts'
import { emptyLogState } from './log-state.ts'
import { type Alliance, createAlliance } from './testing/alliance.ts'
import { callOf, logOpener, type OpenLog, startMs } from './testing/open-log.ts'

const openLog = logOpener(createMemoryStore)
const alone: Alliance = createAlliance({ quorum: 0 })
const three: Alliance = createAlliance()
const [beijing, tianjin] = three.zones as [string, string]

describe('read', () => {
  it('gives from any index the entries in order, then the newest head and the newest cosigned head', async () => {
    await using log = await openLog(three)
    await publishWitnessed(log, 3)
    const records = await log.read(2n)
    expect(records.map(({ kind }) => kind)).toEqual(['entry', 'entry', 'head', 'cosigned'])
    expect(records.map((record) => record.kind === 'entry' && record.index).slice(0, 2)).toEqual([2n, 3n])
  })

  it('gives the same records out of the store as out of memory', async () => {
    const store = createMemoryStore()
    let before: readonly LoggedRecord[] = []
    {
      await using log = await openLog(three, { store })
      await publishWitnessed(log, 3)
      before = await log.read(0n)
    }
    await using log = await openLog(three, { store })
    expect((await log.read(0n)).map(bytesOf)).toEqual(before.map(bytesOf))
  })

  it('leaves payloads out where they are not asked for, and for who may not see them', async () => {
    await using log = await openLog(alone)
    await log.append(beijing, alone.publisher(beijing).seal(2, startMs))
    const payloadBytes = async (options: Parameters<OpenLog['read']>[1]) =>
      entriesOf(await log.read(1n, options)).flatMap(({ entries }) => entries.map(({ payload }) => payload.length))
    expect(await payloadBytes({ role: 'verifier' })).toEqual([300, 300])
    expect(await payloadBytes({ role: 'auditor' })).toEqual([300, 300])
    expect(await payloadBytes({ role: 'verifier', withoutPayloads: true })).toEqual([0, 0])
    expect(await payloadBytes({ role: 'client' })).toEqual([0, 0])
    expect(await payloadBytes({ role: 'counter' })).toEqual([0, 0])
  })

  it('leaves out what was deleted, says so, and does not take it back from a batch sent again', async () => {
    const subject = sha256(Buffer.from('somebody'))
    await using log = await openLog(alone)
    const publisher = alone.publisher(beijing)
    const batch = publisher.seal(2, startMs)
    const about = publisher.seal(1, startMs, { subject })
    await log.append(beijing, batch)
    await log.append(beijing, about)
    expect(await log.service.log.redact(hex(subject))).toBe(1)
    await log.append(beijing, about)
    const [kept, deleted] = entriesOf(await log.read(1n))
    expect([kept!.redacted, deleted!.redacted]).toEqual([[], [0]])
    expect(hex(deleted!.entries[0]!.leaf)).toBe(hex(about.entries[0]!.leaf))
    expect([deleted!.entries[0]!.payload.length, deleted!.entries[0]!.salt.length]).toEqual([0, 0])
  })

  it('gets back a payload it lost from the batch sent again', async () => {
    const store = createMemoryStore()
    const batch = alone.publisher(beijing).seal(2, startMs)
    {
      await using log = await openLog(alone, { store })
      await log.append(beijing, batch)
    }
    await store.delete('payloads', ['0000000000000000001/001'])
    await using log = await openLog(alone, { store })
    expect(entriesOf(await log.read(1n))[0]!.entries[1]!.payload.length).toBe(0)
    await log.append(beijing, batch)
    expect(hex(entriesOf(await log.read(1n))[0]!.entries[1]!.payload)).toBe(hex(batch.entries[1]!.payload))
  })

  it('goes on with what comes, each head after the entries it covers', async () => {
    await using log = await openLog(three)
    await publishWitnessed(log, 1)
    const stop = new AbortController()
    const records = log.follow(0n, stop.signal)
    const kinds: string[] = []
    for await (const record of records) {
      kinds.push(record.kind)
      if (kinds.length === 4) await publishWitnessed(log, 1)
      if (kinds.length === 7) stop.abort()
    }
    expect(kinds).toEqual(['entry', 'entry', 'head', 'cosigned', 'entry', 'head', 'cosigned'])
  })

  it('tells a reader that follows when the hub stops, so that it does not take that for the end of the log', async () => {
    const log = await openLog(alone)
    await log.append(beijing, alone.publisher(beijing).seal(1, startMs))
    const records = log.follow(0n, new AbortController().signal)
    for (let at = 0; at < 3; at++) await records.next()
    const next = records.next()
    await log[Symbol.asyncDispose]()
    await expect(next).rejects.toThrow('SHUTTING_DOWN')
  })
})

describe('heads', () => {
  it('are announced at most one in 100 ms, the newest, at once after a pause, and after 64 entries', () => {
    vi.useFakeTimers()
    onTestFinished(() => {
      vi.useRealTimers()
    })
    let nowMs = 0
    const sizes: bigint[] = []
    const bell = new Bell()
    using heads = new HeadAnnouncer({ headIntervalMs: 100, headEntriesMax: 64 }, () => nowMs, bell)
    const commit = (size: bigint) => {
      heads.committed({ ...emptyLogState, edge: { size, hashes: [] } })
      if (heads.announced!.size !== sizes.at(-1)) sizes.push(heads.announced!.size)
    }
    const wait = (ms: number) => {
      nowMs += ms
      vi.advanceTimersByTime(ms)
      if (heads.announced!.size !== sizes.at(-1)) sizes.push(heads.announced!.size)
    }
    commit(1n)
    expect(sizes).toEqual([1n])
    commit(2n)
    commit(3n)
    wait(99)
    expect(sizes).toEqual([1n])
    wait(1)
    expect(sizes).toEqual([1n, 3n])
    commit(66n)
    expect(sizes).toEqual([1n, 3n])
    commit(67n)
    expect(sizes).toEqual([1n, 3n, 67n])
    wait(1000)
    commit(68n)
    expect(sizes).toEqual([1n, 3n, 67n, 68n])
  })
})

describe('the stream', () => {
  it('gets the same records as a reader of the hub', async () => {
    const stream = createMemoryStream({ id: 'a', now: () => startMs })
    {
      await using log = await openLog(three, { stream })
      await publishWitnessed(log, 2)
      await publishedTo(stream, 3n)
      const stop = new AbortController()
      const followed: string[] = []
      for await (const record of log.follow(0n, stop.signal)) {
        followed.push(bytesOf(record))
        if (record.kind === 'cosigned') stop.abort()
      }
      const entries = (await recordsIn(stream)).filter((record) => record.kind === 'entry').map(bytesOf)
      expect(entries).toEqual(followed.slice(0, 3))
    }
    expect((await recordsIn(stream)).at(-1)?.kind).toBe('cosigned')
  })

  it('holds no gap after a start that finds it behind', async () => {
    const store = createMemoryStore()
    const stream = createMemoryStream({ id: 'a', now: () => startMs })
    const publisher = alone.publisher(beijing)
    {
      await using log = await openLog(alone, { store, stream })
      await log.append(beijing, publisher.seal(1, startMs))
      await publishedTo(stream, 2n)
    }
    {
      await using unheard = await openLog(alone, { store })
      for (let at = 0; at < 3; at++) await unheard.append(beijing, publisher.seal(1, startMs))
    }
    await using log = await openLog(alone, { store, stream })
    await log.append(beijing, publisher.seal(1, startMs))
    await publishedTo(stream, 6n)
    const indexes = (await recordsIn(stream)).flatMap((record) => (record.kind === 'entry' ? [record.index] : []))
    expect([...new Set(indexes)]).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
  })

  it('that is away delays nothing but itself, and misses nothing afterwards', async () => {
    const kept = createMemoryStream({ id: 'a', now: () => startMs })
    let isAway = true
    const stream: Stream = {
      id: 'a',
      reader: () => (isAway ? Promise.reject(new StreamUnavailableError('away')) : kept.reader()),
      writer: () => (isAway ? Promise.reject(new StreamUnavailableError('away')) : kept.writer()),
    }
    await using log = await openLog(alone, { stream })
    const publisher = alone.publisher(beijing)
    expect((await log.append(beijing, publisher.seal(1, startMs))).kind).toBe('appended')
    isAway = false
    await publishedTo(kept, 2n)
    expect(entriesOf(await recordsIn(kept)).map(({ index }) => index)).toEqual([0n, 1n])
  })

  it('that holds a head of the hub beyond its data says that the data is an older copy', async () => {
    const stream = createMemoryStream({ id: 'a', now: () => startMs })
    {
      await using log = await openLog(alone, { stream })
      await log.append(beijing, alone.publisher(beijing).seal(1, startMs))
      await publishedTo(stream, 2n)
    }
    await using restored = await openLog(alone, { stream })
    expect(await restored.status()).toMatchObject({ size: 0n, refuses: 'ADOPT_NEEDED' })
  })
})

describe('a receipt', () => {
  it('proves the batch under a cosigned head and the event under its zone, to who knows the charter alone', async () => {
    await using log = await openLog(three)
    const publisher = three.publisher(beijing)
    const batches = [publisher.seal(3, startMs), publisher.seal(300 - 44, startMs), publisher.seal(9, startMs)]
    const streams = await log.welcomeAll()
    for (const batch of batches) await log.append(beijing, batch)
    const { head } = await log.service.routes.heads({}, callOf(beijing, 'client'))
    const early = await log.service.routes.receipt(
      { origin: publisher.origin, index: 5n },
      callOf(beijing, 'publisher'),
    )
    expect([early.witnessed, early.batchProof]).toEqual([false, ''])
    await streams[0]!.cosign(three.cosigned(beijing, head, startMs))
    await streams[1]!.cosign(three.cosigned(tianjin, head, startMs))

    const trust = trustFromFirstCharter(three.charter)
    if ('kind' in trust) throw new Error(trust.reason)
    const policy = parsePolicy(newestCharter(trust).witnessPolicy)
    if (policy.kind === 'refused') throw new Error(policy.reason)
    const keys = trust.charters[0].view.logs.get(publisher.origin)!.keys.map(({ key }) => key)
    for (const [index, batch, place] of [
      [0n, 0, 0],
      [2n, 0, 2],
      [3n, 1, 0],
      [255n, 1, 252],
      [258n, 1, 255],
      [267n, 2, 8],
    ] as const) {
      const receipt = await log.service.routes.receipt(
        { origin: publisher.origin, index },
        callOf(beijing, 'publisher'),
      )
      expect([receipt.witnessed, receipt.position]).toEqual([true, BigInt(batch + 1)])
      const [hubEntry] = entriesOf(await log.read(receipt.position))
      expect(verifyTlogProof(policy, hubEntry!.leaf, Buffer.from(receipt.batchProof))).toMatchObject({
        kind: 'included',
        index: receipt.position,
      })
      const noWitnesses = { logs: keys, witnesses: [], quorum: { kind: 'none' } } as const
      const leaf = batches[batch]!.entries[place]!.leaf
      expect(verifyTlogProof(noWitnesses, leaf, Buffer.from(receipt.eventProof))).toMatchObject({
        kind: 'included',
        index,
      })
      expect(parseTlogProof(Buffer.from(receipt.eventProof))).toMatchObject({ extra: Buffer.from(leaf) })
    }
  })

  it('is refused for what is not in the log', async () => {
    await using log = await openLog(alone)
    const publisher = alone.publisher(beijing)
    await log.append(beijing, publisher.seal(1, startMs))
    const ask = (origin: string, index: bigint) =>
      log.service.routes.receipt({ origin, index }, callOf(beijing, 'publisher'))
    await expect(ask(publisher.origin, 1n)).rejects.toThrow('NOT_IN_LOG')
    await expect(ask('test.hutong.example/z/nowhere/1', 0n)).rejects.toThrow('NOT_IN_LOG')
  })
})

describe('tiles', () => {
  it('are exactly what each checkpoint needs, through growth and restarts', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tiles-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const store = createMemoryStore()
    const publisher = alone.publisher(beijing)
    for (const counts of [[3, 1], [256, 256, 7], [250], [1, 2, 256]]) {
      await using log = await openLog(alone, { store, tilesDirectory: directory })
      for (const count of counts) await log.append(beijing, publisher.seal(count, startMs))
      const { size } = log.service.log.state.edge
      await vi.waitFor(async () => expect(await checkpointSize(directory, 'h')).toBe(size))
      await vi.waitFor(async () => expect(await checkpointSize(directory, 'z/beijing')).toBe(publisher.edge.size))
      await log[Symbol.asyncDispose]()
      expect(
        await faultsOf(
          directory,
          'h',
          alone.hubSigners.map(({ key }) => key),
        ),
      ).toEqual([])
      expect(await faultsOf(directory, 'z/beijing', zoneKeys(publisher.origin))).toEqual([])
    }
  })

  it('that were torn are written anew', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tiles-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const store = createMemoryStore()
    const publisher = alone.publisher(beijing)
    {
      await using log = await openLog(alone, { store, tilesDirectory: directory })
      await log.append(beijing, publisher.seal(5, startMs))
      await vi.waitFor(async () => expect(await checkpointSize(directory, 'z/beijing')).toBe(5n))
    }
    await rm(join(directory, 'z/beijing/tile/0/000.p/5'))
    await using log = await openLog(alone, { store, tilesDirectory: directory })
    await log.append(beijing, publisher.seal(1, startMs))
    await vi.waitFor(async () => expect(await checkpointSize(directory, 'z/beijing')).toBe(6n))
    await log[Symbol.asyncDispose]()
    expect(await faultsOf(directory, 'z/beijing', zoneKeys(publisher.origin))).toEqual([])
  })
})

describe('on a disk', () => {
  it('a log goes on where it was', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'log-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const path = join(directory, 'log.sqlite')
    const publisher = alone.publisher(beijing)
    let before: readonly LoggedRecord[] = []
    {
      await using store = createSqliteStore({ path })
      await using log = await openLog(alone, { store })
      for (let at = 0; at < 3; at++) await log.append(beijing, publisher.seal(10, startMs))
      before = await log.read(0n)
    }
    await using store = createSqliteStore({ path })
    await using log = await openLog(alone, { store })
    expect((await log.read(0n)).map(bytesOf)).toEqual(before.map(bytesOf))
    expect((await log.append(beijing, publisher.seal(1, startMs))).kind).toBe('appended')
  })
})

async function publishWitnessed(log: OpenLog, batches: number): Promise<void> {
  const streams = await log.welcomeAll()
  const publisher = publishers.get(log) ?? three.publisher(beijing)
  publishers.set(log, publisher)
  for (let at = 0; at < batches; at++) await log.append(beijing, publisher.seal(2, startMs))
  const { head } = await log.service.routes.heads({}, callOf(beijing, 'client'))
  await streams[0]!.cosign(three.cosigned(beijing, head, startMs))
  await streams[1]!.cosign(three.cosigned(tianjin, head, startMs))
}

const publishers = new WeakMap<OpenLog, ReturnType<Alliance['publisher']>>()

function entriesOf(records: readonly LoggedRecord[]): readonly EntryRecord[] {
  return records.filter((record) => record.kind === 'entry')
}

function bytesOf(record: LoggedRecord): string {
  return hex(encodeRecord(record))
}

async function publishedTo(stream: Stream, size: bigint): Promise<void> {
  await vi.waitFor(
    async () => {
      const last = entriesOf(await recordsIn(stream)).at(-1)
      expect(last?.index).toBe(size - 1n)
    },
    { timeout: 5_000 },
  )
  await vi.waitFor(async () => expect((await recordsIn(stream)).at(-1)?.kind).not.toBe('entry'))
}

async function recordsIn(stream: Stream): Promise<readonly LoggedRecord[]> {
  await using reader = await stream.reader()
  const end = await reader.end()
  const records: LoggedRecord[] = []
  if (end === 0n) return records
  for await (const batch of reader.read(0n, new AbortController().signal)) {
    for (const { value } of batch) {
      const read = decodeRecord(value)
      if (read.kind === 'unreadable') throw new Error(read.why)
      records.push(read.record)
    }
    if (BigInt(records.length) >= end) return records
  }
  return records
}

async function checkpointSize(directory: string, log: string): Promise<bigint> {
  return BigInt((await readFile(join(directory, log, 'checkpoint'), 'utf8')).split('\n')[1]!)
}

async function faultsOf(directory: string, log: string, keys: readonly VerifierKey[]): Promise<readonly unknown[]> {
  const root = join(directory, log)
  const files = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = files.filter((file) => file.isFile()).map((file) => relative(root, join(file.parentPath, file.name)))
  const check = await checkLogFiles({ list: async () => paths, read: (path) => readFile(join(root, path)) }, keys)
  return check.isComplete ? check.faults : ['incomplete', ...check.faults]
}

function zoneKeys(origin: string): readonly VerifierKey[] {
  const trust = trustFromFirstCharter(alone.charter)
  if ('kind' in trust) throw new Error(trust.reason)
  return trust.charters[0].view.logs.get(origin)!.keys.map(({ key }) => key)
}
