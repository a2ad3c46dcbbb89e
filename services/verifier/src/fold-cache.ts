import { isInformative } from '@hutong/licence'
import type { ReadEvent } from '@hutong/verify'
import type { FoldedString } from './subjects.ts'

/**
 * Folds of licences that were asked for, the most recently asked kept. An event about a subject that a fold rests on, or naming its
 * string, lets go of it; so what is found here is what reading the store again would give.
 */
export class FoldCache {
  readonly #foldsKeptMax: number
  readonly #folds = new Map<string, FoldedString>()
  /** By `<zone>/<subject>`: the folds that rest on it. */
  readonly #resting = new Map<string, Set<string>>()

  constructor(foldsKeptMax: number) {
    this.#foldsKeptMax = foldsKeptMax
  }

  get(zone: string, subjectString: string): FoldedString | undefined {
    const key = keyOf(zone, subjectString)
    const found = this.#folds.get(key)
    if (found === undefined) return undefined
    this.#folds.delete(key)
    this.#folds.set(key, found)
    return found
  }

  set(zone: string, subjectString: string, folded: FoldedString): void {
    const key = keyOf(zone, subjectString)
    this.#letGo(key)
    this.#folds.set(key, folded)
    for (const subject of folded.subjects) {
      const resting = this.#resting.get(`${zone}/${subject}`) ?? new Set()
      this.#resting.set(`${zone}/${subject}`, resting.add(key))
    }
    for (const oldest of this.#folds.keys()) {
      if (this.#folds.size <= this.#foldsKeptMax) break
      this.#letGo(oldest)
    }
  }

  /** Lets go of every fold that these events can change. */
  applied(events: readonly ReadEvent[]): void {
    if (this.#folds.size === 0) return
    for (const { kept, leaf, subject, reading } of events) {
      if (isInformative(leaf.kind)) continue
      if (reading.kind === 'read' && reading.subjectString !== undefined) {
        this.#letGo(keyOf(kept.zone, reading.subjectString))
      }
      for (const key of [...(this.#resting.get(`${kept.zone}/${subject}`) ?? [])]) this.#letGo(key)
    }
  }

  clear(): void {
    this.#folds.clear()
    this.#resting.clear()
  }

  #letGo(key: string): void {
    const folded = this.#folds.get(key)
    if (folded === undefined) return
    this.#folds.delete(key)
    const zone = key.slice(0, key.indexOf('/'))
    for (const subject of folded.subjects) {
      const resting = this.#resting.get(`${zone}/${subject}`)
      resting?.delete(key)
      if (resting?.size === 0) this.#resting.delete(`${zone}/${subject}`)
    }
  }
}

function keyOf(zone: string, subjectString: string): string {
  return `${zone}/${subjectString}`
}
