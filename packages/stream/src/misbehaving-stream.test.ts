import { beforeEach, describe, expect, it } from 'vitest'
import { StreamUnavailableError } from './errors.ts'
import { createMemoryStream } from './memory-stream.ts'
import { type AppendFault, createMisbehavingStream, type Delivery, type Misbehaviour } from './misbehaving-stream.ts'
import type { Stream } from './stream.ts'

describe('a stream behind a broker that keeps no promise', () => {
  let stream: Stream

  beforeEach(() => {
    stream = createMemoryStream({ id: 'x', now: () => 0 })
  })

  it.each<[Delivery, string]>([
    [{ kind: 'drop' }, '0a 2c 3d'],
    [{ kind: 'double' }, '0a 1b 1b 2c 3d'],
    [{ kind: 'swap' }, '0a 1c 2b 3d'],
    [{ kind: 'alter', value: new Uint8Array(Buffer.from('X')) }, '0a 1X 2c 3d'],
  ])('with %o for the second record gives out %s', async (delivery, expected) => {
    await append(stream, 'a', 'b', 'c', 'd')
    expect(await readAll({ deliver: ({ offset }) => (offset === 1n ? delivery : undefined) })).toBe(expected)
  })

  it('swaps also over the border of two batches', async () => {
    await append(stream, ...Array.from({ length: 66 }, (_, index) => `-${index}`))
    const read = await readAll({ deliver: ({ offset }) => (offset === 63n ? { kind: 'swap' } : undefined) })
    expect(read.split(' ').slice(62)).toEqual(['62-62', '63-64', '64-63', '65-65'])
  })

  it('breaks the connection before a record, after what came before it', async () => {
    await append(stream, 'a', 'b')
    const read: string[] = []
    const failing = readAll({ deliver: ({ offset }) => (offset === 1n ? { kind: 'fail' } : undefined) }, read)
    await expect(failing).rejects.toThrow(StreamUnavailableError)
    expect(read).toEqual(['0a'])
  })

  it.each<[AppendFault, { kept: string; heard: string }]>([
    [
      { happens: 'all', reported: false },
      { kept: '0a 1b 2c', heard: 'failure' },
    ],
    [
      { happens: 'half', reported: false },
      { kept: '0a 1b', heard: 'failure' },
    ],
    [
      { happens: 'nothing', reported: false },
      { kept: '', heard: 'failure' },
    ],
    [
      { happens: 'nothing', reported: true },
      { kept: '', heard: 'success' },
    ],
  ])('an append with %o', async (fault, expected) => {
    const misbehaving = createMisbehavingStream(stream, { append: (number) => (number === 0 ? fault : undefined) })
    const heard = await append(misbehaving, 'a', 'b', 'c').then(
      () => 'success',
      () => 'failure',
    )
    expect({ kept: await readAll({}), heard }).toEqual(expected)
    await expect(append(misbehaving, 'd')).resolves.toBeUndefined()
  })

  async function readAll(plan: Misbehaviour, read: string[] = []): Promise<string> {
    await using reader = await createMisbehavingStream(stream, plan).reader()
    const last = (await reader.end()) - 1n
    const done = new AbortController()
    if (last < 0n) done.abort()
    for await (const batch of reader.read(0n, done.signal)) {
      read.push(...batch.map(({ offset, value }) => `${offset}${Buffer.from(value)}`))
      if (batch.at(-1)?.offset === last) done.abort()
    }
    return read.join(' ')
  }
})

async function append(stream: Stream, ...texts: string[]): Promise<void> {
  await using writer = await stream.writer()
  await writer.append(texts.map((text) => new Uint8Array(Buffer.from(text))))
}
