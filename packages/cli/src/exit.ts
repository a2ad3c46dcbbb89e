import type { Word } from '@hutong/licence'
import { CallError } from '@hutong/sdk'
import { exitCodeOf } from '@hutong/service'

/** Exit codes of the command (domain, "Verdict"). Scripts of offices depend on them: a number never changes its meaning. */
export const exits = {
  done: 0,
  /** Proven bad, or not recognised; for other commands: looked at and found wanting. */
  negative: 1,
  usage: 2,
  undetermined: 3,
  notAuthorised: 4,
  notFound: 5,
  /** A peer did not answer; trying again is safe. */
  unavailable: 6,
  conflict: 7,
  localDisk: 8,
  ourBug: 70,
  interrupted: 130,
} as const

/** Why a command ends without having done its work, in words for the person at the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number
  /** UPPER_SNAKE. */
  readonly code: string

  constructor(exitCode: number, code: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
    this.code = code
  }
}

/** The code of a verdict. UNDETERMINED is 3, and 5 where the log has no such licence, 6 where its verifier did not answer. */
export function exitOfVerdict(word: Word, code: string): number {
  switch (word) {
    case 'VALID':
      return exits.done
    case 'INVALID':
    case 'NOT_RECOGNISED':
      return exits.negative
    case 'UNDETERMINED':
      return undeterminedExits.get(code) ?? exits.undetermined
  }
}

/** The code of a reason for which an event or a request was refused. */
export function exitOfRefusal(code: string): number {
  return refusalExits.get(code) ?? exits.negative
}

/** The code of an error that ended a command. */
export function exitOfError(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode
  if (error instanceof CallError) return exitOfCall(error)
  return exitCodeOf(error)
}

function exitOfCall({ kind, code, grpc }: CallError): number {
  switch (kind) {
    case 'unavailable':
      return exits.unavailable
    case 'refused':
      return refusalExits.get(code) ?? grpcExits.get(grpc) ?? exits.negative
    case 'failed':
      return exits.unavailable
  }
}

const undeterminedExits: ReadonlyMap<string, number> = new Map([
  ['NOT_IN_LOG', exits.notFound],
  ['VERIFIER_AWAY', exits.unavailable],
  ['STORE_AWAY', exits.unavailable],
])

const refusalExits: ReadonlyMap<string, number> = new Map([
  ['MISSING_IDENTIFIER', exits.usage],
  ['MALFORMED_IDENTIFIER', exits.usage],
  ['CHECK_CHARACTER', exits.usage],
  ['NOT_AUTHORISED', exits.notAuthorised],
  ['NOT_IDENTIFIED', exits.notAuthorised],
  ['NOT_FOUND', exits.notFound],
  ['CONFLICT', exits.conflict],
  ['ALREADY_ISSUED', exits.conflict],
  ['DISK_FULL', exits.localDisk],
  ['LOCAL_DISK', exits.localDisk],
  ...['HUB_NOT_ANSWERED', 'HUB_NOT_RUNNING', 'ZONE_NOT_RUNNING', 'VERIFIER_NOT_ANSWERED', 'VERIFIER_AWAY'].map(
    (code) => [code, exits.unavailable] as const,
  ),
  ...['WAITING_FOR_WITNESSES', 'QUEUE_FULL', 'PEER_UNAVAILABLE', 'SHUTTING_DOWN', 'SERVER_BUSY', 'NOT_YET'].map(
    (code) => [code, exits.unavailable] as const,
  ),
])

/** gRPC's own numbers: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAUTHENTICATED. */
const grpcExits: ReadonlyMap<number, number> = new Map([
  [3, exits.usage],
  [5, exits.notFound],
  [6, exits.conflict],
  [7, exits.notAuthorised],
  [8, exits.unavailable],
  [10, exits.conflict],
  [11, exits.usage],
  [16, exits.notAuthorised],
])
