import type { LicenceIssued, RecognitionDeclared, RevocationManner } from './event.ts'

/** What the events about one licence, folded, come to. */
export type LicenceState =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'in_force' } & LicenceVersions)
  | ({ readonly kind: 'suspended' } & LicenceVersions)
  | ({ readonly kind: 'revoked'; readonly manner: RevocationManner } & LicenceVersions)

/** The version of a licence that counts, and those it has taken the place of. */
export interface LicenceVersions {
  /** What it says, after all that amended, renewed and corrected it. */
  readonly licence: LicenceIssued
  /** Identifiers of the earlier versions, the oldest first. */
  readonly superseded: readonly string[]
}

/** What the events about one declaration, folded, come to: every version, so that any time can be asked. */
export interface DeclarationState {
  /** Versions that stand, in order; a withdrawal is a version too. */
  readonly versions: readonly DeclarationVersion[]
}

export interface DeclarationVersion {
  readonly version: number
  /** From when this version decides. */
  readonly fromMs: number
  /** undefined: withdrawn from `fromMs` on. */
  readonly declared: RecognitionDeclared | undefined
}

export const noLicence: LicenceState = { kind: 'none' }
export const noDeclaration: DeclarationState = { versions: [] }
