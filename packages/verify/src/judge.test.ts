import { type Check, type Findings, readIdentifier } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { judge } from './judge.ts'
import { charterPolicy } from './question.ts'
import { revoked, suspended, World, type WorldOptions, withdrawn, worldMatter } from './world.ts'

const fast = { suite: 'Ed25519' } as const
const fileSha256 = new Uint8Array(32).fill(1)
const otherFile = new Uint8Array(32).fill(2)
const file = { sha256: fileSha256, sm3: new Uint8Array(32).fill(3), sizeBytes: 10n, mediaType: 'application/ofd' }

/** A licence of Beijing in force, recognised at Tianjin. */
function recognised(options: WorldOptions = {}, changes: Parameters<World['licence']>[2] = {}) {
  const world = new World({ ...fast, ...options })
  const licence = world.licence('beijing', '0001', changes)
  world.publish('beijing', licence)
  world.publish('tianjin', world.declaration('tianjin'))
  return { world, licence }
}

function check(findings: Findings, name: Check): string {
  const one = findings.findings.find((finding) => finding.check === name)
  return one === undefined ? 'none' : `${one.result} ${one.code}`
}

function table(findings: Findings): Record<string, string> {
  return Object.fromEntries(findings.findings.map((one) => [one.check, `${one.result} ${one.code}`]))
}

describe('a verdict', () => {
  it('is VALID where every required check passed, and names what it rests on', () => {
    const { world, licence } = recognised()
    const findings = world.ask(licence, { at: 'tianjin', holderCode: licence.holder.code })
    expect(table(findings)).toEqual({
      INTEGRITY: 'passed PAYLOAD_OPENS',
      SIGNATURE: 'passed SIGNED',
      AUTHORITY: 'passed MAY_ISSUE',
      SEAL: 'skipped NOT_PRESENTED',
      STATUS: 'passed IN_FORCE',
      LOG: 'passed WITNESSED',
      RECOGNITION: 'passed RECOGNISED',
      HOLDER: 'passed HOLDER_MATCHES',
    })
    expect(findings).toMatchObject({
      word: 'VALID',
      code: 'VALID',
      headlineZh: '有效',
      mode: 'cross_province',
      declaration: 'tianjin-1@1',
      declarationEvent: `${world.origin('tianjin')}/0`,
      lastEvent: `${world.origin('beijing')}/0`,
      position: 3n,
      licence: { identifier: licence.identifier },
    })
    expect(findings.findings.filter(({ required }) => required).map((one) => one.check)).toEqual([
      'INTEGRITY',
      'SIGNATURE',
      'AUTHORITY',
      'STATUS',
      'LOG',
      'RECOGNITION',
      'HOLDER',
    ])
  })

  it('is the same in two copies that hold the same', () => {
    const { world, licence } = recognised()
    const asked = { at: 'tianjin', nowMs: world.nowMs }
    const one = world.copy()
    const other = world.copy()
    other.cosign(world.cosignedHead())
    expect(other.ask(licence, asked)).toEqual(one.ask(licence, asked))
  })

  it('gives every failed and unknown check a next step, and the authority to ask', () => {
    const { world, licence } = recognised()
    world.publish('beijing', suspended(licence))
    const findings = world.ask(licence, { at: 'langfang', holderCode: '1', fileSha256 })
    const asking = findings.findings.filter(({ result }) => result === 'failed' || result === 'unknown')
    expect(asking.map((one) => one.check)).toEqual(['SEAL', 'STATUS', 'RECOGNITION', 'HOLDER'])
    for (const { nextStepZh, nextStepEn, contact } of asking) {
      expect(nextStepZh).not.toBe('')
      expect(nextStepEn).not.toBe('')
      expect(contact?.telephone).toBe('010-00000000')
    }
  })

  it('names the version that decides, not the newest one', () => {
    const { world, licence } = recognised()
    const later = { version: 2, effectiveFromMs: world.nowMs + 3_600_000, mode: 'on_behalf' } as const
    world.publish('tianjin', world.declaration('tianjin', later))
    const asked = { at: 'tianjin' }
    expect(world.ask(licence, asked)).toMatchObject({
      declaration: 'tianjin-1@1',
      declarationEvent: `${world.origin('tianjin')}/0`,
      mode: 'cross_province',
    })
    expect(world.ask(licence, { ...asked, nowMs: world.nowMs + 3_600_000 })).toMatchObject({
      declaration: 'tianjin-1@2',
      declarationEvent: `${world.origin('tianjin')}/1`,
      mode: 'on_behalf',
    })
  })

  it('prefers the power to approve over taking in and forwarding, whatever came first', () => {
    const { world, licence } = recognised()
    world.publish('langfang', world.declaration('langfang', { declarationId: 'a', mode: 'on_behalf' }))
    world.publish('langfang', world.declaration('langfang', { declarationId: 'c' }))
    world.publish('langfang', world.declaration('langfang', { declarationId: 'b' }))
    expect(world.ask(licence, { at: 'langfang' })).toMatchObject({ word: 'VALID', declaration: 'b@1' })
  })
})

