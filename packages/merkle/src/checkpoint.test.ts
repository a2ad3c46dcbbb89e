import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countVerdicts, fromBase64, readVectors, toHex, type VectorCase, vectorCounts } from '../vectors/read.ts'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'

interface CheckpointCase extends VectorCase {
  readonly body_b64: string
  readonly origin?: string
  readonly size?: string
  readonly root?: string
  readonly extension_lines?: readonly string[]
}

const { checkpoints } = readVectors<{ readonly checkpoints: readonly CheckpointCase[] }>('checkpoints.json')

/** C2SP sets no limit to sizes, formats F1 does: 2^63 − 1. */
const pastOurLimit = ['size-2-63', 'size-2-64-minus-1']

describe('the checkpoints of the vectors', () => {
  it.each(checkpoints)('$id: $expect', (one) => {
    const parsed = parseCheckpoint(fromBase64(one.body_b64))
    if (one.expect === 'reject' || pastOurLimit.includes(one.id)) {
      expect(parsed).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
      return
    }
    if (parsed.kind === 'refused') throw new Error(parsed.reason)
    expect(parsed.origin).toBe(one.origin)
    expect(parsed.size).toBe(BigInt(one.size!))
    expect(toHex(parsed.root)).toBe(one.root)
    expect(parsed.extensionLines).toEqual(one.extension_lines ?? [])
    if (parsed.extensionLines.length === 0) {
      expect(formatCheckpoint(parsed)).toBe(Buffer.from(one.body_b64, 'base64').toString())
    }
  })

  it('were all judged', () => {
    expect(countVerdicts(checkpoints)).toEqual(vectorCounts('checkpoints.json'))
    expect(checkpoints.filter((one) => pastOurLimit.includes(one.id))).toHaveLength(pastOurLimit.length)
  })
})

describe('a checkpoint', () => {
  it('comes back as it was written', () => {
    const origins = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text))
    const roots = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(origins, fc.bigInt(0n, 2n ** 63n - 1n), roots, (origin, size, root) => {
        const parsed = parseCheckpoint(formatCheckpoint({ origin, size, root }))
        expect(parsed).toMatchObject({ kind: 'checkpoint', origin, size, extensionLines: [] })
        expect(parsed.kind === 'checkpoint' && toHex(parsed.root)).toBe(toHex(root))
      }),
    )
  })

  it('is not written with what could not be read back', () => {
    const root = new Uint8Array(32)
    for (const origin of ['', 'a\nb', 'a\rb', '\ud800']) {
      expect(() => formatCheckpoint({ origin, size: 1n, root })).toThrow(RangeError)
    }
    expect(() => formatCheckpoint({ origin: 'a', size: -1n, root })).toThrow(RangeError)
    expect(() => formatCheckpoint({ origin: 'a', size: 2n ** 63n, root })).toThrow(RangeError)
    expect(() => formatCheckpoint({ origin: 'a', size: 1n, root: new Uint8Array(31) })).toThrow(RangeError)
  })

  it('is not read with a control character in its origin or an extension line', () => {
    const root = Buffer.alloc(32).toString('base64')
    for (const text of [`a\rb\n1\n${root}\n`, `a\0\n1\n${root}\n`, `a\n1\n${root}\nextension\r\n`]) {
      expect(parseCheckpoint(text)).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
    }
    expect(parseCheckpoint(`ab\n1\n${root}\nextension\n`)).toMatchObject({ extensionLines: ['extension'] })
  })

  it('is read from no bytes that are not UTF-8', () => {
    const text = Buffer.from(formatCheckpoint({ origin: 'aé', size: 1n, root: new Uint8Array(32) }), 'latin1')
    expect(parseCheckpoint(text)).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
  })
})
