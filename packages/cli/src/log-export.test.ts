import { randomInt } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RecordSource, writeExport } from '@hutong/audit'
import { World } from '@hutong/verify/world'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliRun, runHere } from './run-cli.ts'
import { filesUnder } from './tlog.ts'

/** Bytes altered at random, all over the export. */
const flips = 20 * Number(process.env.HUTONG_RUNS ?? 1)

interface Replayed {
  readonly outcome: string
  readonly differences: readonly {
    readonly path: string
    readonly code: string
    readonly zh: string
    readonly en: string
  }[]
}

describe('an export of a thousand events, by the command line', () => {
  let folder: string
  let directory: string
  let paths: readonly string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'export-'))
    directory = join(folder, 'export')
    const world = exportedWorld()
    await writeFile(join(folder, 'charter-0.bin'), world.charters[0]!.bytes)
    const charterSha256 = world.pinnedSha256
    expect(await writeExport(directory, { source: sourceOf(world), charterSha256 })).toMatchObject({ kind: 'exported' })
    paths = (await filesUnder(directory).list()).toSorted()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('replays, without any box', async () => {
    const { exitCode, stdout } = await replay()
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'agrees', differences: [], counts: { events: '1200' } })
    expect(exitCode).toBe(0)
  })

  it(
    'is refused with one byte altered anywhere, and the file is named in Chinese and in English',
    async () => {
      const seed = Number(process.env.HUTONG_SEED ?? randomInt(2 ** 31))
      console.log(`HUTONG_SEED=${seed}`)
      const random = randomFrom(seed)
      for (let flip = 0; flip < flips; flip++) {
        const path = paths[Math.floor(random() * paths.length)]!
        const file = join(directory, path)
        const content = await readFile(file)
        const at = Math.floor(random() * content.length)
        const altered = Buffer.from(content)
        altered[at]! ^= 1 + Math.floor(random() * 255)
        await writeFile(file, altered)
        const { exitCode, stdout } = await replay().finally(() => writeFile(file, content))
        const named = (JSON.parse(stdout) as Replayed).differences.find((one) => one.path === path)
        expect({ path, at, exitCode, named }).toEqual({
          path,
          at,
          exitCode: 1,
          named: expect.objectContaining({ zh: expect.stringMatching(/\p{Script=Han}/u), en: expect.any(String) }),
        })
      }
      expect((await replay()).exitCode).toBe(0)
    },
    60_000 + 1_000 * flips,
  )

  it('is refused with a file too many and with one too few', async () => {
    await writeFile(join(directory, 'h/tile/0/notes.txt'), 'x')
    expect((await replay()).exitCode).toBe(1)
    await rm(join(directory, 'h/tile/0/notes.txt'))
    const path = paths.find((one) => one.startsWith('payloads/'))!
    const content = await readFile(join(directory, path))
    await rm(join(directory, path))
    const { exitCode, stdout } = await replay()
    await writeFile(join(directory, path), content)
    expect([exitCode, (JSON.parse(stdout) as Replayed).differences]).toMatchObject([
      1,
      [{ path, code: 'FILE_MISSING' }],
    ])
  })

  it('is not taken for one while it is in the making', async () => {
    await writeFile(join(directory, 'unfinished'), '')
    const { exitCode, stderr } = await replay()
    await rm(join(directory, 'unfinished'))
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('导出尚未完成')
  })

  it('cannot be asked for where no box runs', async () => {
    expect((await runHere(['log', 'export', join(folder, 'none'), '--data', folder])).exitCode).toBe(6)
  })

  const replay = (): Promise<CliRun> =>
    runHere(['audit', 'replay', '--from', directory, '--charter', join(folder, 'charter-0.bin'), '--json'])
})

function exportedWorld(): World {
  const world = new World({ suite: 'Ed25519' })
  let serial = 0
  for (const [zone, events] of [
    ['beijing', 600],
    ['tianjin', 300],
    ['langfang', 300],
  ] as const) {
    for (let left = events; left > 0; left -= 150) {
      world.publishBatch(
        zone,
        Array.from({ length: Math.min(150, left) }, () => world.licence(zone, `S${serial++}`)),
      )
    }
  }
  world.changeCharter((charter) => ({ ...charter, heartbeatMs: charter.heartbeatMs + 1 }))
  return world
}

function sourceOf(world: World): RecordSource {
  const cosigned = world.cosignedHead()
  return {
    async *records(fromIndex) {
      yield* world.records.slice(Number(fromIndex))
    },
    heads: async () => ({ head: world.head(), cosigned }),
  }
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
