import { rootOfLeafHashes, sha256Tree } from '@hutong/merkle'
import { digestRow } from '@hutong/verify'
import { revoked, suspended, World, WorldCopy } from '@hutong/verify/world'
import { decodeDigestRow } from '@hutong/wire'
import { beforeAll, describe, expect, it } from 'vitest'
import { type CompareReport, type CompareSide, compareSides } from './compare.ts'
import { judgeEvidence } from './judge-evidence.ts'
import type { RecordSource } from './ports.ts'

describe('sides that are compared', () => {
  it('agree, whatever they are, at the smallest position that all can answer', async () => {
    const early = world.size - 2n
    const report = await compared([
      records('hub', world),
      records('export', world, early),
      verifier('verifier:beijing', world),
      verifier('verifier:tianjin', world),
    ])
    expect(report).toMatchObject({ outcome: 'agrees', position: early, reference: 'hub', evidence: [] })
    expect(report.sides.map(({ zone, kind }) => [zone, kind])).toEqual([
      ['export', 'agrees'],
      ['verifier:beijing', 'agrees'],
      ['verifier:tianjin', 'agrees'],
    ])
  })

  it('name the row that two verifiers do not share, with both sides, without anything being replayed', async () => {
    const rows = rowsOf(world, world.size)
    for (const at of rows.keys()) {
      const report = await compared([
        verifier('verifier:beijing', world),
        verifier('verifier:tianjin', world, { rows: rows.toSpliced(at, 1) }),
      ])
      expect(report.outcome).toBe('differs')
      expect(report.sides).toMatchObject([
        { zone: 'verifier:tianjin', kind: 'row_differs', difference: { kind: 'missing', index: BigInt(at) } },
      ])
    }
  })

  it('name the row that a verifier does not share with an export', async () => {
    const rows = rowsOf(world, world.size)
    const altered = rows.with(2, Uint8Array.from(rows[2]!))
    altered[2]![altered[2]!.length - 1]! ^= 1
    const report = await compared([verifier('verifier:tianjin', world, { rows: altered }), records('export', world)])
    expect(report).toMatchObject({ outcome: 'differs', reference: 'export' })
    expect(report.sides).toMatchObject([{ zone: 'verifier:tianjin', kind: 'row_differs', difference: { index: 2n } }])
  })

  it('of two histories name the first leaf that differs, and bring evidence against the hub and the zone', async () => {
    const report = await compared([records('hub', world), records('export', fork)])
    expect(report).toMatchObject({ outcome: 'differs', sides: [{ zone: 'export', kind: 'root_differs' }] })
    expect(report.leaves).toMatchObject([{ side: 'export', index: 2n }])
    expect(Buffer.from(report.leaves[0]!.own!)).toEqual(Buffer.from(world.records[2]!.leaf))
    expect(Buffer.from(report.leaves[0]!.other!)).toEqual(Buffer.from(fork.records[2]!.leaf))
    expect(accused(report)).toEqual(['hub', 'langfang'])
  })

  it('of two histories of other lengths bring evidence that the hub rewrote its log', async () => {
    for (const [size, other] of [
      [world.size, fork.size - 1n],
      [world.size - 1n, fork.size],
    ] as const) {
      const report = await compared([records('hub', world, size), records('export', fork, other)])
      expect(report.outcome).toBe('differs')
      expect(accused(report)).toContain('hub')
    }
  })

  it('bring evidence where a verifier was shown another history', async () => {
    const report = await compared([records('hub', world), verifier('verifier:tianjin', fork)])
    expect(report.sides).toMatchObject([{ kind: 'root_differs' }])
    expect(accused(report)).toEqual(['hub'])
  })

  it('tell a contradiction in what is replayed', async () => {
    const hub = records('hub', world)
    const broken: RecordSource = {
      ...hub.source,
      async *records() {
        yield* world.records.toSpliced(3, 1)
      },
    }
    const report = await compared([{ ...hub, source: broken }, verifier('verifier:tianjin', world)])
    expect(report).toMatchObject({ outcome: 'differs', contradictions: [{ side: 'hub', code: 'HUB_LEAF_INDEX' }] })
  })

  it('are not said to agree where there is but one', async () => {
    await expect(compared([records('hub', world)])).rejects.toThrow(RangeError)
    await expect(compared([records('hub', world), records('hub', world)])).rejects.toThrow(RangeError)
  })

  it('blame nobody for payloads that one of them does not give any more, and do not agree', async () => {
    const given = records('export', world)
    const bare = { ...given, source: withoutPayloads(given.source) }
    for (const sides of [
      [bare, verifier('verifier:tianjin', world)],
      [verifier('verifier:tianjin', world), bare],
      [bare, records('hub', world)],
      [records('hub', world), bare],
    ]) {
      const report = await compared(sides)
      expect(report).toMatchObject({
        outcome: 'incomplete',
        sides: [{ kind: 'not_compared', code: 'PAYLOAD_MISSING', reason: expect.stringContaining('/z/beijing/1/') }],
      })
    }
    const rows = rowsOf(world, world.size)
    const lacking = await compared([bare, verifier('verifier:tianjin', world, { rows: rows.slice(1) })])
    expect(lacking).toMatchObject({ outcome: 'differs', sides: [{ difference: { kind: 'missing' } }] })
  })

  it('blame a verifier that lacks what the records give', async () => {
    const copy = new WorldCopy(world.pinnedSha256)
    const bare = withoutPayloads(records('hub', world).source)
    for await (const record of bare.records(0n)) if (record.kind === 'entry') copy.take(record)
    const rows = world.zones.flatMap((zone) => copy.folds(zone)).flatMap((fold) => digestRow(fold) ?? [])
    rows.sort((left, right) => Buffer.compare(keyOf(left), keyOf(right)))
    const report = await compared([records('hub', world), verifier('verifier:tianjin', world, { rows })])
    expect(report).toMatchObject({ outcome: 'differs', sides: [{ kind: 'row_differs' }] })
  })

  it('are not said to agree where one is away, empty, or damaged', async () => {
    const away = { ...verifier('verifier:tianjin', world) }
    const standing = () => Promise.reject(new Error('connection refused'))
    const report = await compared([records('hub', world), { ...away, peer: { ...away.peer, standing } }])
    expect(report).toMatchObject({ outcome: 'incomplete', sides: [{ kind: 'not_compared', code: 'NOT_REACHED' }] })
    const digest = async () => ({ kind: 'refused', code: 'DOCUMENT_DAMAGED', reason: 'events/7' }) as const
    for (const first of [records('hub', world), verifier('verifier:beijing', world)]) {
      const damaged = await compared([first, { ...away, peer: { ...away.peer, digest } }])
      expect(damaged).toMatchObject({ outcome: 'differs', sides: [{ kind: 'inconsistent', reason: 'events/7' }] })
    }
    const nobody = await compared([
      { ...away, peer: { ...away.peer, standing } },
      { ...away, name: 'verifier:beijing', peer: { ...away.peer, standing } },
    ])
    expect(nobody).toMatchObject({ outcome: 'incomplete', position: undefined })
  })
})

