import { compareVerifier, notCompared, type OwnState } from './compare-verifier.ts'
import { digestRowsOf } from './digest-rows.ts'
import { evidenceOf } from './evidence-of.ts'
import type { ShownHead } from './hub-replay.ts'
import type { RecordSource, VerifierPeer } from './ports.ts'
import { RecordTaker } from './record-taker.ts'
import { newBooks, type ReplayBooks } from './replay-state.ts'
import type { Contradiction, EvidenceFile, VerifierFinding } from './report.ts'
import { TemporaryStore } from './temporary-store.ts'
import { orAborted } from './until-aborted.ts'

/** How long a verifier may be behind the hub's newest leaf before it is called behind, in milliseconds. */
const patienceMs = 3_000
/** How long is read on for what makes a contradiction evidence, in milliseconds. */
const evidencePatienceMs = 15_000
const askAgainMs = 250
/** Waits between two connections, in milliseconds: doubled each time, up to the largest; anew after a leaf. */
const firstWaitMs = 250
const longestWaitMs = 30_000

export interface FollowOptions {
  /** Records that go on as H grows: `records` ends only where the connection does. */
  readonly source: Pick<RecordSource, 'records'>
  /** SHA-256 of charter 0. */
  readonly charterSha256: Uint8Array
  readonly verifiers: readonly VerifierPeer[]
  /** How often the verifiers are compared, in milliseconds. */
  readonly compareEveryMs: number
  readonly nowMs: () => number
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Ends the watch; it then rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** Told everything that happens, one fact at a time; must be quick. */
  readonly onFact: (fact: FollowFact) => void
}

/** What happened while following. */
export type FollowFact =
  | { readonly kind: 'taken'; readonly position: bigint; readonly events: bigint; readonly rows: number }
  | { readonly kind: 'compared'; readonly position: bigint; readonly findings: readonly VerifierFinding[] }
  | { readonly kind: 'reconnecting'; readonly reason: string; readonly waitMs: number }

/** The first difference, at which following ended. */
export interface FollowEnd {
  readonly position: bigint
  readonly contradiction: Contradiction | undefined
  /** Of the verifiers, where one of them differs. */
  readonly findings: readonly VerifierFinding[]
  readonly evidence: readonly EvidenceFile[]
}

/**
 * Replays H as it grows and compares with the verifiers every so often, until something differs. A broken connection is made again; a
 * verifier that is away is told and asked again the next time.
 *
 * @throws the signal's reason, and errors of the disk.
 */
export async function follow(options: FollowOptions): Promise<FollowEnd> {
  await using temporary = new TemporaryStore()
  return new Following(
    options,
    newBooks(options.charterSha256, () => temporary.open()),
  ).run()
}

class Following {
  readonly #options: FollowOptions
  readonly #books: ReplayBooks
  readonly #taker: RecordTaker
  #comparedAtMs: number
  #waitMs = firstWaitMs

  constructor(options: FollowOptions, books: ReplayBooks) {
    this.#options = options
    this.#books = books
    this.#taker = new RecordTaker(books)
    this.#comparedAtMs = options.nowMs()
  }

