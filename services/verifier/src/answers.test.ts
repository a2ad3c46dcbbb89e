import { readIdentifier } from '@hutong/licence'
import { createMemoryStore, type Document, type Store } from '@hutong/store'
import { createFaultyStore } from '@hutong/store/faulty-store'
import { digestRoot, digestRow, digestRowHash } from '@hutong/verify'
import { resumed, revoked, suspended, type World } from '@hutong/verify/world'
import { decodeDigestRow, findingsBytes } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeKeptEvent, encodeKeptEvent } from './documents.ts'
import { readBack } from './read-back.ts'
import { Story, zones } from './testing/story.ts'
import { newHub, startTestVerifier, type TestVerifier, until } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const noSignal = new AbortController().signal
const happening = fc.record({
  zone: fc.nat({ max: 2 }),
  about: fc.nat({ max: 1 }),
  what: fc.nat({ max: 8 }),
  twist: fc.nat({ max: 11 }),
})

/** The digest as the events say it, folded one by one from the list of all. */
function digestOfWorld(world: World, zoneIds: readonly string[] = [...zones].sort()): string {
  const copy = world.copy()
  const rows = zoneIds.flatMap((zone) =>
    copy
      .folds(zone)
      .toSorted((left, right) => (left.subject < right.subject ? -1 : 1))
      .flatMap((fold) => digestRow(fold) ?? []),
  )
  return Buffer.from(digestRoot(rows.map(digestRowHash))).toString('hex')
}

async function digestOf({ verifier }: TestVerifier, position = 0n): Promise<string> {
  const answer = await verifier.digests.at(verifier.answerer.copy()!, { position, from: 0n, count: 0n }, noSignal)
  return answer.kind === 'digest' ? Buffer.from(answer.digest).toString('hex') : answer.refusal.code
}

async function witnessed(hub: WorldHub, test: TestVerifier): Promise<void> {
  hub.witness()
  await test.caughtUp()
  await until(() => {
    hub.changed()
    return test.verifier.follower.view.cosigned?.checkpoint.size === hub.world.size
  })
}

describe('the answers of a verifier', () => {
  it('are those of the list of all events folded anew, after every part of any story', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(happening, { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
        async (parts) => {
          const hub = newHub()
          const story = new Story(hub.world)
          // Payloads that the hub lacks stay missing: what comes late is told elsewhere.
          await using test = await startTestVerifier(hub, createMemoryStore(), {
            settings: { initialMissingRetryMs: 60_000 } as never,
          })
          for (const part of parts) {
            for (const one of part) story.tell(one)
            await witnessed(hub, test)
            for (const zone of zones) {
              for (const about of [0, 1]) {
                const { identifier } = story.licence(zone, about)
                const answer = await test.ask(identifier)
                const expected = hub.world.ask(identifier, { at: 'tianjin' })
                if (answer.kind !== 'findings') throw new Error(answer.kind)
                expect(answer.findings).toEqual(expected)
                expect(Buffer.from(findingsBytes(answer.findings)).equals(findingsBytes(expected))).toBe(true)
              }
            }
            expect(await digestOf(test)).toBe(digestOfWorld(hub.world))
          }
        },
      ),
      { numRuns: 15 * Number(process.env.HUTONG_RUNS ?? 1) },
    )
  })

  it('are of one position while events are applied', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    await using test = await startTestVerifier(hub, createMemoryStore())
    await witnessed(hub, test)
    world.publish('beijing', revoked(licence))
    hub.changed()
    const answers = await Promise.all(Array.from({ length: 50 }, () => test.ask(licence.identifier)))
    for (const answer of answers) {
      if (answer.kind !== 'findings') throw new Error(answer.kind)
      expect(answer.findings.word).toBe(answer.findings.position === world.size ? 'INVALID' : 'VALID')
    }
    await test.caughtUp()
    expect(await test.ask(licence.identifier)).toMatchObject({ findings: { code: 'REVOKED' } })
  })

  it.each([
    ['1.2.156.3005.2.11100000000013338W011.91110000000000000X.1.001.0', 'CHECK_CHARACTER'],
    ['', 'MISSING_IDENTIFIER'],
    ['<script>', 'MALFORMED_IDENTIFIER'],
  ])('to %j is a refusal and no verdict', async (identifier, code) => {
    const hub = newHub()
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    expect(await test.ask(identifier)).toMatchObject({ kind: 'refused', refusal: { code } })
  })

  it('name what is not in the log, and what no authority of the alliance can have issued', async () => {
    const hub = newHub()
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    const invented = hub.world.licence('beijing', 'NEVER').identifier
    expect(await test.ask(invented)).toMatchObject({ findings: { word: 'UNDETERMINED', code: 'NOT_IN_LOG' } })
    const strange = '1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U'
    expect(await test.ask(strange)).toMatchObject({ findings: { word: 'NOT_RECOGNISED', code: 'ZONE_NOT_MEMBER' } })
  })

  it('are undetermined before anything was followed', async () => {
    const hub = newHub()
    hub.away = true
    await using test = await startTestVerifier(hub, createMemoryStore())
    const { identifier } = hub.world.licence('beijing', '1')
    expect(await test.ask(identifier)).toMatchObject({ findings: { word: 'UNDETERMINED', code: 'NOT_CHECKED' } })
  })

  it.each(['fails', 'hangs'])('are undetermined within the limit when the store %s', async (way) => {
    const hub = newHub()
    const licence = hub.world.licence('beijing', '1')
    hub.world.publish('beijing', licence)
    let away = false
    const store = createMemoryStore()
    const faulty = createFaultyStore(store, ({ method }) =>
      away && method === 'range' && way === 'fails' ? { happens: 'nothing', reported: false } : undefined,
    )
    const hanging: Store = Object.create(faulty, {
      range: {
        value: (collection: string, options: Parameters<Store['range']>[1]) =>
          away && way === 'hangs' && collection === 'strings'
            ? new Promise(() => {})
            : faulty.range(collection, options),
      },
    })
    await using test = await startTestVerifier(hub, hanging, { settings: { verifyLimitMs: 20 } as never })
    await test.caughtUp()
    away = true
    expect(await test.ask(licence.identifier)).toMatchObject({
      findings: { word: 'UNDETERMINED', code: 'STORE_AWAY', position: 2n },
    })
    away = false
    expect(await test.ask(licence.identifier)).not.toMatchObject({ findings: { code: 'STORE_AWAY' } })
  })
})

