import type { Charter } from '@hutong/licence'
import { type NoteSigner, sha256Tree, type VerifierKey, verifyInclusion } from '@hutong/merkle'
import {
  extendTrust,
  keyIdentity,
  logKeysAt,
  newestCharter,
  newestLogged,
  readCosigned,
  readHead,
  type Trust,
  trustFromFirstCharter,
  viewAt,
} from '@hutong/verify'
import { decodeHubLeaf } from '@hutong/wire'
import type { Appended, Hub, HubCharters } from './hub.ts'
import type { SealedBatch } from './zone-log.ts'

/** Parts in which the hub may answer for charters, at most, before the rest waits for the next time. */
const maxCharterAnswers = 256

/** What the hub answered cannot be: wrong under its own signature, or not under it at all. */
export class HubFaultError extends Error {
  override readonly name = 'HubFaultError'
}

/**
 * What a publisher knows of the hub: charters, newest heads, clock. Every answer is checked before it counts.
 */
export class HubView {
  readonly #hub: Hub
  readonly #pinnedCharterSha256: Uint8Array
  readonly #monotonic: () => number
  #trust: Trust | undefined
  #headSize = 0n
  #cosignedSize = 0n
  #clock: { readonly hubMs: number; readonly atMs: number } | undefined

  constructor(hub: Hub, pinnedCharterSha256: Uint8Array, monotonic: () => number) {
    this.#hub = hub
    this.#pinnedCharterSha256 = pinnedCharterSha256
    this.#monotonic = monotonic
  }

  /** Undefined before the hub has answered with charters. */
  get trust(): Trust | undefined {
    return this.#trust
  }

  get charter(): Charter | undefined {
    return this.#trust === undefined ? undefined : newestCharter(this.#trust)
  }

  get cosignedSize(): bigint {
    return this.#cosignedSize
  }

  /** The hub's clock now, by its last answer and the monotonic clock since; undefined before its first. */
  hubNowMs(): number | undefined {
    return this.#clock === undefined ? undefined : this.#clock.hubMs + (this.#monotonic() - this.#clock.atMs)
  }

  /** An answer to a call that began at `askedAtMs` (monotonic) carried this clock: it was read somewhere in between. */
  heardClock(clockMs: number, askedAtMs: number): void {
    this.#clock = { hubMs: clockMs, atMs: (askedAtMs + this.#monotonic()) / 2 }
  }

  /**
   * Takes the charters the hub has beyond those known: each builds on the one before, and stands in H under a signed head.
   *
   * @throws {HubFaultError} one does not.
   */
  async refreshCharters(): Promise<void> {
    const answers: HubCharters[] = []
    let trust = this.#trust
    // The hub answers in parts; the head over an early part may be under a key that only a later charter names.
    while (answers.length < maxCharterAnswers) {
      const from = trust === undefined ? 0n : newestCharter(trust).number + 1n
      const answer = await this.#hub.charters(from)
      if (answer.charters.length === 0) break
      for (const one of answer.charters) trust = this.#extended(trust, one)
      answers.push(answer)
    }
    if (trust === undefined || answers.length === 0) return
    for (const answer of answers) assertIncluded(trust, answer)
    this.#trust = trust
  }

