import { isInformative } from '@hutong/licence'
import type { JudgedEvent, ReadEvent, SubjectFold } from '@hutong/verify'
import { collections, endOfPrefix, isAboutDeclaration } from './documents.ts'
import { type Copy, foldSubjectEvents, pages, readSubject } from './subjects.ts'

/**
 * The declarations of one zone, folded once and folded again only where an event may have changed them.
 */
export class Declarations {
  readonly #zone: string
  #folds: ReadonlyMap<string, SubjectFold> = new Map()
  /** The position the folds are of; undefined: nothing is folded yet. */
  #position: bigint | undefined
  /** Subjects that events since then were about; `all`: one of them could be about any. */
  #changed = new Set<string>()
  #allChanged = false
  /** What was applied since each folding that is under way began. */
  readonly #foldings = new Set<Folding>()

  constructor(zone: string) {
    this.#zone = zone
  }

  /**
   * All declarations of the zone at the position of the copy, in the order of their first leaves: the same in every copy. They are kept
   * only where `isNow` says, as the folding begins, that the copy is of the position now: of an earlier one nobody has told what was
   * applied since. What is applied while they are folded is folded again at the next question, so that a busy zone keeps them too.
   */
  async at(copy: Copy, isNow: () => boolean): Promise<readonly SubjectFold[]> {
    if (this.#position === copy.position && this.#changed.size === 0 && !this.#allChanged) return inOrder(this.#folds)
    const folding: Folding = { applied: [], cleared: false }
    const keeps = isNow()
    if (keeps) this.#foldings.add(folding)
    try {
      const folds = await this.#fold(copy)
      if (keeps && !folding.cleared && (this.#position ?? 0n) <= copy.position)
        this.#keep(folds, copy.position, folding)
      return inOrder(folds)
    } finally {
      this.#foldings.delete(folding)
    }
  }

  /** Tells of events that were applied. */
  applied(events: readonly ReadEvent[]): void {
    const own = events.filter(({ kept, leaf }) => kept.zone === this.#zone && !isInformative(leaf.kind))
    if (own.length === 0) return
    for (const { applied } of this.#foldings) applied.push(...own)
    this.#note(own)
  }

  /** Forgets everything, as after payloads that came late. */
  clear(): void {
    for (const folding of this.#foldings) folding.cleared = true
    this.#allChanged = true
  }

  async #fold(copy: Copy): Promise<ReadonlyMap<string, SubjectFold>> {
    const usable = this.#position !== undefined && this.#position <= copy.position && !this.#allChanged
    const folds = usable ? new Map(this.#folds) : new Map<string, SubjectFold>()
    const subjects = usable ? [...this.#changed] : await this.#subjects(copy)
    for (const subject of subjects) {
      const events = await readSubject(copy, this.#zone, subject)
      // A mark may come from an event beyond the position: as of then the subject was no declaration yet.
      if (events.some(({ leaf }) => isAboutDeclaration(leaf.kind)))
        folds.set(subject, await foldSubjectEvents(copy, this.#zone, subject, events))
    }
    return folds
  }

  #keep(folds: ReadonlyMap<string, SubjectFold>, position: bigint, { applied }: Folding): void {
    this.#folds = folds
    this.#position = position
    this.#changed = new Set()
    this.#allChanged = false
    this.#note(applied)
  }

  /** What these events, applied after the position of the folds, can change of them. */
  #note(events: readonly ReadEvent[]): void {
    for (const { leaf, subject, reading } of events) {
      if (isAboutDeclaration(leaf.kind) || this.#folds.has(subject)) this.#changed.add(subject)
      // It names a subject that is not the leaf's, or gives a string another subject: that may be any of them.
      const strays = reading.kind === 'read' && (!reading.subjectMatches || !this.#folds.has(subject))
      if (strays && namesDeclaration(reading)) this.#allChanged = true
    }
  }

  async #subjects(copy: Copy): Promise<readonly string[]> {
    const subjects: string[] = []
    const from = `${this.#zone}/`
    for await (const page of pages(copy.store, collections.declarations, from, endOfPrefix(this.#zone))) {
      subjects.push(...page.map(({ key }) => key.slice(from.length)))
    }
    return subjects
  }
}

/** A folding that is under way, of the position that was now when it began. */
interface Folding {
  /** This zone's events applied since, those that are only informative left out. */
  readonly applied: ReadEvent[]
  cleared: boolean
}

function inOrder(folds: ReadonlyMap<string, SubjectFold>): readonly SubjectFold[] {
  const firsts = [...folds.values()].map((fold) => ({ fold, first: fold.events.find(({ touching }) => !touching) }))
  return firsts.toSorted((left, right) => byPlace(left.first, right.first)).map(({ fold }) => fold)
}

function byPlace(left: JudgedEvent | undefined, right: JudgedEvent | undefined): number {
  const positions = (left?.position ?? 0n) - (right?.position ?? 0n)
  return positions < 0n ? -1 : positions > 0n ? 1 : (left?.place ?? 0) - (right?.place ?? 0)
}

/** A declaration's id has no dot, a licence's identifier has: the number of a licence cannot touch a declaration. */
function namesDeclaration(reading: ReadEvent['reading']): boolean {
  return reading.kind === 'read' && reading.subjectString !== undefined && !reading.subjectString.includes('.')
}
