import { type Refusal, refused } from './refusal.ts'
import {
  base64FromBytes,
  bytesFromBase64,
  holdsControlCharacter,
  maxPosition,
  positionFromDecimal,
  textFromUtf8,
} from './strict-text.ts'
import { type Hash, hashSizeBytes } from './tree-hash.ts'

/** What a log commits to: `root` over its first `size` leaves (C2SP tlog-checkpoint, formats F2). */
export interface Checkpoint {
  /** The log's name: one line, not empty. */
  readonly origin: string
  /** Number of leaves, 0 … 2^63 − 1. */
  readonly size: bigint
  readonly root: Hash
}

/** A checkpoint as read. We write no extension lines, other logs may. */
export interface ParsedCheckpoint extends Checkpoint {
  readonly kind: 'checkpoint'
  readonly extensionLines: readonly string[]
}

/**
 * The text to sign: three lines, without extensions.
 * @throws {RangeError} what is given could not be read back: an origin of no or several lines, a size out of range, a root of another length.
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (origin === '' || origin.includes('\n') || holdsControlCharacter(origin) || !origin.isWellFormed()) {
    throw new RangeError('an origin is one line of text, not empty')
  }
  if (size < 0n || size > maxPosition) throw new RangeError(`a log has no size ${size}`)
  if (root.length !== hashSizeBytes) throw new RangeError(`a root has ${hashSizeBytes} bytes, not ${root.length}`)
  return `${origin}\n${size}\n${base64FromBytes(root)}\n`
}

/** Reads the text of a checkpoint (C2SP tlog-checkpoint, "Note text"): strict decimal, canonical base64, no empty line, no control character. */
export function parseCheckpoint(text: string | Uint8Array): ParsedCheckpoint | Refusal {
  const decoded = typeof text === 'string' ? text : textFromUtf8(text)
  if (decoded === undefined) return refused('MALFORMED', 'checkpoint: no UTF-8')
  if (holdsControlCharacter(decoded)) return refused('MALFORMED', 'checkpoint: a control character')
  const lines = decoded.split('\n')
  if (lines.pop() !== '') return refused('MALFORMED', 'checkpoint: the last line does not end')
  const [origin, sizeLine, rootLine, ...extensionLines] = lines
  if (origin === undefined || sizeLine === undefined || rootLine === undefined) {
    return refused('MALFORMED', 'checkpoint: fewer than three lines')
  }
  if (lines.includes('')) return refused('MALFORMED', 'checkpoint: an empty line')
  const size = positionFromDecimal(sizeLine)
  if (size === undefined) return refused('MALFORMED', 'checkpoint: the size is no decimal from 0 to 2^63 - 1')
  const root = bytesFromBase64(rootLine)
  if (root?.length !== hashSizeBytes) return refused('MALFORMED', 'checkpoint: the root is not base64 of 32 bytes')
  return { kind: 'checkpoint', origin, size, root, extensionLines }
}
