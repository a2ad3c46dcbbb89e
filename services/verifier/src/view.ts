import { type Document, keyFromIndex, type Store } from '@hutong/store'
import {
  type CosignedHead,
  decodeFollowState,
  encodeFollowState,
  type FollowState,
  type NewestLeaf,
  type NewestLeaves,
  noLeaves,
  readCosigned,
  readHead,
  type SignedCheckpoint,
  startFollowing,
} from '@hutong/verify'
import { collections, DocumentDamagedError, decodeKeptCharter } from './documents.ts'

/**
 * What a verifier knows at one position: read from the position document, replaced as a whole after each step, never changed in place.
 */
export interface View {
  readonly state: FollowState
  readonly leaves: NewestLeaves
  /** Newest hub-signed head of which everything is held. */
  readonly head: HeldHead | undefined
  readonly cosigned: CosignedHead | undefined
  /** The position by whose witnesses `cosigned` was judged: the size of the cosigned head before it. */
  readonly cosignedAt: bigint
  /** The hub's proven fault; it stays until a new epoch of H. */
  readonly fault: HubFault | undefined
  /** Hub-signed heads beyond the position, to be held against our own root when it is reached. */
  readonly ahead: readonly SignedCheckpoint[]
  /** How far the stream was read when this was written: a cache key, no truth. */
  readonly stream: StreamPlace | undefined
}

export interface HeldHead {
  readonly signed: SignedCheckpoint
  /** The hub's clock at the head's last leaf, milliseconds since 1970. */
  readonly receivedAtMs: number
}

export interface HubFault {
  /** Such as HUB_HEAD_DIFFERS, or the code of what an entry broke. */
  readonly code: string
  readonly detail: string
}

export interface StreamPlace {
  readonly id: string
  /** The next offset to read. */
  readonly offset: bigint
}

/** Signed heads beyond the position that are remembered at most. */
export const headsAheadMax = 64

/** The position document of a verifier. */
export const verifierPosition = 'verifier'

/** Before leaf 0. */
export function emptyView(pinnedSha256: Uint8Array): View {
  return {
    state: startFollowing(pinnedSha256),
    leaves: noLeaves,
    head: undefined,
    cosigned: undefined,
    cosignedAt: 0n,
    fault: undefined,
    ahead: [],
    stream: undefined,
  }
}

/** A view as the value of the position document. Charters lie beside it. */
export function encodeView(view: View): Uint8Array {
  const { state, leaves, head, cosigned, cosignedAt, fault, ahead, stream } = view
  const stored: StoredView = {
    format: viewFormat,
    state: text(encodeFollowState(state)),
    covered: leaves.covered.map(storedLeaf),
    waiting: leaves.waiting.map(storedLeaf),
    head: head && { note: text(head.signed.note), receivedAtMs: head.receivedAtMs },
    cosigned: cosigned && { note: text(cosigned.note), at: `${cosignedAt}` },
    fault,
    ahead: ahead.map(({ note }) => text(note)),
    stream: stream && { id: stream.id, offset: `${stream.offset}` },
  }
  return Buffer.from(JSON.stringify(stored))
}

/**
 * The view in the position document's value; signatures in it are verified again.
 * @throws {DocumentDamagedError | FollowStateError} it is not what was written, or by a newer program.
 */
export async function readView(store: Store, value: Uint8Array, pinnedSha256: Uint8Array): Promise<View> {
  if (value.length === 0) return emptyView(pinnedSha256)
  const stored = parse(value)
  const position = BigInt(JSON.parse(stored.state).position)
  const state = decodeFollowState(Buffer.from(stored.state), await readCharters(store, position))
  if (Buffer.compare(state.pinnedSha256, pinnedSha256) !== 0) throw damaged('follows another alliance: its charter 0')
  const { trust } = state
  if (trust === undefined) return emptyView(pinnedSha256)
  const signed = stored.head && readHead(trust, Buffer.from(stored.head.note))
  if (signed?.kind === 'refused') throw damaged(`holds a head that is none: ${signed.reason}`)
  const cosignedAt = BigInt(stored.cosigned?.at ?? 0)
  const cosigned = stored.cosigned && readCosigned(trust, Buffer.from(stored.cosigned.note), cosignedAt)
  if (cosigned?.kind === 'refused') throw damaged(`holds a cosigned head that is none: ${cosigned.reason}`)
  return {
    state,
    leaves: { covered: stored.covered.map(leafFromStored), waiting: stored.waiting.map(leafFromStored) },
    head: signed && { signed, receivedAtMs: stored.head?.receivedAtMs ?? 0 },
    cosigned,
    cosignedAt,
    fault: stored.fault,
    ahead: stored.ahead.flatMap((note) => {
      const ahead = readHead(trust, Buffer.from(note))
      return ahead.kind === 'refused' ? [] : [ahead]
    }),
    stream: stored.stream && { id: stored.stream.id, offset: BigInt(stored.stream.offset) },
  }
}

/** Raised when the shape changes; an older program then refuses to start instead of guessing. */
const viewFormat = 1

interface StoredView {
  readonly format: number
  readonly state: string
  readonly covered: readonly StoredLeaf[]
  readonly waiting: readonly StoredLeaf[]
  readonly head: { readonly note: string; readonly receivedAtMs: number } | undefined
  readonly cosigned: { readonly note: string; readonly at: string } | undefined
  readonly fault: HubFault | undefined
  readonly ahead: readonly string[]
  readonly stream: { readonly id: string; readonly offset: string } | undefined
}

type StoredLeaf = Omit<NewestLeaf, 'index' | 'position'> & { readonly index: string; readonly position: string }

function storedLeaf(leaf: NewestLeaf): StoredLeaf {
  return { ...leaf, index: `${leaf.index}`, position: `${leaf.position}` }
}

function leafFromStored(leaf: StoredLeaf): NewestLeaf {
  return { ...leaf, index: BigInt(leaf.index), position: BigInt(leaf.position) }
}

function parse(value: Uint8Array): StoredView {
  let stored: StoredView
  try {
    stored = JSON.parse(text(value))
  } catch {
    throw damaged('is no JSON')
  }
  if (stored.format !== viewFormat) throw damaged(`was written in format ${stored.format}`)
  return stored
}

async function readCharters(store: Store, position: bigint): Promise<Parameters<typeof decodeFollowState>[1]> {
  const documents: Document[] = []
  let from = keyFromIndex(0n)
  for (;;) {
    const to = keyFromIndex(position)
    if (from >= to) break
    // A charter has up to 512 KiB: few at a time.
    const page = await store.range(collections.charters, { from, to, limit: charterPageLength })
    documents.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < charterPageLength) break
    from = keyFromIndex(BigInt(last.key) + 1n)
  }
  return documents.map((document) => ({ position: BigInt(document.key), ...decodeKeptCharter(document) }))
}

const charterPageLength = 16

function damaged(problem: string): DocumentDamagedError {
  return new DocumentDamagedError(verifierPosition, problem)
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
