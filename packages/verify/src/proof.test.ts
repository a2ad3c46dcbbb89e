import { formatTlogProof, hashReaderOfLeaves, inclusionProof, parseTlogProof, sha256Tree } from '@hutong/merkle'
import { sha256 } from '@hutong/signing'
import {
  type AcceptedBatch,
  decodeHubLeaf,
  decodeLeaf,
  encodeHubLeaf,
  encodeLeaf,
  encodePayload,
  type HubLeaf,
  type ProofFile,
  type ProofFileEvent,
  proofFileToBytes,
} from '@hutong/wire'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ProofVerdict, verifyProof, verifyProofUnder } from './proof.ts'
import { proofFaults } from './proof-fault.ts'
import { verifyReceipt } from './proof-receipt.ts'
import { proofSentence } from './proof-sentence.ts'
import { hubLeafProof, proofEventOf, proofFileOf } from './proof-world.ts'
import { type Trust, trustFromFirstCharter } from './trust.ts'
import { type Published, restated, resumed, revoked, suspended, type Twisted, World } from './world.ts'

const fast = { suite: 'Ed25519' } as const
/** Words that a proof must never use, in whatever letters (formats F10). */
const verdictWords = /valid|not.?recognised|undetermined|有效|无效|不受理|无法判定/i

/** A licence issued, suspended, given back and revoked in Beijing; others of the zone between. */
async function told(world: World = new World(fast)) {
  const licence = world.licence('beijing', '0001')
  const other = world.licence('beijing', '0002')
  const elsewhere: Published[] = []
  const events: Published[] = []
  for (const step of [licence, suspended(licence), resumed(licence), revoked(licence)]) {
    world.tick(1000)
    events.push(world.publish('beijing', step))
    elsewhere.push(world.publish('beijing', step.kind === 'licence_issued' ? other : suspended(other)))
    world.publish('tianjin', world.licence('tianjin', `000${events.length}`))
  }
  return { world, licence, events, elsewhere, file: await proofFileOf(world, events) }
}

function checked(world: World, file: ProofFile, charter = world.charters[0]!.bytes): ProofVerdict {
  return verifyProof(proofFileToBytes(file), charter, sha256(charter))
}

function code(verdict: ProofVerdict): string {
  return verdict.kind === 'holds' ? `holds up to ${verdict.index}` : `${verdict.code} ${verdict.where}`
}

function withEvent(file: ProofFile, at: number, changes: Partial<ProofFileEvent>): ProofFile {
  return { ...file, events: file.events.map((event, place) => (place === at ? { ...event, ...changes } : event)) }
}

let story: Awaited<ReturnType<typeof told>>

beforeAll(async () => {
  story = await told()
})

describe('a proof of a licence', () => {
  it('holds up to its last event, with all there was about the licence, in the order of the log', () => {
    const verdict = checked(story.world, story.file)
    expect(verdict).toMatchObject({
      kind: 'holds',
      alliance: 'test.hutong.example',
      zone: 'beijing',
      origin: 'test.hutong.example/z/beijing/1',
      index: story.events[3]!.index,
      position: story.events[3]!.position,
      receivedAtMs: Date.UTC(2026, 5, 1) + 4000,
      charter: 0n,
    })
    expect(verdict.kind === 'holds' && verdict.events.map(({ event, stands }) => [event.kind, stands])).toEqual([
      ['licence_issued', true],
      ['licence_suspended', true],
      ['licence_resumed', true],
      ['licence_revoked', true],
    ])
  })

  it.each(['SM2-SM3', 'ECDSA-P256'] as const)('holds where %s decides', async (suite) => {
    const { world, file } = await told(new World({ suite }))
    expect(checked(world, file).kind).toBe('holds')
  })

  it('cut short at the end holds up to the event shown, and says so', async () => {
    const { world, file, events } = story
    const short = { ...file, events: file.events.slice(0, 2) }
    const verdict = checked(world, short)
    expect(code(verdict)).toBe(`holds up to ${events[1]!.index}`)
    expect(proofSentence(verdict).en).toBe(
      `PROOF HOLDS up to event test.hutong.example/z/beijing/1/${events[1]!.index}, at 2026-06-01T00:00:02.000Z; ` +
        'what came after it, also before this file was made, is not covered',
    )
  })

  it('holds with heads of different sizes', async () => {
    const { world, events } = await told()
    const early = await proofEventOf(world, events[0]!)
    world.publish('langfang', world.licence('langfang', '0009'))
    const late = await proofFileOf(world, events)
    expect(checked(world, { ...late, events: [early, ...late.events.slice(1)] }).kind).toBe('holds')
  })

  it('shows an event that does not follow from those before it as one that does not stand', async () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const events = [licence, revoked(licence), suspended(licence)].map((event) => world.publish('beijing', event))
    const verdict = checked(world, await proofFileOf(world, events))
    expect(verdict.kind === 'holds' && verdict.events.map(({ stands }) => stands)).toEqual([true, true, false])
  })

  it('never uses a word of a verdict', () => {
    for (const { zh, en } of Object.values(proofFaults)) expect(`${zh} ${en}`).not.toMatch(verdictWords)
    for (const name of Object.keys(proofFaults)) expect(name).not.toMatch(verdictWords)
    const { zh, en } = proofSentence(checked(story.world, story.file))
    expect(`${zh} ${en}`).not.toMatch(verdictWords)
  })
})

