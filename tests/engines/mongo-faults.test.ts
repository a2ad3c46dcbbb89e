import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyFromIndex, raiseTerm, type Store, StoreUnavailableError, step } from '@hutong/store'
import { createMongoStore } from '@hutong/store/mongo'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../constellation/until.ts'
import { jarFolder } from './jars.ts'
import { mongoJars } from './mongo/jars.ts'
import { killMongoServer, type MongoServer, mongoJavaServerLabel, startMongoServer } from './mongo/server.ts'
import { status } from './mongo.ts'

// A server of this file's own is frozen and killed, never the one that others test on; only where `pnpm engines up` has
// been asked for, since nothing here may start Java or fetch a jar by itself.
const isAskedFor = (await status()).kind === 'up'

/** UNDETERMINED within 2 s, never a hang (X19). */
const lookupAnswerMs = 2_000

describe(`a store in MongoDB that misbehaves [${mongoJavaServerLabel}]`, () => {
  let folder: string
  let server: MongoServer
  let store: Store

  beforeAll(async () => {
    if (!isAskedFor) return
    folder = await mkdtemp(join(tmpdir(), 'hutong-mongo-'))
    server = await startMongoServer({ jars: jarFolder(mongoJars), folder })
    store = await createMongoStore({ uri: `mongodb://127.0.0.1:${server.port}`, database: 'faults' })
  })
  afterAll(async () => {
    if (!isAskedFor) return
    await store[Symbol.asyncDispose]()
    await killMongoServer(server)
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach((ctx) => {
    if (!isAskedFor) ctx.skip('no server of ours to freeze and kill: `pnpm engines up` brings what starts one')
  })

  const restart = async () => {
    server = await startMongoServer({ jars: jarFolder(mongoJars), folder, port: server.port })
  }
  const lookups = () => [
    store.get('events', 'a'),
    store.getMany('events', ['a']),
    store.range('events', { limit: 1 }),
    store.position('log'),
  ]

  it('frozen: each lookup is unavailable within 2 s, the next ones too; thawed it answers again (X19)', async () => {
    await store.insert([{ collection: 'events', key: 'a', term: 1n, value: Uint8Array.of(1) }])
    server.process.kill('SIGSTOP')
    try {
      for (let round = 0; round < 2; round++)
        expect(await refusals(lookups())).toEqual(['soon', 'soon', 'soon', 'soon'])
    } finally {
      server.process.kill('SIGCONT')
    }
    const { answer } = await until('a lookup after the thaw', () => store.get('events', 'a'), Boolean)
    expect(answer?.value).toEqual(Uint8Array.of(1))
  })

  it('killed: each lookup is unavailable within 2 s; started anew the same store answers again (X19)', async () => {
    await store.insert([{ collection: 'events', key: 'a', term: 1n, value: Uint8Array.of(1) }])
    await killMongoServer(server)
    try {
      expect(await refusals(lookups())).toEqual(['soon', 'soon', 'soon', 'soon'])
      await expect(store.movePosition('other', undefined, { term: 1n, value: new Uint8Array() })).rejects.toThrow(
        StoreUnavailableError,
      )
    } finally {
      await restart()
    }
    const { answer } = await until('a lookup after the start', () => store.get('events', 'a'), Boolean)
    expect(answer?.value).toEqual(Uint8Array.of(1))
    const insert = () => store.insert([{ collection: 'events', key: 'b', term: 1n, value: Uint8Array.of(2) }])
    await until('a write after the start', insert, () => true)
    expect((await store.get('events', 'b'))?.value).toEqual(Uint8Array.of(2))
  })

  it('killed while a writer takes steps: every step it was told of is there, and at most one more (X1)', async () => {
    const { acknowledged, term } = await writeUntilKilled()
    await restart()
    const { answer: position } = await until('the position', () => store.position('steps'), Boolean)
    const moved = position!.version - 1n
    expect([acknowledged, acknowledged + 1n]).toContain(moved)
    const found = await store.range('steps', { limit: 16_384, to: keyFromIndex(moved * 3n) })
    expect(found.map(({ key }) => key)).toEqual(
      Array.from({ length: Number(moved) * 3 }, (_, at) => keyFromIndex(BigInt(at))),
    )
    // What the dead step left above the position is overwritten by the next term.
    const next = await raiseTerm(store, 'steps')
    expect(next.term).toBe(term + 1n)
    const documents = [
      { collection: 'steps', key: keyFromIndex(moved * 3n), term: next.term, value: Buffer.from('anew') },
    ]
    expect(await step(store, documents, 'steps', next.version, { term: next.term, value: Buffer.from('anew') })).toBe(
      true,
    )
  })

  async function writeUntilKilled(): Promise<{ readonly acknowledged: bigint; readonly term: bigint }> {
    const { term, version } = await raiseTerm(store, 'steps')
    let acknowledged = 0n
    let killing: Promise<void> | undefined
    try {
      for (;;) {
        const documents = [0n, 1n, 2n].map((at) => ({
          collection: 'steps',
          key: keyFromIndex(acknowledged * 3n + at),
          term,
          value: Buffer.from(`of step ${acknowledged}`),
        }))
        const next = { term, value: Buffer.from(`${acknowledged}`) }
        const stepping = step(store, documents, 'steps', version + acknowledged, next)
        if (acknowledged === 30n) killing = killMongoServer(server)
        expect(await stepping).toBe(true)
        acknowledged++
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
    }
    await killing
    return { acknowledged, term }
  }
})

/** Of each call `soon` when it failed as unavailable in time, otherwise what it did instead. */
async function refusals(calls: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const startedMs = performance.now()
  return Promise.all(
    calls.map((call) =>
      call.then(
        () => 'answered',
        (error: unknown) => {
          if (!(error instanceof StoreUnavailableError)) return String(error)
          const tookMs = performance.now() - startedMs
          return tookMs < lookupAnswerMs ? 'soon' : `after ${Math.round(tookMs)} ms`
        },
      ),
    ),
  )
}
