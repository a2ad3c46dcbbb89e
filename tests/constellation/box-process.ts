import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BoxFile, boxFileFromJson, boxFileName } from '@hutong/cli'
import { projectFolder } from './command-line.ts'

/** Until a box says ready, on a machine under load. */
const readyLimitMs = 60_000

/** A box that runs as a process of its own, as `npm start` leaves it. */
export interface BoxProcess extends AsyncDisposable {
  readonly pid: number
  /** Resolves when it prints the line that begins `ready`; rejects when it ends before. */
  readonly ready: Promise<void>
  /** Resolves with how it ended. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>
  /** What it printed. */
  said(): string
  send(signal: NodeJS.Signals): void
}

/** Starts a box on `dataDir`, on free ports. Disposal kills it. */
export function startBoxProcess(dataDir: string, zones?: string): BoxProcess {
  const main = join(projectFolder, 'deploy', 'main.ts')
  const args = ['--data', dataDir, '--port', '0', ...(zones === undefined ? [] : ['--zones', zones])]
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const ended = once(child, 'close').then(([exitCode, signal]) => ({ exitCode, signal }))
  const ready = new Promise<void>((resolve, reject) => {
    const heard = (chunk: Buffer) => {
      said += chunk
      if (/^ready/m.test(said)) resolve()
    }
    child.stdout.on('data', heard)
    child.stderr.on('data', heard)
    child.once('close', () => reject(new Error(`the box ended: ${said}`)))
    setTimeout(() => reject(new Error(`not ready within ${readyLimitMs} ms: ${said}`)), readyLimitMs).unref()
  })
  // Those that are killed before they are ready are not waited for.
  ready.catch(() => {})
  return {
    pid: child.pid!,
    ready,
    ended,
    said: () => said,
    send: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (isRunning(child)) child.kill('SIGKILL')
      await ended
    },
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** Where a running box is, and who may ask it. @throws it has not said so. */
export async function boxFileOf(dataDir: string): Promise<BoxFile> {
  const file = boxFileFromJson(await readFile(join(dataDir, boxFileName), 'utf8'))
  if (file === undefined) throw new Error('no box file')
  return file
}
