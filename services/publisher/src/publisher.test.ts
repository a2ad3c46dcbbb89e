import type { Event, LicenceIssued, RecognitionDeclared } from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { decodePayload } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import {
  beijingAuthority,
  beijingOrigin,
  beijingOtherAuthority,
  identifierOf,
  licence,
  licenceType,
  sharedAuthority,
  tianjinAuthority,
} from './testing/honest-hub.ts'
import { codesOf, leavesOf, startZone, until, type Zone } from './testing/open-zone.ts'

const quiet = { heartbeatCheckMs: 60_000 }

describe('publish', () => {
  it('brings a licence to SEALED, SEQUENCED and WITNESSED, and says where it stands', async () => {
    await using zone = await startZone({ settings: quiet })
    zone.hub.witnessing = false
    const [sequenced] = await zone.publish([licence(1)], { waitFor: 'sequenced' })
    expect(sequenced).toMatchObject({
      kind: 'published',
      index: 0n,
      stage: 'sequenced',
      position: 1n,
      duplicate: false,
    })
    zone.hub.witnessing = true
    const [witnessed] = await zone.publish([licence(2)], { waitFor: 'witnessed' })
    expect(witnessed).toMatchObject({ kind: 'published', index: 1n, stage: 'witnessed', position: 2n })
    const leafHashes = zone.hub.leaves.map((leaf) => Buffer.from(sha256Tree.leaf(leaf)).toString('hex'))
    expect(leafHashes).toEqual([hashOf(sequenced), hashOf(witnessed)])
  })

  it('answers SEALED when the caller has no more time, and sends later what was sealed', async () => {
    await using zone = await startZone({ settings: quiet })
    zone.hub.before = (call) => refuseCall(call === 'append')
    const [outcome] = await zone.publish([licence(1)], { waitFor: 'witnessed', patienceMs: 50 })
    expect(outcome).toMatchObject({ kind: 'published', stage: 'sealed', position: undefined })
    expect(zone.publisher.status().outbox).toBe(1)
    zone.hub.before = () => {}
    await until(() => zone.publisher.status().outbox === 0)
    expect(zone.hub.leaves).toHaveLength(1)
  })

  it('answers SEQUENCED when no quorum cosigns in time', async () => {
    await using zone = await startZone({ settings: quiet })
    zone.hub.witnessing = false
    const [outcome] = await zone.publish([licence(1)], { waitFor: 'witnessed', patienceMs: 50 })
    expect(outcome).toMatchObject({ stage: 'sequenced' })
  })

  it('keeps the chain of one subject: its secret, its previous event, the place in the log', async () => {
    await using zone = await startZone({ settings: quiet })
    const issued = licence(1)
    await zone.publish([issued, licence(2)])
    await zone.publish([change('licence_suspended', issued)])
    await zone.publish([change('licence_resumed', issued)])
    const leaves = leavesOf(zone.hub)
    expect(leaves.map(({ index, previous, kind }) => [index, previous, kind])).toEqual([
      [0n, 0n, 1],
      [1n, 0n, 1],
      [2n, 1n, 3],
      [3n, 3n, 4],
    ])
    expect(new Set([0, 2, 3].map((at) => Buffer.from(leaves[at]!.subject).toString('hex'))).size).toBe(1)
    expect(Buffer.compare(leaves[0]!.subject, leaves[1]!.subject)).not.toBe(0)
  })

  it('seals what came together in one batch, and more than a batch in several', async () => {
    await using zone = await startZone({ settings: quiet })
    const many = Array.from({ length: 256 }, (_, at) => licence(at))
    const more = Array.from({ length: 200 }, (_, at) => licence(1000 + at))
    const outcomes = await Promise.all([zone.publish(many), zone.publish(more)])
    expect(outcomes.flat().every(({ kind }) => kind === 'published')).toBe(true)
    expect(zone.hub.records.map(({ entries }) => entries.length)).toEqual([0, 256, 200])
  })

  it('parts a request whose events do not fit into the bytes of one batch', async () => {
    await using zone = await startZone({ settings: quiet })
    const extensions = [1, 2, 3, 4].map((at) => ({ name: `KZ_${at}`, value: 'x'.repeat(4_000) }))
    const large = Array.from({ length: 100 }, (_, at) => licence(at, { extensions }))
    const outcomes = await zone.publish(large)
    expect(codesOf(outcomes)).toEqual(large.map(() => 'published'))
    expect(zone.hub.records.filter(({ entries }) => entries.length > 0).length).toBe(2)
    expect(leavesOf(zone.hub).map(({ index }) => index)).toEqual(large.map((_, at) => BigInt(at)))
  })

  it('writes no name and no number outside the payload', async () => {
    await using zone = await startZone({ settings: quiet })
    const event = licence(77, { holder: { name: '张测试', code: 'SECRET-77', codeType: '099' } })
    await zone.publish([event])
    const [leaf] = zone.hub.leaves
    expect(Buffer.from(leaf!).includes('SECRET-77')).toBe(false)
    const payload = decodePayload(zone.hub.records[1]!.entries[0]!.payload)
    expect(payload.kind === 'payload' && payload.payload).toMatchObject({
      origin: beijingOrigin,
      event: { holder: { code: 'SECRET-77' } },
    })
  })
})

