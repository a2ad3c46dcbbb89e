import type { LicenceIssued, RecognitionDeclared, RevocationManner } from './event.ts'

/** What the events about one licence, folded, come to. */
export type LicenceState =
  | { readonly kind: 'none' }
  | { readonly kind: 'in_force'; readonly licence: LicenceIssued }
  | { readonly kind: 'suspended'; readonly licence: LicenceIssued }
  | { readonly kind: 'revoked'; readonly licence: LicenceIssued; readonly manner: RevocationManner }

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
