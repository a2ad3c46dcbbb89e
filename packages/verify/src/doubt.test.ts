import type { Findings, LicenceIssued } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import {
  amended,
  corrected,
  otherLicenceType,
  restated,
  suspended,
  unknownField,
  World,
  withdrawn,
  worldLicenceType,
} from './world.ts'

// What is in doubt or cannot be read neither lifts anything nor proves anything.

const fast = { suite: 'Ed25519' } as const
const day = 86_400_000

const check = (findings: Findings, name: string) => {
  const one = findings.findings.find((finding) => finding.check === name)
  return `${one?.result} ${one?.code}`
}

describe('a withdrawal under a compromised key', () => {
  /** Tianjin recognises, would have narrowed by an event that was refused, and announces under a stolen key to withdraw some day. */
  function announced() {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const declaration = world.declaration('tianjin')
    world.publish('beijing', licence)
    world.publish('tianjin', declaration)
    world.publish('tianjin', { ...withdrawn(declaration), version: 9 })
    const clouded = world.ask(licence, { at: 'tianjin' })
    const written = world.publish('tianjin', {
      ...withdrawn(declaration),
      effectiveFromMs: world.nowMs + 3650 * day,
    })
    const under = world.ask(licence, { at: 'tianjin' })
    world.compromise('tianjin', 2n)
    world.observe('tianjin')
    return { world, licence, declaration, written, clouded, under }
  }

  it('that takes effect some day lifts no refused one before it', () => {
    const { world, licence, declaration, written, clouded, under } = announced()
    expect(clouded).toMatchObject({ word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED' })
    expect(under.word).toBe('VALID')
    const findings = world.ask(licence, { at: 'tianjin' })
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
    expect(check(findings, 'RECOGNITION')).toBe('unknown KEY_COMPROMISED')
    world.publish('tianjin', restated(declaration, written))
    expect(world.ask(licence, { at: 'tianjin' }).word).toBe('VALID')
  })

  it('that has taken effect keeps it', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('tianjin', withdrawn(world.declaration('tianjin')))
    world.compromise('tianjin', 1n)
    world.observe('tianjin')
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_IN_FORCE' })
  })
})

describe('a declaration with a refused event', () => {
  it('about another type leaves a licence as little recognised as it was', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const declaration = world.declaration('tianjin', { licenceType: otherLicenceType })
    world.publish('beijing', licence)
    world.publish('tianjin', declaration)
    world.publish('tianjin', { ...withdrawn(declaration), version: 9 })
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_DECLARED' })
  })

  it('and nothing that stands could be about any type', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    world.publish('tianjin', withdrawn(world.declaration('tianjin')))
    const findings = world.ask(licence, { at: 'tianjin' })
    expect([findings.word, check(findings, 'RECOGNITION')]).toEqual(['UNDETERMINED', 'unknown ADVERSE_EVENT_REFUSED'])
  })
})

describe('an issue that cannot be read', () => {
  it('may have been the one that stands: a later one without power fails nothing', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const may = (licenceTypes: readonly string[]) =>
      world.changeCharter((charter) => ({
        ...charter,
        zones: charter.zones.map((zone) => ({
          ...zone,
          authorities: zone.authorities.map((authority) => ({ ...authority, licenceTypes })),
        })),
      }))
    may([])
    world.publish('beijing', licence)
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ word: 'INVALID', code: 'MAY_NOT_ISSUE' })
    may([licence.licenceType])
    const hidden = world.publish('beijing', { event: licence, carried: 'missing' })
    const copy = world.copy()
    const ask = () => copy.ask(licence, { at: 'beijing', nowMs: world.nowMs })
    expect([ask().word, check(ask(), 'AUTHORITY')]).toEqual(['UNDETERMINED', 'unknown MAY_NOT_ISSUE'])
    copy.supply(hidden.origin, hidden.index, hidden.entry)
    expect(ask().word).toBe('VALID')
  })

  it('may have been of a real document: a second one, for demonstration, proves nothing', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('tianjin', world.declaration('tianjin'))
    const hidden = world.publish('beijing', { event: licence, carried: 'missing' })
    world.publish('beijing', { ...licence, demonstration: true })
    const copy = world.copy()
    const ask = () => copy.ask(licence, { at: 'tianjin', nowMs: world.nowMs })
    expect([ask().word, check(ask(), 'RECOGNITION')]).toEqual(['UNDETERMINED', 'unknown DEMONSTRATION'])
    copy.supply(hidden.origin, hidden.index, hidden.entry)
    expect(ask().word).toBe('VALID')
  })
})

