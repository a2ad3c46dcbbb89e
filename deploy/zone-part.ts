import { join } from 'node:path'
import { createCounterService } from '@hutong/counter-service'
import { createPublisherService } from '@hutong/publisher-service'
import { createClient, tokenIdentity } from '@hutong/service'
import { createSqliteStore } from '@hutong/store'
import { createVerifierService } from '@hutong/verifier-service'
import {
  LogServiceClient,
  PublisherServiceClient,
  PublisherServiceService,
  VerifierServiceClient,
  VerifierServiceService,
} from '@hutong/wire'
import { demonstrationMatters } from './demonstration.ts'
import type { Surroundings } from './part.ts'

/** Starts a zone of a box: verifier and witness, publisher, counter. Disposing it takes them down first and lets running calls finish. */
export async function startZone(box: Surroundings, zone: string): Promise<AsyncDisposable> {
  await using parts = new AsyncDisposableStack()
  const { data, grpc, tokens, stream, settings, faults } = box
  const clock = faults.zoneClock?.(zone, box.clock) ?? box.clock
  const { charterBytes: charter } = data.alliance
  const folder = data.zonePath(zone)
  const log = box.log.child({ part: zone })
  const store = (name: string) => parts.use(createSqliteStore({ path: join(folder, `${name}.sqlite`) }))
  const asked = (role: 'publisher' | 'verifier' | 'counter') => {
    const options = { token: tokens.of(zone, role), zone, defaultDeadlineMs: box.peerDeadlineMs }
    return [box.grpcAddress(), options] as const
  }

  const verifier = parts.use(
    await createVerifierService({
      zone,
      store: store('verifier'),
      stream,
      cosigner: data.alliance.cosigner(zone),
      charter,
      clients: {
        log: parts.use(createClient(LogServiceClient, ...asked('verifier'))),
        publisher: parts.use(createClient(PublisherServiceClient, ...asked('verifier'))),
      },
      clock,
      log,
      ...(settings.verifier === undefined ? {} : { settings: settings.verifier }),
    }),
  )
  verifier.stopped.catch((error) => box.failed(`${zone} verifier`, error))
  grpc.mount(VerifierServiceService, zone, verifier.routes)
  parts.defer(() => grpc.unmount(VerifierServiceService, zone))

  const publisher = parts.use(
    await createPublisherService({
      zone,
      store: store('publisher'),
      signers: data.alliance.zoneSigners(zone),
      charter,
      hub: parts.use(createClient(LogServiceClient, ...asked('publisher'))),
      verifier: parts.use(createClient(VerifierServiceClient, ...asked('publisher'))),
      clock,
      log,
      settings: { ...settings.publisher, clients: new Map([['client', 'all' as const]]) },
    }),
  )
  void publisher.failed.then((error) => box.failed(`${zone} publisher`, error))
  grpc.mount(PublisherServiceService, zone, publisher.routes)
  parts.defer(() => grpc.unmount(PublisherServiceService, zone))

  const counter = parts.use(
    await createCounterService({
      zone,
      zoneNameZh: data.alliance.charter.zones.find(({ id }) => id === zone)?.nameZh ?? zone,
      store: store('counter'),
      clients: { verifier: parts.use(createClient(VerifierServiceClient, ...asked('counter'))) },
      tokens: tokens.callers,
      matters: demonstrationMatters().map(({ code, name }) => ({ code, nameZh: name })),
      clock,
      log,
      // The page of the demonstration is for whoever sits in front of this machine.
      settings: { openOnLoopback: true },
    }),
  )
  const identify = tokenIdentity(tokens.callers)
  await box.http.mount(zone, counter.routes, publisher.http(identify), verifier.http(identify))
  parts.defer(() => box.http.unmount(zone))
  return parts.move()
}
