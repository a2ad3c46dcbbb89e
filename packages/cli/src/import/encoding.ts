import { isUtf8 } from 'node:buffer'

/** The encodings that licence files come in. GB18030 is that of 2022, all 1.1 million characters; GBK and GB2312 are parts of it. */
export const encodings = ['utf-8', 'gb18030'] as const
export type Encoding = (typeof encodings)[number]

/** An encoding and how it came to be known. */
export interface EncodingChoice {
  readonly encoding: Encoding
  readonly by: 'option' | 'byte order mark' | 'content'
  /** Bytes of the mark at the beginning, which are no text. */
  readonly markBytes: number
}

/**
 * In which encoding a file is, judged by its first bytes: a mark decides; else whatever is strictly UTF-8 is that, for GB18030 text
 * hardly ever is; else GB18030. A file whose first bytes are ASCII alone is taken for UTF-8, and the first place that is not tells.
 * Undefined: neither of the two.
 */
export function encodingOf(first: Uint8Array): EncodingChoice | undefined {
  if (beginsWith(first, utf8Mark)) return { encoding: 'utf-8', by: 'byte order mark', markBytes: utf8Mark.length }
  if (beginsWith(first, gb18030Mark)) return { encoding: 'gb18030', by: 'byte order mark', markBytes: 4 }
  if (beginsWith(first, [0xff, 0xfe]) || beginsWith(first, [0xfe, 0xff])) return undefined
  const whole = first.subarray(0, afterLastSingle(first))
  if (isUtf8(whole)) return { encoding: 'utf-8', by: 'content', markBytes: 0 }
  return isEncoded(whole, 'gb18030') ? { encoding: 'gb18030', by: 'content', markBytes: 0 } : undefined
}

/** The same where the caller names the encoding; a mark is still no text. */
export function encodingAsTold(first: Uint8Array, encoding: Encoding): EncodingChoice {
  const mark = encoding === 'utf-8' ? utf8Mark : gb18030Mark
  return { encoding, by: 'option', markBytes: beginsWith(first, mark) ? mark.length : 0 }
}

/** Where the text of a file stops being of its encoding. */
export interface EncodingFault {
  /** From 1. */
  readonly line: number
  /** Of the first byte of the broken character, from 0, of the file. */
  readonly byteOffset: number
  /** The file ends in the middle of that character. */
  readonly cut: boolean
}

/**
 * A file's bytes as text, strictly: the first byte that is not of the encoding ends it, the text before is handed on up to its line.
 * `fault` says where, once the text has been read. One reader; memory is bounded by one block and one stretch of text without any
 * separator.
 */
export class EncodedText implements AsyncIterable<string> {
  #fault: EncodingFault | undefined
  readonly #blocks: AsyncIterable<Uint8Array>
  readonly #choice: EncodingChoice

  constructor(blocks: AsyncIterable<Uint8Array>, choice: EncodingChoice) {
    this.#blocks = blocks
    this.#choice = choice
  }

  get fault(): EncodingFault | undefined {
    return this.#fault
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const { encoding, markBytes } = this.#choice
    let [line, offset, skip] = [1, markBytes, markBytes]
    let rest: Uint8Array = new Uint8Array()
    for await (const block of this.#blocks) {
      const bytes = rest.length === 0 ? block.subarray(skip) : Buffer.concat([rest, block])
      skip = 0
      const end = bytes.length > stretchMaxBytes * 2 ? bytes.length : afterLastSingle(bytes)
      const whole = bytes.subarray(0, end)
      // Kept beyond this turn, while the block may be filled anew.
      rest = Buffer.from(bytes.subarray(end))
      const text = textOf(whole, encoding)
      if (text === undefined) return yield this.#broken(whole, line, offset, false)
      line += countOf(whole, newline)
      offset += whole.length
      yield text
    }
    const text = textOf(rest, encoding)
    if (text !== undefined) yield text
    else yield this.#broken(rest, line, offset, true)
  }

  /** The whole lines before the break. */
  #broken(bytes: Uint8Array, line: number, offset: number, isEnd: boolean): string {
    const { encoding } = this.#choice
    const broken = firstBroken(bytes, encoding)
    const lines = bytes.subarray(0, bytes.lastIndexOf(newline, broken) + 1)
    const cut = isEnd && bytes.length - broken < characterMaxBytes && couldGoOn(bytes.subarray(broken), encoding)
    this.#fault = { line: line + countOf(bytes.subarray(0, broken), newline), byteOffset: offset + broken, cut }
    return textOf(lines, encoding) ?? ''
  }
}

const utf8Mark = [0xef, 0xbb, 0xbf]
const gb18030Mark = [0x84, 0x31, 0x95, 0x33]
const newline = 0x0a
const characterMaxBytes = 4
/** Longest stretch without a blank, comma, quotation mark or end of line; real text has one every few bytes. */
const stretchMaxBytes = 1_048_576

function beginsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, at) => bytes[at] === byte)
}

/** Behind the last byte that is a character by itself in both encodings: below 0x30 nothing is part of a longer one. */
function afterLastSingle(bytes: Uint8Array): number {
  for (let at = bytes.length - 1; at >= 0; at--) if (bytes[at]! < 0x30) return at + 1
  return 0
}

function textOf(bytes: Uint8Array, encoding: Encoding): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function isEncoded(bytes: Uint8Array, encoding: Encoding): boolean {
  return textOf(bytes, encoding) !== undefined
}

/** The length of the longest beginning that is of the encoding; a beginning that is not stays so, whatever follows. */
function firstBroken(bytes: Uint8Array, encoding: Encoding): number {
  let [good, bad] = [0, bytes.length]
  while (bad - good > characterMaxBytes) {
    // Between two characters: behind a byte that is one by itself, or else bytewise below.
    const middle = good + afterLastSingle(bytes.subarray(good, good + ((bad - good) >> 1)))
    if (middle === good) break
    if (isEncoded(bytes.subarray(good, middle), encoding)) good = middle
    else bad = middle
  }
  for (let at = good; at < bad; ) {
    const size = characterSize(bytes.subarray(at, at + characterMaxBytes), encoding)
    if (size === 0) return at
    at += size
  }
  return bad
}

function characterSize(bytes: Uint8Array, encoding: Encoding): number {
  for (let size = 1; size <= Math.min(bytes.length, characterMaxBytes); size++) {
    if (isEncoded(bytes.subarray(0, size), encoding)) return size
  }
  return 0
}

/** Whether these few bytes are the beginning of a character. */
function couldGoOn(bytes: Uint8Array, encoding: Encoding): boolean {
  const first = bytes[0] ?? 0
  if (encoding === 'gb18030') return first > 0x80 && first < 0xff
  return first >= 0xc2 && first <= 0xf4 && bytes.subarray(1).every((byte) => byte >= 0x80 && byte <= 0xbf)
}

function countOf(bytes: Uint8Array, wanted: number): number {
  let count = 0
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) count += 1
  return count
}
