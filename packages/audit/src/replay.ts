import type { ReadEvent } from '@hutong/verify'
import type { EntryRecord, LoggedRecord } from '@hutong/wire'
import { compareVerifier, notCompared, type OwnState } from './compare-verifier.ts'
import { findCoveringHead } from './covering-head.ts'
import { digestRowsOf } from './digest-rows.ts'
import { FoldBook } from './fold-book.ts'
import { claimedSize, HubReplay } from './hub-replay.ts'
import { PayloadBook } from './payload-book.ts'
import type { HubHeads, RecordSource, UnreadableRecord, VerifierPeer, VerifierStanding } from './ports.ts'
import type { Contradiction, ReplayReport, VerifierFinding } from './report.ts'
import { orAborted, untilAborted } from './until-aborted.ts'

export interface ReplayOptions {
  readonly source: RecordSource
  /** SHA-256 of charter 0, 32 bytes. Left out: the first one seen is trusted, and the report says so. */
  readonly charterSha256?: Uint8Array
  /** The verifiers to hold the replay's root and digest against; may be none. */
  readonly verifiers: readonly VerifierPeer[]
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
 * @throws what the source throws, and the signal's reason; what hub and verifiers say never throws.
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const { source, signal } = options
  const heads = await orAborted(source.heads(signal), signal)
  const verifiers = await Promise.all(options.verifiers.map((peer) => standingOf(peer, signal)))
  const run = new ReplayRun(options, heads, verifiers)
  await run.read(untilAborted(source.records(0n, signal), signal))
  return run.report()
}

interface StandingVerifier {
  readonly peer: VerifierPeer
  /** A finding where it cannot be compared. */
  readonly standing: VerifierStanding | VerifierFinding
}

async function standingOf(peer: VerifierPeer, signal: AbortSignal | undefined): Promise<StandingVerifier> {
  try {
    const standing = await orAborted(peer.standing(signal), signal)
    if (standing.position > 0n) return { peer, standing }
    return { peer, standing: notCompared(peer.zone, 'NOTHING_APPLIED', 'it has applied no leaf of H') }
  } catch (error) {
    signal?.throwIfAborted()
    return {
      peer,
      standing: notCompared(peer.zone, 'NOT_REACHED', error instanceof Error ? error.message : String(error)),
    }
  }
}

/** One replay under way. */
class ReplayRun {
  readonly #options: ReplayOptions
  readonly #heads: HubHeads
  readonly #verifiers: readonly StandingVerifier[]
  readonly #hub: HubReplay
  readonly #folds: FoldBook = new FoldBook()
  readonly #payloads: PayloadBook = new PayloadBook()
  /** Where the verifiers are compared: the smallest position that one of them has applied; undefined for none to compare. */
  readonly #compareAt: bigint | undefined
  #own: OwnState | undefined
  #findings: readonly VerifierFinding[] | undefined
  #contradiction: Contradiction | undefined
  /** The leaf of H that the contradiction is about, where it is about one. */
  #refusedLeaf: Uint8Array | undefined
  #events = 0n
  #bytes = 0n

  constructor(options: ReplayOptions, heads: HubHeads, verifiers: readonly StandingVerifier[]) {
    this.#options = options
    this.#heads = heads
    this.#verifiers = verifiers
    this.#hub = new HubReplay(options.charterSha256)
    this.#compareAt = verifiers
      .flatMap(({ standing }) => ('kind' in standing ? [] : [standing.position]))
      .reduce<bigint | undefined>((least, one) => (least === undefined || one < least ? one : least), undefined)
  }

  async read(records: AsyncGenerator<LoggedRecord | UnreadableRecord>): Promise<void> {
    try {
      this.#contradiction = this.#showHeads() ?? (await this.#readAll(records)) ?? this.#end()
      if (this.#contradiction === undefined && this.#own === undefined) await this.#compare()
    } finally {
      await records.return(undefined)
    }
  }

  report(): ReplayReport {
    const hub = this.#hub
    const { head, cosigned, trust } = hub
    const first = trust?.charters[0]
    const findings = this.#verifierFindings()
    const { missing, mismatched, named } = this.#payloads
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
        newest: trust?.charters.at(-1)?.charter.number,
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
        events: this.#events,
        bytes: this.#bytes,
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
    }
  }

