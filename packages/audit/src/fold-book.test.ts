import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  digestRoot,
  digestRow,
  digestRowHash,
  followEntry,
  type ReadEvent,
  startFollowing,
  type Trust,
} from '@hutong/verify'
import { resumed, revoked, suspended, World, WorldCopy } from '@hutong/verify/world'
import { decodeDigestRow, decodeRecord, encodeRecord } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestRowsOf } from './digest-rows.ts'
import { EventArchive } from './event-archive.ts'
import { Texts } from './event-piece.ts'
import { FoldBook } from './fold-book.ts'
import { TemporaryStore } from './temporary-store.ts'

const files = [{ sha256: new Uint8Array(32).fill(1), sm3: new Uint8Array(32).fill(2), sizeBytes: 3n, mediaType: 'x/y' }]

describe('a book of folds', () => {
  it('comes to the rows of the plainest of folds, in whatever state it let go of their subjects', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: acts.length - 1 }), { minLength: 1, maxLength: 24 }),
        fc.nat({ max: 2 }),
        async (chosen, foldsHeldMax) => {
          const world = new World({ suite: 'Ed25519' })
          for (const choice of chosen) acts[choice]!(world)
          const { book, trust } = bookOf(world.records.map(encodeRecord), world.pinnedSha256, { foldsHeldMax })
          const rows = await digestRowsOf(book, { position: world.size, trust }, undefined)
          expect(hex(rows.digest())).toBe(hex(digestRoot(plainRows(world).map(digestRowHash))))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('makes a row again out of its events', async () => {
    const world = new World({ suite: 'Ed25519' })
    world.publishBatch('beijing', [world.licence('beijing', 'A', { files }), world.licence('beijing', 'B', { files })])
    world.publish('beijing', suspended(world.licence('beijing', 'A')))
    const { book, trust } = bookOf(world.records.map(encodeRecord), world.pinnedSha256)
    const rows = await digestRowsOf(book, { position: world.size, trust }, undefined)
    const made = await Promise.all([0, 1, 2].map((at) => rows.row(at)))
    expect(made.map((row) => row && hex(row.bytes))).toEqual([...plainRows(world).map(hex), undefined])
  })

  it('tells each verdict of a row once', async () => {
    const world = new World({ suite: 'Ed25519' })
    const licence = world.licence('beijing', 'A')
    world.publishBatch('beijing', [licence, suspended(licence), suspended(licence), resumed(licence)])
    world.publish('tianjin', world.licence('beijing', 'B'))
    const told: string[] = []
    const { book, trust } = bookOf(world.records.map(encodeRecord), world.pinnedSha256, {
      onJudged: (zone, code) => told.push(`${zone} ${code}`),
    })
    await digestRowsOf(book, { position: world.size, trust }, undefined)
    await digestRowsOf(book, { position: world.size, trust }, undefined)
    const expected = plainRows(world).flatMap((row) => {
      const read = decodeDigestRow(row)
      return read.kind === 'row' ? read.row.events.map(({ verdict }) => `${read.row.zone} ${verdict}`) : []
    })
    expect(told.sort()).toEqual(expected.sort())
  })

  it('stays below 600 bytes a licence over 50,000 of them, whatever they say', async () => {
    const licences = 50_000
    const batches = licences / 250
    const before = memoryBytes()
    await using temporary = new TemporaryStore()
    const archive = new EventArchive(() => temporary.open())
    const book = new FoldBook(archive, new Texts(), new Texts())
    const world = new World({ suite: 'Ed25519' })
    world.publish('beijing', world.licence('beijing', 'A', { files }))
    const { trust, events } = bookOf(world.records.map(encodeRecord), world.pinnedSha256)
    for (let batch = 0; batch < batches; batch++) {
      for (let at = 0; at < 250; at++) book.take(renamed(events[0]!, batch * 250 + at), trust)
      await archive.relieve()
    }
    expect(book.count).toBe(licences)
    const perLicence = (memoryBytes() - before) / licences
    console.info(`a licence of a replay: ${Math.round(perLicence)} bytes`)
    expect(perLicence).toBeLessThan(600)
  })
})

