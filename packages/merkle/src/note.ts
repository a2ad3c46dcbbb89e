import { type Signer, verifySignature } from '@hutong/signing'
import { verifyCosignature } from './cosignature.ts'
import { type Refusal, refused } from './refusal.ts'
import { formatSignatureLine, parseSignatureLine } from './signature-line.ts'
import { holdsControlCharacter, textFromUtf8 } from './strict-text.ts'
import { formatVkey, type VerifierKey, verifierKey } from './verifier-key.ts'

/** A note with more signature lines is refused, known or not, repeated or not (formats F3). */
export const maxSignatureLines = 100

/** A larger note is refused unread. The largest of ours is a charter's note, far below. */
export const maxNoteSizeBytes = 1_000_000

/** Signs the text of notes as `key`. */
export interface NoteSigner {
  readonly key: VerifierKey
  sign(text: Uint8Array): Uint8Array
}

/** One line of a note whose key is known and whose signature holds. */
export interface VerifiedSignature {
  readonly key: VerifierKey
  /** What the line carries after the key id; for a cosignature the time and the Ed25519 signature. */
  readonly signature: Uint8Array
  /** Of a cosignature only: when the witness saw the checkpoint, in seconds since the epoch, 0 … 2^63 − 1. */
  readonly time?: bigint
}

/** One line of a note by a key that is not known: nothing is known about its signature. */
export interface UnknownSignature {
  readonly name: string
  readonly keyId: number
  readonly signature: Uint8Array
}

/** A note of which at least one known signature holds and none fails. Whose signatures suffice is for the caller to judge. */
export interface OpenedNote {
  readonly kind: 'note'
  /** The signed text, its last newline included. */
  readonly text: string
  /** One for each key, in the order of the lines. */
  readonly verified: readonly [VerifiedSignature, ...VerifiedSignature[]]
  /** The differing lines of unknown keys, in order. */
  readonly unknown: readonly UnknownSignature[]
}

/** A signer of notes under this name; the suite decides the type of its line (formats F3). */
export function noteSigner(name: string, signer: Signer): NoteSigner {
  return { key: verifierKey(name, signer.publicKey), sign: (text) => signer.sign(text) }
}

/**
 * The signed note: the text, an empty line, a line of each signer in the order given.
 * @throws {RangeError} the text could not be read back out of a note (it is empty, lacks its last newline, holds a control
 * character), or there is no signer or too many.
 */
export function signNote(text: string, signers: readonly NoteSigner[]): Uint8Array {
  if (signers.length === 0 || signers.length > maxSignatureLines) {
    throw new RangeError(`a note has 1 to ${maxSignatureLines} signatures, not ${signers.length}`)
  }
  if (!text.endsWith('\n') || holdsControlCharacter(text) || !text.isWellFormed()) {
    throw new RangeError('the text of a note ends in a newline and holds no other control character')
  }
  const bytes = Buffer.from(text, 'utf8')
  return noteBytes(
    text,
    signers.map((signer) => formatSignatureLine(signer.key, signer.sign(bytes))),
  )
}

/**
 * Reads a signed note (C2SP signed-note, "Verifying signatures"). Every line of a known key is verified: one that fails rejects the
 * note, also beside good ones, and so does the lack of any known line. Cosignatures count only over a text that is a checkpoint.
 * @throws {RangeError} two different keys of `known` share name and key id: then a line would not say which it is by.
 */
export function openNote(note: Uint8Array, known: readonly VerifierKey[]): OpenedNote | Refusal {
  const keys = keysByPlace(known)
  const parts = splitNote(note)
  if (parts.kind === 'refused') return parts
  const verified = new Map<VerifierKey, VerifiedSignature>()
  const unknown = new Map<string, UnknownSignature>()
  for (const line of parts.lines) {
    const parsed = parseSignatureLine(line)
    if (parsed.kind === 'refused') return parsed
    const { name, keyId, signature } = parsed
    const key = keys.get(placeOf(parsed))
    if (key === undefined) {
      unknown.set(line, { name, keyId, signature })
      continue
    }
    const signed = verifySignatureOf(key, parts.text, signature)
    if (signed === undefined) return refused('SIGNATURE_INVALID', `note: the signature of ${name} does not hold`)
    if (!verified.has(key)) verified.set(key, signed)
  }
  const [first, ...rest] = verified.values()
  if (first === undefined) return refused('NO_KNOWN_SIGNATURE', 'note: no line is by a known key')
  return { kind: 'note', text: parts.text, verified: [first, ...rest], unknown: [...unknown.values()] }
}

