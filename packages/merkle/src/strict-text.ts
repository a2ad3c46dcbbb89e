/** The largest size, index or cosignature time: all of them fit a signed 64-bit number (formats F1, C2SP tlog-cosignature). */
export const maxPosition: bigint = 2n ** 63n - 1n

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of well-formed UTF-8, a byte order mark kept as a character; `undefined` where the bytes are no UTF-8. */
export function textFromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    // The decoder's only complaint is about the bytes: they are an outsider's, so the answer is a value.
    return undefined
  }
}

/** Whether `text` holds a control character below U+0020 other than the newline (C2SP signed-note, "Format"). */
export function holdsControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 && unit !== 0x0a) return true
  }
  return false
}

/** Standard padded base64 (RFC 4648 §4) and nothing else: no blanks, no URL alphabet, no stray bits. */
export function bytesFromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  // Node's decoder forgives; only the one spelling that encodes to the same text is canonical.
  return bytes.toString('base64') === text ? bytes : undefined
}

export function base64FromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** An ASCII decimal without sign and without leading zero, from 0 to 2^63 − 1. */
export function positionFromDecimal(text: string): bigint | undefined {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text)) return undefined
  const value = BigInt(text)
  return value <= maxPosition ? value : undefined
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}
