import type { LicenceIssued, LicenceRevoked } from '@hutong/licence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, inShort } from '../constellation/constellation.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { declarationFor, licenceOf, matter } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

// Silence ripens in seconds here; T2 is many heartbeats long, so that a loaded machine is not taken for silence.
const limits = { heartbeatMs: 400, freshMs: 1_500, usableMs: 4_000 }
const zones = ['beijing', 'tianjin', 'langfang', 'xiqing']

describe('silence', () => {
  let world: EmbeddedConstellation
  let starved: string | undefined
  let licences: ReadonlyMap<string, LicenceIssued>

  beforeAll(async () => {
    world = await startEmbedded({
      zones,
      charterLimits: limits,
      settings: { publisher: { heartbeatCheckMs: 100, maxRetryMs: 500, hubDeadlineMs: 1_000 } },
      faults: {
        // A hub that goes on committing, cosigning and answering, and keeps one zone's batches to itself.
        hubRoutes: (routes) => ({
          ...routes,
          append: (request, context) =>
            context.caller.zone === starved ? unanswered(context.signal) : routes.append(request, context),
        }),
      },
    })
    console.log(`engine: ${world.engine}`)
    licences = new Map(zones.map((zone) => [zone, licenceOf(world.box.alliance.charter, zone, 'C1')]))
    for (const zone of zones) await world.issue(zone, licences.get(zone)!)
    await world.declare('tianjin', declarationFor(['beijing', 'langfang', 'xiqing'], Date.now() - 60_000))
    for (const zone of zones) await becomes(zone, 'VALID')
  })
  afterAll(() => world[Symbol.asyncDispose]())

  /** Tianjin's counter is asked about the licence of a zone. */
  const ask = (zone: string) => world.verify('tianjin', { identifier: licences.get(zone)!.identifier, matter })
  const becomes = (zone: string, wanted: string) =>
    until(
      `${zone}'s licence is ${wanted}`,
      () => ask(zone),
      (answer) => inShort(answer) === wanted,
    )
  const ageMs = (answer: Answer) => (answer.kind === 'verdict' ? (answer.ageMs ?? -1) : -1)

  it('without the hub every verdict shows a growing age, ends undetermined, and is valid again once the hub is back', async () => {
    await world.stop('hub')
    const { answer: young } = await until(
      'an age',
      () => ask('beijing'),
      (answer) => ageMs(answer) > 0,
    )
    const { answer: older } = await until(
      'a greater age',
      () => ask('beijing'),
      (answer) => ageMs(answer) > Math.max(ageMs(young), limits.freshMs),
    )
    expect(older).toMatchObject({ word: 'VALID', checks: { LOG: expect.stringMatching(/^passed /) } })
    for (const zone of zones) await becomes(zone, 'UNDETERMINED TOO_OLD')
    expect(await ask('beijing')).toMatchObject({ checks: { LOG: 'unknown TOO_OLD' } })
    await world.start('hub')
    for (const zone of zones) await becomes(zone, 'VALID')
  })

  it('without one zone only its licences age at a third', async () => {
    await world.stop('beijing')
    await becomes('beijing', 'UNDETERMINED TOO_OLD')
    for (const zone of ['tianjin', 'langfang', 'xiqing']) {
      const answer = await ask(zone)
      expect(inShort(answer)).toBe('VALID')
      expect(ageMs(answer)).toBeLessThan(limits.usableMs)
    }
    await world.start('beijing')
    await becomes('beijing', 'VALID')
  })

  it('a hub that keeps one zone’s news back turns that zone’s licences undetermined, and no others', async () => {
    const position = (await world.hubStatus()).cosignedSize
    starved = 'langfang'
    await becomes('langfang', 'UNDETERMINED TOO_OLD')
    for (const zone of ['beijing', 'tianjin', 'xiqing']) expect(inShort(await ask(zone))).toBe('VALID')
    expect((await world.hubStatus()).cosignedSize).toBeGreaterThan(position)
    // Where the declaration comes from a starved zone, nothing that rests on it is valid.
    starved = undefined
    await becomes('langfang', 'VALID')
    starved = 'tianjin'
    await becomes('beijing', 'UNDETERMINED TOO_OLD')
    starved = undefined
    await becomes('beijing', 'VALID')
  })

  it('a revocation that the hub keeps back is not answered with valid for longer than T2', async () => {
    const { identifier } = licences.get('xiqing')!
    starved = 'xiqing'
    const outcome = await world.publish('xiqing', revocationOf(licences.get('xiqing')!), 'sealed')
    expect(outcome).toMatchObject({ kind: 'published', stage: 'sealed' })
    await until(
      'no longer valid',
      () => world.verify('tianjin', { identifier, matter }),
      (answer) => inShort(answer) === 'UNDETERMINED TOO_OLD',
    )
    starved = undefined
    await becomes('xiqing', 'INVALID REVOKED')
  })
})

/** A call that is held until its caller gives up. */
function unanswered(left: AbortSignal): Promise<never> {
  return new Promise((_, reject) => left.addEventListener('abort', () => reject(left.reason)))
}

function revocationOf({ identifier, authority }: LicenceIssued): LicenceRevoked {
  return { kind: 'licence_revoked', identifier, authority, manner: 'penalty', reason: '', decidedOn: '' }
}
