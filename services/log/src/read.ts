import type { LoggedRecord } from '@hutong/wire'
import type { Bell } from './bell.ts'
import type { CosignedHeads } from './cosigned-heads.ts'
import type { HeadAnnouncer } from './heads.ts'
import { withoutPayloads } from './kept-entries.ts'
import type { HubLog } from './log.ts'

/** Where records come from. */
export interface RecordParts {
  readonly log: Pick<HubLog, 'state' | 'entries'>
  readonly heads: Pick<HeadAnnouncer, 'announced'>
  readonly cosigned: Pick<CosignedHeads, 'newest'>
  /** Rings when any of the three has changed. */
  readonly changed: Bell
}

/** Which records. */
export interface Reading {
  /** The first H index wanted, at most the committed size. */
  readonly from: bigint
  readonly payloads: boolean
  readonly signal: AbortSignal
}

/**
 * The records of `logged` as they stand now: the entries in order, then the newest head, which covers them all, and the newest cosigned
 * one. Out of the store, whatever became of the stream.
 */
export async function* readRecords(parts: RecordParts, reading: Reading): AsyncGenerator<LoggedRecord> {
  const { head, edge } = parts.log.state
  const cosigned = parts.cosigned.newest
  yield* entriesBetween(parts, reading, edge.size)
  if (head.length > 0) yield { kind: 'head', checkpoint: head }
  if (cosigned !== undefined) yield { kind: 'cosigned', checkpoint: cosigned.note }
}

/**
 * The records of `logged` from an H index on, for ever: each head after the entries it covers. Nothing is queued for a reader: a slow
 * one reads what it missed out of the store, and of heads only the newest. Ends when the signal aborts.
 */
export async function* followRecords(parts: RecordParts, reading: Reading): AsyncGenerator<LoggedRecord> {
  let next = reading.from
  let headSize = -1n
  let cosignedSize = -1n
  while (!reading.signal.aborted) {
    const { announced } = parts.heads
    const isHeadDue = announced !== undefined && announced.size > headSize
    // A head not yet sent stands between entries: those above it come after it.
    const until = isHeadDue && announced.size > next ? announced.size : parts.log.state.edge.size
    if (next < until) {
      yield* entriesBetween(parts, { ...reading, from: next }, until)
      next = until
    } else if (isHeadDue) {
      headSize = announced.size
      yield { kind: 'head', checkpoint: announced.note }
    } else {
      const cosigned = parts.cosigned.newest
      if (cosigned === undefined || cosigned.size <= cosignedSize) {
        await parts.changed.next(reading.signal)
        continue
      }
      cosignedSize = cosigned.size
      yield { kind: 'cosigned', checkpoint: cosigned.note }
    }
  }
}

async function* entriesBetween(
  parts: RecordParts,
  { from, payloads, signal }: Reading,
  to: bigint,
): AsyncGenerator<LoggedRecord> {
  let next = from
  while (next < to && !signal.aborted) {
    for (const record of await parts.log.entries.read(next, to)) {
      yield payloads ? record : withoutPayloads(record)
      next = record.index + 1n
    }
  }
}
