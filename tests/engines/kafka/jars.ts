import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { engineFolder } from '../cache.ts'

const fetchLimitMs = 180_000
/** Of pom.xml; a folder of the cache for each. */
const version = '4.1.1'

/** Where the jars lie once they were fetched. */
function jarFolder(): string {
  return engineFolder(`kafka-${version}`)
}

/**
 * The jars of pom.xml, fetched by Maven unless they are in the cache, and in either case held against jars.sha256.
 * @throws {Error} Maven is missing or fails, or a jar is not the one listed: nothing was started.
 */
export async function fetchJars(): Promise<string> {
  const folder = jarFolder()
  if (!existsSync(folder)) await fetchInto(folder)
  await checkJars(folder)
  return folder
}

/** @throws {Error} one is missing, too many or altered; names it. */
async function checkJars(folder: string): Promise<void> {
  const listed = new Map(
    (await readFile(join(import.meta.dirname, 'jars.sha256'), 'utf8'))
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
async function fetchInto(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const scratch = await mkdtemp(join(dirname(folder), `${basename(folder)}-`))
  try {
    const pom = join(import.meta.dirname, 'pom.xml')
    const args = ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${scratch}`]
    await promisify(execFile)('mvn', args, { timeout: fetchLimitMs })
    await checkJars(scratch)
    await rename(scratch, folder)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
