import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** The project's folder. */
export const projectFolder: string = join(import.meta.dirname, '..', '..')

/** Longest run of one command, in milliseconds; it is killed then. */
const commandLimitMs = 100_000

/** What a command came to. */
export interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `hutong` as a person does, in a process of its own. */
export async function hutong(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> {
  const main = join(projectFolder, 'packages', 'cli', 'src', 'main.ts')
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: commandLimitMs,
    killSignal: 'SIGKILL',
  })
  const [[exitCode], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { exitCode: exitCode as number | null, stdout, stderr }
}

/** The same with `--json`, its answer read. */
export async function hutongJson<T>(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Ran & { readonly json: T }> {
  const ran = await hutong(environment, ...args, '--json')
  try {
    return { ...ran, json: JSON.parse(ran.stdout) as T }
  } catch (error) {
    throw new Error(`hutong ${args.join(' ')}: exit ${ran.exitCode}, no JSON: ${ran.stderr}${ran.stdout}`, {
      cause: error,
    })
  }
}
