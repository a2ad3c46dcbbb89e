import { setTimeout as sleep } from 'node:timers/promises'

/** Waits; ends early, without an error, when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Pauses that double from the first to the longest, until something went well. */
export class BackOff {
  readonly #initialMs: number
  readonly #maxMs: number
  #nextMs: number

  constructor(initialMs: number, maxMs: number) {
    this.#initialMs = initialMs
    this.#maxMs = maxMs
    this.#nextMs = initialMs
  }

  reset(): void {
    this.#nextMs = this.#initialMs
  }

  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs)
    await pause(ms, signal)
  }
}

/** Something to wait for that another part rings. A ring nobody waits for is kept, once. */
export class Bell {
  #rung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves at the next ring, at once after one that was missed, after `limitMs`, or when `signal` aborts; true if it rang. One waiter at a time. */
  async heard(signal: AbortSignal, limitMs?: number): Promise<boolean> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = limitMs === undefined ? undefined : setTimeout(() => wake(), limitMs)
        const wake = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          this.#wake = undefined
          resolve()
        }
        this.#wake = wake
        signal.addEventListener('abort', wake)
      })
    }
    const rang = this.#rung
    this.#rung = false
    return rang
  }
}
