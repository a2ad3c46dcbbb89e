import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StreamClosedError, StreamRewoundError } from './errors.ts'
import {
  batchBytesMax,
  recordBytesMax,
  recordsPerAppendMax,
  recordsPerBatchMax,
  type Stream,
  type StreamReader,
  type StreamRecord,
} from './stream.ts'

/** A stream under test, empty, and what only its adapter knows. */
export interface StreamUnderTest {
  readonly stream: Stream
  /** Lets retention take everything appended so far. */
  forgetAll(): Promise<void>
  /** Closes the stream and opens the same content anew; or why this adapter cannot. */
  readonly reopen: (() => Promise<Stream>) | { readonly impossible: string }
  dispose(): Promise<void>
}

/** The definition of a stream: every adapter passes all of it, and may leave out only what it gives a reason for. */
export function describeStreamContract(name: string, open: () => Promise<StreamUnderTest>): void {
  describe(`${name} keeps the contract of a stream`, () => {
    let underTest: StreamUnderTest
    let stream: Stream

    beforeEach(async () => {
      underTest = await open()
      stream = underTest.stream
    })
    afterEach(() => underTest.dispose())

    it('what was appended is read in its order, under growing offsets', async () => {
      await append(stream, ['a', 'b'], ['c'], ['d', 'e'])
      const records = await recordsFrom(stream, 0n, 5)
      expect(records.map(textOf)).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n, 4n])
    })

    it('any offset can be read from, as often as one likes', async () => {
      await append(stream, ['a', 'b', 'c', 'd'])
      for (const [from, texts] of [
        [0n, 'abcd'],
        [3n, 'd'],
        [1n, 'bcd'],
        [1n, 'bcd'],
        [0n, 'abcd'],
      ] as const) {
        expect((await recordsFrom(stream, from, texts.length)).map(textOf).join('')).toBe(texts)
      }
    })

    it('an empty stream begins and ends at 0, and its end counts what was appended', async () => {
      await using reader = await stream.reader()
      expect([await reader.earliest(), await reader.end()]).toEqual([0n, 0n])
      await append(stream, ['a', 'b'], [], ['c'])
      expect([await reader.earliest(), await reader.end()]).toEqual([0n, 3n])
    })

    it('a reader at the end waits, and gets what is appended then', async () => {
      await append(stream, ['a'])
      const waiting = [recordsFrom(stream, 1n, 2), recordsFrom(stream, 0n, 3)]
      await append(stream, ['b'])
      await append(stream, ['c'])
      const texts = (await Promise.all(waiting)).map((records) => records.map(textOf).join(''))
      expect(texts).toEqual(['bc', 'abc'])
    })

    it('appends made without waiting take effect in the order they were made', async () => {
      await using writer = await stream.writer()
      const texts = Array.from({ length: 100 }, (_, index) => `${index}`)
      await Promise.all(texts.map((text) => writer.append([bytes(text), bytes(`${text}'`)])))
      const read = (await recordsFrom(stream, 0n, 200)).map(textOf)
      expect(read).toEqual(texts.flatMap((text) => [text, `${text}'`]))
    })

    it('a slow consumer is given bounded batches, and nothing while it does not ask', async () => {
      const half = new Uint8Array(recordBytesMax / 2).fill(7)
      await using writer = await stream.writer()
      for (let round = 0; round < 3; round++) await writer.append(Array(4).fill(half))
      await append(
        stream,
        Array.from({ length: 150 }, (_, index) => `${index}`),
      )
      const batches = await batchesFrom(stream, 0n, 162)
      const sizes = batches.map((batch) => batch.reduce((sum, { value }) => sum + value.byteLength, 0))
      expect(Math.max(...sizes)).toBeLessThanOrEqual(batchBytesMax)
      expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(recordsPerBatchMax)
      expect(Math.min(...batches.map(({ length }) => length))).toBeGreaterThan(0)
      expect(batches.flat().map(({ offset }) => offset)).toEqual(
        Array.from({ length: 162 }, (_, index) => BigInt(index)),
      )
    })

    it('records of the largest size pass one at a time or in twos, each whole', async () => {
      const values = [1, 2, 3].map((byte) => new Uint8Array(recordBytesMax).fill(byte))
      await using writer = await stream.writer()
      await writer.append(values)
      const records = await recordsFrom(stream, 0n, 3)
      expect(records.map(({ value }, index) => Buffer.compare(value, values[index]!))).toEqual([0, 0, 0])
    })

    it('reading ends quietly when the signal aborts: before it begins, between batches and while waiting', async () => {
      await append(stream, ['a'])
      await using reader = await stream.reader()
      expect(await collect(reader.read(0n, AbortSignal.abort()))).toEqual([])

      const between = new AbortController()
      const first: string[] = []
      for await (const batch of reader.read(0n, between.signal)) {
        first.push(...batch.map(textOf))
        between.abort()
      }
      expect(first).toEqual(['a'])

      const whileWaiting = new AbortController()
      const ended = collect(reader.read(1n, whileWaiting.signal))
      setTimeout(() => whileWaiting.abort(), 20)
      expect(await ended).toEqual([])
    })

    it('reading ends quietly when the reader is disposed, and a disposed reader answers no more', async () => {
      const reader = await stream.reader()
      const ended = collect(reader.read(0n, new AbortController().signal))
      setTimeout(() => void reader[Symbol.asyncDispose](), 20)
      expect(await ended).toEqual([])
      await expect(reader.end()).rejects.toThrow(StreamClosedError)
      await expect(reader.earliest()).rejects.toThrow(StreamClosedError)
    })

    it('a disposed writer appends nothing', async () => {
      const writer = await stream.writer()
      await writer[Symbol.asyncDispose]()
      await expect(writer.append([bytes('a')])).rejects.toThrow(StreamClosedError)
      await using reader = await stream.reader()
      expect(await reader.end()).toBe(0n)
    })

    it('after retention the stream begins later, and who asks for what is gone sees it by the offset', async () => {
      await append(stream, ['a', 'b', 'c'])
      await underTest.forgetAll()
      await using reader = await stream.reader()
      expect([await reader.earliest(), await reader.end()]).toEqual([3n, 3n])
      const waiting = recordsFrom(stream, 1n, 1)
      await append(stream, ['d'])
      expect((await waiting).map(({ offset, value }) => [offset, textOf({ offset, value })])).toEqual([[3n, 'd']])
      expect(await reader.earliest()).toBe(3n)
    })

    it('an offset beyond the end is refused: it cannot be of this stream', async () => {
      await append(stream, ['a'])
      await using reader = await stream.reader()
      const reading = collect(reader.read(2n, new AbortController().signal))
      await expect(reading).rejects.toThrow(StreamRewoundError)
      await expect(reading).rejects.toMatchObject({ from: 2n, end: 1n })
    })

    it.each([
      ['an empty record', [new Uint8Array()]],
      ['a record one byte too long', [new Uint8Array(1), new Uint8Array(recordBytesMax + 1)]],
      ['too many records', Array(recordsPerAppendMax + 1).fill(new Uint8Array(1))],
      ['too many bytes', Array(33).fill(new Uint8Array(recordBytesMax))],
    ])('%s is refused, and nothing is appended', async (_, values: Uint8Array[]) => {
      await using writer = await stream.writer()
      await expect(writer.append(values)).rejects.toThrow(RangeError)
      await using reader = await stream.reader()
      expect(await reader.end()).toBe(0n)
      await writer.append([bytes('good')])
      expect((await recordsFrom(stream, 0n, 1)).map(textOf)).toEqual(['good'])
    })

    it('a negative offset is refused', async () => {
      await using reader = await stream.reader()
      expect(() => reader.read(-1n, new AbortController().signal)).toThrow(RangeError)
    })

    it('what a caller does to its bytes afterwards changes nothing', async () => {
      const value = bytes('kept')
      await using writer = await stream.writer()
      await writer.append([value])
      value.fill(0)
      const [record] = await recordsFrom(stream, 0n, 1)
      expect(textOf(record!)).toBe('kept')
      record!.value.fill(0)
      expect((await recordsFrom(stream, 0n, 1)).map(textOf)).toEqual(['kept'])
    })

    it('opened anew it is the same stream: its id, its records, its next offset', async (ctx) => {
      if (typeof underTest.reopen !== 'function') return ctx.skip(`${name}: ${underTest.reopen.impossible}`)
      await append(stream, ['a', 'b'])
      await underTest.forgetAll()
      await append(stream, ['c'])
      const again = await underTest.reopen()
      expect(again.id).toBe(stream.id)
      await append(again, ['d'])
      expect((await recordsFrom(again, 0n, 2)).map((record) => `${record.offset}${textOf(record)}`)).toEqual([
        '2c',
        '3d',
      ])
    })
  })
}

