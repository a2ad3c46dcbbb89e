import { type ParsedCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { openNote } from './note.ts'
import { type Refusal, refused } from './refusal.ts'
import { sameBytes, textFromUtf8 } from './strict-text.ts'
import { formatVkey, parseVkey, type VerifierKey } from './verifier-key.ts'

/** A longer policy is refused unread. */
export const maxPolicySizeBytes = 65_536

/** More logs, witnesses or groups than this of one kind are refused; C2SP asks for 32 at least. */
export const maxPolicyMembers = 256

/** Which logs are believed, and how many of which witnesses must have cosigned (C2SP tlog-policy, formats F12). */
export interface Policy {
  readonly logs: readonly VerifierKey[]
  readonly witnesses: readonly PolicyWitness[]
  readonly quorum: Quorum
}

/** A witness under the name the policy gives it. */
export interface PolicyWitness {
  readonly name: string
  readonly key: VerifierKey
}

/** What must have cosigned: nothing, one witness, or `threshold` of the members. */
export type Quorum =
  | { readonly kind: 'none' }
  | { readonly kind: 'witness'; readonly key: VerifierKey }
  | { readonly kind: 'group'; readonly threshold: number; readonly members: readonly Quorum[] }

/** A policy as read. */
export interface ParsedPolicy extends Policy {
  readonly kind: 'policy'
}

/** A checkpoint that a policy holds for. Under `quorum none` nothing was witnessed: look at `witnesses`. */
export interface PolicyFulfilled {
  readonly kind: 'fulfilled'
  readonly checkpoint: ParsedCheckpoint
  /** The listed log that signed it under its own origin. */
  readonly log: VerifierKey
  /** All listed witnesses whose cosignature holds, with its time in seconds since the epoch. */
  readonly witnesses: readonly (PolicyWitness & { readonly time: bigint })[]
}

/**
 * Reads a policy (C2SP tlog-policy, "Policy file syntax and structure"): octets, of which only newline, tab and blank are white
 * space; names defined before use and in one name space; no key twice; every member in at most one group; exactly one quorum.
 */
export function parsePolicy(text: string | Uint8Array): ParsedPolicy | Refusal {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text
  if (bytes.length > maxPolicySizeBytes) return refused('MALFORMED', `policy: more than ${maxPolicySizeBytes} bytes`)
  if (bytes.some(isForbiddenOctet)) return refused('MALFORMED', 'policy: a control character')
  // One character for each octet: names are opaque octets and must not meet through any reading of them as text.
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  if (lines.pop() !== '') return refused('MALFORMED', 'policy: the last line does not end')

  const draft: PolicyDraft = { logs: [], witnesses: [], defined: new Map(), members: new Set(), groups: 0 }
  for (const [at, line] of lines.entries()) {
    const fields = line.split(/[ \t]+/).filter((field) => field !== '')
    if (fields.length === 0 || fields[0]!.startsWith('#')) continue
    const fault = readLine(draft, fields)
    if (fault !== undefined) return refused('MALFORMED', `policy line ${at + 1}: ${fault}`)
  }
  const { logs, witnesses, quorum } = draft
  if (quorum === undefined) return refused('MALFORMED', 'policy: no quorum')
  return { kind: 'policy', logs, witnesses, quorum }
}

/**
 * A policy that asks for `threshold` of these witnesses, and for none of them at 0.
 * @throws {RangeError} what is written would not be read back as it was meant.
 */
export function formatPolicy(
  logs: readonly VerifierKey[],
  witnesses: readonly PolicyWitness[],
  threshold: number,
): string {
  const lines = [
    ...logs.map((key) => `log ${formatVkey(key)}`),
    ...witnesses.map(({ name, key }) => `witness ${name} ${formatVkey(key)}`),
    ...(threshold === 0
      ? ['quorum none']
      : [`group quorum-of-all ${threshold} ${witnesses.map(({ name }) => name).join(' ')}`, 'quorum quorum-of-all']),
  ]
  const text = lines.map((line) => `${line}\n`).join('')
  const parsed = parsePolicy(text)
  if (parsed.kind === 'refused') throw new RangeError(parsed.reason)
  if (parsed.logs.length !== logs.length || parsed.witnesses.length !== witnesses.length) {
    throw new RangeError('a name of the policy holds white space')
  }
  return text
}

/**
 * How many of n witnesses must cosign so that two quorums share an honest one though a third of them, f = ⌊(n − 1) / 3⌋, is bad:
 * the smallest q with 2q − n > f; it also has q ≤ n − f, so that the honest suffice (formats F12). `witnessCount` is at least 1.
 */
export function quorumSize(witnessCount: number): number {
  if (!Number.isInteger(witnessCount) || witnessCount < 1)
    throw new RangeError(`no quorum of ${witnessCount} witnesses`)
  const bad = Math.floor((witnessCount - 1) / 3)
  return Math.floor((witnessCount + bad) / 2) + 1
}

/**
 * Whether a signed checkpoint satisfies the policy: signed by one of the logs under its own origin, and cosigned by a quorum. Every
 * line of a listed key is verified, and one that fails rejects the whole. `logs` are given where they are known from elsewhere, as a
 * charter knows them.
 */
export function evaluatePolicy(
  policy: Policy,
  signedCheckpoint: Uint8Array,
  logs: readonly VerifierKey[] = policy.logs,
): PolicyFulfilled | Refusal {
  const opened = openNote(signedCheckpoint, [...logs, ...policy.witnesses.map(({ key }) => key)])
  if (opened.kind === 'refused') return opened
  const checkpoint = parseCheckpoint(opened.text)
  if (checkpoint.kind === 'refused') return checkpoint
  const log = opened.verified.find(({ key }) => key.type !== 'cosignature' && key.name === checkpoint.origin)?.key
  if (log === undefined) return refused('LOG_UNKNOWN', 'policy: not signed by a listed log under its origin')
  const witnesses = policy.witnesses.flatMap((witness) => {
    const cosignature = opened.verified.find(({ key }) => isSameKey(key, witness.key))
    return cosignature?.time === undefined ? [] : [{ ...witness, time: cosignature.time }]
  })
  if (!isReached(policy.quorum, witnesses)) return refused('QUORUM_MISSED', 'policy: too few witnesses cosigned')
  return { kind: 'fulfilled', checkpoint, log, witnesses }
}

interface PolicyDraft {
  readonly logs: VerifierKey[]
  readonly witnesses: PolicyWitness[]
  readonly defined: Map<string, Quorum>
  readonly members: Set<string>
  groups: number
  quorum?: Quorum
}

/** Takes one line into the draft; what is wrong with it, or nothing. */
function readLine(draft: PolicyDraft, [keyword, ...fields]: readonly string[]): string | undefined {
  switch (keyword) {
    case 'log':
      return readLog(draft, fields)
    case 'witness':
      return readWitness(draft, fields)
    case 'group':
      return readGroup(draft, fields)
    case 'quorum':
      return readQuorum(draft, fields)
    default:
      return 'an unknown keyword'
  }
}

function readLog(draft: PolicyDraft, [vkey, _url, ...more]: readonly string[]): string | undefined {
  if (vkey === undefined || more.length > 0) return 'not log <vkey> [<url>]'
  const key = readKey(vkey)
  if (key === undefined || key.type === 'cosignature') return 'no key of a log'
  if (draft.logs.some((log) => isSamePublicKey(log, key))) return 'a log key twice'
  if (hasPlaceOf(draft, key)) return 'two keys of one name and key id'
  if (draft.logs.length >= maxPolicyMembers) return 'too many logs'
  draft.logs.push(key)
  return undefined
}

function readWitness(draft: PolicyDraft, [name, vkey, _url, ...more]: readonly string[]): string | undefined {
  if (name === undefined || vkey === undefined || more.length > 0) return 'not witness <name> <vkey> [<url>]'
  const key = readKey(vkey)
  if (key === undefined || key.type !== 'cosignature') return 'no key of a witness'
  if (draft.witnesses.some((witness) => isSamePublicKey(witness.key, key))) return 'a witness key twice'
  if (hasPlaceOf(draft, key)) return 'two keys of one name and key id'
  if (isTaken(draft, name)) return 'a name twice'
  if (draft.witnesses.length >= maxPolicyMembers) return 'too many witnesses'
  draft.witnesses.push({ name: displayName(name), key })
  draft.defined.set(name, { kind: 'witness', key })
  return undefined
}

function readGroup(draft: PolicyDraft, [name, rule, ...names]: readonly string[]): string | undefined {
  if (name === undefined || rule === undefined || names.length === 0) return 'not group <name> <rule> <member>...'
  if (isTaken(draft, name)) return 'a name twice'
  const threshold = thresholdOf(rule, names.length)
  if (threshold === undefined) return 'the rule is not all, any or a number of members'
  const members: Quorum[] = []
  for (const member of names) {
    const quorum = draft.defined.get(member)
    if (quorum === undefined) return 'a member that is not defined above'
    if (draft.members.has(member)) return 'a member twice'
    draft.members.add(member)
    members.push(quorum)
  }
  draft.groups += 1
  if (draft.groups > maxPolicyMembers) return 'too many groups'
  draft.defined.set(name, { kind: 'group', threshold, members })
  return undefined
}

function readQuorum(draft: PolicyDraft, [name, ...more]: readonly string[]): string | undefined {
  if (name === undefined || more.length > 0) return 'not quorum <name>'
  if (draft.quorum !== undefined) return 'a second quorum'
  const quorum: Quorum | undefined = name === noQuorum ? { kind: 'none' } : draft.defined.get(name)
  if (quorum === undefined) return 'a quorum that is not defined above'
  draft.quorum = quorum
  return undefined
}

const noQuorum = 'none'

function isTaken(draft: PolicyDraft, name: string): boolean {
  return name === noQuorum || draft.defined.has(name)
}

/** A signature line could not say which of two such keys it is by (formats F3). */
function hasPlaceOf(draft: PolicyDraft, { name, keyId }: VerifierKey): boolean {
  return [...draft.logs, ...draft.witnesses.map(({ key }) => key)].some(
    (key) => key.name === name && key.keyId === keyId,
  )
}

function thresholdOf(rule: string, count: number): number | undefined {
  if (rule === 'any') return 1
  if (rule === 'all') return count
  if (!/^[1-9][0-9]{0,3}$/.test(rule)) return undefined
  return Number(rule) <= count ? Number(rule) : undefined
}

/** A vkey out of the octets of a line; key names in it are UTF-8. */
function readKey(octets: string): VerifierKey | undefined {
  const text = textFromUtf8(Buffer.from(octets, 'latin1'))
  if (text === undefined) return undefined
  const parsed = parseVkey(text)
  return parsed.kind === 'vkey' ? parsed.key : undefined
}

function displayName(octets: string): string {
  return textFromUtf8(Buffer.from(octets, 'latin1')) ?? octets
}

function isForbiddenOctet(octet: number): boolean {
  return (octet < 0x20 && octet !== 0x09 && octet !== 0x0a) || octet === 0x7f
}

function isReached(quorum: Quorum, witnesses: readonly PolicyWitness[]): boolean {
  switch (quorum.kind) {
    case 'none':
      return true
    case 'witness':
      return witnesses.some(({ key }) => isSameKey(key, quorum.key))
    case 'group':
      return quorum.members.filter((member) => isReached(member, witnesses)).length >= quorum.threshold
  }
}

function isSameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && a.type === b.type && isSamePublicKey(a, b)
}

/** Duplicates by C2SP's rule: the same underlying public key, whatever its name and key id. */
function isSamePublicKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.publicKey.suite === b.publicKey.suite && sameBytes(a.publicKey.bytes, b.publicKey.bytes)
}