let world: World
let fork: World

beforeAll(() => {
  world = story('L')
  fork = story('OTHERWISE')
})

function story(serial: string): World {
  const told = new World({ suite: 'Ed25519' })
  const licences = Array.from({ length: 5 }, (_, at) => told.licence('beijing', `S${at}`))
  told.publishBatch('beijing', licences)
  told.publish('langfang', told.licence('langfang', serial))
  told.publish('beijing', suspended(licences[0]!))
  told.publish('tianjin', told.licence('tianjin', 'T'))
  told.publish('beijing', revoked(licences[2]!))
  return told
}

function compared(sides: readonly CompareSide[]): Promise<CompareReport> {
  return compareSides({ sides, charterSha256: world.pinnedSha256 })
}

/** Against whom the evidence holds; all of it must. */
function accused({ evidence }: CompareReport): readonly string[] {
  const judgements = evidence.map(({ bytes }) => judgeEvidence(bytes, world.charters[0]!.bytes))
  return [...new Set(judgements.map((one) => (one.kind === 'holds' ? one.against : one.code)))].sort()
}

function records(name: string, about: World, size: bigint = about.size): Extract<CompareSide, { kind: 'records' }> {
  const [head, cosigned] = [about.head(size), about.cosignedHead({ size })]
  return {
    kind: 'records',
    name,
    source: {
      heads: async () => ({ head, cosigned }),
      async *records(from) {
        yield* about.records.slice(Number(from), Number(size))
        yield { kind: 'head', checkpoint: head }
        yield { kind: 'cosigned', checkpoint: cosigned }
      },
    },
  }
}

function withoutPayloads(source: RecordSource): RecordSource {
  const nothing = new Uint8Array(0)
  return {
    ...source,
    async *records(from) {
      for await (const record of source.records(from)) {
        const bare = (record.kind === 'entry' ? record.entries : []).map((entry) => {
          return { ...entry, salt: nothing, payload: nothing }
        })
        yield record.kind === 'entry' ? { ...record, entries: bare } : record
      }
    },
  }
}

function verifier(
  name: string,
  about: World,
  held: { readonly rows?: readonly Uint8Array[] } = {},
): Extract<CompareSide, { kind: 'verifier' }> {
  return {
    kind: 'verifier',
    name,
    peer: {
      zone: name,
      standing: async () => ({ position: about.size, head: about.head() }),
      digest: async (position, from, count) => {
        const rows = held.rows ?? rowsOf(about, position)
        const slice = count === 0n ? rows : rows.slice(Number(from), Number(from + count))
        const leaves = about.records.slice(0, Number(position)).map(({ leaf }) => leaf)
        const [root, digest] = [treeRoot(leaves), treeRoot(slice)]
        const row = count === 1n ? (slice[0] ?? new Uint8Array(0)) : new Uint8Array(0)
        return { kind: 'digest', position, root, rows: BigInt(rows.length), digest, row }
      },
    },
  }
}

/** The rows of a world, by the plainest of folds. */
function rowsOf(about: World, position: bigint): readonly Uint8Array[] {
  const copy = new WorldCopy(about.pinnedSha256)
  for (const record of about.records.slice(0, Number(position))) copy.take(record)
  const rows = about.zones.flatMap((zone) => copy.folds(zone)).flatMap((fold) => digestRow(fold) ?? [])
  return rows.sort((left, right) => Buffer.compare(keyOf(left), keyOf(right)))
}

function keyOf(row: Uint8Array): Buffer {
  const read = decodeDigestRow(row)
  if (read.kind !== 'row') throw new Error(read.why)
  return Buffer.concat([Buffer.from(`${read.row.zone}\0`), read.row.subject])
}

function treeRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfLeafHashes(
    sha256Tree,
    leaves.map((leaf) => sha256Tree.leaf(leaf)),
  )
}
