import { isCode, type Refusal, refusal } from '@hutong/licence'

/** Why the log commits nothing at the moment, or did not take what was asked. Closed. */
export type LogCode =
  | 'WAITING_FOR_WITNESSES'
  | 'ADOPT_NEEDED'
  | 'CLOCK_OFF'
  | 'QUEUE_FULL'
  | 'DISK_FULL'
  | 'STORE_UNAVAILABLE'
  /** Another process writes this log: this one has stopped. */
  | 'ANOTHER_WRITER'
  /** Our own copy is damaged: nothing is signed over it. */
  | 'LOG_DAMAGED'
  | 'SHUTTING_DOWN'
  /** The message cannot be read. */
  | 'MALFORMED'
  /** The hub's signature is not on this head, or not under a key of the charter. */
  | 'HEAD_NOT_SIGNED'
  /** The caller is no witness under this name. */
  | 'NOT_A_WITNESS'
  /** No cosignature of the witness holds. */
  | 'COSIGNATURE_INVALID'
  /** What the verifier kept does not continue this log under the hub's own signature. */
  | 'ADOPT_REFUSED'
  /** The witness has more streams open than one can use. */
  | 'TOO_MANY_STREAMS'
  | 'NOT_IN_LOG'
  | 'NOT_FOUND'

/** A refusal with its sentence, from the alliance's catalogue or, for what only the hub says, from the table here. */
export function logRefusal(code: LogCode | (string & {}), field = '', expected = ''): Refusal {
  if (Object.hasOwn(ownSentences, code)) return { code, field, expected, ...ownSentences[code]! }
  const parameters = { zone: { zh: '该区', en: 'the zone' } }
  return refusal(isCode(code) ? code : 'NOT_FOUND', { field, expected, parameters })
}

const ownSentences: Readonly<Record<string, { readonly zh: string; readonly en: string }>> = {
  STORE_UNAVAILABLE: { zh: '枢纽的存储暂时不可用', en: "the hub's store cannot answer at the moment" },
  ANOTHER_WRITER: {
    zh: '另有进程正在写入此日志，本进程已停止写入',
    en: 'another process writes this log; this one has stopped writing',
  },
  LOG_DAMAGED: {
    zh: '枢纽自己的数据已损坏，拒绝签名',
    en: "the hub's own data is damaged; it refuses to sign",
  },
  SHUTTING_DOWN: { zh: '枢纽正在停止', en: 'the hub is stopping' },
  MALFORMED: { zh: '请求无法读取', en: 'the request cannot be read' },
  HEAD_NOT_SIGNED: { zh: '检查点没有枢纽的有效签名', en: "the head is not under the hub's signature" },
  NOT_A_WITNESS: { zh: '调用方不是此名称的见证区', en: 'the caller is not the witness of this name' },
  COSIGNATURE_INVALID: { zh: '没有有效的见证签名', en: 'no cosignature of the witness holds' },
  TOO_MANY_STREAMS: { zh: '同一见证区打开的流过多', en: 'the witness has too many streams open' },
  ADOPT_REFUSED: {
    zh: '所提供的记录不能在枢纽签名下接续本日志',
    en: "what was offered does not continue this log under the hub's own signature",
  },
}
