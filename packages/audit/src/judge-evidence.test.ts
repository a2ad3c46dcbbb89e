import {
  addSignatures,
  appendLeafHashes,
  consistencyProof,
  edgeRoot,
  emptyEdge,
  formatCheckpoint,
  type HashReader,
  hashReaderOfLeaves,
  inclusionProof,
  type NoteSigner,
  sha256Tree,
  signNote,
} from '@hutong/merkle'
import { World } from '@hutong/verify/world'
import { decodeHubLeaf, encodeHubLeaf, type HubLeaf } from '@hutong/wire'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Evidence, encodeEvidence, type HubLeafFault, type HubLeafFaultCode } from './evidence.ts'
import { type EvidenceJudgement, judgeEvidence } from './judge-evidence.ts'

describe('evidence that holds', () => {
  it('shows that the hub signed two trees of one size', () => {
    expect(judged(twoHeads())).toMatchObject({ kind: 'holds', against: 'hub', charter: 0n })
  })

  it('shows that the hub signed a tree that does not begin with one it had signed', async () => {
    expect(judged(await notConsistent())).toMatchObject({ kind: 'holds', against: 'hub' })
  })

  it('shows that a zone signed two trees of one size', () => {
    const [first, second] = [checkpointOf(world), checkpointOf(fork)]
    const evidence: Evidence = { kind: 'two_heads', log: world.origin('langfang'), first, second }
    expect(judged(evidence)).toMatchObject({ kind: 'holds', against: 'langfang' })
  })

  it.each(Object.keys(faults) as HubLeafFaultCode[])('shows a leaf of H at fault: %s', async (fault) => {
    expect(judged(await hubLeaf(fault))).toMatchObject({ kind: 'holds', against: 'hub' })
  })

  it('is judged by a charter that its admins signed, and says by which', () => {
    const { bytes, note } = world.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs * 2 }), {
      log: false,
    })
    const file = encodeEvidence({ alliance: world.alliance, charters: [{ bytes, note }], evidence: twoHeads() })
    expect(judgeEvidence(file, charter0())).toMatchObject({ kind: 'holds', charter: 1n })
    const byOne = world.changeCharter((charter) => charter, { log: false, admins: ['admin-a'] })
    const weak = encodeEvidence({ alliance: world.alliance, charters: [byOne], evidence: twoHeads() })
    expect(judgeEvidence(weak, charter0())).toMatchObject({ kind: 'fails', code: 'EVIDENCE_CHARTER' })
  })

  it('says what it proves in both languages', () => {
    const judgement = judged(twoHeads())
    if (judgement.kind !== 'holds') throw new Error(judgement.reason)
    expect(judgement.en).toContain(`size ${world.size}`)
    expect(judgement.zh).toContain(String(world.size))
  })
})

/** How many times as much is tried as usual: then every byte is. */
const runs = Number(process.env.HUTONG_RUNS ?? 1)

describe('evidence with one byte altered', () => {
  it.each<[string, () => Evidence | Promise<Evidence>, number]>([
    ['two heads, every second byte', () => twoHeads(), 2],
    ['heads that are not consistent, every third byte', () => notConsistent(), 3],
    ['a time that falls, every fifth byte', () => hubLeaf('time_falls'), 5],
    ['a log that is not continued, every seventh byte', () => hubLeaf('not_continuing'), 7],
    ['a signature that does not hold, every seventh byte', () => hubLeaf('signature'), 7],
  ])('fails: %s', async (_, make, stride) => {
    const file = encoded(await make())
    for (let at = 0; at < file.length; at += runs > 1 ? 1 : stride) {
      const altered = Uint8Array.from(file)
      altered[at]! ^= 1
      const { kind } = judgeEvidence(altered, charter0())
      if (kind !== 'fails') expect.fail(`holds with another byte ${at}`)
    }
  })

  it('fails with another bit of its charter too', () => {
    const later = world.changeCharter((charter) => ({ ...charter, heartbeatMs: 1 }), { log: false })
    const file = encodeEvidence({ alliance: world.alliance, charters: [later], evidence: twoHeads() })
    expect(judgeEvidence(file, charter0()).kind).toBe('holds')
    const from = Buffer.from(file).indexOf('charters')
    const to = Buffer.from(file).indexOf('"kind"')
    for (let at = from; at < to; at += 41) {
      const altered = Uint8Array.from(file)
      altered[at]! ^= 1
      if (judgeEvidence(altered, charter0()).kind !== 'fails') expect.fail(`holds with another byte ${at}`)
    }
  })
})