/** What zones may write, good and bad, so that subjects are touched, split and found again. */
const acts: readonly ((world: World) => unknown)[] = [
  (world) => world.publish('beijing', world.licence('beijing', 'A')),
  (world) => world.publish('beijing', world.licence('beijing', 'B')),
  (world) => world.publish('beijing', suspended(world.licence('beijing', 'A'))),
  (world) => world.publish('beijing', resumed(world.licence('beijing', 'A'))),
  (world) => world.publish('beijing', revoked(world.licence('beijing', 'B'))),
  (world) => world.publish('tianjin', world.declaration('tianjin')),
  (world) => world.publish('beijing', { event: suspended(world.licence('beijing', 'A')), carried: 'missing' }),
  // Names A under another subject, before its first event or after.
  (world) => world.publish('beijing', { event: world.licence('beijing', 'A'), subject: new Uint8Array(32).fill(5) }),
  (world) => world.publish('beijing', { event: world.licence('beijing', 'A'), secret: new Uint8Array(16).fill(9) }),
  (world) => world.publish('beijing', { event: world.licence('beijing', 'B'), kind: 99 }),
  (world) => restate(world, 0),
  (world) => restate(world, -1),
  (world) => world.observe('langfang'),
]

/** Restates, under A, the first or the last event of the log. */
function restate(world: World, at: number): void {
  const entries = world.records.flatMap(({ leaf, entries: of }) =>
    Buffer.from(leaf).includes(world.origin('beijing')) ? of : [],
  )
  const named = entries.at(at)
  world.publish('beijing', {
    kind: 'restated',
    about: { kind: 'licence', identifier: world.licence('beijing', 'A').identifier },
    index: BigInt(at < 0 ? Math.max(0, entries.length + at) : at),
    leafHash: named === undefined ? new Uint8Array(32) : digestRowHash(named.leaf),
  })
}

/** The rows of a world, by the plainest of folds. */
function plainRows(world: World): readonly Uint8Array[] {
  const copy = new WorldCopy(world.pinnedSha256)
  for (const record of world.records) copy.take(record)
  const rows = world.zones.flatMap((zone) => copy.folds(zone)).flatMap((fold) => digestRow(fold) ?? [])
  return rows.sort((left, right) => Buffer.compare(keyOf(left), keyOf(right)))
}

function keyOf(row: Uint8Array): Buffer {
  const read = decodeDigestRow(row)
  if (read.kind !== 'row') throw new Error(read.why)
  return Buffer.concat([Buffer.from(`${read.row.zone}\0`), read.row.subject])
}

interface BookOptions {
  readonly onJudged?: (zone: string, code: string) => void
  readonly foldsHeldMax?: number
}

/** Reads each record out of a copy of its own, as the network would hand it over. */
function bookOf(
  records: readonly Uint8Array[],
  pinnedSha256: Uint8Array,
  { onJudged, foldsHeldMax }: BookOptions = {},
): { readonly book: FoldBook; readonly trust: Trust; readonly events: readonly ReadEvent[] } {
  const archive = new EventArchive(() => Promise.reject(new Error('no store')))
  const book = new FoldBook(archive, new Texts(), new Texts(), onJudged, foldsHeldMax)
  const events: ReadEvent[] = []
  let state = startFollowing(pinnedSha256)
  for (const record of records) {
    const reading = decodeRecord(Uint8Array.from(record))
    if (reading.kind !== 'record' || reading.record.kind !== 'entry') throw new Error('no entry')
    const followed = followEntry(state, reading.record)
    if (followed.kind === 'refused') throw new Error(followed.reason)
    state = followed.state
    for (const event of followed.events) book.take(event, state.trust!)
    events.push(...followed.events)
  }
  return { book, trust: state.trust!, events }
}

/** The same event of another licence. */
function renamed(event: ReadEvent, number: number): ReadEvent {
  const subject = digestRowHash(Buffer.from(`subject ${number}`))
  if (event.reading.kind !== 'read') throw new Error('not read')
  return {
    ...event,
    leaf: { ...event.leaf, subject },
    subject: hex(subject),
    reading: { ...event.reading, subjectString: `string ${number}` },
  }
}

/** What is in use once nothing is left to collect. */
function memoryBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
