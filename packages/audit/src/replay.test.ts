import { createHash } from 'node:crypto'
import { formatCheckpoint, signNote } from '@hutong/merkle'
import { digestRow } from '@hutong/verify'
import { resumed, revoked, suspended, unknownField, World, WorldCopy } from '@hutong/verify/world'
import {
  decodeDigestRow,
  decodeHubLeaf,
  digestRowBytes,
  type EntryRecord,
  encodeHubLeaf,
  type LoggedRecord,
} from '@hutong/wire'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  judgeEvidence,
  type RecordSource,
  type ReplayOptions,
  type ReplayReport,
  type RowDifference,
  replay,
  reportToJson,
  type UnreadableRecord,
  type VerifierPeer,
} from './index.ts'

describe('a replay of an honest history', () => {
  it('comes to the roots and the digest that a straight computation comes to', async () => {
    const report = await replayOf({ verifiers: [verifierOf('tianjin', rows)] })
    expect(report.outcome).toBe('agrees')
    expect(report.position).toBe(world.size)
    expect(hex(report.root)).toBe(treeRoot(world.records.map(({ leaf }) => leaf)))
    expect(report.digest?.rows).toBe(BigInt(rows.length))
    expect(hex(report.digest!.digest)).toBe(treeRoot(rows))
    expect(report.verifiers).toEqual([{ kind: 'agrees', zone: 'tianjin', position: world.size }])
    expect(report.cosigned?.size).toBe(world.size)
    expect(report.logs.map(({ zone, size }) => [zone, size])).toEqual(
      world.zones.map((zone) => [zone, world.logSize(zone)]),
    )
  })

  it('counts leaves, events and bytes, and tells them as it goes', async () => {
    const told: bigint[] = []
    const report = await replayOf({ onProgress: ({ stage, events }) => stage === 'reading' && told.push(events) })
    const entries = world.records.flatMap((record) => record.entries)
    expect(report.counts).toMatchObject({ leaves: world.size, events: BigInt(entries.length), missingPayloads: 0n })
    expect(told).toHaveLength(world.records.length)
    expect(told.at(-1)).toBe(report.counts.events)
  })

  it('says whether charter 0 was pinned or only the first that was seen', async () => {
    const pinned = await replayOf({})
    const { charterSha256, ...unpinned } = optionsOf({})
    const first = await replay(unpinned)
    expect([pinned.charter.pinned, first.charter.pinned]).toEqual([true, false])
    expect(hex(first.charter.sha256!)).toBe(hex(charterSha256!))
    expect(first.outcome).toBe('agrees')
  })

  it('follows a change of the charter', async () => {
    const changed = story()
    changed.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs * 2 }))
    changed.publish('beijing', changed.licence('beijing', 'AFTER'))
    const report = await replay({
      ...optionsOf({}, changed),
      verifiers: [verifierOf('beijing', rowsOf(changed), { about: changed })],
    })
    expect(report).toMatchObject({ outcome: 'agrees', charter: { newest: 1n } })
  })

  it('is compared at the smallest position that a verifier has applied, and goes on to the end', async () => {
    const early = world.size - 3n
    const report = await replayOf({
      verifiers: [
        verifierOf('tianjin', rowsOf(world, early), { position: early }),
        verifierOf('beijing', rowsOf(world, early), { applied: world.size, position: early }),
      ],
    })
    expect(report.outcome).toBe('agrees')
    expect(report.digest?.position).toBe(early)
    expect(report.position).toBe(world.size)
  })

  it('is plain text as JSON: bytes in base64, sizes as decimals, what is absent left out', async () => {
    const json = reportToJson(await replayOf({}))
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      outcome: 'agrees',
      position: String(world.size),
      charter: { pinned: true, sha256: Buffer.from(world.pinnedSha256).toString('base64') },
    })
    expect(json).not.toHaveProperty('contradiction')
  })

  it('does not depend on where the bad events of a zone stand', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: twists.length - 1 }), { minLength: 1, maxLength: 16 }),
        async (chosen) => {
          const twisted = new World({ zones: ['beijing', 'tianjin'], suite: 'Ed25519', quorum: 2 })
          for (const at of chosen) twists[at]!(twisted)
          const report = await replay({
            ...optionsOf({}, twisted),
            verifiers: [verifierOf('beijing', rowsOf(twisted), { about: twisted })],
          })
          expect(report.verifiers).toEqual([{ kind: 'agrees', zone: 'beijing', position: twisted.size }])
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('a replay of what no honest hub serves', () => {
  it.each<[string, string, (records: EntryRecord[]) => LoggedRecord[]]>([
    ['a byte of an event altered', 'BATCH_ROOT', (records) => alter(records, 4, alteredLeaf)],
    ['a byte of a leaf of H altered', 'BATCH_SIGNATURE', (records) => alter(records, 4, alteredCheckpoint)],
    [
      'an event left out of its batch',
      'BATCH_NOT_CONTINUING',
      (records) => alter(records, 4, (r) => ({ ...r, entries: r.entries.slice(1) })),
    ],
    ['a record dropped', 'HUB_LEAF_INDEX', (records) => records.toSpliced(4, 1)],
    ['two records swapped', 'HUB_LEAF_INDEX', (records) => records.toSpliced(4, 2, records[5]!, records[4]!)],
    ['a record doubled', 'HUB_LEAF_INDEX', (records) => records.toSpliced(5, 0, records[4]!)],
    [
      'a record whose leaf is none',
      'HUB_LEAF_UNREADABLE',
      (records) => alter(records, 4, (r) => ({ ...r, leaf: r.leaf.subarray(1) })),
    ],
  ])('stops at %s, names its position and shows both sides', async (_, code, tamper) => {
    const records = tamper([...world.records])
    const report = await replayOf({}, { records })
    const at = records.findIndex((record, index) => record !== world.records[index])
    expect(report.outcome).toBe('differs')
    expect(report.contradiction).toMatchObject({ code, position: BigInt(at) })
    expect(report.position).toBe(BigInt(at))
    expect(report.contradiction!.hub.map(({ what }) => what)).toEqual(['record'])
    expect(hex(report.contradiction!.own[0]!.bytes)).toBe(treeRoot(world.records.slice(0, at).map(({ leaf }) => leaf)))
  })

  it('shows the head that covers a refused leaf: then the leaf is the hub’s own word', async () => {
    const records = alter([...world.records], 4, alteredLeaf)
    const { contradiction } = await replayOf({}, { records })
    expect(contradiction?.code).toBe('BATCH_ROOT')
    expect(Buffer.from(contradiction!.coveringHead!).toString()).toBe(Buffer.from(world.head(world.size)).toString())
  })

  it('shows no covering head where the leaf itself was altered', async () => {
    const records = alter([...world.records], 4, alteredCheckpoint)
    expect((await replayOf({}, { records })).contradiction?.coveringHead).toBeUndefined()
  })

  it('refuses a charter 0 that is not the pinned one', async () => {
    const report = await replay({ ...optionsOf({}), charterSha256: new Uint8Array(32).fill(7) })
    expect(report.contradiction).toMatchObject({ code: 'CHARTER_NOT_PINNED', position: 0n })
    expect(report.outcome).toBe('differs')
  })

  it('refuses a record that cannot be read', async () => {
    const records = [...world.records.slice(0, 3), { kind: 'unreadable', why: 'bytes of nothing' } as const]
    expect((await replayOf({}, { records })).contradiction).toMatchObject({
      code: 'RECORD_UNREADABLE',
      position: 3n,
      reason: 'bytes of nothing',
    })
  })

  it('refuses a head under another key', async () => {
    const forged = signNote(openText(world.head()), world.signers('beijing'))
    const report = await replayOf({}, { records: [...world.records, { kind: 'head', checkpoint: forged }] })
    expect(report.contradiction).toMatchObject({ code: 'HEAD_SIGNATURE', position: world.size })
    expect(hex(report.contradiction!.hub[0]!.bytes)).toBe(hex(forged))
  })

  it('refuses a head whose signature was altered', async () => {
    const report = await replayOf({}, { head: flipped(world.head(), -9) })
    expect(report.contradiction?.code).toBe('HEAD_SIGNATURE')
  })

  it('refuses a signed head over another history, at whatever size it was shown', async () => {
    for (const shown of [fork.head(), fork.head(fork.size - 1n)]) {
      const report = await replayOf({}, { records: [...world.records, { kind: 'head', checkpoint: shown }] })
      expect(report.contradiction?.code).toBe('HEAD_ROOT')
      expect(hex(report.contradiction!.hub[0]!.bytes)).toBe(hex(shown))
    }
  })

  it('refuses a head that leaves uncovered what is served', async () => {
    const old = world.size - 2n
    const report = await replayOf(
      {},
      { records: [...world.records], head: world.head(old), cosigned: world.cosignedHead({ size: old }) },
    )
    expect(report.contradiction).toMatchObject({ code: 'HEAD_BEHIND', position: old })
  })

  it('brings evidence of two histories, at whatever size the other was shown, that anybody can judge', async () => {
    for (const shown of [fork.head(), fork.head(fork.size - 1n)]) {
      for (const at of [2, world.records.length]) {
        const records = [...world.records.slice(0, at), headOf(shown), ...world.records.slice(at)]
        const { evidence } = await replayOf({}, { records })
        expect(evidence.map(({ bytes }) => judgeEvidence(bytes, world.charters[0]!.bytes))).toMatchObject([
          { kind: 'holds', against: 'hub' },
        ])
      }
    }
  })

  it('brings evidence of a leaf that contradicts one before it, once a head covers it', async () => {
    const leaf = (at: number) => {
      const reading = decodeHubLeaf(world.records[at]!.leaf)
      if (reading.kind !== 'hub_leaf') throw new Error(reading.why)
      return reading.leaf
    }
    const earlier = encodeHubLeaf({ ...leaf(5), receivedAtMs: leaf(4).receivedAtMs - 1 })
    const records = alter([...world.records], 5, (record) => ({ ...record, leaf: earlier }))
    const leaves = records.flatMap((record) => (record.kind === 'entry' ? [record.leaf] : []))
    const root = Buffer.from(treeRoot(leaves), 'hex')
    const text = formatCheckpoint({ origin: `${world.alliance}/h/1`, size: BigInt(leaves.length), root })
    const head = signNote(text, world.hubSigners)
    const report = await replayOf({}, { records, head, cosigned: new Uint8Array(0) })
    expect(report.contradiction).toMatchObject({ code: 'HUB_TIME_FALLS', position: 5n })
    expect(report.evidence).toMatchObject([{ name: 'hub-leaf-time-falls.evidence.json' }])
    expect(judgeEvidence(report.evidence[0]!.bytes, world.charters[0]!.bytes).kind).toBe('holds')
  })

  it('brings no evidence of what the hub has not signed', async () => {
    for (const records of [world.records.toSpliced(4, 1), alter([...world.records], 4, alteredLeaf)]) {
      const report = await replayOf({}, { records })
      expect(report.contradiction).toBeDefined()
      expect(report.evidence).toEqual([])
    }
  })

  it('refuses a history that ends before a size the hub has signed', async () => {
    const records = world.records.slice(0, -2)
    expect((await replayOf({}, { records })).contradiction).toMatchObject({
      code: 'HEAD_NOT_REACHED',
      position: world.size - 2n,
    })
  })

  it('is told by a verifier’s head that the hub shows an old copy of itself', async () => {
    const old = world.size - 2n
    const report = await replayOf(
      { verifiers: [verifierOf('tianjin', rows, { head: world.head() })] },
      { records: world.records.slice(0, -2), head: world.head(old), cosigned: world.cosignedHead({ size: old }) },
    )
    expect(report.contradiction).toMatchObject({ code: 'HEAD_NOT_REACHED', position: old })
    expect(report.contradiction?.reason).toContain('the verifier of tianjin')
    expect(hex(report.contradiction!.hub[0]!.bytes)).toBe(hex(world.head()))
  })

  it('is told by a zone’s heartbeat that the hub showed that zone another history', async () => {
    const observing = story()
    observing.publish('tianjin', { kind: 'observed', head: fork.head() })
    const report = await replay(optionsOf({}, observing))
    expect(report.contradiction).toMatchObject({ code: 'HEAD_ROOT', position: fork.size })
    expect(hex(report.contradiction!.hub[0]!.bytes)).toBe(hex(fork.head()))
  })

  it('takes no heartbeat’s word for a head that the hub has not signed', async () => {
    const observing = story()
    observing.publish('tianjin', { kind: 'observed', head: flipped(fork.head(), -9) })
    expect((await replay(optionsOf({}, observing))).outcome).toBe('agrees')
  })

  it('calls nothing cosigned that has no quorum', async () => {
    const cosigned = world.cosignedHead({ zones: ['beijing'] })
    const report = await replayOf({}, { records: [...world.records, { kind: 'cosigned', checkpoint: cosigned }] })
    expect(report.contradiction?.code).toBe('COSIGNED_SIGNATURE')
  })

  it('judges a cosigned head by the witnesses of the one before it, and accuses nobody where that one was not shown', async () => {
    const changed = new World({ suite: 'Ed25519', quorum: 3 })
    changed.changeCharter((charter) => ({
      ...charter,
      witnessPolicy: charter.witnessPolicy.replace(/^group (\S+) 3/m, 'group $1 2'),
    }))
    const between: LoggedRecord = { kind: 'cosigned', checkpoint: changed.cosignedHead() }
    const records = [...changed.records, between]
    changed.observe('beijing')
    const served = { records: [...records, ...changed.records.slice(-1)], head: changed.head() }
    const cosigned = changed.cosignedHead({ zones: ['beijing', 'tianjin'] })
    const shown = await replay({ ...optionsOf({}, changed), source: sourceOf(changed, { ...served, cosigned }) })
    expect([shown.contradiction, shown.cosigned?.size]).toEqual([undefined, 3n])
    const hidden = await replay({ ...optionsOf({}, changed), source: sourceOf(changed, { cosigned }) })
    expect([hidden.contradiction, hidden.cosigned]).toEqual([undefined, undefined])
    const lone = changed.cosignedHead({ zones: ['beijing'] })
    const refused = await replay({ ...optionsOf({}, changed), source: sourceOf(changed, { cosigned: lone }) })
    expect(refused.contradiction?.code).toBe('COSIGNED_SIGNATURE')
  })

  it('reports a payload that does not open its commitment, and goes on', async () => {
    const records = alter([...world.records], 4, (record) => ({
      ...record,
      entries: record.entries.map((entry) => ({ ...entry, payload: flipped(entry.payload, 20) })),
    }))
    const report = await replayOf({}, { records })
    expect(report).toMatchObject({ outcome: 'differs', position: world.size, contradiction: undefined })
    expect(report.payloads.map(({ kind, position }) => [kind, position])).toEqual(
      records[4]!.kind === 'entry' ? records[4]!.entries.map(() => ['mismatch', 4n]) : [],
    )
  })

  it('keeps a missing payload open, names its event, and is not complete', async () => {
    const records = alter([...world.records], 4, (record) => ({
      ...record,
      entries: record.entries.map((entry) => ({ ...entry, salt: new Uint8Array(0), payload: new Uint8Array(0) })),
      redacted: [0],
    }))
    const report = await replayOf({}, { records })
    expect(report.outcome).toBe('incomplete')
    expect(report.counts.missingPayloads).toBe(BigInt(report.payloads.length))
    expect(report.payloads[0]).toMatchObject({ kind: 'missing', position: 4n, saidRedacted: true })
    expect(report.payloads[0]!.eventId).toMatch(/^test\.hutong\.example\/z\/[a-z]+\/1\/\d+$/)
  })
})

describe('a verifier whose rows are not the replay’s', () => {
  it('is found to lack a row, whichever it is', async () => {
    await fc.assert(
      fc.asyncProperty(anyRow(), async (at) => {
        const difference = await differenceOf(rows.toSpliced(at, 1))
        expect(difference).toMatchObject({ kind: 'missing', index: BigInt(at), ...keyOf(rows[at]!) })
        expect(hex(difference.own!)).toBe(hex(rows[at]!))
        const events = reading(rows[at]!).events.map(({ position, place }) => [position, place])
        expect(difference.events.map(({ position, place }) => [position, place])).toEqual(events)
        expect(
          difference.events.every(({ eventId, verifier }) => eventId !== undefined && verifier === undefined),
        ).toBe(true)
      }),
    )
  })

  it('is found to have a row too many, whichever it is', async () => {
    const extra = rowsOf(other)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: extra.length - 1 }), async (at) => {
        const added = [...rows, extra[at]!].sort(byKey)
        const difference = await differenceOf(added)
        expect(difference).toMatchObject({
          kind: 'superfluous',
          index: BigInt(added.indexOf(extra[at]!)),
          ...keyOf(extra[at]!),
        })
        expect(hex(difference.verifier!)).toBe(hex(extra[at]!))
      }),
    )
  })

  it('is found to have altered a state, whichever', async () => {
    await fc.assert(
      fc.asyncProperty(anyRow(), async (at) => {
        // The last byte of a row belongs to its folded state.
        const altered = flipped(rows[at]!, -1)
        fc.pre(decodeDigestRow(altered).kind === 'row')
        const difference = await differenceOf(rows.with(at, altered))
        expect(difference).toMatchObject({ kind: 'altered', index: BigInt(at), ...keyOf(rows[at]!), events: [] })
        expect([hex(difference.own!), hex(difference.verifier!)]).toEqual([hex(rows[at]!), hex(altered)])
      }),
    )
  })

  it('is found to judge an event otherwise, and the event is named', async () => {
    const cheated = rowsOf(world, world.size, () => 'STANDS')
    const difference = await differenceOf(cheated)
    expect(difference.kind).toBe('altered')
    expect(difference.events).toHaveLength(1)
    const [event] = difference.events
    expect(event!.own!.verdict).not.toBe('STANDS')
    expect(event!.verifier!.verdict).toBe('STANDS')
    expect(event!.eventId).toMatch(/\/1\/\d+$/)
  })

  it('is found to have two neighbours the wrong way round', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: rows.length - 2 }), async (at) => {
        const swapped = rows.toSpliced(at, 2, rows[at + 1]!, rows[at]!)
        expect(await differenceOf(swapped)).toMatchObject({ kind: 'misplaced', index: BigInt(at), ...keyOf(rows[at]!) })
      }),
    )
  })

  it('is found to keep an event that it cannot read, whichever, and the event is named', async () => {
    const told = rows.flatMap((row, at) => reading(row).events.map((event, place) => ({ row, at, event, place })))
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: told.length - 1 }), async (which) => {
        const { row, at, event, place } = told[which]!
        const events = reading(row).events.with(place, {
          ...event,
          leafHash: new Uint8Array(32),
          verdict: 'DOCUMENT_DAMAGED',
        })
        const damaged = digestRowBytes({ ...reading(row), events, state: { kind: 'licence', state: { kind: 'none' } } })
        const difference = await differenceOf(rows.with(at, damaged))
        expect(difference).toMatchObject({ kind: 'altered', index: BigInt(at), ...keyOf(row) })
        expect(difference.events).toMatchObject([
          { position: event.position, place: event.place, verifier: { verdict: 'DOCUMENT_DAMAGED' } },
        ])
        expect(hex(difference.own!)).toBe(hex(row))
      }),
    )
  })

  it('is found to have none of the rows', async () => {
    expect(await differenceOf([])).toMatchObject({ kind: 'missing', index: 0n, verifierRows: 0n })
  })

  it('needs at most two questions for each bit of the number of rows', async () => {
    let asked = 0
    await differenceOf(rows.toSpliced(rows.length - 1, 1), { onQuestion: () => asked++ })
    expect(asked).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(rows.length)) + 4)
  })
})