describe('before any check', () => {
  it('an authority of no zone is not recognised: ZONE_NOT_MEMBER', () => {
    const { world } = recognised()
    const stranger = '1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U'
    const findings = world.ask(stranger, { at: 'tianjin' })
    expect(findings).toMatchObject({ word: 'NOT_RECOGNISED', code: 'ZONE_NOT_MEMBER', findings: [], issuingZone: '' })
    expect(findings.headlineZh).toBe('颁发机构不属于联盟')
  })

  it('a number that no event has is undetermined: NOT_IN_LOG, by the name of the zone', () => {
    const { world } = recognised()
    const findings = world.ask(world.licence('beijing', '0404'), { at: 'tianjin' })
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_IN_LOG', findings: [], issuingZone: 'beijing' })
    expect(findings.headlineZh).toBe('beijing区的记录中没有此证照')
  })

  it('another version of a known licence is not in the log', () => {
    const { world, licence } = recognised()
    const copy = world.copy()
    const checks = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ']
    const answers = checks.flatMap((character) => {
      const text = `${licence.identifier.slice(0, -5)}002.${character}`
      try {
        return [copy.ask(text, { at: 'tianjin', nowMs: world.nowMs })]
      } catch {
        return []
      }
    })
    expect(answers.map(({ word, code }) => `${word} ${code}`)).toEqual(['UNDETERMINED NOT_IN_LOG'])
  })

  it('a number of a variant that names no issuer belongs to nobody while no zone has logged it', () => {
    const world = new World(fast)
    const findings = world.ask('1.2.156.3003.2.ABC', { at: 'tianjin' })
    expect(findings).toMatchObject({ word: 'NOT_RECOGNISED', code: 'ZONE_NOT_MEMBER', issuingZone: '' })
  })

  it('a licence refused for its form is as if it had not been issued', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001', { issuedOn: '2026-02-30' })
    world.publish('beijing', licence)
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_IN_LOG' })
  })

  it('a licence that another zone has logged is not in the log of its own', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('tianjin', licence)
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_IN_LOG' })
  })
})

describe('INTEGRITY', () => {
  it('fails for a file that the licence does not name; in an old copy it could be the file of a later renewal', () => {
    const { world, licence } = recognised({}, { files: [file] })
    const asked = { at: 'tianjin', fileSha256: otherFile }
    expect(world.ask(licence, asked)).toMatchObject({ word: 'INVALID', code: 'FILE_DIFFERS' })
    const nowMs = world.nowMs + 90_000_000
    const late = world.ask(licence, { ...asked, nowMs })
    expect(late).toMatchObject({ word: 'UNDETERMINED' })
    expect(late.findings.find(({ check }) => check === 'INTEGRITY')).toMatchObject({
      result: 'unknown',
      code: 'FILE_DIFFERS',
    })
  })

  it('passes for a file that the licence names; its seal is required and not read by this version', () => {
    const { world, licence } = recognised({}, { files: [file] })
    const findings = world.ask(licence, { at: 'tianjin', fileSha256 })
    expect(check(findings, 'INTEGRITY')).toBe('passed PAYLOAD_OPENS')
    expect(check(findings, 'SEAL')).toBe('unknown NOT_CHECKED')
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_CHECKED' })
  })

  it('is no proof where the licence names no file: the seal alone carries it', () => {
    const { world, licence } = recognised()
    const findings = world.ask(licence, { at: 'tianjin', fileSha256 })
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_CHECKED' })
  })

  it('is unknown while what is kept does not open its commitment', () => {
    const { world, licence } = recognised()
    world.publish('beijing', { event: suspended(licence), carried: 'damaged' })
    const findings = world.ask(licence, { at: 'tianjin' })
    expect(check(findings, 'INTEGRITY')).toBe('unknown PAYLOAD_MISMATCH')
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'PAYLOAD_MISMATCH' })
  })
})