describe('what is refused before the leaf', () => {
  const refusals: readonly [code: string, event: Event, asking?: Parameters<Zone['publish']>[1]][] = [
    ['CHECK_CHARACTER', licence(1, { identifier: wrongCheck(identifierOf(beijingAuthority, '1')) })],
    ['MALFORMED_IDENTIFIER', licence(1, { identifier: 'not one' })],
    ['IMPOSSIBLE_DATE', licence(1, { issuedOn: '2026-02-30' })],
    ['PERIOD_REVERSED', licence(1, { validFrom: '2026-02-01', validUntil: '2026-01-01' })],
    ['AUTHORITY_CREDIT_CODE', licence(1, { authority: '123', identifier: identifierOf(beijingAuthority, '1') })],
    ['ISSUER_OF_ANOTHER_ZONE', licence(1, { authority: tianjinAuthority })],
    ['ISSUER_OF_ANOTHER_ZONE', licence(1, { identifier: identifierOf(beijingOtherAuthority, '1') })],
    ['MAY_NOT_ISSUE', otherType()],
    ['NOT_ISSUED', change('licence_suspended', licence('NONE'))],
    ['NOT_ISSUED', change('licence_revoked', licence('NONE'))],
    [
      'NOT_DECLARED_BEFORE',
      { kind: 'recognition_withdrawn', declarationId: 'd', version: 2, effectiveFromMs: undefined, reason: '' },
    ],
    ['VERSION_SKIPS', declaration({ version: 2 })],
    ['RESTATED_UNKNOWN', restated(licence('NONE'), 0n, new Uint8Array(32))],
    ['NOT_PUBLISHABLE', { kind: 'observed', head: new Uint8Array() }],
    ['REQUEST_ID', licence(1), { ids: [''] }],
    ['REQUEST_ID', licence(1), { ids: ['x'.repeat(65)] }],
    ['REQUEST_ID', licence(1), { ids: ['a\u0000b'] }],
    ['NOT_AUTHORISED', licence(1), { authorities: [beijingOtherAuthority] }],
    ['NOT_AUTHORISED', declaration({}), { authorities: [beijingAuthority] }],
    ['LONE_SURROGATE', licence(1, { name: 'a\ud800' })],
  ]
  for (const [code, event, asking] of refusals) {
    it(`refuses ${event.kind} with ${code}, and nothing is written`, async () => {
      await using zone = await startZone({ settings: quiet })
      expect(codesOf(await zone.publish([event], asking))).toEqual([code])
      expect(zone.publisher.status().size).toBe(0n)
      expect(await zone.store.range('batches', { limit: 1 })).toEqual([])
    })
  }

  it('refuses one bad event of a request and writes the others', async () => {
    await using zone = await startZone({ settings: quiet })
    const events = [
      licence(1),
      licence(2, { issuedOn: 'yesterday' }),
      change('licence_resumed', licence(1)),
      licence(3),
    ]
    expect(codesOf(await zone.publish(events))).toEqual(['published', 'IMPOSSIBLE_DATE', 'NOT_SUSPENDED', 'published'])
    expect(leavesOf(zone.hub).map(({ index }) => index)).toEqual([0n, 1n])
  })

  it('judges each event against those before it in the same batch', async () => {
    await using zone = await startZone({ settings: quiet })
    const one = licence(1)
    const events = [
      one,
      change('licence_suspended', one),
      change('licence_suspended', one),
      change('licence_revoked', one),
      change('licence_resumed', one),
    ]
    expect(codesOf(await zone.publish(events))).toEqual([
      'published',
      'published',
      'ALREADY_SUSPENDED',
      'published',
      'ALREADY_REVOKED',
    ])
  })

  it('judges against the log as it was read from the store, not only from memory', async () => {
    const first = await startZone({ settings: quiet })
    const one = licence(1)
    await first.publish([one, change('licence_suspended', one)])
    await first[Symbol.asyncDispose]()
    await using again = await startZone({ store: first.store, hub: first.hub, settings: quiet })
    const events = [change('licence_suspended', one), change('licence_resumed', one), change('licence_resumed', one)]
    expect(codesOf(await again.publish(events))).toEqual(['ALREADY_SUSPENDED', 'published', 'NOT_SUSPENDED'])
    expect(leavesOf(again.hub).map(({ previous }) => previous)).toEqual([0n, 1n, 2n])
  })

  it('says whose power is missing for a licence of another authority of the zone', async () => {
    await using zone = await startZone({ settings: quiet })
    const one = licence(1)
    await zone.publish([one])
    const wrong: Event = { ...change('licence_revoked', one), authority: beijingOtherAuthority }
    expect(codesOf(await zone.publish([wrong]))).toEqual(['ISSUER_OF_ANOTHER_ZONE'])
  })
})

