import { isInformative } from '@hutong/licence'
import type { JudgedEvent, ReadEvent, SubjectFold } from '@hutong/verify'
import { collections, endOfPrefix, isAboutDeclaration } from './documents.ts'
import { type Copy, foldSubjectEvents, pages, readSubject } from './subjects.ts'

/**
 * The declarations of one zone, folded once and folded again only where an event may have changed them.
 */
export class Declarations {
  readonly #zone: string
  #folds = new Map<string, SubjectFold>()
  /** The position the folds are of; undefined: nothing is folded yet. */
  #position: bigint | undefined
  /** Subjects that events since then were about; `all`: one of them could be about any. */
  #changed = new Set<string>()
  #allChanged = false
  /** Counts what was applied, so that folding notices what was applied meanwhile. */
  #applied = 0

  constructor(zone: string) {
    this.#zone = zone
  }

  /**
   * All declarations of the zone at the position of the copy, in the order of their first leaves: the same in every copy. They are kept
   * only where `isNow` says that the copy is of the position now: of an earlier one nobody has told what was applied since.
   */
  async at(copy: Copy, isNow: () => boolean): Promise<readonly SubjectFold[]> {
    if (this.#position === copy.position && this.#changed.size === 0 && !this.#allChanged) return inOrder(this.#folds)
    const applied = this.#applied
    const usable = this.#position !== undefined && this.#position <= copy.position && !this.#allChanged
    const folds = usable ? new Map(this.#folds) : new Map<string, SubjectFold>()
    const subjects = usable ? [...this.#changed] : await this.#subjects(copy)
    for (const subject of subjects) {
      const events = await readSubject(copy, this.#zone, subject)
      // A mark may come from an event beyond the position: as of then the subject was no declaration yet.
      if (events.some(({ leaf }) => isAboutDeclaration(leaf.kind)))
        folds.set(subject, await foldSubjectEvents(copy, this.#zone, subject, events))
    }
    if (applied === this.#applied && isNow()) {
      this.#folds = folds
      this.#position = copy.position
      this.#changed = new Set()
      this.#allChanged = false
    }
    return inOrder(folds)
  }

  /** Tells of events that were applied. */
  applied(events: readonly ReadEvent[]): void {
    this.#applied += 1
    for (const { kept, leaf, subject, reading } of events) {
      if (kept.zone !== this.#zone || isInformative(leaf.kind)) continue
      if (isAboutDeclaration(leaf.kind) || this.#folds.has(subject)) this.#changed.add(subject)
      // It names a subject that is not the leaf's, or gives a string another subject: that may be any of them.
      const strays = reading.kind === 'read' && (!reading.subjectMatches || !this.#folds.has(subject))
      if (strays && namesDeclaration(reading)) this.#allChanged = true
    }
  }

  /** Forgets everything, as after payloads that came late. */
  clear(): void {
    this.#applied += 1
    this.#allChanged = true
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
