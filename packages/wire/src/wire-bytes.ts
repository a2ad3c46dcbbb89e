// For tests: protobuf written by hand, so that bytes no writer of ours makes can be made too.

/** A varint, optionally stretched to more bytes than it needs. */
export function varint(value: number | bigint, atLeastBytes = 1): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  } while (rest > 0n || bytes.length < atLeastBytes)
  bytes[bytes.length - 1]! &= 0x7f
  return Buffer.from(bytes)
}

export function tag(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType)
}

/** A number field. */
export function number(field: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)])
}

/** A text, bytes or message field. */
export function delimited(field: number, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)))
  return Buffer.concat([tag(field, 2), varint(content.length), content])
}
