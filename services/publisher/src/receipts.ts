/** How far an event has come: durable in the zone's log, in H, under a cosigned head. */
export type Stage = 'sealed' | 'sequenced' | 'witnessed'

/**
 * A value that only rises, and those who wait for it to reach something. One check serves all waiters.
 */
export class Watermark {
  #value = 0n
  readonly #waiters: Set<{ readonly threshold: bigint; readonly reached: () => void }> = new Set()

  get value(): bigint {
    return this.#value
  }

  get waiting(): number {
    return this.#waiters.size
  }

  raise(value: bigint): void {
    if (value <= this.#value) return
    this.#value = value
    for (const waiter of this.#waiters) {
      if (waiter.threshold > value) continue
      this.#waiters.delete(waiter)
      waiter.reached()
    }
  }

  /** Resolves true when the value is at least `threshold`, false when `patience` ends first. */
  reach(threshold: bigint, patience: AbortSignal): Promise<boolean> {
    if (this.#value >= threshold) return Promise.resolve(true)
    if (patience.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (reached: boolean) => {
        patience.removeEventListener('abort', lose)
        this.#waiters.delete(waiter)
        resolve(reached)
      }
      const lose = () => settle(false)
      const waiter = { threshold, reached: () => settle(true) }
      this.#waiters.add(waiter)
      patience.addEventListener('abort', lose)
    })
  }
}
