import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkJars } from '../jars.ts'
import { mongoJars } from './jars.ts'

describe('the jars of an engine', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hutong-jars-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('are refused when one is missing, and it is named', async () => {
    await expect(checkJars(folder, mongoJars)).rejects.toThrow(/h2-2\.3\.232\.jar/)
  })

  it('are refused when one is altered, and it is named with what it should be', async () => {
    await writeFile(join(folder, 'h2-2.3.232.jar'), 'hutong')
    // SHA-256 of those six bytes, by sha256sum.
    await expect(checkJars(folder, mongoJars)).rejects.toThrow(
      /h2-2\.3\.232\.jar: SHA-256 0cd061c02b8c2d7b5c14af81d9ade1da9b774935a3bf4cd2c796cae195af7b92, listed is 8dae62d22db8/,
    )
  })

  it('are refused when there is one more than listed: Java would load it', async () => {
    await writeFile(join(folder, 'another.jar'), 'hutong')
    await expect(checkJars(folder, mongoJars)).rejects.toThrow(/another\.jar: not in jars\.sha256/)
  })
})
