import { isUtf8 } from 'node:buffer'
import { asBuffer, asBytes } from './bytes.ts'

/** How the value of a field is written. */
export type FieldForm =
  | 'text'
  | 'bytes'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'enum'
  | 'packed_uint32'
  | MessageRule<unknown>

/** One field of a message: what the reader must know to read it in one way only. */
export interface FieldRule {
  /** Property of the message object. */
  readonly name: string
  readonly form: FieldForm
  readonly repeated?: true
  /** Property of the oneof this field is a case of. */
  readonly oneof?: string
  /** Absent and empty are two things. */
  readonly optional?: true
}

/** A message as the contract has it. `T` is the type of the generated message. */
export interface MessageRule<T> {
  /** Name in the contract, for the reasons given. */
  readonly name: string
  readonly fields: Readonly<Record<number, FieldRule>>
  /** Fields by number and tag, made once. */
  readonly compiled: readonly (CompiledField | undefined)[]
  readonly empty: Readonly<Record<string, unknown>>
  /** Never set: carries the type. */
  readonly type?: T
}

/** Fields from this number on are informative: a reader that does not know them may pass over them. */
export const firstInformativeField = 1000

/**
 * What the bytes of one message come to.
 * `unknown` names the first field below 1000 that this reader does not know, at any depth; the message then says more
 * than was read, and must not be acted on as if it did not.
 */
export type StrictReading<T> =
  | { readonly kind: 'read'; readonly message: T; readonly unknown: string | undefined }
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * Reads one message so that no byte stays unread and none can be read in two ways.
 *
 * Generated readers are laxer than a signed format may be: they stop silently at tag 0 or at an end-group tag and let the
 * message around go on with the rest, keep the last of two values of a field, put a known field of the wrong wire type
 * among the unknown ones, cut numbers to their width, replace invalid UTF-8 and drop a byte order mark. Here all of these are
 * unreadable. Default values that are written out, and any order of fields, stay readable.
 *
 * Bytes fields are plain views of `bytes`, not copies, where the generated type says Buffer. Never throws on what an outsider wrote.
 */
export function readStrictly<T>(rule: MessageRule<T>, bytes: Uint8Array): StrictReading<T> {
  const reader = new StrictReader(bytes)
  const message = reader.message(rule, bytes.length)
  if (reader.fault !== '') return { kind: 'unreadable', why: reader.fault }
  return { kind: 'read', message: message as T, unknown: reader.unknown === '' ? undefined : reader.unknown }
}

/** Describes a message. Fields are named by number as in the contract; a test compares the two. */
export function messageRule<T>(name: string, fields: Record<number, FieldRule>): MessageRule<T> {
  const compiled: (CompiledField | undefined)[] = []
  const empty: Record<string, unknown> = {}
  for (const [ordinal, [key, field]] of Object.entries(fields).entries()) {
    const number = Number(key)
    compiled[number] = compileField(number, field, ordinal)
    empty[field.oneof ?? field.name] = emptyValue(field)
  }
  for (let number = 0; number < compiled.length; number++) compiled[number] ??= undefined
  return { name, fields, compiled, empty }
}

interface CompiledField {
  readonly rule: FieldRule
  readonly name: string
  readonly oneof: string | undefined
  readonly repeated: boolean
  readonly tag: number
  /** Bit in the mask of fields already seen. */
  readonly bit: number
  readonly form: number
  readonly message: MessageRule<unknown> | undefined
}

const scalarForms = ['text', 'bytes', 'uint32', 'uint64', 'bool', 'enum', 'packed_uint32'] as const
const [TEXT, BYTES, UINT32, UINT64, BOOL, ENUM, PACKED, MESSAGE] = [0, 1, 2, 3, 4, 5, 6, 7] as const
const mostFields = 31
const wholeTextBytes = 2048
const noElements: readonly never[] = Object.freeze([])

function compileField(number: number, rule: FieldRule, ordinal: number): CompiledField {
  if (ordinal >= mostFields) throw new RangeError('a message of more than 31 fields needs a wider mask')
  const message = typeof rule.form === 'object' ? rule.form : undefined
  const form = typeof rule.form === 'object' ? MESSAGE : scalarForms.indexOf(rule.form)
  const wireType = form >= UINT32 && form <= ENUM ? 0 : 2
  const repeated = rule.repeated === true
  return {
    rule,
    name: rule.name,
    oneof: rule.oneof,
    repeated,
    tag: number * 8 + wireType,
    bit: 1 << ordinal,
    form,
    message,
  }
}

function emptyValue(field: FieldRule): unknown {
  if (field.repeated || field.form === 'packed_uint32') return noElements
  if (field.oneof !== undefined || field.optional || typeof field.form === 'object') return undefined
  switch (field.form) {
    case 'text':
      return ''
    case 'bytes':
      return new Uint8Array()
    case 'uint32':
    case 'enum':
      return 0
    case 'uint64':
      return 0n
    case 'bool':
      return false
  }
}

/** Goes once over the bytes. The first fault stops it: the position jumps to the end and every loop runs out. */
class StrictReader {
  fault = ''
  unknown = ''
  readonly #buffer: Buffer
  readonly #bytes: Uint8Array
  #position = 0
  /** The message with one character for each byte; what is cut from it keeps it in memory, so only small ones are made. */
  #whole: string | undefined

  constructor(bytes: Uint8Array) {
    this.#buffer = asBuffer(bytes)
    this.#bytes = asBytes(bytes)
  }

