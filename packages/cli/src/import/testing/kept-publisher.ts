import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { checkForm } from '@hutong/licence'
import type { Outcome, PublisherClient } from '@hutong/sdk'
import type { ImportSurroundings } from '../import-file.ts'

/** Publishers of all zones over one file of request ids, one a line, that outlives the process: a stand-in for what is never lost. */
export class KeptPublisher implements Pick<PublisherClient, 'publish'> {
  readonly #path: string
  /** What is answered next, in place of the truth. */
  next: (() => Promise<void>) | undefined

  constructor(path: string) {
    this.#path = path
  }

  get requestIds(): readonly string[] {
    return existsSync(this.#path) ? readFileSync(this.#path, 'utf8').split('\n').slice(0, -1) : []
  }

  publish: PublisherClient['publish'] = async (items, options = {}) => {
    options.signal?.throwIfAborted()
    await this.next?.()
    const known = new Map(this.requestIds.map((id, at) => [id, BigInt(at)]))
    return items.map(({ requestId, event }): Outcome => {
      const refusal = checkForm(event)
      if (refusal !== undefined) return { kind: 'refused', requestId, refusal }
      const found = known.get(requestId)
      if (found === undefined) {
        appendFileSync(this.#path, `${requestId}\n`)
        known.set(requestId, BigInt(known.size))
      }
      const place = { origin: 'o', index: known.get(requestId)!, leafHash: new Uint8Array(32), position: undefined }
      return {
        kind: 'published',
        requestId,
        ...place,
        stage: options.waitFor ?? 'sequenced',
        duplicate: found !== undefined,
      }
    })
  }

  /** An import's surroundings in which every zone is this one, and nothing is said. */
  surroundings(over: Partial<ImportSurroundings> = {}): ImportSurroundings {
    return {
      pinnedSha256: '00'.repeat(32),
      charter: { zones: [] } as unknown as ImportSurroundings['charter'],
      publisherOf: () => this,
      verifierOf: () => undefined,
      nowMs: Date.now,
      signal: new AbortController().signal,
      onReading: () => {},
      onRefused: () => {},
      onProgress: () => {},
      ...over,
    }
  }
}
