/**
 * Why a proof fails, and what a person reads about it. A code is stable for ever. None of the sentences holds a word of a verdict: a
 * proof says what was logged, never whether a licence may be relied on (formats F10).
 */
export const proofFaults = {
  PROOF_UNREADABLE: {
    zh: '文件不是规定写法的证明文件',
    en: 'the file is no proof file in its one spelling',
  },
  CHARTER_REFUSED: { zh: '所给的首份章程不能采用', en: 'the charter 0 that was given cannot be used' },
  CHARTER_DIFFERS: {
    zh: '所给的首份章程不是此日志所依的章程',
    en: 'the charter 0 that was given is not the one this log began with',
  },
  CHARTER_CHAIN: {
    zh: '文件中的章程不能接续前一份章程',
    en: 'a charter in the file does not follow from the one before',
  },
  HEAD_NOT_SIGNED: {
    zh: '检查点没有枢纽可核验的签名',
    en: 'the head carries no signature of the hub that holds',
  },
  HEAD_STRAY_LINE: {
    zh: '检查点上有并非来自章程所列密钥的签名行，或同一行出现两次',
    en: 'the head carries a line by no key of the charter, or one line twice',
  },
  QUORUM_MISSED: { zh: '检查点的见证不足法定数', en: 'too few witnesses have cosigned the head' },
  HEADS_CONTRADICT: {
    zh: '枢纽签署的记录自相矛盾，两份证据附后',
    en: 'what the hub signed contradicts itself; both sides are given',
  },
  NOT_INCLUDED: { zh: '所列路径不能通向已签名的根', en: 'the path does not lead to the signed root' },
  HUB_LEAF_REFUSED: { zh: '枢纽日志的叶不能读取或位置不符', en: 'the leaf of H cannot be read or has another place' },
  BATCH_NOT_SIGNED: {
    zh: '区检查点没有当时采用的密钥的签名，或与枢纽日志的叶不符',
    en: 'the zone checkpoint is not signed by a key accepted at its position, or differs from the leaf of H',
  },
  EVENT_NOT_IN_BATCH: { zh: '事件不在所列的批中', en: 'the event does not stand in the batch named' },
  LEAF_UNREADABLE: { zh: '事件的叶不能读取', en: "the event's leaf cannot be read" },
  PAYLOAD_MISMATCH: { zh: '载荷与登记不符', en: 'the payload is not the one that was logged' },
  LEAF_MISMATCH: { zh: '叶与载荷所述不一致', en: 'leaf and payload do not say the same' },
  EVENT_NOT_UNDERSTOOD: { zh: '有一条记录本软件尚不认识', en: 'an event is not understood by this software' },
  NOT_OF_A_LICENCE: { zh: '事件并非关于证照', en: 'the event is not about a licence' },
  SUBJECT_DIFFERS: { zh: '事件关于另一份证照', en: 'the event is about another licence' },
  LOG_DIFFERS: { zh: '事件在另一本日志中', en: 'the event stands in another log' },
  EVENT_LEFT_OUT: { zh: '缺少中间或最初的事件', en: 'an event before this one was left out' },
  ORDER: { zh: '事件不按日志次序', en: 'the events are not in the order of the log' },
  KEY_COMPROMISED: {
    zh: '签署此事件的密钥已泄露，且事件未经重新确认',
    en: 'the key that signed this event was compromised and the event was not restated',
  },
} as const

export type ProofFaultCode = keyof typeof proofFaults

/** Two things under signatures that no honest hub gives both of. */
export interface ProofEvidence {
  /** The signed notes, as found in the file. */
  readonly heads: readonly [string, string]
}

/** Why a proof, or a receipt, fails. */
export interface ProofFails {
  readonly kind: 'fails'
  readonly code: ProofFaultCode
  /** Path in the file, such as `events[2].batchProof`. */
  readonly where: string
  /** What was expected there, for programmers. */
  readonly expected: string
  readonly evidence: ProofEvidence | undefined
}

export function proofFails(
  code: ProofFaultCode,
  where: string,
  expected: string,
  evidence?: ProofEvidence,
): ProofFails {
  return { kind: 'fails', code, where, expected, evidence }
}