describe('evidence that fails', () => {
  it('by a key that the charter does not name', () => {
    const text = textOf(fork.head())
    const second = signNote(text, world.signers('beijing'))
    expect(judged({ ...twoHeads(), second })).toMatchObject({ code: 'EVIDENCE_SIGNATURE' })
  })

  it('under a line of a witness beside the hub’s: only lines of the log itself stand in it', () => {
    const second = fork.cosignedHead()
    expect(judged({ ...twoHeads(), second })).toMatchObject({ code: 'EVIDENCE_SIGNATURE' })
  })

  it.each([
    ['of the hub, not accepted yet at that size', 'hub', { acceptedFrom: 99n }],
    ['of the hub, retired before that size', 'hub', { retiredAt: 1n }],
    ['of a zone, retired whenever it was', 'langfang', { retiredAt: 99n }],
    ['found out, from whatever index on', 'langfang', { compromisedFrom: 99n }],
  ])('by a key %s', (_, owner, change) => {
    const log = owner === 'hub' ? hubLogOf(world) : world.origin(owner)
    const [first, second] = owner === 'hub' ? [world.head(), fork.head()] : [checkpointOf(world), checkpointOf(fork)]
    const file = encodeEvidence({
      alliance: world.alliance,
      charters: [],
      evidence: { kind: 'two_heads', log, first, second },
    })
    const under = (keyChange: object) =>
      new World({
        suite: 'Ed25519',
        charter: (charter) => ({
          ...charter,
          keys: charter.keys.map((key) => (key.owner === owner && key.role === 'log' ? { ...key, ...keyChange } : key)),
        }),
      }).charters[0]!.bytes
    expect(judgeEvidence(file, under({})).kind).toBe('holds')
    expect(judgeEvidence(file, under(change))).toMatchObject({ kind: 'fails', code: 'EVIDENCE_SIGNATURE' })
  })

  it('under the log’s own signature over what is no checkpoint of it', () => {
    const other = textOf(fork.head()).replace(hubLogOf(world), `${world.alliance}/h/2`)
    for (const text of [other, `${textOf(fork.head())}more\n`]) {
      const second = signNote(text, world.hubSigners)
      expect(judged({ ...twoHeads(), second })).toMatchObject({ code: 'EVIDENCE_SIGNATURE' })
    }
  })

  it('where the older tree is empty: any tree begins with that', () => {
    const text = formatCheckpoint({ origin: hubLogOf(world), size: 0n, root: edgeRoot(sha256Tree, emptyEdge) })
    const [older, newer] = [signNote(text, world.hubSigners), world.head()]
    const evidence = {
      kind: 'not_consistent',
      log: hubLogOf(world),
      older,
      newer,
      root: Buffer.alloc(32),
      proof: [],
    } as const
    expect(judged(evidence)).toMatchObject({ kind: 'fails', code: 'EVIDENCE_PROVES_NOTHING' })
  })

  it('where a charter comes under a line of nobody’s, which could be any bytes', () => {
    const { bytes, note } = world.changeCharter((charter) => ({ ...charter, heartbeatMs: 1 }), { log: false })
    const line = Buffer.from(signNote(textOf(note), [world.signers('beijing')[0]!]))
      .toString()
      .split('\n')
      .at(-2)!
    const stray = addSignatures(note, [line])
    const file = encodeEvidence({ alliance: world.alliance, charters: [{ bytes, note: stray }], evidence: twoHeads() })
    expect(judgeEvidence(file, charter0())).toMatchObject({ kind: 'fails', code: 'EVIDENCE_CHARTER' })
  })

  it('under a line of another suite than the one that decides', () => {
    const mixed = new World({ suite: 'SM2-SM3' })
    const forked = new World({ suite: 'SM2-SM3', startMs: Date.UTC(2026, 5, 2) })
    const evidence = { kind: 'two_heads', log: hubLogOf(mixed), first: mixed.head(), second: forked.head() } as const
    const charter = mixed.charters[0]!.bytes
    const file = encodeEvidence({ alliance: mixed.alliance, charters: [], evidence })
    expect(judgeEvidence(file, charter).kind).toBe('holds')
    const weak = signNote(textOf(forked.head()), mixed.hubSigners.slice(1))
    const without = encodeEvidence({ alliance: mixed.alliance, charters: [], evidence: { ...evidence, second: weak } })
    expect(judgeEvidence(without, charter)).toMatchObject({ code: 'EVIDENCE_SIGNATURE' })
  })

  it('by the charter of another alliance', () => {
    const other = new World({ suite: 'Ed25519', charter: (charter) => ({ ...charter, heartbeatMs: 1 }) })
    expect(judgeEvidence(encoded(twoHeads()), other.charters[0]!.bytes).kind).toBe('holds')
    const file = encodeEvidence({ alliance: 'other.example', charters: [], evidence: twoHeads() })
    expect(judgeEvidence(file, charter0())).toMatchObject({ code: 'EVIDENCE_CHARTER' })
    const otherKeys = new World({ suite: 'SM2-SM3' }).charters[0]!.bytes
    expect(judgeEvidence(encoded(twoHeads()), otherKeys)).toMatchObject({ code: 'EVIDENCE_SIGNATURE' })
    expect(judgeEvidence(encoded(twoHeads()), Uint8Array.of(1, 2, 3))).toMatchObject({ code: 'EVIDENCE_CHARTER' })
  })

  it('about a log that the charter does not know', () => {
    expect(judged({ ...twoHeads(), log: `${world.alliance}/z/nowhere/1` })).toMatchObject({ code: 'EVIDENCE_CHARTER' })
  })

  it('where the heads agree after all', async () => {
    const nothing = { kind: 'fails', code: 'EVIDENCE_PROVES_NOTHING' }
    expect(judged({ ...twoHeads(), second: world.head() })).toMatchObject(nothing)
    expect(judged({ ...twoHeads(), second: fork.head(fork.size - 1n) })).toMatchObject(nothing)
    const older = world.head(3n)
    const root = rootOf(world, 3n)
    const proof = await consistencyProof(sha256Tree, 3n, world.size, readerOf(world))
    const evidence = { kind: 'not_consistent', log: hubLogOf(world), older, newer: world.head(), root, proof } as const
    expect(judged(evidence)).toMatchObject(nothing)
    expect(judged({ ...evidence, root: rootOf(fork, 3n) })).toMatchObject({ code: 'EVIDENCE_PROOF' })
    expect(judged({ ...evidence, older: world.head(), newer: older })).toMatchObject(nothing)
  })

  it('by a key that was retired before that size, and by one that was found compromised', () => {
    const [deciding] = world.hubSigners
    for (const change of [{ retiredAt: world.size - 1n }, { compromisedFrom: 0n }]) {
      const later = world.changeCharter(
        (charter) => ({
          ...charter,
          keys: charter.keys.map((key) =>
            key.vkey.startsWith(`${deciding!.key.name}+`) ? { ...key, ...change } : key,
          ),
        }),
        { log: false },
      )
      const file = encodeEvidence({ alliance: world.alliance, charters: [later], evidence: twoHeads() })
      expect(judgeEvidence(file, charter0())).toMatchObject({ kind: 'fails', code: 'EVIDENCE_SIGNATURE' })
    }
  })

  it('where honest leaves are said to be at fault, whatever the fault', async () => {
    for (const fault of Object.keys(faults) as HubLeafFaultCode[]) {
      for (const leaves of [[3], [3, 4], [1, 5], [0], [5, 1]]) {
        const included = await Promise.all(
          leaves.map((at) =>
            includedOf(
              world.records.map(({ leaf }) => leaf),
              at,
            ),
          ),
        )
        const evidence: Evidence = { kind: 'hub_leaf', fault, head: world.head(), leaves: included }
        expect(judged(evidence)).toMatchObject({ kind: 'fails', code: 'EVIDENCE_PROVES_NOTHING' })
      }
    }
  })

  it('where a leaf at fault is shown as another fault, or does not lie under the head', async () => {
    const shown = await hubLeaf('time_falls')
    expect(judged({ ...shown, fault: 'not_continuing' })).toMatchObject({ code: 'EVIDENCE_PROVES_NOTHING' })
    expect(judged({ ...shown, head: world.head() })).toMatchObject({ code: 'EVIDENCE_PROOF' })
    expect(judged({ ...shown, leaves: [] })).toMatchObject({ code: 'EVIDENCE_PROVES_NOTHING' })
  })

  it('where a charter left out of the file lets the hub pass over a line that does not hold', async () => {
    const rotated = new World({ suite: 'Ed25519' })
    rotated.publish('beijing', rotated.licence('beijing', 'A'))
    const [old] = rotated.signers('beijing')
    rotated.compromise('beijing', 1n)
    // Under its new key and a line that only bears the name of the old one: F3 has the hub ignore that.
    const garbage: NoteSigner = { key: old!.key, sign: () => Buffer.alloc(64, 1) }
    const signers = [...rotated.signers('beijing'), garbage]
    rotated.publish('beijing', rotated.licence('beijing', 'B'), { signers })
    expect(() => rotated.copy()).not.toThrow()
    const leaves = rotated.records.map(({ leaf }) => leaf)
    const at = await includedOf(leaves, leaves.length - 1)
    const { bytes, note } = rotated.charters[1]!
    for (const charters of [[], [{ bytes, note }]]) {
      const evidence: Evidence = { kind: 'hub_leaf', fault: 'signature', head: rotated.head(), leaves: [at] }
      const file = encodeEvidence({ alliance: rotated.alliance, charters, evidence })
      const judgement = judgeEvidence(file, rotated.charters[0]!.bytes)
      expect(judgement).toMatchObject({ kind: 'fails', code: 'EVIDENCE_PROVES_NOTHING' })
    }
  })

  it('where it is not written as it should be', () => {
    const file = Buffer.from(encoded(twoHeads())).toString()
    for (const text of [
      '',
      '{}',
      'null',
      file.trimEnd(),
      ` ${file}`,
      `\ufeff${file}`,
      file.replace('"two_heads"', '"three_heads"'),
      file.replace('evidence/v1', 'evidence/v2'),
      file.replace('"log"', '"more": 1,\n  "log"'),
      file.replace('"charters": []', '"charters": {}'),
    ]) {
      expect(judgeEvidence(Buffer.from(text), charter0())).toMatchObject({ code: 'EVIDENCE_UNREADABLE' })
    }
  })
})

