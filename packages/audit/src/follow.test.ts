import { setTimeout as wait } from 'node:timers/promises'
import { rootOfLeafHashes, sha256Tree } from '@hutong/merkle'
import { digestRow } from '@hutong/verify'
import { suspended, World, WorldCopy } from '@hutong/verify/world'
import { decodeDigestRow, type LoggedRecord } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { type FollowEnd, type FollowFact, type FollowOptions, follow } from './follow.ts'
import { judgeEvidence } from './judge-evidence.ts'
import type { VerifierPeer } from './ports.ts'

describe('following', () => {
  it('goes on after a broken connection, from where it was, and compares what it has', async () => {
    const world = story('L')
    const asked: bigint[] = []
    let broken = 0
    const facts: FollowFact[] = []
    const stop = new AbortController()
    const running = watch(world, {
      source: {
        async *records(from) {
          asked.push(from)
          if (broken++ < 2) {
            yield world.records[Number(from)]!
            throw new Error('cable cut')
          }
          yield* world.records.slice(Number(from))
          yield head(world)
          await new Promise(() => {})
        },
      },
      verifiers: [verifier(world)],
      signal: stop.signal,
      onFact: (fact) => {
        facts.push(fact)
        if (fact.kind === 'compared' && fact.position === world.size) stop.abort(new Error('enough'))
      },
    })
    await expect(running).rejects.toThrow('enough')
    expect(asked).toEqual([0n, 1n, 2n])
    expect(facts.filter(({ kind }) => kind === 'reconnecting')).toHaveLength(2)
    expect(facts.at(-1)).toMatchObject({ kind: 'compared', findings: [{ kind: 'agrees', zone: 'tianjin' }] })
  })

  it('ends with evidence when the hub shows a verifier another history', async () => {
    const [world, fork] = [story('L'), story('OTHERWISE')]
    for (const shown of [fork.head(), fork.head(3n)]) {
      const end = await watch(world, {
        verifiers: [{ ...verifier(world), standing: async () => ({ position: 99n, head: shown }) }],
      })
      expect(end.contradiction).toMatchObject({ code: 'HEAD_ROOT' })
      expect(accused(world, end)).toEqual(['hub'])
    }
  })

  it('ends with evidence when a zone repeats a head of another history in its heartbeat', async () => {
    const fork = story('OTHERWISE')
    const world = story('L')
    world.publish('tianjin', { kind: 'observed', head: fork.head(4n) })
    const end = await watch(world, {})
    expect(end.contradiction).toMatchObject({ code: 'HEAD_ROOT', position: 4n })
    expect(accused(world, end)).toEqual(['hub'])
  })

  it('ends without evidence, and says so, at what only the auditor saw', async () => {
    const world = story('L')
    const records = world.records.toSpliced(3, 1)
    const end = await watch(world, { source: sourceOf([...records, head(world)]) })
    expect(end).toMatchObject({ contradiction: { code: 'HUB_LEAF_INDEX', position: 3n }, evidence: [] })
  })

  it('ends at a verifier that has another state: a finding, no evidence', async () => {
    const world = story('L')
    const held = verifier(world)
    const digest: VerifierPeer['digest'] = async (...asked) => {
      const answer = await held.digest(...asked)
      return answer.kind === 'digest' ? { ...answer, digest: new Uint8Array(32) } : answer
    }
    const end = await watch(world, { verifiers: [{ ...held, digest }] })
    expect(end).toMatchObject({ contradiction: undefined, findings: [{ zone: 'tianjin' }], evidence: [] })
  })

  it('ends at a verifier that shows a head the hub has not signed, whatever its rows say', async () => {
    const world = story('L')
    const forged = Buffer.from(world.head())
    forged[forged.length - 4]! ^= 1
    const facts: FollowFact[] = []
    const end = await watch(world, {
      verifiers: [{ ...verifier(world), standing: async () => ({ position: world.size, head: forged }) }],
      onFact: (fact) => facts.push(fact),
    })
    expect(end).toMatchObject({ contradiction: undefined, findings: [{ zone: 'tianjin', kind: 'inconsistent' }] })
    expect(facts.at(-1)).toMatchObject({ kind: 'compared', findings: [{ kind: 'inconsistent' }] })
  })

  it('waits longer each time for a hub that hangs up after its heads', async () => {
    const world = story('L')
    const waits: number[] = []
    const stop = new AbortController()
    let connections = 0
    const running = watch(world, {
      source: {
        async *records(from) {
          if (connections++ === 0) yield* world.records.slice(Number(from))
          yield head(world)
        },
      },
      compareEveryMs: 60_000,
      signal: stop.signal,
      onFact: (fact) => {
        if (fact.kind === 'reconnecting') waits.push(fact.waitMs)
        if (waits.length === 5) stop.abort(new Error('enough'))
      },
    })
    await expect(running).rejects.toThrow('enough')
    expect(waits).toEqual([250, 500, 1000, 2000, 4000])
  })

  it('has no hurry before the first charter', async () => {
    const world = story('L')
    const stop = new AbortController()
    const waits: number[] = []
    let nowMs = 0
    const running = watch(world, {
      source: sourceOf([]),
      compareEveryMs: 1000,
      signal: stop.signal,
      nowMs: () => nowMs,
      pause: async (ms) => {
        waits.push(ms)
        nowMs += ms
        if (waits.length === 4) stop.abort(new Error('enough'))
      },
    })
    await expect(running).rejects.toThrow('enough')
    expect(waits).toEqual([1000, 1000, 1000, 1000])
  })

  it('tells of a verifier that is away or behind, and goes on', async () => {
    const world = story('L')
    const facts: FollowFact[] = []
    const stop = new AbortController()
    let nowMs = 0
    const away = { ...verifier(world), standing: () => Promise.reject(new Error('connection refused')) }
    const behind = {
      ...verifier(world),
      zone: 'beijing',
      standing: async () => ({ position: 1n, head: new Uint8Array(0) }),
    }
    const running = watch(world, {
      verifiers: [away, behind],
      signal: stop.signal,
      // A clock that runs with every look at it: nobody waits for the patience to end.
      nowMs: () => (nowMs += 1000),
      onFact: (fact) => {
        facts.push(fact)
        if (fact.kind === 'compared' && fact.position > 1n) stop.abort(new Error('enough'))
      },
    })
    await expect(running).rejects.toThrow('enough')
    expect(facts.at(-1)).toMatchObject({ findings: [{ code: 'NOT_REACHED' }, { code: 'NOT_YET' }] })
  })
})

