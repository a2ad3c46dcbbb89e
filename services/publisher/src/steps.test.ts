import { createMemoryStore, type Store, StoreFullError } from '@hutong/store'
import { createFaultyStore, type StoreFault } from '@hutong/store/faulty-store'
import { describe, expect, it } from 'vitest'
import { createTestAlliance, HonestHub, licence } from './testing/honest-hub.ts'
import { codesOf, leavesOf, startMs, startZone, until } from './testing/open-zone.ts'

const quiet = { heartbeatCheckMs: 60_000 }
const quickAlliance = createTestAlliance((same) => same, 'Ed25519')

/** How many times as much is tried as usual. */
const runs = Number(process.env.HUTONG_RUNS ?? 1)

describe('a step that fails', () => {
  const faults: readonly StoreFault[] = [
    { happens: 'all', reported: false },
    { happens: 'documents', reported: false },
    { happens: 'half', reported: false },
    { happens: 'nothing', reported: false },
  ]
  for (const method of ['insert', 'step', 'get', 'getMany'] as const) {
    for (const fault of faults) {
      it(`${method}, ${fault.happens} of it done, not reported: the caller gets one answer, the log one event`, async () => {
        const { store, plan } = breakable()
        await using zone = await startZone({ store, alliance: quickAlliance, settings: quiet })
        await zone.publish([licence(1)], { ids: ['one'] })
        plan.next = { method, fault }
        expect(codesOf(await zone.publish([licence(2), licence(1)], { ids: ['two', 'one'] }))).toHaveLength(2)
        expect(plan.next).toBeUndefined()
        expect(codesOf(await zone.publish([licence(2)], { ids: ['two'] }))).toEqual(['duplicate'])
        expect(codesOf(await zone.publish([licence(3)]))).toEqual(['published'])
        assertWhole(zone.hub, 3)
      })
    }
  }

  for (const method of ['insert', 'step'] as const) {
    it(`${method} reported and not done: nothing that was not there is ever signed over`, async () => {
      const { store, plan } = breakable()
      await using zone = await startZone({ store, alliance: quickAlliance, settings: quiet })
      await zone.publish([licence(1)], { ids: ['one'] })
      plan.next = { method, fault: { happens: 'nothing', reported: true } }
      await zone.ask([licence(2)], { ids: ['two'], waitFor: 'sealed', patienceMs: 50 })
      await zone.ask([licence(3)], { ids: ['three'], waitFor: 'sealed', patienceMs: 50 })
      await until(() => zone.publisher.status().outbox === 0)
      const size = zone.publisher.status().size
      expect(zone.hub.leaves).toHaveLength(Number(size))
      expect(leavesOf(zone.hub).map(({ index }) => index)).toEqual(zone.hub.leaves.map((_, at) => BigInt(at)))
    })
  }

  it('for want of space says so, writes nothing, and goes on without repair when there is space again', async () => {
    const { store, plan } = breakable()
    await using zone = await startZone({ store, alliance: quickAlliance, settings: quiet })
    plan.always = { method: 'insert', fault: { happens: 'half', reported: false, error: new StoreFullError('full') } }
    const answer = await zone.ask([licence(1)], { ids: ['one'] })
    expect(answer).toMatchObject({ kind: 'refused', refusal: { code: 'DISK_FULL' } })
    expect(zone.publisher.status()).toMatchObject({ size: 0n, refuses: undefined })
    plan.always = undefined
    expect(codesOf(await zone.publish([licence(1)], { ids: ['one'] }))).toEqual(['published'])
    assertWhole(zone.hub, 1)
  })

  it('for good is told within bounds', async () => {
    const { store, plan } = breakable()
    await using zone = await startZone({ store, alliance: quickAlliance, settings: quiet })
    plan.always = { method: 'getMany', fault: { happens: 'nothing', reported: false } }
    expect(await zone.ask([licence(1)])).toMatchObject({ kind: 'refused', refusal: { code: 'STORE_UNAVAILABLE' } })
    plan.always = undefined
    expect(codesOf(await zone.publish([licence(1)]))).toEqual(['published'])
  })
})

