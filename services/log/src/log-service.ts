import type { NoteSigner } from '@hutong/merkle'
import { type Client, createLogger, type Logger, type Routes } from '@hutong/service'
import { assertKnownAnswers } from '@hutong/signing'
import type { Store } from '@hutong/store'
import type { Stream } from '@hutong/stream'
import { trustFromFirstCharter } from '@hutong/verify'
import type { LogServiceService, VerifierServiceService } from '@hutong/wire'
import { Bell } from './bell.ts'
import { LogMismatchError } from './check-log.ts'
import { CosignedHeads } from './cosigned-heads.ts'
import { defaultHeadPace, HeadAnnouncer, type HeadPace } from './heads.ts'
import { HubLog } from './log.ts'
import {
  cannotHeal,
  maxRetryMs,
  pause,
  publishFrom,
  publishRecords,
  readTail,
  retried,
  type StreamTail,
} from './publish.ts'
import type { RecordParts } from './read.ts'
import { routesOf } from './routes.ts'
import { writeTiles } from './tiles.ts'
import { Witnesses } from './witnesses.ts'

/** Timings of a log service; what is left out has its default. */
export interface LogSettings extends HeadPace {}

/** What a log service is made of. */
export interface LogServiceOptions {
  /** Belongs to the service's owner, who disposes it after the service. */
  readonly store: Store
  /** `logged`; without it nothing is published and zones read from the hub. */
  readonly stream?: Stream
  /** The hub's keys: one of the suite that decides and one of Ed25519, under the hub's origin. */
  readonly signers: readonly NoteSigner[]
  /** The bytes of charter 0. */
  readonly charter: Uint8Array
  /** The admins' note on charter 0; absent where the demonstration has none. */
  readonly charterNote?: Uint8Array
  /** Where the logs' files go (formats F11); without it none are written. */
  readonly tilesDirectory?: string
  /** A zone's verifier, to adopt from; undefined where there is none. */
  readonly verifier?: (zone: string) => Client<typeof VerifierServiceService> | undefined
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  /** Milliseconds from anywhere, never falling. */
  readonly monotonic?: () => number
  readonly log?: Logger
  readonly settings?: Partial<LogSettings>
}

/** The hub's log as a service. */
export interface LogService extends AsyncDisposable {
  readonly routes: Routes<typeof LogServiceService>
  /** The log itself, for what runs beside it. */
  readonly log: HubLog
  /** Resolves with what ended all writing in this run: the process must end. Never rejects. */
  readonly failed: Promise<Error>
}

/**
 * Starts the hub's log: as its only writer, after its own data was held against its own signatures.
 *
 * @throws {LogMismatchError} charter or keys are not those of the data.
 * @throws {DocumentDamagedError | LogStateError} the data is damaged; nothing was signed.
 * @throws {KnownAnswerError} this machine computes signatures wrongly.
 */
export async function createLogService(options: LogServiceOptions): Promise<LogService> {
  assertKnownAnswers()
  const { store, stream, signers, charter, charterNote, tilesDirectory, settings } = options
  const clock = options.clock ?? Date.now
  const monotonic = options.monotonic ?? (() => performance.now())
  const logger = options.log ?? createLogger({ name: 'log' })
  const firstTrust = trustFromFirstCharter(charter)
  if ('kind' in firstTrust) throw new LogMismatchError(`charter 0: ${firstTrust.reason}`)

  const changed = new Bell()
  const heads = new HeadAnnouncer({ ...defaultHeadPace, ...settings }, monotonic, changed)
  const log = await HubLog.open({
    store,
    firstTrust,
    firstCharterNote: charterNote ?? new Uint8Array(),
    signers,
    clock,
    gate: () => witnesses.gate(),
    committed: (state) => heads.committed(state),
    changed,
  })
  const cosigned = await CosignedHeads.open(store, () => log.trust, changed)
  const witnesses: Witnesses = new Witnesses({
    cosigned,
    trust: () => log.trust,
    state: () => log.state,
    nodes: () => log.nodes,
    recent: (size) => heads.recent(size),
    term: () => log.term,
    clock,
    monotonic,
  })
  void log.failed.then((error) => logger.error({ err: error }, 'the log has stopped writing'))

  const stopping = new AbortController()
  const { signal } = stopping
  const records: RecordParts = { log, heads, cosigned, changed }
  const tail = stream === undefined ? undefined : await tailOf(stream, witnesses, logger)
  const tasks = [
    ...(stream === undefined ? [] : [publish(stream, tail, records, witnesses, signal, logger)]),
    ...(tilesDirectory === undefined ? [] : [writeTiles(tilesDirectory, log, changed, signal, logger)]),
  ]
  log.wake()
  return {
    routes: routesOf({ log, cosigned, witnesses, records, clock, stopping: signal, verifier: options.verifier }),
    log,
    failed: log.failed,
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      stopping.abort(new Error('the log service stops'))
      heads[Symbol.dispose]()
      await Promise.all(tasks)
    },
  }
}

/** A stream that cannot be read now must not keep the log from starting. */
async function tailOf(stream: Stream, witnesses: Witnesses, logger: Logger): Promise<StreamTail | undefined> {
  try {
    const tail = await readTail(stream)
    // A head of our own out there that our tree does not hold: we are a restored copy.
    if (tail.head !== undefined) await witnesses.compare('logged', tail.head)
    return tail
  } catch (error) {
    logger.warn({ err: error }, 'the end of the stream could not be read; it is tried again')
    return undefined
  }
}

/** Publishes for as long as the signal lasts; after a failure of ours it begins again where the stream stops. */
async function publish(
  stream: Stream,
  found: StreamTail | undefined,
  records: RecordParts,
  witnesses: Witnesses,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  let tail = found
  while (!signal.aborted) {
    try {
      await retried(signal, logger, 'the end of the stream cannot be read; distribution is delayed', async () => {
        tail ??= await readTail(stream)
      })
      if (tail === undefined) return
      if (tail !== found && tail.head !== undefined) await witnesses.compare('logged', tail.head)
      await publishRecords(stream, records, publishFrom(tail, records.log.state.edge.size), signal, logger)
    } catch (error) {
      if (cannotHeal(error)) {
        logger.error({ err: error }, 'the stream takes nothing more in this run; zones read from the hub')
        return
      }
      logger.error({ err: error }, 'records could not be published; it is tried again')
      tail = undefined
      await pause(maxRetryMs, signal)
    }
  }
}