function watch(world: World, options: Partial<FollowOptions>): Promise<FollowEnd> {
  return follow({
    source: sourceOf([...world.records, head(world)]),
    charterSha256: world.pinnedSha256,
    verifiers: [],
    compareEveryMs: 1,
    nowMs: Date.now,
    // Short waits are cut short; the long one is the patience with a source that may hold evidence.
    pause: (ms, signal) => wait(ms < 10_000 ? Math.min(ms, 1) : ms, undefined, { signal }),
    signal: new AbortController().signal,
    onFact: () => {},
    ...options,
  })
}

function story(serial: string): World {
  const told = new World({ suite: 'Ed25519' })
  const licence = told.licence('beijing', 'A')
  told.publish('beijing', licence)
  told.publish('langfang', told.licence('langfang', serial))
  told.publish('beijing', suspended(licence))
  told.publish('tianjin', told.licence('tianjin', 'T'))
  return told
}

const head = (world: World): LoggedRecord => ({ kind: 'head', checkpoint: world.head() })

/** These records, and then a silence. */
function sourceOf(records: readonly LoggedRecord[]): FollowOptions['source'] {
  return {
    async *records() {
      yield* records
      await new Promise(() => {})
    },
  }
}

function accused(world: World, { evidence }: FollowEnd): readonly string[] {
  return evidence.map(({ bytes }) => {
    const judged = judgeEvidence(bytes, world.charters[0]!.bytes)
    return judged.kind === 'holds' ? judged.against : judged.code
  })
}

/** A verifier that holds what the plainest of folds comes to. */
function verifier(world: World): VerifierPeer {
  const rowsAt = (position: bigint) => {
    const copy = new WorldCopy(world.pinnedSha256)
    for (const record of world.records.slice(0, Number(position))) copy.take(record)
    const rows = world.zones.flatMap((zone) => copy.folds(zone)).flatMap((fold) => digestRow(fold) ?? [])
    return rows.sort((left, right) => Buffer.compare(keyOf(left), keyOf(right)))
  }
  return {
    zone: 'tianjin',
    standing: async () => ({ position: world.size, head: world.head() }),
    digest: async (position, from, count) => {
      const rows = rowsAt(position)
      const slice = count === 0n ? rows : rows.slice(Number(from), Number(from + count))
      const leaves = world.records.slice(0, Number(position)).map(({ leaf }) => leaf)
      const row = count === 1n ? slice[0]! : new Uint8Array(0)
      return {
        kind: 'digest',
        position,
        root: treeRoot(leaves),
        rows: BigInt(rows.length),
        digest: treeRoot(slice),
        row,
      }
    },
  }
}

function treeRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfLeafHashes(
    sha256Tree,
    leaves.map((leaf) => sha256Tree.leaf(leaf)),
  )
}

function keyOf(row: Uint8Array): Buffer {
  const read = decodeDigestRow(row)
  if (read.kind !== 'row') throw new Error(read.why)
  return Buffer.concat([Buffer.from(`${read.row.zone}\0`), read.row.subject])
}
