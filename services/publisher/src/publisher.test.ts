import { randomBytes } from 'node:crypto'
import type { Event } from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { createLogger } from '@hutong/service'
import { sha256 } from '@hutong/signing'
import { createMemoryStore, type Store } from '@hutong/store'
import { decodeLeaf } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { beijingOrigin, createTestAlliance, HonestHub, licence, type TestAlliance } from './honest-hub.ts'
import type { ZoneVerifier } from './hub.ts'
import { type Outcome, type PublishAnswer, Publisher } from './publisher.ts'
import type { Stage } from './receipts.ts'
import { type Authorities, defaultSettings, type PublisherSettings } from './settings.ts'

const testAlliance = createTestAlliance()
const startMs = Date.UTC(2026, 5, 1)

describe('publish', () => {
  it('brings a licence to SEALED, SEQUENCED and WITNESSED', async () => {
    await using zone = await startZone()
    for (const [place, stage] of (['sealed', 'sequenced', 'witnessed'] as const).entries()) {
      const [outcome] = await zone.publish([licence(`S${place}`)], { waitFor: stage })
      expect(outcome).toMatchObject({ kind: 'published', duplicate: false })
      if (stage !== 'sealed') expect(outcome).toMatchObject({ stage })
    }
    expect(zone.hub.leaves.length).toBeGreaterThanOrEqual(3)
  })
})

interface Zone extends AsyncDisposable {
  readonly hub: HonestHub
  readonly store: Store
  readonly publisher: Publisher
  publish(events: readonly Event[], options?: Asking): Promise<readonly Outcome[]>
  ask(events: readonly Event[], options?: Asking): Promise<PublishAnswer>
}

interface Asking {
  readonly ids?: readonly string[]
  readonly client?: string
  readonly authorities?: Authorities
  readonly waitFor?: Stage
  readonly patienceMs?: number
}

let requests = 0

async function startZone(
  options: {
    readonly store?: Store
    readonly hub?: HonestHub
    readonly alliance?: TestAlliance
    readonly clock?: { nowMs: number }
    readonly verifier?: ZoneVerifier
    readonly settings?: Partial<PublisherSettings>
    readonly meet?: boolean
  } = {},
): Promise<Zone> {
  const alliance = options.alliance ?? testAlliance
  const clock = options.clock ?? { nowMs: startMs }
  const hub = options.hub ?? new HonestHub(alliance, () => clock.nowMs)
  const store = options.store ?? createMemoryStore()
  const publisher = await Publisher.start({
    zone: 'beijing',
    origin: beijingOrigin,
    pinnedCharterSha256: sha256(alliance.bytes),
    store,
    hub,
    verifier: options.verifier,
    signers: alliance.beijing,
    clock: () => clock.nowMs,
    monotonic: () => clock.nowMs,
    random: randomBytes,
    logger: createLogger({ name: 'test', level: 'silent' }),
    settings: {
      ...defaultSettings,
      initialRetryMs: 1,
      maxRetryMs: 5,
      witnessPollMs: 2,
      hubPollMs: 20,
      heartbeatCheckMs: 5,
      ...options.settings,
    },
  })
  if (options.meet ?? true)
    while (publisher.status().refuses !== undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  const ask: Zone['ask'] = (events, asking = {}) =>
    publisher.publish({
      client: { name: asking.client ?? 'office', authorities: asking.authorities ?? 'all' },
      items: events.map((event, at) => ({
        requestId: asking.ids?.[at] ?? `r${requests++}`,
        event: { kind: 'event', event },
      })),
      waitFor: asking.waitFor ?? 'sequenced',
      patienceMs: asking.patienceMs ?? 5_000,
      signal: new AbortController().signal,
    })
  return {
    hub,
    store,
    publisher,
    ask,
    async publish(events, asking) {
      const answer = await ask(events, asking)
      if (answer.kind === 'refused') throw new Error(`${answer.refusal.code}: ${answer.refusal.expected}`)
      return answer.outcomes
    },
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  }
}

export { decodeLeaf, sha256Tree }