describe('a store that lets go of nothing', () => {
  it('holds so many questions; one more is refused at once, until it answers again', async () => {
    const hub = newHub()
    const licence = hub.world.licence('beijing', '1')
    hub.world.publish('beijing', licence)
    const letGo = Promise.withResolvers<void>()
    let hangs = false
    const store = createMemoryStore()
    const faulty = createFaultyStore(store, () => undefined)
    const hanging: Store = Object.create(faulty, {
      range: {
        value: async (...asked: Parameters<Store['range']>) => {
          if (hangs && asked[0] === 'strings') await letGo.promise
          return store.range(...asked)
        },
      },
    })
    const settings = { verifyLimitMs: 20, verifyRunningMax: 2 } as never
    await using test = await startTestVerifier(hub, hanging, { settings })
    await test.caughtUp()
    hangs = true
    const away = { kind: 'findings', findings: { word: 'UNDETERMINED', code: 'STORE_AWAY' } }
    expect(await test.ask(licence.identifier)).toMatchObject(away)
    expect(await test.ask(licence.identifier)).toMatchObject(away)
    const refused = { kind: 'refused', refusal: { code: 'QUEUE_FULL' } }
    expect(await test.ask(licence.identifier)).toMatchObject(refused)
    letGo.resolve()
    await until(async () => (await test.ask(licence.identifier)).kind === 'findings')
  })
})

describe('a missing payload', () => {
  it.each(['missing', 'damaged'] as const)('that is %s is fetched, and the licence is VALID again', async (carried) => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    world.publish('beijing', suspended(licence))
    const [lacking] = world.publishBatch('beijing', [{ event: resumed(licence), carried }])
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await witnessed(hub, test)
    const code = carried === 'missing' ? 'EVENT_UNREADABLE' : 'PAYLOAD_MISMATCH'
    expect(await test.ask(licence.identifier)).toMatchObject({ findings: { word: 'UNDETERMINED', code } })
    expect(await store.range('missing', { limit: 9 })).toHaveLength(1)
    hub.lies = {
      record: (record) => (record.index === lacking!.position ? { ...record, entries: [lacking!.entry] } : record),
    }
    await until(async () => (await store.range('missing', { limit: 9 })).length === 0)
    expect(await test.ask(licence.identifier)).toMatchObject({ findings: { word: 'VALID' } })
  })

  it('is not filled with what does not open its commitment', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    const [lacking] = world.publishBatch('beijing', [{ event: licence, carried: 'missing' }])
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await test.caughtUp()
    const forged = { ...lacking!.entry, payload: Buffer.concat([lacking!.entry.payload, Uint8Array.of(0)]) }
    hub.lies = { record: (record) => ({ ...record, entries: record.entries.length === 0 ? [] : [forged] }) }
    const { reads } = hub
    await until(() => hub.reads > reads + 3)
    expect(await store.range('missing', { limit: 9 })).toHaveLength(1)
    expect(await store.range('late', { limit: 9 })).toEqual([])
  })
})

