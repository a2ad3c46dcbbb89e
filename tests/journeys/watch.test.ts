import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutongJson, projectFolder } from '../constellation/command-line.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { licenceOf } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

const main = join(projectFolder, 'packages', 'cli', 'src', 'main.ts')

describe('a zone system that sends files', () => {
  let world: EmbeddedConstellation
  let place: string
  let inbox: string

  beforeAll(async () => {
    world = await startEmbedded({ zones: ['beijing', 'tianjin', 'langfang'] })
    console.log(`engine: ${world.engine}, ${world.zones.length} zones`)
    place = await mkdtemp(join(tmpdir(), 'sent-'))
    inbox = join(place, 'inbox')
    await mkdir(inbox)
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    await rm(place, { recursive: true, force: true })
  })

  const command = (...args: readonly string[]) =>
    spawn(process.execPath, [main, ...args], {
      env: { ...process.env, ...world.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })

  it('has all of a file in once, also where the import was killed with -9 in its middle', async () => {
    const rows = [...rowsFor('beijing', 'A', 600), ...rowsFor('tianjin', 'A', 600), ...rowsFor('langfang', 'A', 100)]
    const [file, state] = [join(place, 'killed.csv'), join(place, 'killed.state')]
    await writeFile(file, csvOf(rows))
    const before = await sizes()
    // The last hundred rows have nobody to go to: so the import is in its middle when it is killed.
    await world.stop('langfang')
    const args = ['licence', 'import', file, '--zone-field', 'KZ_ZONE', '--state', state]
    const running = command(...args)
    const readState = async () =>
      JSON.parse(await readFile(state, 'utf8')) as { counts: { read: number }; complete: boolean }
    await until('twelve hundred rows are settled', readState, ({ counts }) => counts.read === 1_200)
    running.kill('SIGKILL')
    expect(await once(running, 'close')).toEqual([null, 'SIGKILL'])
    await world.start('langfang')
    const { exitCode, json } = await hutongJson<Report>(world.environment, ...args)
    expect({ exitCode, ...json }).toMatchObject({
      exitCode: 0,
      read: 1_300,
      published: 1_300,
      refusedCount: 0,
      resumedRows: 1_200,
    })
    // One leaf a row; the heartbeats of the meantime come on top, so each licence is counted.
    expect((await sizes()).beijing! - before.beijing!).toBeGreaterThanOrEqual(600n)
    for (const { zone, licence } of [rows[0]!, rows[599]!, rows[1_299]!]) {
      expect((await world.history(zone, licence.identifier)).events).toHaveLength(1)
    }
  })

  it('puts them into a folder, where each is imported, and finds the reports beside them', async () => {
    const watching = command(
      'publisher',
      'watch',
      inbox,
      '--zone-field',
      'KZ_ZONE',
      '--settle',
      '0',
      '--poll',
      '0.1',
      '--json',
    )
    let said = ''
    watching.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const ended = once(watching, 'close')
    await put('one.csv', csvOf(rowsFor('beijing', 'B', 10)))
    await inFolder('done', 'one.csv.report.json')

    // A zone that is away is waited for, and the file is not given up.
    await world.stop('tianjin')
    await put('two.csv', csvOf(rowsFor('tianjin', 'B', 10)))
    await until(
      'the second file is on the desk',
      () => readdir(join(inbox, '.hutong', 'now')),
      ([name]) => name === 'two.csv',
    )
    await world.start('tianjin')
    await inFolder('done', 'two.csv.report.json')

    const [bad, ...rest] = rowsFor('langfang', 'B', 3)
    const faulty = { ...bad!, licence: { ...bad!.licence, issuedOn: '2026-02-30' } }
    await put('three.csv', csvOf([faulty, ...rest]))
    await inFolder('refused', 'three.csv.report.json')
    expect(await readdir(join(inbox, 'refused'))).toEqual([
      'three.csv',
      'three.csv.refused.csv',
      'three.csv.report.json',
    ])

    // Mended, as a person would, and put back.
    const table = await readFile(join(inbox, 'refused', 'three.csv.refused.csv'), 'utf8')
    await put('three-mended.csv', table.replace('2026-02-30', '2026-02-28'))
    await inFolder('done', 'three-mended.csv.report.json')

    watching.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    const told = said
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).delivery)
    expect(
      told.map(({ name, folder, outcome: { report } }) => [name, folder, report.published, report.refusedCount]),
    ).toEqual([
      ['one.csv', 'done', 10, 0],
      ['two.csv', 'done', 10, 0],
      ['three.csv', 'refused', 2, 1],
      ['three-mended.csv', 'done', 1, 0],
    ])
    const { events } = await world.history('langfang', bad!.licence.identifier)
    expect(events).toHaveLength(1)
  })

  /** Written elsewhere, then renamed: whoever looks finds all of it or nothing. */
  async function put(name: string, content: string): Promise<void> {
    await writeFile(join(place, name), content)
    await rename(join(place, name), join(inbox, name))
  }

  const inFolder = (folder: string, name: string) =>
    until(
      `${name} in ${folder}`,
      () => readdir(join(inbox, folder)),
      (names) => names.includes(name),
    )

  const sizes = async () =>
    Object.fromEntries(
      await Promise.all(world.zones.map(async (zone) => [zone, (await world.publisherStatus(zone)).size])),
    )

  function rowsFor(zone: string, series: string, count: number): Row[] {
    const { charter } = world.box.alliance
    return Array.from({ length: count }, (_, at) => ({
      zone,
      licence: licenceOf(charter, zone, `${series}${zone.toUpperCase()}${at}`),
    }))
  }
})

interface Report {
  readonly read: number
  readonly published: number
  readonly refusedCount: number
  readonly resumedRows: number
}

interface Row {
  readonly zone: string
  readonly licence: ReturnType<typeof licenceOf>
}

function csvOf(rows: readonly Row[]): string {
  const heading = 'ZZMC,ZZLXDM,ZZBH,ZZBS,ZZBFJG,ZZBFJGDM,ZZBFRQ,CZZT,CZZTDM,CZZTDMLXDM,ZZYXQQSRQ,ZZYXQJZRQ,KZ_ZONE'
  const lines = rows.map(({ zone, licence }) => {
    const { name, licenceType, number, identifier, authorityName, authority, issuedOn, holder, validFrom, validUntil } =
      licence
    const { name: holderName, code, codeType } = holder
    const about = [name, licenceType, number, identifier, authorityName, authority, issuedOn]
    return [...about, holderName, code, codeType, validFrom, validUntil, zone].join(',')
  })
  return `${[heading, ...lines].join('\r\n')}\r\n`
}
