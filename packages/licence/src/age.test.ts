import { describe, expect, it } from 'vitest'
import { ageWords } from './age.ts'

describe('ageWords', () => {
  it.each([
    [0, '0 秒前', '0 s ago'],
    [-5000, '0 秒前', '0 s ago'],
    [1, '1 秒前', '1 s ago'],
    [12_000, '12 秒前', '12 s ago'],
    [12_001, '13 秒前', '13 s ago'],
    [60_000, '60 秒前', '60 s ago'],
    [60_001, '2 分钟前', '2 min ago'],
    [7_200_000, '2 小时前', '2 h ago'],
    [172_800_001, '3 天前', '3 d ago'],
    [undefined, '时间未知', 'age unknown'],
  ])('says %s ms as %s', (ageMs, zh, en) => {
    expect(ageWords(ageMs)).toEqual({ zh, en })
  })
})
