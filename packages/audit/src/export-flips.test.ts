import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesOfDirectory } from './export-files.ts'
import { decodePayloadBundle } from './export-payload-bundle.ts'
import { exportStory, sourceOfWorld } from './export-story.ts'
import { type ExportDifference, type ExportFiles, openExportFiles, writeExport } from './index.ts'

/** How many times as much is tried as usual. */
const runs = Number(process.env.HUTONG_RUNS ?? 1)
/** Bits flipped at random in each file, where it has so many. */
const randomFlips = 40 * runs
/** Of the fields that a bundle repeats for each of its entries every so many is tried: a prime, so that all kinds come. */
const stride = runs > 1 ? 1 : 7

const world = exportStory()
const files = new Map<string, Uint8Array>()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'))
  await writeExport(folder, { source: sourceOfWorld(world), charterSha256: world.pinnedSha256 })
  const onDisk = filesOfDirectory(folder)
  for (const path of await onDisk.list()) files.set(path, (await onDisk.read(path))!)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('every file of an export', () => {
  it('is one of those that were meant', () => {
    expect([...files.keys()].sort()).toEqual([
      'charter/0',
      'charter/1',
      'h/checkpoint',
      'h/tile/0/000.p/11',
      'h/tile/entries/000.p/11',
      'payloads/beijing/000.p/2',
      'payloads/langfang/000.p/4',
      'payloads/tianjin/000',
      'payloads/tianjin/001.p/5',
      'z/beijing/checkpoint',
      'z/beijing/tile/0/000.p/2',
      'z/beijing/tile/entries/000.p/2',
      'z/langfang/checkpoint',
      'z/langfang/tile/0/000.p/4',
      'z/langfang/tile/entries/000.p/4',
      'z/tianjin/checkpoint',
      'z/tianjin/tile/0/000',
      'z/tianjin/tile/0/001.p/5',
      'z/tianjin/tile/1/000.p/1',
      'z/tianjin/tile/entries/000',
      'z/tianjin/tile/entries/001.p/5',
    ])
  })

  it('is named when a bit of one of its structural fields is flipped', async () => {
    for (const [path, content] of files) {
      for (const at of structuralBytes(path, content)) await expectNamed(path, at, 0)
    }
  })

  it('is named when one of its bits is flipped, wherever', async () => {
    const seed = Number(process.env.HUTONG_SEED ?? randomInt(2 ** 31))
    console.log(`HUTONG_SEED=${seed}`)
    const random = randomFrom(seed)
    for (const [path, content] of files) {
      for (const bit of chosenBits(content.length * 8, random)) await expectNamed(path, bit >> 3, bit & 7)
    }
  })

  it('is named when it is not there', async () => {
    for (const path of files.keys()) {
      const named = await firstNaming(withFile(path, undefined), path)
      expect([path, named?.code]).toEqual([path, 'FILE_MISSING'])
    }
  })

  it('is named when it is cut or goes on', async () => {
    for (const [path, content] of files) {
      for (const altered of [content.subarray(0, -1), new Uint8Array(0), Buffer.concat([content, Uint8Array.of(0)])]) {
        const named = await firstNaming(withFile(path, altered), path)
        expect([path, named?.path]).toEqual([path, path])
      }
    }
  })
})

describe('a file too many', () => {
  it.each([
    'README',
    'h/tile/0/001',
    'h/tile/0/000',
    'h/tile/0/000.p/9',
    'h/tile/2/000.p/1',
    'h/checkpoint.new',
    'z/tianjin/tile/entries/001',
    'z/tianjin/tile/entries/002.p/1',
    'z/tianjin/tile/0/1.p/5',
    'z/guangzhou/checkpoint',
    'payloads/tianjin/001.p/4',
    'payloads/guangzhou/000.p/1',
    'payloads/README',
    'charter/2',
    'charter/00',
  ])('%s is named', async (path) => {
    const named = await firstNaming(withFile(path, new Uint8Array(32)), path)
    expect(named?.code).toBe('FILE_SUPERFLUOUS')
  })
})

