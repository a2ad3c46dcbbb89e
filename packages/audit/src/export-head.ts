import {
  type Checkpoint,
  formatSignatureLine,
  type OpenedNote,
  openNote,
  parseCheckpoint,
  type Refusal,
  type VerifierKey,
} from '@hutong/merkle'
import { type CosignedHead, hubKeysAt, type Refused, readCosigned, type Trust, witnessesAt } from '@hutong/verify'

/** The keys that may have a line on a head of this size: the hub's, and those of every witness set that may have judged it. */
export function keysOfHead(trust: Trust, size: bigint): readonly VerifierKey[] {
  const witnesses = judgingPositions(trust, size).flatMap((at) => witnessesAt(trust, at).cosigners)
  return [...hubKeysAt(trust, size).keys, ...witnesses.map(({ key }) => key)]
}

/**
 * The head of an export. It is judged by the witness set of the last cosigned head before it (formats F12); which that was, an export does
 * not say, so a quorum of any set that was in force below it counts.
 */
export function readExportedHead(trust: Trust, note: Uint8Array, size: bigint): CosignedHead | Refused {
  let refused: CosignedHead | Refused | undefined
  for (const at of judgingPositions(trust, size)) {
    const read = readCosigned(trust, note, at)
    if (read.kind === 'cosigned') return read
    refused ??= read
  }
  return refused!
}

/** A note as an export has it: its text, and one line of each of these keys that signed, in the order in which they stood. */
export function withoutForeignLines(note: Uint8Array, keys: readonly VerifierKey[]): Uint8Array | Refusal {
  const opened = openNote(note, keys)
  return opened.kind === 'refused' ? opened : noteOf(opened)
}

/** The one way to write what was read of a note, its unknown lines left out. */
export function noteOf({ text, verified }: OpenedNote): Uint8Array {
  const lines = verified.map(({ key, signature }) => `${formatSignatureLine(key, signature)}\n`)
  return Buffer.from(`${text}\n${lines.join('')}`, 'utf8')
}

/** What a note claims, nothing verified; undefined where it is no checkpoint. */
export function claimedCheckpoint(note: Uint8Array): Checkpoint | undefined {
  const text = Buffer.from(note).toString('utf8')
  const parting = text.lastIndexOf('\n\n')
  if (parting < 0) return undefined
  const parsed = parseCheckpoint(text.slice(0, parting + 1))
  return parsed.kind === 'checkpoint' ? parsed : undefined
}

/** Sizes below this one at which another witness set begins: between two of them the set is the same. */
function judgingPositions(trust: Trust, size: bigint): readonly bigint[] {
  const positions = new Set([0n])
  for (const { position, view } of trust.charters) {
    positions.add(position + 1n)
    for (const { entry } of view.witnesses) {
      positions.add(entry.acceptedFrom)
      if (entry.retiredAt !== undefined) positions.add(entry.retiredAt)
    }
  }
  return [...positions].filter((at) => at < size || at === 0n)
}
