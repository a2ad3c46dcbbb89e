import type { Event, Findings, LicenceIssued } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { stands } from './fold.ts'
import { amended, corrected, type Published, renewed, restated, revoked, suspended, World } from './world.ts'

// A licence whose content changes: which version is told to whom, and what is told of the others.

const fast = { suite: 'Ed25519' } as const
const day = 86_400_000
const file = (byte: number) => ({
  sha256: new Uint8Array(32).fill(byte),
  sm3: new Uint8Array(32).fill(byte),
  sizeBytes: 10n,
  mediaType: 'application/ofd',
})

/** A licence of Beijing in force, recognised at Tianjin, and what was told of it then. */
function recognised(changes: Partial<LicenceIssued> = {}) {
  const world = new World(fast)
  const licence = world.licence('beijing', '0001', changes)
  world.publish('beijing', licence)
  world.publish('tianjin', world.declaration('tianjin'))
  return { world, licence }
}

const check = (findings: Findings, name: string) => {
  const one = findings.findings.find((finding) => finding.check === name)
  return `${one?.result} ${one?.code}`
}

const codeOf = (world: World, { subject, index }: Published) =>
  world
    .copy()
    .fold('beijing', subject)
    .events.find((event) => event.index === index)?.code

describe('an amended licence', () => {
  it('is judged in its new version by what that version says', () => {
    const { world, licence } = recognised()
    const change = amended(licence, { holder: { ...licence.holder, code: '91370406L24894136J' } })
    world.publish('beijing', change)
    const findings = world.ask(change.licence, { at: 'tianjin', holderCode: '91370406L24894136J' })
    expect(findings).toMatchObject({ word: 'VALID', licence: change.licence, successor: '' })
    const former = world.ask(change.licence, { at: 'tianjin', holderCode: licence.holder.code })
    expect(former).toMatchObject({ word: 'INVALID', code: 'HOLDER_DIFFERS' })
  })

  it('is INVALID in the version before: SUPERSEDED, naming the one that counts and showing nothing of it', () => {
    const { world, licence } = recognised()
    const second = amended(licence, { name: '新名称' })
    const third = amended(second.licence)
    world.publishBatch('beijing', [second, third])
    for (const earlier of [licence, second.licence]) {
      const findings = world.ask(earlier, { at: 'tianjin' })
      expect(findings).toMatchObject({
        word: 'INVALID',
        code: 'SUPERSEDED',
        headlineZh: '已有新版本',
        identifier: earlier.identifier,
        successor: third.licence.identifier,
        licence: undefined,
      })
      expect(JSON.stringify(findings.findings)).not.toContain('新名称')
      expect(findings.findings.map((one) => `${one.check} ${one.result} ${one.code}`)).toEqual([
        'INTEGRITY skipped SUPERSEDED',
        'SIGNATURE passed SIGNED',
        'AUTHORITY skipped SUPERSEDED',
        'SEAL skipped NOT_PRESENTED',
        'STATUS failed SUPERSEDED',
        'LOG passed WITNESSED',
        'RECOGNITION skipped SUPERSEDED',
        'HOLDER skipped HOLDER_NOT_GIVEN',
      ])
      expect(findings.findings.find((one) => one.check === 'STATUS')).toMatchObject({
        evidence: [{ name: 'successor', value: third.licence.identifier }],
        nextStepZh: expect.stringContaining('现行证照'),
        contact: { telephone: '010-00000000' },
      })
    }
  })

  it('stays superseded whatever the matter, the presenter, the file, the age and the state of the hub', () => {
    const { world, licence } = recognised({ files: [file(1)] })
    const { licence: successor } = amended(licence)
    world.publish('beijing', amended(licence))
    const superseded = { word: 'INVALID', code: 'SUPERSEDED', successor: successor.identifier, licence: undefined }
    const asked = { at: 'tianjin' }
    expect(world.ask(licence, { ...asked, matter: 'M-404' })).toMatchObject(superseded)
    expect(world.ask(licence, { at: 'langfang' })).toMatchObject(superseded)
    expect(world.ask(licence, { ...asked, holderCode: '1', fileSha256: file(9).sha256 })).toMatchObject(superseded)
    const withFile = world.ask(licence, { ...asked, fileSha256: file(1).sha256 })
    expect(check(withFile, 'SEAL')).toBe('skipped SUPERSEDED')
    const late = world.ask(licence, { ...asked, nowMs: world.nowMs + 2 * day })
    expect(late).toMatchObject(superseded)
    expect([check(late, 'LOG'), check(late, 'STATUS')]).toEqual(['unknown TOO_OLD', 'failed SUPERSEDED'])
    expect(world.ask(licence, { ...asked, hubFault: 'two heads' })).toMatchObject(superseded)
    world.publish('beijing', { event: suspended(successor), carried: 'missing' })
    expect(world.ask(licence, asked)).toMatchObject(superseded)
    world.publish('beijing', revoked(successor))
    expect(world.ask(licence, asked)).toMatchObject(superseded)
    expect(world.ask(successor, asked)).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it('stays suspended in its new version, and the end of a period is that of the new version', () => {
    const { world, licence } = recognised()
    const change = amended(licence, { validUntil: '2026-05-31' })
    world.publishBatch('beijing', [suspended(licence), change])
    expect(world.ask(change.licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    const other = recognised()
    const ended = amended(other.licence, { validUntil: '2026-05-31' })
    other.world.publish('beijing', ended)
    expect(other.world.ask(ended.licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'EXPIRED' })
  })

  it('was still valid in the version before as of a position below the amendment, and had no other', () => {
    const { world, licence } = recognised()
    const change = amended(licence)
    const { position } = world.publish('beijing', change)
    const at = (about: LicenceIssued, below: bigint) =>
      world.ask(about, { at: 'tianjin', asOf: { kind: 'position', position: below } })
    expect(at(licence, position)).toMatchObject({ word: 'VALID', licence: { identifier: licence.identifier } })
    expect(at(change.licence, position)).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_IN_LOG' })
    expect(at(licence, position + 1n)).toMatchObject({ word: 'INVALID', code: 'SUPERSEDED', licence: undefined })
    expect(at(change.licence, position + 1n)).toMatchObject({ word: 'VALID' })
  })

  it('has no version that nobody logged', () => {
    const { world, licence } = recognised()
    const { licence: second } = amended(licence)
    world.publish('beijing', amended(licence))
    const { licence: third } = amended(second)
    expect(world.ask(third, { at: 'tianjin' })).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_IN_LOG' })
  })

  it('is undetermined in both versions while the amendment cannot be read, and neither is called absent', () => {
    const { world, licence } = recognised()
    const change = amended(licence)
    const written = world.publish('beijing', { event: change, carried: 'missing' })
    const copy = world.copy()
    const ask = (about: LicenceIssued) => copy.ask(about, { at: 'tianjin', nowMs: world.nowMs })
    expect(ask(licence)).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
    expect(ask(change.licence)).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE', licence: undefined })
    copy.supply(written.origin, written.index, written.entry)
    expect(ask(licence)).toMatchObject({ word: 'INVALID', code: 'SUPERSEDED' })
    expect(ask(change.licence).word).toBe('VALID')
  })
})

describe('a renewed licence', () => {
  it('is judged by its new end, under the same number', () => {
    const { world, licence } = recognised({ validUntil: '2026-05-31' })
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'EXPIRED' })
    world.publish('beijing', renewed(licence, '2026-06-01'))
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({
      word: 'VALID',
      licence: { identifier: licence.identifier, validUntil: '2026-06-01' },
    })
    world.tick(2 * day)
    world.observe('beijing')
    world.observe('tianjin')
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'EXPIRED' })
  })

  it('carries its new files where it was given some, and else those before', () => {
    const { world, licence } = recognised({ files: [file(1)] })
    const integrity = (byte: number) =>
      check(world.ask(licence, { at: 'tianjin', fileSha256: file(byte).sha256 }), 'INTEGRITY')
    world.publish('beijing', renewed(licence, '2057-01-01'))
    expect([integrity(1), integrity(2)]).toEqual(['passed PAYLOAD_OPENS', 'failed FILE_DIFFERS'])
    world.publish('beijing', renewed(licence, '2058-01-01', [file(2)]))
    expect([integrity(1), integrity(2)]).toEqual(['failed FILE_DIFFERS', 'passed PAYLOAD_OPENS'])
  })
})