describe('a step that died between seal and position', () => {
  it('is finished by the next run, so that the zone has signed one root for that size', async () => {
    const memory = createMemoryStore()
    const { store, plan } = breakable(memory)
    const first = await startZone({ store, alliance: quickAlliance, settings: quiet })
    plan.next = { method: 'step', fault: { happens: 'documents', reported: false } }
    plan.dead = true
    await first.ask([licence(1)], { ids: ['one'], patienceMs: 50 })
    await first[Symbol.asyncDispose]()
    const [seal] = await memory.range('seals', { limit: 1 })
    await using zone = await startZone({ store: memory, hub: first.hub, alliance: quickAlliance, settings: quiet })
    await until(() => zone.hub.leaves.length === 1)
    expect(await memory.range('seals', { limit: 2 })).toMatchObject([{ value: seal!.value }])
    expect(codesOf(await zone.publish([licence(1)], { ids: ['one'] }))).toEqual(['duplicate'])
  })

  it('is replaced where it has no seal, and its hints lead nowhere', async () => {
    const memory = createMemoryStore()
    const { store, plan } = breakable(memory)
    const first = await startZone({ store, alliance: quickAlliance, settings: quiet })
    plan.next = { method: 'insert', fault: { happens: 'all', reported: false } }
    plan.dead = true
    await first.ask([licence(1)], { ids: ['one'], patienceMs: 50 })
    await first[Symbol.asyncDispose]()
    await using zone = await startZone({ store: memory, hub: first.hub, alliance: quickAlliance, settings: quiet })
    expect(codesOf(await zone.publish([licence(2)], { ids: ['two'] }))).toEqual(['published'])
    expect(codesOf(await zone.publish([licence(1)], { ids: ['one'] }))).toEqual(['published'])
    assertWhole(zone.hub, 2)
  })
})

describe('adopt', () => {
  it('that fails half-way is done by the next', async () => {
    const first = await startZone({ alliance: quickAlliance, settings: quiet })
    for (const serial of [1, 2, 3]) await first.publish([licence(serial)])
    await first[Symbol.asyncDispose]()
    for (const happens of ['all', 'documents', 'half', 'nothing'] as const) {
      const { store, plan } = breakable()
      await using zone = await startZone({
        store,
        hub: first.hub,
        alliance: quickAlliance,
        meet: false,
        settings: quiet,
      })
      await until(() => zone.publisher.status().refuses?.code === 'ADOPT_NEEDED')
      plan.next = { method: 'step', fault: { happens, reported: false } }
      expect(await zone.publisher.adopt(false)).toMatchObject({
        kind: 'refused',
        refusal: { code: 'STORE_UNAVAILABLE' },
      })
      expect(await zone.publisher.adopt(false)).toMatchObject({ kind: 'adopted', newSize: 3n })
      expect(codesOf(await zone.publish([licence(1), licence(2), licence(3)]))).toEqual(Array(3).fill('duplicate'))
      await until(() => zone.publisher.status().outbox === 0)
      assertWhole(zone.hub, 3)
    }
  })
})

describe('a hint of a dead step', () => {
  it('makes no event of one subject out of the event of another that stands there now', async () => {
    const memory = createMemoryStore()
    const first = await startZone({ store: memory, alliance: quickAlliance, settings: quiet })
    const one = licence(1)
    const { identifier, authority } = one
    await first.publish([one])
    await first[Symbol.asyncDispose]()
    const { store, plan } = breakable(memory)
    const second = await startZone({ store, hub: first.hub, alliance: quickAlliance, settings: quiet })
    plan.next = { method: 'insert', fault: { happens: 'all', reported: false } }
    plan.dead = true
    const suspended = { kind: 'licence_suspended', identifier, authority, reason: '', decidedOn: '' } as const
    await second.ask([suspended], { patienceMs: 50 })
    await second[Symbol.asyncDispose]()
    const third = await startZone({ store: memory, hub: first.hub, alliance: quickAlliance, settings: quiet })
    const [two] = await third.publish([licence(2)])
    await third[Symbol.asyncDispose]()
    if (two?.kind !== 'published') throw new Error('not published')
    expect(two.index).toBe(1n)
    await using zone = await startZone({ store: memory, hub: first.hub, alliance: quickAlliance, settings: quiet })
    const { index, leafHash } = two
    const restated = { kind: 'restated', about: { kind: 'licence', identifier }, index, leafHash } as const
    expect(codesOf(await zone.publish([restated, suspended]))).toEqual(['RESTATED_UNKNOWN', 'published'])
    expect(leavesOf(zone.hub)[2]).toMatchObject({ previous: 1n })
  })
})

