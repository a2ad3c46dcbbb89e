import { describe, expect, it } from 'vitest'
import { type Check, type CheckResult, checks } from './verdict.ts'
import { requiredChecks, wordOf } from './word.ts'

const results: readonly CheckResult[] = ['passed', 'failed', 'unknown', 'skipped']
const always: readonly Check[] = ['INTEGRITY', 'SIGNATURE', 'AUTHORITY', 'STATUS', 'LOG', 'RECOGNITION']

/** Every combination of four results over the eight checks. */
function* combinations(): Generator<Record<Check, CheckResult>> {
  for (let number = 0; number < 4 ** checks.length; number++) {
    yield Object.fromEntries(checks.map((check, at) => [check, results[(number >> (2 * at)) & 3]])) as Record<
      Check,
      CheckResult
    >
  }
}

/** The rule told once more, backwards: from what VALID needs to what makes INVALID. */
function wordByRule(found: Record<Check, CheckResult>, required: ReadonlySet<Check>): string {
  let word = required.size > 0 ? 'VALID' : 'UNDETERMINED'
  for (const check of required) if (found[check] !== 'passed') word = 'UNDETERMINED'
  if (found.RECOGNITION === 'failed') word = 'NOT_RECOGNISED'
  const { INTEGRITY, SIGNATURE, AUTHORITY, SEAL, STATUS, HOLDER } = found
  if ([INTEGRITY, SIGNATURE, AUTHORITY, SEAL, STATUS, HOLDER].includes('failed')) word = 'INVALID'
  return word
}

const asFindings = (found: Partial<Record<Check, CheckResult>>) =>
  Object.entries(found).map(([check, result]) => ({ check: check as Check, result }))
const allPassed = Object.fromEntries(checks.map((check) => [check, 'passed'])) as Record<Check, CheckResult>

describe('wordOf', () => {
  it.each([
    ['nothing more', always],
    ['a holder number', [...always, 'HOLDER']],
    ['a file', [...always, 'SEAL']],
    ['both', checks],
    ['nothing at all', []],
  ] as const)('follows the rule in all 65,536 combinations, required: the six and %s', (_, list) => {
    const required = new Set<Check>(list)
    const wrong: unknown[] = []
    let counted = 0
    for (const found of combinations()) {
      counted++
      const { word } = wordOf(asFindings(found), required)
      if (word !== wordByRule(found, required)) wrong.push({ found, word })
    }
    expect(counted).toBe(65_536)
    expect(wrong.slice(0, 3)).toEqual([])
  })

  it.each(checks)('is not VALID when the required %s was not brought', (missing) => {
    const { [missing]: _, ...rest } = allPassed
    expect(wordOf(asFindings(rest), new Set(checks))).toEqual({ word: 'UNDETERMINED', decidedBy: missing })
  })

  it('is not VALID on no findings, nor on nothing required', () => {
    expect(wordOf([], new Set(always))).toEqual({ word: 'UNDETERMINED', decidedBy: 'INTEGRITY' })
    expect(wordOf(asFindings(allPassed), new Set())).toEqual({ word: 'UNDETERMINED', decidedBy: undefined })
  })

  it.each(['failed', 'unknown', 'skipped'] as const)(
    'lets the worse of two findings of one check count: %s',
    (result) => {
      const twice = [...asFindings(allPassed), { check: 'STATUS' as const, result }]
      expect(wordOf(twice, new Set(always)).word).toBe(result === 'failed' ? 'INVALID' : 'UNDETERMINED')
      expect(wordOf(twice.toReversed(), new Set(always)).word).toBe(result === 'failed' ? 'INVALID' : 'UNDETERMINED')
    },
  )

  it('names the check by which it fell', () => {
    const decidedBy = (found: Partial<Record<Check, CheckResult>>) =>
      wordOf(asFindings({ ...allPassed, ...found }), new Set(checks)).decidedBy
    expect(decidedBy({})).toBeUndefined()
    expect(decidedBy({ LOG: 'unknown' })).toBe('LOG')
    expect(decidedBy({ RECOGNITION: 'failed', LOG: 'unknown' })).toBe('RECOGNITION')
    expect(decidedBy({ HOLDER: 'failed', STATUS: 'failed', RECOGNITION: 'failed' })).toBe('STATUS')
  })
})

describe('requiredChecks', () => {
  it('holds the six always', () => {
    expect([...requiredChecks({ holderGiven: false, fileGiven: false, policyAdds: [] })]).toEqual(always)
  })

  it('adds HOLDER for a number, SEAL for a file, and what the policy adds', () => {
    expect(requiredChecks({ holderGiven: true, fileGiven: false, policyAdds: [] })).toEqual(
      new Set([...always, 'HOLDER']),
    )
    expect(requiredChecks({ holderGiven: false, fileGiven: true, policyAdds: [] })).toEqual(
      new Set([...always, 'SEAL']),
    )
    expect(requiredChecks({ holderGiven: false, fileGiven: false, policyAdds: ['SEAL', 'LOG'] })).toEqual(
      new Set([...always, 'SEAL']),
    )
  })
})