let world: World
/** The same alliance, another history. */
let fork: World

beforeAll(() => {
  world = story('L')
  fork = story('OTHERWISE')
})

function story(serial: string): World {
  const told = new World({ suite: 'Ed25519' })
  told.publish('beijing', told.licence('beijing', 'A'))
  told.publish('langfang', told.licence('langfang', serial))
  told.tick(1000)
  told.publish('beijing', told.licence('beijing', 'B'))
  told.publish('tianjin', told.licence('tianjin', 'C'))
  told.publish('beijing', told.licence('beijing', 'D'))
  return told
}

const charter0 = () => world.charters[0]!.bytes
const hubLogOf = ({ alliance }: World) => `${alliance}/h/1`
const encoded = (evidence: Evidence) => encodeEvidence({ alliance: world.alliance, charters: [], evidence })
const judged = (evidence: Evidence): EvidenceJudgement => judgeEvidence(encoded(evidence), charter0())

function twoHeads(): Extract<Evidence, { kind: 'two_heads' }> {
  return { kind: 'two_heads', log: hubLogOf(world), first: world.head(), second: fork.head() }
}

async function notConsistent(): Promise<Evidence> {
  const size = 4n
  const proof = await consistencyProof(sha256Tree, size, world.size, readerOf(world))
  const [older, newer] = [fork.head(size), world.head()]
  return { kind: 'not_consistent', log: hubLogOf(world), older, newer, root: rootOf(world, size), proof }
}