describe('AUTHORITY', () => {
  it('fails for a type that the authority may not issue', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001', { licenceType: '11100000000013338W032' })
    world.publish('beijing', licence)
    const findings = world.ask(licence, { at: 'beijing' })
    expect(findings).toMatchObject({ word: 'INVALID', code: 'MAY_NOT_ISSUE' })
    expect(check(findings, 'AUTHORITY')).toBe('failed MAY_NOT_ISSUE')
    const nowMs = world.nowMs + 90_000_000
    expect(world.ask(licence, { at: 'beijing', nowMs })).toMatchObject({ word: 'INVALID', code: 'MAY_NOT_ISSUE' })
  })

  it('fails for a licence whose event names an authority that is not of its zone', () => {
    const world = new World(fast)
    const licence = { ...world.licence('beijing', '0001'), authority: world.authority('tianjin') }
    world.publish('beijing', licence)
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ word: 'INVALID', code: 'MAY_NOT_ISSUE' })
  })

  it('is judged at the position of the event: a type taken away later changes nothing, one given later helps nobody', () => {
    const world = new World(fast)
    const [early, late] = [world.licence('beijing', '0001'), world.licence('beijing', '0002')]
    const other = world.licence('beijing', '0003', { licenceType: '11100000000013338W032' })
    world.publishBatch('beijing', [early, other])
    world.changeCharter((charter) => ({
      ...charter,
      zones: charter.zones.map((zone) => ({
        ...zone,
        authorities: zone.authorities.map((one) => ({ ...one, licenceTypes: ['11100000000013338W032'] })),
      })),
    }))
    world.publish('beijing', late)
    const word = (licence: typeof early) => world.ask(licence, { at: 'beijing' }).word
    expect([early, late, other].map(word)).toEqual(['VALID', 'INVALID', 'INVALID'])
  })
})

describe('STATUS', () => {
  it('is failed for a suspended and for a revoked licence, with the manner of it', () => {
    const { world, licence } = recognised()
    world.publish('beijing', suspended(licence))
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    world.publish('beijing', { ...revoked(licence), manner: 'penalty' as const })
    const findings = world.ask(licence, { at: 'tianjin' })
    expect(findings).toMatchObject({ word: 'INVALID', code: 'REVOKED', headlineZh: '已吊销' })
  })

  // 2026-06-01 00:00 China Standard Time is 2026-05-31 16:00 UTC.
  const firstMs = Date.UTC(2026, 4, 31, 16)
  const endMs = Date.UTC(2026, 5, 30, 16)
  it.each([
    { atMs: firstMs - 1, code: 'NOT_YET_VALID' },
    { atMs: firstMs, code: 'IN_FORCE' },
    { atMs: endMs - 1, code: 'IN_FORCE' },
    { atMs: endMs, code: 'EXPIRED' },
  ])('holds the period to China Standard Time, whole days: $code at $atMs', ({ atMs, code }) => {
    const period = { validFrom: '2026-06-01', validUntil: '2026-06-30' }
    const { world, licence } = recognised({ startMs: atMs }, period)
    const findings = world.ask(licence, { at: 'tianjin' })
    expect(check(findings, 'STATUS')).toBe(`${code === 'IN_FORCE' ? 'passed' : 'failed'} ${code}`)
    expect(findings.word).toBe(code === 'IN_FORCE' ? 'VALID' : 'INVALID')
  })

  it('takes an empty end for none', () => {
    const { world, licence } = recognised({ startMs: Date.UTC(2400, 0) }, { validFrom: '', validUntil: '' })
    expect(world.ask(licence, { at: 'tianjin' }).word).toBe('VALID')
  })
})

