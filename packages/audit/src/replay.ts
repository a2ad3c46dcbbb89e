import type { LoggedRecord } from '@hutong/wire'
import { compareVerifier, notCompared, type OwnState } from './compare-verifier.ts'
import { digestRowsOf, foldStale } from './digest-rows.ts'
import { evidenceOf } from './evidence-of.ts'
import { claimedSize, type HubReplay } from './hub-replay.ts'
import type { HubHeads, RecordSource, UnreadableRecord, VerifierPeer, VerifierStanding } from './ports.ts'
import { RecordTaker } from './record-taker.ts'
import { newBooks, type ReplayBooks, type ReplayState } from './replay-state.ts'
import type { Contradiction, EvidenceFile, ReplayReport, VerifierFinding } from './report.ts'
import { TemporaryStore } from './temporary-store.ts'
import { orAborted, untilAborted } from './until-aborted.ts'

export interface ReplayOptions {
  readonly source: RecordSource
  /** The source is what was at some moment and may end before what verifiers hold: that is no contradiction then. Default: no. */
  readonly isSnapshot?: boolean
  /** SHA-256 of charter 0, 32 bytes. Left out: the first one seen is trusted, and the report says so. */
  readonly charterSha256?: Uint8Array
  /** The verifiers to hold the replay's root and digest against; may be none. */
  readonly verifiers: readonly VerifierPeer[]
  /** The position of the state digest. Default: the smallest that a verifier has applied; without verifiers the last. */
  readonly compareAt?: bigint
  /** Where the replay goes on from, and what it saves as it goes. */
  readonly state?: ReplayState
  /** Ends the replay; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called after each leaf of H, and before the verifiers are asked; must be quick. */
  readonly onProgress?: (progress: ReplayProgress) => void
}

/** How far a replay is; rates and remaining times are for whoever has a clock. */
export interface ReplayProgress {
  readonly stage: 'reading' | 'comparing'
  /** Leaves of H taken in. */
  readonly position: bigint
  /** Leaves of H to take in, as the hub's newest head claims; it may grow meanwhile. Undefined where it claims nothing readable. */
  readonly size: bigint | undefined
  readonly events: bigint
  readonly bytes: bigint
}

/**
 * Reads all of H from its first leaf, believes nothing but charter 0, and rebuilds trees, trust and the state of every subject. Holds the
 * roots against every signed head it meets, and root and state digest against every verifier, at the smallest position that one of
 * them has applied. Stops at the first thing no honest hub says.
 *
 * With a `state` it goes on from the last saved place. It saves up to the position where the verifiers are compared, since a digest of a
 * position behind it could not be made any more.
 *
 * @throws what the source throws, {ReplayStateError}, errors of the disk, and the signal's reason; what hub and verifiers say never throws.
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  await using replayed = await replayAll(options)
  return replayed.report
}

/** A replay that came to its end, and what it holds: to be compared further. */
export interface Replayed extends AsyncDisposable {
  readonly report: ReplayReport
  readonly hub: HubReplay
  /** At the position compared; undefined where the replay stopped before it. */
  readonly own: OwnState | undefined
}

