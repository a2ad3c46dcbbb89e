import { type Checkpoint, parseSignatureLine } from '@hutong/merkle'
import { keyIdentity } from './charter-view.ts'
import { type CosignedHead, readCosigned, sizeOfNote } from './head.ts'
import { type ProofFails, proofFails } from './proof-fault.ts'
import { hubKeysAt, type Trust, witnessesAt } from './trust.ts'

/**
 * The heads of H that one file of proofs names. Each is judged by the witnesses at its own size, as the charters of the file have them:
 * a file does not say which head was cosigned before, and the set of that size is never the laxer one.
 */
export class ProofHeads {
  readonly #trust: Trust
  readonly #byNote = new Map<string, CosignedHead>()
  readonly #bySize = new Map<bigint, CosignedHead>()
  readonly #leaves = new Map<bigint, { readonly leaf: string; readonly head: CosignedHead }>()

  constructor(trust: Trust) {
    this.#trust = trust
  }

  /** A head with a quorum and no line besides; it contradicts none that was read before. */
  read(note: Uint8Array, where: string): CosignedHead | ProofFails {
    const text = textOf(note)
    const known = this.#byNote.get(text)
    if (known !== undefined) return known
    const head = readProofHead(this.#trust, note, where)
    if (head.kind === 'fails') return head
    const { size, root } = head.checkpoint
    const beside = this.#bySize.get(size)
    if (beside !== undefined && !sameBytes(beside.checkpoint.root, root)) {
      const heads = [textOf(beside.note), text] as const
      return proofFails('HEADS_CONTRADICT', where, `one root for size ${size}`, { heads })
    }
    this.#byNote.set(text, head)
    this.#bySize.set(size, head)
    return head
  }

  /** Notes that a leaf of H stands at an index under a head; what is wrong where another one was seen there. */
  see(index: bigint, leaf: Uint8Array, head: CosignedHead, where: string): ProofFails | undefined {
    const text = Buffer.from(leaf).toString('latin1')
    const seen = this.#leaves.get(index)
    this.#leaves.set(index, seen ?? { leaf: text, head })
    if (seen === undefined || seen.leaf === text) return undefined
    const heads = [textOf(seen.head.note), textOf(head.note)] as const
    return proofFails('HEADS_CONTRADICT', where, `one leaf ${index} of H`, { heads })
  }
}

/** The name of a head in a file of proofs: its note, byte for byte. */
export function textOf(note: Uint8Array): string {
  return Buffer.from(note.buffer, note.byteOffset, note.byteLength).toString('utf8')
}

function readProofHead(trust: Trust, note: Uint8Array, where: string): CosignedHead | ProofFails {
  const size = sizeOfNote(note)
  if (size === undefined) return proofFails('HEAD_NOT_SIGNED', where, 'a signed checkpoint')
  const head = readCosigned(trust, note, size)
  if (head.kind === 'refused') {
    const code = head.code === 'QUORUM_MISSED' ? 'QUORUM_MISSED' : 'HEAD_NOT_SIGNED'
    return proofFails(code, where, 'a head of H, signed by the hub and cosigned by a quorum')
  }
  return hasStrayLine(trust, head.checkpoint, note)
    ? proofFails('HEAD_STRAY_LINE', where, 'lines of the hub and of witnesses of that size alone, each once')
    : head
}

/**
 * A line by an unknown key authenticates nothing, so its bytes could be anything: a file with one would have more than one spelling.
 */
function hasStrayLine(trust: Trust, { size }: Checkpoint, note: Uint8Array): boolean {
  const known = [...hubKeysAt(trust, size).keys, ...witnessesAt(trust, size).cosigners.map(({ key }) => key)]
  const left = new Set(known.map(keyIdentity))
  const text = textOf(note)
  const lines = text.slice(text.lastIndexOf('\n\n') + 2, -1).split('\n')
  return !lines.every((line) => {
    const parsed = parseSignatureLine(line)
    return parsed.kind === 'signature-line' && left.delete(keyIdentity(parsed))
  })
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
