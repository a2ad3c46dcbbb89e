import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutong, hutongJson } from '../constellation/command-line.ts'
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

/** From the publisher's answer until every zone says INVALID (issue: "within a second"). */
const revokedEverywhereLimitMs = 1_000

interface Shown {
  readonly events: readonly { readonly kind: string; readonly mohurdOperation?: { readonly code: string } }[]
}

describe('recognition', () => {
  let world: EmbeddedConstellation
  const zones = ['beijing', 'tianjin', 'langfang', 'xiqing']
  const fromMs = Date.now() - 60_000

  beforeAll(async () => {
    world = await startEmbedded({ zones })
    console.log(`engine: ${world.engine}`)
    for (const zone of ['tianjin', 'langfang']) {
      const others = zones.filter((other) => other !== zone)
      expect(await world.declare(zone, declarationFor(others, fromMs))).toMatchObject({ stage: 'witnessed' })
    }
  })
  afterAll(() => world[Symbol.asyncDispose]())

  /** A licence in a file, as the command reads it. */
  const written = async (content: object) => {
    const path = join(world.dataDir, 'licence.json')
    await writeFile(path, JSON.stringify(content))
    return path
  }
  const licence = (serial: string, over = {}) => licenceOf(world.box.alliance.charter, 'beijing', serial, over)
  const verdict = (zone: string, identifier: string, more = {}) => world.verify(zone, { identifier, matter, ...more })
  const becomes = (zone: string, identifier: string, wanted: string, more = {}) =>
    until(
      `${zone} says ${wanted}`,
      () => verdict(zone, identifier, more),
      (answer) => inShort(answer) === wanted,
    )

  it('a licence published in one zone is valid where it was declared, at home, and not recognised elsewhere', async () => {
    const { identifier } = licence('A1')
    expect(await world.issue('beijing', licence('A1'))).toMatchObject({ stage: 'witnessed', duplicate: false })
    for (const zone of ['tianjin', 'langfang']) await becomes(zone, identifier, 'VALID')
    const { answer } = await becomes('beijing', identifier, 'VALID')
    expect(answer).toMatchObject({ checks: { RECOGNITION: 'passed OWN_ZONE' } })
    await becomes('xiqing', identifier, 'NOT_RECOGNISED NOT_DECLARED')
  })

  it('each answer names its position and age, and has a receipt number of its own', async () => {
    const { identifier } = licence('A1')
    const answers = [await verdict('tianjin', identifier), await verdict('tianjin', identifier)]
    const receipts = answers.map((answer) => (answer.kind === 'verdict' ? answer.receiptNumber : ''))
    expect(new Set(receipts).size).toBe(2)
    for (const answer of answers) {
      expect(answer).toMatchObject({ receiptNumber: expect.stringMatching(/^tianjin-\d+$/) })
      expect(answer).toMatchObject({ ageMs: expect.any(Number), position: expect.any(Number) })
    }
  })

  it('a revoked licence is invalid in every zone within a second of the publisher’s answer', async () => {
    const one = licence('A2')
    await world.issue('beijing', one)
    for (const zone of ['tianjin', 'langfang']) await becomes(zone, one.identifier, 'VALID')
    expect(await world.revoke('beijing', one)).toMatchObject({ kind: 'published' })
    const answeredMs = performance.now()
    const tookMs = await Promise.all(
      zones.map(async (zone) => {
        await becomes(zone, one.identifier, 'INVALID REVOKED')
        return performance.now() - answeredMs
      }),
    )
    console.log(`revoked everywhere after ${Math.round(Math.max(...tookMs))} ms`)
    expect(Math.max(...tookMs)).toBeLessThan(revokedEverywhereLimitMs)
  })

  it('a suspended licence is invalid until it is given back', async () => {
    const one = licence('A3')
    await world.issue('beijing', one)
    await becomes('tianjin', one.identifier, 'VALID')
    await world.suspend('beijing', one)
    await becomes('tianjin', one.identifier, 'INVALID SUSPENDED')
    await world.resume('beijing', one)
    await becomes('tianjin', one.identifier, 'VALID')
  })

  it('the holder’s own number passes, another person’s makes it invalid', async () => {
    const { identifier } = licence('A1')
    expect(inShort(await verdict('tianjin', identifier, { holderCode }))).toBe('VALID')
    const answer = await verdict('tianjin', identifier, { holderCode: otherHolderCode })
    expect(answer).toMatchObject({ word: 'INVALID', checks: { HOLDER: expect.stringMatching(/^failed /) } })
  })

  it('a licence past its period is invalid, and one whose period has not begun', async () => {
    const past = licence('A4', { validFrom: '2020-01-01', validUntil: '2021-12-31', issuedOn: '2020-01-01' })
    const coming = licence('A5', { validFrom: '2099-01-01' })
    for (const one of [past, coming]) await world.issue('beijing', one)
    await becomes('tianjin', past.identifier, 'INVALID EXPIRED')
    await becomes('tianjin', coming.identifier, 'INVALID NOT_YET_VALID')
  })

  it('an invented number of a known authority cannot be told, one of a stranger is not recognised, a malformed one is no question', async () => {
    const { authority, identifier } = licence('A1')
    expect(inShort(await verdict('tianjin', identifierOf(authority, 'NEVER')))).toBe('UNDETERMINED NOT_IN_LOG')
    const stranger = identifierOf('11110000000021135M', 'A1')
    expect(inShort(await verdict('tianjin', stranger))).toBe('NOT_RECOGNISED ZONE_NOT_MEMBER')
    const last = identifier.slice(-1)
    const misspelt = `${identifier.slice(0, -1)}${last === '7' ? '8' : '7'}`
    expect(await verdict('tianjin', misspelt)).toMatchObject({ kind: 'refused', status: 400, code: 'CHECK_CHARACTER' })
    expect(await verdict('tianjin', identifier.toLowerCase())).toMatchObject({ kind: 'refused', status: 400 })
  })

  it('a licence renewed, corrected and amended is told as it is now, and its earlier version as superseded', async () => {
    const one = licence('A6', { validFrom: '2020-01-01', validUntil: '2021-12-31', issuedOn: '2020-01-01' })
    const receiving = ['tianjin', 'langfang']
    const everywhere = (identifier: string, wanted: string, more = {}) =>
      Promise.all(receiving.map((zone) => becomes(zone, identifier, wanted, more)))
    const tell = async (verb: string, ...args: readonly string[]) =>
      (await hutong(world.environment, 'licence', verb, one.identifier, ...args)).exitCode
    await world.issue('beijing', one)
    await everywhere(one.identifier, 'INVALID EXPIRED')

    expect(await tell('renew', '--until', '2099-12-31', '--reason', '延续')).toBe(0)
    await everywhere(one.identifier, 'VALID')

    const renewed = { ...one, validUntil: '2099-12-31' }
    const corrected = { ...renewed, holder: { ...one.holder, code: otherHolderCode } }
    expect(await tell('correct', '--file', await written(corrected))).toBe(0)
    await everywhere(one.identifier, 'VALID', { holderCode: otherHolderCode })
    await everywhere(one.identifier, 'INVALID HOLDER_DIFFERS', { holderCode })

    const second = { ...corrected, identifier: identifierOf(one.authority, 'A6', '002') }
    const { identifier: _, ...withoutIdentifier } = second
    const file = await written(withoutIdentifier)
    expect(await tell('amend', '--file', file)).toBe(0)
    await everywhere(second.identifier, 'VALID')
    await everywhere(one.identifier, 'INVALID SUPERSEDED')
    expect(inShort(await verdict('xiqing', one.identifier))).toBe('INVALID SUPERSEDED')
    expect(await world.suspend('beijing', one)).toMatchObject({ refusal: { code: 'VERSION_SUPERSEDED' } })
    expect(inShort(await verdict('tianjin', second.identifier))).toBe('VALID')

    const shown = await hutongJson<Shown>(
      world.environment,
      'licence',
      'show',
      second.identifier,
      '--at-zone',
      'tianjin',
    )
    expect(shown.json).toMatchObject({
      state: 'in_force',
      mohurdState: { code: '01', zh: '有效' },
      versions: [{ identifier: one.identifier, supersededBy: second.identifier }, { identifier: second.identifier }],
    })
    expect(shown.json.events.map(({ kind, mohurdOperation }) => `${kind} ${mohurdOperation?.code}`)).toEqual([
      'licence_issued 01',
      'licence_renewed 02',
      'licence_corrected 07',
      'licence_amended 09',
    ])
  })

  it('a withdrawn declaration makes the same licence not recognised there, and changes nothing elsewhere', async () => {
    const { identifier } = licence('A1')
    const declaration = declarationFor([], fromMs)
    expect(await world.withdraw('langfang', { ...declaration, version: 2 })).toMatchObject({ kind: 'published' })
    await becomes('langfang', identifier, 'NOT_RECOGNISED NOT_IN_FORCE')
    expect(inShort(await verdict('tianjin', identifier))).toBe('VALID')
  })
})
