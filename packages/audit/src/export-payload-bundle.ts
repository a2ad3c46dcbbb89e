import { createHash } from 'node:crypto'

/** Length of a salt, in bytes (formats F5). */
const saltBytes = 32
const digestBytes = 32
const lengthBytes = 2

/** What an export holds of one event's payload. */
export type ExportedPayload =
  | { readonly kind: 'given'; readonly salt: Uint8Array; readonly payload: Uint8Array }
  /** It was never given, or was deleted here. */
  | { readonly kind: 'absent' }
  /** The hub says that it was redacted. */
  | { readonly kind: 'redacted' }

/** Which leaves a bundle belongs to. */
export interface PayloadBundleName {
  readonly origin: string
  /** Index of its first leaf, a multiple of 256. */
  readonly firstIndex: bigint
  /** 1 … 256. */
  readonly width: number
}

/** What the bytes of a bundle come to. */
export interface PayloadBundleReading {
  /** As many as could be read, all of them where nothing is wrong. */
  readonly payloads: readonly ExportedPayload[]
  /** Where each of them begins, in bytes. */
  readonly offsets: readonly number[]
  /** Why these are not the bytes that were written; undefined where they are. */
  readonly fault: PayloadBundleFault | undefined
}

export interface PayloadBundleFault {
  /** False: the form is right, and the file's own SHA-256 says that something was altered. */
  readonly isMalformed: boolean
  readonly reason: string
  /** Where it was noticed, in bytes. */
  readonly offset: number
}

/**
 * The payloads of up to 256 leaves as one file (formats F11): its name in three lines, for each leaf one byte (0 absent, 1 given,
 * 2 redacted) and where given the salt, a big-endian u16 length and the payload; last the SHA-256 of all that.
 * @throws {RangeError} a payload or salt that no leaf commits to, or another number of them than the width.
 */
export function encodePayloadBundle(name: PayloadBundleName, payloads: readonly ExportedPayload[]): Uint8Array {
  if (payloads.length !== name.width || name.width < 1) throw new RangeError(`${payloads.length} payloads`)
  const content = Buffer.concat([headerOf(name), ...payloads.flatMap(partsOf)])
  return Buffer.concat([content, digestOf(content)])
}

/** Reads a bundle strictly: exactly what `encodePayloadBundle` writes under this name. Never throws on foreign bytes. */
export function decodePayloadBundle(bytes: Uint8Array, name: PayloadBundleName): PayloadBundleReading {
  const payloads: ExportedPayload[] = []
  const offsets: number[] = []
  const faulty = (isMalformed: boolean, reason: string, offset: number): PayloadBundleReading => {
    return { payloads, offsets, fault: { isMalformed, reason, offset } }
  }
  const header = headerOf(name)
  const end = bytes.length - digestBytes
  const differing = firstDifference(header, bytes.subarray(0, header.length))
  if (differing !== undefined) return faulty(true, 'it does not begin with the name of these leaves', differing)
  let at = header.length
  while (payloads.length < name.width) {
    const read = readPayload(bytes, at, end)
    if (read === undefined) return faulty(true, `no payload of leaf ${name.firstIndex + BigInt(payloads.length)}`, at)
    payloads.push(read.payload)
    offsets.push(at)
    at = read.next
  }
  if (at !== end) return faulty(true, 'bytes after the last payload', at)
  if (firstDifference(digestOf(bytes.subarray(0, end)), bytes.subarray(end)) !== undefined) {
    return faulty(false, 'its own SHA-256 is another', end)
  }
  return { payloads, offsets, fault: undefined }
}

function headerOf({ origin, firstIndex, width }: PayloadBundleName): Buffer {
  return Buffer.from(`hutong/payloads/v1\n${origin}\n${firstIndex} ${width}\n`, 'utf8')
}

function partsOf(one: ExportedPayload): readonly Uint8Array[] {
  if (one.kind === 'absent') return [Uint8Array.of(0)]
  if (one.kind === 'redacted') return [Uint8Array.of(2)]
  const { salt, payload } = one
  if (salt.length !== saltBytes || payload.length === 0 || payload.length > 0xffff) {
    throw new RangeError(`a payload of ${payload.length} bytes under a salt of ${salt.length}`)
  }
  return [Uint8Array.of(1), salt, Uint8Array.of(payload.length >> 8, payload.length & 0xff), payload]
}

function readPayload(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly payload: ExportedPayload; readonly next: number } | undefined {
  if (at >= end) return undefined
  if (bytes[at] === 0) return { payload: { kind: 'absent' }, next: at + 1 }
  if (bytes[at] === 2) return { payload: { kind: 'redacted' }, next: at + 1 }
  const start = at + 1 + saltBytes + lengthBytes
  if (bytes[at] !== 1 || start > end) return undefined
  const length = (bytes[start - 2]! << 8) | bytes[start - 1]!
  const next = start + length
  if (length === 0 || next > end) return undefined
  const salt = bytes.subarray(at + 1, at + 1 + saltBytes)
  return { payload: { kind: 'given', salt, payload: bytes.subarray(start, next) }, next }
}

/** Where they begin to differ; undefined where they do not. */
function firstDifference(wanted: Uint8Array, given: Uint8Array): number | undefined {
  for (const [at, byte] of wanted.entries()) if (given[at] !== byte) return at
  return wanted.length === given.length ? undefined : wanted.length
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}
