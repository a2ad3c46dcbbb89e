import { noteSigner, signNote } from '@hutong/merkle'
import { describe, expect, it } from 'vitest'
import type { Appended } from './hub.ts'
import { beijingOrigin, createTestAlliance, HonestHub, keyOf, licence, newSigner } from './testing/honest-hub.ts'
import { codesOf, copyOf, leavesOf, startMs, startZone, testAlliance, until } from './testing/open-zone.ts'

const quiet = { heartbeatCheckMs: 60_000 }

describe('before the hub has answered', () => {
  it('nothing is written, callers are told, and it heals alone', async () => {
    const hub = new HonestHub(testAlliance, () => startMs)
    hub.before = () => {
      throw new Error('away')
    }
    await using zone = await startZone({ hub, meet: false, settings: quiet })
    expect(await zone.ask([licence(1)])).toMatchObject({ kind: 'refused', refusal: { code: 'HUB_NOT_ANSWERED' } })
    expect(zone.publisher.status()).toMatchObject({ hubAnswered: false, refuses: { code: 'HUB_NOT_ANSWERED' } })
    expect(await zone.store.range('batches', { limit: 1 })).toEqual([])
    hub.before = () => {}
    await until(() => zone.publisher.status().refuses === undefined)
    expect(codesOf(await zone.publish([licence(1)]))).toEqual(['published'])
  })

  it('charters that are not the pinned ones are evidence, not trust', async () => {
    const hub = new HonestHub(createTestAlliance(), () => startMs)
    await using zone = await startZone({ hub, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'HUB_FAULT')
    expect(await zone.ask([licence(1)])).toMatchObject({ refusal: { code: 'HUB_FAULT' } })
  })

  it('keys that the charter does not accept seal nothing', async () => {
    const signers = [newSigner('ECDSA-P256'), newSigner('Ed25519')].map((one) => noteSigner(beijingOrigin, one))
    await using zone = await startZone({ signers, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'KEY_MISMATCH')
    await using half = await startZone({ signers: testAlliance.beijing.slice(0, 1), meet: false, settings: quiet })
    await until(() => half.publisher.status().refuses?.code === 'KEY_MISMATCH')
    expect(await half.ask([licence(1)])).toMatchObject({ refusal: { code: 'KEY_MISMATCH' } })
  })
})

describe('the clock', () => {
  for (const offMs of [-3_600_000, -60_001, 60_001, 3_600_000]) {
    it(`${offMs} ms off seals nothing, and says so`, async () => {
      const clock = { nowMs: startMs }
      const hub = new HonestHub(testAlliance, () => startMs)
      await using zone = await startZone({ hub, clock: { nowMs: startMs + offMs }, meet: false, settings: quiet })
      await until(() => zone.publisher.status().refuses?.code === 'CLOCK_OFF')
      expect(await zone.ask([licence(1)])).toMatchObject({ refusal: { code: 'CLOCK_OFF' } })
      expect(clock.nowMs).toBe(startMs)
    })
  }

  it('that jumps is noticed by the monotonic clock, also while the hub is away, and heals', async () => {
    const clock = { nowMs: startMs }
    let monotonicMs = 0
    const hub = new HonestHub(testAlliance, () => startMs + monotonicMs)
    await using zone = await startZone({ hub, clock, monotonic: () => monotonicMs, settings: quiet })
    hub.before = () => {
      throw new Error('away')
    }
    clock.nowMs += 3_600_000
    expect(await zone.ask([licence(1)])).toMatchObject({ refusal: { code: 'CLOCK_OFF' } })
    monotonicMs += 3_600_000
    expect(codesOf(await zone.publish([licence(1)], { waitFor: 'sealed' }))).toEqual(['published'])
  })

  it('that steps back a little never makes a leaf earlier than the one before', async () => {
    const clock = { nowMs: startMs }
    const hub = new HonestHub(testAlliance, () => startMs)
    await using zone = await startZone({ hub, clock, monotonic: () => 0, settings: quiet })
    await zone.publish([licence(1)])
    clock.nowMs -= 30_000
    await zone.publish([licence(2)])
    expect(leavesOf(hub).map(({ loggedAtMs }) => loggedAtMs)).toEqual([startMs, startMs])
  })

  it('ahead of the hub when a batch was sealed: the batch waits until the hub takes it', async () => {
    let hubMs = startMs
    const hub = new HonestHub(testAlliance, () => hubMs)
    await using zone = await startZone({ hub, settings: quiet })
    hubMs = startMs - 61_000
    await zone.publish([licence(1)], { waitFor: 'sequenced', patienceMs: 40 })
    expect(zone.publisher.status()).toMatchObject({ outbox: 1, size: 1n })
    hubMs = startMs
    await until(() => zone.publisher.status().outbox === 0)
    expect(hub.leaves).toHaveLength(1)
  })
})

describe('a copy restored from an older one', () => {
  it('refuses to sign, says adopt, lists in a dry run, and goes on with what it had signed', async () => {
    const first = await startZone({ settings: quiet })
    await first.publish([licence(1)])
    const older = await copyOf(first.store)
    await first.publish([licence(2), licence(3)])
    await first.publish([suspended(2)])
    await first[Symbol.asyncDispose]()
    await using zone = await startZone({ store: older, hub: first.hub, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'ADOPT_NEEDED')
    expect(zone.publisher.status().refuses).toMatchObject({
      zh: expect.stringContaining('adopt'),
      en: expect.stringContaining('adopt'),
    })
    expect(await zone.ask([licence(4)])).toMatchObject({ refusal: { code: 'ADOPT_NEEDED' } })
    expect(await zone.publisher.adopt(true)).toEqual({ kind: 'adopted', oldSize: 1n, newSize: 4n })
    expect(zone.publisher.status().size).toBe(1n)
    expect(await zone.publisher.adopt(false)).toEqual({ kind: 'adopted', oldSize: 1n, newSize: 4n })
    expect(codesOf(await zone.publish([licence(3), suspended(2), licence(4), licence(1)]))).toEqual([
      'duplicate',
      'ALREADY_SUSPENDED',
      'published',
      'duplicate',
    ])
    await until(() => zone.publisher.status().outbox === 0)
    expect(leavesOf(zone.hub).map(({ index }) => index)).toEqual([0n, 1n, 2n, 3n, 4n])
    expect(await zone.publisher.adopt(false)).toEqual({ kind: 'adopted', oldSize: 5n, newSize: 5n })
  })

  it('that is empty takes back everything, heartbeats too', async () => {
    const clock = { nowMs: startMs }
    const head = Buffer.from('a head')
    const verifier = { zonesOf: async () => [], head: async () => head }
    const first = await startZone({ clock, verifier })
    await until(() => first.hub.leaves.length === 1)
    await first.publish([licence(1)])
    await first[Symbol.asyncDispose]()
    await using zone = await startZone({ clock, hub: first.hub, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'ADOPT_NEEDED')
    expect(await zone.publisher.adopt(false)).toMatchObject({ kind: 'adopted', newSize: 2n })
    expect(zone.publisher.status()).toMatchObject({ observedHead: head, observedAtMs: startMs })
    expect(codesOf(await zone.publish([licence(1)]))).toEqual(['duplicate'])
  })

  it('beside another history under the same key is a stolen key: nothing is taken', async () => {
    const first = await startZone({ settings: quiet })
    await first.publish([licence(1)])
    const thief = await copyOf(first.store)
    first.hub.before = (call) => {
      if (call === 'append') throw new Error('away')
    }
    await first.publish([licence(2)], { waitFor: 'sealed' })
    await first[Symbol.asyncDispose]()
    first.hub.before = () => {}
    const second = await startZone({ store: thief, hub: first.hub, settings: quiet })
    await second.publish([licence(3), licence(4)])
    await second[Symbol.asyncDispose]()
    await using zone = await startZone({ store: first.store, hub: first.hub, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'ADOPT_NEEDED')
    expect(await zone.publisher.adopt(false)).toMatchObject({ kind: 'refused', refusal: { code: 'KEY_STOLEN' } })
    expect(zone.publisher.status()).toMatchObject({ size: 2n, refuses: { code: 'ADOPT_NEEDED' } })
  })

  it('with another root at a size it holds is no restored copy either', async () => {
    const first = await startZone({ settings: quiet })
    const thief = await copyOf(first.store)
    first.hub.before = (call) => {
      if (call === 'append') throw new Error('away')
    }
    await first.publish([licence(1)], { waitFor: 'sealed' })
    await first.publish([licence(2)], { waitFor: 'sealed' })
    await first[Symbol.asyncDispose]()
    first.hub.before = () => {}
    const second = await startZone({ store: thief, hub: first.hub, settings: quiet })
    await second.publish([licence(3)])
    await second[Symbol.asyncDispose]()
    await using zone = await startZone({ store: first.store, hub: first.hub, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'ADOPT_NEEDED')
    expect(await zone.publisher.adopt(false)).toMatchObject({ kind: 'refused', refusal: { code: 'KEY_STOLEN' } })
  })
})

describe('a hub that knows less', () => {
  it('is sent again what it lacks', async () => {
    const first = await startZone({ settings: quiet })
    await first.publish([licence(1)])
    await first.publish([licence(2)])
    await first[Symbol.asyncDispose]()
    const hub = new HonestHub(testAlliance, () => startMs)
    await using zone = await startZone({ store: first.store, hub, settings: quiet })
    await until(() => hub.leaves.length === 2)
    expect(hub.leaves).toEqual(first.hub.leaves)
    await until(() => zone.publisher.status().outbox === 0)
  })

  it('and then answers at another place contradicts itself', async () => {
    const first = await startZone({ settings: quiet })
    await first.publish([licence(1)])
    await first[Symbol.asyncDispose]()
    const hub = new HonestHub(testAlliance, () => startMs + 1)
    await using zone = await startZone({ store: first.store, hub, meet: false, settings: quiet })
    await until(() => zone.publisher.status().refuses?.code === 'HUB_FAULT')
    expect(zone.publisher.status().size).toBe(1n)
  })
})

describe('an answer of the hub', () => {
  const lies: readonly [what: string, lie: (answer: Appended, hub: HonestHub) => Appended][] = [
    ['with the leaf of another', (answer, hub) => ({ ...answer, leaf: hub.records[0]!.leaf })],
    ['with another index', (answer) => ({ ...answer, index: answer.index + 1n })],
    ['with a proof that leads nowhere', (answer) => ({ ...answer, inclusionProof: [new Uint8Array(32)] })],
    ['under no signature of the hub', (answer) => ({ ...answer, head: unsigned(answer.head) })],
    ['with a leaf nobody can read', (answer) => ({ ...answer, leaf: new Uint8Array([1, 2, 3]) })],
  ]
  for (const [what, lie] of lies) {
    it(`${what} is not believed, not kept, and the event stays SEALED`, async () => {
      const hub = new HonestHub(testAlliance, () => startMs)
      const append = hub.append.bind(hub)
      hub.append = async (batch) => {
        const answer = await append(batch)
        return answer.kind === 'appended' ? lie(answer, hub) : answer
      }
      await using zone = await startZone({ hub, settings: quiet })
      expect(await zone.publish([licence(1)], { patienceMs: 200 })).toMatchObject([
        { stage: 'sealed', position: undefined },
      ])
      expect(zone.publisher.status()).toMatchObject({ outbox: 1, refuses: { code: 'HUB_FAULT' } })
      expect(await zone.store.range('answers', { limit: 1 })).toEqual([])
    })
  }

  it('that refuses the batch for good stops the publisher, and Status says why', async () => {
    const hub = new HonestHub(testAlliance, () => startMs)
    const refusal = { code: 'BATCH_COMMITMENT', field: '', expected: '', zh: '', en: 'why' }
    hub.append = async () => ({ kind: 'refused', refusal, clockMs: startMs })
    await using zone = await startZone({ hub, settings: quiet })
    await zone.ask([licence(1)], { patienceMs: 50 })
    expect(zone.publisher.status()).toMatchObject({ refuses: { code: 'BATCH_COMMITMENT' }, size: 1n })
    expect(await zone.ask([licence(2)])).toMatchObject({ refusal: { code: 'BATCH_COMMITMENT' } })
  })
})

describe('a key that was retired', () => {
  it('between sealing and sending: the same size and root go out under the key in force', async () => {
    const next = noteSigner(beijingOrigin, newSigner('ECDSA-P256'))
    const hub = new HonestHub(testAlliance, () => startMs)
    const signers = [...testAlliance.beijing, next]
    await using zone = await startZone({ hub, signers, settings: quiet })
    hub.before = (call) => {
      if (call === 'append') throw new Error('away')
    }
    await zone.publish([licence(1)], { waitFor: 'sealed' })
    const old = keyOf(testAlliance.beijing[0]!, 'beijing', 0n).vkey
    hub.changeCharter((charter, position) => ({
      ...charter,
      keys: [
        ...charter.keys.map((key) => (key.vkey === old ? { ...key, retiredAt: position + 1n } : key)),
        keyOf(next, 'beijing', position + 1n),
      ],
    }))
    hub.before = () => {}
    await until(() => zone.publisher.status().outbox === 0)
    expect(zone.publisher.status().refuses).toBeUndefined()
    expect(codesOf(await zone.publish([licence(2)]))).toEqual(['published'])
    expect(hub.leaves).toHaveLength(2)
  })

  it('with none to follow it stops the publisher', async () => {
    const hub = new HonestHub(testAlliance, () => startMs)
    await using zone = await startZone({ hub, settings: quiet })
    const old = keyOf(testAlliance.beijing[0]!, 'beijing', 0n).vkey
    hub.changeCharter((charter, position) => ({
      ...charter,
      keys: charter.keys.map((key) => (key.vkey === old ? { ...key, retiredAt: position + 1n } : key)),
    }))
    await until(() => zone.publisher.status().refuses?.code === 'KEY_MISMATCH')
  })
})

describe('a new charter', () => {
  it('governs what is judged after it was heard of', async () => {
    const hub = new HonestHub(testAlliance, () => startMs)
    await using zone = await startZone({ hub, settings: quiet })
    expect(codesOf(await zone.publish([licence(1)]))).toEqual(['published'])
    hub.changeCharter((charter) => ({
      ...charter,
      zones: charter.zones.map((one) => ({
        ...one,
        authorities: one.authorities.map((authority) => ({ ...authority, licenceTypes: [] })),
      })),
    }))
    const codes = async (serial: number) => codesOf(await zone.publish([licence(serial)]))
    let serial = 2
    while ((await codes(serial))[0] === 'published') serial++
    expect(await codes(serial + 1)).toEqual(['MAY_NOT_ISSUE'])
  })
})

function suspended(serial: number): {
  kind: 'licence_suspended'
  identifier: string
  authority: string
  reason: string
  decidedOn: string
} {
  const { identifier, authority } = licence(serial)
  return { kind: 'licence_suspended', identifier, authority, reason: '', decidedOn: '' }
}

/** The same head as if somebody else had signed it. */
function unsigned(head: Uint8Array): Uint8Array {
  const [text] = new TextDecoder().decode(head).split('\n\n')
  return signNote(`${text}\n`, [noteSigner('stranger', newSigner('Ed25519'))])
}
