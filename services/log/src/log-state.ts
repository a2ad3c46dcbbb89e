import { decodeEdge, type Edge, emptyEdge, encodeEdge } from '@hutong/merkle'

/** One zone's log as the hub has accepted it. */
export interface ZoneLog {
  readonly edge: Edge
  /** Time of its newest leaf, milliseconds since 1970; 0 before the first. */
  readonly loggedAtMs: number
  /** The zone's signed note for the size of `edge`; empty before the first. */
  readonly checkpoint: Uint8Array
  /** H index of its newest batch; undefined before the first. */
  readonly position: bigint | undefined
}

/**
 * What the log has committed: the one document whose replacement is the commit. Documents at or above `edge.size` are not there yet.
 * Plain data, never changed in place.
 */
export interface LogState {
  /** The edge of H. */
  readonly edge: Edge
  /** The hub's clock at the last leaf, milliseconds since 1970; 0 before the first. */
  readonly receivedAtMs: number
  /** The hub's signed note for the size of `edge`; empty at size 0. */
  readonly head: Uint8Array
  /** By origin. */
  readonly zones: ReadonlyMap<string, ZoneLog>
}

/** Before leaf 0. */
export const emptyLogState: LogState = { edge: emptyEdge, receivedAtMs: 0, head: new Uint8Array(), zones: new Map() }

/** A log nothing was accepted of. */
export const emptyZoneLog: ZoneLog = {
  edge: emptyEdge,
  loggedAtMs: 0,
  checkpoint: new Uint8Array(),
  position: undefined,
}

/** The stored position says something no log of this version writes. */
export class LogStateError extends Error {
  override readonly name = 'LogStateError'
}

/** The state as bytes: JSON, for people who must look at it one day, with edges and notes as they travel. */
export function encodeLogState(state: LogState): Uint8Array {
  const zones = [...state.zones].map(([origin, zone]) => ({
    origin,
    edge: base64(encodeEdge(zone.edge)),
    loggedAtMs: zone.loggedAtMs,
    checkpoint: text(zone.checkpoint),
    position: zone.position?.toString(),
  }))
  const { edge, receivedAtMs, head } = state
  return Buffer.from(
    JSON.stringify({ format: stateFormat, edge: base64(encodeEdge(edge)), receivedAtMs, head: text(head), zones }),
  )
}

/** @throws {LogStateError} these bytes are no state of this version. */
export function decodeLogState(bytes: Uint8Array): LogState {
  if (bytes.length === 0) return emptyLogState
  const stored = parse(bytes)
  if (stored.format !== stateFormat) throw new LogStateError(`the log was written in format ${String(stored.format)}`)
  return {
    edge: edgeFromText(stored.edge),
    receivedAtMs: time(stored.receivedAtMs),
    head: Buffer.from(String(stored.head)),
    zones: new Map(stored.zones.map((zone) => [String(zone.origin), zoneFromStored(zone)])),
  }
}

/** Raised when the shape changes; an older program then refuses to start instead of guessing. */
const stateFormat = 1

interface StoredState {
  readonly format: unknown
  readonly edge: unknown
  readonly receivedAtMs: unknown
  readonly head: unknown
  readonly zones: readonly StoredZone[]
}

interface StoredZone {
  readonly origin: unknown
  readonly edge: unknown
  readonly loggedAtMs: unknown
  readonly checkpoint: unknown
  readonly position?: unknown
}

function parse(bytes: Uint8Array): StoredState {
  try {
    const stored = JSON.parse(text(bytes)) as StoredState
    if (typeof stored === 'object' && stored !== null && Array.isArray(stored.zones)) return stored
  } catch (cause) {
    throw new LogStateError('the position of the log is no JSON', { cause })
  }
  throw new LogStateError('the position of the log is not a state')
}

function zoneFromStored(zone: StoredZone): ZoneLog {
  return {
    edge: edgeFromText(zone.edge),
    loggedAtMs: time(zone.loggedAtMs),
    checkpoint: Buffer.from(String(zone.checkpoint)),
    position: zone.position === undefined ? undefined : index(zone.position),
  }
}

function edgeFromText(stored: unknown): Edge {
  const edge = typeof stored === 'string' ? decodeEdge(Buffer.from(stored, 'base64')) : undefined
  if (edge === undefined) throw new LogStateError('an edge in the position of the log is none')
  return edge
}

function time(stored: unknown): number {
  if (Number.isSafeInteger(stored) && (stored as number) >= 0) return stored as number
  throw new LogStateError('a time in the position of the log is none')
}

function index(stored: unknown): bigint {
  if (typeof stored === 'string' && /^(0|[1-9]\d{0,18})$/.test(stored)) return BigInt(stored)
  throw new LogStateError('an index in the position of the log is none')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