describe('a verifier', () => {
  it('that follows another H is told apart from one with another state', async () => {
    const report = await replayOf({ verifiers: [verifierOf('tianjin', rows, { root: new Uint8Array(32) })] })
    expect(report.outcome).toBe('differs')
    expect(report.verifiers[0]).toMatchObject({ kind: 'root_differs', zone: 'tianjin', position: world.size })
  })

  it.each<[string, Partial<VerifierPeer>, string]>([
    ['that is away', { standing: () => Promise.reject(new Error('connection refused')) }, 'NOT_REACHED'],
    ['that goes away', { digest: () => Promise.reject(new Error('connection refused')) }, 'NOT_REACHED'],
    [
      'that has applied nothing',
      { standing: async () => ({ position: 0n, head: new Uint8Array(0) }) },
      'NOTHING_APPLIED',
    ],
    [
      'that cannot tell at that position',
      { digest: async () => ({ kind: 'refused', code: 'REDACTED_SINCE', reason: 'at 7' }) },
      'REDACTED_SINCE',
    ],
  ])('%s is not compared, and the result is not complete', async (_, behaviour, code) => {
    const verifiers = [verifierOf('beijing', rows), { ...verifierOf('tianjin', rows), ...behaviour }]
    const report = await replayOf({ verifiers })
    expect(report.outcome).toBe('incomplete')
    expect(report.verifiers.map(({ kind }) => kind)).toEqual(['agrees', 'not_compared'])
    expect(report.verifiers[1]).toMatchObject({ code })
  })

  it('that says its copy is damaged differs, and what it names is told', async () => {
    const reason = 'leaves/7 of this copy is damaged'
    const digest = async () => ({ kind: 'refused', code: 'DOCUMENT_DAMAGED', reason }) as const
    const report = await replayOf({ verifiers: [{ ...verifierOf('tianjin', rows), digest }] })
    expect(report.outcome).toBe('differs')
    expect(report.verifiers).toMatchObject([{ kind: 'inconsistent', zone: 'tianjin', reason }])
  })

  it('that was not reached before the replay stopped is not said to agree', async () => {
    const report = await replayOf(
      { verifiers: [verifierOf('tianjin', rows)] },
      { records: world.records.toSpliced(4, 1) },
    )
    expect(report.verifiers).toMatchObject([{ kind: 'not_compared', code: 'STOPPED' }])
    expect(report.digest).toBeUndefined()
  })

  it.each<[string, Behaviour]>([
    ['names a digest that its rows do not have', { digest: new Uint8Array(32) }],
    ['gives a row that its hash does not name', { rowOf: (row) => flipped(row, -1), alteredRow: 3 }],
    ['claims another number of rows under the same digest', { rowCount: 1n }],
    ['answers at another position', { answersAt: 3n }],
  ])('that %s is inconsistent', async (_, behaviour) => {
    const at = behaviour.alteredRow
    const shown = at === undefined ? rows : rows.with(at, flipped(rows[at]!, -1))
    const report = await replayOf({ verifiers: [verifierOf('tianjin', shown, behaviour)] })
    expect(report.outcome).toBe('differs')
    expect(report.verifiers[0]?.kind).toBe('inconsistent')
  })

  it('that holds a head the hub has not signed is not believed', async () => {
    const head = flipped(world.head(), -9)
    const report = await replayOf({ verifiers: [verifierOf('tianjin', rows, { head })] })
    expect(report).toMatchObject({ outcome: 'differs', contradiction: undefined })
    expect(report.verifiers[0]).toMatchObject({ kind: 'inconsistent', zone: 'tianjin' })
  })
})

