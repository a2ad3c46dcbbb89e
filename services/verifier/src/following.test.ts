import { createMemoryStore, type Store, StoreUnavailableError } from '@hutong/store'
import { createFaultyStore } from '@hutong/store/faulty-store'
import { createMemoryStream, type StreamRecord } from '@hutong/stream'
import { createMisbehavingStream, type Delivery } from '@hutong/stream/misbehaving-stream'
import { revoked, World } from '@hutong/verify/world'
import { decodeRecord, encodeRecord } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { newHub, startTestVerifier, type TestVerifier, until } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const noSignal = new AbortController().signal

async function digestOf({ verifier }: TestVerifier): Promise<string> {
  const answer = await verifier.digests.at(verifier.answerer.copy()!, { position: 0n, from: 0n, count: 0n }, noSignal)
  return answer.kind === 'digest' ? `${answer.position} ${Buffer.from(answer.digest).toString('hex')}` : answer.kind
}

/** A few licences of two zones, a revocation and a declaration. */
function tell(world: World, serial: string): void {
  const licence = world.licence('beijing', serial)
  world.publish('beijing', licence)
  world.publish('langfang', world.licence('langfang', serial))
  world.tick(1000)
  world.publish('beijing', revoked(licence))
  world.observe('tianjin')
}

async function digestOfFresh(hub: WorldHub): Promise<string> {
  await using test = await startTestVerifier(hub, createMemoryStore())
  await test.caughtUp()
  return digestOf(test)
}

describe('following the hub alone', () => {
  it('catches up under one head over far more entries than may wait', async () => {
    const hub = newHub()
    for (let at = 0; at < 50; at++) tell(hub.world, `A${at}`)
    hub.witness()
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    expect(test.verifier.follower.view.state.position).toBe(201n)
    await until(() => test.verifier.follower.view.cosigned !== undefined)
    expect(test.told).toEqual([])
  })

  it('goes on after a restart where it was', async () => {
    const hub = newHub()
    const store = createMemoryStore()
    tell(hub.world, '1')
    {
      await using test = await startTestVerifier(hub, store)
      await test.caughtUp()
    }
    hub.away = true
    await using test = await startTestVerifier(hub, store)
    expect(test.verifier.follower.view.state.position).toBe(hub.world.size)
    expect(test.verifier.follower.view.head?.signed.checkpoint.size).toBe(hub.world.size)
    tell(hub.world, '2')
    hub.away = false
    await test.caughtUp()
    expect(await digestOf(test)).toBe(await digestOfFresh(hub))
  })

  it('follows a change of the keys of a zone and of the charter', async () => {
    const hub = newHub()
    const { world } = hub
    tell(world, '1')
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    world.compromise('beijing', 1n)
    tell(world, '2')
    await test.caughtUp()
    expect(test.verifier.follower.view.state.trust?.charters).toHaveLength(2)
    expect(test.verifier.follower.view.fault).toBeUndefined()
  })

  it('takes nothing of an alliance whose charter 0 is not the pinned one', async () => {
    const hub = newHub()
    await using test = await startTestVerifier(hub, createMemoryStore(), { pinnedSha256: new Uint8Array(32) })
    await until(() => test.notices.includes('read_again'))
    expect(test.verifier.follower.view.state.position).toBe(0n)
    expect(test.verifier.follower.view.fault).toBeUndefined()
  })

  it('stops when another verifier writes to its store', async () => {
    const hub = newHub()
    const store = createMemoryStore()
    tell(hub.world, '1')
    await using first = await startTestVerifier(hub, store)
    await first.caughtUp()
    await using second = await startTestVerifier(hub, store)
    tell(hub.world, '2')
    await second.caughtUp()
    await until(() => {
      hub.changed()
      return first.told.includes('following has stopped for good')
    })
    await expect(first.verifier.stopped).rejects.toThrow(/another verifier/)
    expect(await digestOf(second)).toBe(await digestOfFresh(hub))
  })

  it('ages the licences of a zone whose news is kept back, and no others', async () => {
    const hub = newHub()
    const { world } = hub
    const kept = world.licence('langfang', '1')
    const starved = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', starved)
    world.publish('langfang', kept)
    hub.witness()
    await using test = await startTestVerifier(hub, createMemoryStore())
    for (let day = 0; day < 2; day++) {
      world.tick(86_000_000)
      world.observe('tianjin')
      world.observe('langfang')
      hub.witness()
      await test.caughtUp()
      await until(() => {
        hub.changed()
        return test.verifier.follower.view.cosigned?.checkpoint.size === world.size
      })
    }
    expect(await test.ask(starved.identifier)).toMatchObject({ findings: { word: 'UNDETERMINED', code: 'TOO_OLD' } })
    expect(await test.ask(kept.identifier)).toMatchObject({ findings: { word: 'VALID' } })
  })
})

