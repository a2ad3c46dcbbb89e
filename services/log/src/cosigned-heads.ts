import { keyFromIndex, StaleWriterError, type Store } from '@hutong/store'
import { readCosigned, type Trust } from '@hutong/verify'
import type { Bell } from './bell.ts'
import { collections, cosignedPosition, DocumentDamagedError } from './documents.ts'

/** A head with a quorum of cosignatures, as kept. */
export interface KeptCosigned {
  readonly size: bigint
  readonly note: Uint8Array
}

/** The newest cosigned head, in a position document of its own, and the last one before each charter. */
export class CosignedHeads {
  readonly #store: Store
  readonly #trust: () => Trust
  readonly #changed: Bell
  #version: bigint | undefined
  #newest: KeptCosigned | undefined

  /** `changed` rings when a newer one is there. @throws {DocumentDamagedError} what is kept is no cosigned head. */
  static async open(store: Store, trust: () => Trust, changed: Bell): Promise<CosignedHeads> {
    const heads = new CosignedHeads(store, trust, changed)
    await heads.#load()
    return heads
  }

  private constructor(store: Store, trust: () => Trust, changed: Bell) {
    this.#store = store
    this.#trust = trust
    this.#changed = changed
  }

  /** Undefined before the first. */
  get newest(): KeptCosigned | undefined {
    return this.#newest
  }

  /** Position whose witness set judges the next head: the size of the last cosigned one (formats F12). */
  get judgedAt(): bigint {
    return this.#newest?.size ?? 0n
  }

  /**
   * Keeps a newer cosigned head, durable on return, and tells it. One that is not newer is a quiet no-op.
   * @throws {StaleWriterError} another process wrote one: nothing is told; what is kept is read anew at the next call.
   */
  async keep(head: KeptCosigned, term: bigint): Promise<void> {
    if (head.size <= this.judgedAt) return
    await this.#keepBeforeCharters(head, term)
    if (!(await this.#store.movePosition(cosignedPosition, this.#version, { term, value: head.note }))) {
      await this.#load()
      throw new StaleWriterError('another process keeps cosigned heads', { place: cosignedPosition })
    }
    this.#version = (this.#version ?? 0n) + 1n
    this.#newest = head
    this.#changed.ring()
  }

  /** A charter between the last cosigned head and this one: that head is the last before it, for good. */
  async #keepBeforeCharters(head: KeptCosigned, term: bigint): Promise<void> {
    const before = this.#newest
    if (before === undefined) return
    const between = this.#trust().charters.filter(({ position }) => position >= before.size && position < head.size)
    if (between.length === 0) return
    await this.#store.insert(
      between.map(({ position }) => ({
        collection: collections.cosigned,
        key: keyFromIndex(position),
        term,
        value: before.note,
      })),
    )
  }

  async #load(): Promise<void> {
    const position = await this.#store.position(cosignedPosition)
    this.#version = position?.version
    if (position === undefined) return
    // Which witnesses judged it is no longer known; that it is the hub's own and was complete then is.
    const size = claimedSize(position.value)
    if (size === undefined) throw new DocumentDamagedError(`position ${cosignedPosition}`, 'is no head')
    const read = readCosigned(this.#trust(), position.value, size)
    if (read.kind === 'refused' && read.code !== 'QUORUM_MISSED') {
      throw new DocumentDamagedError(`position ${cosignedPosition}`, read.reason)
    }
    this.#newest = { size, note: position.value }
  }
}

/** The size a note claims, nothing verified. */
export function claimedSize(note: Uint8Array): bigint | undefined {
  const size = Buffer.from(note).toString('utf8').split('\n')[1]
  return size !== undefined && /^[1-9]\d{0,18}$/.test(size) ? BigInt(size) : undefined
}