describe('a replay that does not come to its end', () => {
  it('rejects with the signal’s reason, also while the source is silent', async () => {
    const stop = new AbortController()
    const source = { ...sourceOf(world), records: silentAfter(world.records.slice(0, 3)) }
    const running = replay({
      ...optionsOf({}),
      source,
      signal: stop.signal,
      onProgress: ({ position }) => position === 3n && stop.abort(new Error('enough')),
    })
    await expect(running).rejects.toThrow('enough')
  })

  it('rejects with what the source throws', async () => {
    const source: RecordSource = {
      ...sourceOf(world),
      async *records() {
        yield world.records[0]!
        throw new Error('cable cut')
      },
    }
    await expect(replay({ ...optionsOf({}), source })).rejects.toThrow('cable cut')
  })
})

let world: World
/** The same hub, with another leaf in its midst. */
let fork: World
let other: World
let rows: readonly Uint8Array[]

beforeAll(() => {
  world = story()
  rows = rowsOf(world)
  fork = story('OTHERWISE')
  other = new World({ zones: world.zones, suite: 'Ed25519' })
  for (let serial = 0; serial < 9; serial++) other.publish('tianjin', other.licence('tianjin', `OTHER${serial}`))
})

/** Three zones, three dozen events, one of which does not stand. Told again it gives the same bytes. */
function story(second = 'L2'): World {
  const told = new World({ suite: 'Ed25519' })
  const licences = Array.from({ length: 9 }, (_, at) => told.licence('beijing', `S${at}`))
  told.publishBatch('beijing', licences)
  told.publish('tianjin', told.declaration('tianjin'))
  told.observe('langfang')
  told.tick(1000)
  const files = [
    {
      sha256: new Uint8Array(32).fill(1),
      sm3: new Uint8Array(32).fill(2),
      sizeBytes: 3n,
      mediaType: 'application/ofd',
    },
  ]
  told.publishBatch('langfang', [told.licence('langfang', 'L1', { files }), told.licence('langfang', second)])
  told.publishBatch('beijing', [suspended(licences[0]!), revoked(licences[1]!), resumed(licences[2]!)])
  told.publish('beijing', resumed(licences[0]!))
  told.publish('tianjin', told.licence('tianjin', 'LAST'))
  return told
}

