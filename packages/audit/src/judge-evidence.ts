import { createHash } from 'node:crypto'
import {
  openNote,
  parseCheckpoint,
  parseSignatureLine,
  sha256Tree,
  type VerifierKey,
  verifyConsistency,
  verifyInclusion,
} from '@hutong/merkle'
import {
  type CharterView,
  extendTrust,
  type LogView,
  newestLogged,
  type Trust,
  trustFromFirstCharter,
} from '@hutong/verify'
import { decodeHubLeaf, type HubLeaf } from '@hutong/wire'
import {
  decodeEvidence,
  type Evidence,
  type EvidenceDocument,
  type HubLeafFaultCode,
  type IncludedLeaf,
} from './evidence.ts'

/** What an evidence file comes to. */
export type EvidenceJudgement =
  | {
      readonly kind: 'holds'
      /** Zone id, or `hub`. */
      readonly against: string
      /** Number of the newest charter by whose keys it was judged. */
      readonly charter: bigint
      readonly zh: string
      readonly en: string
    }
  | { readonly kind: 'fails'; readonly code: EvidenceFault; readonly reason: string; readonly zh: string }

/** Why evidence fails. */
export type EvidenceFault =
  | 'EVIDENCE_UNREADABLE'
  | 'EVIDENCE_CHARTER'
  | 'EVIDENCE_SIGNATURE'
  | 'EVIDENCE_PROOF'
  | 'EVIDENCE_PROVES_NOTHING'

/**
 * Judges an evidence file with nothing but charter 0 (formats F17). Only signatures by keys that the newest charter in the file has not
 * retired at that size, and never found compromised, count; lines of other keys are refused, so that no byte of a file that holds can
 * be another. Never throws.
 *
 * It proves that a key of the charter signed; who held the key is not for it to say.
 */
export function judgeEvidence(bytes: Uint8Array, charter0: Uint8Array): EvidenceJudgement {
  const document = decodeEvidence(bytes)
  if (document.kind === 'unreadable') return fails('EVIDENCE_UNREADABLE', document.why)
  const charter = newestCharterOf(charter0, document)
  if (charter.kind === 'fails') return charter
  const judged = judge(document.evidence, charter)
  switch (judged.kind) {
    case 'fails':
      return judged
    case 'proven': {
      const { against, zh, en } = judged
      return { kind: 'holds', against, charter: charter.view.charter.number, zh, en }
    }
  }
}

type Fails = Extract<EvidenceJudgement, { kind: 'fails' }>

interface NewestCharter {
  readonly kind: 'newest'
  readonly view: CharterView
  readonly firstSha256: Uint8Array
}

/**
 * The newest charter of the file, each signed by admins of the one before it. Where in H they stand is not in the file, so nothing rests on
 * it: an admin whose key is ever retired does not count.
 */
function newestCharterOf(charter0: Uint8Array, { alliance, charters }: EvidenceDocument): NewestCharter | Fails {
  let trust = trustFromFirstCharter(charter0)
  if ('kind' in trust) return fails('EVIDENCE_CHARTER', `the charter given is no charter 0: ${trust.reason}`)
  const first = trust.charters[0]
  if (first.charter.alliance !== alliance) return fails('EVIDENCE_CHARTER', 'it is about another alliance')
  for (const { bytes, note } of charters) {
    const next = charterAfter(trust, bytes, note)
    if (next.kind === 'fails') return next
    trust = next.trust
  }
  return { kind: 'newest', view: newestLogged(trust).view, firstSha256: first.sha256 }
}

function charterAfter(
  trust: Trust,
  bytes: Uint8Array,
  note: Uint8Array,
): { readonly kind: 'trust'; readonly trust: Trust } | Fails {
  const { view, charter } = newestLogged(trust)
  const opened = openNote(
    note,
    view.admins.map(({ key }) => key),
  )
  if (opened.kind === 'refused') return fails('EVIDENCE_CHARTER', opened.reason)
  if (opened.unknown.length > 0) return fails('EVIDENCE_CHARTER', 'a line by no admin of the charter before')
  const sha256 = createHash('sha256').update(bytes).digest()
  const extended = extendTrust(trust, { position: maxPosition, number: charter.number + 1n, sha256, note, bytes })
  return 'kind' in extended ? fails('EVIDENCE_CHARTER', extended.reason) : { kind: 'trust', trust: extended }
}