describe('a difference', () => {
  it.each<[string, string, (content: Uint8Array) => number, string, object]>([
    [
      'a byte of an event’s leaf',
      'z/tianjin/tile/entries/000',
      (content) => startOfEntry(content, 7) + 12,
      'FILE_ALTERED',
      { index: 7n, eventId: `${world.origin('tianjin')}/7` },
    ],
    [
      'the length of an entry',
      'z/tianjin/tile/entries/000',
      (content) => startOfEntry(content, 9) + 1,
      'FILE_MALFORMED',
      { index: 9n, eventId: `${world.origin('tianjin')}/9` },
    ],
    [
      'a leaf of H',
      'h/tile/entries/000.p/11',
      (content) => startOfEntry(content, 3) + 40,
      'FILE_ALTERED',
      { index: 3n },
    ],
    ['a hash', 'z/tianjin/tile/0/001.p/5', () => 2 * 32 + 5, 'FILE_ALTERED', { offset: 64, index: 258n }],
    ['a hash further up', 'z/tianjin/tile/1/000.p/1', () => 9, 'FILE_ALTERED', { offset: 0, index: 0n }],
    [
      'a byte of a payload',
      'payloads/beijing/000.p/2',
      (content) => content.length - 40,
      'FILE_ALTERED',
      { eventId: `${world.origin('beijing')}/1` },
    ],
    ['a checkpoint’s origin', 'z/beijing/checkpoint', () => 3, 'CHECKPOINT_REFUSED', { offset: 3 }],
  ])('names %s by its place', async (_, path, place, code, named) => {
    const altered = Uint8Array.from(files.get(path)!)
    altered[place(altered)]! ^= 1
    const difference = await firstNaming(withFile(path, altered), path)
    expect(difference).toMatchObject({ path, code, place: named })
    expect([difference?.zh, difference?.en].every((sentence) => sentence !== '')).toBe(true)
  })

  it.each(['h/checkpoint', 'z/beijing/checkpoint'])(
    'names a line of %s by a key that no charter names',
    async (path) => {
      const line = `\u2014 example.org/somebody ${Buffer.alloc(68, 7).toString('base64')}\n`
      const content = Buffer.concat([files.get(path)!, Buffer.from(line)])
      const difference = await firstNaming(withFile(path, content), path)
      expect(difference).toMatchObject({ code: 'SIGNATURE_LINE_UNKNOWN', place: { offset: files.get(path)!.length } })
    },
  )

  it('names a line of the head that stands twice, and a head with too few cosignatures', async () => {
    const lines = Buffer.from(files.get('h/checkpoint')!).toString('utf8').split('\n')
    const twice = Buffer.from([...lines.slice(0, -1), lines.at(-2), ''].join('\n'))
    expect((await firstNaming(withFile('h/checkpoint', twice), 'h/checkpoint'))?.code).toBe('FILE_NOT_CANONICAL')
    const two = Buffer.from([...lines.slice(0, -3), ''].join('\n'))
    expect((await firstNaming(withFile('h/checkpoint', two), 'h/checkpoint'))?.code).toBe('CHECKPOINT_REFUSED')
  })

  it('names a charter 0 that is not the pinned one', async () => {
    const opened = await openExportFiles(withFile('x', undefined), { charterSha256: new Uint8Array(32) })
    if (opened.kind === 'refused') throw new Error(opened.en)
    const named: string[] = []
    for await (const { path, code } of opened.check()) named.push(`${path} ${code}`)
    expect(named).toEqual(['charter/0 CHARTER_REFUSED'])
  })
})

async function expectNamed(path: string, at: number, bit: number): Promise<void> {
  const altered = Uint8Array.from(files.get(path)!)
  altered[at]! ^= 1 << bit
  const named = await firstNaming(withFile(path, altered), path)
  if (named === undefined) expect({ path, at, bit, named }).toEqual({ path, at, bit, named: 'something' })
}

function withFile(path: string, content: Uint8Array | undefined): ExportFiles {
  const others = [...files.keys()].filter((one) => one !== path)
  const paths = content === undefined ? others : [...others, path]
  return { list: async () => paths, read: async (one) => (one === path ? content : files.get(one)) }
}

async function firstNaming(altered: ExportFiles, path: string): Promise<ExportDifference | undefined> {
  const opened = await openExportFiles(altered, { charterSha256: world.pinnedSha256 })
  if (opened.kind === 'refused') return undefined
  for await (const difference of opened.check()) if (difference.path === path) return difference
  return undefined
}

/** Where something begins, is counted or is told apart. */
function structuralBytes(path: string, content: Uint8Array): readonly number[] {
  if (path.endsWith('checkpoint')) return bytesOfNote(content)
  if (path.includes('/tile/entries/')) return lengthsOfEntries(content).filter(isTried)
  if (path.includes('/tile/')) return everyOf(content.length, 32)
  if (path.startsWith('payloads/')) return statesOfPayloads(path, content)
  return everyOf(content.length, 16)
}

/** All of the text, and of each signature line its dash, name, key id and end. */
function bytesOfNote(content: Uint8Array): readonly number[] {
  const note = Buffer.from(content)
  const found = Array.from({ length: note.lastIndexOf('\n\n') + 2 }, (_, at) => at)
  for (let start = found.length; start < note.length; start = note.indexOf('\n', start) + 1) {
    const signature = note.lastIndexOf(' ', note.indexOf('\n', start))
    found.push(
      start,
      start + 1,
      start + 3,
      start + 4,
      signature,
      signature + 1,
      signature + 5,
      note.indexOf('\n', start),
    )
  }
  return found
}

function lengthsOfEntries(content: Uint8Array): readonly number[] {
  const found: number[] = []
  for (let at = 0; at < content.length; at += 2 + ((content[at]! << 8) | content[at + 1]!))
    found.push(at, at + 1, at + 2)
  return found
}

function startOfEntry(content: Uint8Array, entry: number): number {
  return lengthsOfEntries(content)[3 * entry]!
}

function statesOfPayloads(path: string, content: Uint8Array): readonly number[] {
  const [, zone, index, partial] = /^payloads\/(\w+)\/(\d+)(?:\.p\/(\d+))?$/.exec(path)!
  const name = { origin: world.origin(zone!), firstIndex: BigInt(index!) * 256n, width: Number(partial ?? 256) }
  const { offsets, payloads, fault } = decodePayloadBundle(content, name)
  expect(fault).toBeUndefined()
  const header = Array.from({ length: offsets[0]! }, (_, at) => at)
  const states = offsets.flatMap((at, place) => (payloads[place]!.kind === 'given' ? [at, at + 33, at + 34] : [at]))
  return [...header, ...states.filter(isTried), content.length - 32, content.length - 1]
}

function isTried(_: number, place: number): boolean {
  return place % stride === 0
}

function everyOf(length: number, step: number): readonly number[] {
  return Array.from({ length: Math.ceil(length / step) }, (_, at) => at * step)
}

function chosenBits(count: number, random: () => number): ReadonlySet<number> {
  if (count <= randomFlips) return new Set(Array.from({ length: count }, (_, at) => at))
  const chosen = new Set<number>()
  while (chosen.size < randomFlips) chosen.add(Math.floor(random() * count))
  return chosen
}

/** Numbers from 0 up to 1 that a seed repeats (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
