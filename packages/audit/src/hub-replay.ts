import { edgeRoot, hashSizeBytes, parseCheckpoint, sha256Tree } from '@hutong/merkle'
import {
  type CosignedHead,
  type FollowedEntry,
  type FollowState,
  followEntry,
  newestLogged,
  readCosigned,
  readHead,
  type SignedCheckpoint,
  startFollowing,
  type Trust,
  trustFromFirstCharter,
} from '@hutong/verify'
import { type EntryRecord, encodeRecord } from '@hutong/wire'
import type { Contradiction, Exhibit, HubContradictionCode, ReplayedLog, VerifierFinding } from './report.ts'

/** So many heads from beyond the leaves taken in are remembered at once; an honest hub gives cause for a handful. */
const maxPendingHeads = 64

/** A head that somebody showed. */
export interface ShownHead {
  readonly note: Uint8Array
  /** Who showed it, for the report: `the hub`, `the verifier of tianjin`, an event id. */
  readonly shownBy: string
  /** A head that the hub itself shows must be signed; whoever else shows an unsigned one proves nothing against the hub. */
  readonly byHub: boolean
  /** The zone whose verifier shows it. */
  readonly verifier?: string
  /** Asked for when the replay began, not found in its records: it is shown again when a replay goes on. */
  readonly atStart?: true
}

/** A leaf of H and where it stands. */
export interface HubLeafAt {
  readonly index: bigint
  readonly leaf: Uint8Array
}

/** Follows H leaf by leaf, keeps its root at every size, and holds every signed head against them. */
export class HubReplay {
  #state: FollowState | undefined
  readonly #roots: HashBook = new HashBook()
  readonly #leafHashes: HashBook = new HashBook()
  /** The newest leaf of H about each log, and about the charter under the empty name. */
  readonly #newestLeaves: Map<string, HubLeafAt> = new Map()
  #pending: (ShownHead & { readonly size: bigint })[] = []
  #newestHead: SignedCheckpoint | undefined
  #newestCosigned: CosignedHead | undefined
  /** The size by whose witnesses it was judged. */
  #cosignedAt = 0n
  #headsHeld = 0n
  #headsHeldAtStart = 0n
  /** Under which a charter came, by its number. */
  readonly #charterNotes: Map<bigint, Uint8Array> = new Map()
  /** By zone: a head that its verifier showed and the hub has not signed. What zones repeat in heartbeats has no place here. */
  readonly #forged: Map<string, Uint8Array> = new Map()

  /** @param charterSha256 of charter 0; undefined: the first one seen is trusted. */
  constructor(charterSha256: Uint8Array | undefined) {
    this.#state = charterSha256 && startFollowing(charterSha256)
    this.#roots.push(sha256Tree.empty())
  }

