import { emptyEdge, formatCheckpoint, noteSigner, rootOfLeafHashes, sha256Tree, signNote } from '@hutong/merkle'
import { generateKey, sha256, signerFromPem } from '@hutong/signing'
import { decodeHubLeaf, type EntryRecord, encodeHubLeaf, type HubLeaf } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { type FollowState, followEntry, hubEdgeAfter, startFollowing } from './follow.ts'
import { encodeFollowState } from './follow-state.ts'
import { suspended, unknownField, World } from './world.ts'

/** A world of three batches and a charter, and what has been followed of it up to each position. */
function story() {
  const world = new World()
  const licence = world.licence('beijing', '0001')
  world.publishBatch('beijing', [licence, world.licence('beijing', '0002')])
  world.tick(1000)
  world.publish('tianjin', world.declaration('tianjin'))
  world.changeCharter((charter) => charter)
  world.tick(1000)
  world.publish('beijing', suspended(licence))
  return { world, licence }
}

function follow(world: World, count: number = world.records.length): FollowState {
  let state = startFollowing(world.pinnedSha256)
  for (const record of world.records.slice(0, count)) {
    const followed = followEntry(state, record)
    if (followed.kind === 'refused') throw new Error(followed.code)
    state = followed.state
  }
  return state
}

function hubLeafOf(record: EntryRecord): HubLeaf {
  const read = decodeHubLeaf(record.leaf)
  if (read.kind !== 'hub_leaf') throw new Error(read.why)
  return read.leaf
}

type BatchLeaf = HubLeaf & { readonly entry: Extract<HubLeaf['entry'], { kind: 'batch' }> }
type CharterLeaf = HubLeaf & { readonly entry: Extract<HubLeaf['entry'], { kind: 'charter' }> }

/** What following says to the last record of the world when something in it is changed. */
function told(world: World, change: (record: EntryRecord, leaf: HubLeaf) => Partial<EntryRecord>): string {
  const last = world.records.at(-1)!
  const state = follow(world, world.records.length - 1)
  const answer = followEntry(state, { ...last, ...change(last, hubLeafOf(last)) })
  return answer.kind === 'refused' ? answer.code : answer.kind
}

const inBatch =
  (changes: Partial<BatchLeaf['entry']>) =>
  (_: EntryRecord, leaf: HubLeaf): Partial<EntryRecord> => ({
    leaf: encodeHubLeaf({ ...leaf, entry: { ...(leaf as BatchLeaf).entry, ...changes } }),
  })

