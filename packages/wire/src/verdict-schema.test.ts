import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verdictArbitrary } from './arbitraries.ts'
import { verdictToJson } from './json.ts'
import { verdictJsonSchema } from './verdict-schema.ts'

describe('the schema of a verdict', () => {
  const accepts = new Ajv2020({ allowUnionTypes: true }).compile(verdictJsonSchema())

  it('takes every verdict that can be written, and names every member of it', () => {
    fc.assert(
      fc.property(verdictArbitrary, (verdict) => {
        expect(accepts(verdictToJson(verdict)), JSON.stringify(accepts.errors)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses a verdict of another word, and one that lacks its findings', () => {
    const [verdict] = fc.sample(verdictArbitrary, 1)
    const json = verdictToJson(verdict!) as { readonly findings: object }
    expect(accepts({ ...json, findings: { ...json.findings, word: 'FINE' } })).toBe(false)
    expect(accepts({ ...json, findings: { ...json.findings, findings: undefined } })).toBe(false)
  })
})
