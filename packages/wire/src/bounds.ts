/** Indexes, sizes and positions of logs: 0 to 2^63 - 1 (formats F1). */
export const largestIndex = 0x7fff_ffff_ffff_ffffn

const largestTime = BigInt(Number.MAX_SAFE_INTEGER)

/** Milliseconds as a number; undefined where they pass 2^53 - 1. */
export function boundedTime(milliseconds: bigint): number | undefined {
  return milliseconds <= largestTime ? Number(milliseconds) : undefined
}

/** Whether a number can be milliseconds since 1970 on the wire: whole, 0 to 2^53 - 1. */
export function isTime(milliseconds: number): boolean {
  return Number.isSafeInteger(milliseconds) && milliseconds >= 0
}
