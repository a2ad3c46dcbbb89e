import type { Caller } from './caller.ts'

/** What a route knows of the call it answers. */
export interface CallContext {
  readonly caller: Caller
  /** The zone this copy of the service is mounted for; undefined for a service of the hub. */
  readonly zone: string | undefined
  /** When the caller stops waiting, milliseconds since the epoch; Infinity on a stream that named no deadline. */
  readonly deadlineMs: number
  /** Aborts when nobody waits for the answer any more. A route that waits must heed it: nothing else can stop it. */
  readonly signal: AbortSignal
  /**
   * Aborts when the server begins to stop. A route that would go on for ever ends by throwing its reason
   * (`draining.throwIfAborted()`), so that its reader learns SHUTTING_DOWN and does not take the end for the whole.
   * Other routes need not look: they get their time, and streams of requests simply end.
   */
  readonly draining: AbortSignal
}

interface MethodShape {
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (value: never) => Buffer
  readonly responseSerialize: (value: never) => Buffer
}

export type RequestOf<M> = M extends { readonly requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never
export type ResponseOf<M> = M extends { readonly responseDeserialize: (bytes: Buffer) => infer Response }
  ? Response
  : never

/** A function that answers one RPC. Streams in both directions are iterables; the pace of the slower side is kept. */
export type Route<M extends MethodShape> = (
  request: M['requestStream'] extends true ? AsyncIterable<RequestOf<M>> : RequestOf<M>,
  context: CallContext,
) => M['responseStream'] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>

/** A route for each method of a service as ts-proto generates it (`outputServices=grpc-js`). */
export type Routes<S> = { readonly [Name in keyof S]: S[Name] extends MethodShape ? Route<S[Name]> : never }