type Twist = (twisted: World) => void

/** What a zone may do to its own log. */
const twists: readonly Twist[] = [
  (twisted) => twisted.publish('beijing', twisted.licence('beijing', 'A')),
  (twisted) => twisted.publish('beijing', revoked(twisted.licence('beijing', 'A'))),
  (twisted) => twisted.publish('beijing', suspended(twisted.licence('beijing', 'A'))),
  (twisted) => twisted.publish('tianjin', twisted.licence('tianjin', 'A')),
  (twisted) => twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), carried: 'missing' }),
  (twisted) => twisted.publish('beijing', { event: suspended(twisted.licence('beijing', 'A')), carried: 'sealed' }),
  // Under another secret: a second subject for the same licence.
  (twisted) =>
    twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), secret: new Uint8Array(16).fill(9) }),
  (twisted) =>
    twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), subject: new Uint8Array(32).fill(5) }),
  (twisted) => restate(twisted, 0),
  (twisted) => restate(twisted, -1),
  (twisted) => twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), kind: 99 }),
  (twisted) => twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), kind: 130 }),
  (twisted) => twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), payloadSuffix: unknownField(900) }),
  (twisted) => twisted.publish('beijing', { event: twisted.licence('beijing', 'A'), leafSuffix: unknownField(900) }),
  (twisted) => twisted.publish('tianjin', twisted.declaration('tianjin')),
  (twisted) => twisted.observe('beijing'),
]

