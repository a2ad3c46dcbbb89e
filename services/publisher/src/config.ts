import {
  address,
  type Caller,
  ConfigurationError,
  type Environment,
  list,
  milliseconds,
  optionalText,
  port,
  secret,
  text,
} from '@hutong/service'
import type { Authorities } from './settings.ts'

/** How a process that runs a publisher alone is configured. */
export interface PublisherConfig {
  readonly zone: string
  readonly port: number
  /** Undefined: no HTTP. */
  readonly httpPort: number | undefined
  /** Charter 0. */
  readonly charterPath: string
  /** PKCS#8 files of the zone's keys. */
  readonly keyPaths: readonly string[]
  readonly storePath: string
  readonly hubAddress: string
  readonly verifierAddress: string | undefined
  /** What this process shows to hub and verifier. */
  readonly peerToken: string | undefined
  readonly deadlineMs: number
  readonly callers: ReadonlyMap<string, Caller>
  readonly clients: ReadonlyMap<string, Authorities>
}

/**
 * Reads the environment: HUTONG_ZONE, HUTONG_PORT, HUTONG_HTTP_PORT, HUTONG_CHARTER, HUTONG_KEYS (files, by commas), HUTONG_STORE, HUTONG_HUB,
 * HUTONG_VERIFIER, HUTONG_PEER_TOKEN, HUTONG_PEER_DEADLINE_MS, and HUTONG_CLIENTS: `name=token=all` or `name=token=code+code`, by commas.
 *
 * @throws {ConfigurationError} something is missing or cannot be read.
 */
export function publisherConfig(env: Environment): PublisherConfig {
  const zone = text(env, 'HUTONG_ZONE')
  const clients = readClients(env)
  return {
    zone,
    port: port(env, 'HUTONG_PORT', 0),
    httpPort: env.HUTONG_HTTP_PORT === undefined ? undefined : port(env, 'HUTONG_HTTP_PORT'),
    charterPath: text(env, 'HUTONG_CHARTER'),
    keyPaths: list(env, 'HUTONG_KEYS'),
    storePath: text(env, 'HUTONG_STORE'),
    hubAddress: address(env, 'HUTONG_HUB'),
    verifierAddress: env.HUTONG_VERIFIER === undefined ? undefined : address(env, 'HUTONG_VERIFIER'),
    peerToken: optionalText(env, 'HUTONG_PEER_TOKEN'),
    deadlineMs: milliseconds(env, 'HUTONG_PEER_DEADLINE_MS', 5_000),
    callers: new Map(clients.map(({ name, token }) => [token, { zone, role: 'client', name }])),
    clients: new Map(clients.map(({ name, authorities }) => [name, authorities])),
  }
}

/** Holds tokens: no error repeats a value. */
function readClients(env: Environment): readonly { name: string; token: string; authorities: Authorities }[] {
  const clients = secret(env, 'HUTONG_CLIENTS')
    .split(',')
    .map((client) => {
      const [name = '', token = '', authorities = '', ...rest] = client.trim().split('=')
      if (name === '' || token === '' || authorities === '' || rest.length > 0) {
        throw new ConfigurationError('HUTONG_CLIENTS', 'name=token=all or name=token=code+code, separated by commas')
      }
      return { name, token, authorities: authorities === 'all' ? ('all' as const) : authorities.split('+') }
    })
  const once = (values: readonly string[]) => new Set(values).size === values.length
  if (!once(clients.map(({ name }) => name)) || !once(clients.map(({ token }) => token))) {
    throw new ConfigurationError('HUTONG_CLIENTS', 'every name and every token once')
  }
  return clients
}
