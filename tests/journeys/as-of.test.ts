import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerAsOf, openExport, type RecordSource, recordSourceOfHub, writeExport } from '@hutong/audit'
import { type AsOf, readIdentifier } from '@hutong/licence'
import type { Outcome } from '@hutong/sdk'
import { sha256 } from '@hutong/signing'
import { charterPolicy } from '@hutong/verify'
import { findingsBytes } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutong, hutongJson } from '../constellation/command-line.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { declarationFor, licenceOf, matter } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

/** What is asked about one licence by two zones that recognise it, by its own, and by one that does not. */
const askers = ['tianjin', 'langfang', 'beijing', 'xiqing'] as const

interface Verdict {
  readonly findings: { readonly word: string; readonly position: number; readonly asOf?: unknown }
  readonly receiptNumber: string
}

describe('answers as of a position', () => {
  let world: EmbeddedConstellation
  let identifier: string
  /** The findings given at each position, by zone, in hex. */
  const given = new Map<bigint, ReadonlyMap<string, string>>()
  const words = new Map<bigint, readonly string[]>()

  const ask = (zone: string, asOf: AsOf) => world.verifiers.get(zone)!.verify({ identifier, matter }, { asOf })
  const hexOf = (findings: Parameters<typeof findingsBytes>[0]) => Buffer.from(findingsBytes(findings)).toString('hex')
  const hub = (): RecordSource =>
    recordSourceOfHub({ read: (request) => world.log.read(request), heads: () => world.log.heads() })
  const rebuilt = async (source: RecordSource, receivingZone: string, asOf: AsOf) => {
    const reading = readIdentifier(identifier)
    if (reading.kind === 'malformed') throw new Error(reading.refusal.code)
    const question = {
      identifier: reading,
      matter,
      receivingZone,
      holderCode: undefined,
      fileSha256: undefined,
      policy: charterPolicy,
    }
    const charterSha256 = sha256(world.box.alliance.charterBytes)
    const answer = await answerAsOf({ source, charterSha256, question, asOf })
    return answer.kind === 'findings' ? hexOf(answer.findings) : answer.kind
  }

  /** Publishes, and asks everybody as of right behind it, as soon as they can tell. */
  const happens = async (outcome: Promise<Outcome>) => {
    const published = await outcome
    if (published.kind !== 'published' || published.position === undefined) throw new Error('not published')
    const position = published.position + 1n
    const answers = new Map<string, string>()
    const said: string[] = []
    for (const zone of askers) {
      const { answer } = await until(
        `${zone} as of ${position}`,
        () => ask(zone, { kind: 'position', position }),
        () => true,
      )
      answers.set(zone, hexOf(answer.findings))
      said.push(answer.findings.code)
    }
    given.set(position, answers)
    words.set(position, said)
  }

  beforeAll(async () => {
    world = await startEmbedded({ zones: [...askers] })
    console.log(`engine: ${world.engine}`)
    const fromMs = Date.now() - 60_000
    const licence = licenceOf(world.box.alliance.charter, 'beijing', 'ASOF1')
    identifier = licence.identifier
    const declarations = ['tianjin', 'langfang'].map((zone) => ({
      zone,
      declared: declarationFor(['beijing'], fromMs),
    }))
    await happens(world.issue('beijing', licence))
    for (const { zone, declared } of declarations) await happens(world.declare(zone, declared))
    await happens(world.suspend('beijing', licence))
    await happens(world.resume('beijing', licence))
    await happens(world.withdraw('tianjin', { ...declarations[0]!.declared, version: 2 }))
    await happens(world.revoke('beijing', licence))
  })
  afterAll(() => world[Symbol.asyncDispose]())

  it('told the story as it went', () => {
    expect([...words.values()]).toEqual([
      ['NOT_DECLARED', 'NOT_DECLARED', 'VALID', 'NOT_DECLARED'],
      ['VALID', 'NOT_DECLARED', 'VALID', 'NOT_DECLARED'],
      ['VALID', 'VALID', 'VALID', 'NOT_DECLARED'],
      ['SUSPENDED', 'SUSPENDED', 'SUSPENDED', 'SUSPENDED'],
      ['VALID', 'VALID', 'VALID', 'NOT_DECLARED'],
      ['NOT_IN_FORCE', 'VALID', 'VALID', 'NOT_DECLARED'],
      ['REVOKED', 'REVOKED', 'REVOKED', 'REVOKED'],
    ])
  })

  it('are the same afterwards, and those that an auditor rebuilds from the hub and from an export', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'as-of-'))
    try {
      const directory = join(folder, 'export')
      const charterSha256 = sha256(world.box.alliance.charterBytes)
      await writeExport(directory, { source: hub(), charterSha256 })
      const exported = await openExport(directory, { charterSha256 })
      if (exported.kind === 'refused') throw new Error(exported.code)
      for (const [position, answers] of given) {
        const asOf: AsOf = { kind: 'position', position }
        for (const zone of askers) {
          const then = answers.get(zone)!
          expect(hexOf((await ask(zone, asOf)).findings)).toBe(then)
          expect(await rebuilt(hub(), zone, asOf)).toBe(then)
          expect(await rebuilt(exported.source, zone, asOf)).toBe(then)
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('are asked at a counter, numbered, kept and shown as what they are', async () => {
    const [, position] = [...given.keys()]
    const question = ['--at-zone', 'tianjin', '--matter', matter]
    const run = hutongJson<Verdict>
    const asked = await run(world.environment, 'licence', 'verify', identifier, ...question, '--as-of', `${position}`)
    expect([asked.exitCode, asked.json.findings]).toMatchObject([
      0,
      { word: 'VALID', position: Number(position), asOf: { kind: 'position', position: Number(position) } },
    ])
    const { receiptNumber } = asked.json
    const shown = await hutong(world.environment, 'verdict', 'show', receiptNumber)
    expect(shown.stdout).toContain(`（位置 ${position}）的结论，并非现时`)
    const audited = await run(world.environment, 'audit', 'verdict', identifier, ...question, '--as-of', `${position}`)
    expect([audited.exitCode, audited.json.findings]).toEqual([0, asked.json.findings])
    const now = await run(world.environment, 'licence', 'verify', identifier, ...question)
    expect([now.exitCode, now.json.findings.asOf]).toEqual([1, undefined])
  })

  it('of what is not witnessed yet, and of before the first record, are refused', async () => {
    const question = ['licence', 'verify', identifier, '--at-zone', 'tianjin', '--matter', matter]
    const exitOf = async (...asOf: readonly string[]) =>
      (await hutong(world.environment, ...question, '--as-of', ...asOf)).exitCode
    expect(await exitOf('999999')).toBe(6)
    expect(await exitOf('2001-01-01T00:00')).toBe(2)
  })

  it('tell the history and the declarations in force as they were', async () => {
    const [, , , suspendedAt] = [...given.keys()]
    const shown = await hutongJson<{ state: string; position: number; events: readonly unknown[] }>(
      world.environment,
      ...['licence', 'show', identifier, '--at-zone', 'langfang', '--as-of', `${suspendedAt}`],
    )
    expect(shown.json).toMatchObject({ state: 'suspended', position: Number(suspendedAt) })
    expect(shown.json.events).toHaveLength(2)
    const rows = async (...asOf: readonly string[]) => {
      const args = ['recognition', 'matrix', '--zone', 'tianjin', ...asOf]
      return (await hutongJson<{ rows: readonly { eventId: string }[] }>(world.environment, ...args)).json.rows
    }
    const story = (eventId: string) => eventId.includes('/z/tianjin/')
    const then = (await rows('--as-of', `${suspendedAt}`)).filter(({ eventId }) => story(eventId)).length
    const now = (await rows()).filter(({ eventId }) => story(eventId)).length
    expect(then - now).toBe(1)
  })
})
