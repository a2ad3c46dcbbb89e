import type { Event, LicenceAmended, LicenceCorrected, LicenceIssued, LicenceRenewed } from '@hutong/licence'
import { decodeRecord, type EntryRecord, encodeRecord } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldEvent, foldSubject, type SubjectFold } from './fold.ts'
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
} from './world.ts'

// Stories drawn at random, held against a model of the rules that knows no bytes.

type Step =
  | { readonly kind: 'issue' | 'suspend' | 'resume' | 'revoke' | 'revoke_badly' | 'mismatch' | 'missing' | 'newer' }
  | { readonly kind: 'amend' | 'renew' | 'correct' }
  | { readonly kind: 'restate'; readonly which: number }
  | { readonly kind: 'elsewhere' }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Step>({ kind: 'issue' }, { kind: 'suspend' }, { kind: 'resume' }) },
    { weight: 2, arbitrary: fc.constantFrom<Step>({ kind: 'amend' }, { kind: 'renew' }, { kind: 'correct' }) },
    { weight: 2, arbitrary: fc.nat({ max: 9 }).map((which): Step => ({ kind: 'restate', which })) },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Step>({ kind: 'revoke_badly' }, { kind: 'mismatch' }, { kind: 'elsewhere' }),
    },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'revoke' }, { kind: 'missing' }, { kind: 'newer' }) },
  ),
  { maxLength: 12 },
)

/** The rules of the domain, as short as they can be said. */
function modelWord(story: readonly Step[]): string {
  let state = 'none'
  let clouds: { readonly event: number; readonly until: 'read' | 'restated' | 'later event' }[] = []
  let events = 0
  const stands = (next: string) => {
    state = next
    clouds = clouds.filter(({ until }) => until !== 'later event')
  }
  const cloud = (until: (typeof clouds)[0]['until']) => clouds.push({ event: events, until })
  for (const step of story) {
    if (step.kind === 'elsewhere') continue
    if (step.kind === 'restate' && step.which >= events) continue
    if (step.kind === 'issue' && state === 'none') stands('in_force')
    const changes = state === 'in_force' || state === 'suspended'
    if (step.kind === 'resume' && state === 'suspended') stands('in_force')
    else if (step.kind === 'renew') changes && stands(state)
    else if (step.kind === 'amend' || step.kind === 'correct') changes ? stands(state) : cloud('later event')
    else if (step.kind === 'suspend') state === 'in_force' ? stands('suspended') : cloud('later event')
    else if (step.kind === 'revoke') {
      state === 'in_force' || state === 'suspended' ? stands('revoked') : cloud('later event')
    } else if (step.kind === 'revoke_badly') cloud('later event')
    else if (step.kind === 'mismatch') cloud('restated')
    else if (step.kind === 'missing' || step.kind === 'newer') cloud('read')
    else if (step.kind === 'restate') {
      const { which } = step
      clouds = clouds.filter(({ event, until }) => event !== which || until === 'read')
    }
    events++
  }
  if (state === 'revoked') return 'INVALID'
  if (clouds.length > 0 || state === 'none') return 'UNDETERMINED'
  return state === 'in_force' ? 'VALID' : 'INVALID'
}

function told(story: readonly Step[]) {
  const world = new World({ suite: 'Ed25519' })
  let licence = world.licence('beijing', '0001')
  const other = world.licence('beijing', '0002')
  const published: Published[] = []
  const superseded: string[] = []
  // Between issue and revocation the content may change; which of these two stood is all that has to be remembered.
  let alive = false
  let dead = false
  const publish = (event: Event | Twisted) => published.push(world.publish('beijing', event))
  const change = (event: LicenceAmended | LicenceRenewed | LicenceCorrected, after: LicenceIssued) => {
    publish(event)
    if (!alive || dead) return
    if (after.identifier !== licence.identifier) superseded.push(licence.identifier)
    licence = after
  }
  world.publish('beijing', other)
  for (const step of story) {
    switch (step.kind) {
      case 'issue':
        publish(licence)
        alive = true
        break
      case 'amend': {
        const event = amended(licence, { number: `A-${published.length}` })
        change(event, event.licence)
        break
      }
      case 'renew': {
        const validUntil = String(Number(licence.validUntil.slice(0, 4)) + 1) + licence.validUntil.slice(4)
        change(renewed(licence, validUntil), { ...licence, validUntil })
        break
      }
      case 'correct': {
        const event = corrected(licence, { number: `C-${published.length}` })
        change(event, event.licence)
        break
      }
      case 'suspend':
        publish(suspended(licence))
        break
      case 'resume':
        publish(resumed(licence))
        break
      case 'revoke':
        publish(revoked(licence))
        dead ||= alive
        break
      case 'revoke_badly':
        publish({ ...revoked(licence), decidedOn: '2026-02-30' })
        break
      case 'mismatch':
        publish({ event: revoked(licence), kind: 3 })
        break
      case 'missing':
        publish({ event: revoked(licence), carried: 'missing' })
        break
      case 'newer':
        publish({ event: revoked(licence), kind: 7 })
        break
      case 'restate': {
        const named = published[step.which]
        if (named !== undefined) publish(restated(licence, named))
        break
      }
      case 'elsewhere':
        world.publish('tianjin', licence)
        world.publish('beijing', suspended(other))
        world.observe('langfang')
    }
  }
  return { world, licence, published, superseded }
}

