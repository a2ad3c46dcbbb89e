import { encodeBatch } from '@hutong/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchSizeBytes, entrySizeBytes, wholeBatchSizeBytes } from './size.ts'

const lengths = fc.constantFrom(0, 1, 32, 127, 128, 16_383, 16_384, 49_152)
const bytes = lengths.map((length) => new Uint8Array(length))
const entry = fc.record({
  leaf: bytes,
  salt: bytes,
  payload: bytes,
  payloadEncoding: fc.constantFrom(0, 1, 127, 128, 0xffff_ffff),
})
const batch = fc.record({
  origin: fc.constantFrom('', 'o', '天津', 'o'.repeat(200)),
  firstIndex: fc.constantFrom(0n, 1n, 127n, 128n, 2n ** 63n - 1n),
  entries: fc.array(entry, { maxLength: 5 }),
  checkpoint: bytes,
})

describe('the size of a batch', () => {
  it('is that of its encoding, to the byte', () => {
    fc.assert(
      fc.property(batch, (any) => {
        expect(wholeBatchSizeBytes(any)).toBe(encodeBatch(any).length)
        const bare = { origin: '', firstIndex: 0n, entries: any.entries, checkpoint: new Uint8Array() }
        expect(batchSizeBytes(any.entries)).toBe(encodeBatch(bare).length)
      }),
    )
  })

  it('is the sum of its entries', () => {
    const [entries] = fc.sample(fc.array(entry, { minLength: 3, maxLength: 3 }), 1)
    expect(batchSizeBytes(entries!)).toBe(entries!.reduce((sum, one) => sum + entrySizeBytes(one), 0))
  })
})
