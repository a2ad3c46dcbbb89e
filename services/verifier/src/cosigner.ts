import { setTimeout as delay } from 'node:timers/promises'
import { addSignatures, cosign, formatCheckpoint } from '@hutong/merkle'
import type { Signer } from '@hutong/signing'
import { newestCharter, readHead, type SignedCheckpoint } from '@hutong/verify'
import type { Follower } from './follower.ts'
import type { Hub, OwnPublisher, WitnessLine } from './peers.ts'
import type { VerifierSettings } from './settings.ts'

/** What cosigning needs. */
export interface CosignHeads {
  readonly follower: Follower
  readonly hub: Hub
  /** The zone's own publisher; undefined where the zone has none. */
  readonly publisher: OwnPublisher | undefined
  /** Name of the cosigner's key, as the charter gives it. */
  readonly name: string
  /** Its Ed25519 key. */
  readonly signer: Signer
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly settings: Pick<VerifierSettings, 'initialRetryMs' | 'maxRetryMs'>
  readonly tell: (fact: string, details: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
}

/** How often a head from the future is looked at again. */
const futureRetryMs = 1_000

/**
 * The zone as a witness: cosigns the newest head of which it holds everything, after it is stored, until `signal` aborts. A
 * cosignature says "this extends all I have seen": so hub and own publisher are asked first what this witness held before, and
 * below that it only reads. Under a fault of the hub it signs nothing.
 */
export async function cosignHeads(work: CosignHeads): Promise<void> {
  const { settings, signal, tell } = work
  const held = new HeldBefore()
  let waitMs = settings.initialRetryMs
  let away = false
  while (!signal.aborted) {
    try {
      await held.ask(work)
      await witness(work, held, () => {
        waitMs = settings.initialRetryMs
        away = false
      })
    } catch (error) {
      if (signal.aborted) return
      if (!away) tell('cosigning was interrupted', { err: error })
      away = true
    }
    await delay(waitMs, undefined, { signal }).catch(() => {})
    waitMs = Math.min(waitMs * 2, settings.maxRetryMs)
  }
}

/** The largest heads others have seen this witness hold. Asked once in a run; a claim that is not the hub's own word counts for nothing. */
class HeldBefore {
  #notes: readonly Uint8Array[] | undefined

  async ask({ hub, publisher, signal }: CosignHeads): Promise<void> {
    if (this.#notes !== undefined) return
    const { head, cosigned } = await hub.heads(signal)
    const observed = await publisher?.observedHead(signal)
    this.#notes = [head, cosigned, observed ?? nothing].filter((note) => note.length > 0)
  }

  /** The size below which this witness only reads. */
  size({ follower }: CosignHeads): bigint {
    const { trust } = follower.view.state
    if (trust === undefined) return 0n
    return (this.#notes ?? [])
      .map((note) => readHead(trust, note))
      .reduce(
        (size, head) => (head.kind === 'checkpoint' && head.checkpoint.size > size ? head.checkpoint.size : size),
        0n,
      )
  }
}

async function witness(work: CosignHeads, held: HeldBefore, welcomed: () => void): Promise<void> {
  const ended = new AbortController()
  const signal = AbortSignal.any([work.signal, ended.signal])
  const line = work.hub.cosign(signal)
  const { name, follower, clock } = work
  try {
    await line.hello({ name, head: follower.view.head?.signed.note ?? nothing, clockMs: clock() })
    const listening = listen(work, line, welcomed).finally(() => ended.abort())
    await sendHeads(work, line, held, signal)
    await listening
  } finally {
    ended.abort()
  }
}

async function listen({ tell }: CosignHeads, line: WitnessLine, welcomed: () => void): Promise<void> {
  for await (const answer of line.answers) {
    if (answer.kind === 'welcome') welcomed()
    if (answer.kind === 'refused') tell('the hub refused what this witness said', { code: answer.code })
  }
}

/** Only the newest: a head below one that is cosigned already adds nothing. */
async function sendHeads(work: CosignHeads, line: WitnessLine, held: HeldBefore, signal: AbortSignal): Promise<void> {
  const { follower } = work
  let sent = -1n
  while (!signal.aborted) {
    const due = headToCosign(work, held, sent)
    if (due.kind === 'head') {
      sent = due.head.checkpoint.size
      await line.send(cosigned(work, due.head))
      continue
    }
    const changed = follower.changed(signal)
    await (due.kind === 'later'
      ? Promise.race([changed, delay(futureRetryMs, undefined, { signal }).catch(() => {})])
      : changed)
  }
}

type Due = { readonly kind: 'head'; readonly head: SignedCheckpoint } | { readonly kind: 'none' | 'later' }

/** The head that this witness may cosign now. */
function headToCosign(work: CosignHeads, held: HeldBefore, sent: bigint): Due {
  const { head, state, fault } = work.follower.view
  if (head === undefined || state.trust === undefined || fault !== undefined) return { kind: 'none' }
  const { size } = head.signed.checkpoint
  if (size <= sent || size < held.size(work)) return { kind: 'none' }
  const latestMs = work.clock() + newestCharter(state.trust).maxClockOffsetMs
  return head.receivedAtMs > latestMs ? { kind: 'later' } : { kind: 'head', head: head.signed }
}

function cosigned({ name, signer, clock }: CosignHeads, { checkpoint, note }: SignedCheckpoint): Uint8Array {
  const seconds = Math.floor(clock() / 1000)
  return addSignatures(note, [cosign(formatCheckpoint(checkpoint), name, signer, seconds)])
}

const nothing = new Uint8Array(0)
