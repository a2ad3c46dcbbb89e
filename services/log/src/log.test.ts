import { edgeRoot, openNote, parseCheckpoint, sha256Tree, verifyInclusion } from '@hutong/merkle'
import { sha256 } from '@hutong/signing'
import { createMemoryStore, type Store, StoreFullError } from '@hutong/store'
import { createFaultyStore } from '@hutong/store/faulty-store'
import { followEntry, startFollowing } from '@hutong/verify'
import { decodeHubLeaf, type EntryRecord } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { type Alliance, createAlliance } from './testing/alliance.ts'
import { type Appended, createTestClock, logOpener, type OpenLog, startMs } from './testing/open-log.ts'

const openLog = logOpener(createMemoryStore)
const alone: Alliance = createAlliance({ quorum: 0 })

describe('append', () => {
  it('takes batches of two zones into one order, each with a proof under a head signed by the deciding suite and Ed25519', async () => {
    await using log = await openLog(alone)
    const [beijing, tianjin] = [alone.publisher('beijing'), alone.publisher('tianjin')]
    const answers = [
      await log.append('beijing', beijing.seal(3, startMs)),
      await log.append('tianjin', tianjin.seal(1, startMs)),
      await log.append('beijing', beijing.seal(2, startMs)),
    ]
    expect(answers.map((answer) => answer.kind === 'appended' && answer.index)).toEqual([1n, 2n, 3n])
    for (const answer of answers) expect(isProven(alone, answer)).toBe(true)
    const head = openNote(
      appended(answers[0]).head,
      alone.hubSigners.map(({ key }) => key),
    )
    expect(head.kind === 'note' && head.verified.map(({ key }) => key.type)).toEqual(['sm2-sm3', 'ed25519'])
  })

  it('begins with charter 0, so that who follows from nothing but its hash comes to the head', async () => {
    await using log = await openLog(alone)
    const publisher = alone.publisher('langfang')
    await log.append('langfang', publisher.seal(2, startMs))
    const last = appended(await log.append('langfang', publisher.seal(5, startMs)))
    const records = await log.read(0n)
    let state = startFollowing(sha256(alone.charter))
    for (const record of entriesOf(records)) {
      const followed = followEntry(state, record)
      if (followed.kind === 'refused') throw new Error(followed.reason)
      state = followed.state
    }
    expect(state.position).toBe(3n)
    expect(Buffer.from(edgeRoot(sha256Tree, state.hubEdge))).toEqual(Buffer.from(checkpointOf(last.head).root))
    expect(state.logs.get(publisher.origin)?.edge.size).toBe(7n)
  })

  it('commits batches that wait together under one head, consecutive ones of a zone included', async () => {
    await using log = await openLog(alone)
    const [beijing, tianjin] = [alone.publisher('beijing'), alone.publisher('tianjin')]
    const answers = await Promise.all([
      log.append('beijing', beijing.seal(2, startMs)),
      log.append('beijing', beijing.seal(2, startMs)),
      log.append('tianjin', tianjin.seal(2, startMs)),
    ])
    expect(answers.map((answer) => appended(answer).index)).toEqual([1n, 2n, 3n])
    expect(new Set(answers.map((answer) => text(appended(answer).head))).size).toBe(1)
    for (const answer of answers) expect(isProven(alone, answer)).toBe(true)
  })

  it('answers a batch sent again with the same leaf and index, under a head that may be newer', async () => {
    await using log = await openLog(alone)
    const publisher = alone.publisher('beijing')
    const batch = publisher.seal(3, startMs)
    const first = appended(await log.append('beijing', batch))
    await log.append('beijing', publisher.seal(1, startMs))
    const again = appended(await log.append('beijing', batch))
    expect([again.index, text(again.leaf)]).toEqual([first.index, text(first.leaf)])
    expect(checkpointOf(again.head).size).toBe(3n)
    expect(isProven(alone, again)).toBe(true)
  })

  it('answers the same batch twice in one group once in H', async () => {
    await using log = await openLog(alone)
    const batch = alone.publisher('beijing').seal(3, startMs)
    const [first, again] = await Promise.all([log.append('beijing', batch), log.append('beijing', batch)])
    expect(appended(again).index).toBe(appended(first).index)
    expect((await log.status()).size).toBe(2n)
  })

  it('refuses other leaves under indexes that are taken, with the size and checkpoint it knows', async () => {
    await using log = await openLog(alone)
    const publisher = alone.publisher('beijing')
    const thief = publisher.fork()
    const batch = publisher.seal(2, startMs)
    await log.append('beijing', batch)
    expect(await log.append('beijing', thief.seal(2, startMs, { payload: Buffer.from('another story') }))).toEqual({
      kind: 'refused',
      code: 'BATCH_NOT_CONTINUING',
      knownSize: 2n,
      knownCheckpoint: Buffer.from(batch.checkpoint),
    })
  })

  it('refuses a gap, an empty batch, a batch of another zone, of no log, and a leaf from the future', async () => {
    await using log = await openLog(alone)
    const publisher = alone.publisher('beijing')
    const first = publisher.seal(1, startMs)
    const second = publisher.seal(1, startMs)
    const codes = [
      await log.append('beijing', second),
      await log.append('beijing', { ...first, entries: [] }),
      await log.append('tianjin', first),
      await log.append('beijing', { ...first, origin: alone.hubOrigin }),
      await log.append('beijing', alone.publisher('beijing').seal(1, startMs + 60_001)),
    ].map((answer) => answer.kind === 'refused' && answer.code)
    expect(codes).toEqual([
      'BATCH_NOT_CONTINUING',
      'BATCH_EMPTY',
      'BATCH_ORIGIN',
      'BATCH_ORIGIN',
      'BATCH_FROM_THE_FUTURE',
    ])
    expect((await log.status()).size).toBe(1n)
  })

  it('takes a leaf from the future once its time has come', async () => {
    const testClock = createTestClock()
    await using log = await openLog(alone, { testClock })
    const batch = alone.publisher('beijing').seal(1, startMs + 60_001)
    expect((await log.append('beijing', batch)).kind).toBe('refused')
    testClock.tick(1)
    expect((await log.append('beijing', batch)).kind).toBe('appended')
  })

  it('refuses a payload that does not open, a foreign signature and a wrong root', async () => {
    await using log = await openLog(alone)
    const batch = alone.publisher('beijing').seal(2, startMs)
    const [one, two] = batch.entries
    const stranger = createAlliance({ quorum: 0 }).publisher('beijing').seal(2, startMs)
    const shorter = alone.publisher('beijing').seal(1, startMs)
    const codes = [
      await log.append('beijing', { ...batch, entries: [one!, { ...two!, payload: Buffer.from('x') }] }),
      await log.append('beijing', { ...batch, checkpoint: stranger.checkpoint }),
      await log.append('beijing', { ...batch, checkpoint: shorter.checkpoint }),
    ].map((answer) => answer.kind === 'refused' && answer.code)
    expect(codes).toEqual(['BATCH_COMMITMENT', 'BATCH_SIGNATURE', 'BATCH_ROOT'])
  })

  it('never lets the time in H run back, whatever the clock does', async () => {
    const testClock = createTestClock()
    await using log = await openLog(alone, { testClock })
    const publisher = alone.publisher('beijing')
    const before = appended(await log.append('beijing', publisher.seal(1, startMs - 3_600_000)))
    testClock.nowMs -= 3_600_000
    const after = appended(await log.append('beijing', publisher.seal(1, startMs - 3_600_000)))
    expect(receivedAtMs(after)).toBe(receivedAtMs(before))
  })
})

