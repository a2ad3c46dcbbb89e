import {
  appendLeafHashes,
  consistencyProof,
  type Edge,
  edgeRoot,
  type Hash,
  type HashReader,
  hashReaderOfLeaves,
  inclusionProof,
  parseSignatureLine,
  sha256Tree,
} from '@hutong/merkle'
import { readHead, type Trust } from '@hutong/verify'
import { decodeHubLeaf, type LoggedRecord } from '@hutong/wire'
import { type Evidence, encodeEvidence, type HubLeafFaultCode, hubLeafFaults, type IncludedLeaf } from './evidence.ts'
import { claimedSize, type HubLeafAt, type HubReplay } from './hub-replay.ts'
import { judgeEvidence } from './judge-evidence.ts'
import type { UnreadableRecord } from './ports.ts'
import type { Contradiction, EvidenceFile } from './report.ts'

/** So many records are read on to find a head that covers; an honest hub signs one after at most 64 entries. */
const maxRecordsToHead = 4096

type Records = AsyncIterator<LoggedRecord | UnreadableRecord>

/** What was found beside a contradiction. */
export interface FoundEvidence {
  /** A hub-signed head over the refused leaf; undefined where none was found. */
  readonly coveringHead: Uint8Array | undefined
  /** What third parties can check; empty where nothing but the replay's word stands for it. */
  readonly files: readonly EvidenceFile[]
}

/**
 * Makes evidence of what a replay found: reads on in the source, hashing leaves and believing none, for the head that makes it the hub's own
 * word. Every file was judged to hold before it is given.
 */
export async function evidenceOf(
  hub: HubReplay,
  contradiction: Contradiction,
  refusedLeaf: Uint8Array | undefined,
  rest: Records,
): Promise<FoundEvidence> {
  const { state } = hub
  if (state?.trust === undefined) return { coveringHead: undefined, files: [] }
  if (refusedLeaf !== undefined) return evidenceOfLeaf(hub, state.trust, state.hubEdge, refusedLeaf, rest)
  const note = contradiction.code === 'HEAD_ROOT' ? contradiction.hub[0]?.bytes : undefined
  if (note === undefined) return { coveringHead: undefined, files: [] }
  const evidence = await evidenceOfHead(hub, state.trust, state.hubEdge, note, rest)
  return { coveringHead: undefined, files: evidence === undefined ? [] : filesOf(hub, evidence) }
}

/** Evidence in two checkpoints of one log, of one size; none where they do not contradict each other. */
export function evidenceOfTwoHeads(hub: HubReplay, log: string, first: Uint8Array, second: Uint8Array): EvidenceFile[] {
  return filesOf(hub, { kind: 'two_heads', log, first, second })
}

/** Evidence in a head that somebody else holds, against the leaves of a replay that came to its end. */
export async function evidenceAgainstHead(hub: HubReplay, note: Uint8Array): Promise<readonly EvidenceFile[]> {
  const { state } = hub
  const size = claimedSize(note)
  if (state?.trust === undefined || size === undefined || size > state.position) return []
  const evidence = await evidenceOfHead(hub, state.trust, state.hubEdge, note, nothingMore)
  return evidence === undefined ? [] : filesOf(hub, evidence)
}

const nothingMore: Records = { next: async () => ({ done: true, value: undefined }) }

async function evidenceOfLeaf(
  hub: HubReplay,
  trust: Trust,
  before: Edge,
  leaf: Uint8Array,
  rest: Records,
): Promise<FoundEvidence> {
  const found = await readOnToHead(trust, before, [sha256Tree.leaf(leaf)], 0n, rest)
  if (found === undefined) return { coveringHead: undefined, files: [] }
  const { head, size, hashes } = found
  const reader = hashReaderOfLeaves(sha256Tree, [...hub.allLeafHashes(), ...hashes])
  const included = async ({ index, leaf: bytes }: HubLeafAt): Promise<IncludedLeaf> => {
    return { index, leaf: bytes, proof: await inclusionProof(sha256Tree, index, size, reader) }
  }
  const refused = await included({ index: before.size, leaf })
  const candidates = await Promise.all(leavesBefore(hub, leaf).map(included))
  // What a fault needs is said in one place, where it is judged: so all are tried, the plainest first.
  for (const leaves of [[refused], ...candidates.map((candidate) => [candidate, refused])]) {
    for (const fault of hubLeafFaults satisfies readonly HubLeafFaultCode[]) {
      const files = filesOf(hub, { kind: 'hub_leaf', fault, head, leaves })
      if (files.length > 0) return { coveringHead: head, files }
    }
  }
  return { coveringHead: head, files: [] }
}

/** The leaves with which the refused one may not agree: the one before it, and the newest about the same log. */
function leavesBefore(hub: HubReplay, leaf: Uint8Array): readonly HubLeafAt[] {
  const reading = decodeHubLeaf(leaf)
  const entry = reading.kind === 'hub_leaf' ? reading.leaf.entry : undefined
  const about = entry === undefined ? undefined : hub.newestLeafAbout(entry.kind === 'batch' ? entry.origin : '')
  return [hub.previousLeaf, about].filter((one) => one !== undefined)
}

