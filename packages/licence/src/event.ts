/**
 * What happens to a licence or a recognition, as plain data. The wire form lies in `proto`; `wire` translates.
 * Texts are NFC-agnostic: what was given is kept, character for character.
 */
export type LicenceEvent =
  | LicenceIssued
  | LicenceAmended
  | LicenceSuspended
  | LicenceResumed
  | LicenceRevoked
  | LicenceRenewed
  | LicenceCorrected
export type RecognitionEvent = RecognitionDeclared | RecognitionWithdrawn
export type Event = LicenceEvent | RecognitionEvent | Restated | Observed
export type EventKind = Event['kind']

/** A licence was issued; in other events and in states: what a licence says. */
export interface LicenceIssued {
  readonly kind: 'licence_issued'
  /** Licence identifier (GB/T 36904) as written on the licence, 1 to 128 characters. */
  readonly identifier: string
  /** Unified social credit code of the issuing authority. */
  readonly authority: string
  readonly authorityName: string
  /** Type code, 21 characters. */
  readonly licenceType: string
  readonly name: string
  readonly number: string
  /** YYYY-MM-DD, China Standard Time. */
  readonly issuedOn: string
  readonly holder: Holder
  /** YYYY-MM-DD or empty for none. */
  readonly validFrom: string
  /** YYYY-MM-DD (the whole day counts) or empty for none. */
  readonly validUntil: string
  readonly extensions: readonly Extension[]
  readonly files: readonly FileDigest[]
  readonly demonstration: boolean
}

export interface Holder {
  readonly name: string
  readonly code: string
  /** 001 credit code, 111 resident identity, ... */
  readonly codeType: string
}

export interface Extension {
  readonly name: string
  readonly value: string
}

export interface FileDigest {
  /** 32 bytes. */
  readonly sha256: Uint8Array
  /** 32 bytes. */
  readonly sm3: Uint8Array
  readonly sizeBytes: bigint
  readonly mediaType: string
}

export interface LicenceSuspended {
  readonly kind: 'licence_suspended'
  readonly identifier: string
  readonly authority: string
  readonly reason: string
  readonly decidedOn: string
}

export interface LicenceResumed {
  readonly kind: 'licence_resumed'
  readonly identifier: string
  readonly authority: string
  readonly reason: string
  readonly decidedOn: string
}

/** 注销 cancelled, 撤销 withdrawn, 吊销 revoked as a penalty. */
export type RevocationManner = 'cancelled' | 'withdrawn' | 'penalty'

export interface LicenceRevoked {
  readonly kind: 'licence_revoked'
  readonly identifier: string
  readonly authority: string
  readonly manner: RevocationManner
  readonly reason: string
  readonly decidedOn: string
}

/** A new version 变更; the version before answers SUPERSEDED from then on. */
export interface LicenceAmended {
  readonly kind: 'licence_amended'
  /** The new version, whole: its identifier is the next version of `supersedes`. */
  readonly licence: LicenceIssued
  /** Identifier of the version it takes the place of, character for character. */
  readonly supersedes: string
  readonly reason: string
  readonly decidedOn: string
}

/** The period is prolonged 延续; version and everything else stay. */
export interface LicenceRenewed {
  readonly kind: 'licence_renewed'
  readonly identifier: string
  readonly authority: string
  /** The new last day, YYYY-MM-DD. */
  readonly validUntil: string
  /** In the place of the files before; none: those before stay. */
  readonly files: readonly FileDigest[]
  readonly reason: string
  readonly decidedOn: string
}

/** What was written wrongly is put right 更正; identifier and version stay. */
export interface LicenceCorrected {
  readonly kind: 'licence_corrected'
  /** What it should have said, whole. */
  readonly licence: LicenceIssued
  readonly reason: string
  readonly decidedOn: string
}

/** 跨省通办, 异地代办. */
export type RecognitionMode = 'cross_province' | 'on_behalf'

export interface RecognitionDeclared {
  readonly kind: 'recognition_declared'
  /** ^[a-z0-9][a-z0-9-]{0,63}$: no dot, so that it never equals the subject string of a licence. */
  readonly declarationId: string
  readonly version: number
  readonly licenceType: string
  readonly issuingZones: readonly string[]
  readonly matters: readonly string[]
  readonly mode: RecognitionMode
  readonly effectiveFromMs: number
  /** Exclusive; undefined for no end. */
  readonly effectiveUntilMs: number | undefined
  readonly fields: readonly string[]
  readonly legalBasis: string
}

export interface RecognitionWithdrawn {
  readonly kind: 'recognition_withdrawn'
  readonly declarationId: string
  readonly version: number
  /** undefined: at once, that is at the leaf's time. */
  readonly effectiveFromMs: number | undefined
  readonly reason: string
}

export interface Restated {
  readonly kind: 'restated'
  readonly about:
    | { readonly kind: 'licence'; readonly identifier: string }
    | { readonly kind: 'declaration'; readonly declarationId: string }
  /** Leaf index, in this log, of the event repeated. */
  readonly index: bigint
  /** Its RFC 6962 leaf hash, 32 bytes. */
  readonly leafHash: Uint8Array
}

export interface Observed {
  readonly kind: 'observed'
  /** The hub-signed head held by the zone's verifier; empty at the very first. */
  readonly head: Uint8Array
}
