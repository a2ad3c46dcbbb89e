import type { Observed } from '@hutong/licence'
import type { Logger } from '@hutong/service'
import type { ZoneVerifier } from './hub.ts'

/**
 * What a heartbeat says: the hub-signed head that the zone's verifier holds. A verifier that does not answer keeps no beat back; it
 * then carries the head of the last one.
 */
export async function heartbeat(
  verifier: ZoneVerifier | undefined,
  lastHead: Uint8Array,
  logger: Logger,
): Promise<Observed> {
  try {
    const head = await verifier?.head()
    return { kind: 'observed', head: head === undefined || head.length === 0 ? lastHead : head }
  } catch (error) {
    logger.debug({ err: error }, "the zone's verifier does not answer; the heartbeat carries the last head")
    return { kind: 'observed', head: lastHead }
  }
}
