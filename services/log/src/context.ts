import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { noteSigner } from '@hutong/merkle'
import {
  type Caller,
  type Client,
  ConfigurationError,
  createClient,
  createGrpcServer,
  type Logger,
  type Running,
  tokenIdentity,
} from '@hutong/service'
import { type Signer, signerFromPem } from '@hutong/signing'
import { createSqliteStore } from '@hutong/store'
import { createLocalStream } from '@hutong/stream'
import { hubOrigin, newestCharter, trustFromFirstCharter } from '@hutong/verify'
import { LogServiceService, VerifierServiceClient, type VerifierServiceService } from '@hutong/wire'
import type { LogConfig } from './config.ts'
import { createLogService } from './log-service.ts'
import { logServiceRoles } from './routes.ts'

/** How long a call to a verifier may take before its first record. */
const verifierDeadlineMs = 60_000

/**
 * The hub's log as a process of its own: store, stream and tiles in one directory, one gRPC port. It ends by itself when the log can
 * write nothing more in this run.
 *
 * @throws {ConfigurationError} a file named in the configuration is not what it should be.
 */
export async function startLogProcess(config: LogConfig, log: Logger): Promise<Running & { readonly address: string }> {
  const charter = await readFile(config.charterFile)
  const charterNote = config.charterNoteFile === undefined ? undefined : await readFile(config.charterNoteFile)
  const origin = originOf(charter, config)
  const signers = await Promise.all(config.keyFiles.map(async (file) => noteSigner(origin, await readSigner(file))))
  const tokens = await readTokens(config.tokensFile)

  await using opened = new AsyncDisposableStack()
  const store = opened.use(createSqliteStore({ path: join(config.dataDirectory, 'log.sqlite') }))
  const stream = opened.use(createLocalStream({ path: join(config.dataDirectory, 'logged.sqlite'), now: Date.now }))
  const verifiers = new Map<string, Client<typeof VerifierServiceService>>()
  opened.defer(() => {
    for (const client of verifiers.values()) client[Symbol.dispose]()
  })
  const service = opened.use(
    await createLogService({
      store,
      stream,
      signers,
      charter,
      ...(charterNote === undefined ? {} : { charterNote }),
      tilesDirectory: join(config.dataDirectory, 'tiles'),
      verifier: (zone) => verifierOf(zone, config, verifiers),
      log,
      settings: { headIntervalMs: config.headIntervalMs, headEntriesMax: config.headEntriesMax },
    }),
  )
  const server = opened.use(createGrpcServer({ identify: tokenIdentity(tokens), allow: logServiceRoles, log }))
  server.mount(LogServiceService, undefined, service.routes)
  const { address } = await server.listen({ host: config.host, port: config.port })
  log.info({ address }, 'listening')
  const running = opened.move()
  return {
    address,
    stopped: service.failed.then((error) => Promise.reject(error)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function originOf(charter: Uint8Array, config: LogConfig): string {
  const trust = trustFromFirstCharter(charter)
  if ('kind' in trust)
    throw new ConfigurationError('HUTONG_LOG_CHARTER', `a charter 0 (${trust.reason})`, config.charterFile)
  return hubOrigin(newestCharter(trust))
}

async function readSigner(file: string): Promise<Signer> {
  return signerFromPem(await readFile(file, 'utf8'))
}

/** Tokens by caller are per start and lie in a file that only this process and who started it may read. */
async function readTokens(file: string): Promise<ReadonlyMap<string, Caller>> {
  const found: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (typeof found !== 'object' || found === null)
    throw new ConfigurationError('HUTONG_LOG_TOKENS', 'a JSON object', file)
  return new Map(Object.entries(found) as [string, Caller][])
}

function verifierOf(
  zone: string,
  { verifiersAddress, verifiersToken }: LogConfig,
  clients: Map<string, Client<typeof VerifierServiceService>>,
): Client<typeof VerifierServiceService> | undefined {
  if (verifiersAddress === undefined || verifiersToken === undefined) return undefined
  const options = { token: verifiersToken, zone, defaultDeadlineMs: verifierDeadlineMs }
  const client = clients.get(zone) ?? createClient(VerifierServiceClient, verifiersAddress, options)
  clients.set(zone, client)
  return client
}
