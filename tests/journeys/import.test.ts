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

const file = join(projectFolder, 'tests', 'samples', 'licences', 'licences.csv')
const rows = 2_000
const pollPaceMs = 100

interface Summary {
  readonly read: number
  readonly published: number
  readonly duplicates: number
  readonly refusedCount: number
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
  const verify = async (zone: string, identifier: string, ...more: readonly string[]) => {
    const args = ['licence', 'verify', identifier, '--at-zone', zone, '--matter', matter, ...more]
    return (await hutong(world.environment, ...args)).exitCode
  }

  it('publishes two thousand licences in fourteen zones, and nothing becomes undetermined meanwhile', async () => {
    expect(world.zones).toHaveLength(14)
    const done = new AbortController()
    const polling = answersMeanwhile(done.signal)
    const { exitCode, json } = await importAll().finally(() => done.abort())
    expect({ exitCode, ...json }).toMatchObject({
      exitCode: 0,
      read: rows,
      published: rows,
      duplicates: 0,
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
