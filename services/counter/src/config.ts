import { address, type Environment, flag, port, secret, text } from '@hutong/service'

/** What a counter that runs in a process of its own is told. */
export interface CounterConfig {
  readonly zone: string
  /** File of the store. */
  readonly storePath: string
  readonly verifier: { readonly address: string; readonly token: string }
  /** File with the askers' tokens: a JSON list of {token, zone, role, name}. */
  readonly callersPath: string
  readonly openOnLoopback: boolean
  readonly port: number
}

/**
 * Reads `HUTONG_…` settings.
 * @throws {ConfigurationError} one is missing or cannot be read.
 */
export function counterConfig(env: Environment): CounterConfig {
  return {
    zone: text(env, 'HUTONG_ZONE'),
    storePath: text(env, 'HUTONG_STORE'),
    verifier: { address: address(env, 'HUTONG_VERIFIER'), token: secret(env, 'HUTONG_VERIFIER_TOKEN') },
    callersPath: text(env, 'HUTONG_CALLERS'),
    openOnLoopback: flag(env, 'HUTONG_OPEN_ON_LOOPBACK', false),
    port: port(env, 'HUTONG_PORT', 0),
  }
}