describe('a log that dies', () => {
  it.each([
    ['before anything is written', 'insert', 'nothing'],
    ['with half its documents written', 'insert', 'half'],
    ['between documents and commit', 'step', 'documents'],
    ['after a commit that nobody heard of', 'step', 'all'],
  ] as const)('%s answers a retry once, in the same run and in the next', async (_, method, happens) => {
    const kept = createMemoryStore()
    const publisher = alone.publisher('beijing')
    const [first, second] = [publisher.seal(2, startMs), publisher.seal(3, startMs)]
    {
      let isArmed = false
      const store = createFaultyStore(kept, (call) => {
        if (!isArmed || call.method !== method) return undefined
        isArmed = false
        return { happens, reported: false }
      })
      await using log = await openLog(alone, { store })
      await log.append('beijing', first)
      isArmed = true
      expect(await log.append('beijing', second)).toEqual({ kind: 'unavailable', code: 'STORE_UNAVAILABLE' })
      expect(appended(await log.append('beijing', second)).index).toBe(2n)
      expect(await followedSize(log)).toBe(3n)
    }
    await using log = await openLog(alone, { store: kept })
    const again = appended(await log.append('beijing', second))
    expect(again.index).toBe(2n)
    expect(isProven(alone, again)).toBe(true)
    expect(await followedSize(log)).toBe(3n)
  })

  it('writes over what a dead step left, and never shows it', async () => {
    const kept = createMemoryStore()
    const [beijing, tianjin] = [alone.publisher('beijing'), alone.publisher('tianjin')]
    {
      let isArmed = false
      await using log = await openLog(alone, {
        store: createFaultyStore(kept, ({ method }) =>
          isArmed && method === 'step' ? { happens: 'documents', reported: false } : undefined,
        ),
      })
      await log.append('beijing', beijing.seal(1, startMs))
      isArmed = true
      await log.append('beijing', beijing.fork().seal(40, startMs))
    }
    await using log = await openLog(alone, { store: kept })
    expect(entriesOf(await log.read(0n))).toHaveLength(2)
    expect(appended(await log.append('tianjin', tianjin.seal(1, startMs))).index).toBe(2n)
    expect(appended(await log.append('beijing', beijing.seal(1, startMs))).index).toBe(3n)
    expect(await followedSize(log)).toBe(4n)
  })

  it('says that the disk is full, moves nothing, and goes on when there is space again', async () => {
    const kept = createMemoryStore()
    let isFull = false
    const store = createFaultyStore(kept, ({ method }) =>
      isFull && method !== 'position' && method !== 'get' && method !== 'getMany' && method !== 'range'
        ? { happens: 'nothing', reported: false, error: new StoreFullError('full') }
        : undefined,
    )
    await using log = await openLog(alone, { store })
    const publisher = alone.publisher('beijing')
    await log.append('beijing', publisher.seal(1, startMs))
    const batch = publisher.seal(1, startMs)
    isFull = true
    expect(await log.append('beijing', batch)).toEqual({ kind: 'unavailable', code: 'DISK_FULL' })
    expect(await log.append('beijing', batch)).toEqual({ kind: 'unavailable', code: 'DISK_FULL' })
    expect(await followedSize(log)).toBe(2n)
    isFull = false
    expect(appended(await log.append('beijing', batch)).index).toBe(2n)
  })

  it('stops for good when another process writes, and signs nothing more', async () => {
    const store = createMemoryStore()
    await using first = await openLog(alone, { store })
    const publisher = alone.publisher('beijing')
    await first.append('beijing', publisher.seal(1, startMs))
    await using second = await openLog(alone, { store })
    const batch = publisher.seal(1, startMs)
    expect((await second.append('beijing', batch)).kind).toBe('appended')
    expect(await first.append('tianjin', alone.publisher('tianjin').seal(1, startMs))).toEqual({
      kind: 'unavailable',
      code: 'ANOTHER_WRITER',
    })
    expect((await first.service.failed).name).toBe('StaleWriterError')
    expect((await second.append('beijing', publisher.seal(1, startMs))).kind).toBe('appended')
  })
})

