import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { addSignatures } from '@hutong/merkle'
import { suspended, World } from '@hutong/verify/world'
import { encodeRecord, type LoggedRecord } from '@hutong/wire'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkPayloads } from './export-check-payloads.ts'
import type { ExportDifference } from './export-difference.ts'
import { filesOfDirectory } from './export-files.ts'
import { ExportFolder } from './export-folder.ts'
import { differencesOf, exportStory, sourceOfWorld } from './export-story.ts'
import type { NamedLog } from './export-walk.ts'
import { type WriteExportOptions, writeExportInto } from './export-write.ts'
import { type Export, openExport, type RecordSource, replay, writeExport } from './index.ts'

const world = exportStory()
const charterSha256 = world.pinnedSha256
let folder: string
let directory: string
let count = 0
/** The files of an export of the whole story, made in one go. */
let wanted: ReadonlyMap<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'))
  await exported(join(folder, 'wanted'))
  wanted = await filesIn(join(folder, 'wanted'))
})
beforeEach(() => {
  directory = join(folder, String(count++))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('an export', () => {
  it('streams the records that the hub streams', async () => {
    await exported(directory)
    const { source } = await opened(directory)
    const entries: string[] = []
    for await (const record of source.records(0n)) if (record.kind === 'entry') entries.push(hexOf(record))
    expect(entries.map((one, at) => one === hexOf(world.records[at]!))).toEqual(world.records.map(() => true))
    const later = []
    for await (const record of source.records(world.size - 2n)) later.push(record.kind)
    expect(later).toEqual(['entry', 'entry', 'head', 'cosigned'])
  })

  it('replays to the roots and the digest of the hub, and nothing in it differs', async () => {
    await exported(directory)
    const { source } = await opened(directory)
    expect(await differencesOf(await opened(directory))).toEqual([])
    const ofHub = await replay({ source: sourceOfWorld(world), charterSha256, verifiers: [] })
    const ofExport = await replay({ source, charterSha256, verifiers: [] })
    const { contradiction, digest, logs, payloads } = ofExport
    expect({ contradiction, digest, logs, payloads }).toEqual({
      contradiction: undefined,
      digest: ofHub.digest,
      logs: ofHub.logs,
      payloads: ofHub.payloads,
    })
  })

  it('of any earlier head grows to what an export in one go is', async () => {
    for (let size = 1n; size <= world.size; size++) {
      const growing = join(directory, String(size))
      expect(await exported(growing, sourceOfWorld(world, size))).toMatchObject({ position: size, from: 0n })
      expect(await differencesOf(await opened(growing))).toEqual([])
      expect(await exported(growing)).toMatchObject({ position: world.size, from: size })
      expect(await filesIn(growing)).toEqual(wanted)
    }
  })

  it('leaves out the lines of keys that the charter does not name', async () => {
    const line = `\u2014 example.org/somebody ${Buffer.alloc(68, 7).toString('base64')}`
    const cosigned = addSignatures(world.cosignedHead(), [line])
    await exported(directory, sourceOfWorld(world, world.size, cosigned))
    expect(await filesIn(directory)).toEqual(wanted)
  })

  it('holds no payload that does not open its commitment, and names its event', async () => {
    const damaged = new World({ zones: ['beijing', 'tianjin'], suite: 'Ed25519', quorum: 2 })
    const { origin, index } = damaged.publish('beijing', {
      event: damaged.licence('beijing', 'D1'),
      carried: 'damaged',
    })
    damaged.publish('beijing', { event: damaged.licence('beijing', 'D2'), carried: 'sealed' })
    const options = { source: sourceOfWorld(damaged), charterSha256: damaged.pinnedSha256 }
    expect(await writeExport(directory, options)).toMatchObject({
      payloads: { given: 0n, absent: 2n },
      mismatched: { eventIds: expect.arrayContaining([`${origin}/${index}`]) },
    })
    expect(await differencesOf(await opened(directory, damaged.pinnedSha256))).toEqual([])
  })

  it('keeps payloads from other users of the machine', async () => {
    await exported(directory)
    const modeOf = async (path: string) => ((await stat(join(directory, path))).mode & 0o777).toString(8)
    expect(await modeOf('payloads/tianjin/000')).toBe('600')
  })

  it.each([
    ['with their folder', false],
    ['and keep the empty folder', true],
  ])('may lose all its payloads %s, and then stays without', async (_, keepsFolder) => {
    await exported(directory, sourceOfWorld(world, world.size - 2n))
    await rm(join(directory, 'payloads'), { recursive: true })
    if (keepsFolder) await mkdir(join(directory, 'payloads', 'tianjin'), { recursive: true })
    expect(await differencesOf(await opened(directory))).toEqual([])
    expect(await exported(directory)).toMatchObject({ kind: 'exported', withPayloads: false })
    expect(await differencesOf(await opened(directory))).toEqual([])
    expect((await filesOfDirectory(directory).list()).filter((path) => path.startsWith('payloads'))).toEqual([])
    const report = await replay({ source: (await opened(directory)).source, charterSha256, verifiers: [] })
    expect([report.outcome, report.contradiction]).toEqual(['incomplete', undefined])
  })
})

describe('what is no file of an export', () => {
  const links = [
    'z/tianjin/tile/entries/000',
    'z/tianjin/tile/0/000',
    'payloads/tianjin/000',
    'h/checkpoint',
    'charter/1',
  ]
  it.each(links)('is named: a link to the right bytes as %s', async (path) => {
    await exported(directory)
    const [whole, elsewhere] = [join(directory, path), `${directory}-elsewhere`]
    await rename(whole, elsewhere)
    await symlink(elsewhere, whole)
    expect(await differencesOf(await opened(directory))).toContainEqual(expect.objectContaining({ path }))
  })

  it.each<[string, (whole: string) => Promise<unknown>]>([
    ['a folder', (whole) => mkdir(whole)],
    ['a pipe that nobody writes into', (whole) => promisify(execFile)('mkfifo', [whole])],
    ['more than any file has', (whole) => writeFile(whole, '').then(() => truncate(whole, 2 ** 33))],
  ])('is named: %s', async (_, make) => {
    await exported(directory)
    const path = 'z/tianjin/tile/0/000'
    await rm(join(directory, path))
    await make(join(directory, path))
    expect(await differencesOf(await opened(directory))).toContainEqual(expect.objectContaining({ path }))
  })

  it('is named although a log is said to have more bundles than anybody could name', async () => {
    await exported(directory)
    const files = filesOfDirectory(directory)
    const log = { zone: 'tianjin', origin: world.origin('tianjin'), size: 2n ** 60n } as NamedLog
    const named: ExportDifference[] = []
    for await (const one of checkPayloads(files, [log], undefined)) named.push(one)
    expect(named.length).toBeGreaterThanOrEqual(1000)
    expect(named.length).toBeLessThan(1100)
  })
})

describe('an export that dies', () => {
  it.each([
    ['a first one', 0n, 4],
    ['one that adds to another', 4n, 1],
  ])('%s, at any step, is not taken for a complete one, and the next run completes it', async (_, size, every) => {
    const before = join(directory, 'before')
    if (size > 0n) await exported(before, sourceOfWorld(world, size))
    else await mkdir(before, { recursive: true })
    const steps = await stepsOf(before, join(directory, 'counted'))
    expect(steps).toBeGreaterThan(20)
    for (let step = 1; step <= steps; step += every) {
      const dying = join(directory, String(step))
      await cp(before, dying, { recursive: true })
      await expect(writeExportInto(new DyingFolder(dying, step), dyingOptions)).rejects.toThrow('died')
      const found = await openExport(dying, { charterSha256 })
      if (found.kind === 'refused') expect(found.code).toBe('EXPORT_UNFINISHED')
      else expect(await filesIn(dying, isWhole)).toEqual(await filesIn(before))
      expect(await exported(dying)).toMatchObject({ kind: 'exported', position: world.size })
      expect([step, await filesIn(dying)]).toEqual([step, wanted])
    }
  })

  it('goes on from what was secured', async () => {
    const stopping: RecordSource = {
      ...sourceOfWorld(world),
      async *records(from) {
        yield* world.records.slice(Number(from), 6)
        throw new Error('the line broke')
      },
    }
    const options = { source: stopping, charterSha256, leavesPerSecuring: 1n }
    await expect(writeExport(directory, options)).rejects.toThrow('the line broke')
    expect(await openExport(directory)).toMatchObject({ kind: 'refused', code: 'EXPORT_UNFINISHED' })
    expect(await exported(directory)).toMatchObject({ from: 6n, position: world.size })
    expect(await filesIn(directory)).toEqual(wanted)
  })

  it('starts again where what was secured is damaged', async () => {
    const stopping = { ...sourceOfWorld(world), records: () => brokenAfter(6) }
    await expect(writeExport(directory, { source: stopping, charterSha256, leavesPerSecuring: 1n })).rejects.toThrow(
      'the line broke',
    )
    await writeFile(join(directory, 'h/tile/entries/000.p/6'), 'nothing')
    expect(await exported(directory)).toMatchObject({ from: 0n, position: world.size })
    expect(await filesIn(directory)).toEqual(wanted)
  })
})

describe('a hub that contradicts itself', () => {
  /** The same alliance, with another last leaf. */
  const fork = exportStory((told) => told.publish('beijing', suspended(told.licence('beijing', 'A1'))))

  it.each<[string, string, () => RecordSource]>([
    ['serves another tree of the same size', 'HEAD_ROOT', () => sourceOfWorld(fork, world.size)],
    ['serves a tree beside it', 'HEAD_ROOT', () => sourceOfWorld(longer(fork))],
    ['has a smaller head than it had', 'HEAD_BEHIND', () => sourceOfWorld(world, 5n)],
    ['serves fewer leaves than it has signed', 'HEAD_NOT_REACHED', () => cutShort(longer(exportStory()))],
    ['has a head without a quorum', 'COSIGNED_SIGNATURE', () => withoutQuorum(longer(exportStory()))],
    ['serves what is no record', 'RECORD_UNREADABLE', () => unreadable(longer(exportStory()))],
    ['serves an event that was not signed', 'BATCH_ROOT', () => altered(longer(exportStory()))],
  ])('%s: %s, and the export is what it was', async (_, code, source) => {
    await exported(directory)
    const outcome = await writeExport(directory, { source: source(), charterSha256 })
    expect(outcome).toMatchObject({ kind: 'contradicted', contradiction: { code } })
    expect(await filesIn(directory)).toEqual(wanted)
  })

  it('leaves an empty directory where there was no export', async () => {
    const outcome = await writeExport(directory, { source: altered(longer(exportStory())), charterSha256 })
    expect(outcome.kind).toBe('contradicted')
    expect(await readdir(directory)).toEqual([])
  })
})

describe('a directory', () => {
  it('that holds something else is refused', async () => {
    await mkdir(directory)
    await writeFile(join(directory, 'thesis.txt'), 'mine')
    expect(await exported(directory)).toMatchObject({ kind: 'refused', code: 'NOT_AN_EXPORT' })
    expect(await readdir(directory)).toEqual(['thesis.txt'])
  })

  it('with an export of another alliance is refused', async () => {
    const other = new World({ zones: ['shanghai', 'hangzhou'], suite: 'Ed25519', quorum: 2 })
    await writeExport(directory, { source: sourceOfWorld(other), charterSha256: other.pinnedSha256 })
    expect(await exported(directory)).toMatchObject({ kind: 'refused', code: 'OTHER_ALLIANCE' })
  })

  it.each(['h/checkpoint', 'h/tile/entries/000.p/11', 'z/tianjin/tile/0/001.p/5', 'charter/1'])(
    'whose %s is damaged is refused',
    async (path) => {
      await exported(directory)
      await writeFile(join(directory, path), 'nothing')
      const longerSource = sourceOfWorld(longer(exportStory()))
      expect(await exported(directory, longerSource)).toMatchObject({ kind: 'refused', code: 'EXPORT_DAMAGED' })
    },
  )

  it('is not made before anything is witnessed', async () => {
    const source = { ...sourceOfWorld(world), heads: async () => ({ head: world.head(), cosigned: new Uint8Array() }) }
    expect(await exported(directory, source)).toMatchObject({ kind: 'refused', code: 'NOTHING_WITNESSED' })
    expect(await openExport(directory)).toMatchObject({ kind: 'refused', code: 'NO_EXPORT' })
  })

  it('without a head is an export that lacks it', async () => {
    await mkdir(directory)
    expect(await differencesOf(await opened(directory))).toMatchObject([{ path: 'h/checkpoint', code: 'FILE_MISSING' }])
  })
})

function exported(into: string, source: RecordSource = sourceOfWorld(world)): ReturnType<typeof writeExport> {
  return writeExport(into, { source, charterSha256 })
}

async function opened(from: string, pinned: Uint8Array = charterSha256): Promise<Export> {
  const found = await openExport(from, { charterSha256: pinned })
  if (found.kind === 'refused') throw new Error(found.en)
  return found
}

/** Everything below a directory, by path. */
async function filesIn(from: string, isMeant: (path: string) => boolean = () => true): Promise<Map<string, string>> {
  const files = filesOfDirectory(from)
  const paths = (await files.list()).filter(isMeant).toSorted()
  const contents = new Map<string, string>()
  for (const path of paths) contents.set(path, Buffer.from((await files.read(path))!).toString('hex'))
  return contents
}

function hexOf(record: LoggedRecord): string {
  return Buffer.from(encodeRecord(record)).toString('hex')
}

const isWhole = (path: string) => !path.endsWith('.new')

/** Dies before the given one of its steps, with half of that file written. */
class DyingFolder extends ExportFolder {
  readonly #directory: string
  readonly #last: number
  steps = 0

  constructor(into: string, last: number) {
    super(into)
    this.#directory = into
    this.#last = last
  }

  override async write(path: string, content: Uint8Array): Promise<void> {
    if (++this.steps >= this.#last) {
      const half = join(this.#directory, `${path}.new`)
      await mkdir(join(half, '..'), { recursive: true })
      await writeFile(half, content.subarray(0, content.length >> 1))
      throw new Error('died')
    }
    await super.write(path, content)
  }

  override async remove(paths: Iterable<string>): Promise<void> {
    for (const path of paths) {
      if (++this.steps >= this.#last) throw new Error('died')
      await super.remove([path])
    }
  }
}

const dyingOptions: WriteExportOptions = { source: sourceOfWorld(world), charterSha256, leavesPerSecuring: 100n }

async function stepsOf(before: string, into: string): Promise<number> {
  await cp(before, into, { recursive: true })
  const immortal = new DyingFolder(into, Number.MAX_SAFE_INTEGER)
  await writeExportInto(immortal, dyingOptions)
  return immortal.steps
}

async function* brokenAfter(leaves: number): ReturnType<RecordSource['records']> {
  yield* world.records.slice(0, leaves)
  throw new Error('the line broke')
}

function longer(told: World): World {
  for (const serial of ['M1', 'M2']) told.publish('tianjin', told.licence('tianjin', serial))
  return told
}

function cutShort(told: World): RecordSource {
  return { ...sourceOfWorld(told), records: (from) => sourceOfWorld(told, told.size - 1n).records(from) }
}

function withoutQuorum(told: World): RecordSource {
  return sourceOfWorld(told, told.size, told.cosignedHead({ zones: ['beijing'] }))
}

function unreadable(told: World): RecordSource {
  return {
    ...sourceOfWorld(told),
    async *records() {
      yield { kind: 'unreadable', why: 'noise' }
    },
  }
}

/** A byte of the last event's leaf is another than was signed. */
function altered(told: World): RecordSource {
  const leaf = told.records.at(-1)!.entries[0]!.leaf.slice()
  leaf[leaf.length - 1]! ^= 1
  const record = { ...told.records.at(-1)!, entries: [{ ...told.records.at(-1)!.entries[0]!, leaf }] }
  const source = sourceOfWorld(told)
  told.records.splice(-1, 1, record)
  return source
}
