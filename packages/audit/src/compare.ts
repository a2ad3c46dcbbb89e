import { decodeHubLeaf } from '@hutong/wire'
import {
  compareVerifier,
  eventLackedBy,
  type OwnState,
  stateOfVerifier,
  UnfitAnswer,
  withoutPayload,
} from './compare-verifier.ts'
import { evidenceAgainstHead, evidenceOfTwoHeads } from './evidence-of.ts'
import { claimedSize } from './hub-replay.ts'
import type { RecordSource, VerifierPeer } from './ports.ts'
import { type Replayed, type ReplayProgress, replayAll } from './replay.ts'
import type { EvidenceFile, ReplayReport, VerifierFinding } from './report.ts'

/** One of those that are compared: records that are replayed, or a verifier that is asked. */
export type CompareSide =
  | { readonly kind: 'records'; readonly name: string; readonly source: RecordSource }
  | { readonly kind: 'verifier'; readonly name: string; readonly peer: VerifierPeer }

export interface CompareOptions {
  /** At least two, of different names. */
  readonly sides: readonly CompareSide[]
  readonly charterSha256: Uint8Array
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReplayProgress) => void
}

/** What a comparison came to. */
export interface CompareReport {
  /** As of a replay: only `agrees` is clean. */
  readonly outcome: ReplayReport['outcome']
  /** The smallest position that all could answer; undefined where none could. */
  readonly position: bigint | undefined
  /** The side that the others are held against; undefined where none answered. */
  readonly reference: string | undefined
  readonly root: Uint8Array | undefined
  readonly digest: Uint8Array | undefined
  /** One for each side but the reference, in the order given; `zone` is its name. In `own` stands what the reference says. */
  readonly sides: readonly VerifierFinding[]
  /** What no honest hub says, met while a side was replayed. */
  readonly contradictions: readonly {
    readonly side: string
    readonly code: string
    readonly reason: string
    readonly position: bigint
  }[]
  /** Where two histories part: the first leaf of H that differs between the reference and another replayed side. */
  readonly leaves: readonly LeafDifference[]
  readonly evidence: readonly EvidenceFile[]
}

/** The first leaf of H that two replayed sides do not share. */
export interface LeafDifference {
  readonly side: string
  readonly index: bigint
  /** The leaves themselves; absent where a side no longer gives it. */
  readonly own: Uint8Array | undefined
  readonly other: Uint8Array | undefined
}

/**
 * Holds sides against each other at the smallest position that all can answer: H's root, then the state digest (formats F15), down to the
 * first leaf or row that differs. Records are replayed whole, so a contradiction in them is found too.
 *
 * @throws {RangeError} fewer than two sides, or two of one name: one alone would agree with itself.
 * @throws what a source throws, and the signal's reason; what verifiers say, or that they do not answer, is a finding.
 */
export async function compareSides(options: CompareOptions): Promise<CompareReport> {
  const { sides, signal } = options
  const names = new Set(sides.map(({ name }) => name))
  if (names.size < 2 || names.size < sides.length) throw new RangeError('want at least two sides of different names')
  await using opened = new AsyncDisposableStack()
  const standings = await Promise.all(sides.map((side) => standingOf(side, signal)))
  const positions = standings.flatMap(({ position }) => (position === undefined ? [] : [position]))
  const position = positions.sort((left, right) => (left < right ? -1 : 1))[0]
  if (position === undefined) return nothingCompared(standings)
  const asked: AskedSide[] = []
  for (const standing of standings) asked.push(await stateOf(standing, position, options, opened))
  return reportOf(position, asked, options)
}

interface Standing {
  readonly side: CompareSide
  /** Undefined where it could not be asked, or holds nothing. */
  readonly position: bigint | undefined
  /** A hub-signed head that it holds; empty for none. */
  readonly head: Uint8Array
  readonly why: string
}

interface AskedSide extends Standing {
  /** A finding where it could not be compared. */
  readonly state: OwnState | VerifierFinding
  readonly replayed?: Replayed
}

