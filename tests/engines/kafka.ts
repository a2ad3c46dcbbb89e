import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { engineFolder } from './cache.ts'
import { fetchJars } from './jars.ts'
import { kafkaBrokerLabel, startKafkaBroker } from './kafka/broker.ts'
import { kafkaJars } from './kafka/jars.ts'
import type { EngineStatus, EngineUp } from './mongo.ts'

/** Starts one broker for whoever comes, unless it runs; fetches its jars the first time. */
export async function up(): Promise<EngineUp> {
  const before = await status()
  if (before.kind === 'up') return before
  await rm(runFolder(), { recursive: true, force: true })
  const jars = await fetchJars(kafkaJars)
  await mkdir(runFolder(), { recursive: true })
  const { process, port } = await startKafkaBroker({ jars, folder: runFolder(), detached: true })
  await writeFile(stateFile(), JSON.stringify({ pid: process.pid, port }))
  process.unref()
  return { env: environment(port) }
}

/** Ends it and deletes what it kept; the jars stay. Quiet when it does not run. */
export async function down(): Promise<void> {
  const state = await readState()
  if (state !== undefined && (await isOurs(state.pid))) {
    process.kill(state.pid, 'SIGTERM')
    const endedBy = performance.now() + endLimitMs
    while ((await isOurs(state.pid)) && performance.now() < endedBy) await pause(pollPaceMs)
    if (await isOurs(state.pid)) process.kill(state.pid, 'SIGKILL')
  }
  await rm(runFolder(), { recursive: true, force: true })
}

export async function status(): Promise<EngineStatus> {
  const state = await readState()
  if (state === undefined || !(await isOurs(state.pid))) return { kind: 'down' }
  return { kind: 'up', label: kafkaBrokerLabel, env: environment(state.port) }
}

interface State {
  readonly pid: number
  readonly port: number
}

/** Longest that it may take to end by itself. */
const endLimitMs = 5_000
const pollPaceMs = 50

function runFolder(): string {
  return engineFolder('run-kafka')
}

function stateFile(): string {
  return join(runFolder(), 'state.json')
}

function environment(port: number): Readonly<Record<string, string>> {
  return { HUTONG_TEST_KAFKA: `127.0.0.1:${port}` }
}

async function readState(): Promise<State | undefined> {
  try {
    return JSON.parse(await readFile(stateFile(), 'utf8')) as State
  } catch {
    // Never started, or killed before it was written down: nothing that could be named.
    return undefined
  }
}

// A number may have gone to another program since: only what runs a broker from our folder is ever ended.
async function isOurs(pid: number): Promise<boolean> {
  try {
    return (await commandLine(pid)).includes('kafka.Kafka')
  } catch {
    // There is no such process.
    return false
  }
}

// Small images of Linux have no ps. What has ended and waits for its parent has an empty line there, and `Z` in ps.
async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8')
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,args=', '-p', `${pid}`])
  return stdout.startsWith('Z') ? '' : stdout
}