describe('an honest stream', () => {
  it('is followed to the roots that RFC 6962 gives for its leaves, H and every zone', () => {
    const { world } = story()
    const state = follow(world)
    const hubHashes = world.records.map(({ leaf }) => sha256Tree.leaf(leaf))
    expect(state.position).toBe(5n)
    expect(state.hubEdge.size).toBe(5n)
    const root = (hashes: readonly Uint8Array[]) => hex(rootOfLeafHashes(sha256Tree, hashes))
    const edgeRootHex = (edge: FollowState['hubEdge']) =>
      hex(edge.hashes.reduceRight((right, left) => sha256Tree.node(left, right)))
    expect(edgeRootHex(state.hubEdge)).toBe(root(hubHashes))
    expect(
      hubEdgeAfter(
        emptyEdge,
        world.records.map(({ leaf }) => leaf),
      ),
    ).toEqual(state.hubEdge)
    const beijing = [world.records[1]!, world.records[4]!].flatMap(({ entries }) => entries)
    const log = state.logs.get(world.origin('beijing'))!
    expect(edgeRootHex(log.edge)).toBe(root(beijing.map(({ leaf }) => sha256Tree.leaf(leaf))))
    expect(log).toMatchObject({ zone: 'beijing', loggedAtMs: world.nowMs })
    expect(state.receivedAtMs).toBe(world.nowMs)
    expect(state.trust?.charters).toHaveLength(2)
  })

  it('gives each event its place, the hub’s time and the key that signed its batch', () => {
    const { world } = story()
    const { events } = world.copy()
    expect(events.map(({ kept }) => [kept.zone, kept.index, kept.position, kept.place])).toEqual([
      ['beijing', 0n, 1n, 0],
      ['beijing', 1n, 1n, 1],
      ['tianjin', 0n, 2n, 0],
      ['beijing', 2n, 4n, 0],
    ])
    const [deciding] = world.signers('beijing')
    const id = deciding!.key.keyId.toString(16).padStart(8, '0')
    expect(events[0]!.kept.signer).toBe(`${world.origin('beijing')}+${id}`)
    expect(events[3]!.kept.receivedAtMs - events[0]!.kept.receivedAtMs).toBe(2000)
    for (const { kept } of events)
      expect(hex(kept.leafHash)).toBe(hex(sha256(Buffer.concat([Buffer.of(0), kept.leaf]))))
  })

  it('leaves the state before untouched, so that the same entry is taken in twice alike', () => {
    const { world } = story()
    const before = follow(world, 4)
    const written = encodeFollowState(before)
    const last = world.records.at(-1)!
    const one = followEntry(before, last)
    expect(followEntry(before, last)).toEqual(one)
    expect(encodeFollowState(before)).toEqual(written)
  })

  it('goes on over whatever an event says, and over payloads that are not there', () => {
    const { world, licence } = story()
    world.publish('beijing', { event: suspended(licence), carried: 'missing' })
    world.publish('beijing', { event: suspended(licence), carried: 'damaged' })
    world.publish('beijing', { event: suspended(licence), leafSuffix: unknownField(99) })
    world.publish('beijing', { event: suspended(licence), kind: 77, payload: Uint8Array.of(255) })
    expect(follow(world).position).toBe(9n)
  })
})

