import { address, ConfigurationError, type Environment, optionalText, port, secret, text } from '@hutong/service'

/** What a verifier that runs in a process of its own is told. */
export interface VerifierConfig {
  readonly zone: string
  /** File of the store. */
  readonly storePath: string
  /** SHA-256 of charter 0. */
  readonly charterSha256: Uint8Array
  readonly hub: { readonly address: string; readonly token: string }
  /** The zone's own publisher; undefined where it has none. */
  readonly publisher: { readonly address: string; readonly token: string } | undefined
  /** The cosigner's name in the charter, and the file of its key; undefined: it witnesses nothing. */
  readonly cosigner: { readonly name: string; readonly keyPath: string } | undefined
  /** File with the callers' tokens: a JSON list of {token, zone, role, name}. */
  readonly callersPath: string
  readonly port: number
  /** Undefined: no HTTP. */
  readonly httpPort: number | undefined
}

/**
 * Reads `HUTONG_…` settings.
 * @throws {ConfigurationError} one is missing or cannot be read.
 */
export function verifierConfig(env: Environment): VerifierConfig {
  const cosignerName = optionalText(env, 'HUTONG_COSIGNER_NAME')
  return {
    zone: text(env, 'HUTONG_ZONE'),
    storePath: text(env, 'HUTONG_STORE'),
    charterSha256: sha256Hex(env, 'HUTONG_CHARTER_SHA256'),
    hub: { address: address(env, 'HUTONG_HUB'), token: secret(env, 'HUTONG_HUB_TOKEN') },
    publisher:
      env.HUTONG_PUBLISHER === undefined
        ? undefined
        : { address: address(env, 'HUTONG_PUBLISHER'), token: secret(env, 'HUTONG_PUBLISHER_TOKEN') },
    cosigner:
      cosignerName === undefined ? undefined : { name: cosignerName, keyPath: text(env, 'HUTONG_COSIGNER_KEY') },
    callersPath: text(env, 'HUTONG_CALLERS'),
    port: port(env, 'HUTONG_PORT', 0),
    httpPort: env.HUTONG_HTTP_PORT === undefined ? undefined : port(env, 'HUTONG_HTTP_PORT'),
  }
}

function sha256Hex(env: Environment, name: string): Uint8Array {
  const found = text(env, name)
  if (!/^[0-9a-f]{64}$/.test(found)) throw new ConfigurationError(name, '64 lower-case hex digits', found)
  return Buffer.from(found, 'hex')
}
