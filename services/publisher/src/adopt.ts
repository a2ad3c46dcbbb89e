import { opensCommitment } from '@hutong/batch'
import type { Refusal } from '@hutong/licence'
import { isInformative, kindNumber, subjectStringOf } from '@hutong/licence'
import {
  appendLeafHashes,
  type Edge,
  edgeRoot,
  openNote,
  parseCheckpoint,
  sha256Tree,
  type VerifierKey,
} from '@hutong/merkle'
import type { Trust } from '@hutong/verify'
import {
  type AcceptedBatch,
  decodeHubLeaf,
  decodeLeaf,
  decodePayload,
  type Entry,
  type EntryRecord,
} from '@hutong/wire'
import type { Hub, Known } from './hub.ts'
import { publisherRefusal } from './refusals.ts'
import type { NewLogEntry, ZoneLog } from './zone-log.ts'

/** What was, or with a dry run would be, taken over. */
export type Adoption =
  | { readonly kind: 'adopted'; readonly oldSize: bigint; readonly newSize: bigint }
  | { readonly kind: 'refused'; readonly oldSize: bigint; readonly refusal: Refusal }

/**
 * Takes back from the hub what this zone had signed and no longer holds (formats F16). Two things decide, and the hub's word is neither:
 * the larger checkpoint is under our own signature, and our own leaves followed by the hub's give exactly its root, so that what we hold
 * is a prefix of what we signed. The answers come by themselves afterwards: each batch is sent again, and answered with its proof.
 */
export async function adopt(
  log: ZoneLog,
  hub: Hub,
  known: Known,
  ownKeys: readonly VerifierKey[],
  trust: Trust,
  dryRun: boolean,
): Promise<Adoption> {
  const oldSize = log.size
  const refused = (refusal: Refusal): Adoption => ({ kind: 'refused', oldSize, refusal })
  const signed = known.size === 0n ? undefined : readOwn(known.checkpoint, ownKeys, log.origin)
  if (known.size > 0n && signed?.size !== known.size) return refused(publisherRefusal('HUB_FAULT'))
  if (signed === undefined || known.size <= oldSize) {
    const root = await log.rootAt(known.size)
    const same = signed === undefined || (root !== undefined && Buffer.compare(root, signed.root) === 0)
    return same ? { kind: 'adopted', oldSize, newSize: oldSize } : refused(publisherRefusal('KEY_STOLEN'))
  }
  // The whole is walked once without writing, so that a thief's log leaves nothing behind.
  const checked = await walk(log, hub, ownKeys, known.size, async () => {})
  if (checked !== 'continues') return refused(publisherRefusal(checked))
  if (dryRun) return { kind: 'adopted', oldSize, newSize: known.size }
  const subjects = new Set<string>()
  const written = await walk(log, hub, ownKeys, known.size, async (entries, sealed) => {
    await log.adopt(await newEntries(log, entries, subjects, trust), sealed)
  })
  if (written !== 'continues') return refused(publisherRefusal(written))
  return { kind: 'adopted', oldSize, newSize: log.size }
}

interface OwnSeal {
  readonly checkpoint: Uint8Array
  readonly edge: Edge
}

/** Follows our log as the hub has it, from our size to `size`; every batch must continue the one before under our own signature. */
async function walk(
  log: ZoneLog,
  hub: Hub,
  ownKeys: readonly VerifierKey[],
  size: bigint,
  take: (entries: readonly Entry[], seal: OwnSeal) => Promise<void>,
): Promise<'continues' | 'KEY_STOLEN' | 'HUB_FAULT'> {
  const start = log.size
  let edge = log.edge
  for await (const record of hub.read(0n)) {
    const batch = record.kind === 'entry' ? ownBatchOf(record, log.origin) : undefined
    if (record.kind !== 'entry' || batch === undefined || batch.newSize <= start) continue
    const { checkpoint } = batch
    const own = readOwn(checkpoint, ownKeys, log.origin)
    if (own === undefined || own.size !== batch.newSize) return 'HUB_FAULT'
    if (batch.oldSize !== edge.size) return batch.oldSize < edge.size ? 'KEY_STOLEN' : 'HUB_FAULT'
    edge = appendLeafHashes(
      sha256Tree,
      edge,
      record.entries.map(({ leaf }) => sha256Tree.leaf(leaf)),
    )
    if (edge.size !== own.size || Buffer.compare(edgeRoot(sha256Tree, edge), own.root) !== 0) return 'KEY_STOLEN'
    await take(record.entries, { checkpoint, edge })
    if (edge.size >= size) return 'continues'
  }
  return 'HUB_FAULT'
}

function ownBatchOf(record: EntryRecord, origin: string): AcceptedBatch | undefined {
  const reading = decodeHubLeaf(record.leaf)
  if (reading.kind !== 'hub_leaf' || reading.leaf.entry.kind !== 'batch') return undefined
  return reading.leaf.entry.origin === origin ? reading.leaf.entry : undefined
}

/** What a note of ours says; undefined where none of our keys signed it. */
export function readOwn(
  note: Uint8Array,
  ownKeys: readonly VerifierKey[],
  origin: string,
): { readonly size: bigint; readonly root: Uint8Array } | undefined {
  const opened = openNote(note, ownKeys)
  if (opened.kind === 'refused') return undefined
  const parsed = parseCheckpoint(opened.text)
  return parsed.kind === 'checkpoint' && parsed.origin === origin ? parsed : undefined
}

/** Who had asked is lost with the copy that is lost; what an event says is found again. */
async function newEntries(
  log: ZoneLog,
  entries: readonly Entry[],
  adopted: Set<string>,
  trust: Trust,
): Promise<readonly NewLogEntry[]> {
  const read = entries.map((entry) => ({ entry, ...readEntry(entry) }))
  const strings = new Set(read.flatMap(({ subjectString }) => (subjectString === undefined ? [] : [subjectString])))
  const known = await log.subjects(strings, trust)
  return read.map(({ entry, subjectString, subject, observedHead }) => {
    const first = subjectString !== undefined && !known.has(subjectString) && !adopted.has(subjectString)
    if (subjectString !== undefined) adopted.add(subjectString)
    const about = subject === undefined ? undefined : { subjectString, subject, first }
    return { ...entry, client: '', requestId: '', key: '', about, observedHead }
  })
}

/** What an entry is about. One that cannot be read is still found under its leaf's subject: it clouds that until it is restated. */
function readEntry(entry: Entry): {
  readonly subjectString: string | undefined
  readonly subject: Uint8Array | undefined
  readonly observedHead: Uint8Array | undefined
} {
  const nothing = { subjectString: undefined, subject: undefined, observedHead: undefined }
  const leaf = decodeLeaf(entry.leaf)
  if (leaf.kind === 'unreadable') return nothing
  const unread = isInformative(leaf.leaf.kind) ? nothing : { ...nothing, subject: leaf.leaf.subject }
  if (leaf.kind !== 'leaf' || !opensCommitment(entry, leaf.leaf.payloadCommitment)) return unread
  const reading = decodePayload(entry.payload)
  if (reading.kind !== 'payload') return unread
  const { event } = reading.payload
  if (event.kind === 'observed') return { ...unread, observedHead: event.head }
  if (kindNumber[event.kind] !== leaf.leaf.kind) return unread
  return { subjectString: subjectStringOf(event), subject: leaf.leaf.subject, observedHead: undefined }
}