describe('a corrected licence', () => {
  it('is judged by what it should have said', () => {
    const { world, licence } = recognised({ files: [file(1)], validUntil: '2026-05-31' })
    const right = {
      validUntil: '2027-05-31',
      files: [file(2)],
      holder: { ...licence.holder, code: '91370406L24894136J' },
    }
    world.publish('beijing', corrected(licence, right))
    const findings = world.ask(licence, {
      at: 'tianjin',
      holderCode: '91370406L24894136J',
      fileSha256: file(2).sha256,
    })
    expect(findings.licence).toEqual({ ...licence, ...right })
    expect(['INTEGRITY', 'STATUS', 'HOLDER'].map((name) => check(findings, name))).toEqual([
      'passed PAYLOAD_OPENS',
      'passed IN_FORCE',
      'passed HOLDER_MATCHES',
    ])
  })
})

describe('an event that changes a licence and does not follow', () => {
  const cases: readonly {
    readonly code: string
    readonly event: (licence: LicenceIssued, world: World) => Event
    readonly before?: (licence: LicenceIssued) => readonly Event[]
    readonly changes?: Partial<LicenceIssued>
  }[] = [
    {
      code: 'NOT_NEXT_VERSION',
      event: (of) => amended(of, { identifier: amended(amended(of).licence).licence.identifier }),
    },
    { code: 'NOT_NEXT_VERSION', event: (of) => amended(of, { identifier: of.identifier }) },
    { code: 'VERSION_UNKNOWN', event: (of) => amended(amended(of).licence) },
    { code: 'VERSION_UNKNOWN', event: (of) => renewed(amended(of).licence, '2060-01-01') },
    { code: 'VERSION_UNKNOWN', event: (of) => corrected(amended(of).licence, { number: 'x' }) },
    { code: 'VERSION_SUPERSEDED', event: (of) => amended(of), before: (of) => [amended(of)] },
    { code: 'VERSION_SUPERSEDED', event: (of) => renewed(of, '2060-01-01'), before: (of) => [amended(of)] },
    { code: 'VERSION_SUPERSEDED', event: (of) => corrected(of, { number: 'x' }), before: (of) => [amended(of)] },
    { code: 'VERSION_SUPERSEDED', event: (of) => revoked(of), before: (of) => [amended(of)] },
    { code: 'FIELD_FIXED', event: (of) => amended(of, { demonstration: true }) },
    { code: 'FIELD_FIXED', event: (of) => corrected(of, { demonstration: true }) },
    { code: 'NOTHING_CORRECTED', event: (of) => corrected(of, {}) },
    { code: 'RENEWAL_NOT_LATER', event: (of) => renewed(of, of.validUntil) },
    { code: 'RENEWAL_WITHOUT_END', event: (of) => renewed(of, '2060-01-01'), changes: { validUntil: '' } },
    { code: 'PERIOD_REVERSED', event: (of) => renewed(of, '2025-01-01') },
    { code: 'ALREADY_REVOKED', event: (of) => amended(of), before: (of) => [revoked(of)] },
    { code: 'ALREADY_REVOKED', event: (of) => renewed(of, '2060-01-01'), before: (of) => [revoked(of)] },
    { code: 'ALREADY_REVOKED', event: (of) => corrected(of, { number: 'x' }), before: (of) => [revoked(of)] },
    { code: 'ISSUER_OF_ANOTHER_ZONE', event: (of, world) => amended(of, { authority: world.authority('tianjin') }) },
    { code: 'ISSUER_OF_ANOTHER_ZONE', event: (of, world) => corrected(of, { authority: world.authority('tianjin') }) },
  ]

  it.each(cases)('is stored as $code and changes nothing: case %#', ({ code, event, before, changes }) => {
    const { world, licence } = recognised(changes)
    for (const one of before?.(licence) ?? []) world.publish('beijing', one)
    const bad = event(licence, world)
    const state = () => world.copy().folds('beijing')[0]!.licence
    const earlier = state()
    const written = world.publish('beijing', bad)
    expect(codeOf(world, written)).toBe(code)
    expect(state()).toEqual(earlier)
    const { clouds } = world.copy().folds('beijing')[0]!
    const adverse = bad.kind !== 'licence_renewed'
    expect(clouds.map((cloud) => cloud.code)).toEqual(adverse ? ['ADVERSE_EVENT_REFUSED'] : [])
  })

  it('is stored as NO_NEXT_VERSION for a variant, whose versions nobody can count', () => {
    const world = new World(fast)
    const well = world.licence('beijing', '0001')
    const licence = { ...well, identifier: well.identifier.replace('3005', '3003') }
    world.publish('beijing', licence)
    const change = { ...amended(well), licence, supersedes: licence.identifier }
    expect(codeOf(world, world.publish('beijing', change))).toBe('NO_NEXT_VERSION')
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED' })
  })

  it('leaves the licence undetermined where it would have taken something, until an event stands after it', () => {
    for (const change of [amended, corrected]) {
      const { world, licence } = recognised()
      world.publish('beijing', change(licence, { demonstration: true }))
      const cloudy = { word: 'UNDETERMINED', code: 'ADVERSE_EVENT_REFUSED' }
      expect(world.ask(licence, { at: 'tianjin' })).toMatchObject(cloudy)
      expect(world.ask(licence, { at: 'tianjin', holderCode: '1' })).toMatchObject(cloudy)
      world.publish('beijing', change(licence, { name: '新名称' }))
      const current = change(licence, {}).licence
      expect(world.ask(current, { at: 'tianjin' })).toMatchObject({ word: 'VALID', licence: { name: '新名称' } })
    }
  })

  it('leaves a licence as it was where a renewal was refused', () => {
    const { world, licence } = recognised()
    world.publish('beijing', renewed(licence, '2026-01-01'))
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({
      word: 'VALID',
      licence: { validUntil: '2056-01-01' },
    })
  })

  it('gives nothing that the authority may not issue any more', () => {
    const { world, licence } = recognised({ validUntil: '2026-05-31' })
    world.changeCharter((charter) => ({
      ...charter,
      zones: charter.zones.map((zone) => ({
        ...zone,
        authorities: zone.authorities.map((one) => ({ ...one, licenceTypes: [] })),
      })),
    }))
    for (const event of [renewed(licence, '2060-01-01'), amended(licence), corrected(licence, { validUntil: '' })]) {
      expect(codeOf(world, world.publish('beijing', event))).toBe('MAY_NOT_ISSUE')
    }
    expect(codeOf(world, world.publish('beijing', revoked(licence)))).toBe(stands)
  })
})