describe('answers of the hub', () => {
  it('that are lost are given again: the same place in H', async () => {
    await using zone = await startZone({ alliance: quickAlliance, settings: quiet })
    let lost = 2
    zone.hub.after = (call) => {
      if (call === 'append' && lost-- > 0) throw new Error('the answer is lost')
    }
    expect(await zone.publish([licence(1)])).toMatchObject([{ kind: 'published', position: 1n }])
    expect(zone.hub.appends).toBe(3)
    expect(zone.hub.records).toHaveLength(2)
  })

  it('that are not kept are asked for again after a restart', async () => {
    const memory = createMemoryStore()
    const { store, plan } = breakable(memory)
    const first = await startZone({ store, alliance: quickAlliance, settings: quiet })
    plan.onAnswer = true
    const answer = await first.ask([licence(1)], { ids: ['one'], patienceMs: 50 })
    await first[Symbol.asyncDispose]()
    expect(answer).toMatchObject({ outcomes: [{ kind: 'published' }] })
    expect(await memory.range('answers', { limit: 1 })).toEqual([])
    await using zone = await startZone({ store: memory, hub: first.hub, alliance: quickAlliance, settings: quiet })
    await until(() => zone.publisher.status().outbox === 0)
    expect(await zone.publish([licence(1)], { ids: ['one'] })).toMatchObject([{ kind: 'published', position: 1n }])
  })
})

describe('two publishers of one zone', () => {
  it('the one that lost the log stops, says so, and never goes on', async () => {
    await using first = await startZone({ alliance: quickAlliance, settings: quiet })
    await first.publish([licence(1)])
    await using second = await startZone({
      store: first.store,
      hub: first.hub,
      alliance: quickAlliance,
      settings: quiet,
    })
    expect(codesOf(await second.publish([licence(2)]))).toEqual(['published'])
    expect(await first.ask([licence(3)])).toMatchObject({ refusal: { code: 'STOPPED_ANOTHER_WRITER' } })
    expect(first.publisher.status().refuses?.code).toBe('STOPPED_ANOTHER_WRITER')
    expect(await first.ask([licence(4)])).toMatchObject({ refusal: { code: 'STOPPED_ANOTHER_WRITER' } })
    expect(codesOf(await second.publish([licence(3), licence(2)]))).toEqual(['published', 'duplicate'])
    assertWhole(second.hub, 3)
  })

  it('whose steps cross write one log', async () => {
    await using first = await startZone({ alliance: quickAlliance, settings: quiet })
    await using second = await startZone({
      store: first.store,
      hub: first.hub,
      alliance: quickAlliance,
      settings: quiet,
    })
    const one = first.ask([licence(1)], { ids: ['one'] })
    const two = second.ask([licence(1)], { ids: ['one'] })
    expect(await one).toMatchObject({ refusal: { code: 'STOPPED_ANOTHER_WRITER' } })
    expect(await two).toMatchObject({ outcomes: [{ kind: 'published' }] })
    assertWhole(second.hub, 1)
  })
})

