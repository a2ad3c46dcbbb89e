import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogClient, createVerifierClient, type ExportedProof, exportProof } from '@hutong/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutong, hutongJson } from '../constellation/command-line.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { licenceOf } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

/** Words that a proof must never use, in whatever letters (formats F10). */
const verdictWords = /valid|not.?recognised|undetermined|有效|无效|不受理|无法判定/i

interface Told {
  readonly holds: boolean
  readonly origin: string
  readonly index: number
}

async function exportedBySystem({ box }: EmbeddedConstellation, identifier: string): Promise<ExportedProof> {
  const token = box.tokens.of('beijing', 'client')
  using verifier = createVerifierClient(box.grpcAddress, { zone: 'beijing', token })
  using log = createLogClient(box.grpcAddress, { token })
  return await exportProof({ verifier, log, charter: box.alliance.charterBytes }, identifier)
}

describe('a proof carried away', () => {
  let folder: string
  let exported: ExportedProof
  const at = (name: string) => join(folder, name)
  /** No box, no token, no network: what a stranger has. */
  const stranger = (...args: string[]) => hutong({ HUTONG_DATA: at('nowhere') }, ...args)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hutong-proof-'))
    await using world = await startEmbedded({ zones: ['beijing', 'tianjin', 'langfang'] })
    await writeFile(at('charter-0.bin'), world.box.alliance.charterBytes)
    const licence = licenceOf(world.box.alliance.charter, 'beijing', 'P1')
    const other = licenceOf(world.box.alliance.charter, 'beijing', 'P2')
    await world.issue('beijing', licence)
    await world.issue('beijing', other)
    await world.suspend('beijing', licence)
    await world.resume('beijing', licence)
    const holds = (zone: string, events: number) =>
      until(
        `${zone} holds ${events} events of the licence`,
        () => world.verifiers.get(zone)!.licenceEvents(licence.identifier),
        (told) => told.events.length === events,
      )
    await holds('beijing', 3)
    const early = await hutongJson<Told>(
      world.environment,
      'proof',
      'export',
      licence.identifier,
      '-o',
      at('early.json'),
    )
    expect(early).toMatchObject({ exitCode: 0, json: { holds: true } })
    await world.revoke('beijing', licence)
    await holds('tianjin', 4)
    await holds('beijing', 4)
    const late = ['proof', 'export', licence.identifier, '-o', at('late.json'), '--zone', 'tianjin']
    expect(await hutong(world.environment, ...late)).toMatchObject({ exitCode: 0 })
    const { origin, index } = early.json
    const cut = ['proof', 'export', licence.identifier, '-o', at('cut.json'), '--up-to', `${origin}/${index}`]
    expect(await hutong(world.environment, ...cut)).toMatchObject({ exitCode: 0 })
    exported = await exportedBySystem(world, licence.identifier)
    const receipt = ['receipt', 'show', `${origin}/${index}`, '-o', at('receipt')]
    expect(await hutong(world.environment, ...receipt)).toMatchObject({ exitCode: 0 })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const charter = () => ['--charter', at('charter-0.bin')]

  it('of a licence since revoked holds up to its last event and says no word of a verdict', async () => {
    for (const [file, kinds] of [
      ['early.json', ['licence_issued', 'licence_suspended', 'licence_resumed']],
      ['cut.json', ['licence_issued', 'licence_suspended', 'licence_resumed']],
      ['late.json', ['licence_issued', 'licence_suspended', 'licence_resumed', 'licence_revoked']],
    ] as const) {
      const { exitCode, stdout } = await stranger('proof', 'verify', at(file), ...charter())
      expect([file, exitCode]).toEqual([file, 0])
      expect(stdout).toMatch(/^PROOF HOLDS up to event .*is not covered\n/)
      expect(stdout).not.toMatch(verdictWords)
      expect(stdout.match(/\blicence_\w+/g)).toEqual(kinds)
    }
  })

  it('is made by a zone’s own system too, with the token of its zone', async () => {
    expect(exported).toMatchObject({ kind: 'exported', verdict: { zone: 'beijing' } })
    expect(exported.kind === 'exported' && exported.verdict.events).toHaveLength(4)
  })

  it('fails with one byte of a payload altered', async () => {
    const bytes = await readFile(at('late.json'))
    bytes[bytes.indexOf('"payload":"') + 44]! ^= 1
    await writeFile(at('spoilt.json'), bytes)
    const { exitCode, stdout } = await stranger('proof', 'verify', at('spoilt.json'), ...charter())
    expect([exitCode, stdout.slice(0, 12)]).toEqual([1, 'PROOF FAILS:'])
  })

  it('as a receipt is checked by itself', async () => {
    const files = [at('receipt.batch.tlog-proof'), at('receipt.event.tlog-proof')]
    const { exitCode, stdout } = await stranger('receipt', 'verify', ...files, ...charter())
    expect([exitCode, stdout.slice(0, 13)]).toEqual([0, 'RECEIPT HOLDS'])
  })
})
