import {
  addSignatures,
  edgeRoot,
  formatSignatureLine,
  type OpenedNote,
  openNote,
  sha256Tree,
  signNote,
  type VerifierKey,
} from '@hutong/merkle'
import { charterAt, hubKeysAt, readCosigned, readHead, type Trust, witnessesAt } from '@hutong/verify'
import { type CosignedHeads, claimedSize } from './cosigned-heads.ts'
import type { LogState } from './log-state.ts'
import type { LogCode } from './refusals.ts'
import type { HubNodes } from './tree-nodes.ts'

/** Heads that wait for cosignatures; the newest are kept. */
const waitingHeadsMax = 64
/** Streams one witness may have open: an old one may linger until its connection is seen to be dead. */
const witnessStreamsMax = 16
/** A note with cosignatures is never larger, in bytes: 100 lines of a few hundred characters. */
const cosignedHeadBytesMax: number = 64 * 1024

/** What witnesses are held against. */
export interface WitnessParts {
  readonly cosigned: CosignedHeads
  readonly trust: () => Trust
  readonly state: () => LogState
  readonly nodes: () => HubNodes
  /** The note of a head announced lately, as signed. */
  readonly recent: (size: bigint) => Uint8Array | undefined
  /** The writer's term: what is kept must carry it. */
  readonly term: () => bigint
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds from anywhere, never falling. */
  readonly monotonic: () => number
}

/** A witness's first words. */
export interface Hello {
  /** Name of its cosigner key. */
  readonly name: string
  /** Newest hub-signed head it holds; empty for none. */
  readonly head: Uint8Array
  readonly clockMs: number
}

export type Answer<T> = T | { readonly kind: 'refused'; readonly code: LogCode }

/**
 * The zones as witnesses: what they said they hold, and their cosignatures. Before the log commits anything in a run a quorum of them
 * has said what it holds, so that a restored copy notices that it is one before it signs a second history.
 */
