import type { Event, Findings, LicenceIssued } from '@hutong/licence'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  amended,
  corrected,
  type Published,
  renewed,
  restated,
  resumed,
  revoked,
  suspended,
  type Twisted,
  World,
  WorldCopy,
  withdrawn,
} from './world.ts'

// What was so as of a position stays so, whatever came after it.

const fast = { suite: 'Ed25519' } as const

const check = (findings: Findings, name: string) => {
  const one = findings.findings.find((finding) => finding.check === name)
  return `${one?.result} ${one?.code}`
}

const asOf = (world: World, about: LicenceIssued, position: bigint, at = 'tianjin') =>
  world.ask(about, { at, asOf: { kind: 'position', position } })

/** A licence of Beijing in force, recognised at Tianjin. */
function recognised() {
  const world = new World(fast)
  const licence = world.licence('beijing', '0001')
  const issued = world.publish('beijing', licence)
  world.publish('tianjin', world.declaration('tianjin'))
  return { world, licence, issued }
}

describe('as of the position of a charter', () => {
  it('the one before governs, and as of the next position that charter does', () => {
    const { world, licence, issued } = recognised()
    const { position } = world.compromise('beijing', 0n)
    const stated = world.publish('beijing', restated(licence, issued))
    const words = [position, position + 1n, stated.position + 1n].map((at) => asOf(world, licence, at).code)
    expect(words).toEqual(['VALID', 'KEY_COMPROMISED', 'VALID'])
  })

  it('an authority that lost its power issues nothing after it, and what it issued before stands', () => {
    const { world, licence } = recognised()
    const { position } = world.changeCharter((charter) => ({
      ...charter,
      zones: charter.zones.map((zone) => ({
        ...zone,
        authorities: zone.authorities.map((authority) => ({ ...authority, licenceTypes: [] })),
      })),
    }))
    const late = world.licence('beijing', '0002')
    world.publish('beijing', late)
    expect(asOf(world, licence, position + 2n).word).toBe('VALID')
    expect(asOf(world, late, position + 1n)).toMatchObject({ code: 'NOT_IN_LOG', dataTimeMs: world.nowMs })
    expect(asOf(world, late, position + 2n)).toMatchObject({ word: 'INVALID', code: 'MAY_NOT_ISSUE' })
  })

  it('that asks for no quorum nothing was witnessed', () => {
    const { world, licence } = recognised()
    expect(asOf(world, licence, world.size).word).toBe('VALID')
    const witnessPolicy = quorumNone(world)
    world.changeCharter((charter) => ({ ...charter, witnessPolicy }))
    const findings = asOf(world, licence, world.size)
    expect([findings.word, check(findings, 'LOG')]).toEqual(['UNDETERMINED', 'unknown NOT_WITNESSED'])
    expect(asOf(world, licence, world.size - 1n).word).toBe('VALID')
  })
})

function quorumNone(world: World) {
  const { charter } = new World({ ...fast, quorum: 0, zones: world.zones })
  return charter.witnessPolicy
}

describe('as of a position', () => {
  it('the version of a declaration that decided then decides', () => {
    const { world, licence } = recognised()
    const first = world.size
    const narrower = world.declaration('tianjin', { version: 2, matters: ['M-002'] })
    world.publish('tianjin', narrower)
    const second = world.size
    world.publish('tianjin', world.declaration('tianjin', { version: 3 }))
    const third = world.size
    world.publish('tianjin', withdrawn(world.declaration('tianjin', { version: 3 })))
    const told = [first, second, third, world.size].map((at) => {
      const { code, declaration } = asOf(world, licence, at)
      return `${code} ${declaration}`
    })
    expect(told).toEqual(['VALID tianjin-1@1', 'NOT_IN_FORCE ', 'VALID tianjin-1@3', 'NOT_IN_FORCE '])
    expect(
      world.ask(licence, { at: 'tianjin', asOf: { kind: 'position', position: second }, matter: 'M-002' }),
    ).toMatchObject({
      word: 'VALID',
      declaration: 'tianjin-1@2',
    })
  })

  it('the period is held against the clock of the hub then, or against the time asked', () => {
    const world = new World(fast)
    const day = 86_400_000
    const licence = world.licence('beijing', '0001', { validUntil: '2026-06-01' })
    world.publish('beijing', licence)
    const within = world.size
    const startMs = world.nowMs
    world.tick(2 * day)
    world.observe('beijing')
    expect([asOf(world, licence, within, 'beijing').code, asOf(world, licence, world.size, 'beijing').code]).toEqual([
      'VALID',
      'EXPIRED',
    ])
    const atTime = (timeMs: number) => world.ask(licence, { at: 'beijing', asOf: { kind: 'time', timeMs } }).code
    // The first of June ends at 16:00 UTC.
    expect([atTime(startMs), atTime(startMs + day - 8 * 3_600_000 - 1), atTime(startMs + day - 8 * 3_600_000)]).toEqual(
      ['VALID', 'VALID', 'EXPIRED'],
    )
  })

  it('a payload that comes late changes the answer to what every copy with it says', () => {
    const { world, licence } = recognised()
    const late = world.publish('beijing', { event: revoked(licence), carried: 'missing' })
    const position = world.size
    world.observe('beijing')
    const copy = world.copy()
    const ask = () => copy.ask(licence, { at: 'tianjin', nowMs: world.nowMs, asOf: { kind: 'position', position } })
    expect(ask()).toMatchObject({ word: 'UNDETERMINED', code: 'EVENT_UNREADABLE' })
    copy.supply(late.origin, late.index, late.entry)
    expect(ask()).toMatchObject({ word: 'INVALID', code: 'REVOKED' })
    expect(asOf(world, licence, position - 1n).word).toBe('VALID')
  })

  it('what cannot be read has the time of that position, like every other answer', () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    world.publish('beijing', { event: licence, carried: 'missing' })
    world.publish('beijing', suspended(licence))
    const position = world.size
    const { nowMs } = world
    world.tick(5000)
    world.observe('beijing')
    expect(asOf(world, licence, position)).toMatchObject({ code: 'EVENT_UNREADABLE', dataTimeMs: nowMs })
  })
})

