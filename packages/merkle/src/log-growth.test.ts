import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readVectorFolder, toHex } from '../vectors/read.ts'
import { rootOfLeafHashes } from './edge.ts'
import { decodeEntryBundle } from './entry-bundle.ts'
import { growLog, hashReaderOfTiles, LogFileError } from './log-growth.ts'
import { consistencyProof, hashReaderOfLeaves, inclusionProof, verifyInclusion } from './proof.ts'
import { entryBundlesForRange, tilePath, tilesForRange } from './tile.ts'
import { sha256Tree } from './tree-hash.ts'

class MemoryLog {
  readonly files = new Map<string, Uint8Array>()
  size = 0n

  readonly read = async (path: string): Promise<Uint8Array | undefined> => this.files.get(path)

  async append(leaves: readonly Uint8Array[]): Promise<void> {
    const growth = await growLog(sha256Tree, this.size, leaves, this.read)
    for (const { path, content } of growth.files) this.files.set(path, content)
    for (const path of growth.superseded) this.files.delete(path)
    this.size += BigInt(leaves.length)
  }
}

const leavesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, at) => Buffer.from(`leaf ${at}`))

describe('a growing log', () => {
  it('has the files that another implementation wrote for the same entries', async () => {
    const log = new MemoryLog()
    const entries = vectorEntries()
    await log.append(entries.slice(0, 200))
    const at200 = readVectorFolder('tiles/log-at-200')
    at200.delete('checkpoint')
    expect(contentsOf(log.files)).toEqual(contentsOf(at200))

    await log.append(entries.slice(200))
    const at300 = readVectorFolder('tiles/log')
    for (const path of ['checkpoint', 'tile/0/000.p/200', 'tile/entries/000.p/200']) at300.delete(path)
    expect(contentsOf(log.files)).toEqual(contentsOf(at300))
  })

  it('has the same files however its leaves were batched, and no others', async () => {
    const batches = fc.array(fc.nat(400), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(batches, async (lengths) => {
        const leaves = leavesOf(lengths.reduce((sum, length) => sum + length, 0))
        const batched = new MemoryLog()
        let from = 0
        for (const length of lengths) {
          await batched.append(leaves.slice(from, from + length))
          from += length
        }
        const whole = new MemoryLog()
        await whole.append(leaves)
        expect(contentsOf(batched.files)).toEqual(contentsOf(whole.files))
        const paths = [...entryBundlesForRange(0n, whole.size), ...tilesForRange(0n, whole.size)]
        expect([...whole.files.keys()].sort()).toEqual(paths.map((t) => tilePath(t.level, t.index, t.width)).sort())
      }),
      { numRuns: 20 },
    )
  })

  it('fills a tile of the second level', async () => {
    const log = new MemoryLog()
    await log.append(leavesOf(65_537))
    expect(log.files.has('tile/1/000')).toBe(true)
    expect(log.files.get('tile/2/000.p/1')).toHaveLength(32)
  }, 60_000)

  it('does not grow over a partial file that is missing or of another length', async () => {
    const log = new MemoryLog()
    await log.append(leavesOf(10))
    log.files.set('tile/0/000.p/10', new Uint8Array(319))
    await expect(log.append(leavesOf(1))).rejects.toThrow(LogFileError)
    log.files.delete('tile/0/000.p/10')
    await expect(log.append(leavesOf(1))).rejects.toThrow(LogFileError)
    expect(log.size).toBe(10n)
  })
})

describe('proofs out of tiles', () => {
  it('are those out of the leaves', async () => {
    const leaves = leavesOf(1000)
    const log = new MemoryLog()
    await log.append(leaves)
    const hashes = leaves.map((leaf) => sha256Tree.leaf(leaf))
    const tiles = hashReaderOfTiles(sha256Tree, 1000n, log.read)
    const memory = hashReaderOfLeaves(sha256Tree, hashes)
    await fc.assert(
      fc.asyncProperty(fc.bigInt(1n, 1000n), fc.nat(), async (size, seed) => {
        const index = BigInt(seed) % size
        const proof = await inclusionProof(sha256Tree, index, size, tiles)
        expect(proof.map(toHex)).toEqual((await inclusionProof(sha256Tree, index, size, memory)).map(toHex))
        const consistency = await consistencyProof(sha256Tree, size, 1000n, tiles)
        expect(consistency.map(toHex)).toEqual((await consistencyProof(sha256Tree, size, 1000n, memory)).map(toHex))
      }),
      { numRuns: 50 },
    )
    const root = rootOfLeafHashes(sha256Tree, hashes)
    const proof = await inclusionProof(sha256Tree, 999n, 1000n, tiles)
    expect(verifyInclusion(sha256Tree, 999n, 1000n, hashes[999]!, proof, root)).toBe(true)
  })

  it('are not made past the end of the log or out of a missing tile', async () => {
    const log = new MemoryLog()
    await log.append(leavesOf(300))
    const reader = hashReaderOfTiles(sha256Tree, 300n, log.read)
    await expect(reader.nodes([{ level: 0, index: 300n }])).rejects.toThrow(RangeError)
    await expect(reader.nodes([{ level: 8, index: 1n }])).rejects.toThrow(RangeError)
    await expect(reader.nodes([{ level: 0, index: -1n }])).rejects.toThrow(RangeError)
    log.files.delete('tile/0/000')
    await expect(reader.nodes([{ level: 3, index: 0n }])).rejects.toThrow(LogFileError)
  })
})

function vectorEntries(): Uint8Array[] {
  const files = readVectorFolder('tiles/log')
  return [['tile/entries/000', 256] as const, ['tile/entries/001.p/44', 44] as const].flatMap(([path, width]) => {
    const bundle = decodeEntryBundle(files.get(path)!, width)
    if (bundle.kind === 'refused') throw new Error(bundle.reason)
    return [...bundle.entries]
  })
}

function contentsOf(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries([...files].map(([path, content]) => [path, toHex(sha256Tree.leaf(content))]))
}