export class Witnesses {
  readonly #parts: WitnessParts
  readonly #heard = new Map<string, Heard>()
  /** Heads of the hub's own that its tree does not hold, by who showed them; only `lookAgain` takes one out. */
  readonly #contradictions = new Map<string, Uint8Array>()
  readonly #open = new Map<string, number>()
  readonly #waiting = new Map<bigint, WaitingHead>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: WitnessParts) {
    this.#parts = parts
  }

  /** Names of the witnesses whose streams are open. */
  get present(): readonly string[] {
    return [...this.#open.keys()].sort()
  }

  /** How many make a quorum for the next leaf; 0 for none. */
  get quorum(): number {
    return this.#atNext().quorum
  }

  /** Why nothing may be committed yet; undefined: nothing speaks against it. */
  gate(): LogCode | undefined {
    if (this.#contradictions.size > 0) return 'ADOPT_NEEDED'
    const { cosigners, quorum } = this.#atNext()
    const words = cosigners.filter(({ key }) => this.#heard.has(key.name)).length
    if (words < quorum) return 'WAITING_FOR_WITNESSES'
    return this.#clockOffsetMs() > this.#maxClockOffsetMs() ? 'CLOCK_OFF' : undefined
  }

  /** Takes a witness's first words; `zone` is whom the transport proves. Pair each taken one with `left`. */
  async hello(zone: string, { name, head, clockMs }: Hello): Promise<Answer<{ readonly kind: 'welcome' }>> {
    const key = this.#cosigner(zone, name)
    if (key === undefined) return { kind: 'refused', code: 'NOT_A_WITNESS' }
    if ((this.#open.get(name) ?? 0) >= witnessStreamsMax) return { kind: 'refused', code: 'TOO_MANY_STREAMS' }
    const stands = head.length === 0 ? 'within' : await this.#standing(head)
    if (stands === undefined) return { kind: 'refused', code: 'HEAD_NOT_SIGNED' }
    if (stands !== 'within') this.#contradictions.set(name, head)
    this.#heard.set(name, { clockMs, heardAtMs: this.#parts.monotonic() })
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1)
    return { kind: 'welcome' }
  }

  /** A stream that was welcomed has ended. What it said still counts in this run. */
  left(name: string): void {
    const open = (this.#open.get(name) ?? 0) - 1
    if (open > 0) this.#open.set(name, open)
    else this.#open.delete(name)
  }

  /** Takes a witness's cosignature; the value is the size of the head. One for what is cosigned already is taken and ignored. */
  async cosignature(
    zone: string,
    name: string,
    note: Uint8Array,
  ): Promise<Answer<{ readonly kind: 'taken'; readonly size: bigint }>> {
    const key = this.#cosigner(zone, name)
    if (key === undefined) return { kind: 'refused', code: 'NOT_A_WITNESS' }
    if (note.length > cosignedHeadBytesMax) return { kind: 'refused', code: 'MALFORMED' }
    const size = claimedSize(note)
    if (size !== undefined && size <= this.#parts.cosigned.judgedAt) return { kind: 'taken', size }
    if (size === undefined) return { kind: 'refused', code: 'HEAD_NOT_SIGNED' }
    const head = await this.#ownHead(name, size, note)
    if (head.kind === 'refused') return head
    const opened = openNote(note, [key])
    const own = opened.kind === 'note' ? opened.verified[0] : undefined
    if (own?.time === undefined) return { kind: 'refused', code: 'COSIGNATURE_INVALID' }
    if (Number(own.time) * 1000 > this.#parts.clock() + this.#maxClockOffsetMs()) {
      return { kind: 'refused', code: 'CLOCK_OFF' }
    }
    this.#collect(size, head.note, name, formatSignatureLine(key, own.signature))
    await this.#complete(size)
    return { kind: 'taken', size }
  }

  /** After more was adopted: who was beyond the tree may be within it now. */
  async lookAgain(): Promise<void> {
    for (const [name, head] of this.#contradictions) {
      if ((await this.#standing(head)) === 'within') this.#contradictions.delete(name)
    }
  }

  /**
   * Looks at a head that was found elsewhere under the hub's own signature. One that the tree does not hold means that this is a
   * restored copy, whatever it believed so far.
   */
  async compare(source: string, head: Uint8Array): Promise<Standing | undefined> {
    const stands = await this.#standing(head)
    if (stands === 'beyond' || stands === 'beside') this.#contradictions.set(source, head)
    return stands
  }

  /** Where a head under the hub's own signature stands to the tree; undefined where it is not the hub's. */
  async #standing(head: Uint8Array): Promise<Standing | undefined> {
    const signed = readHead(this.#parts.trust(), head)
    if (signed.kind === 'refused') return undefined
    const { size, root } = signed.checkpoint
    if (size > this.#parts.state().edge.size) return 'beyond'
    const own = edgeRoot(sha256Tree, await this.#parts.nodes().edgeAt(size))
    return Buffer.compare(own, root) === 0 ? 'within' : 'beside'
  }

  /**
   * The head a witness cosigned, with the hub's own lines alone: a witness must not be able to have others' lines published. One that
   * was announced lately is known byte for byte; any other is held against its signature and the tree.
   */
  async #ownHead(
    name: string,
    size: bigint,
    note: Uint8Array,
  ): Promise<Answer<{ readonly kind: 'own'; readonly note: Uint8Array }>> {
    const recent = this.#parts.recent(size)
    if (recent !== undefined && Buffer.compare(note.subarray(0, recent.length), recent) === 0) {
      return { kind: 'own', note: recent }
    }
    const stands = await this.compare(name, note)
    if (stands === undefined) return { kind: 'refused', code: 'HEAD_NOT_SIGNED' }
    if (stands !== 'within') return { kind: 'refused', code: 'ADOPT_NEEDED' }
    const opened = openNote(note, hubKeysAt(this.#parts.trust(), size).keys)
    return opened.kind === 'note'
      ? { kind: 'own', note: hubLinesOnly(opened) }
      : { kind: 'refused', code: 'HEAD_NOT_SIGNED' }
  }

  #collect(size: bigint, note: Uint8Array, name: string, line: string): void {
    const waiting = this.#waiting.get(size) ?? { note, lines: new Map<string, string>() }
    waiting.lines.set(name, line)
    this.#waiting.set(size, waiting)
    if (this.#waiting.size <= waitingHeadsMax) return
    const [oldest] = [...this.#waiting.keys()].sort((left, right) => (left < right ? -1 : 1))
    this.#waiting.delete(oldest!)
  }

  /** One at a time, so that of two heads that complete together the larger is kept last. */
  #complete(size: bigint): Promise<void> {
    const turn = this.#turn.then(() => this.#keepIfComplete(size))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #keepIfComplete(size: bigint): Promise<void> {
    const { cosigned, trust, term } = this.#parts
    const waiting = this.#waiting.get(size)
    if (waiting === undefined || size <= cosigned.judgedAt) return
    const { cosigners, quorum } = witnessesAt(trust(), cosigned.judgedAt)
    const lines = cosigners.flatMap(({ key }) => waiting.lines.get(key.name) ?? [])
    if (quorum === 0 || lines.length < quorum) return
    const note = addSignatures(waiting.note, lines)
    // Read as every zone will read it: what is published must hold for them.
    if (readCosigned(trust(), note, cosigned.judgedAt).kind === 'refused') return
    await cosigned.keep({ size, note }, term())
    for (const below of this.#waiting.keys()) if (below <= size) this.#waiting.delete(below)
  }

  #cosigner(zone: string, name: string): VerifierKey | undefined {
    const { trust, cosigned } = this.#parts
    const sets = [this.#atNext(), witnessesAt(trust(), cosigned.judgedAt)]
    return sets.flatMap(({ cosigners }) => cosigners).find((one) => one.zone === zone && one.key.name === name)?.key
  }

  #atNext(): ReturnType<typeof witnessesAt> {
    return witnessesAt(this.#parts.trust(), this.#parts.state().edge.size)
  }

  #maxClockOffsetMs(): number {
    return charterAt(this.#parts.trust(), this.#parts.state().edge.size).maxClockOffsetMs
  }

  /** How far the hub's clock is from the median of the witnesses', advanced since they told it; 0 where nobody has. */
  #clockOffsetMs(): number {
    const nowMs = this.#parts.monotonic()
    const clocks = [...this.#heard.values()].map(({ clockMs, heardAtMs }) => clockMs + nowMs - heardAtMs)
    if (clocks.length === 0) return 0
    return Math.abs(this.#parts.clock() - median(clocks))
  }
}

/** Within the tree, beyond its end, or beside it: another root at a size it has. */
export type Standing = 'within' | 'beyond' | 'beside'

interface Heard {
  readonly clockMs: number
  /** By the monotonic clock. */
  readonly heardAtMs: number
}

interface WaitingHead {
  /** The note with the hub's own lines alone. */
  readonly note: Uint8Array
  /** By name of the cosigner. */
  readonly lines: Map<string, string>
}

function hubLinesOnly({ text, verified }: OpenedNote): Uint8Array {
  return signNote(
    text,
    verified.map(({ key, signature }) => ({ key, sign: () => signature })),
  )
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