/**
 * The note with these signature lines (without newlines) after its own. A line whose name and key id already stand in the note is
 * left out, so that adding twice adds nothing and what was there stays. Nothing is verified: open the result with the keys that
 * matter. A line that came from outside is first read with `parseSignatureLine`, which does not throw.
 * @throws {RangeError} the note or a line is malformed, or the note would have more than 100 lines.
 */
export function addSignatures(note: Uint8Array, lines: readonly string[]): Uint8Array {
  const parts = splitNote(note)
  if (parts.kind === 'refused') throw new RangeError(parts.reason)
  const all = [...parts.lines]
  const places = new Set(all.map(placeOfLine))
  for (const line of lines) {
    const place = placeOfLine(line)
    if (!places.has(place)) all.push(line)
    places.add(place)
  }
  if (all.length > maxSignatureLines) throw new RangeError(`a note has at most ${maxSignatureLines} signatures`)
  return noteBytes(parts.text, all)
}

/** The text of a note and its signature lines, nothing verified. */
interface NoteParts {
  readonly kind: 'parts'
  readonly text: string
  readonly lines: readonly string[]
}

function splitNote(note: Uint8Array): NoteParts | Refusal {
  if (note.length > maxNoteSizeBytes) return refused('MALFORMED', `note: more than ${maxNoteSizeBytes} bytes`)
  const whole = textFromUtf8(note)
  if (whole === undefined) return refused('MALFORMED', 'note: no UTF-8')
  if (holdsControlCharacter(whole)) return refused('MALFORMED', 'note: a control character')
  const parting = whole.lastIndexOf('\n\n')
  if (parting < 0) return refused('MALFORMED', 'note: no empty line before signatures')
  const lines = whole.slice(parting + 2).split('\n')
  if (lines.pop() !== '' || lines.length === 0) return refused('MALFORMED', 'note: no signature line that ends')
  if (lines.length > maxSignatureLines) return refused('MALFORMED', `note: more than ${maxSignatureLines} signatures`)
  return { kind: 'parts', text: whole.slice(0, parting + 1), lines }
}

function noteBytes(text: string, lines: readonly string[]): Uint8Array {
  return Buffer.from(`${text}\n${lines.map((line) => `${line}\n`).join('')}`, 'utf8')
}

/** What the line says, where it holds: also the time, where it is a cosignature. */
function verifySignatureOf(key: VerifierKey, text: string, signature: Uint8Array): VerifiedSignature | undefined {
  if (key.type === 'cosignature') {
    const time = verifyCosignature(key, text, signature)
    return time === undefined ? undefined : { key, signature, time }
  }
  return verifySignature(key.publicKey, Buffer.from(text, 'utf8'), signature) ? { key, signature } : undefined
}

function keysByPlace(known: readonly VerifierKey[]): ReadonlyMap<string, VerifierKey> {
  const keys = new Map<string, VerifierKey>()
  for (const key of known) {
    const other = keys.get(placeOf(key))
    if (other !== undefined && formatVkey(other) !== formatVkey(key)) {
      throw new RangeError(`two known keys share the name ${key.name} and one key id`)
    }
    keys.set(placeOf(key), other ?? key)
  }
  return keys
}

function placeOf({ name, keyId }: { readonly name: string; readonly keyId: number }): string {
  return `${name}+${keyId}`
}

function placeOfLine(line: string): string {
  const parsed = parseSignatureLine(line)
  if (parsed.kind === 'refused') throw new RangeError(parsed.reason)
  return placeOf(parsed)
}