describe('a proof in which something is missing or moved', () => {
  it('fails without a middle event', () => {
    const { world, file } = story
    expect(code(checked(world, { ...file, events: file.events.filter((_, at) => at !== 2) }))).toBe(
      'EVENT_LEFT_OUT events[2]',
    )
  })

  it('fails without the first event', () => {
    const { world, file } = story
    expect(code(checked(world, { ...file, events: file.events.slice(1) }))).toBe('EVENT_LEFT_OUT events[0]')
  })

  it('fails without any event', () => {
    expect(code(checked(story.world, { ...story.file, events: [] }))).toBe('PROOF_UNREADABLE events')
  })

  it('fails with an event twice, and with two in the other order', () => {
    const { world, file } = story
    const [first, second, third] = file.events as [ProofFileEvent, ProofFileEvent, ProofFileEvent]
    expect(code(checked(world, { ...file, events: [first, first] }))).toBe('ORDER events[1]')
    expect(code(checked(world, { ...file, events: [first, third, second] }))).toBe('EVENT_LEFT_OUT events[1]')
  })

  it('fails with an event of another licence, of another log, and of no licence', async () => {
    const { world, file, elsewhere } = story
    const [first] = file.events as [ProofFileEvent]
    const other = await proofEventOf(world, elsewhere[0]!)
    expect(code(checked(world, { ...file, events: [first, other] }))).toBe('SUBJECT_DIFFERS events[1]')
    const away = world.publish('tianjin', { event: suspended(story.licence), previous: 1n })
    const foreign = await proofEventOf(world, away)
    expect(code(checked(world, { ...file, events: [first, foreign] }))).toBe('LOG_DIFFERS events[1]')
    const declared = await proofFileOf(world, [world.publish('beijing', world.declaration('beijing'))])
    expect(code(checked(world, declared))).toBe('NOT_OF_A_LICENCE events[0]')
  })
})

