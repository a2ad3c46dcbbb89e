import { revoked, suspended, World } from '@hutong/verify/world'
import type { LoggedRecord } from '@hutong/wire'
import type { Export, ExportDifference, RecordSource } from './index.ts'

/**
 * For tests: three zones, one of them with more leaves than a tile has, a second charter, payloads that are missing or redacted.
 * @param instead publishes in place of the last leaf: the story forks there.
 */
export function exportStory(instead: (world: World) => void = (world) => world.observe('langfang')): World {
  const world = new World({ zones: ['beijing', 'tianjin', 'langfang'], suite: 'Ed25519', quorum: 2 })
  const first = world.licence('beijing', 'A1')
  world.publish('beijing', first)
  world.publish('beijing', suspended(first))
  world.tick(1_000)
  world.publish('tianjin', world.declaration('tianjin'))
  const many = Array.from({ length: 200 }, (_, at) => world.licence('tianjin', `T${at}`))
  world.publishBatch('tianjin', many)
  world.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs * 2 }))
  world.publishBatch('tianjin', many.slice(0, 60).map(revoked))
  world.publish('langfang', { event: world.licence('langfang', 'L1'), carried: 'missing' })
  world.publish('langfang', world.licence('langfang', 'L2'))
  world.publish('langfang', { event: world.licence('langfang', 'L3'), carried: 'missing' })
  redact(world, -1)
  instead(world)
  return world
}

/** The hub serves the first payload of that record of H no more and says why. */
function redact(world: World, at: number): void {
  const record = world.records.at(at)!
  world.records.splice(at, 1, { ...record, redacted: [0] })
}

/** For tests: a hub that serves the first `size` leaves of a world, all cosigned. */
export function sourceOfWorld(
  world: World,
  size: bigint = world.size,
  cosigned: Uint8Array = world.cosignedHead({ size }),
): RecordSource {
  const head = world.head(size)
  return {
    async *records(fromIndex: bigint): AsyncGenerator<LoggedRecord> {
      yield* world.records.slice(Number(fromIndex), Number(size))
      yield { kind: 'head', checkpoint: head }
      yield { kind: 'cosigned', checkpoint: cosigned }
    },
    heads: async () => ({ head, cosigned }),
  }
}

/** For tests: everything that a check names. */
export async function differencesOf(opened: Export): Promise<readonly ExportDifference[]> {
  const found: ExportDifference[] = []
  for await (const one of opened.check()) found.push(one)
  return found
}
