import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StreamClosedError } from './errors.ts'
import { createLocalStream } from './local-stream.ts'
import { createMemoryStream } from './memory-stream.ts'
import type { RetainingStream } from './stream.ts'

describe.each(['memory', 'local'])('retention of a %s stream', (kind) => {
  let folder: string
  let nowMs: number
  let stream: RetainingStream

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hutong-stream-'))
    nowMs = 0
    const now = () => nowMs
    stream =
      kind === 'memory' ? createMemoryStream({ id: 'x', now }) : createLocalStream({ path: join(folder, 'x'), now })
  })
  afterEach(async () => {
    await stream[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  it('takes what is older than the given time, not what is exactly as old', async () => {
    await appendAt(100, 1)
    await appendAt(200, 1)
    await appendAt(300, 1)
    expect(await stream.trim(200)).toBe(1)
    expect(await edges()).toEqual([1n, 3n])
    expect(await stream.trim(200)).toBe(0)
    expect(await stream.trim(301)).toBe(2)
    expect(await edges()).toEqual([3n, 3n])
  })

  it('takes the oldest until the rest is small enough', async () => {
    await appendAt(100, 1, 100)
    await appendAt(200, 1, 50)
    await appendAt(300, 1, 30)
    expect(await stream.trim(0, 180)).toBe(0)
    expect(await stream.trim(0, 179)).toBe(1)
    expect(await stream.trim(0, 80)).toBe(0)
    expect(await stream.trim(0, 29)).toBe(2)
    await appendAt(400, 1, 10)
    expect(await stream.trim(0, 10)).toBe(0)
    expect(await edges()).toEqual([3n, 4n])
  })

  it('goes on over many steps', async () => {
    await appendAt(100, 600)
    await appendAt(200, 1)
    expect(await stream.trim(101)).toBe(600)
    expect(await edges()).toEqual([600n, 601n])
  })

  it('makes no hole when the clock was set back', async () => {
    await appendAt(500, 3)
    await appendAt(100, 3)
    expect(await stream.trim(500)).toBe(0)
    expect(await stream.trim(501)).toBe(6)
  })

  it.each([
    [Number.NaN, 0],
    [0, -1],
    [0, Number.NaN],
  ])('refuses a time of %s with a size of %s', async (beforeMs, keepBytesMax) => {
    await expect(stream.trim(beforeMs, keepBytesMax)).rejects.toThrow(RangeError)
  })

  it('a reader in the middle of reading goes on behind what was taken', async () => {
    await appendAt(100, 100)
    await using reader = await stream.reader()
    const done = new AbortController()
    const offsets: bigint[] = []
    for await (const batch of reader.read(0n, done.signal)) {
      offsets.push(...batch.map(({ offset }) => offset))
      if (offsets.length === 64) {
        await stream.trim(101)
        await appendAt(200, 1)
      } else done.abort()
    }
    expect(offsets.at(63)).toBe(63n)
    expect(offsets.slice(64)).toEqual([100n])
  })

  it('after disposal nothing is given out, and waiting readers end', async () => {
    const reader = await stream.reader()
    const ended = (async () => {
      for await (const batch of reader.read(0n, new AbortController().signal)) return batch
      return 'ended'
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await stream[Symbol.asyncDispose]()
    expect(await ended).toBe('ended')
    for (const call of [stream.writer(), stream.reader(), stream.trim(0), reader.end()]) {
      await expect(call).rejects.toThrow(StreamClosedError)
    }
    await expect(stream[Symbol.asyncDispose]()).resolves.toBeUndefined()
  })

  async function appendAt(timeMs: number, count: number, sizeBytes = 1): Promise<void> {
    nowMs = timeMs
    await using writer = await stream.writer()
    await writer.append(Array(count).fill(new Uint8Array(sizeBytes)))
  }

  async function edges(): Promise<[bigint, bigint]> {
    await using reader = await stream.reader()
    return [await reader.earliest(), await reader.end()]
  }
})
