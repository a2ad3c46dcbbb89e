import { opensCommitment } from '@hutong/batch'
import { appendLeafHashes, edgeRoot, type Hash, sha256Tree } from '@hutong/merkle'
import { extendTrust, logKeysAt, readHead, readZoneCheckpoint, type Trust, trustFromFirstCharter } from '@hutong/verify'
import { decodeHubLeaf, decodeLeaf, type EntryRecord, type HubLeaf, type Leaf, type LoggedRecord } from '@hutong/wire'
import { type AdmittedBatch, Draft } from './draft.ts'
import type { HubLog } from './log.ts'

/** Leaves of H taken back in one run; with more, adopt runs again. They are held in memory until the head that covers them. */
const adoptedEntriesMax = 65_536
/** Bytes of entries held meanwhile. */
const adoptedBytesMax: number = 512 * 1024 * 1024

/** What was, or would be, taken back. */
export type Adoption =
  | { readonly kind: 'adopted'; readonly oldSize: bigint; readonly newSize: bigint }
  | { readonly kind: 'refused'; readonly why: string }

/**
 * Takes back what this log had signed and lost (formats F16): entries from its own size on as a verifier kept them, up to the newest head
 * under the hub's own signature that they come to. Nothing is signed: the head adopted is the one signed then.
 * `dryRun` only says what would be taken.
 */
export async function adopt(log: HubLog, records: AsyncIterable<LoggedRecord>, dryRun: boolean): Promise<Adoption> {
  const { state } = log
  const oldSize = state.edge.size
  const found = await collect(log, records)
  if (found.kind === 'refused') return found
  const { head } = found
  if (head === undefined) return { kind: 'adopted', oldSize, newSize: oldSize }
  return log.exclusively(async () => {
    // A slow verifier must not hold up who publishes; if the log went on meanwhile, it needed nothing back.
    if (log.state !== state) return { kind: 'refused', why: 'the log has gone on meanwhile' }
    if (!dryRun) await commitAgain(log, head)
    return { kind: 'adopted', oldSize, newSize: head.size }
  })
}

/** A head that covers what was collected, byte for byte as it was signed. */
interface CoveringHead {
  readonly size: bigint
  readonly note: Uint8Array
  readonly taken: readonly Taken[]
}

interface Taken {
  readonly record: EntryRecord
  readonly leaf: HubLeaf
  readonly batch: AdmittedBatch | undefined
}

type Collected = { readonly kind: 'collected'; readonly head: CoveringHead | undefined } | Refused
interface Refused {
  readonly kind: 'refused'
  readonly why: string
}

async function collect(log: HubLog, records: AsyncIterable<LoggedRecord>): Promise<Collected> {
  let follower: Follower = { edge: log.state.edge, draft: new Draft(log.state, 0n), trust: log.trust }
  const taken: Taken[] = []
  const roots = new Map<bigint, Hash>()
  let head: CoveringHead | undefined
  let bytes = 0
  for await (const record of records) {
    if (record.kind !== 'entry') {
      const covering = coveringHead(record.checkpoint, follower.trust, roots, taken, log.state.edge.size)
      if (covering !== undefined && covering.size > (head?.size ?? log.state.edge.size)) head = covering
      continue
    }
    if (record.index < follower.edge.size) continue
    if (taken.length >= adoptedEntriesMax || bytes > adoptedBytesMax) continue
    const next = follow(follower, record)
    if (next.kind === 'refused') return next
    follower = next.follower
    taken.push(next.taken)
    bytes += record.entries.reduce((sum, { leaf, payload }) => sum + leaf.length + payload.length, record.leaf.length)
    roots.set(follower.edge.size, edgeRoot(sha256Tree, follower.edge))
  }
  if (taken.length > 0 && head === undefined) {
    return { kind: 'refused', why: 'no head under the signature of this hub covers what was offered' }
  }
  return { kind: 'collected', head }
}

function coveringHead(
  note: Uint8Array,
  trust: Trust,
  roots: ReadonlyMap<bigint, Hash>,
  taken: readonly Taken[],
  from: bigint,
): CoveringHead | undefined {
  const signed = readHead(trust, note)
  if (signed.kind === 'refused') return undefined
  const { size, root } = signed.checkpoint
  const own = roots.get(size)
  if (own === undefined || Buffer.compare(own, root) !== 0) return undefined
  return { size, note, taken: taken.slice(0, Number(size - from)) }
}