type Step =
  | 'issue'
  | 'suspend'
  | 'resume'
  | 'revoke'
  | 'revoke_badly'
  | 'missing'
  | 'amend'
  | 'renew'
  | 'correct'
  | { readonly restate: number }
  | { readonly compromise: number }

const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom<Step>('suspend', 'resume', 'amend', 'renew', 'correct') },
      { weight: 1, arbitrary: fc.constantFrom<Step>('issue', 'revoke', 'revoke_badly', 'missing') },
      { weight: 2, arbitrary: fc.nat({ max: 7 }).map((restate): Step => ({ restate })) },
      { weight: 1, arbitrary: fc.nat({ max: 7 }).map((compromise): Step => ({ compromise })) },
    ),
    { maxLength: 9 },
  )
  .map((story) => ['issue', ...story])

/** The rules of the domain over all of one licence, its keys included. */
class Model {
  state: 'none' | 'in_force' | 'suspended' | 'revoked' = 'none'
  readonly #events: { readonly step: Step; readonly stands: boolean; readonly key: number }[] = []
  #clouds: { readonly event: number; readonly until: 'read' | 'later event' }[] = []
  /** By key: from which event on it is compromised. */
  readonly #compromised: (number | undefined)[] = [undefined]

  get size(): number {
    return this.#events.length
  }

  take(step: Step): void {
    if (typeof step === 'object' && 'compromise' in step) {
      this.#compromised[this.#compromised.length - 1] = step.compromise
      this.#compromised.push(undefined)
      return
    }
    const event = this.#events.length
    const next = this.#next(step)
    const stands = next !== undefined
    if (typeof step === 'object')
      this.#clouds = this.#clouds.filter((one) => one.event !== step.restate || one.until === 'read')
    else if (step === 'missing') this.#clouds.push({ event, until: 'read' })
    else if (stands) this.#clouds = this.#clouds.filter(({ until }) => until !== 'later event')
    else if (adverse.has(step)) this.#clouds.push({ event, until: 'later event' })
    this.state = next ?? this.state
    this.#events.push({ step, stands, key: this.#compromised.length - 1 })
  }

  get word(): string {
    if (this.state === 'revoked') return 'INVALID'
    if (this.state === 'none' || this.#clouds.length > 0) return 'UNDETERMINED'
    if (this.state === 'suspended') return 'INVALID'
    return this.#inDoubt ? 'UNDETERMINED' : 'VALID'
  }

  get #inDoubt(): boolean {
    const doubtful = ({ key }: { readonly key: number }, at: number) =>
      at >= (this.#compromised[key] ?? Number.POSITIVE_INFINITY)
    const stated = this.#events.flatMap((event, at) =>
      typeof event.step === 'object' && 'restate' in event.step && !doubtful(event, at) ? [event.step.restate] : [],
    )
    return this.#events.some((event, at) => {
      const { step, stands } = event
      if (!stands || !doubtful(event, at) || stated.includes(at) || step === 'suspend' || step === 'revoke')
        return false
      if (typeof step === 'string') return true
      // To state again what stands is harmless; to withdraw what does not is not.
      return 'restate' in step && this.#events[step.restate]?.stands === false && !stated.includes(step.restate)
    })
  }

  #next(step: Exclude<Step, { readonly compromise: number }>): Model['state'] | undefined {
    const { state } = this
    if (typeof step === 'object') return state
    const alive = state === 'in_force' || state === 'suspended'
    switch (step) {
      case 'issue':
        return state === 'none' ? 'in_force' : undefined
      case 'suspend':
        return state === 'in_force' ? 'suspended' : undefined
      case 'resume':
        return state === 'suspended' ? 'in_force' : undefined
      case 'revoke':
        return alive ? 'revoked' : undefined
      case 'amend':
      case 'renew':
      case 'correct':
        return alive ? state : undefined
      case 'revoke_badly':
      case 'missing':
        return undefined
    }
  }
}

