import { subjectValue } from '@hutong/batch'
import type { Findings } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { foldSubject } from './fold.ts'
import {
  type Published,
  restated,
  resumed,
  revoked,
  suspended,
  type Twisted,
  unknownField,
  World,
  withdrawn,
  worldMatter,
} from './world.ts'

// "What cannot be read is not harmless": each rule with what follows from it and its way out.

const fast = { suite: 'Ed25519' } as const

/** A licence of Beijing in force, recognised at Tianjin. */
function recognisedLicence() {
  const world = new World(fast)
  const licence = world.licence('beijing', '0001')
  const issued = world.publish('beijing', licence)
  const declaration = world.declaration('tianjin')
  const declared = world.publish('tianjin', declaration)
  const ask = () => world.ask(licence, { at: 'tianjin' })
  return { world, licence, issued, declaration, declared, ask }
}

function finding(findings: Findings, check: string) {
  return findings.findings.find((one) => one.check === check)
}

function codesOf(world: World, published: Published) {
  return world
    .copy()
    .fold(published.zone, published.subject)
    .events.map(({ code }) => code)
}

const unknownKind = 6
const otherVersion = (leaf: Uint8Array) => {
  const changed = Buffer.from(leaf)
  expect([...changed.subarray(0, 2)]).toEqual([0x08, 0x01])
  changed[1] = 2
  return changed
}

/** Every way in which an event of one's own zone cannot be taken in, what STATUS says to it, and what the event comes to. */
const clouds: readonly {
  readonly what: string
  readonly twist: (world: World) => Omit<Twisted, 'event'>
  readonly status: string
  readonly verdict: string
  readonly way: 'read' | 'restated'
}[] = [
  {
    what: 'its payload is missing',
    twist: () => ({ carried: 'missing' }),
    status: 'EVENT_UNREADABLE',
    verdict: 'PAYLOAD_MISSING',
    way: 'read',
  },
  {
    what: 'its payload is sealed to somebody else',
    twist: () => ({ carried: 'sealed' }),
    status: 'EVENT_UNREADABLE',
    verdict: 'PAYLOAD_MISSING',
    way: 'read',
  },
  {
    what: 'what is here does not open its commitment',
    twist: () => ({ carried: 'damaged' }),
    status: 'EVENT_UNREADABLE',
    verdict: 'PAYLOAD_MISMATCH',
    way: 'read',
  },
  {
    what: 'its payload is no payload',
    twist: () => ({ payload: Uint8Array.of(0x0a, 0xff) }),
    status: 'EVENT_UNREADABLE',
    verdict: 'EVENT_UNREADABLE',
    way: 'restated',
  },
  {
    what: 'its payload names another log',
    twist: (world) => ({ origin: world.origin('langfang') }),
    status: 'EVENT_UNREADABLE',
    verdict: 'LEAF_MISMATCH',
    way: 'restated',
  },
  {
    what: 'its leaf says another kind',
    twist: () => ({ kind: 4 }),
    status: 'EVENT_UNREADABLE',
    verdict: 'LEAF_MISMATCH',
    way: 'restated',
  },
  {
    what: 'its leaf says that nothing came before',
    twist: () => ({ previous: 0n }),
    status: 'EVENT_UNREADABLE',
    verdict: 'LEAF_MISMATCH',
    way: 'restated',
  },
]

/** Kinds, versions and fields of a newer program: nothing but a newer program lifts these. */
const newer: readonly { readonly what: string; readonly twist: Omit<Twisted, 'event'> }[] = [
  {
    what: 'a kind below 128 with a payload that nobody here knows',
    twist: { kind: unknownKind, payload: Buffer.from('2203b20100', 'hex') },
  },
  { what: 'a kind below 128 that nobody here knows with a payload that is known', twist: { kind: unknownKind } },
  { what: 'another version of leaves', twist: { leaf: otherVersion } },
  { what: 'an unknown field below 1000 in the leaf', twist: { leafSuffix: unknownField(999) } },
  { what: 'an unknown field below 1000 in the payload', twist: { payloadSuffix: unknownField(999) } },
]