describe('requests', () => {
  it('gives the same answer to the same request, also after a restart', async () => {
    const first = await startZone({ settings: quiet })
    first.hub.witnessing = false
    const [before] = await first.publish([licence(1)], { ids: ['one'] })
    const [again] = await first.publish([licence(1)], { ids: ['one'] })
    await first[Symbol.asyncDispose]()
    await using zone = await startZone({ store: first.store, hub: first.hub, settings: quiet })
    const [restarted] = await zone.publish([licence(1)], { ids: ['one'] })
    expect(again).toEqual({ ...before, duplicate: true })
    expect(restarted).toEqual({ ...before, duplicate: true })
    expect(zone.hub.leaves).toHaveLength(1)
  })

  it('answers the same request also where the event would not follow any more', async () => {
    await using zone = await startZone({ settings: quiet })
    const one = licence(1)
    await zone.publish([one])
    await zone.publish([change('licence_suspended', one)], { ids: ['s'] })
    await zone.publish([change('licence_revoked', one)])
    expect(codesOf(await zone.publish([change('licence_suspended', one)], { ids: ['s'] }))).toEqual(['duplicate'])
  })

  it('refuses another content under the same request id: of the same subject, of another, of a new one', async () => {
    await using zone = await startZone({ settings: quiet })
    await zone.publish([licence(1), licence(2)], { ids: ['one', 'two'] })
    const others = [licence(1, { name: '另一证照' }), licence(2), licence(3)]
    for (const other of others) expect(codesOf(await zone.publish([other], { ids: ['one'] }))).toEqual(['CONFLICT'])
    expect(zone.hub.leaves).toHaveLength(2)
  })

  it('knows the request ids of one client from those of another', async () => {
    await using zone = await startZone({ settings: quiet })
    await zone.publish([licence(1)], { ids: ['b/c'], client: 'a' })
    expect(codesOf(await zone.publish([licence(2)], { ids: ['c'], client: 'a/b' }))).toEqual(['published'])
    expect(codesOf(await zone.publish([licence(3)], { ids: ['b/c'], client: 'b' }))).toEqual(['published'])
  })

  it('takes a repeated request within one batch for the same', async () => {
    await using zone = await startZone({ settings: quiet })
    const outcomes = await zone.publish([licence(1), licence(1), licence(2)], { ids: ['one', 'one', 'one'] })
    expect(codesOf(outcomes)).toEqual(['published', 'duplicate', 'CONFLICT'])
    expect(hashOf(outcomes[0])).toBe(hashOf(outcomes[1]))
  })

  it('takes a licence issued again with equal content for a quiet duplicate, with other content for a conflict', async () => {
    await using zone = await startZone({ settings: quiet })
    await zone.publish([licence(1)])
    expect(codesOf(await zone.publish([licence(1), licence(1, { name: '另一证照' })]))).toEqual([
      'duplicate',
      'CONFLICT',
    ])
    await zone.publish([change('licence_suspended', licence(1))])
    expect(codesOf(await zone.publish([licence(1)]))).toEqual(['duplicate'])
  })

  it('refuses a request when the queue is full', async () => {
    await using zone = await startZone({ settings: { ...quiet, maxQueuedEvents: 2 } })
    const answer = await zone.ask([licence(1), licence(2), licence(3)])
    expect(answer).toMatchObject({ kind: 'refused', refusal: { code: 'QUEUE_FULL' } })
    expect(codesOf(await zone.publish([licence(1), licence(2)]))).toEqual(['published', 'published'])
    expect(codesOf(await zone.publish([licence(3), licence(4)]))).toEqual(['published', 'published'])
  })
})

