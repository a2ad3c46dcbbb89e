import { setImmediate } from 'node:timers/promises'

let last: Promise<void> = Promise.resolve()

/**
 * Resolves when it is the caller's turn to work for a while without waiting: in one round of the event loop one caller of this process has
 * it, in the order in which they asked. A disk that is written synchronously is no wait: without turns a dozen services in one process work
 * one behind the other in a single round, and a clerk's question, which needs several rounds, waits for all of them in each.
 */
export function turn(): Promise<void> {
  last = last.then(() => setImmediate())
  return last
}
