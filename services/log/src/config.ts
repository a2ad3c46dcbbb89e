import { address, type Environment, integer, milliseconds, optionalText, port, secret, text } from '@hutong/service'
import { defaultHeadPace } from './heads.ts'

/** What a process that runs the hub's log alone is told. */
export interface LogConfig {
  /** The directory with `log.sqlite`, `logged.sqlite` and `tiles`. */
  readonly dataDirectory: string
  /** File with the bytes of charter 0. */
  readonly charterFile: string
  /** File with the admins' note on it; undefined for none. */
  readonly charterNoteFile: string | undefined
  /** PEM files of the hub's keys, one for each suite, separated by commas. */
  readonly keyFiles: readonly string[]
  /** JSON: an object from token to {zone, role}. */
  readonly tokensFile: string
  readonly host: string
  readonly port: number
  /** Where the zones' verifiers answer, for `adopt`; undefined: there is none to adopt from. */
  readonly verifiersAddress: string | undefined
  readonly verifiersToken: string | undefined
  readonly headIntervalMs: number
  readonly headEntriesMax: number
}

/** Reads the configuration. @throws {ConfigurationError} a person must change something. */
export function logConfigFrom(env: Environment): LogConfig {
  const hasVerifiers = env.HUTONG_LOG_VERIFIERS !== undefined
  return {
    dataDirectory: text(env, 'HUTONG_LOG_DATA'),
    charterFile: text(env, 'HUTONG_LOG_CHARTER'),
    charterNoteFile: optionalText(env, 'HUTONG_LOG_CHARTER_NOTE'),
    keyFiles: text(env, 'HUTONG_LOG_KEYS').split(','),
    tokensFile: text(env, 'HUTONG_LOG_TOKENS'),
    host: text(env, 'HUTONG_LOG_HOST', '127.0.0.1'),
    port: port(env, 'HUTONG_LOG_PORT'),
    verifiersAddress: hasVerifiers ? address(env, 'HUTONG_LOG_VERIFIERS') : undefined,
    verifiersToken: hasVerifiers ? secret(env, 'HUTONG_LOG_VERIFIERS_TOKEN') : undefined,
    headIntervalMs: milliseconds(env, 'HUTONG_LOG_HEAD_INTERVAL_MS', defaultHeadPace.headIntervalMs),
    headEntriesMax: integer(env, 'HUTONG_LOG_HEAD_ENTRIES', 1, 4096, defaultHeadPace.headEntriesMax),
  }
}
