import type { AsOf } from '@hutong/licence'
import { generateKey, type Signer, signerFromPem } from '@hutong/signing'
import type { Store } from '@hutong/store'
import { World, worldMatter } from '@hutong/verify/world'
import type { Notice } from '../follower.ts'
import { defaultSettings } from '../settings.ts'
import { startVerifier, type Verifier, type VerifierParts } from '../verifier.ts'
import { WorldHub } from './world-hub.ts'

/** For tests: a verifier of a world's zone, quick to try again. */
export interface TestVerifier extends AsyncDisposable {
  readonly verifier: Verifier
  readonly notices: Notice[]
  readonly told: string[]
  /** Waits until everything in the world is applied. */
  caughtUp(): Promise<void>
  ask(
    identifier: string,
    options?: { matter?: string; holderCode?: string; asOf?: AsOf },
  ): ReturnType<Verifier['answerer']['verify']>
}

export async function startTestVerifier(
  hub: WorldHub,
  store: Store,
  changes: Partial<VerifierParts> = {},
): Promise<TestVerifier> {
  const notices: Notice[] = []
  const told: string[] = []
  const { world } = hub
  const verifier = await startVerifier({
    zone: world.zones[1] ?? 'tianjin',
    store,
    stream: undefined,
    hub,
    publisher: undefined,
    cosigner: undefined,
    pinnedSha256: world.pinnedSha256,
    clock: () => world.nowMs,
    tell: (fact) => told.push(fact),
    noticed: (what) => notices.push(what),
    ...changes,
    settings: {
      ...defaultSettings,
      initialRetryMs: 1,
      maxRetryMs: 5,
      initialMissingRetryMs: 1,
      maxMissingRetryMs: 5,
      ...changes.settings,
    },
  })
  return {
    verifier,
    notices,
    told,
    async caughtUp() {
      await until(() => {
        // It may not be waiting yet when told the first time.
        hub.changed()
        return verifier.follower.view.state.position === world.size
      })
    },
    ask: (identifier, { matter = worldMatter, holderCode, asOf } = {}) =>
      verifier.answerer.verify({ identifier, matter, holderCode, fileSha256: undefined, asOf }),
    [Symbol.asyncDispose]: () => verifier[Symbol.asyncDispose](),
  }
}

/** A world and its hub, with a cosigner's key that belongs to nobody in it. */
export function newHub(): WorldHub {
  return new WorldHub(new World({ suite: 'Ed25519' }))
}

export const strangerSigner: Signer = signerFromPem(generateKey('Ed25519').privateKeyPem)

/** Waits, at most 5 s, until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + 5_000
  while (!(await holds())) {
    if (performance.now() > limitMs) throw new Error('it did not come true within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
