import { type DestinationStream, destination, type LevelWithSilent, type Logger as PinoLogger, pino } from 'pino'
import { createTerminalStream } from './terminal.ts'

/** One JSON line per fact. */
export type Logger = PinoLogger

/** `silent` is for tests. */
export type LogLevel = LevelWithSilent

// Secrets and personal data by the names they have in proto, in HTTP and in our types. This is the second line: the
// first is that nobody hands such a thing to the logger.
const REDACTED_NAMES = [
  'authorization',
  'token',
  'password',
  'privateKey',
  'holder',
  'holderName',
  'holderNumber',
  'holder_name',
  'holder_number',
  'licenceNumber',
  'licence_number',
  'payload',
  'salt',
]
const REDACTED_DEPTHS = ['', '*.', '*.*.']

/**
 * A logger for a process or a part of it, to stderr unless told: what a command answers belongs to stdout. Lines for
 * people only when stderr is a terminal.
 */
export function createLogger(options: {
  readonly name: string
  readonly level?: LogLevel
  readonly destination?: DestinationStream
}): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: REDACTED_DEPTHS.flatMap((depth) => REDACTED_NAMES.map((name) => depth + name)),
        censor: '[redacted]',
      },
    },
    options.destination ?? standardError(),
  )
}

// Synchronous, so that the line that says why a process ends is out before it ends.
function standardError(): DestinationStream {
  return process.stderr.isTTY ? createTerminalStream(process.stderr) : destination({ dest: 2, sync: true })
}