/** The same, with everything that it holds kept until disposal. */
export async function replayAll(options: ReplayOptions): Promise<Replayed> {
  const { source, signal, state, charterSha256 } = options
  await using opened = new AsyncDisposableStack()
  const temporary = opened.use(new TemporaryStore())
  const books = state === undefined ? newBooks(charterSha256, () => temporary.open()) : await state.books(charterSha256)
  const heads = await orAborted(source.heads(signal), signal)
  const verifiers = await Promise.all(options.verifiers.map((peer) => standingOf(peer, books.hub.position, signal)))
  const run = new ReplayRun(options, books, heads, verifiers)
  await run.read(untilAborted(source.records(books.hub.position, signal), signal))
  const kept = opened.move()
  return {
    report: run.report(),
    hub: books.hub,
    own: run.own,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

interface StandingVerifier {
  readonly peer: VerifierPeer
  /** A finding where it cannot be compared. */
  readonly standing: VerifierStanding | VerifierFinding
}

async function standingOf(
  peer: VerifierPeer,
  from: bigint,
  signal: AbortSignal | undefined,
): Promise<StandingVerifier> {
  const not = (code: string, reason: string) => ({ peer, standing: notCompared(peer.zone, code, reason) })
  try {
    const standing = await orAborted(peer.standing(signal), signal)
    if (standing.position === 0n) return not('NOTHING_APPLIED', 'it has applied no leaf of H')
    if (standing.position >= from) return { peer, standing }
    return not('STATE_AHEAD', `it has applied ${standing.position} leaves, the saved state ${from}: replay without it`)
  } catch (error) {
    signal?.throwIfAborted()
    return not('NOT_REACHED', error instanceof Error ? error.message : String(error))
  }
}

/** One replay under way. */
class ReplayRun {
  readonly #options: ReplayOptions
  readonly #books: ReplayBooks
  readonly #heads: HubHeads
  readonly #verifiers: readonly StandingVerifier[]
  readonly #taker: RecordTaker
  /** Where the verifiers are compared; undefined: at the end. */
  readonly #compareAt: bigint | undefined
  #savedEvents: bigint
  #own: OwnState | undefined
  #findings: readonly VerifierFinding[] | undefined
  #contradiction: Contradiction | undefined
  #evidence: readonly EvidenceFile[] = []

  constructor(options: ReplayOptions, books: ReplayBooks, heads: HubHeads, verifiers: readonly StandingVerifier[]) {
    this.#options = options
    this.#books = books
    this.#heads = heads
    this.#verifiers = verifiers
    this.#taker = new RecordTaker(books)
    this.#savedEvents = books.counts.events
    const applied = verifiers.flatMap(({ standing }) => ('kind' in standing ? [] : [standing.position]))
    this.#compareAt = options.compareAt ?? applied.sort((left, right) => (left < right ? -1 : 1))[0]
  }

  get own(): OwnState | undefined {
    return this.#own
  }

  async read(records: AsyncGenerator<LoggedRecord | UnreadableRecord>): Promise<void> {
    try {
      this.#contradiction = this.#showHeads()
      // Where the saved place is the position asked for there is nothing to read up to it.
      if (this.#contradiction === undefined && this.#books.hub.position === this.#compareAt) await this.#compare()
      this.#contradiction ??= (await this.#readAll(records)) ?? this.#end()
      if (this.#contradiction !== undefined) await this.#secure(this.#contradiction, records)
      else if (this.#own === undefined) await this.#compare()
      const { hub, folds } = this.#books
      if (hub.trust !== undefined) await foldStale(folds, hub.trust, this.#options.signal)
    } finally {
      await records.return(undefined)
    }
  }

  report(): ReplayReport {
    const { hub, payloads, statistics, folds, words, counts } = this.#books
    const { head, cosigned, trust } = hub
    const first = trust?.charters[0]
    const newest = trust?.charters.at(-1)?.charter
    const findings = this.#verifierFindings()
    const { missing, mismatched, named } = payloads
    const differs =
      this.#contradiction !== undefined ||
      mismatched > 0n ||
      findings.some(({ kind }) => kind !== 'agrees' && kind !== 'not_compared')
    const complete = missing === 0n && head !== undefined && findings.every(({ kind }) => kind === 'agrees')
    return {
      outcome: differs ? 'differs' : complete ? 'agrees' : 'incomplete',
      charter: {
        sha256: first?.sha256,
        pinned: this.#options.charterSha256 !== undefined,
        newest: newest?.number,
        zones: newest?.zones.map(({ id, nameZh }) => ({ zone: id, nameZh })) ?? [],
      },
      position: hub.position,
      root: hub.rootAt(hub.position),
      head: head && { size: head.checkpoint.size, note: head.note },
      cosigned: cosigned && {
        size: cosigned.checkpoint.size,
        note: cosigned.note,
        quorumTimeMs: cosigned.quorumTimeMs,
      },
      logs: hub.logs,
      counts: {
        leaves: hub.position,
        events: counts.events,
        bytes: counts.bytes,
        heads: hub.headsHeld,
        missingPayloads: missing,
        mismatchedPayloads: mismatched,
      },
      digest: this.#own && {
        position: this.#own.position,
        root: this.#own.root,
        rows: BigInt(this.#own.rows.count),
        digest: this.#own.digest,
      },
      contradiction: this.#contradiction,
      verifiers: findings,
      payloads: named,
      statistics: statistics.told(folds, words, hub.state?.receivedAtMs ?? 0),
      evidence: this.#evidence,
    }
  }

  /** The hub's own first: whatever the others show, it has a place among those remembered. */
  #showHeads(): Contradiction | undefined {
    const { hub } = this.#books
    const behind = this.#options.isSnapshot === true ? undefined : hub.heldAgainst(this.#heads.head)
    if (behind !== undefined) return behind
    const ofHub = hub.showHead({ note: this.#heads.head, shownBy: 'the hub', byHub: true, atStart: true })
    if (ofHub !== undefined) return ofHub
    for (const { peer, standing } of this.#verifiers) {
      if ('kind' in standing || this.#isBeyond(standing.head)) continue
      const { zone } = peer
      const shownBy = `the verifier of ${zone}`
      const contradiction = hub.showHead({ note: standing.head, shownBy, byHub: false, verifier: zone, atStart: true })
      if (contradiction !== undefined) return contradiction
    }
    return undefined
  }

  #isBeyond(head: Uint8Array): boolean {
    const [shown, newest] = [claimedSize(head), claimedSize(this.#heads.head)]
    return this.#options.isSnapshot === true && shown !== undefined && newest !== undefined && shown > newest
  }

  async #readAll(records: AsyncGenerator<LoggedRecord | UnreadableRecord>): Promise<Contradiction | undefined> {
    const { archive, hub } = this.#books
    for (let next = await records.next(); !next.done; next = await records.next()) {
      const record = next.value
      const contradiction = this.#taker.take(record)
      if (contradiction !== undefined) return contradiction
      if (record.kind !== 'entry') continue
      this.#tell('reading')
      await this.#save(hub.position === this.#compareAt)
      if (this.#options.state === undefined || this.#own !== undefined) await archive.relieve()
      if (hub.position === this.#compareAt) await this.#compare()
    }
    if (this.#own === undefined) await this.#save(true)
    return undefined
  }

  /** Nothing beyond the position compared: what is saved later would be ahead of the next question. */
  async #save(now: boolean): Promise<void> {
    const { state } = this.#options
    const { counts } = this.#books
    if (state === undefined || this.#own !== undefined) return
    if (!now && counts.events - this.#savedEvents < state.eventsBetweenSaves) return
    await state.save(this.#books)
    this.#savedEvents = counts.events
  }

  #end(): Contradiction | undefined {
    const { hub } = this.#books
    return hub.showCosigned(this.#heads.cosigned) ?? hub.end()
  }

  /** Reads on for what makes a contradiction the hub's own word. */
  async #secure(contradiction: Contradiction, rest: AsyncIterator<LoggedRecord | UnreadableRecord>): Promise<void> {
    try {
      const found = await evidenceOf(this.#books.hub, contradiction, this.#taker.refusedLeaf, rest)
      this.#contradiction = { ...contradiction, coveringHead: found.coveringHead }
      this.#evidence = found.files
    } catch {
      // The source failed after the contradiction was found: the finding stands, with less to show for it.
      this.#options.signal?.throwIfAborted()
    }
  }

  async #compare(): Promise<void> {
    const { hub, folds } = this.#books
    const { position, trust } = hub
    if (trust === undefined) return
    const rows = await digestRowsOf(folds, { position, trust }, this.#options.signal)
    const own: OwnState = { position, root: hub.rootAt(position), digest: rows.digest(), rows, isReplayed: true }
    this.#own = own
    this.#tell('comparing')
    this.#findings = await Promise.all(
      this.#verifiers.map(({ peer, standing }) =>
        'kind' in standing ? standing : compareVerifier(peer, own, this.#options.signal),
      ),
    )
  }

  #verifierFindings(): readonly VerifierFinding[] {
    const findings =
      this.#findings ??
      this.#verifiers.map(({ peer, standing }) =>
        'kind' in standing ? standing : notCompared(peer.zone, 'STOPPED', 'the replay ended before its position'),
      )
    return findings.map((finding) => this.#books.hub.unlessForged(finding))
  }

  #tell(stage: ReplayProgress['stage']): void {
    this.#options.onProgress?.({
      stage,
      position: this.#books.hub.position,
      size: claimedSize(this.#heads.head),
      ...this.#books.counts,
    })
  }
}
