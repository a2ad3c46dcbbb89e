import { asBytes } from './bytes.ts'
import { largestCharterBytes } from './charter.ts'
import { largestLeafBytes } from './leaf.ts'
import { largestPayloadBytes } from './payload.ts'

/** Media type of a proof file (formats F10). */
export const proofMediaType = 'application/vnd.hutong.proof+json'

/** What stands first in a proof file. */
export const proofFormat = 'hutong/proof/v1'

/** The bounds of a proof file (formats F10). What passes one is refused, in writing as in reading. */
export const proofLimits: {
  /** The whole file, in bytes, at most; a larger one is refused unread. */
  readonly fileBytes: number
  /** Events, at most; at least one. */
  readonly events: number
  /** Charters after charter 0, at most. */
  readonly charters: number
  /** One `tlog-proof@v1`, in bytes, at most: a leaf of H in base64, a path and a head with 100 lines have room. */
  readonly tlogProofBytes: number
} = { fileBytes: 16 * 1024 * 1024, events: 1000, charters: 100, tlogProofBytes: 256 * 1024 }

/** A proof of a licence as a file carries it, nothing verified. */
export interface ProofFile {
  /** `tlog-proof@v1` of leaf 0 of H, the leaf in `extra`: it names the SHA-256 of charter 0, which the reader brings. */
  readonly firstCharter: Uint8Array
  /** Every charter after charter 0 that is needed, in order. */
  readonly charters: readonly ProofFileCharter[]
  /** All events about the licence up to the last one shown, in the order of the log. */
  readonly events: readonly ProofFileEvent[]
}

/** A charter after charter 0. */
export interface ProofFileCharter {
  readonly charter: Uint8Array
  /** `tlog-proof@v1` of its leaf of H, the leaf in `extra`. */
  readonly proof: Uint8Array
}

/** One event: its bytes and the two proofs of formats F9. */
export interface ProofFileEvent {
  readonly leaf: Uint8Array
  /** 32 bytes. */
  readonly salt: Uint8Array
  readonly payload: Uint8Array
  /** `tlog-proof@v1` from the event's leaf to the zone checkpoint of its batch; without `extra`. */
  readonly eventProof: Uint8Array
  /** `tlog-proof@v1` of the batch's leaf of H under a cosigned head, the leaf in `extra`. */
  readonly batchProof: Uint8Array
}

/** What the bytes of a proof file come to. */
export type ProofFileReading =
  | { readonly kind: 'proof_file'; readonly file: ProofFile }
  | {
      readonly kind: 'unreadable'
      /** Path of the member, such as events[2].batchProof. */
      readonly field: string
      readonly expected: string
    }

/**
 * A proof file has one spelling: members in this order, bytes in padded base64, no white space, a newline at the end. So no byte of it
 * can be changed without changing what it says.
 */
export function proofFileToBytes({ firstCharter, charters, events }: ProofFile): Uint8Array {
  const json = {
    format: proofFormat,
    firstCharter: utf8(firstCharter),
    charters: charters.map(({ charter, proof }) => ({ charter: base64(charter), proof: utf8(proof) })),
    events: events.map(({ leaf, salt, payload, eventProof, batchProof }) => ({
      leaf: base64(leaf),
      salt: base64(salt),
      payload: base64(payload),
      eventProof: utf8(eventProof),
      batchProof: utf8(batchProof),
    })),
  }
  return asBytes(Buffer.from(`${JSON.stringify(json)}\n`, 'utf8'))
}

/** Reads what `proofFileToBytes` writes, and nothing that is spelt in another way. Never throws. */
export function proofFileFromBytes(bytes: Uint8Array): ProofFileReading {
  if (bytes.length > proofLimits.fileBytes) return unreadable('proof', `at most ${proofLimits.fileBytes} bytes`)
  const json = jsonOf(bytes)
  if (json === undefined) return unreadable('proof', 'JSON in UTF-8')
  const reader = new ProofReader()
  const file = reader.file(json)
  if (reader.fault !== undefined) return { kind: 'unreadable', ...reader.fault }
  // White space, members twice, escapes and base64 with stray bits all end here: each is another spelling of the same thing.
  if (Buffer.compare(proofFileToBytes(file), bytes) !== 0) {
    return unreadable('proof', 'the one spelling: no white space, nothing twice, a newline at the end')
  }
  return { kind: 'proof_file', file }
}