describe('restated', () => {
  it('repeats an event of this log about this subject, and no other', async () => {
    await using zone = await startZone({ settings: quiet })
    const [one, two] = await zone.publish([licence(1), licence(2)])
    if (one?.kind !== 'published' || two?.kind !== 'published') throw new Error('not published')
    const outcomes = await zone.publish([
      restated(licence(1), one.index, one.leafHash),
      restated(licence(1), two.index, two.leafHash),
      restated(licence(1), one.index, two.leafHash),
      restated(licence(1), 99n, one.leafHash),
    ])
    expect(codesOf(outcomes)).toEqual(['published', 'RESTATED_UNKNOWN', 'RESTATED_UNKNOWN', 'RESTATED_UNKNOWN'])
  })

  it('is for who speaks for the authority of the licence', async () => {
    await using zone = await startZone({ settings: quiet })
    const [one] = await zone.publish([licence(1)])
    if (one?.kind !== 'published') throw new Error('not published')
    const again = restated(licence(1), one.index, one.leafHash)
    expect(codesOf(await zone.publish([again], { authorities: [beijingOtherAuthority] }))).toEqual(['NOT_AUTHORISED'])
    expect(codesOf(await zone.publish([again], { authorities: [beijingAuthority] }))).toEqual(['published'])
  })
})

describe('recognition', () => {
  it('declares and withdraws in versions that go up by one', async () => {
    await using zone = await startZone({ settings: quiet })
    const withdrawn: Event = {
      kind: 'recognition_withdrawn',
      declarationId: 'd-1',
      version: 3,
      effectiveFromMs: undefined,
      reason: '',
    }
    const events = [
      declaration({}),
      declaration({ version: 2 }),
      declaration({ version: 2, legalBasis: 'other' }),
      withdrawn,
    ]
    expect(codesOf(await zone.publish(events))).toEqual(['published', 'published', 'VERSION_SKIPS', 'published'])
  })
})

describe('an identifier that may live in another zone', () => {
  const shared = licence('SHARED', { authority: sharedAuthority })
  const variant = licence('V', { identifier: `1.2.156.3003.2.${licenceType}.X1` })
  const verifierSaying = (zones: readonly string[]) => {
    const asked: string[] = []
    return {
      asked,
      async zonesOf(subjectStrings: readonly string[]) {
        asked.push(...subjectStrings)
        return subjectStrings.map(() => zones)
      },
      head: async () => new Uint8Array(),
    }
  }

  it('is refused ISSUED_ELSEWHERE where it does, and the rest goes on', async () => {
    const verifier = verifierSaying(['tianjin'])
    await using zone = await startZone({ verifier, settings: quiet })
    expect(codesOf(await zone.publish([licence(1), shared, variant]))).toEqual([
      'published',
      'ISSUED_ELSEWHERE',
      'ISSUED_ELSEWHERE',
    ])
    expect(verifier.asked).toHaveLength(2)
  })

  it('is issued where it lives nowhere, or only here', async () => {
    await using zone = await startZone({ verifier: verifierSaying([]), settings: quiet })
    expect(codesOf(await zone.publish([shared]))).toEqual(['published'])
    await using home = await startZone({ verifier: verifierSaying(['beijing']), settings: quiet })
    expect(codesOf(await home.publish([shared]))).toEqual(['published'])
  })

  it('waits for another time while the verifier is away, and the rest goes on', async () => {
    const away = { zonesOf: () => Promise.reject(new Error('away')), head: () => Promise.reject(new Error('away')) }
    await using zone = await startZone({ verifier: away, settings: quiet })
    expect(codesOf(await zone.publish([shared, licence(1)]))).toEqual(['VERIFIER_NOT_ANSWERED', 'published'])
  })
})