type Judged = { readonly kind: 'proven'; readonly against: string; readonly zh: string; readonly en: string } | Fails

function judge(evidence: Evidence, charter: NewestCharter): Judged {
  switch (evidence.kind) {
    case 'two_heads':
      return judgeTwoHeads(evidence, charter)
    case 'not_consistent':
      return judgeNotConsistent(evidence, charter)
    case 'hub_leaf':
      return judgeHubLeaf(evidence, charter)
  }
}

function judgeTwoHeads(evidence: Extract<Evidence, { kind: 'two_heads' }>, { view }: NewestCharter): Judged {
  const log = view.logs.get(evidence.log)
  if (log === undefined) return fails('EVIDENCE_CHARTER', 'the charter knows no such log')
  const first = readSigned(log, evidence.first)
  const second = readSigned(log, evidence.second)
  if (first.kind === 'fails') return first
  if (second.kind === 'fails') return second
  if (first.size !== second.size) return fails('EVIDENCE_PROVES_NOTHING', 'the heads are of different sizes')
  if (sameBytes(first.root, second.root)) return fails('EVIDENCE_PROVES_NOTHING', 'the heads name the same root')
  const { size } = first
  return {
    kind: 'proven',
    against: log.owner,
    zh: `${whoZh(log)}对同一大小（${size}）的日志签署了两个不同的根：它向不同的人出示了不同的历史。`,
    en: `${who(log)} signed two different roots for its log at size ${size}: it showed different histories to different people.`,
  }
}

function judgeNotConsistent(evidence: Extract<Evidence, { kind: 'not_consistent' }>, { view }: NewestCharter): Judged {
  const log = view.logs.get(evidence.log)
  if (log === undefined) return fails('EVIDENCE_CHARTER', 'the charter knows no such log')
  const older = readSigned(log, evidence.older)
  const newer = readSigned(log, evidence.newer)
  if (older.kind === 'fails') return older
  if (newer.kind === 'fails') return newer
  const { root, proof } = evidence
  if (older.size === 0n || older.size >= newer.size) {
    return fails('EVIDENCE_PROVES_NOTHING', 'the newer head is not of a larger size')
  }
  if (!verifyConsistency(sha256Tree, older.size, newer.size, root, newer.root, proof)) {
    return fails('EVIDENCE_PROOF', 'the proof does not lead from the root given to the newer head')
  }
  if (sameBytes(root, older.root)) return fails('EVIDENCE_PROVES_NOTHING', 'the newer head extends the older one')
  return {
    kind: 'proven',
    against: log.owner,
    zh: `${whoZh(log)}签署的大小为${newer.size}的日志不是由它签署过的大小为${older.size}的日志延伸而来：历史被改写。`,
    en: `${who(log)} signed its log at size ${newer.size}, which does not begin with the log it had signed at size ${older.size}: history was rewritten.`,
  }
}

function judgeHubLeaf(evidence: Extract<Evidence, { kind: 'hub_leaf' }>, charter: NewestCharter): Judged {
  const { fault, head, leaves } = evidence
  const { hub } = charter.view
  const signed = readSigned(hub, head)
  if (signed.kind === 'fails') return signed
  for (const { index, leaf, proof } of leaves) {
    if (!verifyInclusion(sha256Tree, index, signed.size, sha256Tree.leaf(leaf), proof, signed.root)) {
      return fails('EVIDENCE_PROOF', `leaf ${index} is not shown to lie under the head`)
    }
  }
  const at = leaves.at(-1)?.index
  if (at === undefined || !rules[fault](leaves, charter)) {
    return fails('EVIDENCE_PROVES_NOTHING', `the leaves do not show the fault ${fault}`)
  }
  const { zh, en } = sentences[fault]
  return {
    kind: 'proven',
    against: hub.owner,
    zh: `枢纽在其签名之下收入了任何诚实枢纽都不会收入的第${at}号记录：${zh}。`,
    en: `the hub holds under its signature leaf ${at}, which no honest hub admits: ${en}.`,
  }
}

