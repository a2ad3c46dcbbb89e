import { consistencyProof, hashReaderOfLeaves, sha256Tree } from '@hutong/merkle'
import type { Stream, StreamWriter } from '@hutong/stream'
import type { World } from '@hutong/verify/world'
import { encodeRecord, type LoggedRecord } from '@hutong/wire'
import type { Hub, WitnessAnswer, WitnessLine } from '../peers.ts'

/** For tests: the hub of a world, honest unless told otherwise, without a network. */
export class WorldHub implements Hub {
  readonly world: World
  /** What is said instead of the truth. */
  lies: HubLies = {}
  /** While true every call fails. */
  away = false
  /** Cosigned notes as witnesses sent them. */
  readonly cosignatures: Uint8Array[] = []
  readonly hellos: { readonly name: string; readonly head: Uint8Array; readonly clockMs: number }[] = []
  reads = 0
  #cosigned: Uint8Array | undefined
  #written = 0
  readonly #watchers = new Set<() => void>()

  constructor(world: World) {
    this.world = world
  }

  /** Has everybody cosign the newest head, and tells who follows. */
  witness(options: Parameters<World['cosignedHead']>[0] = {}): void {
    this.#cosigned = this.world.cosignedHead(options)
    this.changed()
  }

  /** Tells who follows that there is something new. */
  changed(): void {
    for (const go of [...this.#watchers]) go()
  }

  /** Writes to the stream what the world has and the stream has not: entries, the head, the cosigned head. */
  async publish(stream: Stream): Promise<void> {
    await using writer: StreamWriter = await stream.writer()
    const entries = this.world.records.slice(this.#written)
    this.#written = this.world.records.length
    const heads: LoggedRecord[] = [{ kind: 'head', checkpoint: this.world.head() }]
    if (this.#cosigned !== undefined) heads.push({ kind: 'cosigned', checkpoint: this.#cosigned })
    for (const record of [...entries, ...heads]) await writer.append([encodeRecord(record)])
  }

  async *read(fromIndex: bigint, follow: boolean, signal: AbortSignal): AsyncGenerator<LoggedRecord | undefined> {
    this.reads += 1
    let next = fromIndex
    for (;;) {
      this.#answer(signal)
      const records = this.lies.records?.() ?? this.world.records
      for (const record of records.slice(Number(next))) {
        yield this.lies.record?.(record) ?? record
        next = record.index + 1n
      }
      yield { kind: 'head', checkpoint: this.lies.head?.() ?? this.world.head() }
      if (this.#cosigned !== undefined) yield { kind: 'cosigned', checkpoint: this.#cosigned }
      if (!follow) return
      await this.#next(signal)
    }
  }

  async heads(signal: AbortSignal): Promise<{ head: Uint8Array; cosigned: Uint8Array }> {
    this.#answer(signal)
    return { head: this.lies.head?.() ?? this.world.head(), cosigned: this.#cosigned ?? new Uint8Array() }
  }

  async consistencyProof(oldSize: bigint, newSize: bigint, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    this.#answer(signal)
    const leaves = this.world.records.map(({ leaf }) => sha256Tree.leaf(leaf))
    return consistencyProof(sha256Tree, oldSize, newSize, hashReaderOfLeaves(sha256Tree, leaves))
  }

  cosign(signal: AbortSignal): WitnessLine {
    this.#answer(signal)
    const answers: WitnessAnswer[] = []
    const watchers = new Set<() => void>()
    const answer = (said: WitnessAnswer) => {
      answers.push(said)
      for (const go of [...watchers]) go()
    }
    return {
      hello: async (hello) => {
        this.hellos.push(hello)
        answer({ kind: 'welcome' })
      },
      send: async (note) => {
        this.#answer(signal)
        this.cosignatures.push(note)
      },
      answers: (async function* () {
        while (!signal.aborted) {
          const next = answers.shift()
          if (next !== undefined) yield next
          else await waitOn(watchers, signal)
        }
      })(),
    }
  }

  #answer(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (this.away) throw new Error('the hub is away')
  }

  #next(signal: AbortSignal): Promise<void> {
    return waitOn(this.#watchers, signal)
  }
}

export interface HubLies {
  readonly records?: () => World['records']
  readonly record?: (record: World['records'][number]) => LoggedRecord
  readonly head?: () => Uint8Array
}

function waitOn(watchers: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const go = () => {
      watchers.delete(go)
      signal.removeEventListener('abort', go)
      resolve()
    }
    watchers.add(go)
    signal.addEventListener('abort', go)
  })
}