describe('a proof in which something was exchanged', () => {
  it('fails with the salt or payload of another event', () => {
    const { world, file } = story
    const [first, second] = file.events as [ProofFileEvent, ProofFileEvent]
    expect(code(checked(world, withEvent(file, 0, { payload: second.payload })))).toBe(
      'PAYLOAD_MISMATCH events[0].payload',
    )
    expect(code(checked(world, withEvent(file, 1, { salt: first.salt })))).toBe('PAYLOAD_MISMATCH events[1].payload')
  })

  it('fails with the leaf or one of the proofs of another event', () => {
    const { world, file } = story
    const [first, second] = file.events as [ProofFileEvent, ProofFileEvent]
    expect(code(checked(world, withEvent(file, 0, { leaf: second.leaf })))).toBe('NOT_INCLUDED events[0].eventProof')
    expect(code(checked(world, withEvent(file, 0, { eventProof: second.eventProof })))).toBe(
      'EVENT_NOT_IN_BATCH events[0].eventProof',
    )
    expect(code(checked(world, withEvent(file, 1, { batchProof: first.batchProof })))).toBe(
      'EVENT_NOT_IN_BATCH events[1].eventProof',
    )
  })

  it('fails where the proof of an event carries something besides, which nobody checks', () => {
    const { world, file } = story
    const plain = Buffer.from(file.events[0]!.eventProof).toString('utf8')
    const eventProof = Buffer.from(plain.replace('\nindex', '\nextra AAAA\nindex'))
    expect(code(checked(world, withEvent(file, 0, { eventProof })))).toBe('PROOF_UNREADABLE events[0].eventProof')
  })

  it('fails where an event is proven in a later batch of its log than its own', async () => {
    const world = new World(fast)
    const issued = world.publish('beijing', world.licence('beijing', '0001'))
    const later = world.publish('beijing', world.licence('beijing', '0002'))
    const { batchProof, eventProof } = await proofEventOf(world, later)
    const checkpoint = Buffer.from(eventProof).toString('utf8').split('\n\n').slice(1).join('\n\n')
    const hashes = [issued, later].map(({ leafHash }) => leafHash)
    const [sibling] = await inclusionProof(sha256Tree, 0n, 2n, hashReaderOfLeaves(sha256Tree, hashes))
    const moved = `c2sp.org/tlog-proof@v1\nindex 0\n${Buffer.from(sibling!).toString('base64')}\n\n${checkpoint}`
    const file = await proofFileOf(world, [issued])
    expect(code(checked(world, withEvent(file, 0, { eventProof: Buffer.from(moved), batchProof })))).toBe(
      'EVENT_NOT_IN_BATCH events[0].eventProof',
    )
  })

  it('fails under another charter, and under none', () => {
    const { world, file } = story
    const other = new World({ ...fast, admins: ['admin-a', 'admin-b'] }).charters[0]!.bytes
    expect(code(verifyProof(proofFileToBytes(file), other, sha256(world.charters[0]!.bytes)))).toBe(
      'CHARTER_REFUSED charter',
    )
    expect(code(verifyProof(proofFileToBytes(file), Uint8Array.of(1)))).toBe('CHARTER_REFUSED charter')
    const strangers = new World({ ...fast, zones: ['hebei', 'shanxi', 'henan'] })
    expect(code(checked(strangers, file))).toBe('QUORUM_MISSED firstCharter')
    const another = new World({ ...fast, charter: (same) => ({ ...same, logs: same.logs.toReversed() }) })
    expect(code(checked(another, file))).toBe('CHARTER_DIFFERS firstCharter')
  })

  it('fails under a head that too few have cosigned, and under one that asks for no quorum', async () => {
    const { world, events } = story
    expect(code(checked(world, await proofFileOf(world, events, world.cosignedHead({ zones: ['tianjin'] }))))).toBe(
      'QUORUM_MISSED firstCharter',
    )
    expect(code(checked(world, await proofFileOf(world, events, world.head())))).toBe('QUORUM_MISSED firstCharter')
    const nobody = await told(new World({ ...fast, quorum: 0 }))
    expect(code(checked(nobody.world, nobody.file))).toBe('QUORUM_MISSED firstCharter')
  })

  it('fails under a head with a line by an unknown key, and with a line twice', async () => {
    const { world, events } = story
    const head = Buffer.from(world.cosignedHead()).toString('utf8')
    const lines = head.split('\n')
    const unknown = lines.at(-2)!.replace('witness/langfang', 'witness/nobody')
    for (const more of [unknown, lines.at(-2)!]) {
      const file = await proofFileOf(world, events, Buffer.from(`${head}${more}\n`))
      expect(code(checked(world, file))).toBe('HEAD_STRAY_LINE firstCharter')
    }
  })
})

