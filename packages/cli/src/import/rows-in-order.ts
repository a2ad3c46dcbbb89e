import type { Refusal } from '@hutong/licence'
import type { ImportRow } from './row.ts'

/** What became of a row. */
export type RowOutcome =
  | { readonly kind: 'published' }
  /** It was there already, with equal content. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** A row with what became of it. `item` counts the rows of the file from 1. */
export interface SettledRow {
  readonly item: number
  readonly row: ImportRow
  readonly outcome: RowOutcome
}

/**
 * Rows are answered in any order and told in that of the file: whoever is told row n knows that all before it are settled. That is what a
 * resumed import goes by.
 */
export class RowsInOrder {
  readonly #take: (settled: SettledRow) => void
  readonly #open = new Map<number, { readonly row: ImportRow; outcome: RowOutcome | undefined }>()
  #newest: number
  #oldest: number

  /** `settled` rows of the file are settled already. */
  constructor(settled: number, take: (settled: SettledRow) => void) {
    this.#newest = settled
    this.#oldest = settled + 1
    this.#take = take
  }

  /** Rows opened and not told yet. */
  get waiting(): number {
    return this.#open.size
  }

  /** Takes the next row of the file; returns its item. */
  open(row: ImportRow): number {
    this.#newest += 1
    this.#open.set(this.#newest, { row, outcome: undefined })
    return this.#newest
  }

  settle(item: number, outcome: RowOutcome): void {
    this.#open.get(item)!.outcome = outcome
    for (let oldest = this.#open.get(this.#oldest); oldest?.outcome !== undefined; ) {
      this.#open.delete(this.#oldest)
      this.#take({ item: this.#oldest, row: oldest.row, outcome: oldest.outcome })
      this.#oldest += 1
      oldest = this.#open.get(this.#oldest)
    }
  }
}
