import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Processes of one measurement; all are ended, and have ended, when it is disposed. */
export class Processes implements AsyncDisposable {
  readonly #children: ChildProcess[] = []

  /** Starts a program of this repository by its path from the root; what it says goes to `stdout` of the child, errors are shown. */
  start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const path = new URL(`../../${program}`, import.meta.url).pathname
    const child = spawn(process.execPath, [path, ...args], {
      env: { PATH: process.env.PATH ?? '', HUTONG_LOG_LEVEL: 'error', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGTERM')
    const ended = (child: ChildProcess) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))
    await Promise.all(this.#children.map(ended))
  }
}

/** What a child has said up to and with this text. @throws {Error} it did not say it within `limitMs`, or ended before. */
export function said(child: ChildProcess, text: string, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const timer = setTimeout(() => reject(new Error(`"${text}" was not said within ${limitMs} ms`)), limitMs)
    child.once('exit', (code) => reject(new Error(`the process ended with exit code ${code} before it said "${text}"`)))
    child.stdout?.on('data', (chunk) => {
      heard += chunk
      if (!heard.includes(text)) return
      clearTimeout(timer)
      resolve(heard)
    })
  })
}

/** CPU time of another process so far, all its threads, in microseconds; Linux counts hundredths of a second. */
export function cpuMicroseconds({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