const adverse: ReadonlySet<Step> = new Set<Step>(['suspend', 'revoke', 'revoke_badly', 'amend', 'correct'])

interface Moment {
  readonly position: bigint
  readonly licence: LicenceIssued
  readonly superseded: readonly string[]
  readonly word: string
}

/** Tells a story to a world and to the model, and what the model said after each step. */
function told(story: readonly Step[]): { readonly world: World; readonly moments: readonly Moment[] } {
  const world = new World(fast)
  let licence = world.licence('beijing', '0001')
  let superseded: readonly string[] = []
  const model = new Model()
  const published: Published[] = []
  const moments: Moment[] = []
  for (const step of story) {
    world.tick(1000)
    if (typeof step === 'object' && 'compromise' in step) {
      world.compromise('beijing', BigInt(step.compromise))
    } else {
      if (typeof step === 'object' && step.restate >= model.size) continue
      const event = eventOf(step, licence, published)
      published.push(world.publish('beijing', event))
    }
    const alive = model.state === 'in_force' || model.state === 'suspended'
    model.take(step)
    const changed = alive ? changedBy(step, licence, published.length - 1) : undefined
    if (changed !== undefined && changed.identifier !== licence.identifier)
      superseded = [...superseded, licence.identifier]
    licence = changed ?? licence
    moments.push({ position: world.size, licence, superseded, word: model.word })
  }
  return { world, moments }
}

function eventOf(
  step: Exclude<Step, { readonly compromise: number }>,
  licence: LicenceIssued,
  published: readonly Published[],
): Event | Twisted {
  if (typeof step === 'object') return restated(licence, published[step.restate]!)
  const events: Readonly<Record<typeof step, () => Event | Twisted>> = {
    issue: () => licence,
    suspend: () => suspended(licence),
    resume: () => resumed(licence),
    revoke: () => revoked(licence),
    revoke_badly: () => ({ ...revoked(licence), decidedOn: '2026-02-30' }),
    missing: () => ({ event: revoked(licence), carried: 'missing' }),
    amend: () => amended(licence, { number: `A-${published.length}` }),
    renew: () => renewed(licence, yearLater(licence)),
    correct: () => corrected(licence, { number: `C-${published.length}` }),
  }
  return events[step]()
}

function changedBy(step: Step, licence: LicenceIssued, at: number): LicenceIssued | undefined {
  if (step === 'amend') return amended(licence, { number: `A-${at}` }).licence
  if (step === 'correct') return corrected(licence, { number: `C-${at}` }).licence
  return step === 'renew' ? { ...licence, validUntil: yearLater(licence) } : undefined
}

function yearLater({ validUntil }: LicenceIssued): string {
  return String(Number(validUntil.slice(0, 4)) + 1) + validUntil.slice(4)
}

describe('any story, asked again as of each of its positions', () => {
  it('comes to what the rules said then, and to the same at who has seen no more', () => {
    fc.assert(
      fc.property(steps, (story) => {
        const { world, moments } = told(story)
        const whole = world.copy()
        for (const { position, licence, superseded, word } of moments) {
          const asked = { at: 'beijing', nowMs: world.nowMs, asOf: { kind: 'position', position } } as const
          const findings = whole.ask(licence, asked)
          expect([position, findings.word]).toEqual([position, word])
          const then = copyUpTo(world, position)
          expect(then.ask(licence, asked)).toEqual(findings)
          for (const earlier of superseded) {
            expect(whole.ask(earlier, asked)).toMatchObject({ word: 'INVALID', code: 'SUPERSEDED' })
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

function copyUpTo(world: World, position: bigint): WorldCopy {
  const copy = new WorldCopy(world.pinnedSha256)
  for (const record of world.records.slice(0, Number(position))) copy.take(record)
  copy.cosign(world.cosignedHead({ size: position, zones: world.zones.slice(1) }))
  return copy
}
