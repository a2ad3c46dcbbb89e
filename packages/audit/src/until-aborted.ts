/** The same items, until the signal aborts: then it throws the signal's reason at once, also while the next item is awaited. */
export async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal)
      ended = next.done === true
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not awaited: a source that hangs would hang here too. What it throws on its way out changes nothing any more.
    if (!ended) iterator.return?.()?.catch(() => undefined)
  }
}

/** The same promise, or a rejection with the signal's reason as soon as it aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
