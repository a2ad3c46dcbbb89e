import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What every suite that ran on it says beside its name. */
export const mongoJavaServerLabel = 'mongo-java-server, MongoDB wire protocol: no transactions, no replication'

const startLimitMs = 30_000

export interface MongoServer {
  readonly process: ChildProcess
  readonly port: number
}

export interface MongoServerOptions {
  /** Where the jars lie. */
  readonly jars: string
  /** Where its file and its log go; must be there. */
  readonly folder: string
  /** Default: one that is free. */
  readonly port?: number
  /** It goes on when this process has ended. */
  readonly detached?: boolean
}

/**
 * Starts mongo-java-server over a file, on loopback, and returns when it listens. Needs a JDK, 17 or newer.
 * @throws {Error} it ended, or does not listen within 30 s; its log says why.
 */
export async function startMongoServer(options: MongoServerOptions): Promise<MongoServer> {
  const { jars, folder, port = 0, detached = false } = options
  const log = openSync(join(folder, 'server.log'), 'a')
  const args = ['-Xmx256m', '-cp', join(jars, '*'), join(import.meta.dirname, 'MongoWireServer.java')]
  const process = spawn('java', [...args, join(folder, 'data.h2'), `${port}`], {
    stdio: ['ignore', 'pipe', log],
    detached,
  })
  closeSync(log)
  try {
    return { process, port: await portOf(process, folder) }
  } catch (error) {
    process.kill('SIGKILL')
    throw error
  } finally {
    // Nothing else comes from there, and an open pipe would keep the starting process alive.
    process.stdout?.destroy()
  }
}

/** Ends it, at once and without a chance to tidy up; quiet when it has ended. */
export async function killMongoServer({ process }: MongoServer): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  const ended = once(process, 'exit')
  process.kill('SIGKILL')
  await ended
}

async function portOf(process: ChildProcess, folder: string): Promise<number> {
  const signal = AbortSignal.timeout(startLimitMs)
  const line = await Promise.race([
    once(createInterface({ input: process.stdout! }), 'line', { signal }).then(([text]) => String(text)),
    once(process, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`java ended with ${code}`))),
  ]).catch((error: unknown) => {
    throw new Error(`mongo-java-server did not start; see ${join(folder, 'server.log')}`, { cause: error })
  })
  const [, port] = /^listening (\d+)$/.exec(line) ?? []
  if (port === undefined) throw new Error(`mongo-java-server said ${JSON.stringify(line)} instead of its port`)
  return Number(port)
}
