import type { ParsedCheckpoint } from './checkpoint.ts'
import { verifyInclusion } from './proof.ts'
import { type Refusal, refused } from './refusal.ts'
import { base64FromBytes, bytesFromBase64, maxPosition, positionFromDecimal, textFromUtf8 } from './strict-text.ts'
import { evaluatePolicy, type Policy, type PolicyFulfilled } from './tlog-policy.ts'
import { type Hash, hashSizeBytes, treeHashOfOrigin } from './tree-hash.ts'
import type { VerifierKey } from './verifier-key.ts'

/** A larger proof is refused unread. */
export const maxTlogProofSizeBytes = 1_048_576

/** That an entry stands in a log, to be checked with nothing but a policy (C2SP tlog-proof, formats F9). */
export interface TlogProof {
  /** The entry's place in the log, 0 … 2^63 − 1. */
  readonly index: bigint
  /** The inclusion proof, the leaf's sibling first. */
  readonly hashes: readonly Hash[]
  /** The signed and cosigned checkpoint, byte for byte. */
  readonly signedCheckpoint: Uint8Array
  /** Not authenticated: anybody may have written it. */
  readonly extra?: Uint8Array
}

/** A proof as read, nothing verified. */
export interface ParsedTlogProof extends TlogProof {
  readonly kind: 'proof'
}

/** A proof that holds: `leaf` stands at `index` of the log that the policy believes. */
export interface VerifiedTlogProof {
  readonly kind: 'included'
  readonly index: bigint
  readonly checkpoint: ParsedCheckpoint
  readonly log: VerifierKey
  readonly witnesses: PolicyFulfilled['witnesses']
}

/**
 * The proof as a file.
 * @throws {RangeError} the index is out of range, or the path is longer or has other hashes than a tree can have.
 */
export function formatTlogProof(proof: TlogProof): Uint8Array {
  if (proof.index < 0n || proof.index > maxPosition) throw new RangeError(`no log has an entry ${proof.index}`)
  if (proof.hashes.length > maxPathLength || proof.hashes.some((hash) => hash.length !== hashSizeBytes)) {
    throw new RangeError('no path of a tree')
  }
  const lines = [
    header,
    ...(proof.extra === undefined ? [] : [`extra ${base64FromBytes(proof.extra)}`]),
    `index ${proof.index}`,
    ...proof.hashes.map(base64FromBytes),
    '',
  ]
  return Buffer.concat([Buffer.from(lines.map((line) => `${line}\n`).join(''), 'ascii'), proof.signedCheckpoint])
}

/** Reads a proof (C2SP tlog-proof, "Format"). The checkpoint's own form is left to whoever opens it. */
export function parseTlogProof(bytes: Uint8Array): ParsedTlogProof | Refusal {
  if (bytes.length > maxTlogProofSizeBytes) return refused('MALFORMED', 'proof: too large')
  const text = textFromUtf8(bytes)
  const parting = text?.indexOf('\n\n') ?? -1
  if (text === undefined || parting < 0) return refused('MALFORMED', 'proof: no empty line before a checkpoint')
  const [first, ...lines] = text.slice(0, parting).split('\n')
  if (first !== header) return refused('MALFORMED', `proof: the first line is not ${header}`)
  const extra = lines[0]?.startsWith(extraPrefix) ? bytesFromBase64(lines.shift()!.slice(extraPrefix.length)) : null
  if (extra === undefined) return refused('MALFORMED', 'proof: extra is no canonical base64')
  const indexLine = lines.shift()
  const index = indexLine?.startsWith(indexPrefix)
    ? positionFromDecimal(indexLine.slice(indexPrefix.length))
    : undefined
  if (index === undefined) return refused('MALFORMED', 'proof: no index')
  if (lines.length > maxPathLength) return refused('MALFORMED', 'proof: a path longer than any tree is high')
  const hashes: Hash[] = []
  for (const line of lines) {
    const hash = bytesFromBase64(line)
    if (hash?.length !== hashSizeBytes) return refused('MALFORMED', 'proof: a path line is not base64 of 32 bytes')
    hashes.push(hash)
  }
  const signedCheckpoint = Buffer.from(text.slice(parting + 2), 'utf8')
  return { kind: 'proof', index, hashes, signedCheckpoint, ...(extra === null ? {} : { extra }) }
}

/**
 * Whether `leaf` stands in a log that `policy` believes. The tree hash follows from the signed origin. `logs` as in `evaluatePolicy`.
 */
export function verifyTlogProof(
  policy: Policy,
  leaf: Uint8Array,
  proof: Uint8Array,
  logs: readonly VerifierKey[] = policy.logs,
): VerifiedTlogProof | Refusal {
  const parsed = parseTlogProof(proof)
  if (parsed.kind === 'refused') return parsed
  const fulfilled = evaluatePolicy(policy, parsed.signedCheckpoint, logs)
  if (fulfilled.kind === 'refused') return fulfilled
  const { checkpoint, log, witnesses } = fulfilled
  const tree = treeHashOfOrigin(checkpoint.origin)
  const isIncluded = verifyInclusion(
    tree,
    parsed.index,
    checkpoint.size,
    tree.leaf(leaf),
    parsed.hashes,
    checkpoint.root,
  )
  if (!isIncluded) return refused('NOT_INCLUDED', 'proof: the path does not lead from the leaf to the signed root')
  return { kind: 'included', index: parsed.index, checkpoint, log, witnesses }
}

const header = 'c2sp.org/tlog-proof@v1'
const extraPrefix = 'extra '
const indexPrefix = 'index '

/** A tree of 2^63 − 1 leaves is 63 levels high. */
const maxPathLength = 63