describe('a log whose data is not what it signed', () => {
  it.each([
    ['the last leaf', 'leaves', '0000000000000000002', 'leaves/0000000000000000002'],
    ['a node of the tree', 'nodes', 'h/01/0000000000000000000', 'nodes/h'],
  ])('does not start over %s that differs, and names it', async (_, collection, key, place) => {
    const kept = createMemoryStore()
    {
      await using log = await openLog(alone, { store: kept })
      const publisher = alone.publisher('beijing')
      await log.append('beijing', publisher.seal(1, startMs))
      await log.append('beijing', publisher.seal(1, startMs))
    }
    await expect(openLog(alone, { store: flipped(kept, collection, key) })).rejects.toThrow(place)
  })

  it('does not start with the head of another edge', async () => {
    const kept = createMemoryStore()
    {
      await using log = await openLog(alone, { store: kept })
      await log.append('beijing', alone.publisher('beijing').seal(1, startMs))
    }
    const { term, version, value } = (await kept.position('log'))!
    const state = JSON.parse(Buffer.from(value).toString()) as { edge: string }
    const edge = Buffer.from(state.edge, 'base64')
    edge[edge.length - 1]! ^= 1
    const damaged = Buffer.from(JSON.stringify({ ...state, edge: edge.toString('base64') }))
    await kept.movePosition('log', version, { term, value: damaged })
    await expect(openLog(alone, { store: kept })).rejects.toThrow('log: edge')
  })

  it('does not start under another charter 0, or with keys the charter does not name', async () => {
    const store = createMemoryStore()
    {
      await using log = await openLog(alone, { store })
      await log.append('beijing', alone.publisher('beijing').seal(1, startMs))
    }
    const other = createAlliance({ quorum: 0 })
    await expect(openLog(other, { store })).rejects.toThrow('another charter 0')
    await expect(openLog(alone, { store, signers: other.hubSigners })).rejects.toThrow('accepts no key')
    await expect(openLog(alone, { store, signers: alone.hubSigners.slice(0, 1) })).rejects.toThrow('Ed25519')
  })

  it('signs nothing over a leaf that was read back as something else', async () => {
    const kept = createMemoryStore()
    let isFlipping = false
    const flipping: Store = {
      ...bound(kept),
      async getMany(collection, keys) {
        const found = await kept.getMany(collection, keys)
        if (!isFlipping || collection !== 'leaves') return found
        return new Map([...found].map(([key, document]) => [key, { ...document, value: flip(document.value) }]))
      },
    }
    await using log = await openLog(alone, { store: flipping })
    const publisher = alone.publisher('beijing')
    await log.append('beijing', publisher.seal(1, startMs))
    const before = await kept.position('log')
    isFlipping = true
    expect(await log.append('beijing', publisher.seal(1, startMs))).toEqual({
      kind: 'unavailable',
      code: 'LOG_DAMAGED',
    })
    expect(await kept.position('log')).toEqual(before)
    expect(log.service.log.state.edge.size).toBe(2n)
  })
})