describe('a payload altered behind the back of a verifier', () => {
  it('is noticed when it is asked for, fetched again, and the licence is VALID again', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await witnessed(hub, test)
    const [kept] = await store.range('events', { from: 'beijing/', limit: 1 })
    const altered = Uint8Array.from(kept!.value)
    altered[altered.length - 1]! ^= 1
    await store.insert([{ ...kept!, term: kept!.term + 1n, value: altered }])
    const answer = await test.ask(licence.identifier)
    expect(answer).toMatchObject({ findings: { word: 'UNDETERMINED', code: 'PAYLOAD_MISMATCH' } })
    await until(async () => (await store.range('late', { limit: 1 })).length === 1)
    expect(await test.ask(licence.identifier)).toMatchObject({ findings: { word: 'VALID' } })
    expect(await digestOf(test)).toBe(digestOfWorld(world))
  })
})

describe('a payload lost from the copy of a verifier', () => {
  it('is never called "not in the log": what was here cannot be read', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('beijing', licence)
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await test.caughtUp()
    const [kept] = await store.range('events', { from: 'beijing/', limit: 1 })
    const emptied = encodeKeptEvent({ ...decodeKeptEvent(kept!), salt: new Uint8Array(), payload: new Uint8Array() })
    await store.insert([{ ...kept!, term: kept!.term + 1n, value: emptied }])
    hub.away = true
    const answer = await test.ask(licence.identifier)
    expect(answer).toMatchObject({ findings: { word: 'UNDETERMINED', code: 'PAYLOAD_MISMATCH' } })
    const reading = readIdentifier(licence.identifier)
    if (reading.kind === 'malformed') throw new Error('malformed')
    const { answerer } = test.verifier
    expect(await answerer.licence(answerer.copy()!, reading)).toMatchObject({ code: 'PAYLOAD_MISMATCH' })
    // Nor once it is noted as one to be asked for.
    await until(async () => (await store.range('missing', { limit: 1 })).length === 1)
    expect(await test.ask(licence.identifier)).toMatchObject({ findings: { code: 'PAYLOAD_MISMATCH' } })
  })
})