async function append(stream: Stream, ...calls: (readonly string[])[]): Promise<void> {
  await using writer = await stream.writer()
  for (const texts of calls) await writer.append(texts.map(bytes))
}

async function recordsFrom(stream: Stream, from: bigint, count: number): Promise<StreamRecord[]> {
  return (await batchesFrom(stream, from, count)).flat()
}

async function batchesFrom(stream: Stream, from: bigint, count: number): Promise<(readonly StreamRecord[])[]> {
  await using reader = await stream.reader()
  return await upTo(count, reader, from)
}

async function upTo(count: number, reader: StreamReader, from: bigint): Promise<(readonly StreamRecord[])[]> {
  const enough = new AbortController()
  const batches: (readonly StreamRecord[])[] = []
  for await (const batch of reader.read(from, enough.signal)) {
    batches.push(batch)
    if (batches.flat().length >= count) enough.abort()
  }
  return batches
}

async function collect(reading: AsyncIterable<readonly StreamRecord[]>): Promise<StreamRecord[]> {
  const records: StreamRecord[] = []
  for await (const batch of reading) records.push(...batch)
  return records
}

function bytes(content: string): Uint8Array {
  return new Uint8Array(Buffer.from(content))
}

function textOf({ value }: StreamRecord): string {
  return Buffer.from(value).toString()
}
