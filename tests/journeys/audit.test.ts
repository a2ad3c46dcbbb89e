import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { boxCharterName } from '@hutong/cli'
import { kindNumber } from '@hutong/licence'
import { formatCheckpoint, formatVkey, parseCheckpoint, signNote } from '@hutong/merkle'
import { encodePayload } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendUnjudged } from '../constellation/byzantine-publisher.ts'
import { hutong, hutongJson, projectFolder } from '../constellation/command-line.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { licenceOf } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'
import { buildGoReader, type GoReader, type NoGoReader } from '../go-reader/reader.ts'

interface Replayed {
  readonly outcome: string
  readonly digest?: { readonly position: string; readonly digest: string }
  readonly contradiction?: unknown
  readonly verifiers: readonly {
    readonly zone: string
    readonly kind: string
    readonly difference?: {
      readonly kind: string
      readonly zone: string
      readonly events: readonly { eventId?: string }[]
    }
  }[]
}

describe('audit', () => {
  let world: EmbeddedConstellation
  /** Event ids of a licence of Beijing, issued and then suspended. */
  let issuedAt: string
  let suspendedAt: string
  let folder: string
  const zones = ['beijing', 'tianjin', 'langfang']

  beforeAll(async () => {
    world = await startEmbedded({ zones })
    folder = await mkdtemp(join(tmpdir(), 'audit-'))
    console.log(`engine: ${world.engine}`)
    for (let at = 0; at < 40; at += 1) await world.issue('beijing', licence(`D${at}`), 'sealed')
    issuedAt = eventId(await world.issue('beijing', licence('E1')))
    suspendedAt = eventId(await world.suspend('beijing', licence('E1')))
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const licence = (serial: string) => licenceOf(world.box.alliance.charter, 'beijing', serial)
  const replay = () => hutongJson<Replayed>(world.environment, 'audit', 'replay')

  it('comes to the state of every verifier', async () => {
    const { exitCode, json } = await replay()
    expect(json.verifiers.map(({ zone, kind }) => [zone, kind])).toEqual(zones.map((zone) => [zone, 'agrees']))
    expect({ exitCode, outcome: json.outcome }).toEqual({ exitCode: 0, outcome: 'agrees' })
  })

  it('finds and names a row that was deleted behind a verifier’s back', async () => {
    const row = rowsOf('langfang').of(suspendedAt)
    await spoilt('langfang', row.key, undefined, suspendedAt)
    expect((await replay()).exitCode).toBe(0)
  })

  it('finds and names a row whose content was altered', async () => {
    const row = rowsOf('tianjin').of(issuedAt)
    await spoilt('tianjin', row.key, flipped(row.value, row.value.length - 20), issuedAt)
    expect((await replay()).exitCode).toBe(0)
  })

  it('finds and names a row that was added', async () => {
    const row = rowsOf('langfang').of(issuedAt)
    await spoilt('langfang', `${row.key.slice(0, -3)}255`, row.value, undefined)
    expect((await replay()).exitCode).toBe(0)
  })

  it('finds what was done while the zone was stopped', async () => {
    await world.stop('tianjin')
    const rows = rowsOf('tianjin')
    const row = rows.of(suspendedAt)
    rows.put(row.key, undefined)
    await world.start('tianjin')
    const { exitCode, json } = await replay()
    expect({ exitCode, zone: differing(json) }).toMatchObject({
      exitCode: 1,
      zone: { zone: 'tianjin', kind: 'row_differs' },
    })
    rows.put(row.key, row.value)
    expect((await replay()).exitCode).toBe(0)
  })

  it('replays an export to the digest of every verifier, and without anything else', async () => {
    const directory = await exported()
    const { exitCode, json } = await hutongJson<Replayed>(
      world.environment,
      'audit',
      'replay',
      '--from',
      directory,
      '--verifiers',
    )
    expect({ exitCode, outcome: json.outcome }).toEqual({ exitCode: 0, outcome: 'agrees' })
    const position = BigInt(json.digest!.position)
    for (const zone of zones) {
      const { digest } = await world.digest(zone, position)
      expect(digest.toString('base64')).toBe(json.digest!.digest)
    }
    const html = join(folder, 'report.html')
    const alone = await hutongJson<Replayed>(
      {},
      'audit',
      'replay',
      '--from',
      directory,
      '--charter',
      charter(),
      '--html',
      html,
    )
    expect(alone).toMatchObject({ exitCode: 0, json: { outcome: 'agrees', digest: json.digest } })
    const page = await readFile(html, 'utf8')
    expect(page).toContain('一致 AGREES')
    // No resource from elsewhere, no licence: the namespaces of SVG are names, not addresses.
    expect(page.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:|<script|演示-|1\.2\.156/)
    const bundle = join(directory, 'h/tile/0', (await readdir(join(directory, 'h/tile/0')))[0]!)
    const file =
      (await readdir(bundle).catch(() => undefined)) === undefined ? bundle : join(bundle, (await readdir(bundle))[0]!)
    const content = await readFile(file)
    await writeFile(file, flipped(content, 5))
    const spoilt = await hutong({}, 'audit', 'replay', '--from', directory, '--charter', charter())
    await writeFile(file, content)
    expect(spoilt).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('h/tile/0') })
  })

  it('goes on from what it had saved', async () => {
    const state = join(folder, 'state.sqlite')
    const first = await hutongJson<Replayed>(world.environment, 'audit', 'replay', '--state', state)
    const again = await hutongJson<Replayed>(world.environment, 'audit', 'replay', '--state', state)
    expect([first, again].map(({ exitCode, json }) => [exitCode, json.outcome])).toEqual([
      [0, 'agrees'],
      [0, 'agrees'],
    ])
  })

  it('compares any sides, and names what differs between them', async () => {
    const directory = await exported()
    const compare = (...sides: readonly string[]) =>
      hutongJson<Compared>(world.environment, 'audit', 'compare', ...sides)
    const sides = ['hub', `export:${directory}`, ...zones.map((zone) => `verifier:${zone}`)]
    expect(await compare(...sides)).toMatchObject({ exitCode: 0, json: { outcome: 'agrees', reference: 'hub' } })
    const rows = rowsOf('tianjin')
    const row = rows.of(suspendedAt)
    rows.put(row.key, undefined)
    try {
      const verifiers = await compare('verifier:beijing', 'verifier:tianjin')
      expect(verifiers).toMatchObject({
        exitCode: 1,
        json: { sides: [{ zone: 'verifier:tianjin', kind: 'row_differs', difference: { zone: 'beijing' } }] },
      })
      const withExport = await compare('verifier:tianjin', `export:${directory}`)
      expect(withExport.exitCode).toBe(1)
      const [finding] = withExport.json.sides
      expect(finding?.difference?.events.map(({ eventId }) => eventId)).toContain(suspendedAt)
    } finally {
      rows.put(row.key, row.value)
    }
    await world.stop('langfang')
    const away = await compare('verifier:beijing', 'verifier:langfang')
    await world.start('langfang')
    expect(away).toMatchObject({ exitCode: 6, json: { sides: [{ kind: 'not_compared' }] } })
    expect((await compare('hub', 'elsewhere')).exitCode).toBe(2)
  })

  it('is followed until Ctrl-C', async () => {
    await using following = new Following(world.environment, ['audit', 'follow', '--every', '1'])
    await following.said(/"compared"/)
    following.interrupt()
    expect(await following.ended).toBe(130)
  })

  // The last story: from here on every zone knows that the hub contradicts itself.
  it('is followed to a fork, and the evidence holds on a machine with nothing but the charter', async () => {
    const evidence = join(folder, 'evidence')
    const args = ['audit', 'follow', '--every', '1', '--metrics-port', '0', '--evidence', evidence]
    const following = new Following(world.environment, args)
    try {
      await following.said(/"compared"/)
      const metrics = await fetch(`http://${/"address":"([^"]+)"/.exec(following.stderr)![1]}/metrics`)
      expect(await metrics.text()).toMatch(/hutong_audit_comparisons_total\{zone="beijing",result="agrees"\} [1-9]/)
      const { head } = await world.log.heads()
      const text = head.toString()
      const said = parseCheckpoint(text.slice(0, text.lastIndexOf('\n\n') + 1))
      if (said.kind !== 'checkpoint') throw new Error(said.reason)
      const { origin, size } = said
      const forged = signNote(
        formatCheckpoint({ origin, size, root: new Uint8Array(32) }),
        world.box.alliance.hubSigners,
      )
      await world.stop('beijing')
      const observed = { kind: 'observed', head: forged } as const
      await appendUnjudged(world.box, 'beijing', [
        {
          kind: kindNumber.observed,
          identifier: licence('E1').identifier,
          // A heartbeat is about no subject.
          payload: ({ origin: log }) =>
            encodePayload({ origin: log, subjectSecret: new Uint8Array(0), event: observed }),
        },
      ])
      expect(await following.ended).toBe(1)
    } finally {
      await following[Symbol.asyncDispose]()
    }
    const [file, ...more] = await readdir(evidence)
    expect(more).toEqual([])
    // Elsewhere: another folder, no box, nothing but the file and the charter.
    const alone = await mkdtemp(join(tmpdir(), 'elsewhere-'))
    try {
      await copyFile(join(evidence, file!), join(alone, 'evidence.json'))
      await copyFile(charter(), join(alone, 'charter.bin'))
      const judge = () =>
        hutong({}, 'evidence', 'verify', join(alone, 'evidence.json'), '--charter', join(alone, 'charter.bin'))
      expect(await judge()).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(/EVIDENCE HOLDS {2}against hub/),
      })
      const content = await readFile(join(alone, 'evidence.json'))
      await writeFile(join(alone, 'evidence.json'), flipped(content, content.length >> 1))
      expect(await judge()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('EVIDENCE FAILS') })
    } finally {
      await rm(alone, { recursive: true, force: true })
    }
    const found = await hutong(world.environment, 'audit', 'replay')
    expect(found).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('HEAD_ROOT') })
  })

  /** Everything as it is now, in a folder that is there already after the first time. */
  async function exported(): Promise<string> {
    const directory = join(folder, 'export')
    const { exitCode } = await hutong(world.environment, 'log', 'export', directory)
    expect(exitCode).toBe(0)
    return directory
  }

  const charter = () => join(world.dataDir, boxCharterName)

  /** Puts something else in the place of a row (undefined: nothing), sees it found at that event, and puts back what was there. */
  async function spoilt(zone: string, key: string, value: Uint8Array | undefined, event: string | undefined) {
    const rows = rowsOf(zone)
    const before = rows.get(key)
    rows.put(key, value)
    try {
      const { exitCode, json } = await replay()
      const found = differing(json)
      expect({ exitCode, outcome: json.outcome, zone: found?.zone }).toEqual({ exitCode: 1, outcome: 'differs', zone })
      expect(found?.difference?.zone).toBe('beijing')
      if (event !== undefined) expect(found?.difference?.events.map(({ eventId: id }) => id)).toContain(event)
    } finally {
      rows.put(key, before?.value)
    }
  }

  const rowsOf = (zone: string) => new Rows(join(world.folder(zone), 'verifier.sqlite'))
})

