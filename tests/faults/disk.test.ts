import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import type { LicenceIssued } from '@hutong/licence'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inShort } from '../constellation/constellation.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { licenceOf, matter } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

const diskSizeMebibytes = 48

describe('a full disk (X6)', () => {
  let folder: string
  let world: EmbeddedConstellation | undefined
  let unmountable: string | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'disk-'))
    unmountable = await mounted(folder)
    if (unmountable !== undefined) return
    await mkdir(join(folder, 'data'))
    world = await startEmbedded({ zones: ['beijing', 'tianjin'], dataDir: join(folder, 'data') })
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
    if (unmountable === undefined) await promisify(execFile)('umount', [folder])
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach((ctx) => {
    if (unmountable !== undefined) ctx.skip(`tmpfs: ${unmountable}`)
  })

  it('is said to who publishes, verification goes on, and once there is space everything goes on by itself', async () => {
    const box = world!
    const licence = (serial: string) => licenceOf(box.box.alliance.charter, 'beijing', serial)
    const ask = () => box.verify('beijing', { identifier: licence('X6A').identifier, matter })
    const answered = (serial: string) => box.issue('beijing', licence(serial), 'sealed').catch((error) => error)
    await box.issue('beijing', licence('X6A'))
    await until('VALID', ask, (answer) => inShort(answer) === 'VALID')

    const { bavail, bsize } = await statfs(folder)
    await writeFile(join(folder, 'ballast'), Buffer.alloc(bavail * bsize)).catch(() => {})
    let tries = 0
    const { answer } = await until(
      'publishing is refused',
      () => {
        tries += 1
        return answered(`X6B${tries}`)
      },
      (outcome) => outcome.kind !== 'published',
    )
    const told =
      answer.kind === 'refused' && 'refusal' in answer ? answer.refusal.code : (answer as { code: string }).code
    expect(told).toBe('DISK_FULL')
    expect(inShort(await ask())).toMatch(/^(VALID|UNDETERMINED )/)

    await rm(join(folder, 'ballast'))
    await until(
      'it goes on',
      () => box.issue('beijing', licence('X6C')),
      ({ kind }) => kind === 'published',
    )
    await until('VALID', ask, (verdict) => inShort(verdict) === 'VALID')
    await until(
      'a replay agrees',
      () => box.auditReplay(),
      ({ outcome }) => outcome === 'agrees',
    )
  })
})

describe('a flipped bit (X8)', () => {
  it('in the newest leaf of the hub is found at its next start: it signs nothing and names the place', async () => {
    await using world = await startEmbedded({ zones: ['beijing', 'tianjin'] })
    await issueAndStopHub(world)
    flipNewest(join(world.folder('hub'), 'log.sqlite'), 'leaves')
    await expect(world.start('hub')).rejects.toThrow('leaves')
  })

  it('in what a zone had sent to the hub is found by a replay, and the zone’s own copy stays whole', async () => {
    await using world = await startEmbedded({ zones: ['beijing', 'tianjin'] })
    const { identifier } = await issueAndStopHub(world)
    flipNewest(join(world.folder('hub'), 'log.sqlite'), 'batches')
    await world.start('hub')
    const report = await until(
      'a replay',
      () => world.auditReplay(),
      ({ contradiction }) => contradiction !== undefined,
    )
    expect(report.answer.outcome).toBe('differs')
    // The zone's own copy is whole, and goes on answering from it.
    expect(inShort(await world.verify('beijing', { identifier, matter }))).toBe('VALID')
  })

  /** A licence that its own zone holds, and then no hub. */
  async function issueAndStopHub(world: EmbeddedConstellation): Promise<LicenceIssued> {
    const licence = licenceOf(world.box.alliance.charter, 'beijing', 'X8A')
    await world.issue('beijing', licence)
    await until(
      'VALID',
      () => world.verify('beijing', { identifier: licence.identifier, matter }),
      (answer) => inShort(answer) === 'VALID',
    )
    await world.stop('hub')
    return licence
  }
})

/** Why a small file system cannot be mounted there; undefined once it is. */
async function mounted(folder: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount one'
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${diskSizeMebibytes}m`, 'tmpfs', folder])
    return undefined
  } catch (error) {
    return `cannot be mounted here: ${(error as { stderr?: string }).stderr?.trim() ?? error}`
  }
}

/** Flips one bit in the newest document of a collection. */
function flipNewest(path: string, collection: string): void {
  const database = new DatabaseSync(path)
  try {
    const select = `SELECT key, value FROM collection_${collection} ORDER BY key DESC LIMIT 1`
    const { key, value } = database.prepare(select).get() as { key: string; value: Uint8Array }
    value[value.length >> 1]! ^= 1
    database.prepare(`UPDATE collection_${collection} SET value = ? WHERE key = ?`).run(value, key)
  } finally {
    database.close()
  }
}
