import type { AsOf, Findings } from '@hutong/licence'
import { createMemoryStore } from '@hutong/store'
import {
  identifierOf,
  resumed,
  revoked,
  suspended,
  type World,
  withdrawn,
  worldLicenceType,
  worldMatter,
} from '@hutong/verify/world'
import { findingsBytes } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { declarationsInForce } from './history.ts'
import { type Happening, Story, zones } from './testing/story.ts'
import { newHub, startTestVerifier, type TestVerifier, until } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const happening: fc.Arbitrary<Happening> = fc.record({
  zone: fc.nat({ max: 2 }),
  about: fc.nat({ max: 1 }),
  what: fc.nat({ max: 9 }),
  twist: fc.nat({ max: 15 }),
})

describe('answers as of a position', () => {
  it('are those given then, whatever happens afterwards, and at a copy that followed otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 3, maxLength: 10 }), async (happenings) => {
        const hub = newHub()
        const { world } = hub
        const story = new Story(world)
        await using early = await startTestVerifier(hub, createMemoryStore())
        const given = new Map<bigint, readonly string[]>()
        for (const one of happenings) {
          if (one.what === 9) changeTrust(world, zones[one.zone]!)
          else story.tell(one)
          await witnessed(hub, early)
          // Asked about now before as of then, and after: neither may be answered from what the other has left behind.
          const now = await Promise.all(asked(story).map((id) => findings(early, id)))
          given.set(world.size, await answers(early, story, world.size))
          const again = await Promise.all(asked(story).map((id) => findings(early, id)))
          expect(again.map(hexOf)).toEqual(now.map(hexOf))
        }
        // A quorum of other witnesses, at another time, on one head alone.
        world.tick(3_600_000)
        world.observe('langfang')
        hub.witness({ zones: world.zones.slice(1) })
        await using late = await startTestVerifier(hub, createMemoryStore())
        for (const test of [early, late]) {
          await test.caughtUp()
          await until(() => covered(hub, test))
        }
        const copy = world.copy()
        for (const [position, hexes] of given) {
          const asOf: AsOf = { kind: 'position', position }
          const folded = asked(story).map((id) =>
            hexOf(copy.ask(id, { at: 'tianjin', matter: worldMatter, asOf, nowMs: world.nowMs })),
          )
          expect(folded).toEqual(hexes)
          expect(await answers(early, story, position)).toEqual(hexes)
          expect(await answers(late, story, position)).toEqual(hexes)
        }
        const [now, alone] = await Promise.all([findings(early, asked(story)[0]!), findings(late, asked(story)[0]!)])
        expect(hexOf(now)).toBe(hexOf(alone))
      }),
      { numRuns: 12 },
    )
  })

  it('of a time are as of all that the hub had received by then, while none can still come', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    const startMs = world.nowMs
    // Leaf 0 stands at the start, then two at +1 s, one at +2 s, three at +4 s.
    for (const seconds of [1, 1, 2, 4, 4, 4]) {
      world.nowMs = startMs + seconds * 1000
      world.publish('beijing', seconds === 2 ? suspended(licence) : seconds === 4 ? revoked(licence) : licence)
    }
    await using test = await startTestVerifier(hub, createMemoryStore(), { zone: 'beijing' })
    await witnessed(hub, test)
    const at = async (timeMs: number) => {
      const answer = await test.ask(licence.identifier, { asOf: { kind: 'time', timeMs: startMs + timeMs } })
      return answer.kind === 'refused' ? answer.refusal.code : [answer.findings.code, answer.findings.position]
    }
    expect(await at(-1)).toBe('BEFORE_FIRST_LEAF')
    expect(await at(0)).toEqual(['NOT_IN_LOG', 1n])
    expect(await at(999)).toEqual(['NOT_IN_LOG', 1n])
    expect(await at(1000)).toEqual(['VALID', 3n])
    expect(await at(1999)).toEqual(['VALID', 3n])
    expect(await at(2000)).toEqual(['SUSPENDED', 4n])
    expect(await at(3999)).toEqual(['SUSPENDED', 4n])
    // Another leaf of the same time may follow.
    expect(await at(4000)).toBe('NOT_YET')
    expect(await at(9999)).toBe('NOT_YET')
  })

  it('are not given beyond the newest cosigned head held, however much is applied', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    await using test = await startTestVerifier(hub, createMemoryStore())
    const at = async (position: bigint) => {
      const answer = await test.ask(licence.identifier, { asOf: { kind: 'position', position } })
      return answer.kind === 'refused' ? answer.refusal.code : answer.findings.code
    }
    expect(await at(1n)).toBe('NOT_YET')
    await test.caughtUp()
    expect(await at(1n)).toBe('NOT_YET')
    await witnessed(hub, test)
    world.publish('beijing', licence)
    await test.caughtUp()
    expect([await at(0n), await at(1n), await at(2n), await at(2n ** 63n - 1n)]).toEqual([
      'BEFORE_FIRST_LEAF',
      'NOT_IN_LOG',
      'NOT_YET',
      'NOT_YET',
    ])
    await witnessed(hub, test)
    expect(await at(2n)).toBe('NOT_DECLARED')
  })

  it('judge by the charter that governed then: a later compromise leaves them as they were', async () => {
    const { hub, world, licence, test } = await withLicence()
    await using _test = test
    const before = world.size
    world.compromise('beijing', 0n)
    world.publish('tianjin', withdrawn(world.declaration('tianjin')))
    await witnessed(hub, test)
    expect((await findings(test, licence.identifier)).word).not.toBe('VALID')
    const at = async (position: bigint) => {
      const { word, code, ageMs, dataTimeMs } = await findings(test, licence.identifier, { kind: 'position', position })
      expect([ageMs, dataTimeMs]).toEqual([undefined, world.nowMs])
      return [word, code]
    }
    expect(await at(before)).toEqual(['VALID', 'VALID'])
    expect(await at(before + 1n)).toEqual(['UNDETERMINED', 'KEY_COMPROMISED'])
    const matrix = async (position: bigint) => {
      const standpoint = await test.verifier.answerer.standpoint({ kind: 'position', position }, world.nowMs)
      if (standpoint === undefined || !('copy' in standpoint)) throw new Error('no standpoint')
      return declarationsInForce(test.verifier.answerer, standpoint.copy, 'tianjin', standpoint.knowledge.nowMs)
    }
    expect([
      (await matrix(before)).length,
      (await matrix(before + 1n)).length,
      (await matrix(before + 2n)).length,
    ]).toEqual([1, 1, 0])
  })

  it('are never VALID over a payload that is not here, and the same in every copy once it has come', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    // The first event that names the licence is the one that is missing: who holds it late must find it under its own place.
    const [first] = world.publishBatch('beijing', [{ event: licence, carried: 'missing' }])
    world.publish('beijing', suspended(licence))
    world.publish('beijing', resumed(licence))
    const store = createMemoryStore()
    await using patient = await startTestVerifier(hub, store)
    await witnessed(hub, patient)
    const positions = [2n, 3n, 4n, 5n]
    const codes = async (test: TestVerifier) =>
      Promise.all(positions.map(async (position) => findings(test, licence.identifier, { kind: 'position', position })))
    expect((await codes(patient)).map(({ word }) => word)).not.toContain('VALID')
    hub.lies = {
      record: (record) => (record.index === first!.position ? { ...record, entries: [first!.entry] } : record),
    }
    await until(async () => (await store.range('missing', { limit: 9 })).length === 0)
    await using fresh = await startTestVerifier(hub, createMemoryStore())
    await fresh.caughtUp()
    await until(() => covered(hub, fresh))
    const late = await codes(patient)
    expect(late.map(({ code }) => code)).toEqual(['NOT_IN_LOG', 'VALID', 'SUSPENDED', 'VALID'])
    expect(late.map(hexOf)).toEqual((await codes(fresh)).map(hexOf))
  })

  it('are not changed by a later event that names what an unreadable one was about', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publishBatch('beijing', [{ event: licence, carried: 'missing' }])
    await using test = await startTestVerifier(hub, createMemoryStore())
    await witnessed(hub, test)
    const asOf: AsOf = { kind: 'position', position: world.size }
    const then = await findings(test, licence.identifier, asOf)
    expect(then.code).toBe('NOT_IN_LOG')
    world.publish('beijing', suspended(licence))
    await witnessed(hub, test)
    expect(hexOf(await findings(test, licence.identifier, asOf))).toBe(hexOf(then))
  })

  it('are about the licence that H had first, where two zones of one region have logged one number', async () => {
    const hub = newHub()
    const { world } = hub
    world.changeCharter((charter) => ({
      ...charter,
      zones: charter.zones.map((zone) => ({ ...zone, region: '110000' })),
    }))
    const identifier = identifierOf(worldLicenceType, '110000', '1')
    const own = { ...world.licence('tianjin', '1'), identifier }
    world.publish('beijing', { ...world.licence('beijing', '1'), identifier, issuedOn: '2026-02-30' })
    for (const event of [own, revoked(own)]) world.publish('tianjin', event)
    world.publish('beijing', { ...world.licence('beijing', '1'), identifier })
    await using test = await startTestVerifier(hub, createMemoryStore())
    await witnessed(hub, test)
    const codes = [3n, 4n, 5n, 6n].map(async (position) => {
      const asOf: AsOf = { kind: 'position', position }
      const answer = await findings(test, identifier, asOf)
      expect(hexOf(answer)).toBe(hexOf(world.ask(identifier, { at: 'tianjin', matter: worldMatter, asOf })))
      return answer.code
    })
    expect(await Promise.all(codes)).toEqual(['NOT_IN_LOG', 'VALID', 'REVOKED', 'REVOKED'])
    expect((await findings(test, identifier)).code).toBe('REVOKED')
  })

  it('are clouded by a proven fault of the hub like every other', async () => {
    const { hub, world, licence, test } = await withLicence()
    await using _test = test
    const asOf: AsOf = { kind: 'position', position: world.size }
    expect((await findings(test, licence.identifier, asOf)).word).toBe('VALID')
    const fork = newHub().world
    while (fork.size < world.size) fork.observe('langfang')
    hub.lies = { head: () => fork.head() }
    await until(() => {
      hub.changed()
      return test.verifier.follower.view.fault !== undefined
    })
    expect(await findings(test, licence.identifier, asOf)).toMatchObject({ word: 'UNDETERMINED', code: 'HUB_FAULT' })
  })
})

