import { join } from 'node:path'
import { checkForm, type LicenceIssued } from '@hutong/licence'
import { CallError, type Outcome, type PublishOptions, type StageName, type ToPublish } from '@hutong/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ImportFile } from './file.ts'
import { publishRows } from './publish-rows.ts'
import { requestIdOf } from './request-id.ts'
import type { ImportRow } from './row.ts'
import { readingOf, rowsOf } from './rows.ts'
import { type Counts, type RefusedRow, Tally } from './tally.ts'

const sample = join(import.meta.dirname, '../../../../tests/samples/licences/licences.csv')

/** A publisher that keeps what it takes, refuses what has no form, and can be told what to answer to its next calls. */
class FakePublisher {
  readonly log: ToPublish[] = []
  readonly calls: (readonly ToPublish[])[] = []
  readonly waits: (StageName | undefined)[] = []
  inFlight = 0
  inFlightMost = 0
  script: (() => 'unavailable' | 'broken' | 'full' | { readonly refuseAll: string } | undefined)[] = []
  /** Held until it resolves. */
  gate: Promise<void> | undefined

  async publish(items: readonly ToPublish[], options: PublishOptions = {}): Promise<readonly Outcome[]> {
    options.signal?.throwIfAborted()
    this.calls.push(items)
    this.waits.push(options.waitFor)
    this.inFlight += 1
    this.inFlightMost = Math.max(this.inFlightMost, this.inFlight)
    const told = this.script.shift()?.()
    await this.gate
    this.inFlight -= 1
    if (told === 'unavailable') throw new CallError('unavailable', 'ZONE_NOT_RUNNING', 14, 'away')
    if (told === 'full') throw new CallError('refused', 'QUEUE_FULL', 8, 'full')
    if (told === 'broken') throw new CallError('failed', 'INTERNAL', 13, 'broken')
    return items.map((item) =>
      typeof told === 'object' ? refused(item, told.refuseAll) : this.#take(item, options.waitFor ?? 'sequenced'),
    )
  }

  #take(item: ToPublish, stage: StageName): Outcome {
    const refusal = checkForm(item.event)
    if (refusal !== undefined) return { kind: 'refused', requestId: item.requestId, refusal }
    const found = this.log.findIndex(({ requestId }) => requestId === item.requestId)
    if (found < 0) this.log.push(item)
    const index = BigInt(found < 0 ? this.log.length - 1 : found)
    const { requestId } = item
    const place = { origin: 'o', index, leafHash: new Uint8Array(32), stage, position: undefined }
    return { kind: 'published', requestId, ...place, duplicate: found >= 0 }
  }
}

function refused({ requestId }: ToPublish, code: string): Outcome {
  return { kind: 'refused', requestId, refusal: { code, field: '', expected: '', zh: '', en: '' } }
}

const licence = (number: number): LicenceIssued => ({
  kind: 'licence_issued',
  identifier: `1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.001.E`,
  authority: '11110000000021135M',
  authorityName: '机构',
  licenceType: '11100000000013338W011',
  name: '证照',
  number: String(number),
  issuedOn: '2025-01-01',
  holder: { name: '演示', code: '110000', codeType: '099' },
  validFrom: '',
  validUntil: '',
  extensions: [],
  files: [],
  demonstration: true,
})

/** Well-formed identifiers that differ: those of the branch that has no check character. */
const distinct = (number: number): LicenceIssued => ({
  ...licence(number),
  identifier: `1.2.156.3003.2.11100000000013338W011.11110000000021135M.${number}.001.0`,
})

const rowOf = (one: LicenceIssued, line: number, zone = 'beijing'): ImportRow => ({
  kind: 'licence',
  line,
  zone,
  licence: one,
  source: { kind: 'text', text: '' },
})

async function* rows(count: number): AsyncGenerator<ImportRow> {
  for (let at = 0; at < count; at++) yield rowOf(distinct(at), at + 2)
}

async function run(
  publishers: Readonly<Record<string, FakePublisher>>,
  given: AsyncIterable<ImportRow>,
  waitFor: StageName = 'sealed',
  settled = 0,
): Promise<
  Counts & { readonly told: readonly RefusedRow[]; readonly stages: Awaited<ReturnType<typeof publishRows>> }
