import {
  type Asked,
  type AsOf,
  couldNotLook,
  type Findings,
  type IdentifierReading,
  isRefusal,
  type Refusal,
  readIdentifier,
  refusal,
} from '@hutong/licence'
import type { Store } from '@hutong/store'
import {
  foldThatCounts,
  foundNowhere,
  issuingZones,
  judge,
  type Question,
  type ReadEvent,
  type SubjectFold,
} from '@hutong/verify'
import { Declarations } from './declarations.ts'
import { positionOf } from './documents.ts'
import { FoldCache } from './fold-cache.ts'
import type { Follower } from './follower.ts'
import type { VerifierSettings } from './settings.ts'
import { type Standpoint, standpointAsOf, standpointNow } from './standpoint.ts'
import { type Copy, foldString } from './subjects.ts'

/** What a counter asks. */
export interface VerifyQuestion {
  readonly identifier: string
  readonly matter: string
  readonly holderCode: string | undefined
  readonly fileSha256: Uint8Array | undefined
  /** Undefined: about now. */
  readonly asOf: AsOf | undefined
}

export type VerifyAnswer =
  | { readonly kind: 'findings'; readonly findings: Findings; readonly checkedAtMs: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** A licence as it stands at one position. */
export interface FoundLicence {
  readonly fold: SubjectFold
  /** Every leaf subject that the fold rests on. */
  readonly subjects: readonly string[]
}

export interface AnswererOptions {
  /** The receiving zone. */
  readonly zone: string
  readonly store: Store
  readonly follower: Follower
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly settings: Pick<VerifierSettings, 'foldsKeptMax' | 'verifyLimitMs' | 'verifyRunningMax' | 'policy'>
  /** Told of an event whose payload, as kept, does not open its commitment any more. */
  readonly broken?: (event: { readonly position: bigint; readonly place: number }) => void
  /** Told of a store that failed or was too slow. */
  readonly storeAway?: (error: unknown) => void
}

const none: Promise<readonly SubjectFold[]> = Promise.resolve([])

/**
 * Answers from the zone's own verified copy. Each answer is of one position: that of the view it began with, whatever is applied
 * meanwhile. It writes nothing.
 */
export class Answerer {
  readonly #options: AnswererOptions
  readonly #cache: FoldCache
  readonly #declarations = new Map<string, Declarations>()
  #applied = 0
  /** Lookups that the store has not let go of. */
  #running = 0

  constructor(options: AnswererOptions) {
    this.#options = options
    this.#cache = new FoldCache(options.settings.foldsKeptMax)
  }

  /**
   * The verdict, now or as of a position or time. A number that is none is refused before anything is looked up. A store that fails or does not answer in time makes it
   * UNDETERMINED, STORE_AWAY: never an error, never another word. While `verifyRunningMax` are being looked up, one more is refused at
   * once, QUEUE_FULL: else a store that hangs would let them gather without end.
   */
  async verify(asked: VerifyQuestion): Promise<VerifyAnswer> {
    const identifier = readIdentifier(asked.identifier)
    if (identifier.kind === 'malformed') return { kind: 'refused', refusal: identifier.refusal }
    const { clock, follower, zone, settings } = this.#options
    const { asOf } = asked
    const checkedAtMs = clock()
    const position = asOf === undefined ? follower.view.state.position : 0n
    const question: Question = { ...asked, identifier, receivingZone: zone, policy: settings.policy }
    if (this.#running >= settings.verifyRunningMax) return { kind: 'refused', refusal: refusal('QUEUE_FULL') }
    try {
      const answer = await this.#inTime(this.#answer(question, asOf, checkedAtMs))
      return isRefusal(answer)
        ? { kind: 'refused', refusal: answer }
        : { kind: 'findings', findings: answer, checkedAtMs }
    } catch (error) {
      this.#options.storeAway?.(error)
      const findings = couldNotLook(askedIn(question, asOf), position, 'STORE_AWAY')
      return { kind: 'findings', findings, checkedAtMs }
    }
  }

  /**
   * Where a question is answered from. Undefined: about now, before leaf 0. Refused as `standpointAsOf` says.
   * @throws what the store throws; {DocumentDamagedError} our own copy cannot be read.
   */
  async standpoint(asOf: AsOf | undefined, nowMs: number): Promise<Standpoint | Refusal | undefined> {
    const { store, follower } = this.#options
    return asOf === undefined ? standpointNow(store, follower.view, nowMs) : standpointAsOf(store, follower.view, asOf)
  }

  /** The licence's fold as the copy has it. Refused: NOT_FOUND, or PAYLOAD_MISMATCH where it was here and cannot be read. */
  async licence(
    copy: Copy,
    identifier: Exclude<IdentifierReading, { kind: 'malformed' }>,
  ): Promise<FoundLicence | Refusal> {
    const found = await this.#foundAmong(copy, issuingZones(copy.trust, identifier), identifier.subjectString)
    if (found === 'damaged') return refusal('PAYLOAD_MISMATCH', { field: 'identifier' })
    return found ?? refusal('NOT_FOUND', { field: 'identifier' })
  }

  /** All declarations of a zone at the position of the copy. */
  declarations(copy: Copy, zone: string): Promise<readonly SubjectFold[]> {
    const declarations = this.#declarations.get(zone) ?? new Declarations(zone)
    this.#declarations.set(zone, declarations)
    return declarations.at(copy, () => this.#isNow(copy))
  }

  /** The copy at the position now; undefined before leaf 0. */
  copy(): Copy | undefined {
    const { state } = this.#options.follower.view
    return state.trust && { store: this.#options.store, position: state.position, trust: state.trust }
  }

  /** Tells of events that were applied: what they can change is read anew. */
  applied(events: readonly ReadEvent[]): void {
    this.#applied += 1
    this.#cache.applied(events)
    for (const declarations of this.#declarations.values()) declarations.applied(events)
  }

  /** Tells of payloads that have come: which folds they change, only reading shows. */
  filled(): void {
    this.#applied += 1
    this.#cache.clear()
    for (const declarations of this.#declarations.values()) declarations.clear()
  }

  async #answer(question: Question, asOf: AsOf | undefined, nowMs: number): Promise<Findings | Refusal> {
    const standpoint = await this.standpoint(asOf, nowMs)
    if (standpoint === undefined) return couldNotLook(askedIn(question, asOf), 0n, 'NOT_CHECKED')
    return isRefusal(standpoint) ? standpoint : this.#judge(question, standpoint)
  }

  async #judge(question: Question, { copy, knowledge }: Standpoint): Promise<Findings> {
    const { position } = copy
    const asOf = knowledge.kind === 'as_of' ? knowledge.asOf : undefined
    const { receivingZone } = question
    const zones = issuingZones(copy.trust, question.identifier)
    // Begun while the copy is still of the position now: only then are they kept for the next question.
    const declarationsHere = zones.every((zone) => zone === receivingZone)
      ? none
      : this.declarations(copy, receivingZone)
    // It is awaited where it is needed; where it is not, its failure is nobody's.
    declarationsHere.catch(() => {})
    const found = await this.#foundAmong(copy, zones, question.identifier.subjectString)
    // It was here and cannot be read: that is not "not in the log".
    if (found === 'damaged') return couldNotLook(askedIn(question, asOf), position, 'PAYLOAD_MISMATCH')
    if (found === undefined) return foundNowhere(question, knowledge)
    const { fold } = found
    this.#tellBroken(fold)
    const declarations = fold.zone === receivingZone ? [] : await declarationsHere
    return judge(question, knowledge, { issuingZone: fold.zone, fold, declarations })
  }

  /**
   * What counts of what the logs of these zones hold about a number; `damaged` where the copy of one of them has lost what it held: that
   * could be what counts.
   */
  async #foundAmong(
    copy: Copy,
    zones: readonly string[],
    subjectString: string,
  ): Promise<FoundLicence | 'damaged' | undefined> {
    const found: FoundLicence[] = []
    for (const zone of zones) {
      const { fold, subjects, damaged } = await this.#foldFound(copy, zone, subjectString)
      if (fold !== undefined) found.push({ fold, subjects })
      else if (damaged.length > 0) return 'damaged'
    }
    const counts = foldThatCounts(found.map(({ fold }) => fold))
    return found.find(({ fold }) => fold === counts)
  }

  /** The fold, and who keeps the payloads is told of those that were here and cannot be read. */
  async #foldFound(copy: Copy, zone: string, subjectString: string): ReturnType<typeof foldString> {
    const folded = await this.#fold(copy, zone, subjectString)
    for (const { kept } of folded.damaged) this.#options.broken?.({ position: positionOf(kept), place: kept.place })
    return folded
  }

  async #fold(copy: Copy, zone: string, subjectString: string): ReturnType<typeof foldString> {
    const cached = this.#cache.get(zone, subjectString)
    // What is cached is of the position now; a copy of an earlier one is read.
    if (cached !== undefined && this.#isNow(copy)) return cached
    const applied = this.#applied
    const folded = await foldString(copy, zone, subjectString)
    if (applied === this.#applied && this.#isNow(copy)) this.#cache.set(zone, subjectString, folded)
    return folded
  }

  #isNow({ position }: Copy): boolean {
    return position === this.#options.follower.view.state.position
  }

  #tellBroken(fold: SubjectFold): void {
    for (const cloud of fold.clouds.filter(({ mismatch }) => mismatch)) {
      const event = fold.events.find(({ origin, index }) => origin === cloud.origin && index === cloud.index)
      if (event?.position !== undefined) this.#options.broken?.({ position: event.position, place: event.place })
    }
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { verifyLimitMs } = this.#options.settings
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer of the store within ${verifyLimitMs} ms`)), verifyLimitMs)
    })
    this.#running += 1
    const ended = () => {
      this.#running -= 1
    }
    // When time is up the work goes on alone; what it then throws was answered already.
    work.then(ended, ended)
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
}

function askedIn({ identifier, ...question }: Question, asOf: AsOf | undefined): Asked {
  return { ...question, identifier: identifier.identifier, asOf }
}

/** The refusal of a malformed number, for those who ask for more than a verdict. */
export function identifierOf(text: string): Exclude<IdentifierReading, { kind: 'malformed' }> | Refusal {
  const reading = readIdentifier(text)
  return reading.kind === 'malformed' ? reading.refusal : reading
}
