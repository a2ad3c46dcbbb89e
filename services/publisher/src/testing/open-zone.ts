import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '@hutong/licence'
import type { NoteSigner } from '@hutong/merkle'
import { createLogger } from '@hutong/service'
import { sha256 } from '@hutong/signing'
import { createMemoryStore, type Store } from '@hutong/store'
import { decodeLeaf, type Leaf } from '@hutong/wire'
import type { ZoneVerifier } from '../hub.ts'
import { type Outcome, type PublishAnswer, Publisher } from '../publisher.ts'
import type { Stage } from '../receipts.ts'
import { type Authorities, defaultSettings, type PublisherSettings } from '../settings.ts'
import { beijingOrigin, createTestAlliance, HonestHub, type TestAlliance } from './honest-hub.ts'

export const testAlliance: TestAlliance = createTestAlliance()
export const startMs: number = Date.UTC(2026, 5, 1)

/** For tests: a publisher of Beijing at work beside an honest hub, with clocks that stand until they are moved. */
export interface Zone extends AsyncDisposable {
  readonly hub: HonestHub
  readonly store: Store
  readonly publisher: Publisher
  publish(events: readonly Event[], options?: Asking): Promise<readonly Outcome[]>
  ask(events: readonly Event[], options?: Asking): Promise<PublishAnswer>
}

export interface Asking {
  readonly ids?: readonly string[]
  readonly client?: string
  readonly authorities?: Authorities
  readonly waitFor?: Stage
  readonly patienceMs?: number
}

let requests = 0

export async function startZone(
  options: {
    readonly store?: Store
    readonly hub?: HonestHub
    readonly alliance?: TestAlliance
    readonly clock?: { nowMs: number }
    readonly monotonic?: () => number
    readonly signers?: readonly NoteSigner[]
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
    signers: options.signers ?? alliance.beijing,
    clock: () => clock.nowMs,
    monotonic: options.monotonic ?? (() => clock.nowMs),
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
  if (options.meet ?? true) await until(() => publisher.status().refuses === undefined)
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

/** Resolves when it holds; the test's own limit ends a wait in vain. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1)
}

/** The leaves the hub accepted. */
export function leavesOf(hub: HonestHub): readonly Leaf[] {
  return hub.leaves.map((bytes) => {
    const reading = decodeLeaf(bytes)
    if (reading.kind !== 'leaf') throw new Error('a leaf that cannot be read')
    return reading.leaf
  })
}

/** The codes of refusals, and `published` or `duplicate` for what is in. */
export function codesOf(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.map((one) => (one.kind === 'refused' ? one.refusal.code : one.duplicate ? 'duplicate' : 'published'))
}

/** A store as a copy of another would be restored: what it held at this moment. */
export async function copyOf(store: Store): Promise<Store> {
  const copy = createMemoryStore()
  const collections = ['batches', 'seals', 'answers', 'requests', 'subject_strings', 'subject_events']
  for (const collection of collections) await copy.insert(await store.range(collection, { limit: 16_384 }))
  const position = await store.position('publisher')
  if (position !== undefined) await copy.movePosition('publisher', undefined, position)
  return copy
}
