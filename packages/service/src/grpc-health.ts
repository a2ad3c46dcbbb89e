import { status } from '@grpc/grpc-js'
import { service } from 'grpc-health-check'
import type { CallContext } from './grpc-route.ts'
import { refuse } from './refusal.ts'

type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'

// grpc.health.v1: List answers with an error above this many names.
const LIST_LIMIT = 100

interface CheckRequest {
  readonly service: string
}

interface CheckResponse {
  readonly status: ServingStatus
}

/** The standard health service `grpc.health.v1.Health`: what is up, by name of service, or `service/zone`. */
export interface Health {
  readonly definition: typeof service
  // biome-ignore lint/suspicious/noExplicitAny: proto-loader's definition carries no types for its messages.
  readonly routes: any
  setServing(name: string, serving: boolean): void
  /** Everything is NOT_SERVING from now on; those who watch are told. */
  stop(): void
}

/** Answers from memory. The server itself (the empty name) is NOT_SERVING until it is said to serve. */
export function createHealth(): Health {
  const statuses = new Map<string, ServingStatus>([['', 'NOT_SERVING']])
  const watchers = new Set<() => void>()
  const tell = () => {
    for (const wake of watchers) wake()
  }
  return {
    definition: service,
    routes: {
      Check: async (request: CheckRequest) => ({ status: known(statuses.get(request.service)) }),
      List: async () => list(statuses),
      Watch: (request: CheckRequest, context: CallContext) =>
        watch(() => statuses.get(request.service) ?? 'SERVICE_UNKNOWN', watchers, context),
    },
    setServing(name, serving) {
      statuses.set(name, serving ? 'SERVING' : 'NOT_SERVING')
      tell()
    },
    stop() {
      for (const name of statuses.keys()) statuses.set(name, 'NOT_SERVING')
      tell()
    },
  }
}

function known(found: ServingStatus | undefined): ServingStatus {
  if (found !== undefined) return found
  throw refuse({
    code: 'SERVICE_UNKNOWN',
    field: 'service',
    zh: '没有该名称的服务。',
    en: 'there is no service of that name',
    grpc: status.NOT_FOUND,
  })
}

function list(statuses: ReadonlyMap<string, ServingStatus>): { statuses: Record<string, CheckResponse> } {
  if (statuses.size > LIST_LIMIT)
    throw refuse({
      code: 'TOO_MANY_SERVICES',
      zh: '服务过多，无法一次列出。',
      en: `more than ${LIST_LIMIT} services: ask for one by name`,
      grpc: status.RESOURCE_EXHAUSTED,
    })
  return { statuses: Object.fromEntries([...statuses].map(([name, status]) => [name, { status }])) }
}

// Only the newest status is kept for a slow watcher: a state, not a history.
async function* watch(
  current: () => ServingStatus,
  watchers: Set<() => void>,
  context: CallContext,
): AsyncGenerator<CheckResponse> {
  let wake = () => {}
  const changed = () => wake()
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  watchers.add(changed)
  context.signal.addEventListener('abort', changed)
  context.draining.addEventListener('abort', changed)
  try {
    for (let told: ServingStatus | undefined; ; ) {
      context.signal.throwIfAborted()
      const now = current()
      if (now !== told) yield { status: now }
      told = now
      context.draining.throwIfAborted()
      if (current() === told) await next()
    }
  } finally {
    watchers.delete(changed)
  }
}