describe('an event of the own zone that cannot be taken in', () => {
  it.each(clouds)('leaves its licence undetermined: $what', ({ twist, status, verdict }) => {
    const { world, licence, ask } = recognisedLicence()
    const bad = world.publish('beijing', { event: suspended(licence), ...twist(world) })
    expect(codesOf(world, bad)).toEqual(['STANDS', verdict])
    const findings = ask()
    expect(findings.word).toBe('UNDETERMINED')
    expect(finding(findings, 'STATUS')).toMatchObject({ result: 'unknown', code: status })
    expect(finding(findings, 'STATUS')?.evidence).toEqual([{ name: 'event', value: `${bad.origin}/${bad.index}` }])
  })

  it.each(clouds.filter(({ way }) => way === 'read'))(
    'is judged again from there once it is read: $what',
    ({ twist }) => {
      const { world, licence } = recognisedLicence()
      const bad = world.publish('beijing', { event: suspended(licence), ...twist(world) })
      world.publish('beijing', resumed(licence))
      const copy = world.copy()
      const ask = () => copy.ask(licence, { at: 'tianjin', nowMs: world.nowMs })
      expect(finding(ask(), 'STATUS')).toMatchObject({ result: 'unknown' })
      expect(
        copy
          .fold('beijing', bad.subject)
          .events.map(({ code }) => code)
          .at(-1),
      ).toBe('NOT_SUSPENDED')
      copy.supply(bad.origin, bad.index, bad.entry)
      expect(ask().word).toBe('VALID')
      expect(copy.fold('beijing', bad.subject).events.map(({ code }) => code)).toEqual(['STANDS', 'STANDS', 'STANDS'])
    },
  )

  it.each(clouds.filter(({ way }) => way === 'read'))(
    'is not lifted by restating, nor by later events: $what',
    ({ twist }) => {
      const { world, licence, ask } = recognisedLicence()
      const bad = world.publish('beijing', { event: suspended(licence), ...twist(world) })
      world.publish('beijing', restated(licence, bad))
      expect(ask().word).toBe('UNDETERMINED')
      world.publishBatch('beijing', [suspended(licence), resumed(licence)])
      expect(ask().word).toBe('UNDETERMINED')
    },
  )

  it.each(clouds.filter(({ way }) => way === 'restated'))(
    'is withdrawn by restating it, and not by later events: $what',
    ({ twist }) => {
      const { world, licence, ask } = recognisedLicence()
      const bad = world.publish('beijing', { event: suspended(licence), ...twist(world) })
      world.publishBatch('beijing', [suspended(licence), resumed(licence)])
      expect(ask().word).toBe('UNDETERMINED')
      world.publish('beijing', restated(licence, bad))
      expect(ask().word).toBe('VALID')
    },
  )

  it.each(clouds)('leaves a revoked licence revoked: $what', ({ twist }) => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', revoked(licence))
    world.publish('beijing', { event: suspended(licence), ...twist(world) })
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it.each(clouds)('makes a suspended licence unknown too: $what', ({ twist, status }) => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', suspended(licence))
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    world.publish('beijing', { event: resumed(licence), ...twist(world), ...(twist(world).kind && { kind: 5 }) })
    const findings = ask()
    expect(findings.word).toBe('UNDETERMINED')
    expect(finding(findings, 'STATUS')).toMatchObject({ result: 'unknown', code: status })
  })

  it.each(clouds.filter(({ what }) => !what.includes('nothing came before')))(
    'leaves a licence undetermined whose issue it is: $what',
    ({ twist }) => {
      const world = new World(fast)
      const licence = world.licence('beijing', '0001')
      world.publishBatch('beijing', [{ event: licence, ...twist(world) }, suspended(licence)])
      expect(world.ask(licence, { at: 'beijing' }).word).toBe('UNDETERMINED')
    },
  )

  it('leaves a licence undetermined whose issue names an event before it', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publishBatch('beijing', [world.licence('beijing', '0000'), { event: licence, previous: 1n }])
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
  })

  it('keeps its place in the chain: the next event names it as the one before', () => {
    const { world, licence, issued } = recognisedLicence()
    const bad = world.publish('beijing', { event: suspended(licence), carried: 'missing' })
    const next = world.publish('beijing', { event: suspended(licence), previous: bad.index + 1n })
    const passedOver = world.publish('beijing', { event: resumed(licence), previous: issued.index + 1n })
    expect(codesOf(world, next)).toEqual(['STANDS', 'PAYLOAD_MISSING', 'STANDS', 'LEAF_MISMATCH'])
    expect(passedOver.subject).toBe(next.subject)
  })
})

