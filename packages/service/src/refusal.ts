import { status as GrpcStatus, Metadata, type ServiceError, type status } from '@grpc/grpc-js'
import { decodeStatusDetails, encodeStatusDetails } from './status-details.ts'

/** Longest `field` or `expected`, in UTF-16 units; longer text is cut, so that trailers stay far below header limits. */
export const REFUSAL_FIELD_LENGTH = 200
/** Longest sentence for people, in UTF-16 units; longer text is cut. */
export const REFUSAL_SENTENCE_LENGTH = 500

/**
 * Why a request of an outsider was not carried out: a value, never a surprise. It crosses gRPC as `google.rpc.Status`
 * with `ErrorInfo` (reason, domain `hutong`) and two `LocalizedMessage`, and HTTP as `application/problem+json`.
 * Nothing in it may be personal data: it is shown, stored and logged.
 */
export interface Refusal {
  /** Closed, stable, UPPER_SNAKE. */
  readonly code: string
  /** Path of the field that is at fault, as in the proto: `event.licence.valid_from`. */
  readonly field?: string
  /** What would have been accepted there, for a programmer. */
  readonly expected?: string
  /** One sentence for people, Chinese. */
  readonly zh: string
  /** The same sentence, English. */
  readonly en: string
  /** How gRPC's own vocabulary calls it; tells a stranger's client whether to retry. */
  readonly grpc: status
  /** The HTTP status, where gRPC's vocabulary has no word for what HTTP says (405, 406, 422). */
  readonly http?: number
}

const DETAILS_KEY = 'grpc-status-details-bin'
const refusals = new WeakMap<object, Refusal>()

/**
 * The error a route throws to refuse. Only errors made here reach a caller with their text; every other error becomes
 * INTERNAL, also a refusal received from a peer, whose caller was us and not ours.
 *
 * @throws {TypeError} the code is not UPPER_SNAKE, or the status is OK: a mistake of ours, not of the caller.
 */
export function refuse(refusal: Refusal): ServiceError {
  if (!/^[A-Z][A-Z0-9_]{1,62}$/.test(refusal.code))
    throw new TypeError(`refusal code "${refusal.code}": want UPPER_SNAKE`)
  if (refusal.grpc === GrpcStatus.OK) throw new TypeError(`refusal ${refusal.code}: OK refuses nothing`)
  const bounded = boundedRefusal(refusal)
  const details = `${bounded.code}: ${bounded.en}`
  const metadata = new Metadata()
  metadata.set(DETAILS_KEY, Buffer.from(encodeStatusDetails(bounded, details)))
  const error = Object.assign(new Error(details), { code: bounded.grpc, details, metadata })
  refusals.set(error, bounded)
  return error
}

/** The refusal inside an error made by `refuse` in this process; undefined for every other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  return typeof error === 'object' && error !== null ? refusals.get(error) : undefined
}

/**
 * The refusal a peer sent, read from the error of a gRPC call; undefined when the peer sent none of ours, or sent bytes
 * that cannot be read. The peer controls every character of it.
 */
export function refusalFromError(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('metadata' in error) || !(error.metadata instanceof Metadata)) return undefined
  if (!('code' in error) || typeof error.code !== 'number') return undefined
  const bytes = error.metadata.get(DETAILS_KEY)[0]
  if (bytes === undefined || typeof bytes === 'string') return undefined
  const details = decodeStatusDetails(bytes)
  return details === undefined ? undefined : boundedRefusal({ ...details, grpc: error.code })
}

function boundedRefusal(refusal: Refusal): Refusal {
  return {
    code: refusal.code,
    ...(refusal.field === undefined ? {} : { field: cut(refusal.field, REFUSAL_FIELD_LENGTH) }),
    ...(refusal.expected === undefined ? {} : { expected: cut(refusal.expected, REFUSAL_FIELD_LENGTH) }),
    zh: cut(refusal.zh, REFUSAL_SENTENCE_LENGTH),
    en: cut(refusal.en, REFUSAL_SENTENCE_LENGTH),
    grpc: refusal.grpc,
    ...(refusal.http === undefined ? {} : { http: refusal.http }),
  }
}

// grpc-js passes the text to encodeURI, which throws on a lone surrogate: a field path taken from a request may hold one.
function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}
