import type { Store } from '@hutong/store'
import { type FeedCursor, type FeedPage, readFeed } from './event-feed.ts'
import type { Follower } from './follower.ts'

/** Callers that read or wait at the same time at most; one more is refused. */
const feedCallersMax = 64
/** How long a caller can be kept waiting for news, in seconds. */
export const feedWaitMaxS = 30

/** What a caller of the feed asks. */
export interface FeedQuestion {
  readonly from: FeedCursor
  readonly eventsMax: number
  readonly waitMs: number
  /** Each ends the wait: nobody listens, or this service stops. */
  readonly until: readonly AbortSignal[]
}

/** The feed as those outside read it: page after page, waiting at the end for what comes. */
export class FeedReader {
  readonly #store: Store
  readonly #follower: Follower
  #callers = 0
  #tail: Promise<unknown> = Promise.resolve()

  constructor(store: Store, follower: Follower) {
    this.#store = store
    this.#follower = follower
  }

  /**
   * The next page; where there is nothing new, as soon as there is, and an empty one when the time is up.
   * `busy`: feedCallersMax are being answered. `ahead`: the cursor lies beyond what this copy has applied.
   *
   * @throws as `readFeed`.
   */
  async read(question: FeedQuestion): Promise<FeedPage | 'busy' | 'ahead'> {
    if (question.from.position > this.#follower.view.state.position) return 'ahead'
    if (this.#callers >= feedCallersMax) return 'busy'
    this.#callers += 1
    try {
      return await this.#read(question)
    } finally {
      this.#callers -= 1
    }
  }

  async #read({ from, eventsMax, waitMs, until }: FeedQuestion): Promise<FeedPage> {
    const gone = AbortSignal.any([...until])
    const over = AbortSignal.any([gone, AbortSignal.timeout(waitMs)])
    let cursor = from
    for (;;) {
      const { view } = this.#follower
      const page = await this.#inTurn(async () =>
        gone.aborted ? nothing(cursor) : readFeed(this.#store, view, cursor, { eventsMax }),
      )
      if (page.events.length > 0 || !page.atEnd || over.aborted) return page
      cursor = page.next
      if (view === this.#follower.view) await this.#follower.changed(over)
    }
  }

  /** One page after the other: however many read, verdicts wait for one of them at most. */
  #inTurn(work: () => Promise<FeedPage>): Promise<FeedPage> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => {})
    return turn
  }
}

function nothing(cursor: FeedCursor): FeedPage {
  return { events: [], next: cursor, atEnd: true }
}