interface Fault {
  readonly field: string
  readonly expected: string
}

/** Keeps the first fault and goes on with values that nobody will see. */
class ProofReader {
  fault: Fault | undefined

  file(json: unknown): ProofFile {
    const names = ['format', 'firstCharter', 'charters', 'events'] as const
    const [format, firstCharter, charters, events] = this.#members(json, 'proof', names)
    if (format !== proofFormat) this.#fail('format', proofFormat)
    return {
      firstCharter: this.#text(firstCharter, 'firstCharter'),
      charters: this.#list(charters, 'charters', 0, proofLimits.charters).map((one, at) =>
        this.#charter(one, `charters[${at}]`),
      ),
      events: this.#list(events, 'events', 1, proofLimits.events).map((one, at) => this.#event(one, `events[${at}]`)),
    }
  }

  #charter(json: unknown, path: string): ProofFileCharter {
    const [charter, proof] = this.#members(json, path, ['charter', 'proof'])
    return {
      charter: this.#bytes(charter, `${path}.charter`, 1, largestCharterBytes),
      proof: this.#text(proof, `${path}.proof`),
    }
  }

  #event(json: unknown, path: string): ProofFileEvent {
    const names = ['leaf', 'salt', 'payload', 'eventProof', 'batchProof'] as const
    const [leaf, salt, payload, eventProof, batchProof] = this.#members(json, path, names)
    return {
      leaf: this.#bytes(leaf, `${path}.leaf`, 1, largestLeafBytes),
      salt: this.#bytes(salt, `${path}.salt`, saltBytes, saltBytes),
      payload: this.#bytes(payload, `${path}.payload`, 1, largestPayloadBytes),
      eventProof: this.#text(eventProof, `${path}.eventProof`),
      batchProof: this.#text(batchProof, `${path}.batchProof`),
    }
  }

  /** The members of an object, all of them and in order. */
  #members(json: unknown, path: string, names: readonly string[]): readonly unknown[] {
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
    const found = isObject ? Object.entries(json) : []
    if (found.length === names.length && found.every(([name], at) => name === names[at])) {
      return found.map(([, value]) => value)
    }
    this.#fail(path, `an object of ${names.join(', ')}`)
    return []
  }

  #list(json: unknown, path: string, fewest: number, most: number): readonly unknown[] {
    if (Array.isArray(json) && json.length >= fewest && json.length <= most) return json
    this.#fail(path, `a list of ${fewest} to ${most}`)
    return []
  }

  #bytes(json: unknown, path: string, fewest: number, most: number): Uint8Array {
    const bytes = typeof json === 'string' ? Buffer.from(json, 'base64') : Buffer.alloc(0)
    const fits = bytes.length >= fewest && bytes.length <= most && bytes.toString('base64') === json
    if (!fits) this.#fail(path, `${fewest} to ${most} bytes in padded base64`)
    return asBytes(bytes)
  }

  #text(json: unknown, path: string): Uint8Array {
    const isText = typeof json === 'string' && json.isWellFormed()
    const bytes = Buffer.from(isText ? json : '', 'utf8')
    if (bytes.length === 0 || bytes.length > proofLimits.tlogProofBytes) {
      this.#fail(path, `a text of 1 to ${proofLimits.tlogProofBytes} bytes`)
    }
    return asBytes(bytes)
  }

  #fail(field: string, expected: string): void {
    this.fault ??= { field, expected }
  }
}

const saltBytes = 32

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    // Both complain about nothing but the bytes, which are an outsider's: the answer is a value.
    return undefined
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function unreadable(field: string, expected: string): ProofFileReading {
  return { kind: 'unreadable', field, expected }
}