describe('a hub that contradicts itself', () => {
  /** The same alliance with another past: same keys, since those are drawn once for a process. */
  function twin(zones?: readonly string[]): World {
    return new World({ suite: 'Ed25519', ...(zones && { zones }) })
  }

  async function faulted(hub: WorldHub, test: TestVerifier): Promise<void> {
    await until(() => {
      hub.changed()
      return test.verifier.follower.view.fault !== undefined
    })
  }

  it('is found out by another root at a size that is held; both sides are kept, nothing more is taken, nothing is VALID', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    hub.witness()
    const store = createMemoryStore()
    const fork = twin()
    fork.publish('langfang', fork.licence('langfang', '9'))
    {
      await using test = await startTestVerifier(hub, store)
      await test.caughtUp()
      await until(async () => (await test.ask(licence.identifier)).kind === 'findings')
      hub.lies = { head: () => fork.head() }
      await faulted(hub, test)
      const [evidence] = await store.range('evidence', { limit: 2 })
      const kept = JSON.parse(Buffer.from(evidence!.value).toString())
      expect(Buffer.from(kept.theirs[0], 'base64').equals(fork.head())).toBe(true)
      expect(Buffer.from(kept.ownHead, 'base64').toString()).toContain(`${world.size}`)
    }
    hub.lies = {}
    world.publish('beijing', revoked(licence))
    await using restarted = await startTestVerifier(hub, store)
    expect(restarted.verifier.follower.view.state.position).toBe(3n)
    expect(await restarted.ask(licence.identifier)).toMatchObject({
      findings: { word: 'UNDETERMINED', code: 'HUB_FAULT' },
    })
  })

  it.each<[string, (world: World) => World['records'][number]]>([
    [
      'a batch that another zone signed',
      (world) => {
        world.publishBatch('beijing', [world.licence('beijing', '7')], {
          signers: world
            .signers('langfang')
            .map((signer) => ({ ...signer, key: { ...signer.key, name: world.origin('beijing') } })),
        })
        return world.records.at(-1)!
      },
    ],
    [
      'a leaf whose time runs back',
      (world) => {
        world.publish('beijing', world.licence('beijing', '7'))
        world.publish('beijing', { event: world.licence('beijing', '8'), loggedAtMs: world.nowMs - 5000 })
        return world.records.at(-1)!
      },
    ],
    [
      'a leaf from far in the future',
      (world) => {
        world.publish('beijing', { event: world.licence('beijing', '8'), loggedAtMs: world.nowMs + 600_000 })
        return world.records.at(-1)!
      },
    ],
  ])('is found out by %s under its own head', async (_, happens) => {
    const hub = newHub()
    tell(hub.world, '1')
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store)
    await test.caughtUp()
    const before = test.verifier.follower.view.state.position
    happens(hub.world)
    await faulted(hub, test)
    expect(test.verifier.follower.view.state.position).toBe(before)
    expect(await store.range('evidence', { limit: 2 })).toHaveLength(1)
  })

  it('is found out by leaves that do not come to its head, when it gives them twice', async () => {
    const hub = newHub()
    tell(hub.world, '1')
    const fork = twin()
    fork.tick(1)
    tell(fork, '1')
    hub.lies = { head: () => fork.head() }
    await using test = await startTestVerifier(hub, createMemoryStore())
    await faulted(hub, test)
    expect(test.verifier.follower.view.state.position).toBe(0n)
    expect(test.notices.filter((notice) => notice === 'read_again')).toHaveLength(1)
  })

  it('is found out by the head in the heartbeat of another zone', async () => {
    const hub = newHub()
    const { world } = hub
    tell(world, '1')
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    const fork = twin()
    fork.tick(1)
    fork.publish('beijing', fork.licence('beijing', '1'))
    world.publish('langfang', { kind: 'observed', head: fork.head() })
    await faulted(hub, test)
    expect(test.verifier.follower.view.fault?.code).toBe('HUB_HEAD_DIFFERS')
  })

  it('is not accused by a head in a heartbeat that it never signed', async () => {
    const hub = newHub()
    const { world } = hub
    await using test = await startTestVerifier(hub, createMemoryStore())
    world.publish('langfang', { kind: 'observed', head: Buffer.from('test.hutong.example/h/1\n1\nAAAA\n\n— x AAAA\n') })
    await test.caughtUp()
    expect(test.verifier.follower.view.fault).toBeUndefined()
    expect(test.notices).toContain('observed_head_refused')
  })
})