describe('content that is not certain', () => {
  it.each(['amended', 'corrected', 'renewed'] as const)('fails no holder and no file: an unreadable %s', (kind) => {
    const { world, licence } = recognised({ files: [file(1)] })
    const event = {
      amended: amended(licence),
      corrected: corrected(licence, { number: 'x' }),
      renewed: renewed(licence, '2060-01-01'),
    }[kind]
    world.publish('beijing', { event, carried: 'missing' })
    const asked = { at: 'tianjin', holderCode: '1', fileSha256: file(2).sha256 }
    const findings = world.ask(licence, asked)
    expect(findings.word).toBe('UNDETERMINED')
    expect([check(findings, 'HOLDER'), check(findings, 'INTEGRITY')]).toEqual([
      'unknown HOLDER_DIFFERS',
      'unknown FILE_DIFFERS',
    ])
  })

  it('is not brought about by a suspension that cannot be read: that changes no content', () => {
    const { world, licence } = recognised({ files: [file(1)] })
    world.publish('beijing', { event: suspended(licence), carried: 'missing' })
    const findings = world.ask(licence, { at: 'tianjin', holderCode: '1' })
    expect(findings).toMatchObject({ word: 'INVALID', code: 'HOLDER_DIFFERS' })
  })
})

describe('a key compromised from an index', () => {
  /** The event at index 1 of Beijing's log, under a key that was found out; something newer under the next key. */
  function doubted(changeOf: (licence: LicenceIssued) => Event) {
    const { world, licence } = recognised({ validUntil: '2026-06-30' })
    const written = world.publish('beijing', changeOf(licence))
    world.compromise('beijing', 1n)
    world.observe('beijing')
    return { world, licence, written }
  }
  const inDoubt = { word: 'UNDETERMINED', code: 'KEY_COMPROMISED' }

  it('amends nothing into VALID, and brings no earlier version back', () => {
    const { world, licence, written } = doubted(amended)
    const { licence: second } = amended(licence)
    expect(world.ask(second, { at: 'tianjin' })).toMatchObject(inDoubt)
    const earlier = world.ask(licence, { at: 'tianjin' })
    expect(earlier).toMatchObject({ word: 'INVALID', code: 'SUPERSEDED', successor: second.identifier })
    expect(check(earlier, 'SIGNATURE')).toBe('unknown KEY_COMPROMISED')
    world.publish('beijing', restated(second, written))
    expect(world.ask(second, { at: 'tianjin' }).word).toBe('VALID')
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'SUPERSEDED' })
  })

  it('renews nothing, also when the old end has passed', () => {
    const { world, licence, written } = doubted((of) => renewed(of, '2030-01-01'))
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject(inDoubt)
    world.publish('beijing', restated(licence, written))
    expect(world.ask(licence, { at: 'tianjin' }).word).toBe('VALID')
  })

  it('corrects nothing, and what the thief wrote proves nothing against the holder', () => {
    const { world, licence, written } = doubted((of) =>
      corrected(of, {
        validUntil: '2026-01-01',
        files: [file(2)],
        holder: { ...of.holder, code: '91370406L24894136J' },
      }),
    )
    const asked = { at: 'tianjin', holderCode: licence.holder.code, fileSha256: file(1).sha256 }
    const findings = world.ask(licence, asked)
    expect(findings).toMatchObject({ word: 'UNDETERMINED' })
    expect(['INTEGRITY', 'SIGNATURE', 'STATUS', 'HOLDER'].map((name) => check(findings, name))).toEqual([
      'unknown FILE_DIFFERS',
      'unknown KEY_COMPROMISED',
      'unknown EXPIRED',
      'unknown HOLDER_DIFFERS',
    ])
    world.publish('beijing', restated(licence, written))
    expect(world.ask(licence, asked)).toMatchObject({ word: 'INVALID', code: 'FILE_DIFFERS' })
  })

  it('leaves a suspension under a sound key its effect, whatever was changed in doubt', () => {
    const { world, licence } = recognised()
    world.publish('beijing', suspended(licence))
    world.publish('beijing', corrected(licence, { number: 'x' }))
    world.compromise('beijing', 2n)
    world.observe('beijing')
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
  })
})
