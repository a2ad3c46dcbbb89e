import { openNote, parseCheckpoint, verifierKey } from '@hutong/merkle'
import { createMemoryStore } from '@hutong/store'
import { describe, expect, it } from 'vitest'
import { newHub, startTestVerifier, strangerSigner, until } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const name = 'test.hutong.example/witness/tianjin'
const cosigner = { name, signer: strangerSigner }
const key = verifierKey(name, strangerSigner.publicKey, { cosignature: true })

/** Sizes and times (seconds) that were cosigned, in order; a note without a cosignature of ours is not among them. */
function cosigned({ cosignatures }: WorldHub): readonly { size: bigint; time: bigint | undefined }[] {
  return cosignatures.flatMap((note) => {
    const opened = openNote(note, [key])
    if (opened.kind === 'refused') return []
    const checkpoint = parseCheckpoint(opened.text)
    return checkpoint.kind === 'refused' ? [] : [{ size: checkpoint.size, time: opened.verified[0].time }]
  })
}

async function rings(hub: WorldHub, holds: () => boolean): Promise<void> {
  await until(() => {
    hub.changed()
    return holds()
  })
}

describe('a witness', () => {
  it('cosigns each newest head after it holds all of it, at its own time', async () => {
    const hub = newHub()
    const { world } = hub
    world.publish('beijing', world.licence('beijing', '1'))
    const store = createMemoryStore()
    await using test = await startTestVerifier(hub, store, { cosigner })
    await rings(hub, () => cosigned(hub).length === 1)
    world.publish('beijing', world.licence('beijing', '2'))
    await rings(hub, () => cosigned(hub).length === 2)
    const time = BigInt(Math.floor(world.nowMs / 1000))
    expect(cosigned(hub)).toEqual([
      { size: 2n, time },
      { size: 3n, time },
    ])
    expect(test.verifier.follower.view.state.position).toBe(3n)
  })

  it('says first of all what it holds', async () => {
    const hub = newHub()
    const store = createMemoryStore()
    {
      await using test = await startTestVerifier(hub, store, { cosigner })
      await until(() => hub.hellos.length === 1)
      await test.caughtUp()
    }
    await using _ = await startTestVerifier(hub, store, { cosigner })
    await until(() => hub.hellos.length === 2)
    expect(hub.hellos.map(({ head }) => head.length > 0)).toEqual([false, true])
    expect(hub.hellos[1]).toMatchObject({ name, clockMs: hub.world.nowMs })
    expect(Buffer.from(hub.hellos[1]!.head).equals(hub.world.head())).toBe(true)
  })

  it.each(['hub', 'publisher'] as const)('only reads below the head that its %s saw it hold', async (who) => {
    const hub = newHub()
    const { world } = hub
    world.publish('beijing', world.licence('beijing', '1'))
    world.publish('beijing', world.licence('beijing', '2'))
    const later = world.head()
    const all = [...world.records]
    hub.lies = { records: () => all.slice(0, 2), head: () => world.head(2n) }
    const heads = hub.heads.bind(hub)
    if (who === 'hub') hub.heads = async (signal) => ({ ...(await heads(signal)), cosigned: later })
    const publisher = { observedHead: async () => (who === 'publisher' ? later : new Uint8Array()) }
    await using test = await startTestVerifier(hub, createMemoryStore(), { cosigner, publisher })
    await rings(hub, () => test.verifier.follower.view.state.position === 2n && hub.hellos.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(cosigned(hub)).toEqual([])
    hub.lies = {}
    await rings(hub, () => cosigned(hub).length === 1)
    expect(cosigned(hub)[0]?.size).toBe(3n)
  })

  it('waits for its own publisher to have answered', async () => {
    const hub = newHub()
    let asked = 0
    const publisher = {
      observedHead: async () => {
        asked += 1
        if (asked < 4) throw new Error('the publisher is away')
        expect(hub.hellos).toEqual([])
        return new Uint8Array()
      },
    }
    await using _ = await startTestVerifier(hub, createMemoryStore(), { cosigner, publisher })
    await rings(hub, () => cosigned(hub).length === 1)
    expect(asked).toBe(4)
  })

  it('does not cosign a head from the future, and does when its time has come', async () => {
    const hub = newHub()
    const { world } = hub
    let nowMs = world.nowMs
    world.tick(61_000)
    world.publish('beijing', world.licence('beijing', '1'))
    await using test = await startTestVerifier(hub, createMemoryStore(), { cosigner, clock: () => nowMs })
    await test.caughtUp()
    await until(() => hub.hellos.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(cosigned(hub)).toEqual([])
    nowMs += 1_000
    await rings(hub, () => cosigned(hub).length === 1)
  })

  it('signs nothing of a hub that has contradicted itself', async () => {
    const hub = newHub()
    const { world } = hub
    world.publish('beijing', { event: world.licence('beijing', '1'), loggedAtMs: world.nowMs + 3_600_000 })
    await using test = await startTestVerifier(hub, createMemoryStore(), { cosigner })
    await rings(hub, () => test.verifier.follower.view.fault !== undefined)
    await until(() => hub.hellos.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(cosigned(hub)).toEqual([])
  })

  it('comes back by itself when the hub was away', async () => {
    const hub = newHub()
    hub.away = true
    await using test = await startTestVerifier(hub, createMemoryStore(), { cosigner })
    await until(() => test.told.includes('cosigning was interrupted'))
    hub.away = false
    await rings(hub, () => cosigned(hub).length === 1)
    expect(test.told.filter((fact) => fact === 'cosigning was interrupted')).toHaveLength(1)
  })
})