describe('a proof against the hub', () => {
  /** Two worlds of the same keys that part after the first event. */
  async function forked() {
    const [one, other] = [new World(fast), new World(fast)]
    const licence = one.licence('beijing', '0001')
    const left = [one.publish('beijing', licence), one.publish('beijing', suspended(licence))]
    const right = [other.publish('beijing', licence), other.publish('beijing', revoked(licence))]
    return { one, left, other, right }
  }

  it('fails with two heads of one size and different roots, and gives both', async () => {
    const { one, left, other, right } = await forked()
    const first = await proofEventOf(one, left[0]!)
    const second = await proofEventOf(other, right[1]!)
    const verdict = checked(one, { firstCharter: await hubLeafProof(one, 0n), charters: [], events: [first, second] })
    expect(code(verdict)).toBe('HEADS_CONTRADICT events[1].batchProof')
    const heads = [one.cosignedHead(), other.cosignedHead()].map((head) => Buffer.from(head).toString('utf8'))
    expect(verdict.kind === 'fails' && verdict.evidence?.heads).toEqual(heads)
  })

  it('fails with two leaves at one place of H, under heads of different sizes', async () => {
    const { one, left, other } = await forked()
    const licence = other.licence('beijing', '0001')
    other.publish('beijing', { event: suspended(licence), previous: 0n })
    const first = await proofEventOf(one, left[0]!)
    const third = new World({ ...fast, startMs: Date.UTC(2026, 5, 1) + 1 })
    const [issued, changed] = [third.publish('beijing', licence), third.publish('beijing', suspended(licence))]
    third.publish('beijing', third.licence('beijing', '0003'))
    expect(
      code(
        checked(one, {
          firstCharter: await hubLeafProof(one, 0n),
          charters: [],
          events: [first, await proofEventOf(third, issued)],
        }),
      ),
    ).toBe('HEADS_CONTRADICT events[1].batchProof')
    // Nothing contradicts here, and that is as it should be: what stands at other places was not shown.
    expect(
      checked(one, {
        firstCharter: await hubLeafProof(one, 0n),
        charters: [],
        events: [first, await proofEventOf(third, changed)],
      }).kind,
    ).toBe('holds')
  })
})

describe('a leaf of H that no honest hub admits, under a quorum all the same', () => {
  /** Two events of a licence, the leaf of H of the second rewritten before it is proven. */
  async function rewritten(change: (leaf: HubLeaf & { entry: AcceptedBatch }, first: HubLeaf) => HubLeaf) {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const issued = world.publish('beijing', licence)
    world.tick(1000)
    const changed = world.publish('beijing', suspended(licence))
    const [first, second] = [1, 2].map((at) => decodeHubLeaf(world.records[at]!.leaf))
    if (first?.kind !== 'hub_leaf' || second?.kind !== 'hub_leaf' || second.leaf.entry.kind !== 'batch')
      throw new Error()
    const leaf = encodeHubLeaf(change({ ...second.leaf, entry: second.leaf.entry }, first.leaf))
    const { events } = await proofFileOf(world, [issued, changed])
    world.records[2] = { ...world.records[2]!, leaf }
    const [firstCharter, ...proofs] = await Promise.all([0n, 1n, 2n].map((at) => hubLeafProof(world, at)))
    const proven = events.map((event, at) => ({ ...event, batchProof: proofs[at]! }))
    return code(checked(world, { firstCharter: firstCharter!, charters: [], events: proven }))
  }

  it('holds where nothing is rewritten', async () => {
    expect(await rewritten((leaf) => leaf)).toBe('holds up to 1')
  })

  it('fails with another index than its place', async () => {
    expect(await rewritten((leaf) => ({ ...leaf, index: 9n }))).toBe('HUB_LEAF_REFUSED events[1].batchProof')
  })

  it('fails with a time before that of an earlier leaf', async () => {
    const early = await rewritten((leaf, first) => ({ ...leaf, receivedAtMs: first.receivedAtMs - 1 }))
    expect(early).toBe('HEADS_CONTRADICT events[1].batchProof')
  })

  it('fails with a batch that begins within an earlier one', async () => {
    const overlapping = await rewritten(({ entry, ...leaf }) => ({ ...leaf, entry: { ...entry, oldSize: 0n } }))
    expect(overlapping).toBe('HEADS_CONTRADICT events[1].batchProof')
  })

  it('fails with batches of one log in another order than the log has them', async () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const events = [world.publish('beijing', licence), world.publish('beijing', suspended(licence))]
    const { firstCharter, charters, events: shown } = await proofFileOf(world, events)
    const [first, second] = [1, 2].map((at) => decodeHubLeaf(world.records[at]!.leaf))
    if (first?.kind !== 'hub_leaf' || second?.kind !== 'hub_leaf') throw new Error('no leaves')
    for (const [index, { leaf }] of [second, first].entries()) {
      const at = index + 1
      world.records[at] = { ...world.records[at]!, leaf: encodeHubLeaf({ ...leaf, index: BigInt(at) }) }
    }
    const batchProofs = [await hubLeafProof(world, 2n), await hubLeafProof(world, 1n)]
    const turned = shown.map((event, at) => ({ ...event, batchProof: batchProofs[at]! }))
    const file = { firstCharter: await hubLeafProof(world, 0n), charters, events: turned }
    expect(code(checked(world, file))).toBe('HEADS_CONTRADICT events[1].batchProof')
    expect(firstCharter).not.toEqual(file.firstCharter)
  })

  it('fails with charter 0 at another place than the first', async () => {
    const world = new World(fast)
    const issued = world.publish('beijing', world.licence('beijing', '0001'))
    const zero = decodeHubLeaf(world.records[0]!.leaf)
    if (zero.kind !== 'hub_leaf') throw new Error('no leaf')
    world.records.push({ ...world.records[0]!, index: 2n, leaf: encodeHubLeaf({ ...zero.leaf, index: 2n }) })
    const head = world.cosignedHead({ size: 3n })
    const firstCharter = await hubLeafProof(world, 2n, head, 3n)
    const file = { ...(await proofFileOf(world, [issued], head, 3n)), firstCharter }
    expect(code(checked(world, file))).toBe('CHARTER_DIFFERS firstCharter')
  })

  it('fails with another size, root or signer than the zone checkpoint has', async () => {
    const stranger = new World({ ...fast, zones: ['hebei', 'henan', 'shanxi'] })
    stranger.publishBatch('hebei', [stranger.licence('hebei', '1'), stranger.licence('hebei', '2')])
    const foreign = decodeHubLeaf(stranger.records[1]!.leaf)
    if (foreign.kind !== 'hub_leaf' || foreign.leaf.entry.kind !== 'batch') throw new Error('no batch')
    const { checkpoint } = foreign.leaf.entry
    for (const change of [
      { newSize: 3n },
      { root: new Uint8Array(32) },
      { checkpoint },
      { origin: 'somebody/z/else/1' },
    ]) {
      const answer = await rewritten(({ entry, ...leaf }) => ({ ...leaf, entry: { ...entry, ...change } }))
      expect(answer).toBe('BATCH_NOT_SIGNED events[1].batchProof')
    }
  })
})

