import { setTimeout as pause } from 'node:timers/promises'

/** A condition that a machine under load still meets; reached only where something is broken. */
const patienceMs = 30_000
const pollPaceMs = 20

/**
 * Asks until `holds`, and returns what was answered then and how long it took.
 *
 * @throws {Error} it did not come to hold within the limit; the message says what was asked and answered last.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  limitMs: number = patienceMs,
): Promise<{ readonly answer: T; readonly tookMs: number }> {
  const startedMs = performance.now()
  let last: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (holds(answer)) return { answer, tookMs: performance.now() - startedMs }
      last = answer
    } catch (error) {
      // Parts come and go in these stories; what matters is whether it heals in time.
      last = error
    }
    if (performance.now() - startedMs > limitMs) {
      throw new Error(`${what}: not within ${limitMs} ms; last: ${shown(last)}`)
    }
    await pause(pollPaceMs)
  }
}

function shown(last: unknown): string {
  if (last instanceof Error) return last.message
  return JSON.stringify(last, (_, value) => (typeof value === 'bigint' ? `${value}` : value)).slice(0, 2_000)
}
