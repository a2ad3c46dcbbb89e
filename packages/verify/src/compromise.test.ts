import type { Findings, LicenceIssued } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import { restated, resumed, revoked, suspended, World, withdrawn } from './world.ts'

// A key that was found out to be stolen: what was signed under it from an index on is in doubt until the zone states it again.

const fast = { suite: 'Ed25519' } as const

/** A licence at index 0 of Beijing's log, recognised at Tianjin. */
function world() {
  const made = new World(fast)
  const licence = made.licence('beijing', '0001')
  const issued = made.publish('beijing', licence)
  made.publish('tianjin', made.declaration('tianjin'))
  return { world: made, licence, issued }
}

function askIn(made: World, licence: LicenceIssued): Findings {
  return made.ask(licence, { at: 'tianjin' })
}

function check(findings: Findings, name: string) {
  const { result, code } = findings.findings.find((one) => one.check === name)!
  return `${result} ${code}`
}

/** Something of the zone under its new key, so that its news is fresh. */
function underTheNewKey(made: World): void {
  made.publish('beijing', made.licence('beijing', '9999'))
}

describe('a key compromised from an index', () => {
  it('leaves what lies before the index as it was', () => {
    const { world: made, licence } = world()
    made.compromise('beijing', 1n)
    underTheNewKey(made)
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('puts an issue at the index in doubt, until it is restated under the new key', () => {
    const { world: made, licence, issued } = world()
    made.compromise('beijing', 0n)
    underTheNewKey(made)
    const findings = askIn(made, licence)
    expect(findings).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
    expect(check(findings, 'SIGNATURE')).toBe('unknown KEY_COMPROMISED')
    made.publish('beijing', restated(licence, issued))
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('is not cured by the compromised key stating it again', () => {
    const { world: made, licence, issued } = world()
    const again = made.publish('beijing', restated(licence, issued))
    made.compromise('beijing', 0n)
    underTheNewKey(made)
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
    made.publish('beijing', restated(licence, again))
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
    made.publish('beijing', restated(licence, issued))
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('leaves a doubtful revocation and a doubtful suspension their effect', () => {
    const revocation = world()
    revocation.world.publish('beijing', revoked(revocation.licence))
    revocation.world.compromise('beijing', 1n)
    underTheNewKey(revocation.world)
    expect(askIn(revocation.world, revocation.licence)).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
    const suspension = world()
    suspension.world.publish('beijing', suspended(suspension.licence))
    suspension.world.compromise('beijing', 1n)
    underTheNewKey(suspension.world)
    expect(askIn(suspension.world, suspension.licence)).toMatchObject({ word: 'INVALID', code: 'SUSPENDED' })
    suspension.world.publish('beijing', resumed(suspension.licence))
    expect(askIn(suspension.world, suspension.licence).word).toBe('VALID')
  })

  it('gives a suspended licence back to nobody', () => {
    const { world: made, licence } = world()
    made.publish('beijing', suspended(licence))
    const back = made.publish('beijing', resumed(licence))
    made.compromise('beijing', 2n)
    underTheNewKey(made)
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
    made.publish('beijing', restated(licence, back))
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('withdraws no refused revocation: what the thief lifted is in doubt until the zone lifts it', () => {
    const { world: made, licence } = world()
    const refused = made.publish('beijing', { ...revoked(licence), decidedOn: '2026-02-30' })
    const lifting = made.publish('beijing', restated(licence, refused))
    expect(askIn(made, licence).word).toBe('VALID')
    made.compromise('beijing', lifting.index)
    underTheNewKey(made)
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
    made.publish('beijing', restated(licence, refused))
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('withdraws no refused revocation, and the zone may also stand by the withdrawal', () => {
    const { world: made, licence } = world()
    const refused = made.publish('beijing', { ...revoked(licence), decidedOn: '2026-02-30' })
    const lifting = made.publish('beijing', restated(licence, refused))
    made.compromise('beijing', lifting.index)
    made.publish('beijing', restated(licence, lifting))
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('withdraws no mismatched leaf', () => {
    const { world: made, licence } = world()
    const bad = made.publish('beijing', { event: revoked(licence), kind: 3 })
    const lifting = made.publish('beijing', restated(licence, bad))
    made.compromise('beijing', lifting.index)
    underTheNewKey(made)
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
  })

  it('harms nobody by restating what stands', () => {
    const { world: made, licence, issued } = world()
    made.publish('beijing', restated(licence, issued))
    made.compromise('beijing', 1n)
    underTheNewKey(made)
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('does not count for age: the zone is as old as its newest leaf that is not in doubt', () => {
    const { world: made, licence } = world()
    made.tick(90_000_000)
    made.publish('tianjin', made.licence('tianjin', '0001'))
    made.publish('beijing', made.licence('beijing', '9998'))
    expect(askIn(made, licence).word).toBe('VALID')
    made.compromise('beijing', 1n)
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'TOO_OLD' })
    underTheNewKey(made)
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('leaves another zone as it was', () => {
    const { world: made, licence } = world()
    made.compromise('langfang', 0n)
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('can be set lower by a later charter, and then more is in doubt', () => {
    const { world: made, licence } = world()
    made.publish('beijing', made.licence('beijing', '0002'))
    made.compromise('beijing', 1n)
    underTheNewKey(made)
    expect(askIn(made, licence).word).toBe('VALID')
    made.changeCharter((charter) => ({
      ...charter,
      keys: charter.keys.map((key) => (key.compromisedFrom === 1n ? { ...key, compromisedFrom: 0n } : key)),
    }))
    expect(askIn(made, licence)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
  })
})

describe('a declaration under a compromised key', () => {
  it('recognises nothing for certain until it is restated under the new key', () => {
    const { world: made, licence } = world()
    made.compromise('tianjin', 0n)
    made.publish('tianjin', made.licence('tianjin', '0001'))
    const findings = askIn(made, licence)
    expect(findings.word).toBe('UNDETERMINED')
    expect(check(findings, 'RECOGNITION')).toBe('unknown KEY_COMPROMISED')
    const declared = made.copy().declarations('tianjin')[0]!.events[0]!
    const named = { ...declared, zone: 'tianjin', subject: '', position: 0n, entry: undefined as never }
    made.publish('tianjin', restated(made.declaration('tianjin'), named))
    expect(askIn(made, licence).word).toBe('VALID')
  })

  it('is withdrawn also in doubt', () => {
    const { world: made, licence } = world()
    made.publish('tianjin', withdrawn(made.declaration('tianjin')))
    made.compromise('tianjin', 1n)
    made.publish('tianjin', made.licence('tianjin', '0001'))
    expect(askIn(made, licence)).toMatchObject({ word: 'NOT_RECOGNISED', code: 'NOT_IN_FORCE' })
  })

  it('is not widened for certain by a doubtful version', () => {
    const { world: made } = world()
    const other = made.licence('langfang', '0001')
    made.publish('langfang', other)
    made.publish('tianjin', made.declaration('tianjin', { version: 2, issuingZones: ['langfang'] }))
    expect(askIn(made, other).word).toBe('VALID')
    made.compromise('tianjin', 1n)
    made.publish('tianjin', made.licence('tianjin', '0001'))
    expect(askIn(made, other)).toMatchObject({ word: 'UNDETERMINED', code: 'KEY_COMPROMISED' })
  })
})
