import { randomBytes } from 'node:crypto'
import { type Entry, entryOf, leafHashesOf, sealBatch } from '@hutong/batch'
import type { RunningBox } from '@hutong/deploy'
import { kindNumber } from '@hutong/licence'
import { appendLeafHashes, type Edge, emptyEdge, sha256Tree } from '@hutong/merkle'
import { createLogClient } from '@hutong/sdk'
import { createClient, unary } from '@hutong/service'
import { batchToWire, decodeHubLeaf, decodeLeaf, decodePayload, entryFromWire, LogServiceClient } from '@hutong/wire'

const deadlineMs = 10_000

/** What a zone writes into its log without judging it first. */
export interface Unjudged {
  /** Number of the kind in the leaf, whatever the payload says. */
  readonly kind: number
  /** The licence whose leaf subject it bears. */
  readonly identifier: string
  /** The payload's bytes; the origin and the subject's secret are the zone's own. */
  readonly payload: (subject: { readonly origin: string; readonly subjectSecret: Uint8Array }) => Uint8Array
}

/** Where an event came to stand. */
export interface Written {
  readonly index: bigint
  readonly leafHash: Uint8Array
}

/**
 * A zone that signs what it likes: with the zone's own keys and its own place at the hub it appends one batch to its log, of events that no
 * honest publisher writes. The zone's part must be stopped; its publisher finds afterwards that more was signed than it holds.
 */
export async function appendUnjudged(
  box: RunningBox,
  zone: string,
  events: readonly Unjudged[],
): Promise<readonly Written[]> {
  const signers = box.alliance.zoneSigners(zone)
  const origin = signers[0]!.key.name
  const { edge, newestLoggedAtMs, subjects } = await readLog(box, origin)
  const entries = events.map(({ kind, identifier, payload }, at) => {
    const { subject, subjectSecret, last } = subjects.get(identifier)!
    const index = edge.size + BigInt(at)
    subjects.set(identifier, { subject, subjectSecret, last: index })
    return entryOf({
      index,
      kind,
      loggedAtMs: Math.max(Date.now(), newestLoggedAtMs),
      subject,
      previous: last + 1n,
      payload: payload({ origin, subjectSecret }),
      salt: randomBytes(32),
    })
  })
  const { checkpoint } = sealBatch({ origin, edge, newestLoggedAtMs, entries, signers })
  await append(box, zone, { origin, firstIndex: edge.size, entries, checkpoint })
  return leafHashesOf(entries).map((leafHash, at) => ({ index: edge.size + BigInt(at), leafHash }))
}

interface LogAsRead {
  readonly edge: Edge
  readonly newestLoggedAtMs: number
  /** By licence identifier. */
  readonly subjects: Map<
    string,
    { readonly subject: Uint8Array; readonly subjectSecret: Uint8Array; readonly last: bigint }
  >
}

async function readLog(box: RunningBox, origin: string): Promise<LogAsRead> {
  using log = createLogClient(box.grpcAddress, { token: box.tokens.of('hub', 'auditor') })
  const subjects: LogAsRead['subjects'] = new Map()
  const identifiers = new Map<string, string>()
  let edge = emptyEdge
  let newestLoggedAtMs = 0
  for await (const { record } of log.read({ fromIndex: 0n })) {
    if (record?.record?.$case !== 'entry') continue
    const hubLeaf = decodeHubLeaf(record.record.value.leaf)
    if (hubLeaf.kind !== 'hub_leaf' || hubLeaf.leaf.entry.kind !== 'batch') continue
    if (hubLeaf.leaf.entry.origin !== origin) continue
    const entries: readonly Entry[] = record.record.value.entries.map(entryFromWire)
    edge = appendLeafHashes(sha256Tree, edge, leafHashesOf(entries))
    for (const entry of entries) {
      const read = decodeLeaf(entry.leaf)
      if (read.kind === 'unreadable') throw new Error(read.why)
      const { subject, kind, index, loggedAtMs } = read.leaf
      newestLoggedAtMs = loggedAtMs
      const name = Buffer.from(subject).toString('hex')
      const payload = kind === kindNumber.licence_issued ? decodePayload(entry.payload) : undefined
      if (payload?.kind === 'payload' && payload.payload.event.kind === 'licence_issued') {
        const { subjectSecret, event } = payload.payload
        identifiers.set(name, event.identifier)
        subjects.set(event.identifier, { subject, subjectSecret, last: index })
      }
      const identifier = identifiers.get(name)
      if (identifier !== undefined) subjects.set(identifier, { ...subjects.get(identifier)!, last: index })
    }
  }
  return { edge, newestLoggedAtMs, subjects }
}

async function append(box: RunningBox, zone: string, batch: Parameters<typeof batchToWire>[0]): Promise<void> {
  const options = { token: box.tokens.of(zone, 'publisher'), zone, defaultDeadlineMs: deadlineMs }
  using client = createClient(LogServiceClient, box.grpcAddress, options)
  const { outcome } = await unary(client, 'append', { batch: batchToWire(batch) })
  if (outcome?.$case !== 'appended') throw new Error(`the hub refuses: ${outcome?.value.refusal?.code}`)
}