interface Follower {
  readonly edge: HubLog['state']['edge']
  readonly draft: Draft
  readonly trust: Trust
}

type Followed = { readonly kind: 'followed'; readonly follower: Follower; readonly taken: Taken } | Refused

/** Holds an entry to all that it was held to when it was accepted, but for the clock of today. */
function follow({ edge, draft, trust }: Follower, record: EntryRecord): Followed {
  const refused = (why: string): Refused => ({ kind: 'refused', why: `leaf ${edge.size} of H: ${why}` })
  const decoded = decodeHubLeaf(record.leaf)
  if (decoded.kind !== 'hub_leaf') return refused(decoded.why)
  const { leaf } = decoded
  if (leaf.index !== edge.size || record.index !== edge.size) return refused(`index ${leaf.index} is out of turn`)
  if (leaf.receivedAtMs < draft.receivedAtMs) return refused('time runs back')
  const batch = leaf.entry.kind === 'batch' ? readBatch(leaf.entry, record, draft, trust, leaf.index) : undefined
  if (batch?.kind === 'refused') return refused(batch.why)
  const after = leaf.entry.kind === 'charter' ? trustAfter(trust, leaf.entry, record, leaf.index) : trust
  if ('kind' in after) return refused(after.reason)
  const taken: Taken = { record, leaf, batch: batch?.batch }
  draft.addAgain(record, leaf, taken.batch)
  const grown = appendLeafHashes(sha256Tree, edge, [sha256Tree.leaf(record.leaf)])
  return { kind: 'followed', follower: { edge: grown, draft, trust: after }, taken }
}

function readBatch(
  entry: Extract<HubLeaf['entry'], { kind: 'batch' }>,
  record: EntryRecord,
  draft: Draft,
  trust: Trust,
  position: bigint,
): { readonly kind: 'batch'; readonly batch: AdmittedBatch } | Refused {
  const refused = (why: string): Refused => ({ kind: 'refused', why: `${entry.origin}: ${why}` })
  const keys = logKeysAt(trust, entry.origin, position)
  if (keys === undefined || keys.owner === 'hub') return refused('no zone has such a log')
  const known = draft.zone(entry.origin)
  if (entry.oldSize !== known.edge.size || entry.newSize !== entry.oldSize + BigInt(record.entries.length)) {
    return refused('it does not continue')
  }
  const leaves: Leaf[] = []
  for (const given of record.entries) {
    const reading = decodeLeaf(given.leaf)
    if (reading.kind === 'unreadable') return refused(reading.why)
    if (given.payload.length > 0 && !opensCommitment(given, reading.leaf.payloadCommitment)) {
      return refused('a payload does not open its commitment')
    }
    leaves.push(reading.leaf)
  }
  const leafHashes = record.entries.map(({ leaf }) => sha256Tree.leaf(leaf))
  const edge = appendLeafHashes(sha256Tree, known.edge, leafHashes)
  const root = edgeRoot(sha256Tree, edge)
  const signed = readZoneCheckpoint(trust, entry.origin, entry.checkpoint, position)
  if (signed.kind === 'refused') return refused(signed.reason)
  const { checkpoint } = signed
  const isSame = Buffer.compare(root, entry.root) === 0 && Buffer.compare(root, checkpoint.root) === 0
  if (!isSame || checkpoint.size !== edge.size) return refused('the leaves do not come to the signed root')
  const newestLoggedAtMs = leaves.at(-1)?.loggedAtMs ?? known.loggedAtMs
  return { kind: 'batch', batch: { edge, leafHashes, newestLoggedAtMs, leaves } }
}

function trustAfter(
  trust: Trust,
  entry: Extract<HubLeaf['entry'], { kind: 'charter' }>,
  record: EntryRecord,
  position: bigint,
): Trust | { readonly kind: 'refused'; readonly reason: string } {
  if (entry.number > 0n) return extendTrust(trust, { position, ...entry, bytes: record.charter })
  return trustFromFirstCharter(record.charter, trust.charters[0].sha256)
}

/** The same commit as ever, in one step: the position moves only to the adopted head. */
async function commitAgain(log: HubLog, head: CoveringHead): Promise<void> {
  const writer = await log.writer()
  const draft = new Draft(log.state, writer.term)
  for (const { record, leaf, batch } of head.taken) draft.addAgain(record, leaf, batch)
  await log.commit(writer, draft, () => head.note)
}