describe('the digest', () => {
  it('of an earlier position is the one that was answered then', async () => {
    const hub = newHub()
    const story = new Story(hub.world)
    await using test = await startTestVerifier(hub, createMemoryStore())
    const then: [bigint, string][] = []
    for (const what of [0, 5, 2, 3, 4]) {
      for (const zone of [0, 1, 2]) story.tell({ zone, about: 0, what, twist: 11 })
      await test.caughtUp()
      then.push([hub.world.size, await digestOf(test)])
    }
    for (const [position, digest] of then) expect(await digestOf(test, position)).toBe(digest)
    expect(await digestOf(test, hub.world.size + 1n)).toBe('NOT_YET')
  })

  it('comes in slices that name the one row that was altered behind its back', async () => {
    const hub = newHub()
    const { world } = hub
    for (let at = 0; at < 20; at++) world.publish(zones[at % 3]!, world.licence(zones[at % 3]!, `R${at}`))
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await test.caughtUp()
    const slice = async (from: bigint) => {
      const answer = await test.verifier.digests.at(
        test.verifier.answerer.copy()!,
        { position: 0n, from, count: 1n },
        noSignal,
      )
      return answer.kind === 'digest' ? answer : undefined
    }
    const rows = await Promise.all(Array.from({ length: 20 }, (_, at) => slice(BigInt(at))))
    expect(rows.every((row) => row?.rows === 20n)).toBe(true)
    expect(Buffer.from(digestRoot(rows.map((row) => row!.digest))).toString('hex')).toBe(digestOfWorld(world))
    const [victim] = await store.range('events', { from: 'langfang/', limit: 1 })
    await store.delete('events', [victim!.key])
    expect(await digestOf(test)).not.toBe(digestOfWorld(world))
    expect((await slice(0n))?.rows).toBe(19n)
  })

  it('reads a row anew when its bytes are asked for, though slices are told from hashes kept for a while', async () => {
    const hub = newHub()
    const { world } = hub
    for (let at = 0; at < 20; at++) world.publish(zones[at % 3]!, world.licence(zones[at % 3]!, `R${at}`))
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await test.caughtUp()
    const slice = async (from: bigint, count: bigint) => {
      const answer = await test.verifier.digests.at(
        test.verifier.answerer.copy()!,
        { position: 0n, from, count },
        noSignal,
      )
      return answer.kind === 'digest' ? answer : undefined
    }
    const whole = await slice(0n, 20n)
    expect(Buffer.from(whole!.digest).toString('hex')).toBe(digestOfWorld(world))
    const [before] = await store.range('events', { limit: 1 })
    await store.delete('events', [before!.key])
    expect((await slice(5n, 3n))?.rows).toBe(20n)
    const row = await slice(0n, 1n)
    expect(row?.rows).toBe(19n)
    expect(row?.digest).toEqual(digestRowHash(row!.row!))
    expect((await slice(19n, 1n))?.row).toBeUndefined()
  })

  it('lets questions be answered while it is computed', async () => {
    const hub = newHub()
    const { world } = hub
    for (let at = 0; at < 4; at++)
      world.publishBatch(
        'beijing',
        Array.from({ length: 200 }, (_, n) => world.licence('beijing', `D${at}X${n}`)),
      )
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    let computing = true
    const digest = digestOf(test).finally(() => {
      computing = false
    })
    let answered = 0
    while (computing) {
      await test.ask(world.licence('beijing', `D0X${answered}`).identifier)
      answered += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    await digest
    expect(answered).toBeGreaterThan(5)
  })
})

describe('a digest over a copy damaged behind its back', () => {
  /** A verifier that holds two licences of Beijing, one with two events, and a stray event that names the first. */
  async function copyOfStory() {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', 'A')
    world.publish('tianjin', world.declaration('tianjin'))
    const issued = world.publish('beijing', licence)
    world.publish('beijing', world.licence('beijing', 'B'))
    world.publish('beijing', suspended(licence))
    world.publish('beijing', { event: resumed(licence), subject: Buffer.alloc(32, 9) })
    const store = createMemoryStore()
    const test = await startTestVerifier(hub, store)
    await test.caughtUp()
    const key = `beijing/${issued.subject}/${issued.position.toString().padStart(19, '0')}/000`
    return { test, store, issued, key, identifier: licence.identifier }
  }

  async function rowsOf({ verifier }: TestVerifier) {
    const ask = (from: bigint) =>
      verifier.digests.at(verifier.answerer.copy()!, { position: 0n, from, count: 1n }, noSignal)
    const rows = []
    for (let at = 0n; ; at += 1n) {
      const answer = await ask(at)
      if (answer.kind === 'refused') throw new Error(answer.refusal.en)
      if (at === answer.rows) return rows
      const reading = decodeDigestRow(answer.row!)
      if (reading.kind === 'unreadable') throw new Error(reading.why)
      rows.push({ ...reading.row, subject: Buffer.from(reading.row.subject).toString('hex'), hash: answer.digest })
    }
  }

  const headEnd = (value: Uint8Array) => 2 + Buffer.from(value).readUInt16BE(0)
  const inHead = (from: string, to: string) => (value: Uint8Array) =>
    Buffer.from(Buffer.from(value).toString('latin1').replace(from, to), 'latin1')
  const flip = (at: (value: Uint8Array) => number) => (value: Uint8Array) => {
    const altered = Uint8Array.from(value)
    altered[at(value)]! ^= 1
    return altered
  }

  it.each<[string, (value: Uint8Array) => Uint8Array]>([
    ['nothing', () => new Uint8Array(0)],
    ['one byte', () => Uint8Array.of(0)],
    ['its beginning', (value) => value.subarray(0, 40)],
    ['no JSON in its head', inHead('{', '[')],
    ['another zone in its head', inHead('"zone":"beijing"', '"zone":"tianjin"')],
    ['another position in its head', inHead('"position":"2"', '"position":"1"')],
    ['a position that is no number', inHead('"position":"2"', '"position":"-"')],
    ['another place in its head', inHead('"place":0', '"place":1')],
    ['a place that is no number', inHead('"place":0', '"place":"')],
    ['another index in its head', inHead('"index":"0"', '"index":"1"')],
    ['a leaf that is none', flip((value) => headEnd(value) + 2)],
    ['a length of its leaf that is beyond its end', flip(headEnd)],
  ])('names the event of which there is %s, and every other row stays', async (_, damage) => {
    const { test, store, issued, key, identifier } = await copyOfStory()
    await using _closing = test
    const before = await rowsOf(test)
    const document = (await store.get('events', key))!
    const value = damage(document.value)
    expect(Buffer.from(value).equals(document.value)).toBe(false)
    await store.insert([{ ...document, term: document.term + 1n, value }])
    const after = await rowsOf(test)
    expect(after.map(({ zone, subject }) => [zone, subject])).toEqual(
      before.map(({ zone, subject }) => [zone, subject]),
    )
    const differing = after.filter(({ hash }, at) => Buffer.compare(hash, before[at]!.hash) !== 0)
    expect(differing).toHaveLength(1)
    expect(differing[0]).toMatchObject({ zone: 'beijing', subject: issued.subject })
    expect(differing[0]!.events[0]).toMatchObject({ position: issued.position, place: 0, verdict: 'DOCUMENT_DAMAGED' })
    // And nobody is told anything about the licence on such a copy.
    expect(await test.ask(identifier)).toMatchObject({ findings: { word: 'UNDETERMINED' } })
  })

  it.each(['strings', 'touching', 'declarations'])('names an event that lost its mark in %s', async (collection) => {
    const { test, store } = await copyOfStory()
    await using _closing = test
    const before = await rowsOf(test)
    const [mark] = await store.range(collection, { limit: 1 })
    await store.delete(collection, [mark!.key])
    const told = (await rowsOf(test)).flatMap(({ events }) => events.map(({ verdict }) => verdict))
    expect(told.filter((verdict) => verdict === 'DOCUMENT_DAMAGED').length).toBeGreaterThan(0)
    expect(before.flatMap(({ events }) => events.map(({ verdict }) => verdict))).not.toContain('DOCUMENT_DAMAGED')
  })

  it('leaves out nothing but what stands below the position', async () => {
    const { test, store, key } = await copyOfStory()
    await using _closing = test
    const earlier = await digestOf(test, 2n)
    const document = (await store.get('events', key))!
    await store.insert([{ ...document, term: document.term + 1n, value: new Uint8Array(0) }])
    expect(await digestOf(test, 2n)).toBe(earlier)
    expect(await digestOf(test)).not.toBe(earlier)
  })

  it.each<[string, (store: Store, document: Document) => Promise<void>]>([
    ['an event under a key that is none', (store, document) => store.insert([{ ...document, key: 'beijing/x' }])],
    [
      'the leaf that has the root',
      async (store) => {
        const leaves = await store.range('leaves', { limit: 99 })
        await store.delete('leaves', [leaves.at(-1)!.key])
      },
    ],
  ])('is refused and names the document where no row is to blame: %s', async (_, damage) => {
    const { test, store, key } = await copyOfStory()
    await using _closing = test
    await damage(store, (await store.get('events', key))!)
    const answer = await test.verifier.digests.at(
      test.verifier.answerer.copy()!,
      { position: 0n, from: 0n, count: 0n },
      noSignal,
    )
    expect(answer).toMatchObject({ kind: 'refused', refusal: { code: 'DOCUMENT_DAMAGED' } })
    if (answer.kind === 'refused') expect(answer.refusal.field).toMatch(/^(events\/beijing\/x|leaves\/0+5)$/)
  })
})

describe('what is read back from a verifier', () => {
  it('is every record of the hub, byte for byte, heartbeats included, with the newest heads', async () => {
    const hub = newHub()
    const story = new Story(hub.world)
    for (const what of [0, 8, 5, 2, 8, 7]) for (const zone of [0, 1, 2]) story.tell({ zone, about: 0, what, twist: 11 })
    hub.world.compromise('beijing', 2n)
    await using test = await startTestVerifier(hub, createMemoryStore())
    await witnessed(hub, test)
    const records = []
    for await (const record of readBack(test.verifier.store, test.verifier.follower.view, 0n, noSignal))
      await records.push(record)
    const plain = (record: object) =>
      JSON.stringify(record, (_, value) =>
        typeof value === 'bigint'
          ? `${value}`
          : value instanceof Uint8Array
            ? Buffer.from(value).toString('hex')
            : value?.type === 'Buffer'
              ? Buffer.from(value.data).toString('hex')
              : value,
      )
    expect(records.slice(0, -2).map(plain)).toEqual(hub.world.records.map(plain))
    expect(records.at(-2)?.kind).toBe('head')
    expect(records.at(-1)?.kind).toBe('cosigned')
  })
})