  /** The hub's own first: whatever the others show, it has a place among those remembered. */
  #showHeads(): Contradiction | undefined {
    const ofHub = this.#hub.showHead({ note: this.#heads.head, shownBy: 'the hub', byHub: true })
    if (ofHub !== undefined) return ofHub
    for (const { peer, standing } of this.#verifiers) {
      if ('kind' in standing) continue
      this.#hub.showHead({ note: standing.head, shownBy: verifierOf(peer.zone), byHub: false })
    }
    return undefined
  }

  async #readAll(records: AsyncGenerator<LoggedRecord | UnreadableRecord>): Promise<Contradiction | undefined> {
    for (let next = await records.next(); !next.done; next = await records.next()) {
      const record = next.value
      const contradiction = this.#take(record)
      if (contradiction !== undefined) return this.#withCoveringHead(contradiction, records)
      if (record.kind !== 'entry') continue
      this.#tell('reading')
      if (this.#hub.position === this.#compareAt) await this.#compare()
    }
    return undefined
  }

  #take(record: LoggedRecord | UnreadableRecord): Contradiction | undefined {
    switch (record.kind) {
      case 'entry':
        return this.#takeEntry(record)
      case 'head':
        return this.#hub.showHead({ note: record.checkpoint, shownBy: 'the hub', byHub: true })
      case 'cosigned':
        return this.#hub.showCosigned(record.checkpoint)
      case 'unreadable':
        return this.#hub.unreadable(record.why)
    }
  }

  #takeEntry(record: EntryRecord): Contradiction | undefined {
    const followed = this.#hub.takeEntry(record)
    if (!('kind' in followed)) {
      this.#refusedLeaf = record.leaf
      return followed
    }
    this.#bytes += sizeOf(record)
    for (const event of followed.events) this.#takeEvent(event, record)
    return this.#hub.holdReachedHeads() ?? this.#showObservedHeads(followed.events)
  }

  #takeEvent(event: ReadEvent, record: EntryRecord): void {
    this.#events++
    const { trust } = this.#hub
    if (trust === undefined) throw new RangeError('an event before charter 0')
    if (this.#folds.take(event, trust)) this.#payloads.take(event, record.redacted.includes(event.kept.place))
  }

  /** In its heartbeats a zone repeats the newest head that its verifier holds: where the hub showed it another H, here it comes to light. */
  #showObservedHeads(events: readonly ReadEvent[]): Contradiction | undefined {
    for (const { kept, reading } of events) {
      if (reading.kind !== 'read' || reading.payload.event.kind !== 'observed') continue
      const { head } = reading.payload.event
      const shownBy = `${kept.origin}/${kept.index}`
      const contradiction = this.#hub.showHead({ note: head, shownBy, byHub: false })
      if (contradiction !== undefined) return contradiction
    }
    return undefined
  }

  #end(): Contradiction | undefined {
    return this.#hub.showCosigned(this.#heads.cosigned) ?? this.#hub.end()
  }

  async #withCoveringHead(
    contradiction: Contradiction,
    rest: AsyncIterator<LoggedRecord | UnreadableRecord>,
  ): Promise<Contradiction> {
    const { state } = this.#hub
    if (this.#refusedLeaf === undefined || state?.trust === undefined) return contradiction
    try {
      const coveringHead = await findCoveringHead(state.trust, state.hubEdge, this.#refusedLeaf, rest)
      return { ...contradiction, coveringHead }
    } catch {
      // The source failed after the contradiction was found: the finding stands, with less to show for it.
      this.#options.signal?.throwIfAborted()
      return contradiction
    }
  }

  async #compare(): Promise<void> {
    const { position } = this.#hub
    const rows = await digestRowsOf(this.#folds.folds(), this.#options.signal)
    const own: OwnState = { position, root: this.#hub.rootAt(position), digest: rows.digest(), rows }
    this.#own = own
    this.#tell('comparing')
    this.#findings = await Promise.all(
      this.#verifiers.map(({ peer, standing }) =>
        'kind' in standing ? standing : compareVerifier(peer, own, this.#options.signal),
      ),
    )
  }

  /** A verifier that shows a head the hub never signed is not believed, whatever its rows say. */
  #verifierFindings(): readonly VerifierFinding[] {
    const findings =
      this.#findings ??
      this.#verifiers.map(({ peer, standing }) =>
        'kind' in standing ? standing : notCompared(peer.zone, 'STOPPED', 'the replay ended before its position'),
      )
    return findings.map((finding) => {
      const forged = this.#hub.unsignedHeads.find(({ shownBy }) => shownBy === verifierOf(finding.zone))
      if (forged === undefined || finding.kind === 'root_differs' || finding.kind === 'row_differs') return finding
      return {
        kind: 'inconsistent',
        zone: finding.zone,
        position: this.#hub.position,
        reason: 'it holds a head that the hub has not signed',
        own: [],
        verifier: [{ what: 'head', bytes: forged.note }],
      }
    })
  }

  #tell(stage: ReplayProgress['stage']): void {
    this.#options.onProgress?.({
      stage,
      position: this.#hub.position,
      size: claimedSize(this.#heads.head),
      events: this.#events,
      bytes: this.#bytes,
    })
  }
}

function verifierOf(zone: string): string {
  return `the verifier of ${zone}`
}

function sizeOf({ leaf, entries, charter }: EntryRecord): bigint {
  const ofEntries = entries.reduce(
    (sum, entry) => sum + entry.leaf.length + entry.salt.length + entry.payload.length,
    0,
  )
  return BigInt(leaf.length + charter.length + ofEntries)
}
