import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { differencesOf, exportStory, sourceOfWorld } from './export-story.ts'
import { openExport, replay, writeExport } from './index.ts'

describe('an export', () => {
  let folder: string
  const world = exportStory()
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'export-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('replays to the digest of the hub, and nothing in it differs', async () => {
    const directory = join(folder, 'whole')
    const written = await writeExport(directory, { source: sourceOfWorld(world), charterSha256: world.pinnedSha256 })
    expect(written).toMatchObject({ kind: 'exported', position: world.size, from: 0n })
    const opened = await openExport(directory, { charterSha256: world.pinnedSha256 })
    if (opened.kind === 'refused') throw new Error(opened.en)
    expect(await differencesOf(opened)).toEqual([])
    const options = { charterSha256: world.pinnedSha256, verifiers: [] }
    const ofHub = await replay({ ...options, source: sourceOfWorld(world) })
    const ofExport = await replay({ ...options, source: opened.source })
    expect(ofExport.contradiction).toBeUndefined()
    expect(ofExport.digest).toEqual(ofHub.digest)
    expect(ofExport.logs).toEqual(ofHub.logs)
  })
})
