import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LicenceIssued } from '@hutong/licence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutong, hutongJson, projectFolder } from '../constellation/command-line.ts'
import { inShort } from '../constellation/constellation.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import {
  declarationFor,
  holderCode,
  identifierOf,
  licenceOf,
  matter,
  otherHolderCode,
} from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

const samples = join(projectFolder, 'tests', 'samples', 'licences')
const file = join(samples, 'licences.csv')
const rows = 2_000
/** So many of them stand in the sample of mixed faults too. */
const inMixed = 384
const pollPaceMs = 100

interface Summary {
  readonly read: number
  readonly published: number
  readonly duplicates: number
  readonly refusedCount: number
  readonly refused: readonly { readonly line: number; readonly refusal: { readonly code: string } }[]
}

describe('import', () => {
  let world: EmbeddedConstellation
  let mine: LicenceIssued

  beforeAll(async () => {
    world = await startEmbedded({ zones: 'all' })
    console.log(`engine: ${world.engine}, ${world.zones.length} zones`)
    const others = world.zones.filter((zone) => zone !== 'tianjin')
    await world.declare('tianjin', declarationFor(others, Date.now() - 60_000))
    mine = licenceOf(world.box.alliance.charter, 'beijing', 'B1')
    await world.issue('beijing', mine)
    await until(
      'tianjin says VALID',
      () => ask('tianjin', mine.identifier),
      (answer) => inShort(answer) === 'VALID',
    )
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const ask = (zone: string, identifier: string) => world.verify(zone, { identifier, matter })
  const importAll = () => hutongJson<Summary>(world.environment, 'licence', 'import', file, '--zone-field', 'KZ_ZONE')
  const importMixed = (...more: readonly string[]) => {
    const mixed = join(samples, 'licences-mixed.ndjson')
    return hutongJson<Summary>(world.environment, 'licence', 'import', mixed, '--zone-field', 'KZ_ZONE', ...more)
  }
  const verify = async (zone: string, identifier: string, ...more: readonly string[]) => {
    const args = ['licence', 'verify', identifier, '--at-zone', zone, '--matter', matter, ...more]
    return (await hutong(world.environment, ...args)).exitCode
  }

  it('finds the faults of a file in the other names, and exactly those, by exit code, report and verdict', async () => {
    const atomic = await importMixed('--atomic')
    expect({ exitCode: atomic.exitCode, ...atomic.json }).toMatchObject({ exitCode: 1, sent: false, refusedCount: 17 })
    const { exitCode, json } = await importMixed()
    const expected = JSON.parse(await readFile(join(samples, 'licences-mixed.expected.json'), 'utf8'))
    expect(Object.fromEntries(json.refused.map(({ line, refusal }) => [line, refusal.code.toLowerCase()]))).toEqual(
      expected.faults,
    )
    // All of 384 are published now, so that the atomic import before has written nothing.
    const counts = { exitCode: 1, read: 402, published: inMixed, duplicates: 1, refusedCount: 17 }
    expect({ exitCode, ...json }).toMatchObject({ ...counts, format: 'ndjson', encoding: 'utf-8' })
  })

  it('carries rare characters out of GB18030 to another zone, and to a verdict', async () => {
    const bytes = await readFile(join(samples, 'licences-gb18030-crlf.csv'), 'latin1')
    const lines = bytes.trimEnd().split('\r\n')
    // The sample's last row, under a licence of its own: as it stands it contradicts the first.
    const [, old, authority] = /(1\.2\.156\.3005\.2\.\w+\.(\w+)\.\w+\.001\.\w)/.exec(lines.at(-1)!)!
    const identifier = identifierOf(authority!, 'RARE1')
    const file = join(world.dataDir, 'logs', 'rare.csv')
    await writeFile(file, `${lines[0]}\r\n${lines.at(-1)!.replace(old!, identifier)}\r\n`, 'latin1')
    const { exitCode, json } = await hutongJson<Summary>(
      world.environment,
      'licence',
      'import',
      file,
      '--zone',
      'langfang',
    )
    expect({ exitCode, ...json }).toMatchObject({
      exitCode: 0,
      published: 1,
      encoding: 'gb18030',
      encodingBy: 'content',
    })
    const { answer } = await until(
      'tianjin holds it',
      () => world.history('tianjin', identifier),
      ({ events }) => events.length === 1,
    )
    // As iconv reads the file.
    expect(answer.events[0]?.event).toMatchObject({ event: { value: { holder: { name: '㐂𬭎"贸易",公司' } } } })
    // Which zone holds it first is chance.
    const { answer: verdict } = await until(
      'langfang says VALID',
      () => world.verify('langfang', { identifier, matter, holderCode: '91131000MA2383889F' }),
      (answer) => inShort(answer) === 'VALID',
    )
    expect(verdict).toMatchObject({ checks: { HOLDER: 'passed HOLDER_MATCHES' } })
  })

  it('publishes the rest of two thousand licences in fourteen zones, and nothing becomes undetermined meanwhile', async () => {
    expect(world.zones).toHaveLength(14)
    const done = new AbortController()
    const polling = answersMeanwhile(done.signal)
    const { exitCode, json } = await importAll().finally(() => done.abort())
    expect({ exitCode, ...json }).toMatchObject({
      exitCode: 0,
      read: rows,
      published: rows - inMixed,
      duplicates: inMixed,
      refusedCount: 0,
    })
    const counts = await polling
    console.log(`answers meanwhile: ${JSON.stringify(counts)}`)
    expect(Object.keys(counts).toSorted()).toEqual(['NOT_RECOGNISED NOT_DECLARED', 'VALID'])
    expect(counts.VALID).toBeGreaterThan(4)
  })

  it('finds all of them again as quiet duplicates', async () => {
    const { exitCode, json } = await importAll()
    expect({ exitCode, ...json }).toMatchObject({
      exitCode: 0,
      read: rows,
      published: 0,
      duplicates: rows,
      refusedCount: 0,
    })
  })

  it('leaves every zone with the same state, the one that a replay comes to', async () => {
    const report = await world.auditReplay()
    expect(report.verifiers.filter(({ kind }) => kind !== 'agrees')).toEqual([])
    expect(report).toMatchObject({ outcome: 'agrees', contradiction: undefined })
    expect(report.verifiers.map(({ zone }) => zone)).toEqual(world.zones)
  })

  it('the command says by its exit code what a zone makes of a licence', async () => {
    const { identifier, authority } = mine
    expect(await verify('tianjin', identifier)).toBe(0)
    expect(await verify('tianjin', identifier, '--holder', holderCode)).toBe(0)
    expect(await verify('tianjin', identifier, '--holder', otherHolderCode)).toBe(1)
    expect(await verify('langfang', identifier)).toBe(1)
    expect(await verify('tianjin', identifierOf(authority, 'NEVER'))).toBe(5)
    expect(await verify('tianjin', identifier.slice(0, -3))).toBe(2)
    expect(await verify('nowhere', identifier)).toBe(2)
  })

  it('the page shows a clerk what the counter found, under the receipt number', async () => {
    const page = `http://${world.httpAddress}/z/tianjin/`
    const empty = await fetch(page)
    expect({ status: empty.status, hasForm: (await empty.text()).includes('<form') }).toEqual({
      status: 200,
      hasForm: true,
    })
    const shown = await fetch(page, {
      method: 'POST',
      body: new URLSearchParams({ identifier: mine.identifier, matter }),
    })
    expect(shown.url).toMatch(/\/z\/tianjin\/verdicts\/tianjin-\d+$/)
    expect(await shown.text()).toContain('<h2>有效 <span lang="en">VALID</span></h2>')
  })

  const answersMeanwhile = async (signal: AbortSignal) => {
    const counts: Record<string, number> = {}
    while (!signal.aborted) {
      for (const answer of await Promise.all(world.zones.map((zone) => ask(zone, mine.identifier)))) {
        counts[inShort(answer)] = (counts[inShort(answer)] ?? 0) + 1
      }
      await pause(pollPaceMs)
    }
    return counts
  }
})
