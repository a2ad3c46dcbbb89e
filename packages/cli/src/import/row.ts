import type { LicenceIssued, Refusal } from '@hutong/licence'

/**
 * A row of a file: a licence, or why there is none in it. `line` is that of its first character, from 1; `item` counts the rows of the
 * file, from 1, those included that could not be read.
 */
export type ImportRow = LicenceRow | UnreadRow

export interface LicenceRow {
  readonly kind: 'licence'
  readonly line: number
  readonly zone: string
  readonly licence: LicenceIssued
  readonly source: RowSource
}

export interface UnreadRow {
  readonly kind: 'refused'
  readonly line: number
  readonly refusal: Refusal
  /** The file goes on, and cannot be told apart into rows any more. */
  readonly restUnread: boolean
  readonly source: RowSource
}

/** What stood in the file, so that a refused row can be given back to be mended. */
export type RowSource =
  | { readonly kind: 'fields'; readonly names: readonly string[]; readonly values: readonly string[] }
  /** A row that was no row: its beginning, as it was. */
  | { readonly kind: 'text'; readonly text: string }

/** Which zone a row is for: the same for all, or as a field says. */
export type ZoneChoice =
  | { readonly kind: 'zone'; readonly zone: string }
  | { readonly kind: 'field'; readonly name: string }

/** A longer row is no row of licences: it is a mark that nobody closed. In characters. */
export const rowSizeMax = 131_072
/** Of a row that was none, so much is kept to be shown. In characters. */
export const sourceTextMax = 4_096
