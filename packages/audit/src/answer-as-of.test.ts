import {
  amended,
  type Published,
  questionOf,
  restated,
  resumed,
  revoked,
  suspended,
  type Twisted,
  unknownField,
  World,
  withdrawn,
} from '@hutong/verify/world'
import { findingsBytes, type LoggedRecord } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnswerAsOf, type AnswerAsOfOptions, answerAsOf } from './answer-as-of.ts'
import type { RecordSource, UnreadableRecord } from './ports.ts'

// What a zone's verifier answers is held against the same list of all events in its own room.

type Licence = ReturnType<World['licence']>

interface Happening {
  readonly what: number
  readonly twist: number
}

/** What happens to a licence of beijing and to what tianjin declares about it. */
class Story {
  readonly world: World = new World({ suite: 'Ed25519' })
  readonly licence: Licence = this.world.licence('beijing', 'S')
  readonly declaration: ReturnType<World['declaration']> = { ...this.world.declaration('tianjin'), effectiveFromMs: 0 }
  readonly #published: Published[] = []

  tell({ what, twist }: Happening): void {
    const { world, licence, declaration } = this
    world.tick(1000)
    const twisted: Partial<Twisted>[] = [
      { carried: 'missing' },
      { kind: 60 },
      { secret: Buffer.alloc(16, 7) },
      { payloadSuffix: unknownField(500) },
    ]
    const publish = (zone: string, event: Twisted['event']) =>
      this.#published.push(world.publish(zone, { event, ...twisted[twist] }))
    const named = this.#published.findLast(({ zone }) => zone === 'beijing')
    const happenings: readonly (() => unknown)[] = [
      () => publish('beijing', licence),
      () => publish('beijing', suspended(licence)),
      () => publish('beijing', resumed(licence)),
      () => publish('beijing', revoked(licence)),
      () => publish('tianjin', declaration),
      () => publish('tianjin', withdrawn(declaration)),
      () => publish('beijing', world.licence('beijing', 'OTHER')),
      () => named && publish('beijing', restated(licence, named)),
      () => world.compromise('beijing', world.logSize('beijing') / 2n),
      () => world.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs * 2 })),
      () => publish('beijing', amended(licence)),
      () => world.observe('langfang'),
    ]
    happenings[what]?.()
  }
}

const happenings = fc.array(fc.record({ what: fc.nat({ max: 11 }), twist: fc.nat({ max: 15 }) }), { maxLength: 8 })

describe('an answer as of a position, out of the records alone', () => {
  it('is the one given then, and the one of a copy that has read on, whatever happens afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(happenings, async (list) => {
        const story = new Story()
        const { world, licence } = story
        const given: Uint8Array[] = []
        for (const happening of [{ what: 4, twist: 9 }, { what: 0, twist: 9 }, ...list]) {
          story.tell(happening)
          const now = { kind: 'position', position: world.size } as const
          given[Number(world.size)] = findingsBytes(world.ask(licence, { at: 'tianjin', asOf: now }))
        }
        const later = world.copy()
        for (const [position, bytes] of given.entries()) {
          if (bytes === undefined) continue
          const asOf = { kind: 'position', position: BigInt(position) } as const
          const rebuilt = await asked(world, licence, { asOf })
          expect(rebuilt.kind).toBe('findings')
          if (rebuilt.kind !== 'findings') continue
          expect(Buffer.compare(findingsBytes(rebuilt.findings), bytes)).toBe(0)
          const afterwards = later.ask(licence, { at: 'tianjin', asOf, nowMs: world.nowMs })
          expect(Buffer.compare(findingsBytes(afterwards), bytes)).toBe(0)
        }
      }),
      { numRuns: 12 },
    )
  })

  it('knows nothing of what came later: a revocation, a withdrawal, a compromised key', async () => {
    const story = new Story()
    const { world, licence } = story
    for (const what of [4, 0]) story.tell({ what, twist: 9 })
    const before = world.size
    for (const what of [8, 5, 3]) story.tell({ what, twist: 9 })
    const at = async (position: bigint) => {
      const answer = await asked(world, licence, { asOf: { kind: 'position', position } })
      return answer.kind === 'findings' ? answer.findings.code : answer.kind
    }
    expect(await Promise.all([0n, 1n, 2n, 3n, 4n].map((more) => at(before - 1n + more)))).toEqual([
      'NOT_IN_LOG',
      'VALID',
      'KEY_COMPROMISED',
      'NOT_IN_FORCE',
      'REVOKED',
    ])
  })

  it('of a time is of all that the hub had received by then, judged by that time', async () => {
    const story = new Story()
    const { world } = story
    story.tell({ what: 4, twist: 9 })
    const licence = world.licence('beijing', 'SHORT', { validUntil: '2026-06-02' })
    world.publish('beijing', licence)
    const position = world.size
    const at = (timeMs: number) => asked(world, licence, { asOf: { kind: 'time', timeMs } })
    expect(await at(world.nowMs)).toEqual({ kind: 'not_yet', cosigned: position })
    world.tick(7 * 86_400_000)
    world.observe('langfang')
    const words = async (timeMs: number) => {
      const answer = await at(timeMs)
      return answer.kind === 'findings' ? [answer.findings.code, answer.findings.position] : [answer.kind]
    }
    expect(await words(Date.UTC(2026, 5, 2, 15, 59, 59))).toEqual(['VALID', position])
    expect(await words(Date.UTC(2026, 5, 2, 16))).toEqual(['EXPIRED', position])
    expect(await words(Date.UTC(2020, 0, 1))).toEqual(['before_first_leaf'])
    expect(await words(world.nowMs)).toEqual(['not_yet'])
  })

  it('is not given beyond the newest cosigned head, for no leaf at all, and over records that contradict themselves', async () => {
    const { world, licence } = new Story()
    const asOf = { kind: 'position', position: world.size } as const
    expect(await asked(world, licence, { asOf: { kind: 'position', position: 0n } })).toEqual({
      kind: 'before_first_leaf',
    })
    expect(await asked(world, licence, { asOf: { kind: 'position', position: world.size + 1n } })).toMatchObject({
      kind: 'not_yet',
    })
    const uncosigned = { ...sourceOf(world), heads: async () => ({ head: world.head(), cosigned: new Uint8Array() }) }
    expect(await asked(world, licence, { asOf, source: uncosigned })).toMatchObject({ kind: 'not_yet', cosigned: 0n })
    const other = new World({ suite: 'Ed25519', startMs: 1_000_000 })
    const forked = { ...sourceOf(world), heads: sourceOf(other).heads }
    expect(await asked(world, licence, { asOf, source: forked })).toMatchObject({ kind: 'contradiction' })
  })
})

function asked(
  world: World,
  licence: Licence,
  options: Pick<AnswerAsOfOptions, 'asOf'> & { readonly source?: RecordSource },
): Promise<AnswerAsOf> {
  const question = questionOf(licence, { at: 'tianjin' })
  return answerAsOf({ source: sourceOf(world), charterSha256: world.pinnedSha256, question, ...options })
}

function sourceOf(world: World): RecordSource {
  return {
    async *records(fromIndex): AsyncGenerator<LoggedRecord | UnreadableRecord> {
      yield* world.records.slice(Number(fromIndex))
      yield { kind: 'head', checkpoint: world.head() }
    },
    heads: async () => ({ head: world.head(), cosigned: world.cosignedHead() }),
  }
}