/** Restates, under A, an event of the same log: one that only names A counts as named, whether it stands before A's first or after. */
function restate(twisted: World, at: number): void {
  const origin = twisted.origin('beijing')
  const leaves = twisted.records.flatMap(({ leaf, entries }) =>
    Buffer.from(leaf).includes(origin) ? entries.map((entry) => entry.leaf) : [],
  )
  twisted.publish('beijing', {
    kind: 'restated',
    about: { kind: 'licence', identifier: twisted.licence('beijing', 'A').identifier },
    index: BigInt(Math.max(0, at < 0 ? leaves.length + at : at)),
    leafHash: leaves.length === 0 ? new Uint8Array(32) : sha256Of(Buffer.from([0]), leaves.at(at)!),
  })
}

interface Served {
  readonly records?: readonly (LoggedRecord | UnreadableRecord)[]
  readonly head?: Uint8Array
  readonly cosigned?: Uint8Array
}

function replayOf(options: Partial<ReplayOptions>, served: Served = {}): Promise<ReplayReport> {
  return replay({ ...optionsOf(options), source: sourceOf(world, served) })
}

function optionsOf(options: Partial<ReplayOptions>, about: World = world): ReplayOptions {
  return { source: sourceOf(about), charterSha256: about.pinnedSha256, verifiers: [], ...options }
}