describe('what no honest hub admits', () => {
  it('is a leaf that cannot be read, or is not the next one', () => {
    const { world } = story()
    expect(told(world, () => ({}))).toBe('followed')
    expect(told(world, () => ({ leaf: Uint8Array.of(1, 2, 3) }))).toBe('HUB_LEAF_UNREADABLE')
    expect(told(world, ({ leaf }) => ({ leaf: Buffer.concat([leaf, unknownField(9)]) }))).toBe('HUB_LEAF_UNREADABLE')
    expect(told(world, ({ index }) => ({ index: index + 1n }))).toBe('HUB_LEAF_INDEX')
    expect(told(world, (_, leaf) => ({ leaf: encodeHubLeaf({ ...leaf, index: leaf.index + 1n }) }))).toBe(
      'HUB_LEAF_INDEX',
    )
    expect(told(world, (_, leaf) => ({ leaf: encodeHubLeaf({ ...leaf, index: leaf.index - 1n }) }))).toBe(
      'HUB_LEAF_INDEX',
    )
  })

  it('is a time that falls, and not one that stands', () => {
    const { world } = story()
    const at = (spanMs: number) => (_: EntryRecord, leaf: HubLeaf) => ({
      leaf: encodeHubLeaf({ ...leaf, receivedAtMs: world.nowMs + spanMs }),
    })
    expect(told(world, at(-1000))).toBe('followed')
    expect(told(world, at(-1001))).toBe('HUB_TIME_FALLS')
  })

  it('is a batch as leaf 0, and a charter as leaf 0 that is not the pinned one or is called otherwise', () => {
    const { world } = story()
    const zero = world.records[0]!
    const start = startFollowing(world.pinnedSha256)
    const code = (record: EntryRecord, state = start) => {
      const answer = followEntry(state, record)
      return answer.kind === 'refused' ? answer.code : answer.kind
    }
    expect(code(zero)).toBe('followed')
    expect(code(zero, startFollowing(new Uint8Array(32)))).toBe('CHARTER_NOT_PINNED')
    const batch = { ...hubLeafOf(world.records[1]!), index: 0n }
    expect(code({ ...world.records[1]!, index: 0n, leaf: encodeHubLeaf(batch) })).toBe('CHARTER_FIRST')
    const leaf = hubLeafOf(zero) as CharterLeaf
    const renamed = (entry: Partial<CharterLeaf['entry']>) =>
      code({ ...zero, leaf: encodeHubLeaf({ ...leaf, entry: { ...leaf.entry, ...entry } }) })
    expect(renamed({ number: 1n })).toBe('CHARTER_NUMBER')
    expect(renamed({ sha256: new Uint8Array(32) })).toBe('CHARTER_HASH')
    expect(code({ ...zero, charter: new Uint8Array(0) })).not.toBe('followed')
  })

  it('is a charter that too few admins signed, or whose bytes are others', () => {
    const { world } = story()
    world.changeCharter((charter) => charter)
    const bad = world.changeCharter((charter) => charter, { admins: ['admin-a'], log: false })
    expect(told(world, (_, leaf) => ({ leaf: encodeHubLeaf(withNote(leaf, bad.note)) }))).toBe('CHARTER_NOTE')
    expect(told(world, () => ({ charter: world.charters[0]!.bytes }))).toBe('CHARTER_HASH')
    expect(told(world, () => ({ charter: new Uint8Array(0) }))).not.toBe('followed')
  })

  it('is a batch of a log that no zone has, the hub’s included', () => {
    const { world } = story()
    expect(told(world, inBatch({ origin: 'test.hutong.example/z/nobody/1' }))).toBe('LOG_UNKNOWN')
    expect(told(world, inBatch({ origin: 'test.hutong.example/h/1' }))).toBe('LOG_UNKNOWN')
  })

  it('is a batch that does not continue its log, or has not the leaves it names', () => {
    const { world } = story()
    expect(told(world, inBatch({ oldSize: 1n }))).toBe('BATCH_NOT_CONTINUING')
    expect(told(world, inBatch({ oldSize: 3n, newSize: 4n }))).toBe('BATCH_NOT_CONTINUING')
    expect(told(world, inBatch({ newSize: 4n }))).toBe('BATCH_NOT_CONTINUING')
    expect(told(world, () => ({ entries: [] }))).toBe('BATCH_NOT_CONTINUING')
    expect(told(world, ({ entries }) => ({ entries: [...entries, ...entries] }))).toBe('BATCH_NOT_CONTINUING')
  })

  it('is a batch of more than 256 entries, and not one of 256', () => {
    const world = new World()
    const licences = Array.from({ length: 257 }, (_, at) => world.licence('beijing', `B${at}`))
    world.publishBatch('beijing', licences.slice(0, 256))
    expect(told(world, () => ({}))).toBe('followed')
    const other = new World()
    const sealing = licences.map((event) => ({ event, leaf: (leaf: Uint8Array) => leaf }))
    other.publishBatch('beijing', sealing)
    expect(told(other, () => ({}))).toBe('BATCH_TOO_LARGE')
  })

  it('is a root that the leaves do not come to: in the leaf of H, in the checkpoint, or by a leaf exchanged', () => {
    const { world } = story()
    const signers = world.signers('beijing')
    const origin = world.origin('beijing')
    const signed = (size: bigint, root: Uint8Array) => signNote(formatCheckpoint({ origin, size, root }), signers)
    const { root } = (hubLeafOf(world.records.at(-1)!) as BatchLeaf).entry
    const wrong = new Uint8Array(32).fill(1)
    expect(told(world, inBatch({ checkpoint: signed(3n, root) }))).toBe('followed')
    expect(told(world, inBatch({ root: wrong }))).toBe('BATCH_ROOT')
    expect(told(world, inBatch({ checkpoint: signed(3n, wrong) }))).toBe('BATCH_ROOT')
    expect(told(world, inBatch({ checkpoint: signed(3n, wrong), root: wrong }))).toBe('BATCH_ROOT')
    expect(told(world, inBatch({ checkpoint: signed(4n, root) }))).toBe('BATCH_ROOT')
    const flip = ({ entries }: EntryRecord) => {
      const leaf = Buffer.from(entries[0]!.leaf)
      leaf[leaf.length - 1]! ^= 1
      return { entries: [{ ...entries[0]!, leaf }] }
    }
    expect(told(world, flip)).toBe('BATCH_ROOT')
  })

  it('is a checkpoint that no accepted key of the deciding suite signed', () => {
    const { world } = story()
    const [sm2, ed25519] = world.signers('beijing')
    const text = Buffer.from((hubLeafOf(world.records.at(-1)!) as BatchLeaf).entry.checkpoint).toString('utf8')
    const signed = text.slice(0, text.indexOf('\n\n') + 1)
    const by = (...signers: Parameters<typeof signNote>[1]) =>
      told(world, inBatch({ checkpoint: signNote(signed, signers) }))
    expect(by(sm2!)).toBe('followed')
    expect(by(ed25519!)).toBe('BATCH_SIGNATURE')
    expect(by(...world.signers('tianjin'))).toBe('BATCH_SIGNATURE')
    expect(by(...world.hubSigners)).toBe('BATCH_SIGNATURE')
    const stranger = noteSigner(world.origin('beijing'), signerFromPem(generateKey('SM2-SM3').privateKeyPem))
    expect(by(stranger)).toBe('BATCH_SIGNATURE')
    expect(by(stranger, ed25519!)).toBe('BATCH_SIGNATURE')
    expect(told(world, inBatch({ checkpoint: new Uint8Array(0) }))).toBe('BATCH_SIGNATURE')
  })

  it('is a batch under a key that is retired, and under one not yet accepted', () => {
    const { world, licence } = story()
    const old = world.signers('beijing')
    world.compromise('beijing', 3n)
    world.publish('beijing', suspended(licence), { signers: old })
    expect(told(world, () => ({}))).toBe('BATCH_SIGNATURE')
    const other = story()
    other.world.publish('beijing', suspended(other.licence), { signers: world.signers('beijing') })
    expect(told(other.world, () => ({}))).toBe('BATCH_SIGNATURE')
  })

  it('is a leaf that cannot be read or is out of its place', () => {
    const { world, licence } = story()
    const shifted = (leaf: Uint8Array) => {
      const changed = Buffer.from(leaf)
      expect([...changed.subarray(2, 4)]).toEqual([0x10, 0x03])
      changed[3] = 4
      return changed
    }
    world.publish('beijing', { event: suspended(licence), leaf: shifted })
    expect(told(world, () => ({}))).toBe('BATCH_LEAF')
    const other = story()
    other.world.publish('beijing', { event: suspended(other.licence), leaf: () => Uint8Array.of(1, 2, 3) })
    expect(told(other.world, () => ({}))).toBe('BATCH_LEAF')
  })

  it('is a leaf time below the one before, in this batch or the last', () => {
    const { world, licence } = story()
    world.publish('beijing', { event: suspended(licence), loggedAtMs: world.nowMs - 1 })
    expect(told(world, () => ({}))).toBe('BATCH_TIME_FALLS')
  })

  it('is a leaf time more than maxClockOffset ahead of the hub', () => {
    const at = (aheadMs: number) => {
      const { world, licence } = story()
      world.publish('beijing', { event: suspended(licence), loggedAtMs: world.nowMs + aheadMs })
      return told(world, () => ({}))
    }
    expect(at(60_000)).toBe('followed')
    expect(at(60_001)).toBe('BATCH_FROM_THE_FUTURE')
  })
})

function withNote(leaf: HubLeaf, note: Uint8Array): HubLeaf {
  return { ...leaf, entry: { ...(leaf as CharterLeaf).entry, note } }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