/** The hub's leaves with those at fault among them, and which they are. */
const faults: Readonly<Record<HubLeafFaultCode, () => readonly [leaves: Uint8Array[], at: readonly number[]]>> = {
  unreadable: () => [altered(3, (leaf) => leaf.subarray(1)), [3]],
  index: () => [changed(3, (leaf) => ({ ...leaf, index: 4n })), [3]],
  first_leaf: () => [
    changed(0, (leaf) => ({ ...leaf, entry: { ...charterOf(leaf), sha256: new Uint8Array(32) } })),
    [0],
  ],
  time_falls: () => [changed(4, (leaf) => ({ ...leaf, receivedAtMs: leaf.receivedAtMs - 2000 })), [3, 4]],
  not_continuing: () => [changed(5, (leaf) => ({ ...leaf, entry: { ...batchOf(leaf), oldSize: 1n } })), [3, 5]],
  charter_number: () => [changed(5, (leaf) => ({ ...leaf, entry: charterOf(hubLeafAt(0)) })), [0, 5]],
  checkpoint: () => [changed(5, (leaf) => ({ ...leaf, entry: { ...batchOf(leaf), root: new Uint8Array(32) } })), [5]],
  signature: () => [
    changed(5, (leaf) => ({ ...leaf, entry: { ...batchOf(leaf), checkpoint: flipped(batchOf(leaf).checkpoint, -9) } })),
    [5],
  ],
}

