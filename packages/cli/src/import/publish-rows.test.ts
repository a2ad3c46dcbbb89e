import { join } from 'node:path'
import { checkForm, type LicenceIssued } from '@hutong/licence'
import { CallError, type Outcome, type PublishOptions, type StageName, type ToPublish } from '@hutong/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ImportRow, licenceRows } from './csv-rows.ts'
import {
  type ImportSummary,
  type ImportSurroundings,
  importLicences,
  type RefusedLine,
  requestIdOf,
} from './publish-rows.ts'

const sample = join(import.meta.dirname, '../../../../tests/samples/licences/licences.csv')

/** A publisher that keeps what it takes, refuses what has no form, and can be told what to answer to its next calls. */
class FakePublisher {
  readonly log: ToPublish[] = []
  readonly calls: (readonly ToPublish[])[] = []
  readonly waits: (StageName | undefined)[] = []
  script: (() => 'unavailable' | 'broken' | { readonly refuseAll: string } | undefined)[] = []

  async publish(items: readonly ToPublish[], options: PublishOptions = {}): Promise<readonly Outcome[]> {
    this.calls.push(items)
    this.waits.push(options.waitFor)
    const told = this.script.shift()?.()
    if (told === 'unavailable') throw new CallError('unavailable', 'ZONE_NOT_RUNNING', 14, 'away')
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

function surroundings(publishers: Readonly<Record<string, FakePublisher>>) {
  const told: RefusedLine[] = []
  const one: ImportSurroundings = {
    publisherOf: (zone) => publishers[zone],
    nowMs: Date.now,
    signal: new AbortController().signal,
    onRefused: (line) => told.push(line),
    onProgress: () => {},
  }
  return { one, told }
}

const licence = (number: number): LicenceIssued => ({
  kind: 'licence_issued',
  identifier: '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.001.E',
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

async function* rows(count: number, zone = 'beijing'): AsyncGenerator<ImportRow> {
  for (let at = 0; at < count; at++) yield { kind: 'licence', line: at + 2, zone, licence: licence(at) }
}

const all = (publisher: FakePublisher) => surroundings({ beijing: publisher })

afterEach(() => {
  vi.useRealTimers()
})

describe('an import', () => {
  it('publishes every line of the sample once, also when it is done twice', async () => {
    const publishers: Record<string, FakePublisher> = {}
    const { one, told } = surroundings(
      new Proxy(publishers, { get: (known, zone: string) => (known[zone] ??= new FakePublisher()) }),
    )
    const run = (): Promise<ImportSummary> =>
      importLicences(licenceRows(sample, 'utf-8', { kind: 'field', name: 'KZ_ZONE' }), 'witnessed', one)
    const first = await run()
    const second = await run()
    expect(first).toMatchObject({ read: 2000, published: 2000, duplicates: 0, refusedCount: 0, restUnread: false })
    expect(second).toMatchObject({ read: 2000, published: 0, duplicates: 2000, refusedCount: 0 })
    expect(first.zones).toHaveLength(14)
    expect(first.zones.every(({ stage }) => stage === 'witnessed')).toBe(true)
    expect(Object.values(publishers).reduce((sum, { log }) => sum + log.length, 0)).toBe(2000)
    expect(told).toEqual([])
  })

  it('sends at most 256 events at once, in the order of the file', async () => {
    const publisher = new FakePublisher()
    await importLicences(rows(600), 'sealed', all(publisher).one)
    expect(publisher.calls.map((items) => items.length)).toEqual([256, 256, 88])
    expect(publisher.log.map(({ event }) => (event as LicenceIssued).number)).toEqual(
      Array.from({ length: 600 }, (_, at) => String(at)),
    )
  })

  it('cuts a batch before it is larger than a request may be', async () => {
    const publisher = new FakePublisher()
    const long = 'x'.repeat(4096)
    async function* large(): AsyncGenerator<ImportRow> {
      for (let at = 0; at < 100; at++) {
        const extensions = Array.from({ length: 4 }, (_, n) => ({ name: `KZ_${n}`, value: long }))
        yield { kind: 'licence', line: at + 2, zone: 'beijing', licence: { ...licence(at), extensions } }
      }
    }
    await importLicences(large(), 'sealed', all(publisher).one)
    expect(publisher.calls.length).toBeGreaterThan(1)
    expect(publisher.calls.flat()).toHaveLength(100)
  })

  it('tells each refused line with its reason, and publishes all others', async () => {
    const publisher = new FakePublisher()
    const { one, told } = all(publisher)
    async function* mixed(): AsyncGenerator<ImportRow> {
      yield { kind: 'licence', line: 2, zone: 'beijing', licence: licence(1) }
      yield { kind: 'licence', line: 3, zone: 'beijing', licence: { ...licence(2), issuedOn: '2025-02-30' } }
      yield { kind: 'licence', line: 4, zone: 'mars', licence: licence(3) }
      yield { kind: 'licence', line: 5, zone: 'beijing', licence: licence(4) }
    }
    const summary = await importLicences(mixed(), 'sealed', one)
    expect(summary).toMatchObject({ read: 4, published: 2, refusedCount: 2 })
    expect(summary.refused.map(({ line, refusal: { code } }) => [line, code])).toEqual([
      [3, 'IMPOSSIBLE_DATE'],
      [4, 'ZONE_NOT_RUNNING'],
    ])
    expect(told).toHaveLength(2)
    expect(JSON.stringify(summary)).not.toContain('演示')
  })

  it('sends again, under the same ids, what nobody answered', async () => {
    const publisher = new FakePublisher()
    publisher.script = [() => 'unavailable', () => 'unavailable']
    const summary = await importLicences(rows(3), 'sealed', all(publisher).one)
    expect(summary).toMatchObject({ published: 3, refusedCount: 0 })
    const ids = publisher.calls.map((items) => items.map(({ requestId }) => requestId))
    expect(ids).toHaveLength(3)
    expect(ids[1]).toEqual(ids[0])
    expect(ids[2]).toEqual(ids[0])
  })

  it('sends again what was refused for a reason that passes', async () => {
    const publisher = new FakePublisher()
    publisher.script = [() => ({ refuseAll: 'HUB_NOT_ANSWERED' })]
    const summary = await importLicences(rows(3), 'sealed', all(publisher).one)
    expect(summary).toMatchObject({ published: 3, refusedCount: 0 })
  })

  it('gives up after a minute in which nobody answered', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const publisher = new FakePublisher()
    publisher.script = Array.from({ length: 10 }, () => () => {
      vi.setSystemTime(Date.now() + 30_000)
      return 'unavailable' as const
    })
    await expect(importLicences(rows(3), 'sealed', all(publisher).one)).rejects.toThrow(CallError)
    expect(publisher.calls).toHaveLength(2)
  })

  it('does not repeat what a publisher broke on', async () => {
    const publisher = new FakePublisher()
    publisher.script = [() => 'broken']
    await expect(importLicences(rows(3), 'sealed', all(publisher).one)).rejects.toThrow('broken')
    expect(publisher.calls).toHaveLength(1)
  })

  it('says sealed where the stage asked for was not told in time', async () => {
    const publisher = new FakePublisher()
    publisher.script = [() => undefined, () => 'unavailable']
    const summary = await importLicences(rows(3), 'witnessed', all(publisher).one)
    expect(publisher.waits).toEqual(['sealed', 'witnessed'])
    expect(summary.zones).toMatchObject([{ zone: 'beijing', published: 3, stage: 'sealed' }])
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