const headOf = (checkpoint: Uint8Array): LoggedRecord => ({ kind: 'head', checkpoint })

/** As the hub reads it out: the entries, then the newest two heads. */
function sourceOf(about: World, served: Served = {}): RecordSource {
  const { records = about.records, head = about.head(), cosigned = about.cosignedHead() } = served
  return {
    heads: async () => ({ head, cosigned }),
    async *records(fromIndex) {
      yield* records.slice(Number(fromIndex))
      yield { kind: 'head', checkpoint: head }
      yield { kind: 'cosigned', checkpoint: cosigned }
    },
  }
}

function silentAfter(records: readonly LoggedRecord[]): RecordSource['records'] {
  return async function* () {
    yield* records
    await new Promise(() => {})
  }
}

interface Behaviour {
  /** The world it follows. */
  readonly about?: World
  readonly position?: bigint
  /** Further than the position its rows are of. */
  readonly applied?: bigint
  readonly head?: Uint8Array
  readonly root?: Uint8Array
  readonly digest?: Uint8Array
  readonly rowCount?: bigint
  readonly answersAt?: bigint
  readonly alteredRow?: number
  readonly onQuestion?: () => void
  rowOf?(row: Uint8Array): Uint8Array
}

/** A verifier with these rows. */
function verifierOf(zone: string, held: readonly Uint8Array[], behaviour: Behaviour = {}): VerifierPeer {
  const { about = world } = behaviour
  const { position = about.size, head = new Uint8Array(0), rowOf = (row) => row, onQuestion } = behaviour
  return {
    zone,
    standing: async () => ({ position: behaviour.applied ?? position, head }),
    digest: async (asked, from, count) => {
      onQuestion?.()
      const slice = count === 0n ? held : held.slice(Number(from), Number(from + count))
      const leaves = about.records.slice(0, Number(asked))
      return {
        kind: 'digest',
        position: behaviour.answersAt ?? asked,
        root: behaviour.root ?? Buffer.from(treeRoot(leaves.map(({ leaf }) => leaf)), 'hex'),
        rows: behaviour.rowCount ?? BigInt(held.length),
        digest: (count === 0n ? behaviour.digest : undefined) ?? Buffer.from(treeRoot(slice), 'hex'),
        row: count === 1n ? rowOf(slice[0]!) : new Uint8Array(0),
      }
    },
  }
}

