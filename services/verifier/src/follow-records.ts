import { setTimeout as delay } from 'node:timers/promises'
import { turn } from '@hutong/service'
import type { Stream, StreamReader, StreamRecord } from '@hutong/stream'
import { decodeRecord } from '@hutong/wire'
import { AnotherWriterError, type Follower, type Taken } from './follower.ts'
import type { Hub } from './peers.ts'
import type { VerifierSettings } from './settings.ts'

/** What following needs. */
export interface FollowRecords {
  readonly follower: Follower
  readonly hub: Hub
  /** The stream `logged`; without one everything comes from the hub. */
  readonly stream: Stream | undefined
  readonly settings: Pick<VerifierSettings, 'initialRetryMs' | 'maxRetryMs' | 'streamSilenceMs'>
  readonly tell: (fact: string, details: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
}

/**
 * Keeps a follower at the end of H until `signal` aborts: from the stream while it gives what comes next, from the hub when it does
 * not. A peer or store that is away is tried again for ever, with a bounded wait.
 * @throws {AnotherWriterError} the store has another writer now.
 */
export async function followRecords(work: FollowRecords): Promise<void> {
  const { follower, settings, signal, tell } = work
  let waitMs = settings.initialRetryMs
  let interrupted = false
  while (!signal.aborted) {
    const before = follower.view.state.position
    try {
      if (follower.lost) await follower.open()
      if (follower.view.fault !== undefined) await aborted(signal)
      else await (work.stream === undefined ? readFromHub(work, true) : readFromStream(work, work.stream))
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof AnotherWriterError) throw error
      // Once for each interruption, not for each attempt.
      if (!interrupted) tell('following was interrupted', { err: error })
      interrupted = true
    }
    if (signal.aborted) return
    if (follower.view.state.position > before) {
      waitMs = settings.initialRetryMs
      interrupted = false
    }
    await delay(waitMs, undefined, { signal }).catch(() => {})
    waitMs = Math.min(waitMs * 2, settings.maxRetryMs)
  }
}

/** Reads from the position to the end of H, or with `follow` for ever. False: what was read must be read again, or is a fault. */
async function readFromHub(work: FollowRecords, follow: boolean): Promise<boolean> {
  const { follower, hub, signal } = work
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  try {
    for await (const record of hub.read(follower.view.state.position, follow, either)) {
      if (record === undefined)
        return tellAgain(work, { why: 'a record that is none', at: follower.view.state.position })
      if (record.kind === 'entry' && follower.full && !(await prove(work))) return false
      if (record.kind === 'head') await turn()
      const taken = await follower.take(record, 'hub')
      if (taken.kind !== 'taken') return tellTaken(work, taken)
      // A stream that does not end has no last record: each head is looked at as it comes.
      if (follow && record.kind !== 'entry') await follower.settle()
    }
    if (!(await prove(work))) return false
    await follower.settle()
    return true
  } finally {
    ended.abort()
  }
}

/** Heads of old sizes are not kept: what waits is then proven to lie under a newer one. False: it was thrown away. */
async function prove(work: FollowRecords): Promise<boolean> {
  const { follower, hub, signal } = work
  let wanted = follower.proofWanted
  if (wanted === undefined) return true
  if (wanted.head === undefined) {
    const { head } = await hub.heads(signal)
    const taken = await follower.take({ kind: 'head', checkpoint: head }, 'hub')
    if (taken.kind !== 'taken') return tellTaken(work, taken)
    wanted = follower.proofWanted
  }
  if (wanted === undefined) return true
  if (wanted.head === undefined) return tellAgain(work, { why: 'no head', at: follower.view.state.position })
  const proof = await hub.consistencyProof(wanted.oldSize, wanted.head.checkpoint.size, signal)
  const taken = await follower.takeProof({ ...wanted, head: wanted.head }, proof)
  return taken.kind === 'taken' ? true : tellTaken(work, taken)
}

async function readFromStream(work: FollowRecords, stream: Stream): Promise<void> {
  await using reader = await stream.reader()
  let from = await knownPlace(work, stream, reader)
  for (;;) {
    if (from === undefined) {
      // Its end is asked for first: what is written meanwhile comes twice, and nothing is missed.
      from = await reader.end()
      if (!(await readFromHub(work, false))) return
    }
    if (work.follower.view.fault !== undefined || work.signal.aborted) return
    await readOn(work, stream, reader, from)
    from = undefined
  }
}

/** Where this very stream was left, if it still has what came after. */
async function knownPlace(work: FollowRecords, stream: Stream, reader: StreamReader): Promise<bigint | undefined> {
  const place = work.follower.view.stream
  if (place === undefined || place.id !== stream.id) return undefined
  const [earliest, end] = [await reader.earliest(), await reader.end()]
  return earliest <= place.offset && place.offset <= end ? place.offset : undefined
}

/** Reads the stream until it does not give what comes next, or a fault. */
async function readOn(work: FollowRecords, stream: Stream, reader: StreamReader, from: bigint): Promise<void> {
  const { follower, settings, signal } = work
  const ended = new AbortController()
  const batches = reader.read(from, AbortSignal.any([signal, ended.signal]))[Symbol.asyncIterator]()
  let coming: Promise<IteratorResult<readonly StreamRecord[]>> | undefined
  try {
    for (;;) {
      coming ??= batches.next()
      const batch = await within(coming, settings.streamSilenceMs, signal)
      if (batch === 'silent') {
        if (!(await readFromHub(work, false))) return
        continue
      }
      coming = undefined
      if (batch.done) return
      for (const { value, offset } of batch.value) {
        const decoded = decodeRecord(value)
        if (decoded.kind === 'unreadable') {
          tellAgain(work, { why: decoded.why, at: follower.view.state.position })
          return
        }
        if (decoded.record.kind === 'head') await turn()
        const taken = await follower.take(decoded.record, 'stream', { id: stream.id, offset: offset + 1n })
        if (taken.kind !== 'taken') {
          tellTaken(work, taken)
          return
        }
      }
      await turn()
      await follower.settle()
      if (follower.view.fault !== undefined) return
    }
  } finally {
    ended.abort()
    // The reading ends by its signal; what it still threw is no news to anybody.
    await coming?.catch(() => {})
    await batches.return?.()
  }
}

async function within<T>(coming: Promise<T>, limitMs: number, signal: AbortSignal): Promise<T | 'silent'> {
  const stop = new AbortController()
  try {
    const silence = delay(limitMs, 'silent' as const, { signal: AbortSignal.any([stop.signal, signal]) }).catch(
      () => 'silent' as const,
    )
    const first = await Promise.race([coming, silence])
    signal.throwIfAborted()
    return first
  } finally {
    stop.abort()
  }
}

function tellTaken(work: FollowRecords, taken: Exclude<Taken, { kind: 'taken' }>): false {
  if (taken.kind === 'read_again') return tellAgain(work, taken)
  const { fault, state } = work.follower.view
  work.tell('the hub contradicts itself', { ...fault, position: `${state.position}` })
  return false
}

function tellAgain({ tell }: FollowRecords, { why, at }: { readonly why: string; readonly at: bigint }): false {
  tell('records do not fit and are read again', { why, position: `${at}` })
  return false
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
