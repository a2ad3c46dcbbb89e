import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { inOrder } from './pipeline.ts'

describe('inOrder', () => {
  it('gives the results in the order asked, whichever is done first', async () => {
    const results = inOrder(numbers(20), 8, async (number) => {
      await sleep((20 - number) % 7)
      return number * 2
    })
    expect(await all(results)).toEqual(Array.from({ length: 20 }, (_, at) => at * 2))
  })

  it('works on as many at once as it may, and on no more', async () => {
    let running = 0
    let most = 0
    const results = inOrder(numbers(50), 4, async (number) => {
      most = Math.max(most, ++running)
      await sleep(1)
      running--
      return number
    })
    expect(await all(results)).toHaveLength(50)
    expect(most).toBe(4)
  })

  it('takes nothing more while nobody reads the results', async () => {
    let taken = 0
    const results = inOrder(
      counted(() => taken++),
      4,
      async (number) => number,
    )
    expect(await results.next()).toEqual({ done: false, value: 0 })
    await sleep(10)
    expect(taken).toBeLessThanOrEqual(6)
    await results.return(undefined)
  })

  it('ends with the failure of the oldest', async () => {
    const results = inOrder(numbers(5), 4, async (number) => {
      if (number === 2) throw new Error('two')
      return number
    })
    expect(await results.next()).toMatchObject({ value: 0 })
    expect(await results.next()).toMatchObject({ value: 1 })
    await expect(results.next()).rejects.toThrow('two')
  })
})

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number++) yield number
}

async function* counted(count: () => number): AsyncGenerator<number> {
  for (;;) yield count()
}

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const result of results) collected.push(result)
  return collected
}
