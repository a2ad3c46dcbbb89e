import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeEvidenceAndTell } from './audit-evidence.ts'

const files = [{ name: 'two-heads.evidence.json', bytes: Buffer.from('{}\n') }]
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evidence-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('evidence that was found', () => {
  it('is written once, however often it is found', async () => {
    for (let round = 0; round < 2; round++) {
      expect(await writtenTo(join(folder, 'new'))).toEqual({
        told: [[expect.stringMatching(/new.[0-9a-f]{12}-two-heads\.evidence\.json$/)]],
        failure: undefined,
      })
    }
    const [name] = await readdir(join(folder, 'new'))
    expect(await readFile(join(folder, 'new', name!))).toEqual(files[0]!.bytes)
  })

  it('is told before the disk’s failure is', async () => {
    const blocked = join(folder, 'blocked')
    await writeFile(blocked, '')
    const { told, failure } = await writtenTo(blocked)
    expect([told, failure]).toEqual([[[]], expect.objectContaining({ code: 'EEXIST' })])
  })

  it('is not said to lie where a half of it lies', async () => {
    await writtenTo(folder)
    const path = join(folder, (await readdir(folder))[0]!)
    await writeFile(path, '{')
    const { told, failure } = await writtenTo(folder)
    expect([told, failure]).toEqual([[[]], expect.objectContaining({ code: 'FILE_EXISTS' })])
  })

  it('is only told where no folder is named', async () => {
    expect(await writtenTo(undefined)).toEqual({ told: [[]], failure: undefined })
  })
})

async function writtenTo(to: string | undefined): Promise<{ told: (readonly string[])[]; failure: unknown }> {
  const told: (readonly string[])[] = []
  try {
    await writeEvidenceAndTell(files, to, (paths) => told.push(paths))
    return { told, failure: undefined }
  } catch (failure) {
    return { told, failure }
  }
}