describe('LOG', () => {
  it('does not pass for what no cosigned head covers', () => {
    const { world, licence } = recognised()
    const copy = world.copy()
    const other = world.licence('beijing', '0002')
    world.publish('beijing', other)
    copy.take(world.records.at(-1)!)
    const asked = { at: 'tianjin', nowMs: world.nowMs }
    expect(copy.ask(licence, asked).word).toBe('VALID')
    expect(copy.ask(other, asked)).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_WITNESSED' })
    copy.cosign(world.cosignedHead())
    expect(copy.ask(other, asked).word).toBe('VALID')
  })

  it('lets a revocation count at once, and a suspension only once it is witnessed', () => {
    const { world, licence } = recognised()
    const copy = world.copy()
    const asked = { at: 'tianjin', nowMs: world.nowMs }
    world.publish('beijing', suspended(licence))
    copy.take(world.records.at(-1)!)
    expect(copy.ask(licence, asked)).toMatchObject({ word: 'UNDETERMINED' })
    expect(check(copy.ask(licence, asked), 'STATUS')).toBe('unknown SUSPENDED')
    world.publish('beijing', revoked(licence))
    copy.take(world.records.at(-1)!)
    expect(copy.ask(licence, asked)).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it('does not pass while the declaration used is not witnessed, and the licence of the own zone does', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    world.observe('tianjin')
    const copy = world.copy()
    world.publish('tianjin', world.declaration('tianjin'))
    copy.take(world.records.at(-1)!)
    const nowMs = world.nowMs
    expect(check(copy.ask(licence, { at: 'tianjin', nowMs }), 'LOG')).toBe('unknown NOT_WITNESSED')
    expect(copy.ask(licence, { at: 'beijing', nowMs }).word).toBe('VALID')
  })

  it('does not pass while a charter is not witnessed', () => {
    const { world, licence } = recognised()
    const copy = world.copy()
    world.changeCharter((charter) => charter)
    copy.take(world.records.at(-1)!)
    const asked = { at: 'tianjin', nowMs: world.nowMs }
    expect(copy.ask(licence, asked)).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_WITNESSED' })
  })

  it('never passes with quorum none, so that nothing is ever VALID', () => {
    const { world, licence } = recognised({ quorum: 0 })
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_WITNESSED' })
    expect(world.ask(licence, { at: 'beijing' }).word).toBe('UNDETERMINED')
    world.publish('beijing', revoked(licence))
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
  })

  it('is unknown for every licence once the hub has contradicted itself', () => {
    const { world, licence } = recognised()
    const findings = world.ask(licence, { at: 'tianjin', hubFault: 'two roots' })
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'HUB_FAULT' })
    world.publish('beijing', revoked(licence))
    expect(world.ask(licence, { at: 'tianjin', hubFault: 'two roots' })).toMatchObject({ word: 'INVALID' })
  })

  it('makes unknown what a later event could lift, and leaves what none can', () => {
    const { world, licence } = recognised({}, { files: [file], validUntil: '2025-12-31' })
    const asked = { at: 'langfang', holderCode: '91110000000000000X', nowMs: world.nowMs + 90_000_000 }
    const findings = world.ask(licence, asked)
    expect(table(findings)).toMatchObject({
      STATUS: 'unknown EXPIRED',
      RECOGNITION: 'unknown NOT_DECLARED',
      HOLDER: 'unknown HOLDER_DIFFERS',
      LOG: 'unknown TOO_OLD',
    })
    expect(findings.word).toBe('UNDETERMINED')
    const fresh = world.ask(licence, { ...asked, nowMs: world.nowMs })
    expect(table(fresh)).toMatchObject({
      STATUS: 'failed EXPIRED',
      RECOGNITION: 'failed NOT_DECLARED',
      HOLDER: 'failed HOLDER_DIFFERS',
    })
  })
})