/** What each fault asks of the leaves. Each rests on nothing but these bytes and the keys of the charter. */
const rules: Readonly<Record<HubLeafFaultCode, (leaves: readonly IncludedLeaf[], charter: NewestCharter) => boolean>> =
  {
    unreadable: ([one, ...more]) => more.length === 0 && decodeHubLeaf(one!.leaf).kind === 'unreadable',
    index: ([one, ...more]) => more.length === 0 && (read(one)?.index ?? one!.index) !== one!.index,
    first_leaf: ([one, ...more], { firstSha256 }) => {
      const leaf = read(one)
      if (more.length > 0 || leaf === undefined || one!.index !== 0n) return false
      const { entry } = leaf
      return entry.kind !== 'charter' || entry.number !== 0n || !sameBytes(entry.sha256, firstSha256)
    },
    time_falls: (leaves) => ofTwo(leaves, (first, second) => second.receivedAtMs < first.receivedAtMs),
    not_continuing: (leaves) =>
      ofTwo(leaves, ({ entry: first }, { entry: second }, areNeighbours) => {
        if (first.kind !== 'batch' || second.kind !== 'batch' || first.origin !== second.origin) return false
        // Between two that are no neighbours others may have made the log grow, never shrink.
        return areNeighbours ? second.oldSize !== first.newSize : second.oldSize < first.newSize
      }),
    charter_number: (leaves) =>
      ofTwo(leaves, ({ entry: first }, { entry: second }) => {
        return first.kind === 'charter' && second.kind === 'charter' && second.number <= first.number
      }),
    checkpoint: ([one, ...more]) => {
      const entry = read(one)?.entry
      if (more.length > 0 || entry?.kind !== 'batch') return false
      const text = Buffer.from(entry.checkpoint).toString('utf8')
      const said = parseCheckpoint(text.slice(0, text.lastIndexOf('\n\n') + 1))
      return (
        said.kind === 'refused' ||
        said.origin !== entry.origin ||
        said.size !== entry.newSize ||
        !sameBytes(said.root, entry.root)
      )
    },
    signature: ([one, ...more], { view }) => {
      const entry = read(one)?.entry
      if (more.length > 0 || entry?.kind !== 'batch') return false
      const keys = view.logs.get(entry.origin)?.keys ?? []
      // A charter that is not in the file may have retired any of these keys, and then its line was rightly passed over. But then some
      // other line must have held: so there may be none by a key that is not known here, and of the others not one that holds.
      const openings = keys.map(({ key }) => openNote(entry.checkpoint, [key]))
      return (
        hasOnlyLinesOf(entry.checkpoint, keys) &&
        openings.every(({ kind }) => kind === 'refused') &&
        openings.some((opened) => opened.kind === 'refused' && opened.code === 'SIGNATURE_INVALID')
      )
    },
  }

function hasOnlyLinesOf(note: Uint8Array, keys: LogView['keys']): boolean {
  const text = Buffer.from(note).toString('utf8')
  const lines = text.slice(text.lastIndexOf('\n\n') + 2, -1).split('\n')
  return lines.every((line) => {
    const parsed = parseSignatureLine(line)
    return (
      parsed.kind === 'signature-line' && keys.some(({ key }) => key.name === parsed.name && key.keyId === parsed.keyId)
    )
  })
}

function ofTwo(
  [one, two, ...more]: readonly IncludedLeaf[],
  isFault: (first: HubLeaf, second: HubLeaf, areNeighbours: boolean) => boolean,
): boolean {
  const [first, second] = [read(one), read(two)]
  if (first === undefined || second === undefined || more.length > 0 || one!.index >= two!.index) return false
  return isFault(first, second, one!.index + 1n === two!.index)
}

function read(at: IncludedLeaf | undefined): HubLeaf | undefined {
  const reading = at === undefined ? undefined : decodeHubLeaf(at.leaf)
  return reading?.kind === 'hub_leaf' ? reading.leaf : undefined
}