describe('the tiles of a zone’s log at the hub', () => {
  let world: EmbeddedConstellation
  let reader: GoReader | NoGoReader
  const zone = 'beijing'

  beforeAll(async () => {
    reader = await buildGoReader()
    world = await startEmbedded({ zones: [zone, 'tianjin'] })
    const { charter } = world.box.alliance
    for (let at = 0; at < 300; at += 60) {
      const licences = Array.from({ length: 60 }, (_, one) => licenceOf(charter, zone, `T${at + one}`))
      const outcomes = await Promise.all(licences.map((licence) => world.issue(zone, licence, 'sequenced')))
      expect(outcomes.filter(({ kind }) => kind === 'refused')).toEqual([])
    }
    // What stands still is checked: a zone that runs goes on with heartbeats, and files follow what is committed.
    const { size } = await world.publisherStatus(zone)
    await world.stop(zone)
    await until('the files follow', writtenSize, (written) => written >= size)
    await world.stop('hub')
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    if (reader.kind === 'built') await reader[Symbol.asyncDispose]()
  })

  const directory = () => join(world.folder('hub'), 'tiles', 'z', zone)
  const writtenSize = async () => BigInt((await readFile(join(directory(), 'checkpoint'), 'utf8')).split('\n')[1]!)
  const keys = () => world.box.alliance.zoneSigners(zone).map(({ key }) => key)
  const vkey = () => formatVkey(keys().find(({ publicKey }) => publicKey.suite === 'Ed25519')!)
  const check = () => {
    const given = keys().flatMap((key) => ['--vkey', formatVkey(key)])
    return hutong({}, 'tlog', 'check', directory(), ...given)
  }
  const tiles = ['tile/0/000', 'tile/entries/000']

  it('are accepted by our own check, and refused after one flipped byte', async () => {
    expect(await check()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^SOUND /) })
    for (const path of tiles) {
      await withFlippedByte(path, async () => {
        expect(await check()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(path) })
      })
    }
    expect(await check()).toMatchObject({ exitCode: 0 })
  })

  it('are accepted by Go’s reader, and refused after one flipped byte', async (ctx) => {
    if (reader.kind === 'absent') return ctx.skip(`go-reader: ${reader.reason}`)
    expect(await reader.read(directory(), vkey())).toMatchObject({ accepted: true })
    for (const path of tiles) {
      await withFlippedByte(path, async () => {
        expect(await (reader as GoReader).read(directory(), vkey())).toMatchObject({ accepted: false })
      })
    }
  })

  async function withFlippedByte(path: string, look: () => Promise<void>): Promise<void> {
    const file = join(directory(), path)
    const content = await readFile(file)
    await writeFile(file, flipped(content, content.length >> 1))
    await look().finally(() => writeFile(file, content))
  }
})