  message(rule: MessageRule<unknown>, end: number): Record<string, unknown> {
    const message: Record<string, unknown> = { ...rule.empty }
    let seen = 0
    while (this.#position < end) {
      const tag = this.#varint32(end)
      const number = tag >>> 3
      const field = rule.compiled[number]
      if (field === undefined) {
        this.#skip(rule, tag, end)
        continue
      }
      if (field.tag !== tag) {
        this.#fail(`${rule.name}: field ${number} has wire type ${tag & 7}`)
        break
      }
      if (field.repeated) {
        if ((seen & field.bit) === 0) message[field.name] = []
        ;(message[field.name] as unknown[]).push(this.#value(field, end))
      } else {
        if ((seen & field.bit) !== 0) this.#fail(`${rule.name}: field ${number} stands twice`)
        const value = this.#value(field, end)
        if (field.oneof === undefined) message[field.name] = value
        else if (message[field.oneof] === undefined) message[field.oneof] = { $case: field.name, value }
        else this.#fail(`${rule.name}: two cases of ${field.oneof}`)
      }
      seen |= field.bit
    }
    return message
  }

  #value(field: CompiledField, end: number): unknown {
    switch (field.form) {
      case TEXT:
        return this.#text(this.#length(end))
      case BYTES: {
        const to = this.#length(end)
        const start = this.#position
        this.#position = to
        return this.#bytes.subarray(start, to)
      }
      case UINT32:
        return this.#varint32(end)
      case UINT64:
        return this.#varint64(end)
      case BOOL: {
        const value = this.#varint32(end)
        if (value > 1) this.#fail('a truth value that is neither 0 nor 1')
        return value === 1
      }
      case ENUM:
        return this.#enumeration(end)
      case PACKED:
        return this.#packed(this.#length(end))
      default:
        return this.message(field.message!, this.#length(end))
    }
  }

  /** Where the field that starts here ends; never beyond the message around it. */
  #length(end: number): number {
    const size = this.#varint32(end)
    const to = this.#position + size
    if (to <= end) return to
    return this.#fail('a length that reaches beyond its message')
  }

  #text(to: number): string {
    const start = this.#position
    if (to <= start) return ''
    this.#position = to
    const ascii = this.#ascii(start, to)
    if (ascii !== undefined) return ascii
    const text = this.#buffer.toString('utf8', start, to)
    // The replacement character stands in what was decoded where bytes were no UTF-8, or where somebody wrote it.
    if (text.includes('\uFFFD') && !isUtf8(this.#buffer.subarray(start, to))) this.#fail('text that is not UTF-8')
    return text
  }

  /** Most texts are ASCII: one crossing into native code for a whole small message instead of one for each of its fields. */
  #ascii(start: number, to: number): string | undefined {
    const buffer = this.#buffer
    if (buffer.length > wholeTextBytes) return undefined
    for (let at = start; at < to; at++) if (buffer[at]! >= 0x80) return undefined
    this.#whole ??= buffer.toString('latin1')
    return this.#whole?.slice(start, to)
  }

  #packed(to: number): number[] {
    const values: number[] = []
    while (this.#position < to) values.push(this.#varint32(to))
    return values
  }

  /** An unknown number is for the caller to judge; a negative one, or one beyond 31 bits, reads as -1. */
  #enumeration(end: number): number {
    const value = this.#varint64(end)
    return value <= 0x7fffffffn ? Number(value) : -1
  }

  #varint32(end: number): number {
    const buffer = this.#buffer
    const position = this.#position
    if (position < end) {
      const only = buffer[position]!
      if (only < 0x80) {
        this.#position = position + 1
        return only
      }
    }
    let value = 0
    let scale = 1
    for (let place = 0; place < 5 && position + place < end; place++) {
      const byte = buffer[position + place]!
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte >= 0x80) continue
      if (byte === 0) return this.#fail('a number that is not in its shortest form')
      if (value > 0xffffffff) return this.#fail('a number of more than 32 bits')
      this.#position = position + place + 1
      return value
    }
    return this.#fail('a number that is cut off or of more than 32 bits')
  }

  #varint64(end: number): bigint {
    const buffer = this.#buffer
    const position = this.#position
    let low = 0
    let scale = 1
    let high = 0n
    for (let place = 0; place < 10 && position + place < end; place++) {
      const byte = buffer[position + place]!
      if (place < 7) {
        low += (byte & 0x7f) * scale
        scale *= 128
      } else high |= BigInt(byte & 0x7f) << BigInt(7 * place)
      if (byte >= 0x80) continue
      if (byte === 0 && place > 0) return BigInt(this.#fail('a number that is not in its shortest form'))
      if (place === 9 && byte > 1) return BigInt(this.#fail('a number of more than 64 bits'))
      this.#position = position + place + 1
      return place < 7 ? BigInt(low) : high | BigInt(low)
    }
    return BigInt(this.#fail('a number that is cut off or of more than 64 bits'))
  }

  #skip(rule: MessageRule<unknown>, tag: number, end: number): void {
    const number = tag >>> 3
    if (this.fault !== '') return
    if (number === 0) {
      this.#fail(`${rule.name}: a field numbered 0`)
      return
    }
    if (number < firstInformativeField && this.unknown === '') this.unknown = `${rule.name}: unknown field ${number}`
    switch (tag & 7) {
      case 0:
        this.#varint64(end)
        return
      case 1:
        this.#passOver(8, end)
        return
      case 2:
        this.#position = this.#length(end)
        return
      case 5:
        this.#passOver(4, end)
        return
      default:
        this.#fail(`${rule.name}: field ${number} has wire type ${tag & 7}`)
    }
  }

  #passOver(size: number, end: number): void {
    if (this.#position + size > end) this.#fail('a number that is cut off')
    else this.#position += size
  }

  /** Keeps the first reason and ends the reading. Returns the end of the bytes, which no loop goes beyond. */
  #fail(why: string): number {
    if (this.fault === '') this.fault = why
    this.#position = this.#buffer.length
    return this.#buffer.length
  }
}
