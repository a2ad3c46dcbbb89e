import { formatCheckpoint, type NoteSigner, signNote } from '@hutong/merkle'
import type { Logger } from '@hutong/service'
import { keyIdentity } from '@hutong/verify'
import type { Appended, AppendRefused, Hub } from './hub.ts'
import { HubFaultError, type HubView } from './hub-view.ts'
import { BackOff, type Bell } from './pause.ts'
import { AnswerMovedError, type SealedBatch, type ZoneLog } from './zone-log.ts'

/** How long answers wait for a next step before they are written down without one, in milliseconds. */
const answersKeptAfterMs = 100

/** What the sender works with. */
export interface SenderParts {
  readonly hub: Hub
  readonly view: HubView
  readonly signers: readonly NoteSigner[]
  /** Rung when a batch was sealed. */
  readonly bell: Bell
  readonly monotonic: () => number
  readonly logger: Logger
  readonly initialRetryMs: number
  readonly maxRetryMs: number
  /** The log as it is open at the moment; undefined while it has to be opened anew. */
  log(): ZoneLog | undefined
  /** A batch is SEQUENCED. */
  answered(batch: SealedBatch, position: bigint): void
  /** The hub says that it knows another log: compare, and go on only where that is agreed. */
  compare(): Promise<void>
  /** The hub will never take the batch: nothing more is sent or sealed in this run. */
  stop(code: string, why: string): void
  /** What the store threw while an answer was kept. */
  storeFailed(error: unknown): void
}

/**
 * Offers the sealed batches to the hub, one after the other in the order of the log, each until it is answered. What was not answered
 * is in the store, so a restart sends it again; the hub answers a batch it has with the same position.
 */
export class Sender {
  readonly #parts: SenderParts
  readonly #backOff: BackOff
  /** The batch signed again because the key of its seal was retired. Same size, same root. */
  #signedAgain: { readonly firstIndex: bigint; readonly checkpoint: Uint8Array; readonly keys: string } | undefined

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#backOff = new BackOff(parts.initialRetryMs, parts.maxRetryMs)
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const outcome = await this.#sendNext()
      if (outcome === 'nothing') await this.#rest(signal)
      else if (outcome === 'later') await this.#backOff.pause(signal)
      else this.#backOff.reset()
    }
  }

  /** With the next step answers cost nothing to keep; only where none comes soon they are worth one of their own. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { bell } = this.#parts
    const log = this.#parts.log()
    if (!log?.hasUnkeptAnswers) await bell.heard(signal)
    else if (!(await bell.heard(signal, answersKeptAfterMs)) && !signal.aborted) await this.#keepAnswers(log)
  }

  async #sendNext(): Promise<'sent' | 'later' | 'nothing'> {
    const log = this.#parts.log()
    if (log === undefined) return 'nothing'
    let batch: SealedBatch | undefined
    try {
      batch = await log.nextUnanswered()
    } catch (error) {
      this.#parts.storeFailed(error)
      return 'later'
    }
    if (batch === undefined) return 'nothing'
    try {
      return await this.#send(log, batch)
    } catch (error) {
      if (error instanceof HubFaultError) this.#parts.stop('HUB_FAULT', error.message)
      else this.#parts.logger.warn({ err: error }, 'the hub took no batch; distribution is delayed')
      return 'later'
    }
  }

  async #keepAnswers(log: ZoneLog): Promise<void> {
    try {
      await log.keepAnswers()
    } catch (error) {
      this.#parts.storeFailed(error)
    }
  }

  async #send(log: ZoneLog, batch: SealedBatch): Promise<'sent' | 'later'> {
    const { hub, view, monotonic } = this.#parts
    const askedAtMs = monotonic()
    const { firstIndex, entries } = batch
    const checkpoint = this.#signedAgain?.firstIndex === firstIndex ? this.#signedAgain.checkpoint : batch.checkpoint
    const answer = await hub.append({ origin: log.origin, firstIndex, entries, checkpoint })
    view.heardClock(answer.clockMs, askedAtMs)
    return answer.kind === 'appended' ? this.#keep(log, batch, answer) : this.#refused(log, batch, answer)
  }

  async #keep(log: ZoneLog, batch: SealedBatch, answer: Appended): Promise<'sent' | 'later'> {
    try {
      this.#parts.view.checkAnswer(log.origin, batch, answer)
    } catch (error) {
      if (!(error instanceof HubFaultError)) throw error
      // A head under a key of a charter not heard of yet looks the same: ask once, then believe what is seen.
      await this.#parts.view.refreshCharters()
      this.#parts.view.checkAnswer(log.origin, batch, answer)
    }
    try {
      await log.answered(batch, { position: answer.index, leaf: answer.leaf })
    } catch (error) {
      if (error instanceof AnswerMovedError) throw new HubFaultError(error.message, { cause: error })
      this.#parts.storeFailed(error)
      return 'later'
    }
    this.#parts.answered(batch, answer.index)
    return 'sent'
  }

  async #refused(log: ZoneLog, batch: SealedBatch, { refusal }: AppendRefused): Promise<'sent' | 'later'> {
    const parts = this.#parts
    parts.logger.warn({ code: refusal.code, firstIndex: String(batch.firstIndex) }, 'the hub refused a batch')
    switch (refusal.code) {
      case 'BATCH_FROM_THE_FUTURE':
        return 'later'
      case 'BATCH_NOT_CONTINUING':
        await parts.compare()
        return 'later'
      case 'BATCH_SIGNATURE':
        if (await this.#signAgain(log, batch)) return 'sent'
        parts.stop(refusal.code, refusal.en)
        return 'later'
      default:
        parts.stop(refusal.code, refusal.en)
        return 'later'
    }
  }

  /** Under the keys in force now. False where the batch carried these already: then a key is not what is wrong with it. */
  async #signAgain(log: ZoneLog, batch: SealedBatch): Promise<boolean> {
    const { view, signers } = this.#parts
    await view.refreshCharters()
    await view.refreshHeads()
    const accepted = view.acceptedSigners(log.origin, signers)
    if (accepted === undefined) return false
    const keys = accepted.map(({ key }) => keyIdentity(key)).join(' ')
    if (this.#signedAgain?.firstIndex === batch.firstIndex && this.#signedAgain.keys === keys) return false
    const text = formatCheckpoint({ origin: log.origin, size: batch.size, root: batch.root })
    this.#signedAgain = { firstIndex: batch.firstIndex, checkpoint: signNote(text, accepted), keys }
    return true
  }
}
