import type { Signer } from '@hutong/signing'
import type { Store } from '@hutong/store'
import type { Stream } from '@hutong/stream'
import { Answerer } from './answer.ts'
import { cosignHeads } from './cosigner.ts'
import { StateDigests } from './digest.ts'
import { fetchMissing } from './fetch-missing.ts'
import { followRecords } from './follow-records.ts'
import { AnotherWriterError, Follower, type Notice } from './follower.ts'
import type { Hub, OwnPublisher } from './peers.ts'
import type { VerifierSettings } from './settings.ts'

/** What a verifier is made of. */
export interface VerifierParts {
  readonly zone: string
  readonly store: Store
  readonly stream: Stream | undefined
  readonly hub: Hub
  readonly publisher: OwnPublisher | undefined
  /** The zone's cosigner; undefined: this copy witnesses nothing. */
  readonly cosigner: { readonly name: string; readonly signer: Signer } | undefined
  /** SHA-256 of charter 0. */
  readonly pinnedSha256: Uint8Array
  readonly clock: () => number
  readonly settings: VerifierSettings
  readonly tell: (fact: string, details: Readonly<Record<string, unknown>>) => void
  readonly noticed: (what: Notice) => void
}

/** A zone's verifier at work: it follows, cosigns, asks for what is missing, and answers. */
export interface Verifier extends AsyncDisposable {
  readonly zone: string
  readonly store: Store
  readonly follower: Follower
  readonly answerer: Answerer
  readonly digests: StateDigests
  /** Rejects with what ended following for good: another writer. */
  readonly stopped: Promise<void>
}

/**
 * Opens the copy and starts to work. Disposal ends all of it; what was begun in the store is finished.
 * @throws {DocumentDamagedError} our own copy cannot be read.
 */
export async function startVerifier(parts: VerifierParts): Promise<Verifier> {
  const { zone, store, stream, hub, publisher, cosigner, pinnedSha256, clock, settings, tell, noticed } = parts
  const follower: Follower = new Follower({
    store,
    pinnedSha256,
    applied: (events) => answerer.applied(events),
    filled: () => answerer.filled(),
    noticed,
  })
  const digests = new StateDigests()
  const stopping = new AbortController()
  const { signal } = stopping
  const answerer: Answerer = new Answerer({
    zone,
    store,
    follower,
    clock,
    settings,
    broken: ({ position, place }) => void follower.wantPayload(position, place).catch(() => {}),
    storeAway: (error) => tell('the store did not answer a question', { err: error }),
  })
  await follower.open()
  const following = followRecords({ follower, hub, stream, settings, tell, signal })
  const beside = [fetchMissing({ store, follower, hub, settings, tell, signal })]
  if (cosigner !== undefined) {
    beside.push(cosignHeads({ follower, hub, publisher, ...cosigner, clock, settings, tell, signal }))
  }
  const stopped = following.catch((error: unknown) => {
    if (error instanceof AnotherWriterError) tell('following has stopped for good', { err: error })
    throw error
  })
  // Whoever wants to know waits for `stopped` itself.
  stopped.catch(() => {})
  return {
    zone,
    store,
    follower,
    answerer,
    digests,
    stopped,
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('the verifier stops'))
      digests[Symbol.dispose]()
      await Promise.allSettled([stopped, ...beside])
    },
  }
}
