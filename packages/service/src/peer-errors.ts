import { type ServiceError, status } from '@grpc/grpc-js'
import { EXIT_LOCAL_DISK, EXIT_PEER_UNAVAILABLE, EXIT_USAGE, LOCAL_DISK } from './failure.ts'
import { type Refusal, refusalFromError } from './refusal.ts'

/**
 * The peer gave no answer in time: unreachable, stopping, not running, or too slow. Whether it acted is unknown. To try
 * again is safe for every RPC of the contract.
 */
export class PeerUnavailableError extends Error {
  readonly exitCode: number = EXIT_PEER_UNAVAILABLE
  readonly address: string
  readonly path: string
  /** `deadline`: it may be at work still. `unavailable`: there was no connection, or it broke, or the peer said so. */
  readonly reason: 'deadline' | 'unavailable'
  /** What the peer said, if it said anything: ZONE_NOT_RUNNING, SHUTTING_DOWN. */
  readonly refusal: Refusal | undefined

  constructor(where: Where, reason: 'deadline' | 'unavailable', refusal: Refusal | undefined, cause: unknown) {
    super(`${where.path} at ${where.address}: ${refusal?.code ?? reason}`, { cause })
    this.name = 'PeerUnavailableError'
    this.address = where.address
    this.path = where.path
    this.reason = reason
    this.refusal = refusal
  }
}

/** The peer understood the request and did not carry it out; to repeat it unchanged is useless. */
export class RefusedError extends Error {
  readonly refusal: Refusal
  /** As the CLI's: 2 malformed, 4 not authorised, 5 not found, 6 busy, 7 conflict, 8 its disk; 1 for what the rules do not allow. */
  readonly exitCode: number

  constructor(where: Where, refusal: Refusal, cause: unknown) {
    super(`${where.path} at ${where.address}: ${refusal.code}`, { cause })
    this.name = 'RefusedError'
    this.refusal = refusal
    this.exitCode = refusal.code === LOCAL_DISK ? EXIT_LOCAL_DISK : (EXIT_CODES.get(refusal.grpc) ?? 1)
  }
}

/** The peer failed, or is no peer of ours: a status without a refusal. `cause` is grpc-js's error. */
export class PeerFailedError extends Error {
  readonly grpc: status

  constructor(where: Where, grpc: status, cause: unknown) {
    super(`${where.path} at ${where.address}: ${status[grpc] ?? grpc}`, { cause })
    this.name = 'PeerFailedError'
    this.grpc = grpc
  }
}

interface Where {
  readonly address: string
  readonly path: string
}

const EXIT_CODES: ReadonlyMap<status, number> = new Map([
  [status.INVALID_ARGUMENT, EXIT_USAGE],
  [status.OUT_OF_RANGE, EXIT_USAGE],
  [status.UNAUTHENTICATED, 4],
  [status.PERMISSION_DENIED, 4],
  [status.NOT_FOUND, 5],
  [status.RESOURCE_EXHAUSTED, EXIT_PEER_UNAVAILABLE],
  [status.ALREADY_EXISTS, 7],
  [status.ABORTED, 7],
])

/** The error of a call in our own classes; the reason of the caller's signal if that is what ended it. */
export function errorFromCall(error: unknown, address: string, path: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (!isServiceError(error)) return error
  const where = { address, path }
  const refusal = refusalFromError(error)
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.CANCELLED:
      return new PeerUnavailableError(where, 'unavailable', refusal, error)
    case status.DEADLINE_EXCEEDED:
      return new PeerUnavailableError(where, 'deadline', refusal, error)
    case status.INTERNAL:
    case status.UNKNOWN:
      return new PeerFailedError(where, error.code, error)
    default:
      return refusal === undefined
        ? new PeerFailedError(where, error.code, error)
        : new RefusedError(where, refusal, error)
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error
}
