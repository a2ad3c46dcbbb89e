import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventArbitrary } from './arbitraries.ts'
import { eventFromJson } from './event-json.ts'
import { eventJsonSchema } from './event-schema.ts'
import { eventToJson } from './json.ts'

const accepts = new Ajv2020().compile(eventJsonSchema())

describe('the schema of an event', () => {
  it('takes every event that can be written', () => {
    fc.assert(
      fc.property(eventArbitrary, (event) => {
        expect(accepts(eventToJson(event)), JSON.stringify(accepts.errors)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('takes what the reader takes, however an event was spoilt, but for what no schema can say', () => {
    fc.assert(
      fc.property(eventArbitrary, spoiling, (event, spoil) => {
        const json = spoilt(eventToJson(event), spoil)
        const reading = eventFromJson(json)
        if (reading.kind === 'event') expect(accepts(json), JSON.stringify(json)).toBe(true)
        else if (!beyondSchemas.test(reading.expected)) expect(accepts(json), JSON.stringify(json)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['a kind nobody knows', { kind: 'licence_renamed' }],
    ['a misspelt member', { kind: 'licence_issued', validUntill: '2026-01-01' }],
    ['null for a text', { kind: 'licence_issued', name: null }],
    ['no manner', { kind: 'licence_revoked' }],
    ['no beginning', { kind: 'recognition_declared', mode: 'on_behalf' }],
    ['about nobody', { kind: 'restated', index: 1 }],
    ['the member of another choice', { kind: 'restated', about: { kind: 'licence', declarationId: 'food' } }],
    ['hex of an odd length', { kind: 'observed', head: 'abc' }],
  ])('refuses %s, as the reader does', (_, json) => {
    expect(accepts(json)).toBe(false)
    expect(eventFromJson(json).kind).toBe('unreadable')
  })
})

/** Expectations of the reader with which a schema may be content: a text of half a pair, a moment, digits beyond 2^63 - 1. */
const beyondSchemas = /^(a text|a list of texts|a moment such as.*|a whole number from 0 to 2\^63 - 1)$/

/** Which member of an event, at some depth, becomes what. */
const spoiling = fc.record({
  path: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
  value: fc.oneof(
    fc.constantFrom<unknown>(null, undefined, true, 0, -1, 1.5, 2 ** 40, '', 'x', '0f', '12', [], [''], {}, [{}]),
    fc.constantFrom<unknown>('2026-11-24T08:00:00Z', '2026-02-30T08:00:00Z', '2026-11-24', 'cancelled', 'on_behalf'),
    fc.jsonValue({ maxDepth: 2 }),
  ),
  rename: fc.boolean(),
})

function spoilt(json: unknown, { path, value, rename }: { path: number[]; value: unknown; rename: boolean }): unknown {
  const copy = JSON.parse(JSON.stringify(json)) as Record<string, unknown>
  let at = copy
  let names = Object.keys(at)
  let name = names[path[0]! % names.length]!
  for (const step of path.slice(1)) {
    const below = at[name]
    if (typeof below !== 'object' || below === null || Object.keys(below).length === 0) break
    at = below as Record<string, unknown>
    names = Object.keys(at)
    name = names[step % names.length]!
  }
  if (rename && !Array.isArray(at)) {
    at[`${name}x`] = at[name]
    delete at[name]
  } else at[name] = value
  return JSON.parse(JSON.stringify(copy))
}
