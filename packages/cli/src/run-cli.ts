import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { runCommand } from './program.ts'

const limitMs = 30_000

/** What a command line came to. */
export interface CliRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** For tests: runs the command as its users do, in a process of its own. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
      env: { PATH: process.env.PATH ?? '', NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    })
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (exitCode) =>
      resolve({
        exitCode: exitCode ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    )
  })
}

/** For tests: the same in this process, where starting another for every case would take too long. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin: readonly Uint8Array[] = [],
  nowMs: () => number = Date.now,
): Promise<CliRun> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    stdin: Readable.from(stdin),
    env,
    nowMs,
    signal: new AbortController().signal,
  })
  return { exitCode, stdout, stderr }
}