describe('an event of a newer program', () => {
  it.each(newer)('leaves its licence undetermined, and nothing lifts it but reading: $what', ({ twist }) => {
    const { world, licence, ask } = recognisedLicence()
    const bad = world.publish('beijing', { event: suspended(licence), ...twist })
    expect(finding(ask(), 'STATUS')).toMatchObject({ result: 'unknown', code: 'EVENT_NOT_UNDERSTOOD' })
    world.publishBatch('beijing', [suspended(licence), resumed(licence), restated(licence, bad)])
    expect(ask().word).toBe('UNDETERMINED')
    expect(codesOf(world, bad)[1]).toBe('EVENT_NOT_UNDERSTOOD')
  })

  it.each(newer)('leaves a revoked licence revoked: $what', ({ twist }) => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', revoked(licence))
    world.publish('beijing', { event: suspended(licence), ...twist })
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it('is informative from kind 128 on: no state, no cloud, no place in the chain', () => {
    const { world, licence, ask } = recognisedLicence()
    const news = world.publish('beijing', { event: revoked(licence), kind: 129 })
    expect(ask().word).toBe('VALID')
    world.publishBatch('beijing', [suspended(licence), resumed(licence)])
    expect(ask().word).toBe('VALID')
    expect(codesOf(world, news)).toEqual(['STANDS', 'STANDS', 'STANDS'])
  })

  it('is informative in fields from 1000 on', () => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', { event: suspended(licence), payloadSuffix: unknownField(1000) })
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    world.publish('beijing', { event: resumed(licence), leafSuffix: unknownField(1000) })
    expect(ask().word).toBe('VALID')
  })
})

describe('an adverse event that was refused', () => {
  const refusedOnes = [
    {
      what: 'a revocation of another version',
      event: (world: World) => ({ ...revoked(world.licence('beijing', '0001')), identifier: versionTwo(world) }),
      code: 'VERSION_UNKNOWN',
    },
    {
      what: 'a suspension by an authority of nobody',
      event: (world: World) => ({
        ...suspended(world.licence('beijing', '0001')),
        authority: world.authority('tianjin'),
      }),
      code: 'ISSUER_OF_ANOTHER_ZONE',
    },
    {
      what: 'a revocation on a day that does not exist',
      event: (world: World) => ({ ...revoked(world.licence('beijing', '0001')), decidedOn: '2026-02-30' }),
      code: 'IMPOSSIBLE_DATE',
    },
  ]

  it.each(refusedOnes)('leaves the status unknown: $what', ({ event, code }) => {
    const { world, ask } = recognisedLicence()
    const bad = world.publish('beijing', event(world))
    expect(codesOf(world, bad)).toEqual(['STANDS', code])
    const findings = ask()
    expect(findings.word).toBe('UNDETERMINED')
    expect(finding(findings, 'STATUS')).toMatchObject({ result: 'unknown', code: 'ADVERSE_EVENT_REFUSED' })
  })

  it.each(refusedOnes)('is lifted by a later event that stands: $what', ({ event }) => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', event(world))
    world.publish('beijing', suspended(licence))
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    world.publish('beijing', resumed(licence))
    expect(ask().word).toBe('VALID')
  })

  it.each(refusedOnes)('is withdrawn by restating it, and by no other: $what', ({ event }) => {
    const { world, licence, issued, ask } = recognisedLicence()
    const bad = world.publish('beijing', event(world))
    world.publish('beijing', restated(licence, issued))
    expect(ask().word).toBe('UNDETERMINED')
    const wrongHash = world.publish('beijing', { ...restated(licence, bad), leafHash: issued.leafHash })
    expect(codesOf(world, wrongHash).at(-1)).toBe('RESTATED_UNKNOWN')
    expect(ask().word).toBe('UNDETERMINED')
    world.publish('beijing', restated(licence, bad))
    expect(ask().word).toBe('VALID')
  })

  it('is not lifted by a later event that is refused itself', () => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', { ...revoked(licence), decidedOn: '2026-02-30' })
    world.publishBatch('beijing', [resumed(licence), licence])
    expect(finding(ask(), 'STATUS')).toMatchObject({ result: 'unknown', code: 'ADVERSE_EVENT_REFUSED' })
  })

  it('makes a suspended licence unknown, and leaves a revoked one revoked', () => {
    const { world, licence, ask } = recognisedLicence()
    world.publishBatch('beijing', [suspended(licence), suspended(licence)])
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED' })
    world.publishBatch('beijing', [revoked(licence), revoked(licence)])
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it('does nothing where it was not adverse: a resumption and a second issue that are refused', () => {
    const { world, licence, ask } = recognisedLicence()
    const again = world.publishBatch('beijing', [resumed(licence), { ...licence, name: '别的' }])
    expect(codesOf(world, again[0]!)).toEqual(['STANDS', 'NOT_SUSPENDED', 'ALREADY_ISSUED'])
    expect(ask()).toMatchObject({ word: 'VALID', licence: { name: licence.name } })
  })
})

