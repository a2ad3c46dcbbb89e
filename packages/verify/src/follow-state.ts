import { decodeEdge, type Edge, encodeEdge } from '@hutong/merkle'
import { sha256 } from '@hutong/signing'
import type { FollowedLog, FollowState } from './follow.ts'
import { extendTrust, type Trust, trustFromFirstCharter } from './trust.ts'

/** The charters a follow state rests on travel beside it: they are large and change rarely. */
export interface KeptCharter {
  readonly position: bigint
  readonly number: bigint
  readonly bytes: Uint8Array
  /** The admins' note; empty for charter 0. */
  readonly note: Uint8Array
}

/** Our own copy of a follow state cannot be read: it was damaged, or written by a newer program. Not an outsider's fault. */
export class FollowStateError extends Error {
  override readonly name = 'FollowStateError'
}

/** A follow state as text for the position document of a store, without its charters. */
export function encodeFollowState(state: FollowState): Uint8Array {
  const value: StateText = {
    version: stateVersion,
    position: String(state.position),
    hubEdge: base64(encodeEdge(state.hubEdge)),
    receivedAtMs: state.receivedAtMs,
    logs: [...state.logs.values()].map(({ zone, origin, edge, loggedAtMs }) => ({
      zone,
      origin,
      edge: base64(encodeEdge(edge)),
      loggedAtMs,
    })),
    pinnedSha256: base64(state.pinnedSha256),
  }
  return Buffer.from(JSON.stringify(value), 'utf8')
}

/**
 * The follow state that `encodeFollowState` wrote, on these charters (in order; none before leaf 0).
 * @throws {FollowStateError} it is not one, or the charters do not follow from each other.
 */
export function decodeFollowState(bytes: Uint8Array, charters: readonly KeptCharter[]): FollowState {
  const value = readText(bytes)
  const logs = value.logs.map(
    (log): FollowedLog => ({ zone: log.zone, origin: log.origin, edge: edgeOf(log.edge), loggedAtMs: log.loggedAtMs }),
  )
  const pinnedSha256 = Buffer.from(value.pinnedSha256, 'base64')
  const position = BigInt(value.position)
  const hubEdge = edgeOf(value.hubEdge)
  const trust = trustOf(charters, pinnedSha256)
  if (hubEdge.size !== position) throw new FollowStateError(`an edge of ${hubEdge.size} leaves at ${position}`)
  if ((trust === undefined) !== (position === 0n) || charters.some((charter) => charter.position >= position)) {
    throw new FollowStateError(`${charters.length} charters do not fit position ${position}`)
  }
  return {
    position,
    hubEdge,
    receivedAtMs: value.receivedAtMs,
    logs: new Map(logs.map((log) => [log.origin, log])),
    trust,
    pinnedSha256,
  }
}

interface StateText {
  readonly version: number
  readonly position: string
  readonly hubEdge: string
  readonly receivedAtMs: number
  readonly logs: readonly {
    readonly zone: string
    readonly origin: string
    readonly edge: string
    readonly loggedAtMs: number
  }[]
  readonly pinnedSha256: string
}

const stateVersion = 1

function readText(bytes: Uint8Array): StateText {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new FollowStateError('the follow state is no JSON', { cause })
  }
  if (!isStateText(value)) throw new FollowStateError('not a follow state of this version')
  return value
}

function isStateText(value: unknown): value is StateText {
  if (!isRecord(value)) return false
  const { version, position, hubEdge, receivedAtMs, logs, pinnedSha256 } = value
  return (
    version === stateVersion &&
    isDecimal(position) &&
    typeof hubEdge === 'string' &&
    Number.isSafeInteger(receivedAtMs) &&
    typeof pinnedSha256 === 'string' &&
    Array.isArray(logs) &&
    logs.every(isLogText)
  )
}

function isLogText(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { zone, origin, edge, loggedAtMs } = value
  const texts = [zone, origin, edge]
  return texts.every((text) => typeof text === 'string') && Number.isSafeInteger(loggedAtMs)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isDecimal(value: unknown): boolean {
  return typeof value === 'string' && /^(0|[1-9][0-9]{0,18})$/.test(value)
}

function trustOf(charters: readonly KeptCharter[], pinnedSha256: Uint8Array): Trust | undefined {
  const [first, ...later] = charters
  if (first === undefined) return undefined
  let trust = trustFromFirstCharter(first.bytes, pinnedSha256)
  for (const next of later) {
    if ('kind' in trust) break
    trust = extendTrust(trust, { ...next, sha256: sha256(next.bytes) })
  }
  if ('kind' in trust) throw new FollowStateError(`the kept charters do not hold: ${trust.reason}`)
  return trust
}

function edgeOf(text: string): Edge {
  const edge = decodeEdge(Buffer.from(text, 'base64'))
  if (edge === undefined) throw new FollowStateError('the follow state holds no edge')
  return edge
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
