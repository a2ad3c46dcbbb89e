import { formatTlogProof, parseTlogProof } from '@hutong/merkle'
import { type ProofFails, type ProofHolds, verifyProof } from '@hutong/verify'
import {
  decodeHubLeaf,
  decodeLeaf,
  type LicenceEventBytes,
  type ProofFile,
  type ProofFileCharter,
  type ProofFileEvent,
  proofFileToBytes,
} from '@hutong/wire'
import { contractBroken } from './call-error.ts'
import type { LogClient } from './log-client.ts'
import type { PeerCall } from './peer.ts'
import type { VerifierClient } from './verifier-client.ts'

/** Kinds from here on are informative: they are in no proof (formats F5). */
const firstInformativeKind = 128
/** The hub gives charters in answers of limited size; so many answers at most. */
const charterAnswersMax = 100

/** Where a proof is put together from. Neither is believed: what comes out is checked against charter 0. */
export interface ProofSources {
  /** A zone's verifier, for the events as it keeps them; any zone's will do. */
  readonly verifier: Pick<VerifierClient, 'licenceEvents'>
  /** The hub's log, for heads, charters and proofs. */
  readonly log: Pick<LogClient, 'charters' | 'heads' | 'inclusionProof' | 'receipt'>
  /** The bytes of charter 0. */
  readonly charter: Uint8Array
}

export interface ExportOptions extends PeerCall {
  /** Leaf index of the last event to be shown; all there are where left out. */
  readonly upTo?: bigint
}

/** What came of an export. */
export type ExportedProof =
  | {
      readonly kind: 'exported'
      /** The file, as it is to be written. */
      readonly bytes: Uint8Array
      /** What its check says. */
      readonly verdict: ProofHolds
    }
  /** No cosigned head covers this event yet: try again in a moment. */
  | { readonly kind: 'not_witnessed'; readonly origin: string; readonly index: bigint }
  /** The verifier asked does not hold this event's payload, so nobody could check what it says. */
  | { readonly kind: 'payload_missing'; readonly origin: string; readonly index: bigint }
  /** The licence has no event of that index. */
  | { readonly kind: 'no_such_event'; readonly index: bigint }
  /** It was put together and does not hold: the sources contradict charter 0 or each other, or a bound was passed. */
  | ProofFails

/**
 * The proof of a licence as one file (formats F10), checked before it is given.
 * @throws {CallError} the verifier or the hub did not answer, or does not know the licence.
 */
export async function exportProof(
  { verifier, log, charter }: ProofSources,
  identifier: string,
  options: ExportOptions = {},
): Promise<ExportedProof> {
  const told = await verifier.licenceEvents(identifier, options)
  const events = told.events.filter(({ leaf }) => !isInformative(leaf))
  const shown = options.upTo === undefined ? events : eventsUpTo(events, options.upTo)
  if (shown === undefined || shown.length === 0) return { kind: 'no_such_event', index: options.upTo ?? 0n }
  const missing = shown.find(({ payload }) => payload.length === 0)
  if (missing !== undefined) return { kind: 'payload_missing', origin: missing.origin, index: missing.index }
  const receipts: EventReceipt[] = []
  for (const event of shown) {
    const receipt = await receiptOf(log, event, options)
    if (receipt === undefined) return { kind: 'not_witnessed', origin: event.origin, index: event.index }
    receipts.push(receipt)
  }
  const bytes = proofFileToBytes(await fileUnderOneHead(log, receipts, options))
  const verdict = verifyProof(bytes, charter)
  return verdict.kind === 'holds' ? { kind: 'exported', bytes, verdict } : verdict
}

/** An event with its proof in its batch, and the leaf of H that holds the batch. */
interface EventReceipt extends Omit<ProofFileEvent, 'batchProof'> {
  readonly hubLeaf: Uint8Array
}

function isInformative(bytes: Uint8Array): boolean {
  const reading = decodeLeaf(bytes)
  return reading.kind === 'leaf' && reading.leaf.kind >= firstInformativeKind
}

function eventsUpTo(events: readonly LicenceEventBytes[], index: bigint): readonly LicenceEventBytes[] | undefined {
  const last = events.findIndex((event) => event.index === index)
  return last < 0 ? undefined : events.slice(0, last + 1)
}

async function receiptOf(
  log: ProofSources['log'],
  { origin, index, leaf, salt, payload }: LicenceEventBytes,
  call: PeerCall,
): Promise<EventReceipt | undefined> {
  const receipt = await log.receipt(origin, index, call)
  if (!receipt.witnessed) return undefined
  const batch = parseTlogProof(Buffer.from(receipt.batchProof))
  const event = parseTlogProof(Buffer.from(receipt.eventProof))
  if (batch.kind === 'refused' || batch.extra === undefined || event.kind === 'refused') {
    throw contractBroken('a receipt that is none')
  }
  const { hashes, signedCheckpoint } = event
  return {
    ...{ leaf, salt, payload, hubLeaf: batch.extra },
    // The leaf stands beside it in the file, and there once.
    eventProof: formatTlogProof({ index: event.index, hashes, signedCheckpoint }),
  }
}

/** All leaves of H are proven under the same head, the newest cosigned one: it covers what a moment ago was witnessed. */
async function fileUnderOneHead(
  log: ProofSources['log'],
  receipts: readonly EventReceipt[],
  call: PeerCall,
): Promise<ProofFile> {
  const { cosigned } = await log.heads(call)
  const size = sizeOf(cosigned)
  const proofOf = async (leaf: Uint8Array): Promise<Uint8Array> => {
    const index = indexOf(leaf)
    if (index >= size) throw contractBroken('a cosigned head that is older than one before')
    const { proof } = await log.inclusionProof(index, size, call)
    return formatTlogProof({ index, hashes: proof, signedCheckpoint: cosigned, extra: leaf })
  }
  const { first, charters } = await chartersBelow(log, size, call)
  const proven: ProofFileCharter[] = []
  for (const { charter, leaf } of charters) proven.push({ charter, proof: await proofOf(leaf) })
  const events: ProofFileEvent[] = []
  for (const { hubLeaf, ...event } of receipts) events.push({ ...event, batchProof: await proofOf(hubLeaf) })
  return { firstCharter: await proofOf(first), charters: proven, events }
}

async function chartersBelow(
  log: ProofSources['log'],
  size: bigint,
  call: PeerCall,
): Promise<{ first: Uint8Array; charters: readonly { charter: Uint8Array; leaf: Uint8Array }[] }> {
  const found: { charter: Uint8Array; leaf: Uint8Array }[] = []
  for (let answers = 0; answers < charterAnswersMax; answers++) {
    const { charters } = await log.charters(BigInt(found.length), call)
    if (charters.length === 0) break
    found.push(...charters.filter(({ index }) => index < size))
    if (charters.some(({ index }) => index >= size)) break
  }
  const [first, ...charters] = found
  if (first === undefined) throw contractBroken('a log without charter 0')
  return { first: first.leaf, charters }
}

function indexOf(hubLeaf: Uint8Array): bigint {
  const decoded = decodeHubLeaf(hubLeaf)
  if (decoded.kind !== 'hub_leaf') throw contractBroken('a leaf of H that cannot be read')
  return decoded.leaf.index
}

/** What the head claims; whether it may is for the check of the whole file. */
function sizeOf(head: Uint8Array): bigint {
  const [, size = ''] = Buffer.from(head).toString('utf8').split('\n', 2)
  if (!/^[1-9][0-9]{0,18}$/.test(size)) throw contractBroken('a cosigned head that is none')
  return BigInt(size)
}
