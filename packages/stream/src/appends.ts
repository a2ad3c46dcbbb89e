/** Tells the waiting readers of one process that records were appended. */
export class Appends {
  readonly #waiting = new Set<() => void>()

  /** Wakes everyone who waits. */
  announce(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next announcement, or when `signal` aborts; at once when it has. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}
