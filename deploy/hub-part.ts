import { join } from 'node:path'
import { createLogService } from '@hutong/log-service'
import { createClient } from '@hutong/service'
import { createSqliteStore } from '@hutong/store'
import { LogServiceService, VerifierServiceClient } from '@hutong/wire'
import type { Surroundings } from './part.ts'

/** Starts the hub of a box: its log, mounted without a zone. Disposing it takes it down first and lets running calls finish. */
export async function startHub(box: Surroundings): Promise<AsyncDisposable> {
  await using parts = new AsyncDisposableStack()
  const { data, grpc, grpcAddress, tokens, stream, clock, log, settings, faults } = box
  const store = parts.use(createSqliteStore({ path: join(data.hubPath, 'log.sqlite') }))
  const verifiers = new Map(
    data.alliance.configuration.zones.map((zone) => {
      const options = { zone, token: tokens.of('hub', 'log'), defaultDeadlineMs: box.peerDeadlineMs }
      return [zone, parts.use(createClient(VerifierServiceClient, grpcAddress(), options))]
    }),
  )
  const service = parts.use(
    await createLogService({
      store,
      stream,
      signers: data.alliance.hubSigners,
      charter: data.alliance.charterBytes,
      charterNote: data.alliance.charterNote,
      tilesDirectory: join(data.hubPath, 'tiles'),
      verifier: (zone) => verifiers.get(zone),
      clock,
      log: log.child({ part: 'hub' }),
      ...(settings.log === undefined ? {} : { settings: settings.log }),
    }),
  )
  grpc.mount(LogServiceService, undefined, faults.hubRoutes?.(service.routes) ?? service.routes)
  parts.defer(() => grpc.unmount(LogServiceService, undefined))
  void service.failed.then((error) => box.failed('hub', error))
  return parts.move()
}