describe('following a stream', () => {
  async function started(deliver: (record: StreamRecord) => Delivery | undefined, store: Store = createMemoryStore()) {
    const hub = newHub()
    const stream = createMemoryStream({ id: 'logged', now: () => 0 })
    const broker = createMisbehavingStream(stream, { deliver })
    const test = await startTestVerifier(hub, store, { stream: broker })
    await test.caughtUp()
    return { hub, stream, test }
  }

  it('takes what the stream gives without asking the hub again', async () => {
    const { hub, stream, test } = await started(() => undefined)
    await using _ = test
    await hub.publish(stream)
    const { reads } = hub
    tell(hub.world, '1')
    hub.witness()
    await hub.publish(stream)
    await until(() => test.verifier.follower.view.cosigned?.checkpoint.size === hub.world.size)
    expect(hub.reads).toBe(reads)
    expect(await digestOf(test)).toBe(await digestOfFresh(hub))
  })

  it.each<[string, (record: StreamRecord) => Delivery | undefined]>([
    ['loses', () => ({ kind: 'drop' })],
    ['doubles', () => ({ kind: 'double' })],
    ['reorders', () => ({ kind: 'swap' })],
    ['breaks before', () => ({ kind: 'fail' })],
    ['empties', () => ({ kind: 'alter', value: Uint8Array.of(1) })],
    ['alters the leaf of', (record) => alterRecord(record, 'leaf')],
    ['alters the payload of', (record) => alterRecord(record, 'payload')],
    ['leaves the payload out of', (record) => alterRecord(record, 'no payload')],
  ])('comes to the same where the broker %s records', async (_, happens) => {
    let count = 0
    const { hub, stream, test } = await started((record) => (count++ % 3 === 1 ? happens(record) : undefined))
    await using __ = test
    for (let at = 0; at < 6; at++) {
      tell(hub.world, `B${at}`)
      hub.witness()
      await hub.publish(stream)
    }
    await hub.publish(stream)
    await until(() => test.verifier.follower.view.state.position === hub.world.size)
    expect(test.verifier.follower.view.fault).toBeUndefined()
    expect(await digestOf(test)).toBe(await digestOfFresh(hub))
  })

  it('asks the hub when the stream has gone silent', async () => {
    const hub = newHub()
    const stream = createMemoryStream({ id: 'logged', now: () => 0 })
    await using test = await startTestVerifier(hub, createMemoryStore(), {
      stream,
      settings: { streamSilenceMs: 5 } as never,
    })
    tell(hub.world, '1')
    await until(() => test.verifier.follower.view.state.position === hub.world.size)
    expect(await digestOf(test)).toBe(await digestOfFresh(hub))
  })

  it('goes on from the stream after a restart, also while the hub is away', async () => {
    const store = createMemoryStore()
    const { hub, stream, test } = await started(() => undefined, store)
    tell(hub.world, '1')
    await hub.publish(stream)
    await until(() => test.verifier.follower.view.state.position === hub.world.size)
    await test[Symbol.asyncDispose]()
    tell(hub.world, '2')
    await hub.publish(stream)
    hub.away = true
    await using again = await startTestVerifier(hub, store, { stream })
    await until(() => again.verifier.follower.view.state.position === hub.world.size)
  })

  it('believes no place of another stream', async () => {
    const store = createMemoryStore()
    const { hub, stream, test } = await started(() => undefined, store)
    tell(hub.world, '1')
    await hub.publish(stream)
    await until(() => test.verifier.follower.view.stream !== undefined)
    await test[Symbol.asyncDispose]()
    const other = createMemoryStream({ id: 'another', now: () => 0 })
    tell(hub.world, '2')
    await using again = await startTestVerifier(hub, store, { stream: other })
    await until(() => again.verifier.follower.view.state.position === hub.world.size)
  })
})

describe('a store that fails at every step', () => {
  const faults = [
    { happens: 'nothing', reported: false },
    { happens: 'half', reported: false },
    { happens: 'documents', reported: false },
    { happens: 'all', reported: false },
  ] as const

  it.each(faults)('loses nothing and doubles nothing when $happens of a call has happened', async (fault) => {
    const hub = newHub()
    for (let at = 0; at < 3; at++) tell(hub.world, `C${at}`)
    hub.witness()
    const expected = await digestOfFresh(hub)
    for (let failing = 0; failing < 14; failing++) {
      const store = createMemoryStore()
      let writes = 0
      const writing = new Set(['insert', 'step', 'movePosition', 'delete'])
      const faulty = createFaultyStore(store, ({ method }) =>
        writing.has(method) && writes++ === failing
          ? { ...fault, error: new StoreUnavailableError('planned') }
          : undefined,
      )
      const test = await startTestVerifier(hub, faulty).catch(() => startTestVerifier(hub, faulty))
      await test.caughtUp()
      expect(await digestOf(test)).toBe(expected)
      await test[Symbol.asyncDispose]()
      await using restarted = await startTestVerifier(hub, store)
      expect(await digestOf(restarted)).toBe(expected)
    }
  })
})

function alterRecord(record: StreamRecord, what: 'leaf' | 'payload' | 'no payload'): Delivery | undefined {
  const decoded = decodeRecord(record.value)
  if (decoded.kind !== 'record' || decoded.record.kind !== 'entry') return undefined
  const { leaf, entries, ...entry } = decoded.record
  const flipped = Uint8Array.from(leaf)
  flipped[leaf.length - 1]! ^= 1
  const altered = {
    ...entry,
    leaf: what === 'leaf' ? flipped : leaf,
    entries: entries.map((one) => {
      if (what === 'payload') return { ...one, payload: Uint8Array.from(one.payload).reverse() }
      return what === 'leaf' ? one : { ...one, salt: new Uint8Array(), payload: new Uint8Array() }
    }),
  }
  return { kind: 'alter', value: encodeRecord(altered) }
}
