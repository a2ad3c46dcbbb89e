import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Go's own reader of tile logs, built. Dispose it: it lies in a temporary folder. */
export interface GoReader extends AsyncDisposable {
  readonly kind: 'built'
  /** Reads the log in a directory under the Ed25519 key of its checkpoint. */
  read(directory: string, vkey: string): Promise<{ readonly accepted: boolean; readonly said: string }>
}

/** It could not be built here, for a reason that is not ours. */
export interface NoGoReader {
  readonly kind: 'absent'
  readonly reason: string
}

const oldestGo = { major: 1, minor: 18 }
const downloadLimitMs = 30_000
const buildLimitMs = 90_000
const readLimitMs = 30_000
/** Longest that `buildGoReader` takes, in milliseconds. */
export const goReaderLimitMs: number = 2 * readLimitMs + 2 * downloadLimitMs + buildLimitMs
/** Where Debian's golang-golang-x-mod-dev puts its sources: a way without the network. */
const debianSources = '/usr/share/gocode'

/**
 * Builds the Go program beside this file, with the module from the proxy or, where that is out of reach, with Debian's copy of it.
 * @throws what the compiler says of the program.
 */
export async function buildGoReader(): Promise<GoReader | NoGoReader> {
  const unfit = await whyGoIsUnfit()
  if (unfit !== undefined) return { kind: 'absent', reason: unfit }
  const environment = await modules()
  if (environment === undefined) {
    return { kind: 'absent', reason: 'golang.org/x/mod: neither the module proxy nor golang-golang-x-mod-dev' }
  }
  const folder = await mkdtemp(join(tmpdir(), 'go-reader-'))
  const program = join(folder, 'go-reader')
  try {
    await go(['build', '-o', program, 'main.go'], buildLimitMs, environment)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    // `execFile` kills what runs into its limit; a compiler that refuses the program ends by itself.
    if ((error as { readonly killed?: boolean }).killed !== true) throw error
    return { kind: 'absent', reason: `go build: not done after ${buildLimitMs / 1_000} s on this machine` }
  }
  return {
    kind: 'built',
    read: (directory, vkey) => readWith(program, directory, vkey),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function whyGoIsUnfit(): Promise<string | undefined> {
  let version: string
  try {
    version = await go(['env', 'GOVERSION'], readLimitMs, {})
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'go: not installed here' : `go: ${error}`
  }
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? []
  const fits = Number(major) > oldestGo.major || (Number(major) === oldestGo.major && Number(minor) >= oldestGo.minor)
  return fits ? undefined : `${version.trim()}: want go${oldestGo.major}.${oldestGo.minor} or newer`
}

/** The environment in which the program's imports are found; undefined where they are not. */
async function modules(): Promise<NodeJS.ProcessEnv | undefined> {
  const fromProxy = { GO111MODULE: 'on', GOFLAGS: '-mod=readonly' }
  if (await succeeds(['mod', 'download'], fromProxy)) return fromProxy
  const fromDebian = { GO111MODULE: 'off', GOPATH: debianSources, GOFLAGS: '' }
  return (await succeeds(['list', 'golang.org/x/mod/sumdb/tlog'], fromDebian)) ? fromDebian : undefined
}

async function succeeds(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<boolean> {
  return go(args, downloadLimitMs, environment).then(
    () => true,
    () => false,
  )
}

async function go(args: readonly string[], limitMs: number, environment: NodeJS.ProcessEnv): Promise<string> {
  const env = { ...process.env, GOTOOLCHAIN: 'local', ...environment }
  const { stdout } = await promisify(execFile)('go', args, { cwd: import.meta.dirname, timeout: limitMs, env })
  return stdout
}

async function readWith(
  program: string,
  directory: string,
  vkey: string,
): Promise<{ readonly accepted: boolean; readonly said: string }> {
  try {
    const { stdout } = await promisify(execFile)(program, [directory, vkey], { timeout: readLimitMs })
    return { accepted: true, said: stdout }
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string }
    // Only its own refusal is one: a crash or a wrong call proves nothing about the log.
    if (code !== 1 || stderr === undefined) throw error
    return { accepted: false, said: stderr }
  }
}