  /** Asks for the newest heads. */
  async refreshHeads(): Promise<void> {
    const { head, cosigned } = await this.#hub.heads()
    const trust = this.#trust
    if (trust === undefined) return
    if (head.length > 0) {
      // A head under a key of a charter not heard of yet: ask for it before anything is concluded.
      if (readHead(trust, head).kind === 'refused') await this.refreshCharters()
      this.#heardHead(this.#trust ?? trust, head)
    }
    if (cosigned.length === 0) return
    // Judged by the witnesses of the last cosigned head before it; the first one this run hears of has none before it here.
    const read = readCosigned(trust, cosigned, this.#cosignedSize)
    const again =
      read.kind === 'refused' && this.#cosignedSize === 0n ? readCosigned(trust, cosigned, this.#headSize) : read
    if (again.kind === 'cosigned' && again.checkpoint.size > this.#cosignedSize)
      this.#cosignedSize = again.checkpoint.size
  }

  /** Of these signers those whose keys the charter accepts for the log now; undefined without the deciding suite or Ed25519. */
  acceptedSigners(origin: string, signers: readonly NoteSigner[]): readonly NoteSigner[] | undefined {
    const keys = this.#trust === undefined ? undefined : logKeysAt(this.#trust, origin, this.#headSize)
    if (keys === undefined) return undefined
    const accepted = new Set(keys.keys.map(keyIdentity))
    const usable = signers.filter(({ key }) => accepted.has(keyIdentity(key)))
    const has = (suite: string) => usable.some(({ key }) => key.publicKey.suite === suite)
    return has(keys.suite) && has('Ed25519') ? usable : undefined
  }

  /** Every key the charter ever knew for the log, with those held here: what an own signature is recognised by. */
  ownKeys(origin: string, signers: readonly NoteSigner[]): readonly VerifierKey[] {
    const keys = new Map(signers.map(({ key }) => [keyIdentity(key), key]))
    const log =
      this.#trust === undefined
        ? undefined
        : viewAt(this.#trust, newestLogged(this.#trust).position + 1n).logs.get(origin)
    for (const { key, id } of log?.keys ?? []) keys.set(id, key)
    return [...keys.values()]
  }

  /**
   * Holds the hub's answer to what was asked: a leaf of H over exactly this batch, included in a head that the hub signed.
   *
   * @throws {HubFaultError} it is not.
   */
  checkAnswer(origin: string, batch: SealedBatch, answer: Appended): void {
    const trust = this.#trust
    if (trust === undefined) throw new HubFaultError('an answer before any charter')
    const reading = decodeHubLeaf(answer.leaf)
    if (reading.kind !== 'hub_leaf') throw new HubFaultError(`the leaf of H cannot be read: ${reading.why}`)
    const { index, entry } = reading.leaf
    const isThisBatch =
      index === answer.index &&
      entry.kind === 'batch' &&
      entry.origin === origin &&
      entry.oldSize === batch.firstIndex &&
      entry.newSize === batch.size &&
      Buffer.compare(entry.root, batch.root) === 0
    if (!isThisBatch) throw new HubFaultError('the leaf of H is of another batch')
    const head = this.#heardHead(trust, answer.head)
    if (!includes(head, answer.index, answer.leaf, answer.inclusionProof)) {
      throw new HubFaultError('the head does not include the leaf of H')
    }
  }

  #heardHead(trust: Trust, note: Uint8Array): { readonly size: bigint; readonly root: Uint8Array } {
    const head = readHead(trust, note)
    if (head.kind === 'refused') throw new HubFaultError(`head: ${head.reason}`)
    if (head.checkpoint.size > this.#headSize) this.#headSize = head.checkpoint.size
    return head.checkpoint
  }

  #extended(trust: Trust | undefined, one: HubCharters['charters'][number]): Trust {
    const reading = decodeHubLeaf(one.leaf)
    if (reading.kind !== 'hub_leaf' || reading.leaf.entry.kind !== 'charter' || reading.leaf.index !== one.index) {
      throw new HubFaultError('the leaf of a charter cannot be read')
    }
    const { number, sha256, note } = reading.leaf.entry
    const next =
      trust === undefined
        ? trustFromFirstCharter(one.charter, this.#pinnedCharterSha256)
        : extendTrust(trust, { position: one.index, number, sha256, note, bytes: one.charter })
    if ('kind' in next) throw new HubFaultError(`charter: ${next.reason}`)
    return next
  }
}

/** One signature covers all: the head is read once, under the newest of these charters that governs it. */
function assertIncluded(trust: Trust, answer: HubCharters): void {
  const head = readHead(trust, answer.head)
  if (head.kind === 'refused') throw new HubFaultError(`head over the charters: ${head.reason}`)
  for (const { index, leaf, inclusionProof } of answer.charters) {
    if (!includes(head.checkpoint, index, leaf, inclusionProof)) {
      throw new HubFaultError('the head does not include a charter')
    }
  }
}

function includes(
  head: { readonly size: bigint; readonly root: Uint8Array },
  index: bigint,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  return verifyInclusion(sha256Tree, index, head.size, sha256Tree.leaf(leaf), proof, head.root)
}
