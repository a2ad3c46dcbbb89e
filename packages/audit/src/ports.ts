import {
  type DigestRequest,
  type DigestResponse,
  type HeadsResponse,
  type LoggedRecord,
  type ReadRequest,
  type ReadResponse,
  recordFromWire,
  type VerifierServiceStatusResponse,
} from '@hutong/wire'

/** A record that the source handed over and that is none: it is the hub's word, so it ends a replay as a finding. */
export interface UnreadableRecord {
  readonly kind: 'unreadable'
  readonly why: string
}

/** The newest heads as the hub names them: signed notes, empty before the first. Nothing in them is verified yet. */
export interface HubHeads {
  readonly head: Uint8Array
  readonly cosigned: Uint8Array
}

/**
 * Where the records of H come from: the hub's `LogService.Read`, or anything that holds the same records. What it throws is taken for
 * our own failure (network, disk) and ends the replay as it is.
 */
export interface RecordSource {
  /** The records from this H index on, in order, up to what was there when it was asked, the newest two heads last. */
  records(fromIndex: bigint, signal?: AbortSignal): AsyncIterable<LoggedRecord | UnreadableRecord>
  /** The newest heads at this moment. Asked once, before `records`. */
  heads(signal?: AbortSignal): Promise<HubHeads>
}

/** What a verifier says of its state digest (formats F15). */
export type DigestAnswer =
  | {
      readonly kind: 'digest'
      /** The position it is of. */
      readonly position: bigint
      /** H's root there. */
      readonly root: Uint8Array
      /** Number of all rows, also where a slice was asked for. */
      readonly rows: bigint
      /** RFC 6962 root over the rows asked for. */
      readonly digest: Uint8Array
      /** For a slice of one row: the row; else empty. */
      readonly row: Uint8Array
    }
  /** NOT_YET, REDACTED_SINCE, DOCUMENT_DAMAGED. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }

/** How far a verifier is. */
export interface VerifierStanding {
  /** How many leaves of H it has applied. */
  readonly position: bigint
  /** The newest hub-signed head it holds; empty for none. Held against the replay: so a fork comes to light. */
  readonly head: Uint8Array
}

/** A zone's verifier as an auditor asks it. A rejected promise means it could not be asked: it is then not compared, and so reported. */
export interface VerifierPeer {
  readonly zone: string
  /** How far it is. Asked once, before the records are read: what it has applied by then, an honest hub serves. */
  standing(signal?: AbortSignal): Promise<VerifierStanding>
  /** The digest over `count` rows from row `from` on, of the first `position` leaves of H; `count` 0 asks for all rows. */
  digest(position: bigint, from: bigint, count: bigint, signal?: AbortSignal): Promise<DigestAnswer>
}

/** The hub as a source, over two calls of `LogService` in wire form. */
export function recordSourceOfHub(hub: {
  read(request: ReadRequest, signal?: AbortSignal): AsyncIterable<ReadResponse>
  heads(signal?: AbortSignal): Promise<HeadsResponse>
}): RecordSource {
  return {
    records: (fromIndex, signal) => recordsOf(hub, { fromIndex, follow: false, withoutPayloads: false }, signal),
    heads: (signal) => hub.heads(signal),
  }
}

/** The same, going on as H grows: for `follow`. It ends where the connection does. */
export function growingRecordsOfHub(hub: {
  read(request: ReadRequest, signal?: AbortSignal): AsyncIterable<ReadResponse>
}): Pick<RecordSource, 'records'> {
  return { records: (fromIndex, signal) => recordsOf(hub, { fromIndex, follow: true, withoutPayloads: false }, signal) }
}

async function* recordsOf(
  hub: { read(request: ReadRequest, signal?: AbortSignal): AsyncIterable<ReadResponse> },
  request: ReadRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<LoggedRecord | UnreadableRecord> {
  for await (const { record } of hub.read(request, signal)) {
    const reading = record === undefined ? unreadable('an answer without a record') : recordFromWire(record)
    yield reading.kind === 'record' ? reading.record : reading
  }
}

/** A zone's verifier as a peer, over two calls of `VerifierService` in wire form. */
export function verifierPeer(
  zone: string,
  verifier: {
    status(signal?: AbortSignal): Promise<Pick<VerifierServiceStatusResponse, 'position' | 'head'>>
    digest(request: DigestRequest, signal?: AbortSignal): Promise<DigestResponse>
  },
): VerifierPeer {
  return {
    zone,
    standing: (signal) => verifier.status(signal),
    digest: async (position, from, count, signal) => {
      const answer = await verifier.digest({ position, from, count }, signal)
      if (answer.refusal === undefined) return { kind: 'digest', ...answer }
      return { kind: 'refused', code: answer.refusal.code, reason: answer.refusal.en }
    },
  }
}

const unreadable = (why: string): UnreadableRecord => ({ kind: 'unreadable', why })
