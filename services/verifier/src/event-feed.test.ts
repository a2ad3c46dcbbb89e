import { createMemoryStore, type Store } from '@hutong/store'
import { revoked, suspended, type World } from '@hutong/verify/world'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cursorFromText, cursorToText, type FeedCursor, type PageBounds, readFeed } from './event-feed.ts'
import { newHub, startTestVerifier, type TestVerifier } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const start: FeedCursor = { position: 0n, places: 0 }

interface CloudEvent {
  readonly id: string
  readonly type: string
  readonly verdict: string
  readonly position: string
  readonly data?: {
    readonly event: object
    readonly state: { readonly standing?: string; readonly versions?: readonly object[] }
    readonly clouds: readonly { readonly code: string }[]
  }
}

describe('the feed of verified events', () => {
  let hub: WorldHub
  let world: World
  let store: Store
  let verifier: TestVerifier
  let licence: ReturnType<World['licence']>

  beforeEach(async () => {
    hub = newHub()
    world = hub.world
    store = createMemoryStore()
    licence = world.licence('beijing', '1')
    verifier = await startTestVerifier(hub, store)
  })
  afterEach(() => verifier[Symbol.asyncDispose]())

  const page = async (from = start, bounds: Partial<PageBounds> = {}) => {
    const { events, ...rest } = await readFeed(store, verifier.verifier.follower.view, from, bounds)
    return { events: events.map((event) => JSON.parse(event) as CloudEvent), ...rest }
  }
  const publishAll = async (publish: () => void) => {
    publish()
    hub.witness()
    await verifier.caughtUp()
  }

  it('gives each event the state at its own place, also between two events of one batch', async () => {
    await publishAll(() => world.publishBatch('beijing', [licence, suspended(licence), revoked(licence)]))
    const { events } = await page()
    expect(events.map(({ data }) => data?.state.standing)).toEqual(['in_force', 'suspended', 'revoked'])
    const [second] = (await page({ position: BigInt(events[0]!.position), places: 1 })).events
    expect(second).toEqual(events[1])
  })

  it('says of what it tells only what CloudEvents 1.0 allows to be said, and nothing personal outside of data', async () => {
    await publishAll(() => world.publish('beijing', licence))
    const { data, ...attributes } = (await page()).events[0]!
    for (const [name, value] of Object.entries(attributes)) {
      expect(name).toMatch(/^[a-z0-9]{1,20}$/)
      expect(['string', 'number']).toContain(typeof value)
    }
    expect(attributes).toMatchObject({ specversion: '1.0', source: world.origin('beijing'), verdict: 'STANDS' })
    const outside = JSON.stringify(attributes)
    for (const personal of [licence.holder.name, licence.holder.code, licence.number, licence.identifier]) {
      expect(outside).not.toContain(personal)
      expect(JSON.stringify(data)).toContain(personal)
    }
  })

  it('leaves heartbeats out and passes over them', async () => {
    await publishAll(() => world.observe('beijing'))
    const { events, next, atEnd } = await page()
    expect(events).toEqual([])
    expect({ next, atEnd }).toEqual({ next: { position: world.size, places: 0 }, atEnd: true })
  })

  it('tells of an event that is damaged here, or was deleted, without data, and goes on', async () => {
    const others = ['2', '3'].map((serial) => world.licence('beijing', serial))
    await publishAll(() => {
      for (const one of [licence, ...others]) world.publish('beijing', one)
    })
    const kept = await store.range('events', { limit: 10 })
    const at = (position: number) => kept.find(({ key }) => Number(key.split('/')[2]) === position)!
    await store.insert([{ ...at(1), term: 9n, value: Uint8Array.of(1, 2, 3) }])
    await store.deleteBySubject(at(2).subject!)
    const { events } = await page()
    expect(events.map(({ verdict }) => verdict)).toEqual(['DOCUMENT_DAMAGED', 'PAYLOAD_MISSING', 'STANDS'])
    expect(events.map(({ data }) => data !== undefined)).toEqual([false, false, true])
    expect(events.map(({ id }) => id)).toEqual([0, 1, 2].map((index) => `${world.origin('beijing')}/${index}`))
  })

  it('tells of an event whose payload has not come, without data', async () => {
    await publishAll(() => world.publish('beijing', { event: licence, carried: 'missing' }))
    const [lacking] = (await page()).events
    expect(lacking).toMatchObject({ verdict: 'PAYLOAD_MISSING', type: 'cn.hutong.licence.issued.v1' })
    expect(lacking).not.toHaveProperty('data')
  })

  it('ends a page before 2 MiB, within a batch too, and loses nothing by it', async () => {
    const extensions = ['a', 'b', 'c'].map((name) => ({ name, value: 'x'.repeat(4_096) }))
    const large = Array.from({ length: 120 }, (_, at) => world.licence('beijing', `L${at}`, { extensions }))
    await publishAll(() => {
      for (let from = 0; from < large.length; from += 40) world.publishBatch('beijing', large.slice(from, from + 40))
    })
    const first = await page()
    expect(first.atEnd).toBe(false)
    expect(Buffer.byteLength(JSON.stringify(first.events))).toBeLessThanOrEqual(2 * 1024 * 1024)
    const second = await page(first.next)
    expect(second.atEnd).toBe(true)
    const indexes = [...first.events, ...second.events].map(({ id }) => Number(id.split('/').at(-1)))
    expect(indexes).toEqual(large.map((_, at) => at))
  })

  it('ends a page after so many leaves of H that hold no news', async () => {
    await publishAll(() => {
      for (let leaves = 0; leaves < 5; leaves++) world.observe('beijing')
      world.publish('beijing', licence)
    })
    const first = await page(start, { leavesMax: 4 })
    expect(first).toMatchObject({ events: [], next: { position: 4n, places: 0 }, atEnd: false })
    expect((await page(first.next, { leavesMax: 4 })).events).toHaveLength(1)
  })

  it('writes cursors as it reads them', () => {
    for (const text of ['0', '12', '12.3', '9007199254740993.255']) {
      expect(cursorToText(cursorFromText(text))).toBe(text)
    }
    expect(cursorToText({ position: 7n, places: 0 })).toBe('7')
  })
})
