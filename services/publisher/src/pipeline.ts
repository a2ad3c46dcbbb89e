/**
 * Works on what comes in as it comes, at most `limit` at once, and gives the results in the order asked. When the reader of the results
 * is slow, nothing more is taken.
 */
export async function* inOrder<Asked, Answered>(
  requests: AsyncIterable<Asked>,
  limit: number,
  work: (request: Asked) => Promise<Answered>,
): AsyncGenerator<Answered> {
  const running: Promise<Answered>[] = []
  const source = requests[Symbol.asyncIterator]()
  let next: Promise<IteratorResult<Asked>> | undefined = source.next()
  try {
    while (next !== undefined || running.length > 0) {
      const taken: 'answered' | IteratorResult<Asked> = await firstOf(
        running.length < limit ? next : undefined,
        running[0],
      )
      if (taken === 'answered') {
        yield await running.shift()!
      } else if (taken.done) {
        next = undefined
      } else {
        const result = work(taken.value)
        // It is awaited in its turn; until then a failure must not count as unheard.
        result.catch(() => {})
        running.push(result)
        next = source.next()
      }
    }
  } finally {
    next?.catch(() => {})
    await source.return?.()
  }
}

/** What is answered goes before what is asked: memory is freed first. */
function firstOf<Asked>(
  next: Promise<IteratorResult<Asked>> | undefined,
  oldest: Promise<unknown> | undefined,
): Promise<'answered' | IteratorResult<Asked>> {
  const answered = oldest?.then(
    () => 'answered' as const,
    () => 'answered' as const,
  )
  return Promise.race([...(answered === undefined ? [] : [answered]), ...(next === undefined ? [] : [next])])
}
