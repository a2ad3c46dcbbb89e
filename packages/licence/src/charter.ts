/** The alliance's constitution as plain data. Trust at a position is `verify`'s matter. */
export interface Charter {
  readonly number: bigint
  /** SHA-256 of the charter before; empty in charter 0. */
  readonly previousSha256: Uint8Array
  readonly alliance: string
  readonly nameZh: string
  readonly nameEn: string
  readonly demonstration: boolean
  readonly zones: readonly Zone[]
  readonly logs: readonly Log[]
  readonly keys: readonly CharterKey[]
  /** C2SP tlog-policy. */
  readonly witnessPolicy: string
  readonly auditors: readonly string[]
  readonly adminThreshold: number
  readonly heartbeatMs: number
  readonly maxClockOffsetMs: number
  /** T1. */
  readonly freshMs: number
  /** T2. */
  readonly usableMs: number
  readonly declarationLeadMs: number
  readonly declarationMinimumMs: number
}

export interface Zone {
  readonly id: string
  readonly nameZh: string
  readonly nameEn: string
  readonly region: string
  readonly certificateAuthorities: readonly Uint8Array[]
  readonly authorities: readonly Authority[]
}

export interface Authority {
  readonly code: string
  readonly nameZh: string
  readonly nameEn: string
  readonly contact: Contact | undefined
  readonly licenceTypes: readonly string[]
}

export interface Contact {
  readonly telephone: string
  readonly hoursZh: string
  readonly hoursEn: string
  readonly addressZh: string
  readonly addressEn: string
}

export type SuiteName = 'Ed25519' | 'ECDSA-P256' | 'SM2-SM3'

export interface Log {
  readonly origin: string
  /** Zone id, or `hub`. */
  readonly owner: string
  readonly suite: SuiteName
}

export type KeyRole = 'log' | 'cosigner' | 'admin' | 'slip' | 'presenter'

export interface CharterKey {
  readonly vkey: string
  readonly role: KeyRole
  readonly owner: string
  readonly acceptedFrom: bigint
  readonly retiredAt: bigint | undefined
  readonly compromisedFrom: bigint | undefined
}
