import type { Hash } from '@hutong/merkle'
import { digestRowHash } from '@hutong/verify'
import { digestRows } from './digest-rows.ts'
import type { Copy } from './subjects.ts'

/** Row hashes of a state digest and whose rows they are, without the rows. */
export interface PackedRows {
  readonly position: bigint
  readonly count: number
  /** From row `from` up to but not including row `to`, within `count`. */
  hashes(from: number, to: number): Hash[]
  zone(at: number): string
  /** Lower-case hex. */
  subject(at: number): string
}

const hashBytes = 32
/** Hash and subject. */
const rowBytes = 64
const rowsPerBlock = 16_384

/** All rows of a copy as they are now. @throws as `digestRows`. */
export async function packedRows(copy: Copy, signal: AbortSignal): Promise<PackedRows> {
  const blocks: Buffer[] = []
  /** Rows come by zone: where each begins. */
  const zones: { readonly zone: string; readonly from: number }[] = []
  let count = 0
  for await (const { zone, subject, bytes } of digestRows(copy, signal)) {
    if (count % rowsPerBlock === 0) blocks.push(Buffer.alloc(rowsPerBlock * rowBytes))
    if (zones.at(-1)?.zone !== zone) zones.push({ zone, from: count })
    const block = blocks.at(-1)!
    const start = (count % rowsPerBlock) * rowBytes
    block.set(digestRowHash(bytes), start)
    block.write(subject, start + hashBytes, 'hex')
    count += 1
  }
  const part = (at: number, from: number) => {
    const start = (at % rowsPerBlock) * rowBytes + from
    return blocks[Math.floor(at / rowsPerBlock)]!.subarray(start, start + hashBytes)
  }
  return {
    position: copy.position,
    count,
    hashes: (from, to) => Array.from({ length: to - from }, (_, at) => part(from + at, 0)),
    zone: (at) => zones.findLast(({ from }) => from <= at)!.zone,
    subject: (at) => part(at, hashBytes).toString('hex'),
  }
}