async function differenceOf(held: readonly Uint8Array[], behaviour: Behaviour = {}): Promise<RowDifference> {
  const report = await replayOf({ verifiers: [verifierOf('tianjin', held, behaviour)] })
  const [finding] = report.verifiers
  if (finding?.kind !== 'row_differs') throw new Error(`no row differs: ${finding?.kind}`)
  expect(report.outcome).toBe('differs')
  expect(finding).toMatchObject({ zone: 'tianjin', position: world.size })
  return finding.difference
}

const anyRow = (): fc.Arbitrary<number> => fc.nat({ max: rows.length - 1 })

/** The rows of a world, by the plainest of folds, with each verdict as given. */
function rowsOf(
  about: World,
  position: bigint = about.size,
  verdictOf: (code: string) => string = (code) => code,
): readonly Uint8Array[] {
  const copy = new WorldCopy(about.pinnedSha256)
  for (const record of about.records.slice(0, Number(position))) copy.take(record)
  const folds = about.zones.flatMap((zone) => copy.folds(zone))
  const told = folds.map((fold) => ({
    ...fold,
    events: fold.events.map((event) => ({ ...event, code: verdictOf(event.code) })),
  }))
  return told.flatMap((fold) => digestRow(fold) ?? []).sort(byKey)
}

function byKey(left: Uint8Array, right: Uint8Array): number {
  const [a, b] = [reading(left), reading(right)]
  return a.zone === b.zone ? Buffer.compare(a.subject, b.subject) : a.zone < b.zone ? -1 : 1
}