/** tianjin recognises a licence of beijing, witnessed. */
async function withLicence() {
  const hub = newHub()
  const { world } = hub
  const licence = world.licence('beijing', '1')
  world.publish('tianjin', world.declaration('tianjin'))
  world.publish('beijing', licence)
  const test = await startTestVerifier(hub, createMemoryStore())
  await witnessed(hub, test)
  return { hub, world, licence, test }
}

function changeTrust(world: World, zone: string): void {
  world.tick(1000)
  if (world.logSize(zone) > 0n) world.compromise(zone, world.logSize(zone) - 1n)
  else world.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs + 1 }))
}

/** Two licences of beijing, and one of the receiving zone itself. */
function asked(story: Story): readonly string[] {
  return [story.licence('beijing', 0), story.licence('beijing', 1), story.licence('tianjin', 0)].map(
    ({ identifier }) => identifier,
  )
}

async function answers(test: TestVerifier, story: Story, position: bigint): Promise<readonly string[]> {
  const asOf: AsOf = { kind: 'position', position }
  return (await Promise.all(asked(story).map((id) => findings(test, id, asOf)))).map(hexOf)
}

async function findings(test: TestVerifier, identifier: string, asOf?: AsOf): Promise<Findings> {
  const answer = await test.ask(identifier, asOf === undefined ? {} : { asOf })
  if (answer.kind === 'refused') throw new Error(answer.refusal.code)
  return answer.findings
}

function hexOf(findings: Findings): string {
  return Buffer.from(findingsBytes(findings)).toString('hex')
}

async function witnessed(hub: WorldHub, test: TestVerifier): Promise<void> {
  hub.witness()
  await test.caughtUp()
  await until(() => covered(hub, test))
}

function covered(hub: WorldHub, test: TestVerifier): boolean {
  hub.changed()
  return test.verifier.follower.view.cosigned?.checkpoint.size === hub.world.size
}
