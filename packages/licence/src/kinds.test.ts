import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isInformative, kindNumber } from './kinds.ts'

const proto = readFileSync(join(import.meta.dirname, '../../../proto/hutong/v1/payload.proto'), 'utf8')

describe('kindNumber', () => {
  it('is 16 below the number of the case in the payload, for every case there is', () => {
    const [, cases = ''] = /oneof event \{([^}]*)\}/.exec(proto) ?? []
    const numbers = [...cases.matchAll(/(\w+) = (\d+);/g)].map(([, name, number]) => [name, Number(number) - 16])
    expect(numbers).toHaveLength(11)
    expect(kindNumber).toEqual(Object.fromEntries(numbers))
  })
})

describe('the table of kinds in docs/formats.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/formats.md'), 'utf8')

  it('has every kind under its number, and no other', () => {
    const rows = [...page.matchAll(/\| (\d+) \| `(\w+)`/g)].map(([, number, kind]) => [kind, Number(number)])
    expect(Object.fromEntries(rows)).toEqual(kindNumber)
    expect(rows).toHaveLength(Object.keys(kindNumber).length)
  })
})

describe('isInformative', () => {
  it('begins at 128', () => {
    expect(isInformative(127)).toBe(false)
    expect(isInformative(128)).toBe(true)
    expect(isInformative(kindNumber.observed)).toBe(true)
    expect(isInformative(kindNumber.restated)).toBe(false)
  })
})