async function standingOf(side: CompareSide, signal: AbortSignal | undefined): Promise<Standing> {
  if (side.kind === 'records') {
    const { head } = await side.source.heads(signal)
    const position = claimedSize(head)
    return { side, position: position === 0n ? undefined : position, head, why: 'it has no head' }
  }
  try {
    const { position, head } = await side.peer.standing(signal)
    return { side, position: position === 0n ? undefined : position, head, why: 'it has applied no leaf of H' }
  } catch (error) {
    signal?.throwIfAborted()
    return { side, position: undefined, head: nothing, why: error instanceof Error ? error.message : String(error) }
  }
}

async function stateOf(
  standing: Standing,
  compareAt: bigint,
  { charterSha256, signal, onProgress }: CompareOptions,
  opened: AsyncDisposableStack,
): Promise<AskedSide> {
  const { side, why } = standing
  if (standing.position === undefined) return { ...standing, state: notCompared(side.name, 'NOT_REACHED', why) }
  if (side.kind === 'verifier') {
    try {
      return { ...standing, state: await stateOfVerifier(named(side), compareAt, signal) }
    } catch (error) {
      if (error instanceof UnfitAnswer) return { ...standing, state: inconsistent(side.name, compareAt, error) }
      throw error
    }
  }
  const replayed = opened.use(
    await replayAll({
      source: side.source,
      charterSha256,
      verifiers: [],
      compareAt,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    }),
  )
  const stopped = notCompared(side.name, 'STOPPED', 'its replay ended before that position')
  return { ...standing, replayed, state: replayed.own ?? stopped }
}

async function reportOf(
  position: bigint,
  asked: readonly AskedSide[],
  { signal }: CompareOptions,
): Promise<CompareReport> {
  const contradictions = asked.flatMap(({ side, replayed }) => {
    const found = replayed?.report.contradiction
    return found === undefined
      ? []
      : [{ side: side.name, code: found.code, reason: found.reason, position: found.position }]
  })
  // What was replayed proved itself on the way: the others are held against it.
  const answered = asked.filter(isAnswered)
  const reference = answered.find(({ replayed }) => replayed !== undefined) ?? answered[0]
  const findings: VerifierFinding[] = []
  const leaves: LeafDifference[] = []
  const evidence: EvidenceFile[] = asked.flatMap(({ replayed }) => replayed?.report.evidence ?? [])
  for (const one of asked) {
    if (one === reference) continue
    const finding = isAnswered(one) ? await held(one, reference!, signal) : (one.state as VerifierFinding)
    findings.push(finding)
    if (reference?.replayed === undefined) continue
    evidence.push(...(await evidenceOfHub(reference, one)))
    if (finding.kind !== 'root_differs' || one.replayed === undefined) continue
    const leaf = await firstLeaf([reference, reference.replayed], [one, one.replayed], position, signal)
    leaves.push(leaf)
    evidence.push(...evidenceOfZone(reference.replayed, leaf))
  }
  const differs = contradictions.length > 0 || findings.some(({ kind }) => kind !== 'agrees' && kind !== 'not_compared')
  const isComplete = reference !== undefined && findings.every(({ kind }) => kind === 'agrees')
  return {
    outcome: differs ? 'differs' : isComplete ? 'agrees' : 'incomplete',
    position,
    reference: reference?.side.name,
    root: reference?.state.root,
    digest: reference?.state.digest,
    sides: findings,
    contradictions,
    leaves,
    evidence,
  }
}

type Answered = Omit<AskedSide, 'state'> & { readonly state: OwnState }

function isAnswered(side: AskedSide): side is AskedSide & Answered {
  return !('kind' in side.state)
}