interface Compared {
  readonly outcome: string
  readonly sides: Replayed['verifiers']
}

/** `hutong audit follow` in a process of its own. */
class Following implements AsyncDisposable {
  readonly ended: Promise<number | null>
  stderr = ''
  readonly #child: ReturnType<typeof spawn>

  constructor(environment: Readonly<Record<string, string>>, args: readonly string[]) {
    const main = join(projectFolder, 'packages', 'cli', 'src', 'main.ts')
    const env = { PATH: process.env.PATH, ...environment }
    this.#child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk
    })
    this.ended = new Promise((resolve) => this.#child.once('close', resolve))
  }

  said(what: RegExp): Promise<unknown> {
    return until(
      `${what}`,
      async () => this.stderr,
      (text) => what.test(text),
    )
  }

  interrupt(): void {
    this.#child.kill('SIGINT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

function eventId(outcome: Awaited<ReturnType<EmbeddedConstellation['issue']>>): string {
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.code)
  return `${outcome.origin}/${outcome.index}`
}

function differing({ verifiers }: Replayed): Replayed['verifiers'][number] | undefined {
  return verifiers.find(({ kind }) => kind !== 'agrees')
}

interface Row {
  readonly key: string
  readonly value: Uint8Array
}

/** The event rows of a verifier's copy, as somebody with the file in hand finds them. */
class Rows {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  get(key: string): Row | undefined {
    return this.#all().find((row) => row.key === key)
  }

  /** The row of one event, found by what it says of its place. */
  of(eventId: string): Row {
    const [, origin, index] = /^(.*)\/(\d+)$/.exec(eventId)!
    const place = `"origin":"${origin}","index":"${index}"`
    const row = this.#all().find(({ value }) => Buffer.from(value).toString('latin1').includes(place))
    if (row === undefined) throw new Error(`no row of ${eventId}`)
    return row
  }

  /** Another value under the key; undefined: no row. */
  put(key: string, value: Uint8Array | undefined): void {
    this.#with((database) => {
      database.prepare('DELETE FROM collection_events WHERE key = ?').run(key)
      if (value === undefined) return
      const insert = 'INSERT INTO collection_events (key, term, value) SELECT ?, max(term), ? FROM collection_events'
      database.prepare(insert).run(key, value)
    })
  }

  #all(): readonly Row[] {
    return this.#with((database) => {
      return database.prepare('SELECT key, value FROM collection_events ORDER BY key').all() as unknown as Row[]
    })
  }

  #with<T>(work: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(this.#path, { timeout: 5_000 })
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 1
  return copy
}
