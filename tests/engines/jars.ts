import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { engineFolder } from './cache.ts'

const fetchLimitMs = 180_000

/** The jars of one version of an engine. */
export interface EngineJars {
  /** Where `pom.xml` and `jars.sha256` lie. */
  readonly listedIn: string
  /** Name and version; a folder of the cache for each. */
  readonly name: string
}

/** Where the jars lie once they were fetched. */
export function jarFolder({ name }: EngineJars): string {
  return engineFolder(name)
}

/**
 * The jars of pom.xml, fetched by Maven unless they are in the cache, and in either case held against jars.sha256.
 * @throws {Error} Maven is missing or fails, or a jar is not the one listed: nothing was started.
 */
export async function fetchJars(jars: EngineJars): Promise<string> {
  const folder = jarFolder(jars)
  if (!existsSync(folder)) await fetchInto(folder, jars)
  await checkJars(folder, jars)
  return folder
}

/** @throws {Error} one is missing, too many or altered; names it. */
export async function checkJars(folder: string, { listedIn }: EngineJars): Promise<void> {
  const listed = new Map(
    (await readFile(join(listedIn, 'jars.sha256'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  )
  for (const name of await readdir(folder)) {
    if (!listed.has(name)) throw new Error(`${join(folder, name)}: not in jars.sha256`)
  }
  for (const [name, digest] of listed) {
    const found = hash('sha256', await readFile(join(folder, name)), 'hex')
    if (found !== digest) throw new Error(`${join(folder, name)}: SHA-256 ${found}, listed is ${digest}`)
  }
}

// The rename is the commit: what was only half fetched is never taken for the jars.
async function fetchInto(folder: string, jars: EngineJars): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const scratch = await mkdtemp(join(dirname(folder), `${basename(folder)}-`))
  try {
    const pom = join(jars.listedIn, 'pom.xml')
    const args = ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${scratch}`]
    await promisify(execFile)('mvn', args, { timeout: fetchLimitMs })
    await checkJars(scratch, jars)
    await rename(scratch, folder)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
