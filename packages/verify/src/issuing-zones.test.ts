import { describe, expect, it } from 'vitest'
import { identifierOf, resumed, revoked, suspended, World, worldLicenceType } from './world.ts'

// A number that names its issuer by region could be of either of two zones there.

/** Beijing and Tianjin in one region; the same number is each one's to give. */
function oneRegion() {
  const world = new World({
    suite: 'Ed25519',
    charter: (charter) => ({
      ...charter,
      zones: charter.zones.map((zone) => ({ ...zone, region: '110000' })),
    }),
  })
  const identifier = identifierOf(worldLicenceType, '110000', '0001')
  const of = (zone: string) => ({ ...world.licence(zone, '0001'), identifier })
  world.publish('langfang', world.declaration('langfang'))
  return { world, beijing: of('beijing'), tianjin: of('tianjin') }
}

describe('a number that two zones have logged', () => {
  it('is that of the zone which H had first: the other cannot bring a revoked licence back', () => {
    const { world, beijing, tianjin } = oneRegion()
    world.publish('tianjin', tianjin)
    world.publish('tianjin', revoked(tianjin))
    world.publish('beijing', beijing)
    expect(world.ask(tianjin, { at: 'langfang' })).toMatchObject({ code: 'REVOKED', issuingZone: 'tianjin' })
  })

  it('is not hidden by what another zone has said of it and what does not stand', () => {
    const { world, beijing, tianjin } = oneRegion()
    world.publish('beijing', { ...beijing, issuedOn: '2026-02-30' })
    world.publish('tianjin', tianjin)
    world.publish('beijing', revoked(beijing))
    expect(world.ask(tianjin, { at: 'langfang' })).toMatchObject({ word: 'VALID', issuingZone: 'tianjin' })
  })

  it('is not told while what the other zone had before cannot be read', () => {
    const { world, beijing, tianjin } = oneRegion()
    const hidden = world.publish('tianjin', { event: tianjin, carried: 'missing' })
    world.publish('tianjin', resumed(tianjin))
    world.publish('beijing', beijing)
    const copy = world.copy()
    const ask = () => copy.ask(tianjin, { at: 'langfang', nowMs: world.nowMs })
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE', issuingZone: 'tianjin' })
    copy.supply(hidden.origin, hidden.index, hidden.entry)
    expect(ask()).toMatchObject({ word: 'VALID', issuingZone: 'tianjin' })
  })

  it('was nobody else’s as of a position before the other', () => {
    const { world, beijing, tianjin } = oneRegion()
    world.publish('beijing', suspended(beijing))
    const { position } = world.publish('tianjin', tianjin)
    world.publish('beijing', beijing)
    const asOf = (at: bigint) =>
      world.ask(tianjin, { at: 'langfang', asOf: { kind: 'position', position: at } }).issuingZone
    expect([asOf(position), asOf(position + 1n), asOf(position + 2n)]).toEqual(['beijing', 'tianjin', 'tianjin'])
  })
})