describe('crashes', () => {
  it('at random places lose nothing acknowledged and leave no gap', { timeout: 60_000 * runs }, async (ctx) => {
    const seed = Number(process.env.HUTONG_SEED ?? Date.now() % 1_000_000)
    ctx.annotate(`HUTONG_SEED=${seed}`)
    const random = mulberry(seed)
    const memory = createMemoryStore()
    const hub = new HonestHub(quickAlliance, () => startMs)
    const acknowledged = new Map<string, bigint>()
    const asked = new Set<number>()
    for (let run = 0; run < 150 * runs; run++) {
      let calls = Math.floor(random() * 24)
      const happens = (['all', 'documents', 'half', 'nothing'] as const)[Math.floor(random() * 4)]!
      const store = createFaultyStore(memory, () => {
        if (calls-- > 0) return undefined
        return { happens: calls === -1 ? happens : 'nothing', reported: false }
      })
      const lose = () => {
        if (random() < 0.1) throw new Error('lost')
      }
      hub.before = lose
      hub.after = lose
      try {
        await using zone = await startZone({
          store,
          hub,
          alliance: quickAlliance,
          meet: false,
          settings: { maxRetryMs: 1 },
        })
        for (let turn = 0; turn < 40 && calls > 0 && zone.publisher.status().refuses !== undefined; turn++) {
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
        const serials = Array.from({ length: 1 + Math.floor(random() * 3) }, () => Math.floor(random() * 200))
        for (const serial of serials) asked.add(serial)
        const events = serials.map((serial) => licence(serial))
        const waitFor = random() < 0.5 ? 'sealed' : 'sequenced'
        const answer = await zone.ask(events, { ids: serials.map((serial) => `id-${serial}`), waitFor, patienceMs: 20 })
        if (answer.kind === 'refused') continue
        for (const [place, outcome] of answer.outcomes.entries()) {
          if (outcome.kind !== 'published') continue
          const id = `id-${serials[place]}`
          expect(acknowledged.get(id) ?? outcome.index, `${id}, seed ${seed}`).toBe(outcome.index)
          acknowledged.set(id, outcome.index)
        }
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'StoreUnavailableError') throw error
      }
    }
    hub.before = () => {}
    hub.after = () => {}
    await using zone = await startZone({ store: memory, hub, alliance: quickAlliance, settings: quiet })
    const serials = [...asked]
    const outcomes = await zone.publish(
      serials.map((serial) => licence(serial)),
      { ids: serials.map((serial) => `id-${serial}`) },
    )
    for (const [place, outcome] of outcomes.entries()) {
      const before = acknowledged.get(`id-${serials[place]}`)
      expect(outcome, `seed ${seed}`).toMatchObject({
        kind: 'published',
        ...(before === undefined ? {} : { index: before }),
      })
    }
    expect(acknowledged.size).toBeGreaterThan(20)
    const leaves = leavesOf(hub)
    expect(leaves.map(({ index }) => index)).toEqual(leaves.map((_, at) => BigInt(at)))
    expect(leaves.filter(({ kind }) => kind === 1)).toHaveLength(asked.size)
    expect(BigInt(leaves.length)).toBe(zone.publisher.status().size)
  })
})

interface Plan {
  /** Meets the next call of that method, once. */
  next: { readonly method: string; readonly fault: StoreFault } | undefined
  /** Meets every one. */
  always: { readonly method: string; readonly fault: StoreFault } | undefined
  /** After `next` nothing works any more: the process is dead. */
  dead: boolean
  /** The documents of an answer are never written. */
  onAnswer: boolean
}

function breakable(memory: Store = createMemoryStore()): { readonly store: Store; readonly plan: Plan } {
  const plan: Plan = { next: undefined, always: undefined, dead: false, onAnswer: false }
  let died = false
  const faulty = createFaultyStore(memory, ({ method }) => {
    if (died) return { happens: 'nothing', reported: false }
    if (plan.always?.method === method) return plan.always.fault
    if (plan.next?.method !== method) return undefined
    const { fault } = plan.next
    plan.next = undefined
    died = plan.dead
    return fault
  })
  const insert: Store['insert'] = (documents) =>
    plan.onAnswer && documents[0]?.collection === 'answers'
      ? Promise.reject(new StoreFullError('full'))
      : faulty.insert(documents)
  return { store: { ...faulty, insert }, plan }
}

/** One log without a gap, every leaf of it an issued licence, each once. */
function assertWhole(hub: HonestHub, size: number): void {
  const leaves = leavesOf(hub)
  expect(leaves.map(({ index }) => index)).toEqual(Array.from({ length: size }, (_, at) => BigInt(at)))
  expect(new Set(leaves.map(({ subject }) => Buffer.from(subject).toString('hex'))).size).toBe(size)
}

/** Small and seeded, so that a failure can be run again. */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('data of another layout', () => {
  it('is left as it is, and no publisher starts on it', async () => {
    const store = createMemoryStore()
    await (async () => {
      await using zone = await startZone({ store, alliance: quickAlliance, settings: quiet })
      await zone.publish([licence(1)], { ids: ['one'] })
    })()
    const kept = (await store.position('publisher'))!
    const value = Buffer.from(Buffer.from(kept.value).toString().replace('"layout":"1"', '"layout":"2"'))
    await store.movePosition('publisher', kept.version, { term: kept.term, value })
    await expect(startZone({ store, alliance: quickAlliance, settings: quiet })).rejects.toThrow('layout 2')
    expect(Buffer.from((await store.position('publisher'))!.value)).toEqual(value)
  })
})