describe('heartbeat', () => {
  it('says at once in each run that the zone is here, and again when the last one is older than the charter asks', async () => {
    const clock = { nowMs: Date.UTC(2026, 5, 1) }
    const head = new TextEncoder().encode('a head')
    const verifier = { zonesOf: async () => [], head: async () => head }
    await using zone = await startZone({ clock, verifier })
    await until(() => zone.hub.leaves.length === 1)
    const [first] = leavesOf(zone.hub)
    expect(first).toMatchObject({ kind: 128, previous: 0n, loggedAtMs: clock.nowMs })
    expect(first!.subject.every((byte) => byte === 0)).toBe(true)
    expect(zone.publisher.status()).toMatchObject({ observedHead: head, observedAtMs: clock.nowMs })
    clock.nowMs += 60_000
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(zone.hub.leaves).toHaveLength(1)
    clock.nowMs += 1
    await until(() => zone.hub.leaves.length === 2)
  })

  it('is not kept back by a verifier that is away, and carries the head of the last one', async () => {
    const clock = { nowMs: Date.UTC(2026, 5, 1) }
    let away = false
    const head = new TextEncoder().encode('a head')
    const verifier = { zonesOf: async () => [], head: async () => (away ? Promise.reject(new Error('away')) : head) }
    await using zone = await startZone({ clock, verifier })
    await until(() => zone.hub.leaves.length === 1)
    away = true
    clock.nowMs += 60_001
    await until(() => zone.hub.leaves.length === 2)
    expect(zone.publisher.status().observedHead).toEqual(head)
  })

  it('waits while something is in the outbox', async () => {
    const clock = { nowMs: Date.UTC(2026, 5, 1) }
    await using zone = await startZone({ clock })
    await until(() => zone.hub.leaves.length === 1)
    zone.hub.before = (call) => refuseCall(call === 'append')
    await zone.publish([licence(1)], { waitFor: 'sealed' })
    clock.nowMs += 200_000
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(zone.publisher.status().size).toBe(2n)
  })
})

function hashOf(outcome: unknown): string {
  return Buffer.from((outcome as { leafHash: Uint8Array }).leafHash).toString('hex')
}

function refuseCall(refuses: boolean): void {
  if (refuses) throw new Error('the hub is away')
}

function change(
  kind: 'licence_suspended' | 'licence_resumed' | 'licence_revoked',
  { identifier, authority }: LicenceIssued,
): Extract<Event, { identifier: string; reason: string }> {
  const decision = { identifier, authority, reason: '', decidedOn: '' }
  return kind === 'licence_revoked' ? { kind, ...decision, manner: 'cancelled' } : { kind, ...decision }
}

function declaration(differs: Partial<RecognitionDeclared>): RecognitionDeclared {
  return {
    kind: 'recognition_declared',
    declarationId: 'd-1',
    version: 1,
    licenceType,
    issuingZones: ['tianjin'],
    matters: ['M-1'],
    mode: 'cross_province',
    effectiveFromMs: Date.UTC(2026, 5, 1),
    effectiveUntilMs: undefined,
    fields: [],
    legalBasis: 'law',
    ...differs,
  }
}

function restated({ identifier }: LicenceIssued, index: bigint, leafHash: Uint8Array): Event {
  return { kind: 'restated', about: { kind: 'licence', identifier }, index, leafHash }
}

/** A type that the authority may not issue. */
function otherType(): LicenceIssued {
  const type = '11100000000013338W032'
  return licence(1, { licenceType: type, identifier: identifierOf(beijingAuthority, '1', '001', type) })
}

function wrongCheck(identifier: string): string {
  return identifier.slice(0, -1) + (identifier.endsWith('0') ? '1' : '0')
}