const word = (copy: WorldCopy, { world, licence }: ReturnType<typeof told>) =>
  copy.ask(licence, { at: 'beijing', nowMs: world.nowMs }).word

describe('any story', () => {
  it('comes to the word that the rules say', () => {
    fc.assert(
      fc.property(steps, (story) => {
        const one = told(story)
        expect(word(one.world.copy(), one)).toBe(modelWord(story))
      }),
      { numRuns: 120 },
    )
  })

  it('leaves every earlier version superseded by the one that counts, whatever else was told', () => {
    fc.assert(
      fc.property(steps, (story) => {
        const one = told([{ kind: 'issue' }, { kind: 'amend' }, ...story])
        const copy = one.world.copy()
        for (const earlier of one.superseded) {
          expect(copy.ask(earlier, { at: 'langfang', nowMs: one.world.nowMs })).toMatchObject({
            word: 'INVALID',
            code: 'SUPERSEDED',
            successor: one.licence.identifier,
            licence: undefined,
          })
        }
        expect(copy.fold('beijing', one.published[0]!.subject).licence).toMatchObject({
          licence: one.licence,
          superseded: one.superseded,
        })
      }),
      { numRuns: 40 },
    )
  })

  it('is VALID with damage only where it is VALID without, and says so of no licence whose event is damaged', () => {
    const harm = fc.array(fc.constantFrom('salt', 'payload', 'both', 'none'), { minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(steps, harm, (story, harms) => {
        const one = told(story)
        const whole = word(one.world.copy(), one)
        const damaged = one.world.copy()
        for (const [at, { origin, index, entry }] of one.published.entries()) {
          const { salt, payload } = entry
          const hurt = harms[at]
          if (hurt === 'none') continue
          const nothing = new Uint8Array(0)
          const flipped = Buffer.from(payload)
          flipped[at % flipped.length]! ^= 0x40
          damaged.supply(origin, index, {
            salt: hurt === 'both' ? nothing : hurt === 'salt' ? flipped.subarray(0, 32) : salt,
            payload: hurt === 'both' ? nothing : hurt === 'payload' ? flipped : payload,
          })
        }
        const hurtAny = one.published.some((_, at) => harms[at] !== 'none')
        const after = word(damaged, one)
        if (after === 'VALID') expect([whole, hurtAny]).toEqual(['VALID', false])
        if (after === 'INVALID') expect(whole).toBe('INVALID')
      }),
      { numRuns: 60 },
    )
  })

  it('is refused or left undetermined with any byte of its records flipped, never told otherwise', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (story, record, byte, bits) => {
        const one = told(story)
        const whole = word(one.world.copy(), one)
        const { records } = one.world
        const hurt = record % records.length
        const bytes = Buffer.from(encodeRecord(records[hurt]!))
        bytes[byte % bytes.length]! ^= bits
        const read = decodeRecord(bytes)
        if (read.kind !== 'record' || read.record.kind !== 'entry') return
        const copy = new WorldCopy(one.world.pinnedSha256)
        const stream: EntryRecord[] = records.with(hurt, read.record)
        const refused = stream.some((each) => copy.take(each).kind === 'refused')
        if (refused) return
        copy.cosign(one.world.cosignedHead())
        expect([whole, 'UNDETERMINED']).toContain(word(copy, one))
      }),
      { numRuns: 120 },
    )
  })

  it('folds one by one to what it folds to at once', () => {
    fc.assert(
      fc.property(steps, (story) => {
        const one = told([{ kind: 'issue' }, ...story])
        const copy = one.world.copy()
        const { subject } = one.published[0]!
        const context = { trust: copy.trust, primarySubject: (text: string) => copy.primarySubject('beijing', text) }
        const about = copy.events.filter((event) => event.subject === subject)
        const atOnce = foldSubject('beijing', subject, about, context)
        const steadily = about.reduce<SubjectFold>(
          (fold, event) => foldEvent(fold, event, context),
          foldSubject('beijing', subject, [], context),
        )
        expect(steadily).toEqual(atOnce)
        expect(atOnce).toEqual(copy.fold('beijing', subject))
      }),
      { numRuns: 60 },
    )
  })
})