> {
  const tally = new Tally()
  const told: RefusedRow[] = []
  const progress = {
    settled,
    take: (row: Parameters<Tally['take']>[0]) => {
      const one = tally.take(row)
      if (one !== undefined) told.push(one)
    },
    afterRow: async () => {},
  }
  const stages = await publishRows(given, waitFor, progress, {
    publisherOf: (zone) => publishers[zone],
    nowMs: Date.now,
    signal: new AbortController().signal,
  })
  return { ...tally.counts, told, stages }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('publishing the rows of a file', () => {
  it('publishes every row of the sample once, also when it is done twice', async () => {
    const publishers: Record<string, FakePublisher> = {}
    const all = new Proxy(publishers, { get: (known, zone: string) => (known[zone] ??= new FakePublisher()) })
    const again = async () => {
      await using file = await ImportFile.open(sample)
      const choice = { kind: 'field', name: 'KZ_ZONE' } as const
      return await run(all, rowsOf(file, await readingOf(file, { choice }), choice), 'witnessed')
    }
    const first = await again()
    const second = await again()
    expect(first).toMatchObject({ read: 2000, published: 2000, duplicates: 0, refusedCount: 0, restUnread: false })
    expect(second).toMatchObject({ read: 2000, published: 0, duplicates: 2000, refusedCount: 0 })
    expect(first.zones).toHaveLength(14)
    expect([...first.stages.values()].every((stage) => stage === 'witnessed')).toBe(true)
    expect(Object.values(publishers).reduce((sum, { log }) => sum + log.length, 0)).toBe(2000)
    expect(first.told).toEqual([])
  })

  it('sends at most 256 events at once, in the order of the file', async () => {
    const beijing = new FakePublisher()
    await run({ beijing }, rows(600))
    expect(beijing.calls.map((items) => items.length)).toEqual([256, 256, 88])
    expect(beijing.log.map(({ event }) => (event as LicenceIssued).number)).toEqual(
      Array.from({ length: 600 }, (_, at) => String(at)),
    )
  })

  it('has four requests of a zone on their way at once, and no more', async () => {
    const beijing = new FakePublisher()
    const { promise, resolve } = Promise.withResolvers<void>()
    beijing.gate = promise
    const running = run({ beijing }, rows(256 * 20))
    await vi.waitFor(() => expect(beijing.calls).toHaveLength(4))
    await new Promise((done) => setImmediate(done))
    expect(beijing.calls).toHaveLength(4)
    resolve()
    expect(await running).toMatchObject({ published: 256 * 20 })
    expect(beijing.inFlightMost).toBe(4)
  })

  it('lets rows about one licence wait for each other', async () => {
    const beijing = new FakePublisher()
    async function* same(): AsyncGenerator<ImportRow> {
      for (const number of [1, 2, 3]) yield rowOf(licence(number), number)
    }
    await run({ beijing }, same())
    expect(beijing.calls.map((items) => items.map(({ event }) => (event as LicenceIssued).number))).toEqual([
      ['1'],
      ['2'],
      ['3'],
    ])
    expect(beijing.inFlightMost).toBe(1)
  })

  it('lets rows about two versions of one licence wait for each other', async () => {
    const beijing = new FakePublisher()
    async function* versions(): AsyncGenerator<ImportRow> {
      for (const version of ['001.E', '002.C']) {
        yield rowOf({ ...licence(1), identifier: licence(1).identifier.replace('001.E', version) }, 2)
      }
    }
    await run({ beijing }, versions())
    expect(beijing.calls.map((items) => items.length)).toEqual([1, 1])
  })

  it('cuts a request before it is larger than it may be', async () => {
    const beijing = new FakePublisher()
    const long = 'x'.repeat(4096)
    async function* large(): AsyncGenerator<ImportRow> {
      for (let at = 0; at < 100; at++) {
        const extensions = Array.from({ length: 4 }, (_, n) => ({ name: `KZ_${n}`, value: long }))
        yield rowOf({ ...distinct(at), extensions }, at + 2)
      }
    }
    await run({ beijing }, large())
    expect(beijing.calls.length).toBeGreaterThan(1)
    expect(beijing.calls.flat()).toHaveLength(100)
  })

  it('tells each refused row with its reason, and publishes all others', async () => {
    const beijing = new FakePublisher()
    async function* mixed(): AsyncGenerator<ImportRow> {
      yield rowOf(distinct(1), 2)
      yield rowOf({ ...distinct(2), issuedOn: '2025-02-30' }, 3)
      yield rowOf(distinct(3), 4, 'mars')
      yield rowOf(distinct(4), 5)
    }
    const { told, ...counts } = await run({ beijing }, mixed())
    expect(counts).toMatchObject({ read: 4, published: 2, refusedCount: 2, notRunning: [{ zone: 'mars', rows: 1 }] })
    expect(told.map(({ item, line, refusal: { code } }) => [item, line, code])).toEqual([
      [2, 3, 'IMPOSSIBLE_DATE'],
      [3, 4, 'ZONE_NOT_RUNNING'],
    ])
    expect(JSON.stringify(counts)).not.toContain('演示')
  })

  it('leaves out the rows that are settled already', async () => {
    const beijing = new FakePublisher()
    const { read } = await run({ beijing }, rows(600), 'sealed', 500)
    expect(read).toBe(100)
    expect(beijing.log.map(({ event }) => (event as LicenceIssued).number).slice(0, 2)).toEqual(['500', '501'])
  })

  it.each(['unavailable', 'full'] as const)('sends again, under the same ids, what was answered %s', async (what) => {
    const beijing = new FakePublisher()
    beijing.script = [() => what, () => what]
    expect(await run({ beijing }, rows(3))).toMatchObject({ published: 3, refusedCount: 0 })
    const ids = beijing.calls.map((items) => items.map(({ requestId }) => requestId))
    expect(ids).toHaveLength(3)
    expect(ids[1]).toEqual(ids[0])
    expect(ids[2]).toEqual(ids[0])
  })

  it('sends again what was refused for a reason that passes', async () => {
    const beijing = new FakePublisher()
    beijing.script = [() => ({ refuseAll: 'NOT_SEALED_IN_TIME' })]
    expect(await run({ beijing }, rows(3))).toMatchObject({ published: 3, refusedCount: 0 })
  })

  it.each(['unavailable', { refuseAll: 'DISK_FULL' }] as const)(
    'gives up after a minute of %s, refusing no row',
    async (what) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const beijing = new FakePublisher()
      beijing.script = Array.from({ length: 10 }, () => () => {
        vi.setSystemTime(Date.now() + 30_000)
        return what
      })
      await expect(run({ beijing }, rows(3))).rejects.toThrow(Error)
      expect(beijing.calls).toHaveLength(2)
    },
  )

  it('does not repeat what a publisher broke on', async () => {
    const beijing = new FakePublisher()
    beijing.script = [() => 'broken']
    await expect(run({ beijing }, rows(3))).rejects.toThrow('broken')
    expect(beijing.calls).toHaveLength(1)
  })

  it('says sealed where the stage asked for was not told in time', async () => {
    const beijing = new FakePublisher()
    beijing.script = [() => undefined, () => 'unavailable']
    const { stages } = await run({ beijing }, rows(3), 'witnessed')
    expect(beijing.waits).toEqual(['sealed', 'witnessed'])
    expect([...stages]).toEqual([['beijing', 'sealed']])
  })
})

describe('the request id of a row', () => {
  it('is 64 characters, and another for another zone and for every other content', () => {
    const ids = [
      requestIdOf('beijing', licence(1)),
      requestIdOf('tianjin', licence(1)),
      requestIdOf('beijing', licence(2)),
      requestIdOf('beijing', { ...licence(1), validUntil: '2030-01-01' }),
      requestIdOf('beijing', { ...licence(1), holder: { ...licence(1).holder, codeType: '999' } }),
      requestIdOf('beijing', { ...licence(1), extensions: [{ name: 'KZ_A', value: '' }] }),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every((id) => /^[0-9a-f]{64}$/.test(id))).toBe(true)
    expect(requestIdOf('beijing', { ...licence(1) })).toBe(ids[0])
  })
})