  /** What is kept of a position, but for the hashes: those come with `hashesFrom`. */
  keep(): KeptHub | undefined {
    if (this.#state === undefined || this.#state.trust === undefined) return undefined
    return {
      state: this.#state,
      newestLeaves: [...this.#newestLeaves].map(([origin, at]) => ({ origin, ...at })),
      heads: this.#newestHead === undefined ? [] : [this.#newestHead.note],
      cosigned: this.#newestCosigned && { note: this.#newestCosigned.note, at: this.#cosignedAt },
      headsHeld: this.#headsHeld,
      pending: this.#pending.filter(({ atStart }) => atStart === undefined),
      charterNotes: this.#charterNotes,
    }
  }

  /** The charters so far with the admins' notes, none with charter 0. */
  get charters(): readonly { readonly bytes: Uint8Array; readonly note: Uint8Array }[] {
    return (this.trust?.charters ?? []).map(({ bytes, charter }) => {
      return { bytes, note: this.#charterNotes.get(charter.number) ?? new Uint8Array(0) }
    })
  }

  /** Leaf hashes of H and its roots after each, from a leaf on. */
  hashesFrom(size: number): { readonly leafHashes: Uint8Array; readonly roots: Uint8Array } {
    return { leafHashes: this.#leafHashes.from(size), roots: this.#roots.from(size + 1) }
  }

  /** Goes on from what was kept. False: it does not fit together. */
  restore(kept: KeptHub, leafHashes: Uint8Array, roots: Uint8Array): boolean {
    const { state } = kept
    const size = Number(state.position)
    if (leafHashes.length !== size * hashSizeBytes || roots.length !== leafHashes.length) return false
    for (let at = 0; at < roots.length; at += hashSizeBytes) {
      this.#leafHashes.push(leafHashes.subarray(at, at + hashSizeBytes))
      this.#roots.push(roots.subarray(at, at + hashSizeBytes))
    }
    this.#state = state
    for (const { origin, index, leaf } of kept.newestLeaves) this.#newestLeaves.set(origin, { index, leaf })
    for (const note of kept.heads) if (this.showHead({ note, shownBy: 'the hub', byHub: true })) return false
    if (kept.cosigned !== undefined) {
      const cosigned = readCosigned(state.trust!, kept.cosigned.note, kept.cosigned.at)
      if (cosigned.kind === 'refused') return false
      this.#newestCosigned = cosigned
      this.#cosignedAt = kept.cosigned.at
    }
    this.#headsHeld = kept.headsHeld
    for (const shown of kept.pending) this.showHead(shown)
    for (const [number, note] of kept.charterNotes) this.#charterNotes.set(number, note)
    return sameBytes(this.rootAt(state.position), edgeRoot(sha256Tree, state.hubEdge))
  }

  /** Leaves of H taken in. */
  get position(): bigint {
    return this.#state?.position ?? 0n
  }

  get trust(): Trust | undefined {
    return this.#state?.trust
  }

  get state(): FollowState | undefined {
    return this.#state
  }

  /** The newest hub-signed head that was found right. */
  get head(): SignedCheckpoint | undefined {
    return this.#newestHead
  }

  get cosigned(): CosignedHead | undefined {
    return this.#newestCosigned
  }

  /** Heads found right so far. */
  get headsHeld(): bigint {
    return this.#headsHeld + this.#headsHeldAtStart
  }

  /** A verifier that shows a head the hub never signed is not believed, whatever its rows say. */
  unlessForged(finding: VerifierFinding): VerifierFinding {
    const forged = this.#forged.get(finding.zone)
    if (forged === undefined || finding.kind === 'root_differs' || finding.kind === 'row_differs') return finding
    return {
      kind: 'inconsistent',
      zone: finding.zone,
      position: this.position,
      reason: 'it holds a head that the hub has not signed',
      own: [],
      verifier: [{ what: 'head', bytes: forged }],
    }
  }

  get logs(): readonly ReplayedLog[] {
    return [...(this.#state?.logs.values() ?? [])].map(({ zone, origin, edge }) => {
      return { zone, origin, size: edge.size, root: edgeRoot(sha256Tree, edge) }
    })
  }

  /** H's root over its first `size` leaves, which were all taken in. */
  rootAt(size: bigint): Uint8Array {
    return this.#roots.at(size)
  }

  /** The hashes of the leaves taken in, for proofs over them. */
  allLeafHashes(): readonly Uint8Array[] {
    return Array.from({ length: Number(this.position) }, (_, at) => this.#leafHashes.at(BigInt(at)))
  }

  /** The newest leaf of H about a log (of the charter: the empty name); undefined before the first. */
  newestLeafAbout(origin: string): HubLeafAt | undefined {
    return this.#newestLeaves.get(origin)
  }

  /** The leaf taken in last. */
  get previousLeaf(): HubLeafAt | undefined {
    return [...this.#newestLeaves.values()].find(({ index }) => index + 1n === this.position)
  }

  /** Takes in the next leaf of H. At a contradiction nothing of it is taken in. */
  takeEntry(record: EntryRecord): FollowedEntry | Contradiction {
    const state = this.#state ?? this.#trustFirst(record)
    const followed = followEntry(state, record)
    if (followed.kind === 'refused') return this.#contradictionOf(record, followed.code, followed.reason)
    this.#state = followed.state
    this.#roots.push(edgeRoot(sha256Tree, followed.state.hubEdge))
    this.#leafHashes.push(followed.hubLeafHash)
    const { entry, index } = followed.hubLeaf
    if (entry.kind === 'charter') this.#charterNotes.set(entry.number, Uint8Array.from(entry.note))
    this.#newestLeaves.set(entry.kind === 'batch' ? entry.origin : '', { index, leaf: Uint8Array.from(record.leaf) })
    return followed
  }

  /** What was served in place of a record is none. */
  unreadable(why: string): Contradiction {
    const { position } = this
    const own = [rootEvidence(position, this.rootAt(position))]
    return {
      code: 'RECORD_UNREADABLE' satisfies HubContradictionCode,
      reason: why,
      position,
      hub: [],
      own,
      coveringHead: undefined,
    }
  }

  /** Holds a head against the leaves taken in, now or as soon as they reach its size. */
  showHead(shown: ShownHead): Contradiction | undefined {
    if (shown.note.length === 0) return undefined
    const size = claimedSize(shown.note)
    if (size === undefined) return this.#unsignedHead(shown, 'it is no checkpoint')
    if (size <= this.position && this.trust !== undefined) return this.#hold(shown, size, this.trust)
    if (this.#pending.length < maxPendingHeads) this.#pending.push({ ...shown, size })
    return undefined
  }

  /** What the hub shows as its newest head when a replay goes on: it may not be smaller than the one it had signed by then. */
  heldAgainst(newest: Uint8Array): Contradiction | undefined {
    const known = this.#newestHead
    const size = claimedSize(newest) ?? 0n
    if (known === undefined || size >= known.checkpoint.size) return undefined
    return {
      code: 'HEAD_BEHIND' satisfies HubContradictionCode,
      reason: `the hub had signed ${known.checkpoint.size} leaves, and its newest head is of ${size}`,
      position: size,
      hub: [{ what: 'head', bytes: newest }],
      own: [{ what: 'head found right before', bytes: known.note }],
      coveringHead: undefined,
    }
  }

  /** Holds the heads whose size is reached. */
  holdReachedHeads(): Contradiction | undefined {
    const { trust, position } = this
    if (this.#pending.length === 0 || trust === undefined) return undefined
    const reached = this.#pending.filter(({ size }) => size <= position)
    if (reached.length === 0) return undefined
    this.#pending = this.#pending.filter(({ size }) => size > position)
    for (const shown of reached) {
      const contradiction = this.#hold(shown, shown.size, trust)
      if (contradiction !== undefined) return contradiction
    }
    return undefined
  }

  /** Judged by the witness set of the last cosigned head before it (formats F12). */
  showCosigned(note: Uint8Array): Contradiction | undefined {
    if (note.length === 0) return undefined
    const size = claimedSize(note)
    if (size === undefined || this.trust === undefined) {
      return this.#headContradiction('COSIGNED_SIGNATURE', 'it is no checkpoint', note)
    }
    if (size > this.position) return this.#notReached(note, size, 'the hub')
    const at = this.#newestCosigned?.checkpoint.size ?? 0n
    if (size < at) return undefined
    const cosigned = readCosigned(this.trust, note, at)
    if (cosigned.kind === 'refused') {
      // Heads cosigned in between, which were not shown, may have brought a later charter's witnesses in: then nobody can tell here.
      if (this.#isCosignedLater(this.trust, note, at, size)) return undefined
      return this.#headContradiction('COSIGNED_SIGNATURE', cosigned.reason, note)
    }
    const contradiction = this.#compareRoot(cosigned, note, 'the hub')
    if (contradiction !== undefined) return contradiction
    this.#newestCosigned = cosigned
    this.#cosignedAt = at
    return undefined
  }

  /** When the source has no more: every signed head must have been reached, and every leaf must lie under one. */
  end(): Contradiction | undefined {
    const { trust } = this
    if (trust === undefined) return undefined
    for (const shown of this.#pending) {
      const signed = readHead(trust, shown.note, this.position)
      if (signed.kind === 'checkpoint') return this.#notReached(shown.note, shown.size, shown.shownBy)
      const contradiction = this.#unsignedHead(shown, signed.reason)
      if (contradiction !== undefined) return contradiction
    }
    const covered = this.#newestHead?.checkpoint.size ?? 0n
    if (covered >= this.position) return undefined
    return {
      code: 'HEAD_BEHIND' satisfies HubContradictionCode,
      reason: `the hub serves ${this.position} leaves and its newest head covers ${covered}`,
      position: covered,
      hub: this.#newestHead === undefined ? [] : [{ what: 'head', bytes: this.#newestHead.note }],
      own: [rootEvidence(this.position, this.rootAt(this.position))],
      coveringHead: undefined,
    }
  }

  /** Without a pin the first charter speaks for itself; what it cannot be read as is refused when it is followed. */
  #trustFirst(record: EntryRecord): FollowState {
    const trust = trustFromFirstCharter(record.charter)
    return startFollowing('kind' in trust ? new Uint8Array(hashSizeBytes) : newestLogged(trust).sha256)
  }

  /** Whether the witnesses of a charter logged since `at` make a quorum on this head. */
  #isCosignedLater(trust: Trust, note: Uint8Array, at: bigint, size: bigint): boolean {
    return trust.charters
      .filter(({ position }) => position >= at && position + 1n < size)
      .some(({ position }) => readCosigned(trust, note, position + 1n).kind === 'cosigned')
  }

  #hold(shown: ShownHead, size: bigint, trust: Trust): Contradiction | undefined {
    const signed = readHead(trust, shown.note, size)
    if (signed.kind === 'refused') return this.#unsignedHead(shown, signed.reason)
    const contradiction = this.#compareRoot(signed, shown.note, shown.shownBy)
    if (contradiction !== undefined) return contradiction
    if (shown.atStart) this.#headsHeldAtStart++
    else this.#headsHeld++
    if (size >= (this.#newestHead?.checkpoint.size ?? 0n)) this.#newestHead = signed
    return undefined
  }

  #compareRoot(
    { checkpoint }: SignedCheckpoint | CosignedHead,
    note: Uint8Array,
    shownBy: string,
  ): Contradiction | undefined {
    const own = this.rootAt(checkpoint.size)
    if (sameBytes(own, checkpoint.root)) return undefined
    return {
      code: 'HEAD_ROOT' satisfies HubContradictionCode,
      reason: `a signed head of size ${checkpoint.size}, shown by ${shownBy}, names another root than the leaves have`,
      position: checkpoint.size,
      hub: [{ what: `head shown by ${shownBy}`, bytes: note }],
      own: [
        rootEvidence(checkpoint.size, own),
        ...(this.#newestHead === undefined ? [] : [{ what: 'head found right before', bytes: this.#newestHead.note }]),
      ],
      coveringHead: undefined,
    }
  }

  #unsignedHead(shown: ShownHead, reason: string): Contradiction | undefined {
    if (shown.byHub) return this.#headContradiction('HEAD_SIGNATURE', reason, shown.note)
    if (shown.verifier !== undefined) this.#forged.set(shown.verifier, shown.note)
    return undefined
  }

  #headContradiction(code: HubContradictionCode, reason: string, note: Uint8Array): Contradiction {
    const own = [rootEvidence(this.position, this.rootAt(this.position))]
    return { code, reason, position: this.position, hub: [{ what: 'head', bytes: note }], own, coveringHead: undefined }
  }

  #notReached(note: Uint8Array, size: bigint, shownBy: string): Contradiction {
    const reason = `the hub has signed ${size} leaves (shown by ${shownBy}) and serves ${this.position}`
    return this.#headContradiction('HEAD_NOT_REACHED', reason, note)
  }

  #contradictionOf(record: EntryRecord, code: string, reason: string): Contradiction {
    const { position } = this
    return {
      code,
      reason,
      position,
      hub: [{ what: 'record', bytes: encodeRecord(record) }],
      own: [
        rootEvidence(position, this.rootAt(position)),
        ...(this.previousLeaf === undefined ? [] : [{ what: 'H leaf before it', bytes: this.previousLeaf.leaf }]),
      ],
      coveringHead: undefined,
    }
  }
}

/** A hub as followed to a position, to go on from there. */
export interface KeptHub {
  readonly state: FollowState
  readonly newestLeaves: readonly (HubLeafAt & { readonly origin: string })[]
  /** The newest head found right; none before the first. */
  readonly heads: readonly Uint8Array[]
  readonly cosigned: { readonly note: Uint8Array; readonly at: bigint } | undefined
  /** Without those shown at the start. */
  readonly headsHeld: bigint
  /** Heads of sizes that are still to come. */
  readonly pending: readonly ShownHead[]
  /** By number of the charter. */
  readonly charterNotes: ReadonlyMap<bigint, Uint8Array>
}

/** The size a note claims, nothing verified; undefined where it is no checkpoint. */
export function claimedSize(note: Uint8Array): bigint | undefined {
  const text = Buffer.from(note).toString('utf8')
  const parting = text.lastIndexOf('\n\n')
  if (parting < 0) return undefined
  const parsed = parseCheckpoint(text.slice(0, parting + 1))
  return parsed.kind === 'checkpoint' ? parsed.size : undefined
}

/** Hashes by number, 32 bytes each. */
class HashBook {
  #bytes: Buffer = Buffer.alloc(1024 * hashSizeBytes)
  #count = 0

  push(hash: Uint8Array): void {
    if ((this.#count + 1) * hashSizeBytes > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)])
    }
    this.#bytes.set(hash, this.#count * hashSizeBytes)
    this.#count++
  }

  at(number: bigint): Uint8Array {
    if (number < 0n || number >= BigInt(this.#count)) throw new RangeError(`no hash ${number}`)
    const start = Number(number) * hashSizeBytes
    return Uint8Array.from(this.#bytes.subarray(start, start + hashSizeBytes))
  }

  /** The hashes from a number on, one after the other. */
  from(number: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(number * hashSizeBytes, this.#count * hashSizeBytes))
  }
}

function rootEvidence(size: bigint, root: Uint8Array): Exhibit {
  return { what: `root of H at size ${size}`, bytes: root }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