async function hubLeaf(fault: HubLeafFaultCode): Promise<HubLeafFault> {
  const [leaves, at] = faults[fault]()
  const head = headOver(leaves, world.hubSigners)
  return { kind: 'hub_leaf', fault, head, leaves: await Promise.all(at.map((one) => includedOf(leaves, one))) }
}

async function includedOf(leaves: readonly Uint8Array[], at: number): Promise<HubLeafFault['leaves'][number]> {
  const reader = hashReaderOfLeaves(
    sha256Tree,
    leaves.map((leaf) => sha256Tree.leaf(leaf)),
  )
  const index = BigInt(at)
  return { index, leaf: leaves[at]!, proof: await inclusionProof(sha256Tree, index, BigInt(leaves.length), reader) }
}

function headOver(leaves: readonly Uint8Array[], signers: readonly NoteSigner[]): Uint8Array {
  const hashes = leaves.map((leaf) => sha256Tree.leaf(leaf))
  const root = edgeRoot(sha256Tree, appendLeafHashes(sha256Tree, emptyEdge, hashes))
  return signNote(formatCheckpoint({ origin: hubLogOf(world), size: BigInt(leaves.length), root }), signers)
}

function altered(at: number, change: (leaf: Uint8Array) => Uint8Array): Uint8Array[] {
  return world.records.map(({ leaf }, index) => (index === at ? Uint8Array.from(change(leaf)) : leaf))
}

function changed(at: number, change: (leaf: HubLeaf) => HubLeaf): Uint8Array[] {
  return altered(at, () => encodeHubLeaf(change(hubLeafAt(at))))
}

function hubLeafAt(at: number): HubLeaf {
  const reading = decodeHubLeaf(world.records[at]!.leaf)
  if (reading.kind !== 'hub_leaf') throw new Error(reading.why)
  return reading.leaf
}

function batchOf({ entry }: HubLeaf): Extract<HubLeaf['entry'], { kind: 'batch' }> {
  if (entry.kind !== 'batch') throw new Error('no batch')
  return entry
}

function charterOf({ entry }: HubLeaf): Extract<HubLeaf['entry'], { kind: 'charter' }> {
  if (entry.kind !== 'charter') throw new Error('no charter')
  return entry
}

/** What Langfang signed for its first leaf. */
function checkpointOf(about: World): Uint8Array {
  const reading = decodeHubLeaf(about.records[2]!.leaf)
  if (reading.kind !== 'hub_leaf') throw new Error(reading.why)
  return batchOf(reading.leaf).checkpoint
}

function readerOf({ records }: World): HashReader {
  return hashReaderOfLeaves(
    sha256Tree,
    records.map(({ leaf }) => sha256Tree.leaf(leaf)),
  )
}

function rootOf({ records }: World, size: bigint): Uint8Array {
  const hashes = records.slice(0, Number(size)).map(({ leaf }) => sha256Tree.leaf(leaf))
  return edgeRoot(sha256Tree, appendLeafHashes(sha256Tree, emptyEdge, hashes))
}

function textOf(note: Uint8Array): string {
  const text = Buffer.from(note).toString()
  return text.slice(0, text.lastIndexOf('\n\n') + 1)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[copy.length + at]! ^= 1
  return copy
}
