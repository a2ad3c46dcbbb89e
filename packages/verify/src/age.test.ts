import { describe, expect, it } from 'vitest'
import { charterPolicy, type Policy } from './question.ts'
import { World, type WorldCopy, type WorldOptions } from './world.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const options: WorldOptions = { suite: 'Ed25519' }

/** A licence of Beijing recognised at Tianjin; both have a leaf of this moment, cosigned by everybody now. */
function fresh() {
  const world = new World(options)
  const licence = world.licence('beijing', '0001')
  world.publish('beijing', licence)
  world.publish('tianjin', world.declaration('tianjin'))
  return { world, licence, t0: world.nowMs }
}

function log(copy: WorldCopy, licence: ReturnType<World['licence']>, nowMs: number, at = 'tianjin', policy?: Policy) {
  const findings = copy.ask(licence, { at, nowMs, ...(policy && { policy }) })
  const finding = findings.findings.find(({ check }) => check === 'LOG')!
  const freshness = finding.evidence.find(({ name }) => name === 'freshness')?.value
  return { ageMs: findings.ageMs, word: findings.word, log: `${finding.code}${freshness ? ` ${freshness}` : ''}` }
}

describe('the age of what is known', () => {
  it('counts from the newest leaf: fresh up to T1, usable up to T2, too old beyond', () => {
    const { world, licence, t0 } = fresh()
    const copy = world.copy()
    const at = (ageMs: number) => log(copy, licence, t0 + ageMs)
    expect(at(0)).toEqual({ ageMs: 0, word: 'VALID', log: 'WITNESSED fresh' })
    expect(at(5 * minuteMs)).toEqual({ ageMs: 5 * minuteMs, word: 'VALID', log: 'WITNESSED fresh' })
    expect(at(5 * minuteMs + 1).log).toBe('WITNESSED usable')
    expect(at(24 * hourMs)).toEqual({ ageMs: 24 * hourMs, word: 'VALID', log: 'WITNESSED usable' })
    expect(at(24 * hourMs + 1)).toEqual({ ageMs: 24 * hourMs + 1, word: 'UNDETERMINED', log: 'TOO_OLD' })
  })

  it('is that of the older of both zones: neither the issuing nor the declaring zone can be kept silent', () => {
    for (const talking of ['beijing', 'tianjin']) {
      const { world, licence } = fresh()
      world.tick(25 * hourMs)
      world.observe(talking)
      expect(log(world.copy(), licence, world.nowMs)).toEqual({
        ageMs: 25 * hourMs,
        word: 'UNDETERMINED',
        log: 'TOO_OLD',
      })
      world.observe(talking === 'beijing' ? 'tianjin' : 'beijing')
      expect(log(world.copy(), licence, world.nowMs)).toEqual({ ageMs: 0, word: 'VALID', log: 'WITNESSED fresh' })
    }
  })

  it('does not count a zone whose declaration is not used', () => {
    const { world, licence } = fresh()
    world.tick(25 * hourMs)
    world.observe('beijing')
    expect(log(world.copy(), licence, world.nowMs, 'beijing').word).toBe('VALID')
  })

  it('counts no leaf that the cosigned head does not cover', () => {
    const { world, licence } = fresh()
    const copy = world.copy()
    world.tick(25 * hourMs)
    const before = world.size
    world.observe('beijing')
    world.observe('tianjin')
    for (const record of world.records.slice(Number(before))) copy.take(record)
    expect(copy.cosign(world.cosignedHead({ size: before })).kind).toBe('cosigned')
    expect(log(copy, licence, world.nowMs).word).toBe('UNDETERMINED')
    copy.cosign(world.cosignedHead())
    expect(log(copy, licence, world.nowMs).word).toBe('VALID')
  })

  it('counts from the q-th newest cosignature where that is older', () => {
    const { world, licence, t0 } = fresh()
    const copy = world.copy()
    copy.cosign(world.cosignedHead({ timesMs: [t0, t0 - hourMs, t0 - 2 * hourMs] }))
    expect(log(copy, licence, t0).ageMs).toBe(hourMs)
    copy.cosign(world.cosignedHead({ timesMs: [t0 - 25 * hourMs, t0 - 25 * hourMs, t0] }))
    expect(log(copy, licence, t0)).toMatchObject({ ageMs: 25 * hourMs, word: 'UNDETERMINED', log: 'TOO_OLD' })
  })

  it('takes a cosignature ahead of the own clock for none, and the next one counts', () => {
    const { world, licence, t0 } = fresh()
    const copy = world.copy()
    const aheadMs = t0 + minuteMs + 1000
    copy.cosign(world.cosignedHead({ timesMs: [aheadMs, t0, t0 - hourMs] }))
    expect(log(copy, licence, t0).ageMs).toBe(hourMs)
    copy.cosign(world.cosignedHead({ timesMs: [aheadMs, aheadMs, t0] }))
    expect(log(copy, licence, t0)).toEqual({ ageMs: undefined, word: 'UNDETERMINED', log: 'TOO_OLD' })
  })

  it('takes a leaf more than maxClockOffset ahead of the own clock for none, and counts one that is exactly so far ahead', () => {
    const { world, licence, t0 } = fresh()
    const copy = world.copy()
    expect(log(copy, licence, t0 - minuteMs, 'beijing')).toEqual({ ageMs: 0, word: 'VALID', log: 'WITNESSED fresh' })
    expect(log(copy, licence, t0 - minuteMs - 1, 'beijing')).toEqual({
      ageMs: undefined,
      word: 'UNDETERMINED',
      log: 'TOO_OLD',
    })
  })

  it('can be held shorter by a policy, and never longer', () => {
    const { world, licence, t0 } = fresh()
    const copy = world.copy()
    const policy = (freshMs: number | undefined, usableMs: number | undefined) => ({
      ...charterPolicy,
      freshMs,
      usableMs,
    })
    const ask = (ageMs: number, one: Policy) => log(copy, licence, t0 + ageMs, 'tianjin', one).log
    expect(ask(2 * minuteMs, policy(minuteMs, undefined))).toBe('WITNESSED usable')
    expect(ask(2 * minuteMs, policy(undefined, minuteMs))).toBe('TOO_OLD')
    expect(ask(6 * minuteMs, policy(hourMs, undefined))).toBe('WITNESSED usable')
    expect(ask(25 * hourMs, policy(undefined, 48 * hourMs))).toBe('TOO_OLD')
  })
})
