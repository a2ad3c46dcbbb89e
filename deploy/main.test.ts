import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// The box as the process that npm start hands over to.

const limitMs = 60_000

let dataDir: string
const children: ChildProcess[] = []

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hutong-main-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(dataDir, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  readonly written: { stdout: string; stderr: string }
  readonly exited: Promise<number | null>
}

function start(...args: readonly string[]): Started {
  const main = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, [main, '--data', dataDir, '--port', '0', ...args], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (written.stdout += chunk))
  child.stderr.on('data', (chunk) => (written.stderr += chunk))
  return { child, written, exited: once(child, 'close').then(([code]) => code as number | null) }
}

async function ready(started: Started): Promise<void> {
  const isReady = () => /^ready.*\n(.*\n)*try:\n(.*\n){3}/.test(started.written.stdout)
  while (!isReady()) await Promise.race([once(started.child.stdout!, 'data'), endedEarly(started)])
}

async function endedEarly({ exited, written }: Started): Promise<never> {
  throw new Error(`the box ended with ${await exited}: ${written.stderr}`)
}

const looked = ['versions', 'cryptography', 'disk', 'keys', 'clock', 'quorum', 'witnessed', 'verifier langfang']

/** What `hutong doctor` finds. */
function examined(): { exitCode: number | null; looked: readonly string[]; bad: readonly string[] } {
  const cli = join(import.meta.dirname, '..', 'packages', 'cli', 'src', 'main.ts')
  const run = spawnSync(process.execPath, [cli, 'doctor', '--json', '--data', dataDir], { encoding: 'utf8' })
  const { symptoms } = JSON.parse(run.stdout) as { symptoms: readonly { what: string; state: string }[] }
  const bad = symptoms.filter(({ state }) => state === 'bad').map(({ what }) => what)
  return { exitCode: run.status, looked: symptoms.map(({ what }) => what), bad }
}

describe('the box as a process', { timeout: limitMs }, () => {
  it('says ready and nothing else, refuses a second one on its data, drains at Ctrl-C and goes on at the next start', async () => {
    const first = start()
    await ready(first)
    expect(examined()).toMatchObject({ exitCode: 0, bad: [], looked: expect.arrayContaining(looked) })
    const second = start()
    expect(await second.exited).toBe(7)
    expect(second.written).toMatchObject({ stdout: '', stderr: expect.stringContaining(`${dataDir} is in use`) })
    first.child.kill('SIGINT')
    expect(await first.exited).toBe(0)
    expect(first.written.stderr).toBe('')
    expect(existsSync(join(dataDir, 'box.json'))).toBe(false)
    expect(examined()).toMatchObject({ exitCode: 1, bad: ['box'] })
    const other = start('--zones', 'beijing')
    expect(await other.exited).toBe(7)
    expect(other.written.stderr).toContain('beijing,tianjin,langfang')
    await ready(start())
  })

  it('comes back after it was killed, without anybody repairing anything', async () => {
    const first = start()
    await ready(first)
    first.child.kill('SIGKILL')
    await first.exited
    const second = start()
    await ready(second)
    second.child.kill('SIGTERM')
    expect(await second.exited).toBe(0)
  })

  it('ends with 0 when it is told to stop before it is up', async () => {
    const started = start()
    while (!existsSync(join(dataDir, 'alliance'))) await new Promise((resolve) => setTimeout(resolve, 5))
    started.child.kill('SIGINT')
    expect(await started.exited).toBe(0)
  })

  it('answers 2 and the usage to what it does not know', async () => {
    const started = start('--verbose')
    expect(await started.exited).toBe(2)
    expect(started.written.stderr).toContain('usage: npm start')
  })
})