const sentences: Readonly<Record<HubLeafFaultCode, { readonly zh: string; readonly en: string }>> = {
  unreadable: { zh: '它无法读取', en: 'it cannot be read' },
  index: { zh: '它自称处于另一位置', en: 'it says that it stands elsewhere' },
  first_leaf: { zh: '首条记录不是联盟的章程零', en: "the first leaf is not the alliance's charter 0" },
  time_falls: { zh: '其时间早于在前的记录', en: 'it is earlier than a leaf before it' },
  not_continuing: {
    zh: '它没有从该区日志已到达之处继续',
    en: "it does not continue the zone's log from where it stood",
  },
  charter_number: { zh: '章程编号没有增加', en: 'the number of the charter does not grow' },
  checkpoint: {
    zh: '它所载的区检查点与它自己的说法不符',
    en: "the zone's checkpoint inside says something else than the leaf",
  },
  signature: {
    zh: '区检查点上没有一个签名成立',
    en: "no signature on the zone's checkpoint holds",
  },
}

/** What a checkpoint says, once its signature was found to hold. */
interface SignedTree {
  readonly kind: 'signed'
  readonly size: bigint
  readonly root: Uint8Array
}

/** A checkpoint of this log, with lines of its keys only, the deciding one among them. */
function readSigned(log: LogView, note: Uint8Array): SignedTree | Fails {
  const said = parseCheckpoint(textOf(note))
  if (said.kind === 'refused') return fails('EVIDENCE_SIGNATURE', said.reason)
  const keys = countingKeys(log, said.size)
  if (keys.length === 0) return fails('EVIDENCE_SIGNATURE', 'no key of that log counts at that size')
  const opened = openNote(note, keys)
  if (opened.kind === 'refused') return fails('EVIDENCE_SIGNATURE', opened.reason)
  if (opened.unknown.length > 0) return fails('EVIDENCE_SIGNATURE', 'a line by a key that does not count')
  if (!opened.verified.some(({ key }) => key.publicKey.suite === log.suite)) {
    return fails('EVIDENCE_SIGNATURE', `no line by ${log.suite}, which decides`)
  }
  const checkpoint = parseCheckpoint(opened.text)
  if (checkpoint.kind === 'refused') return fails('EVIDENCE_SIGNATURE', checkpoint.reason)
  if (checkpoint.origin !== log.origin || checkpoint.extensionLines.length > 0) {
    return fails('EVIDENCE_SIGNATURE', 'a checkpoint of another log, or with more lines than one has')
  }
  return { kind: 'signed', size: checkpoint.size, root: checkpoint.root }
}

/** A zone's checkpoint does not say at which position of H its key had to be accepted: only keys never retired count for it. */
function countingKeys(log: LogView, size: bigint): readonly VerifierKey[] {
  return log.keys
    .filter(({ entry: { acceptedFrom, retiredAt, compromisedFrom } }) => {
      if (compromisedFrom !== undefined) return false
      if (log.owner !== 'hub') return retiredAt === undefined
      return acceptedFrom <= size && (retiredAt === undefined || size < retiredAt)
    })
    .map(({ key }) => key)
}

function textOf(note: Uint8Array): string {
  const text = Buffer.from(note).toString('utf8')
  return text.slice(0, text.lastIndexOf('\n\n') + 1)
}

function who({ owner }: LogView): string {
  return owner === 'hub' ? 'the hub' : `the zone ${owner}`
}

function whoZh({ owner }: LogView): string {
  return owner === 'hub' ? '枢纽' : `区 ${owner} `
}

const failsZh: Readonly<Record<EvidenceFault, string>> = {
  EVIDENCE_UNREADABLE: '文件不是按规定写成的证据',
  EVIDENCE_CHARTER: '章程不符',
  EVIDENCE_SIGNATURE: '签名不成立',
  EVIDENCE_PROOF: '证明不成立',
  EVIDENCE_PROVES_NOTHING: '所载内容并不矛盾',
}

function fails(code: EvidenceFault, reason: string): Fails {
  return { kind: 'fails', code, reason, zh: failsZh[code] }
}

const maxPosition = 2n ** 63n - 1n

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