describe('a leaf that its payload does not bear out', () => {
  it.each<[string, Partial<Twisted>, string]>([
    ['another kind', { kind: 3 }, 'LEAF_MISMATCH events[0]'],
    ['another subject', { subject: new Uint8Array(32).fill(7) }, 'LEAF_MISMATCH events[0]'],
    ['another log', { origin: 'test.hutong.example/z/tianjin/1' }, 'LEAF_MISMATCH events[0]'],
    ['an event before it that is none', { previous: 1n }, 'EVENT_LEFT_OUT events[0]'],
    ['a kind that nobody here knows', { kind: 99 }, 'EVENT_NOT_UNDERSTOOD events[0]'],
    ['an unknown field', { payloadSuffix: Uint8Array.of(0x98, 0x06, 1) }, 'EVENT_NOT_UNDERSTOOD events[0]'],
    ['a payload that is none', { payload: Uint8Array.of(0xff, 1, 2) }, 'EVENT_NOT_UNDERSTOOD events[0].payload'],
  ])('fails with %s', async (_what, twist, expected) => {
    const world = new World(fast)
    world.publish('beijing', world.licence('beijing', '0009'))
    const published = world.publish('beijing', { event: world.licence('beijing', '0001'), ...twist })
    expect(code(checked(world, await proofFileOf(world, [published])))).toBe(expected)
  })
})

describe('a leaf that names another index than its place', () => {
  it('fails, though its zone has signed it', async () => {
    const world = new World(fast)
    const leaf = (bytes: Uint8Array) => {
      const decoded = decodeLeaf(bytes)
      if (decoded.kind !== 'leaf') throw new Error('no leaf')
      return encodeLeaf({ ...decoded.leaf, index: 9n })
    }
    const published = world.publish('beijing', { event: world.licence('beijing', '0001'), leaf })
    expect(code(checked(world, await proofFileOf(world, [published])))).toBe('LEAF_UNREADABLE events[0].leaf')
    const { batchProof, eventProof } = await proofEventOf(world, published)
    const parsed = parseTlogProof(eventProof)
    if (parsed.kind === 'refused') throw new Error(parsed.reason)
    const receipt = { batchProof, eventProof: formatTlogProof({ ...parsed, extra: published.entry.leaf }) }
    expect(verifyReceipt(receipt, world.charters[0]!.bytes)).toMatchObject({ kind: 'fails', code: 'LEAF_UNREADABLE' })
  })
})

