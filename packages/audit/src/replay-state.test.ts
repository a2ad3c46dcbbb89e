import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { digestRow } from '@hutong/verify'
import { resumed, revoked, suspended, World, WorldCopy } from '@hutong/verify/world'
import { decodeDigestRow } from '@hutong/wire'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReplayStateError } from './event-archive.ts'
import { type RecordSource, replay, reportToJson, type VerifierPeer } from './index.ts'
import { ReplayState } from './replay-state.ts'

describe('a replay with a state', () => {
  it('that was stopped anywhere, several times, comes to the report of one that was not', async () => {
    const whole = reportToJson(await replay({ ...options(), verifiers: [standingAt(early)] }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: world.records.length }), { minLength: 1, maxLength: 4 }),
        fc.bigInt({ min: 1n, max: 9n }),
        async (stops, eventsBetweenSaves) => {
          const path = newPath()
          for (const stop of stops) {
            await using state = await ReplayState.open(path, eventsBetweenSaves)
            const source = sourceOf(stop)
            await expect(replay({ ...options(), source, state, verifiers: [standingAt(early)] })).rejects.toThrow(
              'killed',
            )
          }
          await using state = await ReplayState.open(path, eventsBetweenSaves)
          const report = await replay({ ...options(), state, verifiers: [standingAt(early)] })
          expect(reportToJson(report)).toEqual(whole)
        },
      ),
      { numRuns: 8 },
    )
  })

  it('goes on where the one before ended, and reads nothing twice', async () => {
    const path = newPath()
    const asked: bigint[] = []
    for (let round = 0; round < 2; round++) {
      await using state = await ReplayState.open(path)
      const source = sourceOf(undefined, (from) => asked.push(from))
      const report = await replay({ ...options(), source, state })
      expect(report).toMatchObject({ outcome: 'incomplete', position: world.size })
    }
    expect(asked).toEqual([0n, world.size])
  })

  it('does not agree with a hub that shows a smaller head than it had signed', async () => {
    for (const head of [world.head(world.size - 2n), new Uint8Array(0)]) {
      const back: RecordSource = { heads: async () => ({ head, cosigned: new Uint8Array(0) }), async *records() {} }
      for (const isSnapshot of [false, true]) {
        const path = newPath()
        await using state = await ReplayState.open(path)
        await replay({ ...options(), state })
        await using again = await ReplayState.open(path)
        const report = await replay({ ...options(), source: back, state: again, isSnapshot })
        // An export that is older than the state is no going back of the hub's.
        expect([isSnapshot, report.contradiction?.code]).toEqual([isSnapshot, isSnapshot ? undefined : 'HEAD_BEHIND'])
      }
    }
  })

  it('says of a verifier that is behind it that it was not compared', async () => {
    const path = newPath()
    await using state = await ReplayState.open(path)
    await replay({ ...options(), state })
    await using again = await ReplayState.open(path)
    const report = await replay({ ...options(), state: again, verifiers: [standingAt(early)] })
    expect(report.outcome).toBe('incomplete')
    expect(report.verifiers).toMatchObject([{ kind: 'not_compared', code: 'STATE_AHEAD' }])
  })

  it('finds a fork that a head shows which lies before the saved place', async () => {
    const path = newPath()
    await using state = await ReplayState.open(path)
    await replay({ ...options(), state })
    await using again = await ReplayState.open(path)
    const verifiers = [
      { ...standingAt(world.size), standing: async () => ({ position: world.size, head: fork.head(early) }) },
    ]
    const report = await replay({ ...options(), state: again, verifiers })
    expect(report).toMatchObject({ outcome: 'differs', contradiction: { code: 'HEAD_ROOT', position: early } })
  })

  it('is refused for another alliance', async () => {
    const path = newPath()
    await using state = await ReplayState.open(path)
    await replay({ ...options(), state })
    await using again = await ReplayState.open(path)
    const other = { ...options(), charterSha256: new Uint8Array(32).fill(7), state: again }
    await expect(replay(other)).rejects.toThrow(/another alliance/)
  })

  it('is given up by the one that began first', async () => {
    const path = newPath()
    await using first = await ReplayState.open(path, 1n)
    await using second = await ReplayState.open(path, 1n)
    await replay({ ...options(), state: second })
    await expect(replay({ ...options(), state: first })).rejects.toThrow(/another/)
  })

  it('is not gone on from where a byte of it was altered, wherever', async () => {
    const path = newPath()
    {
      await using state = await ReplayState.open(path, 4n)
      await replay({ ...options(), state })
    }
    const whole = reportToJson(await replay(options()))
    for (const [table, at] of cells(path)) {
      for (const share of [0, 0.3, 0.999]) {
        const put = flip(path, table, at, share)
        const going = ReplayState.open(path).then(async (state) => {
          await using opened = state
          return reportToJson(await replay({ ...options(), state: opened }))
        })
        const came = await going.catch((error: unknown) => error)
        expect(came, `${table} ${at} ${share}`).toBeInstanceOf(ReplayStateError)
        put()
      }
    }
    await using state = await ReplayState.open(path)
    expect(reportToJson(await replay({ ...options(), state })).digest).toEqual(whole.digest)
  })
})

