import { batchLimits } from '@hutong/batch'
import { appendLeafHash, appendLeafHashes, type Edge, edgeRoot, emptyEdge, type Hash, sha256Tree } from '@hutong/merkle'
import { decodeHubLeaf, decodeLeaf, type Entry, type EntryRecord, type HubLeaf } from '@hutong/wire'
import { readZoneCheckpoint } from './head.ts'
import { type KeptEvent, type ReadEvent, readPayload } from './kept.ts'
import { type Refused, refused } from './refused.ts'
import { extendTrust, logKeysAt, type Trust, trustFromFirstCharter, viewAt } from './trust.ts'

/** One zone's log as followed so far. */
export interface FollowedLog {
  readonly zone: string
  readonly origin: string
  readonly edge: Edge
  /** Time of its newest leaf, milliseconds since 1970; 0 for none. */
  readonly loggedAtMs: number
}

/** What a follower of H carries from one leaf to the next. Plain data; nothing in it is older than `position`. */
export interface FollowState {
  /** Leaves of H taken in: also the index of the next. */
  readonly position: bigint
  readonly hubEdge: Edge
  /** The hub's clock at the last leaf, milliseconds since 1970. */
  readonly receivedAtMs: number
  /** By origin. */
  readonly logs: ReadonlyMap<string, FollowedLog>
  /** Undefined before leaf 0. */
  readonly trust: Trust | undefined
  /** SHA-256 of charter 0, as pinned. */
  readonly pinnedSha256: Uint8Array
}

/** A leaf of H taken in. */
export interface FollowedEntry {
  readonly kind: 'followed'
  readonly state: FollowState
  readonly hubLeaf: HubLeaf
  /** RFC 6962 leaf hash of the H leaf. */
  readonly hubLeafHash: Hash
  /** The events of its batch, in order; empty for a charter. */
  readonly events: readonly ReadEvent[]
}

/** Before leaf 0, with nothing but the hash of charter 0. */
export function startFollowing(pinnedSha256: Uint8Array): FollowState {
  return { position: 0n, hubEdge: emptyEdge, receivedAtMs: 0, logs: new Map(), trust: undefined, pinnedSha256 }
}

/** The edge of H after these leaves, whatever they say: to be held against a signed head before any of them is believed. */
export function hubEdgeAfter(edge: Edge, leaves: readonly Uint8Array[]): Edge {
  return appendLeafHashes(
    sha256Tree,
    edge,
    leaves.map((leaf) => sha256Tree.leaf(leaf)),
  )
}

/**
 * Takes in the next leaf of H. Refused is what no honest hub admits: a gap, a falling time, a wrong root, a signature that does not
 * hold, a charter that does not follow. Under the hub's own head that is proof against the hub; before, only bytes to be read again.
 * What an event says never refuses an entry. Nothing of `state` is changed.
 */
export function followEntry(state: FollowState, record: EntryRecord): FollowedEntry | Refused {
  const decoded = decodeHubLeaf(record.leaf)
  if (decoded.kind !== 'hub_leaf') return refused('HUB_LEAF_UNREADABLE', decoded.why)
  const { leaf: hubLeaf } = decoded
  if (hubLeaf.index !== state.position || record.index !== state.position) {
    return refused('HUB_LEAF_INDEX', `leaf ${hubLeaf.index} of H stands where ${state.position} is expected`)
  }
  if (hubLeaf.receivedAtMs < state.receivedAtMs) {
    return refused('HUB_TIME_FALLS', `leaf ${hubLeaf.index} of H is earlier than the one before`)
  }
  const hubLeafHash = sha256Tree.leaf(record.leaf)
  const advanced: FollowState = {
    ...state,
    position: state.position + 1n,
    hubEdge: appendLeafHash(sha256Tree, state.hubEdge, hubLeafHash),
    receivedAtMs: hubLeaf.receivedAtMs,
  }
  const taken =
    hubLeaf.entry.kind === 'charter'
      ? followCharter(state, hubLeaf.entry, record)
      : followBatch(state, hubLeaf.entry, record, hubLeaf)
  if (taken.kind === 'refused') return taken
  const { trust, logs, events } = taken
  return { kind: 'followed', state: { ...advanced, trust, logs }, hubLeaf, hubLeafHash, events }
}

type Taken = {
  readonly kind: 'taken'
  readonly trust: Trust
  readonly logs: ReadonlyMap<string, FollowedLog>
  readonly events: readonly ReadEvent[]
}

function followCharter(
  state: FollowState,
  entry: Extract<HubLeaf['entry'], { kind: 'charter' }>,
  record: EntryRecord,
): Taken | Refused {
  const trust =
    state.trust === undefined
      ? trustFromFirstCharter(record.charter, state.pinnedSha256)
      : extendTrust(state.trust, { position: state.position, ...entry, bytes: record.charter })
  if ('kind' in trust) return trust
  if (trust.charters.at(-1)!.charter.number !== entry.number) {
    return refused('CHARTER_NUMBER', 'the leaf gives the charter another number')
  }
  if (Buffer.compare(trust.charters.at(-1)!.sha256, entry.sha256) !== 0) {
    return refused('CHARTER_HASH', 'the leaf names another charter')
  }
  return { kind: 'taken', trust, logs: state.logs, events: [] }
}