describe('a licence whose history began in an earlier epoch of its log', () => {
  it('fails: one file does not carry the events before', async () => {
    const world = new World(fast)
    const event = world.licence('beijing', '0001')
    const secret = new Uint8Array(16)
    const origin = world.origin('beijing')
    const payload = encodePayload({
      ...{ origin, subjectSecret: secret, event },
      previousEpoch: { origin: 'test.hutong.example/z/beijing/0', index: 5n },
    })
    const published = world.publish('beijing', { event, secret, payload })
    expect(code(checked(world, await proofFileOf(world, [published])))).toBe('EVENT_LEFT_OUT events[0]')
  })
})

describe('charters after charter 0', () => {
  it('travel with the proof, each from its place in H', async () => {
    const { world, events } = await told()
    world.changeCharter((charter) => ({ ...charter, heartbeatMs: 30_000 }))
    world.changeCharter((charter) => ({ ...charter, heartbeatMs: 20_000 }))
    const file = await proofFileOf(world, events)
    expect(file.charters).toHaveLength(2)
    expect(checked(world, file)).toMatchObject({ kind: 'holds', charter: 2n })
    const [first, second] = file.charters as [ProofFile['charters'][0], ProofFile['charters'][0]]
    expect(code(checked(world, { ...file, charters: [second] }))).toBe('CHARTER_CHAIN charters[0]')
    expect(code(checked(world, { ...file, charters: [first, first] }))).toBe('CHARTER_CHAIN charters[1]')
    expect(code(checked(world, { ...file, charters: [{ ...first, charter: second.charter }, second] }))).toBe(
      'CHARTER_CHAIN charters[0]',
    )
  })

  it('are refused where too few admins have signed, or where they do not stand in H', async () => {
    const { world, events } = await told()
    const honest = world.changeCharter((charter) => ({ ...charter, heartbeatMs: 30_000 }), { log: false })
    world.changeCharter((charter) => ({ ...charter, heartbeatMs: 30_000 }), { admins: ['admin-a'] })
    const file = await proofFileOf(world, events)
    expect(code(checked(world, file))).toBe('CHARTER_CHAIN charters[0]')
    const other = new World(fast)
    const same = other.changeCharter(() => honest.charter)
    const charter = { charter: same.bytes, proof: await hubLeafProof(other, same.position, world.cosignedHead()) }
    // Its place is that of another log, and the head is this one's.
    expect(code(checked(world, { ...file, charters: [charter] }))).toBe('NOT_INCLUDED charters[0].proof')
  })

  it('are refused where a later one stands before an earlier one', async () => {
    const world = new World(fast)
    const events = [world.publish('beijing', world.licence('beijing', '0001'))]
    for (const heartbeatMs of [30_000, 20_000]) world.changeCharter((charter) => ({ ...charter, heartbeatMs }))
    const [one, two] = [2, 3].map((at) => decodeHubLeaf(world.records[at]!.leaf))
    if (one?.kind !== 'hub_leaf' || two?.kind !== 'hub_leaf') throw new Error('no leaf')
    const { charters, ...file } = await proofFileOf(world, events)
    world.records[2] = { ...world.records[2]!, leaf: encodeHubLeaf({ ...two.leaf, index: 2n }) }
    world.records[3] = { ...world.records[3]!, leaf: encodeHubLeaf({ ...one.leaf, index: 3n }) }
    const proofs = await Promise.all([3n, 2n].map((at) => hubLeafProof(world, at)))
    const swapped = charters.map(({ charter }, at) => ({ charter, proof: proofs[at]! }))
    expect(code(checked(world, { ...file, charters: swapped }))).toBe('CHARTER_CHAIN charters[1]')
  })

  it('bring the keys that sign after them', async () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const issued = world.publish('beijing', licence)
    world.compromise('beijing', 1n)
    const revocation = world.publish('beijing', revoked(licence))
    const file = await proofFileOf(world, [issued, revocation])
    expect(checked(world, file)).toMatchObject({ kind: 'holds', charter: 1n })
    expect(code(checked(world, { ...file, charters: [] }))).toBe('BATCH_NOT_SIGNED events[1].batchProof')
  })

  it('find out a key: an event under it fails until it is restated', async () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const issued = world.publish('beijing', licence)
    world.compromise('beijing', 0n)
    expect(code(checked(world, await proofFileOf(world, [issued])))).toBe('KEY_COMPROMISED events[0]')
    const again = world.publish('beijing', restated(licence, issued))
    expect(checked(world, await proofFileOf(world, [issued, again])).kind).toBe('holds')
  })

  it('fails where only the key that was found out states an event again, whoever states that again', async () => {
    const world = new World(fast)
    const licence = world.licence('beijing', '0001')
    const issued = world.publish('beijing', licence)
    const again = world.publish('beijing', restated(licence, issued))
    world.compromise('beijing', 0n)
    expect(code(checked(world, await proofFileOf(world, [issued, again])))).toBe('KEY_COMPROMISED events[0]')
    const sound = world.publish('beijing', restated(licence, again))
    expect(code(checked(world, await proofFileOf(world, [issued, again, sound])))).toBe('KEY_COMPROMISED events[0]')
    const whole = world.publish('beijing', restated(licence, issued))
    expect(checked(world, await proofFileOf(world, [issued, again, sound, whole])).kind).toBe('holds')
  })
})