function keyOf(row: Uint8Array): { zone: string; subject: string } {
  const { zone, subject } = reading(row)
  return { zone, subject: hex(subject) }
}

function reading(row: Uint8Array): Extract<ReturnType<typeof decodeDigestRow>, { kind: 'row' }>['row'] {
  const read = decodeDigestRow(row)
  if (read.kind !== 'row') throw new Error(read.why)
  return read.row
}

function alter(records: EntryRecord[], at: number, change: (record: EntryRecord) => EntryRecord): EntryRecord[] {
  return records.with(at, change(records[at]!))
}

/** A bit of the commitment in the first leaf of the batch: the leaf stays readable. */
function alteredLeaf(record: EntryRecord): EntryRecord {
  const [first, ...rest] = record.entries
  return { ...record, entries: [{ ...first!, leaf: flipped(first!.leaf, -1) }, ...rest] }
}

/** A bit of the zone's signature inside the leaf of H. */
function alteredCheckpoint(record: EntryRecord): EntryRecord {
  return { ...record, leaf: flipped(record.leaf, -9) }
}

/** The signed text of a note. */
function openText(note: Uint8Array): string {
  const text = Buffer.from(note).toString()
  return text.slice(0, text.lastIndexOf('\n\n') + 1)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const index = at < 0 ? copy.length + at : at
  copy[index] = copy[index]! ^ 1
  return copy
}

/** RFC 6962 §2.1, as it is written there. */
function treeRoot(leaves: readonly Uint8Array[]): string {
  const root = (part: readonly Uint8Array[]): Buffer => {
    if (part.length === 0) return sha256Of()
    if (part.length === 1) return sha256Of(Buffer.from([0]), part[0]!)
    const split = 2 ** (Math.ceil(Math.log2(part.length)) - 1)
    return sha256Of(Buffer.from([1]), root(part.slice(0, split)), root(part.slice(split)))
  }
  return root(leaves).toString('hex')
}

function sha256Of(...parts: readonly Uint8Array[]): Buffer {
  return parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