function appended(answer: Appended | undefined): Extract<Appended, { kind: 'appended' }> {
  if (answer?.kind !== 'appended') throw new Error(`expected an appended batch, got ${JSON.stringify(answer, bigints)}`)
  return answer
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function isProven(alliance: Alliance, answer: Appended): boolean {
  const { index, leaf, proof, head } = appended(answer)
  const opened = openNote(
    head,
    alliance.hubSigners.map(({ key }) => key),
  )
  const { size, root } = checkpointOf(head)
  return opened.kind === 'note' && verifyInclusion(sha256Tree, index, size, sha256Tree.leaf(leaf), proof, root)
}

function checkpointOf(note: Uint8Array): { readonly size: bigint; readonly root: Uint8Array } {
  const whole = text(note)
  const parsed = parseCheckpoint(whole.slice(0, whole.lastIndexOf('\n\n') + 1))
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return parsed
}

function receivedAtMs(answer: { readonly leaf: Uint8Array }): number {
  const decoded = decodeHubLeaf(answer.leaf)
  if (decoded.kind !== 'hub_leaf') throw new Error(decoded.why)
  return decoded.leaf.receivedAtMs
}

async function followedSize(log: OpenLog): Promise<bigint> {
  const records = await log.read(0n)
  let state = startFollowing(sha256(alone.charter))
  for (const record of entriesOf(records)) {
    const followed = followEntry(state, record)
    if (followed.kind === 'refused') throw new Error(followed.reason)
    state = followed.state
  }
  const head = records.find((record) => record.kind === 'head')!
  expect(Buffer.from(checkpointOf(head.checkpoint).root)).toEqual(Buffer.from(edgeRoot(sha256Tree, state.hubEdge)))
  return state.position
}

function entriesOf(records: readonly { readonly kind: string }[]): readonly EntryRecord[] {
  return records.filter((record): record is EntryRecord => record.kind === 'entry')
}

function flipped(store: Store, collection: string, key: string): Store {
  return {
    ...bound(store),
    async get(name, asked) {
      const found = await store.get(name, asked)
      return found !== undefined && name === collection && asked === key
        ? { ...found, value: flip(found.value) }
        : found
    },
    async getMany(name, keys) {
      const found = new Map(await store.getMany(name, keys))
      const one = name === collection ? found.get(key) : undefined
      return one === undefined ? found : found.set(key, { ...one, value: flip(one.value) })
    },
  }
}

function bound(store: Store): Store {
  return {
    insert: (documents) => store.insert(documents),
    position: (name) => store.position(name),
    movePosition: (name, version, next) => store.movePosition(name, version, next),
    get: (collection, key) => store.get(collection, key),
    getMany: (collection, keys) => store.getMany(collection, keys),
    range: (collection, options) => store.range(collection, options),
    deleteBySubject: (subject) => store.deleteBySubject(subject),
    delete: (collection, keys) => store.delete(collection, keys),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

function flip(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