describe('an event that names another subject than its leaf', () => {
  const otherLicence = () => {
    const told = recognisedLicence()
    const other = told.world.licence('beijing', '0002')
    const otherIssued = told.world.publish('beijing', other)
    return { ...told, other, otherIssued, askOther: () => told.world.ask(other, { at: 'tianjin' }) }
  }

  it('clouds both until each is told that it does not stand', () => {
    const { world, licence, other, otherIssued, issued, ask, askOther } = otherLicence()
    const bad = world.publish('beijing', { event: revoked(licence), subject: Buffer.from(otherIssued.subject, 'hex') })
    expect(codesOf(world, otherIssued)).toEqual(['STANDS', 'LEAF_MISMATCH'])
    expect(codesOf(world, issued)).toEqual(['STANDS', 'LEAF_MISMATCH'])
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
    expect(askOther()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
    world.publish('beijing', restated(licence, bad))
    expect([ask().word, askOther().word]).toEqual(['VALID', 'UNDETERMINED'])
    world.publish('beijing', restated(other, bad))
    expect([ask().word, askOther().word]).toEqual(['VALID', 'VALID'])
  })

  it('clouds the licence also where the leaf speaks of nobody', () => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', { event: revoked(licence), subject: new Uint8Array(32).fill(7) })
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
  })

  it('leaves revoked what was revoked', () => {
    const { world, licence, ask } = recognisedLicence()
    world.publish('beijing', revoked(licence))
    world.publish('beijing', { event: suspended(licence), subject: new Uint8Array(32).fill(7) })
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it('does not stand under a second subject value of a known string, and clouds the known one', () => {
    const { world, licence, issued, ask } = recognisedLicence()
    const secret = new Uint8Array(16).fill(9)
    const split = world.publish('beijing', { event: licence, secret })
    expect(split.subject).not.toBe(issued.subject)
    expect(codesOf(world, split)).toEqual(['SUBJECT_SPLIT'])
    expect(codesOf(world, issued)).toEqual(['STANDS', 'SUBJECT_SPLIT'])
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
    world.publish('beijing', restated(licence, split))
    expect(ask().word).toBe('VALID')
  })

  it('is not folded out of the log of another zone, also where a caller hands it in', () => {
    const { world, licence, issued } = recognisedLicence()
    world.publish('langfang', { event: revoked(licence), subject: Buffer.from(issued.subject, 'hex') })
    const { trust, events } = world.copy()
    const about = events.filter(({ subject }) => subject === issued.subject)
    expect(about.map(({ kept }) => kept.zone)).toEqual(['beijing', 'langfang'])
    const fold = foldSubject('beijing', issued.subject, about, { trust, primarySubject: () => issued.subject })
    expect(fold).toMatchObject({ clouds: [], licence: { kind: 'in_force' } })
    expect(fold.events.map(({ code }) => code)).toEqual(['STANDS'])
  })

  it('has no effect out of the log of another zone, with the same subject value', () => {
    const { world, licence, issued, ask } = recognisedLicence()
    const { payload } = issued.entry
    const secret = payload.subarray(Buffer.from(payload).indexOf('\x12\x10') + 2).subarray(0, 16)
    const foreign = world.publish('langfang', { event: revoked(licence), secret })
    expect(foreign.subject).toBe(issued.subject)
    world.publish('langfang', { event: revoked(licence), secret, carried: 'missing' })
    world.publish('langfang', { event: revoked(licence), secret, kind: unknownKind })
    expect(ask().word).toBe('VALID')
  })
})

describe('a declaration', () => {
  it.each(clouds)(
    'of which an event cannot be taken in recognises nothing for certain: $what',
    ({ twist, way, status }) => {
      const { world, licence, declaration, ask } = recognisedLicence()
      const twisted = { ...twist(world), ...(twist(world).kind && { kind: 40 }) }
      const bad = world.publish('tianjin', { event: withdrawn(declaration), ...twisted })
      const findings = ask()
      expect(findings.word).toBe('UNDETERMINED')
      expect(finding(findings, 'RECOGNITION')).toMatchObject({ result: 'unknown', code: status })
      expect(finding(findings, 'STATUS')).toMatchObject({ result: 'passed' })
      world.publish('tianjin', restated(declaration, bad))
      expect(ask().word).toBe(way === 'restated' ? 'VALID' : 'UNDETERMINED')
      expect(world.ask(licence, { at: 'beijing' }).word).toBe('VALID')
    },
  )

  it.each(newer)('of which an event is not understood recognises nothing for certain: $what', ({ twist }) => {
    const { world, declaration, ask } = recognisedLicence()
    const bad = world.publish('tianjin', { event: withdrawn(declaration), ...twist })
    world.publish('tianjin', restated(declaration, bad))
    expect(finding(ask(), 'RECOGNITION')).toMatchObject({ result: 'unknown', code: 'EVENT_NOT_UNDERSTOOD' })
  })

  it('whose withdrawal was refused is unknown until a later version stands or it is withdrawn itself', () => {
    const { world, declaration, ask } = recognisedLicence()
    const skipping = { ...withdrawn(declaration), version: 3 }
    const bad = world.publish('tianjin', skipping)
    expect(codesOf(world, bad)).toEqual(['STANDS', 'VERSION_SKIPS'])
    expect(finding(ask(), 'RECOGNITION')).toMatchObject({ result: 'unknown', code: 'ADVERSE_EVENT_REFUSED' })
    world.publish('tianjin', restated(declaration, bad))
    expect(ask().word).toBe('VALID')
    world.publish('tianjin', skipping)
    world.publish('tianjin', { ...declaration, version: 2 })
    expect(ask()).toMatchObject({ word: 'VALID', declaration: 'tianjin-1@2' })
  })

  it('whose narrowing was refused is unknown, and one that only widens is not', () => {
    const { world, declaration, ask } = recognisedLicence()
    world.publish('tianjin', { ...declaration, version: 3, matters: [worldMatter, 'M-002'] })
    expect(ask().word).toBe('VALID')
    world.publish('tianjin', { ...declaration, version: 3, matters: ['M-002'] })
    expect(finding(ask(), 'RECOGNITION')).toMatchObject({ result: 'unknown', code: 'ADVERSE_EVENT_REFUSED' })
  })

  it('that is clear recognises, whatever clouds another', () => {
    const { world, ask } = recognisedLicence()
    world.publish('tianjin', {
      event: world.declaration('tianjin', { declarationId: 'tianjin-2' }),
      carried: 'missing',
    })
    expect(ask()).toMatchObject({ word: 'VALID', declaration: 'tianjin-1@1' })
  })

  it('that is clouded by an event nobody could read may by now be about any type', () => {
    const { world, ask } = recognisedLicence()
    world.publish('tianjin', withdrawn(world.declaration('tianjin')))
    expect(ask()).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_IN_FORCE' })
    const other = world.declaration('tianjin', { declarationId: 'tianjin-2', licenceType: '11100000000013338W032' })
    world.publish('tianjin', other)
    expect(ask()).toMatchObject({ word: 'NOT_RECOGNISED' })
    world.publish('tianjin', { event: { ...other, version: 2 }, carried: 'missing' })
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
  })

  it('of another zone recognises nothing here', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    world.publish('langfang', world.declaration('langfang'))
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_DECLARED' })
  })
})

function versionTwo(world: World): string {
  const { identifier } = world.licence('beijing', '0001')
  for (const check of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
    const candidate = `${identifier.slice(0, -5)}002.${check}`
    try {
      world.ask(candidate, { at: 'beijing' })
      return candidate
    } catch {
      // Malformed: another check character.
    }
  }
  throw new Error('no check character fits')
}

describe('a subject value', () => {
  it('is what formats F5 says of secret and string', () => {
    const { world, issued } = recognisedLicence()
    const { payload } = issued.entry
    const secret = payload.subarray(Buffer.from(payload).indexOf('\x12\x10') + 2).subarray(0, 16)
    const string = world.licence('beijing', '0001').identifier.slice(0, -6)
    expect(Buffer.from(subjectValue(secret, string)).toString('hex')).toBe(issued.subject)
  })
})
