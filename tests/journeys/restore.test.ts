import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openNote, parseCheckpoint } from '@hutong/merkle'
import type { Outcome } from '@hutong/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hutong, hutongJson } from '../constellation/command-line.ts'
import { inShort } from '../constellation/constellation.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { declarationFor, licenceOf, matter } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

describe('data restored from an older copy', () => {
  let world: EmbeddedConstellation
  let copies: string
  const zones = ['beijing', 'tianjin', 'langfang']
  /** Every head seen at the hub, by size. */
  const heads = new Map<bigint, string>()
  let watching: AbortController
  let watched: Promise<void>

  beforeAll(async () => {
    world = await startEmbedded({ zones })
    copies = await mkdtemp(join(tmpdir(), 'copies-'))
    console.log(`engine: ${world.engine}`)
    await world.declare('tianjin', declarationFor(['beijing', 'langfang'], Date.now() - 60_000))
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    await rm(copies, { recursive: true, force: true })
  })
  beforeEach(() => {
    watching = new AbortController()
    watched = watchHeads(watching.signal)
  })
  afterEach(async () => {
    watching.abort()
    await watched
  })

  const licence = (serial: string, zone = 'beijing') => licenceOf(world.box.alliance.charter, zone, serial)
  const becomes = (zone: string, identifier: string, wanted: string) =>
    until(
      `${zone} says ${wanted}`,
      () => world.verify(zone, { identifier, matter }),
      (answer) => inShort(answer) === wanted,
    )

  it('a publisher refuses to sign, takes back by adopt what it had signed, and goes on', async () => {
    await world.issue('beijing', licence('F1'))
    await copy('beijing', 'publisher')
    const lost = await world.issue('beijing', licence('F2'))
    await world.revoke('beijing', licence('F1'))
    await putBack('beijing', 'publisher')

    await until(
      'it refuses',
      () => world.publisherStatus('beijing'),
      ({ refuses }) => refuses === 'ADOPT_NEEDED',
    )
    await expect(world.issue('beijing', licence('F3'), 'sealed')).rejects.toMatchObject({ code: 'ADOPT_NEEDED' })
    expect((await hutong(world.environment, 'publisher', 'status', '--zone', 'beijing')).exitCode).toBe(1)

    const dry = await hutongJson<Adopted>(world.environment, 'publisher', 'adopt', '--zone', 'beijing', '--dry-run')
    expect(dry.exitCode).toBe(0)
    expect((await world.publisherStatus('beijing')).refuses).toBe('ADOPT_NEEDED')
    const { exitCode, json } = await hutongJson<Adopted>(world.environment, 'publisher', 'adopt', '--zone', 'beijing')
    expect(exitCode).toBe(0)
    expect(Number(json.newSize) - Number(json.oldSize)).toBeGreaterThanOrEqual(2)

    const goesOn = await until('it goes on', () => world.issue('beijing', licence('F3')), isPublished)
    expect(indexOf(goesOn.answer)).toBeGreaterThan(indexOf(lost))
    await becomes('tianjin', licence('F1').identifier, 'INVALID REVOKED')
    for (const serial of ['F2', 'F3']) await becomes('tianjin', licence(serial).identifier, 'VALID')
    // What it took back it knows again: the same licence is a quiet duplicate under its old place.
    expect(await world.issue('beijing', licence('F2'))).toMatchObject({ duplicate: true, index: indexOf(lost) })
    expect((await world.auditReplay()).outcome).toBe('agrees')
  })

  it('a verifier catches up by itself, and cosigns nothing below what it had', async () => {
    await copy('langfang', 'verifier')
    for (const serial of ['G1', 'G2', 'G3']) await world.issue('beijing', licence(serial))
    const { position } = await world.verifierStatus('langfang')
    await putBack('langfang', 'verifier')
    await until(
      'it has caught up',
      () => world.verifierStatus('langfang'),
      (status) => status.position > position,
    )
    expect((await world.verifierStatus('langfang')).fault).toBe('')
    await becomes('langfang', licence('G3').identifier, 'NOT_RECOGNISED NOT_DECLARED')
    // It witnesses again: without another one the quorum needs it.
    await world.stop('tianjin')
    expect(await until('witnessed', () => world.issue('beijing', licence('G4')), isWitnessed)).toBeDefined()
    await world.start('tianjin')
    await until(
      'the digests agree',
      () => world.auditReplay(),
      ({ outcome }) => outcome === 'agrees',
    )
  })

  it('a hub commits nothing until it has taken back what it had signed, and never signs a second head of one size', async () => {
    await copy('hub', 'log')
    const before = (await world.hubStatus()).size
    const lost = await world.issue('beijing', licence('H1'))
    expect(lost).toMatchObject({ stage: 'witnessed' })
    await putBack('hub', 'log')

    await until(
      'it refuses',
      () => world.hubStatus(),
      ({ refuses }) => refuses === 'ADOPT_NEEDED',
    )
    const stuck = await world.hubStatus()
    expect(await world.issue('langfang', licence('H2', 'langfang'), 'sealed')).not.toMatchObject({ stage: 'sequenced' })
    expect((await world.hubStatus()).size).toBe(stuck.size)
    expect(await becomes('tianjin', licence('H1').identifier, 'VALID')).toBeDefined()

    const { exitCode, json } = await hutongJson<Adopted>(world.environment, 'log', 'adopt', '--from', 'tianjin')
    expect({ exitCode, ...json }).toMatchObject({ exitCode: 0 })
    expect(Number(json.newSize)).toBeGreaterThan(Number(before))
    await until('it goes on', () => world.issue('langfang', licence('H3', 'langfang')), isWitnessed)
    for (const zone of ['beijing', 'langfang']) {
      await until(
        'its publisher goes on',
        () => world.publisherStatus(zone),
        ({ refuses }) => refuses === '',
      )
    }
    await becomes('tianjin', licence('H3', 'langfang').identifier, 'VALID')
    await until(
      'a replay agrees',
      () => world.auditReplay(),
      ({ outcome }) => outcome === 'agrees',
    )
    expect(heads.size).toBeGreaterThan(5)
  })

  /** Looks at the newest head again and again: another root for a size that was seen is the end of all trust. */
  async function watchHeads(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answered = await world.log.heads().catch(() => undefined)
      for (const note of [answered?.head, answered?.cosigned]) {
        if (note === undefined || note.length === 0) continue
        const { size, root } = headIn(note)
        expect(heads.get(size) ?? root).toBe(root)
        heads.set(size, root)
      }
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  function headIn(note: Uint8Array): { readonly size: bigint; readonly root: string } {
    const keys = world.box.alliance.hubSigners.map(({ key }) => key)
    const opened = openNote(note, keys)
    if (opened.kind === 'refused') throw new Error(opened.reason)
    const checkpoint = parseCheckpoint(opened.text)
    if (checkpoint.kind === 'refused') throw new Error(checkpoint.reason)
    return { size: checkpoint.size, root: Buffer.from(checkpoint.root).toString('hex') }
  }

  /** Copies the file of a store as a backup does: its part stopped. */
  async function copy(part: string, store: string): Promise<void> {
    await world.stop(part)
    await rm(join(copies, part), { recursive: true, force: true })
    await cp(world.folder(part), join(copies, part), { recursive: true, filter: (path) => isOf(path, part, store) })
    await world.start(part)
    await until(
      `${part} is back`,
      () => world.issue('beijing', licence(`BACK${heads.size}${part.toUpperCase()}`)),
      isWitnessed,
    )
  }

  async function putBack(part: string, store: string): Promise<void> {
    await world.stop(part)
    for (const ending of ['', '-wal', '-shm'])
      await rm(join(world.folder(part), `${store}.sqlite${ending}`), { force: true })
    await cp(join(copies, part), world.folder(part), { recursive: true })
    await world.start(part)
  }

  const isOf = (path: string, part: string, store: string) =>
    path === world.folder(part) || path.startsWith(join(world.folder(part), `${store}.sqlite`))
})

interface Adopted {
  readonly oldSize: number | string
  readonly newSize: number | string
}

function isPublished(outcome: Outcome): boolean {
  return outcome.kind === 'published'
}

function isWitnessed(outcome: Outcome): boolean {
  return outcome.kind === 'published' && outcome.stage === 'witnessed'
}

function indexOf(outcome: Outcome): bigint {
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.code)
  return outcome.index
}