describe('every byte of a proof file', () => {
  it('counts: flipped, the proof fails or cannot be read', async () => {
    const world = new World(fast)
    const issued = world.publish('beijing', world.licence('beijing', '0001'))
    const bytes = Buffer.from(proofFileToBytes(await proofFileOf(world, [issued])))
    const trust = trustFromFirstCharter(world.charters[0]!.bytes) as Trust
    expect(verifyProofUnder(trust, bytes).kind).toBe('holds')
    const held: number[] = []
    for (let at = 0; at < bytes.length; at++) {
      bytes[at]! ^= 1 << (at % 8)
      if (verifyProofUnder(trust, bytes).kind === 'holds') held.push(at)
      bytes[at]! ^= 1 << (at % 8)
    }
    expect(held).toEqual([])
    expect(verifyProofUnder(trust, bytes).kind).toBe('holds')
  })

  it('counts in a charter and its place as well', async () => {
    const world = new World(fast)
    const issued = world.publish('beijing', world.licence('beijing', '0001'))
    world.changeCharter((charter) => ({ ...charter, heartbeatMs: 30_000 }))
    const bytes = Buffer.from(proofFileToBytes(await proofFileOf(world, [issued])))
    const trust = trustFromFirstCharter(world.charters[0]!.bytes) as Trust
    const held: number[] = []
    for (let at = 0; at < bytes.indexOf('"events"'); at += 13) {
      bytes[at]! ^= 1
      if (verifyProofUnder(trust, bytes).kind === 'holds') held.push(at)
      bytes[at]! ^= 1
    }
    expect(held).toEqual([])
    expect(verifyProofUnder(trust, bytes)).toMatchObject({ kind: 'holds', charter: 1n })
  })

  it('is there once: white space, another order, or a member twice are another spelling', () => {
    const { world, file } = story
    const text = Buffer.from(proofFileToBytes(file)).toString('utf8')
    const { format, firstCharter, charters, events } = JSON.parse(text)
    const charter = world.charters[0]!.bytes
    expect(verifyProof(Buffer.from(text), charter).kind).toBe('holds')
    for (const other of [
      text.trimEnd(),
      `${text}\n`,
      ` ${text}`,
      `\ufeff${text}`,
      `${JSON.stringify({ format, firstCharter, charters, events }, null, 1)}\n`,
      `${JSON.stringify({ firstCharter, charters, events, format })}\n`,
      `${JSON.stringify({ format, firstCharter, charters, events, more: 1 })}\n`,
      text.replace('"charters":[]', '"charters":[],"charters":[]'),
      text.replace('index ', 'index\\u0020'),
      text.replace(/"format":"[^"]+"/, '"format":"hutong/proof/v2"'),
      '',
      '[]',
      'null',
    ]) {
      expect(verifyProof(Buffer.from(other), charter)).toMatchObject({ kind: 'fails', code: 'PROOF_UNREADABLE' })
    }
  })
})