async function evidenceOfHead(
  hub: HubReplay,
  trust: Trust,
  edge: Edge,
  note: Uint8Array,
  rest: Records,
): Promise<Evidence | undefined> {
  const size = claimedSize(note)
  if (size === undefined) return undefined
  const right = hub.head
  const covering =
    right !== undefined && right.checkpoint.size >= size
      ? { head: right.note, size: right.checkpoint.size, hashes: [] }
      : await readOnToHead(trust, edge, [], size, rest)
  if (covering === undefined) return undefined
  const log = trust.charters[0].view.hub.origin
  if (covering.size === size) return { kind: 'two_heads', log, first: covering.head, second: note }
  const reader: HashReader = hashReaderOfLeaves(sha256Tree, [...hub.allLeafHashes(), ...covering.hashes])
  const proof = await consistencyProof(sha256Tree, size, covering.size, reader)
  return { kind: 'not_consistent', log, older: note, newer: covering.head, root: hub.rootAt(size), proof }
}

/** The next hub-signed head of at least this size whose root is that of the leaves read on the way to it. */
async function readOnToHead(
  trust: Trust,
  before: Edge,
  first: readonly Hash[],
  atLeast: bigint,
  rest: Records,
): Promise<{ readonly head: Uint8Array; readonly size: bigint; readonly hashes: readonly Hash[] } | undefined> {
  let edge = appendLeafHashes(sha256Tree, before, first)
  const hashes = [...first]
  for (let read = 0; read < maxRecordsToHead; read++) {
    const next = await rest.next()
    if (next.done || next.value.kind === 'unreadable') return undefined
    const record = next.value
    if (record.kind === 'entry') {
      const hash = sha256Tree.leaf(record.leaf)
      hashes.push(hash)
      edge = appendLeafHashes(sha256Tree, edge, [hash])
    }
    if (record.kind !== 'head') continue
    const signed = readHead(trust, record.checkpoint, edge.size)
    if (signed.kind === 'refused') return undefined
    const { size, root } = signed.checkpoint
    if (size < edge.size || size < atLeast) continue
    const covers = size === edge.size && Buffer.compare(root, edgeRoot(sha256Tree, edge)) === 0
    return covers ? { head: record.checkpoint, size, hashes } : undefined
  }
  return undefined
}

/** Only what holds: a file that fails would be worse than none. */
function filesOf(hub: HubReplay, evidence: Evidence): EvidenceFile[] {
  const [first, ...later] = hub.charters
  const alliance = hub.trust?.charters[0].charter.alliance
  if (first === undefined || alliance === undefined) return []
  const newest = hub.trust!.charters.at(-1)!.view
  const names = new Set([...newest.logs.values()].flatMap(({ keys }) => keys.map(({ key }) => placeOf(key))))
  const bare = (note: Uint8Array) => onlyLinesOf(note, names)
  const admins = new Set(hub.trust!.charters.flatMap(({ view }) => view.admins.map(({ key }) => placeOf(key))))
  const charters = later.map(({ bytes, note }) => ({ bytes, note: onlyLinesOf(note, admins) }))
  const bytes = encodeEvidence({ alliance, charters, evidence: withNotes(evidence, bare) })
  if (judgeEvidence(bytes, first.bytes).kind !== 'holds') return []
  return [{ name: `${nameOf(evidence)}.evidence.json`, bytes }]
}

function withNotes(evidence: Evidence, bare: (note: Uint8Array) => Uint8Array): Evidence {
  switch (evidence.kind) {
    case 'two_heads':
      return { ...evidence, first: bare(evidence.first), second: bare(evidence.second) }
    case 'not_consistent':
      return { ...evidence, older: bare(evidence.older), newer: bare(evidence.newer) }
    case 'hub_leaf':
      return { ...evidence, head: bare(evidence.head) }
  }
}

function nameOf(evidence: Evidence): string {
  return (evidence.kind === 'hub_leaf' ? `${evidence.kind}-${evidence.fault}` : evidence.kind).replaceAll('_', '-')
}

/** The note without lines of others: cosignatures, and keys that no charter knows. */
function onlyLinesOf(note: Uint8Array, places: ReadonlySet<string>): Uint8Array {
  const text = Buffer.from(note).toString('utf8')
  const parting = text.lastIndexOf('\n\n') + 2
  const lines = text.slice(parting).split('\n')
  const kept = lines.filter((line) => {
    const parsed = parseSignatureLine(line)
    return parsed.kind === 'signature-line' && places.has(placeOf(parsed))
  })
  return Buffer.from(text.slice(0, parting) + kept.map((line) => `${line}\n`).join(''), 'utf8')
}

function placeOf({ name, keyId }: { readonly name: string; readonly keyId: number }): string {
  return `${name} ${keyId}`
}
