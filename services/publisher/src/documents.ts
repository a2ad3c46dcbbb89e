import type { Entry } from '@hutong/wire'

// How the publisher's documents lie in the store. Frozen: a store outlives the program that wrote it.

/** Who asked for an entry. Empty texts for what the publisher wrote by itself or adopted. */
export interface EntryRequest {
  readonly client: string
  readonly requestId: string
}

export interface KeptEntry extends Entry, EntryRequest {}

/** A batch: for each entry who asked, leaf, salt and payload. */
export function encodeBatchDocument(entries: readonly KeptEntry[]): Uint8Array {
  let length = 1
  const texts: Buffer[] = []
  for (const { client, requestId, leaf, salt, payload } of entries) {
    const clientBytes = Buffer.from(client)
    const requestBytes = Buffer.from(requestId)
    texts.push(clientBytes, requestBytes)
    length += fixedBytes + clientBytes.length + requestBytes.length + leaf.length + salt.length + payload.length
  }
  const bytes = Buffer.allocUnsafe(length)
  let at = bytes.writeUInt8(batchFormat, 0)
  const put = (part: Uint8Array) => {
    at = bytes.writeUInt32BE(part.length, at)
    bytes.set(part, at)
    at += part.length
  }
  for (let place = 0; place < entries.length; place++) {
    const { leaf, salt, payload, payloadEncoding } = entries[place]!
    put(texts[2 * place]!)
    put(texts[2 * place + 1]!)
    put(leaf)
    put(salt)
    put(payload)
    at = bytes.writeUInt8(payloadEncoding, at)
  }
  return bytes
}

/** The entries of a batch; their bytes are views. @throws {DocumentError} these are no such bytes. */
export function decodeBatchDocument(value: Uint8Array): readonly KeptEntry[] {
  const bytes = bufferOf(value)
  if (bytes.length === 0 || bytes[0] !== batchFormat) throw new DocumentError('a batch of an unknown format')
  let at = 1
  const take = () => {
    if (at + 4 > bytes.length) throw new DocumentError('a batch cut short')
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new DocumentError('a batch cut short')
    const part = bytes.subarray(at + 4, end)
    at = end
    return part
  }
  const entries: KeptEntry[] = []
  while (at < bytes.length) {
    const client = take().toString()
    const requestId = take().toString()
    const leaf = take()
    const salt = take()
    const payload = take()
    if (at >= bytes.length) throw new DocumentError('a batch cut short')
    const payloadEncoding = bytes[at++]!
    entries.push({ client, requestId, leaf, salt, payload, payloadEncoding })
  }
  return entries
}

/** What a store holds is not what a publisher writes: nothing may be concluded from it. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
}

/** A seal: what the zone signed over the log up to and with a batch. */
export interface SealDocument {
  readonly size: bigint
  readonly checkpoint: Uint8Array
  /** `encodeEdge` of the log after the batch. */
  readonly edge: Uint8Array
}

export function encodeSealDocument({ size, checkpoint, edge }: SealDocument): Uint8Array {
  return json({ size: String(size), checkpoint: base64(checkpoint), edge: base64(edge) })
}

export function decodeSealDocument(value: Uint8Array): SealDocument {
  const { size, checkpoint, edge } = fromJson(value)
  return { size: BigInt(size!), checkpoint: fromBase64(checkpoint!), edge: fromBase64(edge!) }
}

/** The hub's answer to a batch. Only what never changes of it: position and leaf of H, and up to which size it reaches. */
export interface AnswerDocument {
  readonly position: bigint
  readonly newSize: bigint
  readonly leaf: Uint8Array
}

export function encodeAnswerDocument({ position, newSize, leaf }: AnswerDocument): Uint8Array {
  return json({ position: String(position), newSize: String(newSize), leaf: base64(leaf) })
}

export function decodeAnswerDocument(value: Uint8Array): AnswerDocument {
  const { position, newSize, leaf } = fromJson(value)
  return { position: BigInt(position!), newSize: BigInt(newSize!), leaf: fromBase64(leaf!) }
}

/** The position: how far the log is sealed. What lies at or above `edge`'s size is not there. */
export interface PositionDocument {
  /** Names the run that wrote it, so that a writer knows its own unreported moves from those of another. */
  readonly writer: string
  readonly edge: Uint8Array
  /** Time of the newest leaf; 0 for an empty log. */
  readonly newestLoggedAtMs: number
  /** Time of the newest observed leaf; 0 for none. */
  readonly observedAtMs: number
  readonly observedHead: Uint8Array
}

export function encodePositionDocument(position: PositionDocument): Uint8Array {
  const { edge, observedHead, newestLoggedAtMs, observedAtMs, writer } = position
  return json({
    layout,
    writer,
    edge: base64(edge),
    newestLoggedAtMs: String(newestLoggedAtMs),
    observedAtMs: String(observedAtMs),
    observedHead: base64(observedHead),
  })
}

/** @throws {DocumentError} another program wrote these documents: reading on would find none of its hints, and publish all of it again. */
export function decodePositionDocument(value: Uint8Array): PositionDocument {
  const found = fromJson(value)
  if (found.layout !== layout) {
    throw new DocumentError(`the data has layout ${found.layout ?? 'none'}, this program knows ${layout} only`)
  }
  const { writer, edge, newestLoggedAtMs, observedAtMs, observedHead } = found
  return {
    writer: writer!,
    edge: fromBase64(edge!),
    newestLoggedAtMs: Number(newestLoggedAtMs),
    observedAtMs: Number(observedAtMs),
    observedHead: fromBase64(observedHead!),
  }
}

/**
 * Where something may stand. A hint, never the truth: a step that died leaves hints to events that were never sealed, and
 * another event may stand there now. Believed only after the batch at that index says the same.
 */
export interface Place {
  readonly index: bigint
  /** First index of its batch. */
  readonly firstIndex: bigint
}

export function encodePlace({ index, firstIndex }: Place): Uint8Array {
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeBigUInt64BE(index, 0)
  bytes.writeBigUInt64BE(firstIndex, 8)
  return bytes
}

export function decodePlace(value: Uint8Array): Place {
  const bytes = bufferOf(value)
  if (bytes.length < 16) throw new DocumentError('a place cut short')
  return { index: bytes.readBigUInt64BE(0), firstIndex: bytes.readBigUInt64BE(8) }
}

const batchFormat = 1
/** Of all documents together, keys included: another layout is another number. */
const layout = '1'
const fixedBytes = 5 * 4 + 1

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function base64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64')
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

function json(fields: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(fields))
}

function fromJson(value: Uint8Array): Readonly<Record<string, string>> {
  try {
    return JSON.parse(bufferOf(value).toString())
  } catch (cause) {
    throw new DocumentError('a document that is not JSON', { cause })
  }
}
