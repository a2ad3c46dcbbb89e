import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boxFileOf, startBoxProcess } from '../constellation/box-process.ts'

// Requests made up out of the document of a zone, which holds publisher, verifier and counter, against a box of its own: no answer may
// be a failure of ours, and every answer must be as the document says. By hand: node tests/http/fuzz.ts [seed]

/** What tells .ci/run that the tool is not to be had here. */
const exitSkipped = 77
const fuzzLimitS = 45
const installLimitMs = 90_000
/** Longer than a caller of the feed can be kept waiting. */
const requestLimitS = 35
const zone = 'tianjin'
const defaultSeed = '20261124'

const seed = process.argv[2] ?? defaultSeed
const scratch = await mkdtemp(join(tmpdir(), 'hutong-http-'))
try {
  process.exitCode = await fuzz()
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function fuzz(): Promise<number> {
  const python = join(scratch, 'venv', 'bin', 'python')
  const quiet: SpawnOptions = { stdio: ['ignore', 'ignore', 'inherit'], timeout: installLimitMs }
  const requirements = join(import.meta.dirname, 'requirements.txt')
  const installed =
    (await run('python3', ['-m', 'venv', join(scratch, 'venv')], quiet)) === 0 &&
    (await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], quiet)) === 0
  if (!installed) {
    console.log('schemathesis cannot be installed here (python3 with venv and a package index)')
    return exitSkipped
  }
  await using box = startBoxProcess(join(scratch, 'box'))
  await box.ready
  const { http, tokens } = await boxFileOf(join(scratch, 'box'))
  console.log(`seed ${seed}`)
  const code = await run(
    join(scratch, 'venv', 'bin', 'schemathesis'),
    [
      ...['--config-file', join(import.meta.dirname, 'schemathesis.toml')],
      ...['run', `http://${http}/z/${zone}/v1/openapi.json`],
      ...['--header', `Authorization: Bearer ${tokens[zone]?.client}`],
      ...['--checks', 'all', '--seed', seed, '--max-time', `${fuzzLimitS}`, '--request-timeout', `${requestLimitS}`],
      ...['--max-response-time', `${requestLimitS}`],
      ...['--continue-on-failure', '--no-color', '--generation-database', 'none'],
    ],
    { stdio: 'inherit', cwd: scratch, timeout: (fuzzLimitS + requestLimitS) * 1_000 },
  )
  if (!(await stillAnswers(http))) throw new Error(`the box does not answer any more: ${box.said()}`)
  return code
}

async function stillAnswers(http: string): Promise<boolean> {
  return (await fetch(`http://${http}/healthz`)).ok
}

/** The exit code; 1 where the program is not there or had to be ended. */
async function run(program: string, args: readonly string[], options: SpawnOptions): Promise<number> {
  const child = spawn(program, args, options)
  try {
    const [code] = await once(child, 'close')
    return code ?? 1
  } catch {
    // `error`: the program is not there.
    return 1
  }
}
