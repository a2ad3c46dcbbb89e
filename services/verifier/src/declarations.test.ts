import { createMemoryStore, type RangeOptions, type Store } from '@hutong/store'
import { type World, withdrawn } from '@hutong/verify/world'
import { describe, expect, it } from 'vitest'
import { newHub, startTestVerifier, until } from './testing/test-verifier.ts'

/** A store whose declarations can be held back while they are read, and that counts how often they are listed. */
function heldBack(store: Store): { store: Store; hold(): () => void; isHeld(): boolean; listed(): number } {
  let gate = Promise.resolve()
  let [held, listed] = [0, 0]
  const range = async (collection: string, options: RangeOptions) => {
    if (collection === 'declarations') {
      listed += 1
      held += 1
      await gate
      held -= 1
    }
    return store.range(collection, options)
  }
  return {
    store: new Proxy(store, {
      get: (target, name) => {
        if (name === 'range') return range
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
    hold() {
      let open = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
    isHeld: () => held > 0,
    listed: () => listed,
  }
}

const told = async (answer: ReturnType<Awaited<ReturnType<typeof startTestVerifier>>['ask']>) => {
  const { findings } = (await answer) as Extract<Awaited<typeof answer>, { kind: 'findings' }>
  return findings.findings.find(({ check }) => check === 'RECOGNITION')?.code
}

describe('declarations', () => {
  const declaredIn = (world: World) => {
    const licence = world.licence('beijing', '0001')
    const declaration = world.declaration('tianjin')
    world.publish('tianjin', declaration)
    world.publish('beijing', licence)
    return { licence, declaration }
  }

  it('withdrawn while they are read for the first time are withdrawn at the next question', async () => {
    const hub = newHub()
    const { licence, declaration } = declaredIn(hub.world)
    const reads = heldBack(createMemoryStore())
    await using test = await startTestVerifier(hub, reads.store)
    await test.caughtUp()
    const open = reads.hold()
    const first = test.ask(licence.identifier)
    await until(reads.isHeld)
    hub.world.publish('tianjin', withdrawn(declaration))
    await test.caughtUp()
    open()
    expect(await told(first)).toBe('RECOGNISED')
    expect(await told(test.ask(licence.identifier))).toBe('NOT_IN_FORCE')
  })

  it('are listed once, also where the zone is busy while they are read', async () => {
    const hub = newHub()
    const { licence } = declaredIn(hub.world)
    const reads = heldBack(createMemoryStore())
    await using test = await startTestVerifier(hub, reads.store)
    await test.caughtUp()
    const open = reads.hold()
    const first = test.ask(licence.identifier)
    await until(reads.isHeld)
    hub.world.publish('tianjin', hub.world.licence('tianjin', '0002'))
    await test.caughtUp()
    open()
    expect(await told(first)).toBe('RECOGNISED')
    expect(await told(test.ask(licence.identifier))).toBe('RECOGNISED')
    expect(reads.listed()).toBe(1)
  })
})