async function held(one: Answered, reference: Answered, signal: AbortSignal | undefined): Promise<VerifierFinding> {
  try {
    const finding = await compareVerifier(peerOf(one), reference.state, signal)
    if (one.replayed === undefined || finding.kind !== 'row_differs') return finding
    const lacked = eventLackedBy('verifier', finding.difference)
    return lacked === undefined ? finding : withoutPayload(one.side.name, lacked)
  } catch (error) {
    if (!(error instanceof UnfitAnswer)) throw error
    return inconsistent(error.zone, reference.state.position, error)
  }
}

/** A side as one that is asked; what was replayed answers out of its own rows. */
function peerOf({ side, state }: Answered): VerifierPeer {
  if (side.kind === 'verifier') return named(side)
  const { position, root, digest, rows } = state
  return {
    zone: side.name,
    standing: async () => ({ position, head: nothing }),
    digest: async (_, from, count) => ({
      kind: 'digest',
      position,
      root,
      rows: BigInt(rows.count),
      digest: count === 0n ? digest : await rows.sliceRoot(Number(from), Number(count)),
      row: count === 1n ? ((await rows.row(Number(from)))?.bytes ?? nothing) : nothing,
    }),
  }
}

function named({ name, peer }: Extract<CompareSide, { kind: 'verifier' }>): VerifierPeer {
  return { ...peer, zone: name }
}

async function firstLeaf(
  [reference, { hub: own }]: readonly [Standing, Replayed],
  [other, { hub: its }]: readonly [Standing, Replayed],
  position: bigint,
  signal: AbortSignal | undefined,
): Promise<LeafDifference> {
  // Trees that agree at a size agree at every smaller one.
  let [agree, differ] = [0n, position]
  while (differ - agree > 1n) {
    const middle = (agree + differ) / 2n
    if (Buffer.compare(own.rootAt(middle), its.rootAt(middle)) === 0) agree = middle
    else differ = middle
  }
  return {
    side: other.side.name,
    index: agree,
    own: await leafAt(reference.side, agree, signal),
    other: await leafAt(other.side, agree, signal),
  }
}

async function leafAt(
  side: CompareSide,
  index: bigint,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  if (side.kind === 'verifier') return undefined
  for await (const record of side.source.records(index, signal)) {
    return record.kind === 'entry' && record.index === index ? Uint8Array.from(record.leaf) : undefined
  }
  return undefined
}

/** In the head of either side, against the leaves of the other. */
async function evidenceOfHub(reference: Answered, other: AskedSide): Promise<readonly EvidenceFile[]> {
  const found = reference.replayed === undefined ? [] : await evidenceAgainstHead(reference.replayed.hub, other.head)
  if (found.length > 0 || other.replayed === undefined) return found
  return evidenceAgainstHead(other.replayed.hub, reference.head)
}

/** A zone that signed another batch for the other history signed two roots for one size. */
function evidenceOfZone({ hub }: Replayed, { own, other }: LeafDifference): readonly EvidenceFile[] {
  const [first, second] = [own, other].map((leaf) => {
    const reading = leaf === undefined ? undefined : decodeHubLeaf(leaf)
    return reading?.kind === 'hub_leaf' && reading.leaf.entry.kind === 'batch' ? reading.leaf.entry : undefined
  })
  if (first === undefined || second === undefined || first.origin !== second.origin) return []
  return evidenceOfTwoHeads(hub, first.origin, first.checkpoint, second.checkpoint)
}

function nothingCompared(standings: readonly Standing[]): CompareReport {
  return {
    outcome: 'incomplete',
    position: undefined,
    reference: undefined,
    root: undefined,
    digest: undefined,
    sides: standings.map(({ side, why }) => notCompared(side.name, 'NOT_REACHED', why)),
    contradictions: [],
    leaves: [],
    evidence: [],
  }
}

function notCompared(zone: string, code: string, reason: string): VerifierFinding {
  return { kind: 'not_compared', zone, code, reason }
}

function inconsistent(zone: string, position: bigint, error: UnfitAnswer): VerifierFinding {
  return { kind: 'inconsistent', zone, position, reason: error.message, own: error.own, verifier: error.verifier }
}

const nothing = new Uint8Array(0)