  async run(): Promise<FollowEnd> {
    const { signal, onFact, pause } = this.#options
    for (;;) {
      try {
        const end = await this.#connection()
        if (end !== undefined) return end
        onFact({ kind: 'reconnecting', reason: 'the source ended', waitMs: this.#waitMs })
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof SourceError)) throw error
        onFact({ kind: 'reconnecting', reason: error.message, waitMs: this.#waitMs })
      }
      // Node's timers reject with an error of their own: what is told is the signal's reason.
      await pause(this.#waitMs, signal).catch(() => signal.throwIfAborted())
      this.#waitMs = Math.min(this.#waitMs * 2, longestWaitMs)
    }
  }

  async #connection(): Promise<FollowEnd | undefined> {
    const { source, signal } = this.#options
    const records = source.records(this.#books.hub.position, signal)[Symbol.asyncIterator]()
    try {
      for (let next = asked(records, signal); ; next = asked(records, signal)) {
        while (!(await this.#isSettled(next))) {
          const end = await this.#compareWhenDue(withPending(next, records))
          if (end !== undefined) return end
        }
        const { done, value } = await next
        if (done) return undefined
        // A hub sends its heads on every connection: only a leaf says that this one is of use.
        if (value.kind === 'entry') this.#waitMs = firstWaitMs
        const contradiction = this.#taker.take(value)
        // Awaited here: evidence may lie in the records, which are let go below.
        if (contradiction !== undefined) return await this.#end(contradiction, records)
        await this.#books.archive.relieve()
        if (value.kind === 'entry') this.#tellTaken()
        const end = await this.#compareWhenDue(records)
        if (end !== undefined) return end
      }
    } finally {
      // Not awaited: a source that hangs would hang here too.
      records.return?.()?.catch(() => undefined)
    }
  }

  /** Whether the next record came before the verifiers are to be compared. */
  async #isSettled(next: Promise<unknown>): Promise<boolean> {
    const { compareEveryMs, nowMs, pause, signal } = this.#options
    const dueMs = Math.max(0, this.#comparedAtMs + compareEveryMs - nowMs())
    const waiting = new AbortController()
    const due = pause(dueMs, AbortSignal.any([signal, waiting.signal])).then(
      () => false,
      () => true,
    )
    const settled = next.then(
      () => true,
      () => true,
    )
    const isSettled = await Promise.race([settled, due])
    waiting.abort()
    signal.throwIfAborted()
    return isSettled
  }

  /** @param rest the records that were not taken yet: evidence may lie in them. */
  async #compareWhenDue(rest: Records): Promise<FollowEnd | undefined> {
    const { compareEveryMs, nowMs, signal, verifiers, onFact } = this.#options
    const { hub, folds } = this.#books
    const { trust, position } = hub
    if (nowMs() - this.#comparedAtMs < compareEveryMs) return undefined
    if (trust === undefined) {
      // Before charter 0 there is nothing to compare, and nothing to hurry for.
      this.#comparedAtMs = nowMs()
      return undefined
    }
    const rows = await digestRowsOf(folds, { position, trust }, signal)
    const own: OwnState = { position, root: hub.rootAt(position), digest: rows.digest(), rows, isReplayed: true }
    const shown: ShownHead[] = []
    const compared = await Promise.all(verifiers.map((peer) => this.#compare(peer, own, shown)))
    this.#comparedAtMs = nowMs()
    let contradiction: Contradiction | undefined
    for (const head of shown) contradiction ??= hub.showHead(head)
    const findings = compared.map((finding) => hub.unlessForged(finding))
    onFact({ kind: 'compared', position, findings })
    if (contradiction !== undefined) return this.#end(contradiction, rest, findings)
    const differs = findings.some(({ kind }) => kind !== 'agrees' && kind !== 'not_compared')
    return differs ? { position, contradiction: undefined, findings, evidence: [] } : undefined
  }

  async #compare(peer: VerifierPeer, own: OwnState, shown: ShownHead[]): Promise<VerifierFinding> {
    const { signal, nowMs, pause } = this.#options
    const untilMs = nowMs() + patienceMs
    try {
      for (;;) {
        const { position, head } = await orAborted(peer.standing(signal), signal)
        if (position >= own.position) {
          shown.push({ note: head, shownBy: `the verifier of ${peer.zone}`, byHub: false, verifier: peer.zone })
          return await compareVerifier(peer, own, signal)
        }
        if (nowMs() >= untilMs)
          return notCompared(peer.zone, 'NOT_YET', `it has applied ${position} of ${own.position}`)
        await pause(askAgainMs, signal)
      }
    } catch (error) {
      signal.throwIfAborted()
      return notCompared(peer.zone, 'NOT_REACHED', error instanceof Error ? error.message : String(error))
    }
  }

  async #end(
    contradiction: Contradiction,
    rest: Records,
    findings: readonly VerifierFinding[] = [],
  ): Promise<FollowEnd> {
    const { hub } = this.#books
    const { position } = contradiction
    const enough = new AbortController()
    try {
      const within = bounded(rest, this.#options, enough.signal)
      const { coveringHead, files } = await evidenceOf(hub, contradiction, this.#taker.refusedLeaf, within)
      return { position, contradiction: { ...contradiction, coveringHead }, findings, evidence: files }
    } catch {
      // The source failed after the contradiction was found: the finding stands, with less to show for it.
      this.#options.signal.throwIfAborted()
      return { position, contradiction, findings, evidence: [] }
    } finally {
      enough.abort()
    }
  }

  #tellTaken(): void {
    const { hub, counts, folds } = this.#books
    this.#options.onFact({ kind: 'taken', position: hub.position, events: counts.events, rows: folds.count })
  }
}

type Records = Parameters<typeof evidenceOf>[3]

/** The records with the one that was asked for already. */
function withPending(pending: ReturnType<Records['next']>, records: Records): Records {
  let first: typeof pending | undefined = pending
  return {
    next: () => {
      const next = first ?? records.next()
      first = undefined
      return next
    },
  }
}

/** A source that goes on for ever does not hold up the end: after the patience there is nothing more. */
function bounded(rest: Records, { pause, signal }: FollowOptions, enough: AbortSignal): Records {
  const over = pause(evidencePatienceMs, AbortSignal.any([signal, enough])).then(
    () => ({ done: true, value: undefined }) as const,
  )
  // Where it aborts, whoever waits is told by the source.
  over.catch(() => undefined)
  return { next: () => Promise.race([rest.next(), over]) }
}

/** The source broke: what else throws is our own. */
class SourceError extends Error {
  override readonly name = 'SourceError'
}

function asked<T>(records: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  const next = orAborted(records.next(), signal).catch((cause: unknown) => {
    throw new SourceError(cause instanceof Error ? cause.message : String(cause), { cause })
  })
  // Held against the clock first: until then nobody looks at it.
  next.catch(() => undefined)
  return next
}
