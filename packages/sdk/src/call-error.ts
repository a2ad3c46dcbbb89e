import { type ServiceError, status } from '@grpc/grpc-js'

/**
 * A call that was not answered as asked.
 * - `unavailable`: no answer in time. Whether the peer acted is unknown; every call may be repeated, with the same request ids.
 * - `refused`: understood and not carried out; `code` says why and repeating it unchanged is useless.
 * - `failed`: the peer broke, or is no peer of ours.
 */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly kind: 'unavailable' | 'refused' | 'failed'
  /** The peer's reason code, such as ZONE_NOT_RUNNING; where it gave none, the name of the gRPC status. */
  readonly code: string
  readonly grpc: status

  constructor(kind: CallError['kind'], code: string, grpc: status, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
    this.code = code
    this.grpc = grpc
  }
}

/** The error of a call as grpc-js reports it, in our own class; anything else passes through. */
export function callErrorFrom(error: unknown, address: string): unknown {
  if (!isServiceError(error)) return error
  // A service of ours writes its refusals as "CODE: sentence"; a stranger's text is shown under its status only.
  const [, reason] = /^([A-Z][A-Z0-9_]{1,62}): /.exec(error.details) ?? []
  const code = reason ?? status[error.code] ?? String(error.code)
  return new CallError(kindOf(error.code, reason), code, error.code, `${address}: ${error.details || code}`, error)
}

/** What a peer sent is not what its contract says. */
export function contractBroken(what: string): CallError {
  return new CallError('failed', 'CONTRACT_BROKEN', status.INTERNAL, what)
}

function kindOf(grpc: status, reason: string | undefined): CallError['kind'] {
  switch (grpc) {
    case status.UNAVAILABLE:
    case status.CANCELLED:
    case status.DEADLINE_EXCEEDED:
      return 'unavailable'
    case status.INTERNAL:
    case status.UNKNOWN:
      return 'failed'
    default:
      return reason === undefined ? 'failed' : 'refused'
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error
}