let world: World
let fork: World
let folder: string
let early: bigint
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-state-'))
  world = story('L')
  fork = story('OTHERWISE')
  early = world.size - 3n
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const newPath = () => join(folder, `${files++}.sqlite`)

function story(serial: string): World {
  const told = new World({ suite: 'Ed25519' })
  const licences = Array.from({ length: 5 }, (_, at) => told.licence('beijing', `S${at}`))
  told.publishBatch('beijing', licences)
  told.publish('tianjin', told.licence('tianjin', serial))
  told.observe('langfang')
  told.publish('beijing', suspended(licences[0]!))
  told.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs * 2 }))
  told.publish('beijing', { event: told.licence('beijing', 'S1'), subject: new Uint8Array(32).fill(5) })
  told.publish('beijing', { event: told.licence('beijing', 'NEW'), subject: new Uint8Array(32).fill(6) })
  told.publish('beijing', told.licence('beijing', 'NEW'))
  told.publish('beijing', resumed(licences[0]!))
  told.publish('tianjin', { event: told.licence('tianjin', 'GONE'), carried: 'missing' })
  told.publish('beijing', revoked(licences[2]!))
  told.observe('tianjin')
  return told
}

const options = () => ({ source: sourceOf(), charterSha256: world.pinnedSha256, verifiers: [] as VerifierPeer[] })

/** @param stop after so many records the source breaks. */
function sourceOf(stop?: number, onAsked: (from: bigint) => void = () => {}): RecordSource {
  const [head, cosigned] = [world.head(), world.cosignedHead()]
  return {
    heads: async () => ({ head, cosigned }),
    async *records(from) {
      onAsked(from)
      let read = 0
      for (const record of world.records.slice(Number(from))) {
        if (stop !== undefined && read++ >= stop) throw new Error('killed')
        yield record
      }
      if (stop !== undefined) throw new Error('killed')
      yield { kind: 'head', checkpoint: head }
      yield { kind: 'cosigned', checkpoint: cosigned }
    },
  }
}

/** A verifier that has applied so much, and holds what the plainest of folds comes to. */
function standingAt(position: bigint): VerifierPeer {
  const copy = new WorldCopy(world.pinnedSha256)
  for (const record of world.records.slice(0, Number(position))) copy.take(record)
  const rows = world.zones.flatMap((zone) => copy.folds(zone)).flatMap((fold) => digestRow(fold) ?? [])
  return {
    zone: 'tianjin',
    standing: async () => ({ position, head: world.head(position) }),
    digest: async (asked) => {
      expect(asked).toBe(position)
      return { kind: 'refused', code: 'NOT_YET', reason: `${rows.length} ${decodeDigestRow(rows[0]!).kind}` }
    },
  }
}

/** Every value that the file holds. */
function cells(path: string): readonly (readonly [string, number])[] {
  return withFile(path, (database) =>
    ['collection_chunks', 'collection_charters', 'collection_hashes', 'positions'].flatMap((table) =>
      database
        .prepare(`SELECT rowid AS at FROM ${table === 'positions' ? '(SELECT 1 AS rowid)' : table}`)
        .all()
        .map(({ at }) => [table, Number(at)] as const),
    ),
  )
}

/** Flips a bit of a value; what is given back puts it right. */
function flip(path: string, table: string, at: number, share: number): () => void {
  const where = table === 'positions' ? '1 = ?' : 'rowid = ?'
  const read = () => withFile(path, (database) => database.prepare(`SELECT value FROM ${table} WHERE ${where}`).get(at))
  const write = (value: Uint8Array) =>
    withFile(path, (database) => database.prepare(`UPDATE ${table} SET value = ? WHERE ${where}`).run(value, at))
  const value = read()!.value as Uint8Array
  const altered = Uint8Array.from(value)
  altered[Math.floor(altered.length * share)]! ^= 1
  write(altered)
  return () => void write(value)
}

function withFile<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path)
  try {
    return work(database)
  } finally {
    database.close()
  }
}
