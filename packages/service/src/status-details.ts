import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Refusal } from './refusal.ts'

/** The `ErrorInfo.domain` of every reason code of this product. */
const ERROR_DOMAIN = 'hutong'

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo'
const LOCALIZED_MESSAGE = 'type.googleapis.com/google.rpc.LocalizedMessage'
// Ours has five fields at most; a peer that sends more than this many sends something else.
const FIELDS_LIMIT = 32

/**
 * `google.rpc.Status` (google/rpc/status.proto: code 1, message 2, details 3) with `ErrorInfo` (reason 1, domain 2,
 * metadata 3) and a `LocalizedMessage` (locale 1, message 2) for zh-CN and for en.
 */
export function encodeStatusDetails(refusal: Refusal, message: string): Uint8Array {
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(refusal.grpc)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .tag(3, WireType.LengthDelimited)
    .bytes(any(ERROR_INFO, errorInfo(refusal)))
    .tag(3, WireType.LengthDelimited)
    .bytes(any(LOCALIZED_MESSAGE, localizedMessage('zh-CN', refusal.zh)))
    .tag(3, WireType.LengthDelimited)
    .bytes(any(LOCALIZED_MESSAGE, localizedMessage('en', refusal.en)))
    .finish()
}

/** What `encodeStatusDetails` wrote; undefined for other people's details, another domain, and bytes that do not parse. */
export function decodeStatusDetails(bytes: Uint8Array): Omit<Refusal, 'grpc'> | undefined {
  try {
    return refusalFromDetails(readDetails(bytes))
  } catch {
    // The peer controls these bytes: that they cannot be read is an answer too, the plain status stays.
    return undefined
  }
}

function errorInfo(refusal: Refusal): Uint8Array {
  const writer = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(refusal.code)
    .tag(2, WireType.LengthDelimited)
    .string(ERROR_DOMAIN)
  for (const key of ['field', 'expected'] as const) {
    const value = refusal[key]
    if (value !== undefined) writer.tag(3, WireType.LengthDelimited).bytes(pair(key, value))
  }
  return writer.finish()
}

function localizedMessage(locale: string, message: string): Uint8Array {
  return pair(locale, message)
}

// Map entries, Any and LocalizedMessage share one shape: two length-delimited fields, 1 and 2.
function pair(first: string, second: string): Uint8Array {
  return any(first, new TextEncoder().encode(second))
}

function any(typeUrl: string, value: Uint8Array): Uint8Array {
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(typeUrl)
    .tag(2, WireType.LengthDelimited)
    .bytes(value)
    .finish()
}

interface Fields {
  readonly [field: number]: readonly Uint8Array[]
}

function readDetails(bytes: Uint8Array): readonly Fields[] {
  return (readFields(bytes)[3] ?? []).map(readFields)
}

function refusalFromDetails(details: readonly Fields[]): Omit<Refusal, 'grpc'> | undefined {
  const info = details
    .filter((detail) => firstText(detail, 1) === ERROR_INFO)
    .map((detail) => readFields(first(detail, 2)))[0]
  if (info === undefined || firstText(info, 2) !== ERROR_DOMAIN) return undefined
  const messages = details
    .filter((detail) => firstText(detail, 1) === LOCALIZED_MESSAGE)
    .map((detail) => readFields(first(detail, 2)))
  const sentence = (locale: string) => firstText(messages.find((message) => firstText(message, 1) === locale) ?? {}, 2)
  const metadata = new Map((info[3] ?? []).map(readFields).map((entry) => [firstText(entry, 1), firstText(entry, 2)]))
  const field = metadata.get('field')
  const expected = metadata.get('expected')
  return {
    code: firstText(info, 1),
    ...(field === undefined ? {} : { field }),
    ...(expected === undefined ? {} : { expected }),
    zh: sentence('zh-CN'),
    en: sentence('en'),
  }
}

function readFields(bytes: Uint8Array): Fields {
  const fields: Record<number, readonly Uint8Array[]> = {}
  const reader = new BinaryReader(bytes)
  for (let read = 0; reader.pos < reader.len; read++) {
    if (read === FIELDS_LIMIT) throw new RangeError(`more than ${FIELDS_LIMIT} fields in a message`)
    const [field, wireType] = reader.tag()
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType)
    else fields[field] = [...(fields[field] ?? []), reader.bytes()]
  }
  return fields
}

function first(fields: Fields, field: number): Uint8Array {
  return fields[field]?.[0] ?? new Uint8Array()
}

function firstText(fields: Fields, field: number): string {
  return new TextDecoder().decode(first(fields, field))
}