describe('RECOGNITION', () => {
  it('passes at home without a declaration', () => {
    const { world, licence } = recognised()
    const findings = world.ask(licence, { at: 'beijing', matter: 'anything' })
    expect(findings).toMatchObject({ word: 'VALID', declaration: '', mode: undefined })
    expect(check(findings, 'RECOGNITION')).toBe('passed OWN_ZONE')
  })

  it('fails where nobody declared it: zone, matter, type, issuing zone', () => {
    const { world, licence } = recognised()
    expect(world.ask(licence, { at: 'langfang' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_DECLARED' })
    expect(world.ask(licence, { at: 'tianjin', matter: 'M-404' })).toMatchObject({ code: 'NOT_DECLARED' })
    expect(world.ask(licence, { at: 'tianjin', matter: '' })).toMatchObject({ code: 'NOT_DECLARED' })
    const other = world.declaration('langfang', { licenceType: '11100000000013338W032' })
    world.publish('langfang', other)
    world.publish('langfang', world.declaration('langfang', { declarationId: 'b', issuingZones: ['tianjin'] }))
    expect(world.ask(licence, { at: 'langfang' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_DECLARED' })
  })

  it('is not given by a declaration of another zone, also where a caller hands one in', () => {
    const { world, licence } = recognised()
    const copy = world.copy()
    const identifier = readIdentifier(licence.identifier)
    if (identifier.kind === 'malformed') throw new Error('malformed')
    const subject = copy.primarySubject('beijing', identifier.subjectString)!
    const ask = (receivingZone: string) =>
      judge(
        {
          identifier,
          matter: worldMatter,
          receivingZone,
          holderCode: undefined,
          fileSha256: undefined,
          policy: charterPolicy,
        },
        copy.knowledge(world.nowMs),
        { issuingZone: 'beijing', fold: copy.fold('beijing', subject), declarations: copy.declarations('tianjin') },
      )
    expect(ask('tianjin').word).toBe('VALID')
    expect(ask('langfang')).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_DECLARED' })
  })

  it('tells the same doubtful declaration, whatever the order in which a caller keeps them', () => {
    const { world, licence } = recognised()
    const second = world.declaration('tianjin', { declarationId: 'second' })
    world.publish('tianjin', second)
    world.publish('tianjin', { event: withdrawn(world.declaration('tianjin')), carried: 'missing' })
    world.publish('tianjin', { event: withdrawn(second), kind: 60 })
    const copy = world.copy()
    const identifier = readIdentifier(licence.identifier)
    if (identifier.kind === 'malformed') throw new Error('malformed')
    const question = { identifier, matter: worldMatter, receivingZone: 'tianjin', policy: charterPolicy }
    const fold = copy.fold('beijing', copy.primarySubject('beijing', identifier.subjectString)!)
    const declarations = copy.declarations('tianjin').toSorted((one, other) => (one.subject < other.subject ? -1 : 1))
    const ask = (given: typeof declarations) =>
      judge({ ...question, holderCode: undefined, fileSha256: undefined }, copy.knowledge(world.nowMs), {
        issuingZone: 'beijing',
        fold,
        declarations: given,
      })
    expect(declarations.map(({ clouds }) => clouds[0]?.code).toSorted()).toEqual([
      'EVENT_NOT_UNDERSTOOD',
      'EVENT_UNREADABLE',
    ])
    expect(check(ask(declarations), 'RECOGNITION')).toBe(`unknown ${declarations[0]!.clouds[0]!.code}`)
    expect(ask(declarations.toReversed())).toEqual(ask(declarations))
  })

  it('rests on declarations of the zone asked, also where another zone has a leaf of the same subject', () => {
    const { world } = recognised()
    const [declaration] = world.copy().declarations('tianjin')
    const subject = Buffer.from(declaration!.subject, 'hex')
    world.publish('beijing', { event: world.licence('beijing', '0002'), subject })
    expect(world.copy().declarations('beijing')).toEqual([])
    expect(world.copy().declarations('tianjin')).toHaveLength(1)
  })

  it('fails before a declaration begins, after it ends and after it is withdrawn', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', licence)
    const { nowMs } = world
    const from = { effectiveFromMs: nowMs + 1000, effectiveUntilMs: nowMs + 2000 }
    const declaration = world.declaration('tianjin', from)
    world.publish('tianjin', declaration)
    const codeAt = (atMs: number) => check(world.ask(licence, { at: 'tianjin', nowMs: atMs }), 'RECOGNITION')
    expect(codeAt(nowMs + 999)).toBe('failed NOT_IN_FORCE')
    expect(codeAt(nowMs + 1000)).toBe('passed RECOGNISED')
    expect(codeAt(nowMs + 1999)).toBe('passed RECOGNISED')
    expect(codeAt(nowMs + 2000)).toBe('failed NOT_IN_FORCE')
    world.publish('tianjin', { ...withdrawn(declaration), effectiveFromMs: nowMs + 1500 })
    expect(codeAt(nowMs + 1499)).toBe('passed RECOGNISED')
    expect(codeAt(nowMs + 1500)).toBe('failed NOT_IN_FORCE')
  })

  it('fails for a demonstration document, at home too, unless the charter is a demonstration', () => {
    const demonstration = { demonstration: true }
    const { world, licence } = recognised({}, demonstration)
    expect(world.ask(licence, { at: 'tianjin' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'DEMONSTRATION' })
    expect(world.ask(licence, { at: 'beijing' })).toMatchObject({ word: 'NOT_RECOGNISED', code: 'DEMONSTRATION' })
    const charter: WorldOptions['charter'] = (zero) => ({ ...zero, demonstration: true })
    const box = recognised({ charter }, demonstration)
    expect(box.world.ask(box.licence, { at: 'tianjin' }).word).toBe('VALID')
  })
})

describe('HOLDER', () => {
  it('is required where a number was given, and differs unless it is the same', () => {
    const { world, licence } = recognised()
    const word = (holderCode: string) => world.ask(licence, { at: 'tianjin', holderCode }).word
    expect(word('91120114MA1668990E')).toBe('VALID')
    expect(word('91120114ma1668990e')).toBe('VALID')
    expect(word('91110000000000000X')).toBe('INVALID')
    expect(word('')).toBe('INVALID')
  })

  it('compares numbers without check characters letter for letter', () => {
    const holder = { name: '某人', code: 'Ab-1', codeType: '999' }
    const { world, licence } = recognised({}, { holder })
    const word = (holderCode: string) => world.ask(licence, { at: 'tianjin', holderCode }).word
    expect([word('Ab-1'), word('AB-1'), word(' Ab-1')]).toEqual(['VALID', 'INVALID', 'INVALID'])
  })
})

describe('the order of the word', () => {
  it('a negative about the licence comes before recognition, recognition before what is unknown', () => {
    const { world, licence } = recognised()
    world.publish('beijing', suspended(licence))
    expect(world.ask(licence, { at: 'langfang' }).word).toBe('INVALID')
    expect(world.ask(licence, { at: 'langfang', holderCode: 'other' }).code).toBe('SUSPENDED')
    const other = world.licence('beijing', '0002')
    world.publish('beijing', other)
    world.publish('beijing', { event: suspended(other), carried: 'missing' })
    expect(world.ask(other, { at: 'langfang' })).toMatchObject({ word: 'NOT_RECOGNISED' })
    expect(world.ask(other, { at: 'langfang', holderCode: 'other' })).toMatchObject({ word: 'INVALID' })
    expect(world.ask(other, { at: 'tianjin' })).toMatchObject({ word: 'UNDETERMINED' })
  })
})

describe('a policy', () => {
  it('adds required checks: what nobody presented then blocks VALID', () => {
    const { world, licence } = recognised()
    const adding = (alsoRequired: readonly Check[]) => ({ ...charterPolicy, name: 'strict', version: 3, alsoRequired })
    const ask = (check_: Check) => world.ask(licence, { at: 'tianjin', policy: adding([check_]) })
    expect(ask('HOLDER')).toMatchObject({ word: 'UNDETERMINED', code: 'HOLDER_NOT_GIVEN', policyName: 'strict' })
    expect(ask('SEAL')).toMatchObject({ word: 'UNDETERMINED', code: 'NOT_PRESENTED', policyVersion: 3 })
    const given = { at: 'tianjin', matter: worldMatter, holderCode: licence.holder.code }
    expect(world.ask(licence, { ...given, policy: adding(['HOLDER']) }).word).toBe('VALID')
  })
})
