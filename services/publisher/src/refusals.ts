import { type Bilingual, type Code, isCode, type Refusal, refusal } from '@hutong/licence'
import { type Refusal as RefusalWithStatus, status } from '@hutong/service'

/** Codes that only a publisher gives. Closed. */
export type OwnCode =
  | 'STOPPED_ANOTHER_WRITER'
  | 'KEY_MISMATCH'
  | 'KEY_STOLEN'
  | 'NOT_SEALED_IN_TIME'
  | 'STORE_UNAVAILABLE'
  | 'SHUTTING_DOWN'

/** Why a publisher does not write, beyond the catalogue's codes. */
const ownSentences: Readonly<Record<OwnCode, Bilingual>> = {
  STOPPED_ANOTHER_WRITER: {
    zh: '另一个发布服务已接管本区日志，本进程已停止写入',
    en: "another publisher has taken over this zone's log; this one writes nothing any more",
  },
  KEY_MISMATCH: {
    zh: '本服务的密钥不是章程为本区日志认可的密钥',
    en: "the keys here are not those the charter accepts for this zone's log",
  },
  KEY_STOLEN: {
    zh: '枢纽持有以本区密钥签名、但与本地日志不相接的日志：疑似密钥被盗，拒绝接管',
    en: "the hub holds a log under this zone's key that does not continue ours: a stolen key, not a restore",
  },
  NOT_SEALED_IN_TIME: {
    zh: '期限内未得结果；可用同一 request_id 安全重试',
    en: 'no result within the deadline; to repeat it with the same request_id is safe',
  },
  STORE_UNAVAILABLE: {
    zh: '本服务的存储暂时不可用；可用同一 request_id 安全重试',
    en: 'the store of this service cannot answer now; to repeat it with the same request_id is safe',
  },
  SHUTTING_DOWN: { zh: '服务正在停止，请稍后重试', en: 'the service is stopping; try again later' },
}

/** A refusal with the sentences of its code. */
export function publisherRefusal(code: Code | OwnCode, about: { field?: string; expected?: string } = {}): Refusal {
  if (isCode(code)) return refusal(code, about)
  return { code, field: about.field ?? '', expected: about.expected ?? '', ...ownSentences[code] }
}

/**
 * A refusal as a stranger's client takes it. UNAVAILABLE and RESOURCE_EXHAUSTED (503, 429) can be tried again unchanged; what an operator
 * must end first is 503 too; an event that does not follow from what is there is 422, one that contradicts it 409.
 */
export function refusalWithStatus(refusal: Refusal): RefusalWithStatus {
  const known = statuses.get(refusal.code)
  return { ...refusal, ...(known ?? { grpc: status.FAILED_PRECONDITION, http: 422 }) }
}

const statuses: ReadonlyMap<string, { readonly grpc: status; readonly http?: number }> = new Map([
  ['NOT_AUTHORISED', { grpc: status.PERMISSION_DENIED }],
  ['TOO_MANY_ITEMS', { grpc: status.INVALID_ARGUMENT }],
  ['REQUEST_ID', { grpc: status.FAILED_PRECONDITION, http: 400 }],
  ['CONFLICT', { grpc: status.FAILED_PRECONDITION, http: 409 }],
  ['ISSUED_ELSEWHERE', { grpc: status.FAILED_PRECONDITION, http: 409 }],
  ['HUB_NOT_ANSWERED', { grpc: status.UNAVAILABLE }],
  ['STORE_UNAVAILABLE', { grpc: status.UNAVAILABLE }],
  ['NOT_SEALED_IN_TIME', { grpc: status.UNAVAILABLE }],
  ['SHUTTING_DOWN', { grpc: status.UNAVAILABLE }],
  ['CLOCK_OFF', { grpc: status.UNAVAILABLE }],
  ['QUEUE_FULL', { grpc: status.RESOURCE_EXHAUSTED }],
  ['DISK_FULL', { grpc: status.RESOURCE_EXHAUSTED }],
  ['VERIFIER_NOT_ANSWERED', { grpc: status.FAILED_PRECONDITION, http: 503 }],
  ['ADOPT_NEEDED', { grpc: status.FAILED_PRECONDITION, http: 503 }],
  ['KEY_MISMATCH', { grpc: status.FAILED_PRECONDITION, http: 503 }],
  ['KEY_STOLEN', { grpc: status.FAILED_PRECONDITION, http: 503 }],
  ['HUB_FAULT', { grpc: status.FAILED_PRECONDITION, http: 503 }],
  ['STOPPED_ANOTHER_WRITER', { grpc: status.FAILED_PRECONDITION, http: 503 }],
])
