import { createHash } from 'node:crypto'
import type { PublisherClient, VerifierClient } from '@hutong/sdk'
import type { Box } from '../box.ts'
import type { Cli } from '../command.ts'
import type { ImportSurroundings } from './import-file.ts'

/** An import's way into a running box: one client for each zone it needs. */
export class BoxSurroundings implements Disposable {
  readonly #box: Box
  readonly #clients = new DisposableStack()
  readonly #publishers = new Map<string, PublisherClient>()
  readonly #verifiers = new Map<string, VerifierClient>()

  constructor(box: Box) {
    this.#box = box
  }

  /** What an import is told by the box; whom it tells, the caller says. */
  async surroundings(
    { nowMs, signal }: Pick<Cli, 'nowMs' | 'signal'>,
    told: Pick<ImportSurroundings, 'onReading' | 'onRefused' | 'onProgress'>,
  ): Promise<ImportSurroundings> {
    return {
      ...told,
      nowMs,
      signal,
      charter: await this.#box.charter(),
      pinnedSha256: createHash('sha256')
        .update(await this.#box.charterBytes())
        .digest('hex'),
      publisherOf: (zone) => this.#clientOf(this.#publishers, zone, () => this.#box.publisher(zone)),
      verifierOf: (zone) => this.#clientOf(this.#verifiers, zone, () => this.#box.verifier(zone)),
    }
  }

  [Symbol.dispose](): void {
    this.#clients.dispose()
  }

  #clientOf<Client extends Disposable>(
    known: Map<string, Client>,
    zone: string,
    open: () => Client,
  ): Client | undefined {
    if (!this.#box.zones.includes(zone)) return undefined
    const client = known.get(zone) ?? this.#clients.use(open())
    known.set(zone, client)
    return client
  }
}
