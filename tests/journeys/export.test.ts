import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { formatVkey, parseVkey, type VerifierKey } from '@hutong/merkle'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutong, hutongJson } from '../constellation/command-line.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { licenceOf } from '../constellation/invented.ts'
import { buildGoReader, type GoReader, type NoGoReader } from '../go-reader/reader.ts'

const run = promisify(execFile)

interface Exported {
  readonly kind: string
  readonly position: number
  readonly from: number
  readonly payloads: { readonly given: number }
}

interface Replayed {
  readonly outcome: string
  readonly position: string
  readonly digest: { readonly position: string; readonly digest: string }
  readonly verifiers: readonly { readonly zone: string; readonly kind: string }[]
  readonly differences: readonly { readonly path: string; readonly code: string }[]
}

describe('an export of the whole alliance', () => {
  let world: EmbeddedConstellation
  let reader: GoReader | NoGoReader
  let folder: string
  let directory: string
  const zones = ['beijing', 'tianjin', 'langfang']

  beforeAll(async () => {
    reader = await buildGoReader()
    folder = await mkdtemp(join(tmpdir(), 'export-'))
    directory = join(folder, 'export')
    world = await startEmbedded({ zones })
    console.log(`engine: ${world.engine}`)
    await publishMany('beijing', 300)
    await publishMany('tianjin', 40)
    const { exitCode, json } = await exportNow()
    expect({ exitCode, json }).toMatchObject({ exitCode: 0, json: { kind: 'exported', from: 0 } })
    expect(json.payloads.given).toBeGreaterThan(340)
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    if (reader.kind === 'built') await reader[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const charterFile = () => join(world.dataDir, 'alliance', 'charter-0.bin')
  const exportNow = (into = directory) => hutongJson<Exported>(world.environment, 'log', 'export', into)
  const replay = (...more: readonly string[]) =>
    hutongJson<Replayed>(world.environment, 'audit', 'replay', '--from', directory, '--charter', charterFile(), ...more)

  it('replays to the digest of every verifier', async () => {
    const { exitCode, json } = await replay('--verifiers')
    expect(json.verifiers.map(({ zone, kind }) => [zone, kind])).toEqual(zones.map((zone) => [zone, 'agrees']))
    expect({ exitCode, outcome: json.outcome, differences: json.differences }).toEqual({
      exitCode: 0,
      outcome: 'agrees',
      differences: [],
    })
  })

  it('is accepted by Go’s reader, the log of the hub and those of the zones, and refused after one flipped byte', async (ctx) => {
    if (reader.kind === 'absent') return ctx.skip(`go-reader: ${reader.reason}`)
    for (const [path, keys] of logs()) {
      const read = () => (reader as GoReader).read(join(directory, path), ed25519Of(keys))
      expect([path, await read()]).toMatchObject([path, { accepted: true }])
      const [tile] = await readdir(join(directory, path, 'tile', '0'), { recursive: true, withFileTypes: true }).then(
        (found) => found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
      )
      const content = await readFile(tile!)
      await writeFile(tile!, flipped(content))
      expect([path, await read().finally(() => writeFile(tile!, content))]).toMatchObject([path, { accepted: false }])
    }
  })

  it('is accepted by our own check of a log in tiles', async () => {
    for (const [path, keys] of logs()) {
      const given = keys.flatMap((key) => ['--vkey', formatVkey(key)])
      const { exitCode, stdout } = await hutong({}, 'tlog', 'check', join(directory, path), ...given)
      expect([path, exitCode, stdout]).toEqual([path, 0, expect.stringMatching(/^SOUND /)])
    }
  })

  it('grows by what is new, and then replays to the digest of every verifier again', async () => {
    const before = await exportNow()
    await publishMany('langfang', 20)
    const { exitCode, json } = await exportNow()
    expect({ exitCode, from: json.from }).toEqual({ exitCode: 0, from: before.json.position })
    expect(json.position).toBeGreaterThan(json.from)
    const again = await replay('--verifiers')
    expect([again.exitCode, again.json.outcome, again.json.differences]).toEqual([0, 'agrees', []])
    expect(again.json.position).toBe(String(json.position))
  })

  it('differs, and names the file, after one flipped byte in a payload, a charter and a checkpoint', async () => {
    for (const path of ['payloads/beijing/000', 'charter/0', 'h/checkpoint', 'z/tianjin/checkpoint']) {
      const file = join(directory, path)
      const content = await readFile(file)
      await writeFile(file, flipped(content))
      const { exitCode, json } = await replay().finally(() => writeFile(file, content))
      expect([path, exitCode, json.differences.map((one) => one.path)]).toEqual([path, 1, [path]])
    }
  })

  it('onto a full disk fails as one, and goes on where there is space', async (ctx) => {
    const small = join(folder, 'small')
    await mkdir(small)
    const mount = (...options: readonly string[]) => run('mount', [...options, 'tmpfs', small])
    const unmountable = await mount('-t', 'tmpfs', '-o', 'size=64k').then(
      () => undefined,
      (error: { readonly stderr?: string }) => `tmpfs: ${error.stderr?.trim() ?? error}`,
    )
    if (unmountable !== undefined) return ctx.skip(unmountable)
    try {
      expect((await hutong(world.environment, 'log', 'export', join(small, 'export'))).exitCode).toBe(8)
      const options = ['audit', 'replay', '--from', join(small, 'export'), '--charter', charterFile()] as const
      expect((await hutong({}, ...options)).stderr).toContain('导出尚未完成')
      await mount('-o', 'remount,size=64m')
      expect((await exportNow(join(small, 'export'))).exitCode).toBe(0)
      expect((await hutong({}, ...options)).exitCode).toBe(0)
    } finally {
      await run('umount', [small])
    }
  })

  it('is refused where something else lies, and where the hub does not answer', async () => {
    await writeFile(join(folder, 'thesis.txt'), 'mine')
    expect((await hutong(world.environment, 'log', 'export', folder)).exitCode).toBe(7)
    await world.stop('hub')
    expect((await hutong(world.environment, 'log', 'export', directory)).exitCode).toBe(6)
    await world.start('hub')
    expect((await replay()).exitCode).toBe(0)
  })

  async function publishMany(zone: string, count: number): Promise<void> {
    const { charter } = world.box.alliance
    const licences = Array.from({ length: count }, (_, at) => licenceOf(charter, zone, `X${at}`))
    const outcomes = await Promise.all(licences.map((licence) => world.issue(zone, licence)))
    expect(outcomes.filter(({ kind }) => kind === 'refused')).toEqual([])
  }

  /** The logs of the export with the keys whose lines stand on their checkpoints. */
  function logs(): readonly (readonly [path: string, keys: readonly VerifierKey[]])[] {
    const { keys } = world.box.alliance.charter
    const keysOf = (owner: string) => keys.filter((key) => key.role === 'log' && key.owner === owner).map(keyOf)
    const cosigners = keys.filter(({ role }) => role === 'cosigner').map(keyOf)
    return [['h', [...keysOf('hub'), ...cosigners]], ...zones.map((zone) => [`z/${zone}`, keysOf(zone)] as const)]
  }
})

function keyOf({ vkey }: { readonly vkey: string }): VerifierKey {
  const parsed = parseVkey(vkey)
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return parsed.key
}

function ed25519Of(keys: readonly VerifierKey[]): string {
  return formatVkey(keys.find(({ publicKey, type }) => publicKey.suite === 'Ed25519' && type !== 'cosignature')!)
}

function flipped(content: Uint8Array): Uint8Array {
  const altered = Uint8Array.from(content)
  altered[altered.length >> 1]! ^= 1
  return altered
}