describe('a type', () => {
  it('that is not declared here is not recognised, whatever waits to be read: the number names it', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    world.publish('beijing', { event: corrected(licence, { number: 'x' }), carried: 'missing' })
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_DECLARED' })
  })

  it('may be another where the number does not name it and an issue cannot be read', () => {
    const world = new World({
      ...fast,
      charter: (charter) => ({
        ...charter,
        zones: charter.zones.map((zone) => ({
          ...zone,
          authorities: zone.authorities.map((authority) => ({
            ...authority,
            licenceTypes: [worldLicenceType, otherLicenceType],
          })),
        })),
      }),
    })
    const licence = { ...world.licence('beijing', '0001'), identifier: '1.2.156.3003.2.ABC' }
    world.publish('tianjin', world.declaration('tianjin'))
    const hidden = world.publish('beijing', { event: licence, carried: 'missing' })
    world.publish('beijing', { ...licence, licenceType: otherLicenceType })
    const copy = world.copy()
    const ask = () => copy.ask(licence, { at: 'tianjin', nowMs: world.nowMs })
    expect([ask().word, check(ask(), 'RECOGNITION')]).toEqual(['UNDETERMINED', 'unknown NOT_DECLARED'])
    copy.supply(hidden.origin, hidden.index, hidden.entry)
    expect(ask().word).toBe('VALID')
  })
})

describe('content', () => {
  const asked = { at: 'beijing', holderCode: '1' }
  const holder = (findings: Findings) => [findings.word, check(findings, 'HOLDER')]

  function issued() {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    return { world, licence }
  }

  it('may have been changed by an event of a newer form, whatever its kind says today', () => {
    const { world, licence } = issued()
    world.publish('beijing', { event: suspended(licence), payloadSuffix: unknownField(500) })
    expect(holder(world.ask(licence, asked))).toEqual(['UNDETERMINED', 'unknown HOLDER_DIFFERS'])
  })

  it('may have been changed by an event about it under another subject', () => {
    const { world, licence } = issued()
    world.publish('beijing', { event: suspended(licence), subject: Buffer.alloc(32, 9) })
    expect(holder(world.ask(licence, asked))).toEqual(['UNDETERMINED', 'unknown HOLDER_DIFFERS'])
  })

  it('is that of the licence while an unreadable event is one that changes none', () => {
    for (const event of [suspended, (of: LicenceIssued) => ({ ...suspended(of), kind: 'licence_resumed' as const })]) {
      const { world, licence } = issued()
      world.publish('beijing', { event: event(licence), carried: 'missing' })
      expect(holder(world.ask(licence, asked))).toEqual(['INVALID', 'failed HOLDER_DIFFERS'])
    }
  })

  it('of an issue in doubt fails no holder', () => {
    const { world, licence } = issued()
    world.compromise('beijing', 0n)
    world.observe('beijing')
    expect(holder(world.ask(licence, asked))).toEqual(['UNDETERMINED', 'unknown HOLDER_DIFFERS'])
  })
})

describe('a version that nobody logged', () => {
  it('is not in the log, also while the version that counts is in doubt or waits for a suspension to be read', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    const { licence: second } = amended(licence)
    world.publish('beijing', { event: suspended(licence), carried: 'missing' })
    const absent = { word: 'UNDETERMINED', code: 'NOT_IN_LOG' }
    expect(world.ask(second, { at: 'beijing' })).toMatchObject(absent)
    world.compromise('beijing', 0n)
    world.observe('beijing')
    expect(world.ask(second, { at: 'beijing' })).not.toMatchObject({ word: 'VALID' })
    const doubted = new World(fast)
    doubted.publish('beijing', doubted.licence('beijing', '0001'))
    doubted.compromise('beijing', 0n)
    doubted.observe('beijing')
    expect(doubted.ask(second, { at: 'beijing' })).toMatchObject(absent)
  })

  it('may be one that a refused amendment meant, whose number it wrote wrongly, until that is withdrawn', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    const right = amended(licence)
    const { identifier } = right.licence
    const wrong = `${identifier.slice(0, -1)}${identifier.endsWith('0') ? '1' : '0'}`
    const written = world.publish('beijing', { ...right, licence: { ...right.licence, identifier: wrong } })
    const cloudy = { word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED' }
    expect(world.ask(right.licence, { at: 'beijing' })).toMatchObject(cloudy)
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject(cloudy)
    world.publish('beijing', restated(licence, written))
    expect(world.ask(licence, { at: 'beijing' }).word).toBe('VALID')
    expect(world.ask(right.licence, { at: 'beijing' })).toMatchObject({ code: 'NOT_IN_LOG' })
  })

  it('is not made by a second amendment to the same version in one batch', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    const [first, second] = [amended(licence, { number: 'a' }), amended(licence, { number: 'b' })]
    world.publishBatch('beijing', [first, second])
    const findings = world.ask(first.licence, { at: 'beijing' })
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED', licence: { number: 'a' } })
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ code: 'SUPERSEDED' })
    world.publish('beijing', corrected(first.licence, { number: 'c' }))
    expect(world.ask(first.licence, { at: 'beijing' })).toMatchObject({ word: 'VALID', licence: { number: 'c' } })
  })
})