function followBatch(
  state: FollowState,
  entry: Extract<HubLeaf['entry'], { kind: 'batch' }>,
  record: EntryRecord,
  hubLeaf: HubLeaf,
): Taken | Refused {
  const { trust, position } = state
  if (trust === undefined) return refused('CHARTER_FIRST', 'leaf 0 of H is no charter')
  const keys = logKeysAt(trust, entry.origin, position)
  if (keys === undefined || keys.owner === 'hub') return refused('LOG_UNKNOWN', `no zone has a log ${entry.origin}`)
  const log = state.logs.get(entry.origin) ?? {
    zone: keys.owner,
    origin: entry.origin,
    edge: emptyEdge,
    loggedAtMs: 0,
  }
  if (entry.oldSize !== log.edge.size || entry.newSize !== entry.oldSize + BigInt(record.entries.length)) {
    return refused(
      'BATCH_NOT_CONTINUING',
      `${entry.origin}: ${entry.oldSize} to ${entry.newSize} after ${log.edge.size}`,
    )
  }
  if (record.entries.length > batchLimits.entries) {
    return refused('BATCH_TOO_LARGE', `${entry.origin}: a batch of ${record.entries.length} entries`)
  }
  const signed = readZoneCheckpoint(trust, entry.origin, entry.checkpoint, position)
  if (signed.kind === 'refused') return refused('BATCH_SIGNATURE', `${entry.origin}: ${signed.reason}`)
  const latestMs = hubLeaf.receivedAtMs + viewAt(trust, position).charter.maxClockOffsetMs
  const leaves = followLeaves(log, record.entries, latestMs, {
    zone: log.zone,
    origin: log.origin,
    position,
    receivedAtMs: hubLeaf.receivedAtMs,
    signer: signed.signer,
  })
  if (leaves.kind === 'refused') return leaves
  const edge = appendLeafHashes(sha256Tree, log.edge, leaves.hashes)
  const root = edgeRoot(sha256Tree, edge)
  const { checkpoint } = signed
  if (Buffer.compare(root, entry.root) !== 0 || Buffer.compare(root, checkpoint.root) !== 0) {
    return refused('BATCH_ROOT', `${entry.origin}: the leaves do not come to the root at size ${entry.newSize}`)
  }
  if (checkpoint.size !== entry.newSize) return refused('BATCH_ROOT', `${entry.origin}: a checkpoint of another size`)
  const followed: FollowedLog = { ...log, edge, loggedAtMs: leaves.loggedAtMs }
  return { kind: 'taken', trust, logs: new Map(state.logs).set(log.origin, followed), events: leaves.events }
}

function followLeaves(
  log: FollowedLog,
  entries: readonly Entry[],
  latestMs: number,
  place: Pick<KeptEvent, 'zone' | 'origin' | 'position' | 'receivedAtMs' | 'signer'>,
): { kind: 'leaves'; hashes: Hash[]; events: ReadEvent[]; loggedAtMs: number } | Refused {
  const hashes: Hash[] = []
  const events: ReadEvent[] = []
  let { loggedAtMs } = log
  let index = log.edge.size
  for (const [at, entry] of entries.entries()) {
    const decoded = decodeLeaf(entry.leaf)
    if (decoded.kind === 'unreadable') return refused('BATCH_LEAF', `${log.origin}/${index}: ${decoded.why}`)
    const { leaf } = decoded
    if (leaf.index !== index) return refused('BATCH_LEAF', `${log.origin}/${index}: the leaf says ${leaf.index}`)
    if (leaf.loggedAtMs < loggedAtMs) return refused('BATCH_TIME_FALLS', `${log.origin}/${index}: time runs back`)
    if (leaf.loggedAtMs > latestMs) return refused('BATCH_FROM_THE_FUTURE', `${log.origin}/${index}: ahead of the hub`)
    const leafHash = sha256Tree.leaf(entry.leaf)
    hashes.push(leafHash)
    // A payload in an encoding that this reader does not know is one that is not here.
    const isPlain = entry.payloadEncoding === 0
    const { zone, origin, position, receivedAtMs, signer } = place
    const kept: KeptEvent = {
      zone,
      origin,
      index,
      position,
      place: at,
      receivedAtMs,
      leaf: entry.leaf,
      leafHash,
      salt: isPlain ? entry.salt : nothing,
      payload: isPlain ? entry.payload : nothing,
      signer,
    }
    events.push(readPayload(kept, decoded))
    loggedAtMs = leaf.loggedAtMs
    index += 1n
  }
  return { kind: 'leaves', hashes, events, loggedAtMs }
}

const nothing = new Uint8Array(0)
