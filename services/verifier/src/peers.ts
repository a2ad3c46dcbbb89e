import type { LoggedRecord } from '@hutong/wire'

/** The hub as a verifier needs it, whatever carries the calls. Nothing of what it answers is believed unsigned. */
export interface Hub {
  /** The records of `logged` from an H index on; with `follow` it does not end. A record that cannot be read is undefined. */
  read(fromIndex: bigint, follow: boolean, signal: AbortSignal): AsyncIterable<LoggedRecord | undefined>
  /** Newest head and newest cosigned head; empty for none. */
  heads(signal: AbortSignal): Promise<{ readonly head: Uint8Array; readonly cosigned: Uint8Array }>
  consistencyProof(oldSize: bigint, newSize: bigint, signal: AbortSignal): Promise<readonly Uint8Array[]>
  /** Opens the witness's line. */
  cosign(signal: AbortSignal): WitnessLine
}

/** A witness's stream: the hello first, then cosigned heads. */
export interface WitnessLine {
  hello(hello: { readonly name: string; readonly head: Uint8Array; readonly clockMs: number }): Promise<void>
  send(cosignedHead: Uint8Array): Promise<void>
  /** What the hub says; ends with the line. */
  readonly answers: AsyncIterable<WitnessAnswer>
}

export type WitnessAnswer =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'taken'; readonly size: bigint }
  | { readonly kind: 'refused'; readonly code: string }

/** The zone's own publisher, as a witness asks it. */
export interface OwnPublisher {
  /** The hub-signed head that its newest heartbeat carries; empty for none. */
  observedHead(signal: AbortSignal): Promise<Uint8Array>
}
