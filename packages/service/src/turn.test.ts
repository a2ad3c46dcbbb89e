import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { turn } from './turn.ts'

describe('turn', () => {
  it('gives one caller its turn in one round of the event loop, in the order in which they asked', async () => {
    const told: string[] = []
    const working = ['a', 'b', 'c'].map(async (name) => {
      await turn()
      told.push(name)
    })
    // Of the same rounds, by node's own measure.
    for (let round = 1; round <= 3; round++) {
      await setImmediate()
      told.push(`round ${round}`)
    }
    await Promise.all(working)
    expect(told.filter((one) => !one.startsWith('round'))).toEqual(['a', 'b', 'c'])
    const between = told.slice(told.indexOf('a'), told.indexOf('c'))
    expect(between.filter((one) => one.startsWith('round'))).toHaveLength(2)
  })

  it('lets what comes from outside have its turn between two callers', async () => {
    let answered = 0
    const asking = async () => {
      for (let question = 0; question < 4; question++) {
        await setImmediate()
        answered += 1
      }
    }
    const heard: number[] = []
    const working = Array.from({ length: 4 }, async () => {
      await turn()
      heard.push(answered)
    })
    await Promise.all([asking(), ...working])
    expect(new Set(heard).size).toBe(4)
  })
})
