import { type Environment, oneOf } from './configuration.ts'
import { EXIT_INTERRUPTED, EXIT_OUR_BUG, exitCodeOf } from './failure.ts'
import { createLogger, type Logger } from './logger.ts'

/** How long a process may take to finish what it has begun when it is told to stop. */
export const PROCESS_DRAIN_LIMIT_MS = 10_000

/** Something that was started. Disposing it finishes what is running, then closes. */
export interface Running extends AsyncDisposable {
  /** Resolves when it has ended by itself or was disposed; rejects with what broke it. */
  readonly stopped: Promise<void>
}

/** What a process is given to start with. */
export interface Shell {
  readonly log: Logger
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal
}

/**
 * The life of a process, from `start` to its exit code; never rejects. SIGTERM and SIGINT: the signal aborts, what was
 * started is disposed, exit 0; it gets `drainLimitMs`, then the process exits with 70. A second signal: exit 130
 * at once. An error that nobody handled: one line in the log and exit at once by `exitCodeOf`, without disposing, for
 * after a lost write nothing more may be acknowledged. HUTONG_LOG_LEVEL sets the logger's level.
 */
export async function run(
  name: string,
  start: (shell: Shell) => Promise<AsyncDisposable>,
  drainLimitMs: number = PROCESS_DRAIN_LIMIT_MS,
): Promise<void> {
  const log = createLogger({ name, level: logLevel(process.env) })
  const stopping = new AbortController()
  const die = (error: unknown) => dieOf(error, log)
  process.on('uncaughtException', die).on('unhandledRejection', die)
  const asked = signalled(stopping, log, drainLimitMs)
  try {
    const started = await startUnlessAsked(start, { log, signal: stopping.signal })
    if (started !== undefined) {
      log.info('started')
      await Promise.race([asked, ...('stopped' in started ? [started.stopped] : [])])
      await started[Symbol.asyncDispose]()
    }
  } catch (error) {
    die(error)
  }
  log.info('stopped')
  process.exit(0)
}

function logLevel(env: Environment): 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' {
  try {
    return oneOf(env, 'HUTONG_LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info')
  } catch (error) {
    return dieOf(error, createLogger({ name: 'hutong' }))
  }
}

function dieOf(error: unknown, log: Logger): never {
  const exitCode = exitCodeOf(error)
  log.fatal({ err: error, exitCode }, 'the process ends')
  process.exit(exitCode)
}

function signalled(stopping: AbortController, log: Logger, drainLimitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const heard = (signal: string) => {
      if (stopping.signal.aborted) process.exit(EXIT_INTERRUPTED)
      log.info({ signal }, 'stopping')
      setTimeout(() => overran(log, drainLimitMs), drainLimitMs).unref()
      stopping.abort()
      resolve()
    }
    process.on('SIGTERM', heard).on('SIGINT', heard)
  })
}

function overran(log: Logger, limitMs: number): never {
  log.fatal({ limitMs }, 'what was running did not stop in time')
  process.exit(EXIT_OUR_BUG)
}

async function startUnlessAsked(
  start: (shell: Shell) => Promise<AsyncDisposable>,
  shell: Shell,
): Promise<(AsyncDisposable & Partial<Pick<Running, 'stopped'>>) | undefined> {
  try {
    return await start(shell)
  } catch (error) {
    // It heard the signal before it was up, and said so by throwing: that is no failure.
    if (
      shell.signal.aborted &&
      (error === shell.signal.reason || (error instanceof Error && error.name === 'AbortError'))
    )
      return undefined
    throw error
  }
}
