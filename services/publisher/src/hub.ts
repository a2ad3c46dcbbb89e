import type { Refusal } from '@hutong/licence'
import type { Batch, LoggedRecord } from '@hutong/wire'

/**
 * The hub's log as a publisher calls it. Every method throws when no answer came; whether the hub acted is then unknown,
 * and to ask again is safe.
 */
export interface Hub {
  known(origin: string): Promise<Known>
  append(batch: Batch): Promise<Appended | AppendRefused>
  /** Charters from this number on. */
  charters(fromNumber: bigint): Promise<HubCharters>
  heads(): Promise<{ readonly head: Uint8Array; readonly cosigned: Uint8Array }>
  /** The records of `logged` from an H index to the present end. */
  read(fromIndex: bigint): AsyncIterable<LoggedRecord>
}

/** What the hub knows of a log, and its clock. */
export interface Known {
  readonly clockMs: number
  readonly size: bigint
  /** The last accepted checkpoint; empty for size 0. */
  readonly checkpoint: Uint8Array
}

export interface Appended {
  readonly kind: 'appended'
  /** H index. */
  readonly index: bigint
  /** Bytes of the leaf of H. */
  readonly leaf: Uint8Array
  readonly inclusionProof: readonly Uint8Array[]
  readonly head: Uint8Array
  readonly clockMs: number
}

export interface AppendRefused {
  readonly kind: 'refused'
  readonly refusal: Refusal
  readonly clockMs: number
}

export interface HubCharters {
  readonly charters: readonly {
    readonly charter: Uint8Array
    readonly leaf: Uint8Array
    readonly index: bigint
    readonly inclusionProof: readonly Uint8Array[]
  }[]
  readonly head: Uint8Array
}

/** The zone's own verifier, as far as a publisher asks it. Throws when no answer came. */
export interface ZoneVerifier {
  /** The zones in whose logs each subject string stands, in order. */
  zonesOf(subjectStrings: readonly string[]): Promise<readonly (readonly string[])[]>
  /** The newest hub-signed head it holds; empty for none. */
  head(): Promise<Uint8Array>
}

/** The hub's message is none of the contract: as if no answer had come. */
export class HubMessageError extends Error {
  override readonly name = 'HubMessageError'
}
