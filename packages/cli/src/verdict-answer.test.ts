import { checks, type Finding, type Word } from '@hutong/licence'
import { verdictToJson } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { createPrint } from './print.ts'
import { printVerdict, verdictFromAnswer } from './verdict-answer.ts'

const contact = {
  telephone: '010-0000-1000',
  hoursZh: '工作日',
  hoursEn: 'working days',
  addressZh: '大厅',
  addressEn: 'hall',
}

function finding(check: Finding['check'], result: Finding['result']): Finding {
  const isOpen = result === 'failed' || result === 'unknown'
  const next = isOpen
    ? { nextStepZh: '请核实', nextStepEn: 'ask', contact }
    : { nextStepZh: '', nextStepEn: '', contact: undefined }
  return {
    check,
    result,
    code: `CODE_OF_${check}`,
    zh: `${check}的说明`,
    en: `${check} in words`,
    evidence: [],
    required: true,
    ...next,
  }
}

function answer(word: Word, change: Record<string, unknown> = {}): unknown {
  const result = word === 'VALID' ? 'passed' : 'failed'
  const findings = {
    word,
    code: word === 'VALID' ? 'VALID' : 'REVOKED',
    headlineZh: '标题',
    headlineEn: 'headline',
    identifier: 'i',
    matter: 'm',
    receivingZone: 'tianjin',
    issuingZone: 'beijing',
    findings: checks.map((check) => finding(check, check === 'STATUS' ? result : 'passed')),
    position: 7n,
    dataTimeMs: 1_790_000_000_000,
    ageMs: 1_500,
    policyName: 'charter',
    policyVersion: 0,
    mode: 'on_behalf' as const,
    declarationEvent: 'o/1',
    declaration: 'd@1',
    licence: undefined,
    lastEvent: 'o/2',
    successor: '',
    asOf: undefined,
    ...change,
  }
  return JSON.parse(
    JSON.stringify(verdictToJson({ findings, checkedAtMs: 1_790_000_001_500, receiptNumber: 'tianjin-1' })),
  )
}

function printed(json: unknown, isTTY = false): string {
  let text = ''
  const out = { isTTY, write: (more: string) => (text += more) }
  printVerdict(createPrint(out, out, {}), verdictFromAnswer(json))
  return text
}

describe('a verdict on a terminal', () => {
  it('shows the word, each check, its receipt number, and that this window only takes in', () => {
    const text = printed(answer('VALID'))
    expect(text).toMatch(/^有效 {2}VALID\n/)
    for (const check of checks) expect(text).toContain(`${check}的说明`)
    expect(text).toContain('tianjin-1')
    expect(text).toContain('仅收件')
    expect(text).toContain('position 7')
  })

  it('shows what it was asked, what it rests on and by which rules', () => {
    const text = printed(answer('VALID'))
    for (const part of ['licence  i, issued by beijing', 'matter   m at tianjin', 'o/2', 'd@1, o/1', 'charter@0']) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('并非现时')
  })

  it('shows above everything that it is not about now', () => {
    const at = { ageMs: undefined, asOf: { kind: 'position' as const, position: 7n } }
    const text = printed(answer('VALID', at))
    expect(text).toMatch(/^有效 {2}VALID\n.*\n截至 2026-09-21 22:13:20（位置 7）的结论，并非现时/)
    expect(text).not.toContain('时效')
    const byTime = answer('VALID', { ageMs: undefined, asOf: { kind: 'time', timeMs: 1_790_003_600_000 } })
    expect(printed(byTime)).toContain('as of 2026-09-21 23:13:20 (position 7), not about now')
  })

  it('never shows 有效 or "valid" beside a bad verdict', () => {
    for (const word of ['INVALID', 'NOT_RECOGNISED', 'UNDETERMINED'] as const) {
      const text = printed(answer(word)).replaceAll('INVALID', '')
      expect(text).not.toContain('有效')
      expect(text).not.toMatch(/\bvalid\b/i)
    }
  })

  it('says what to do next and whom to ask where a check is not passed', () => {
    const text = printed(answer('INVALID'))
    expect(text).toContain('请核实')
    expect(text).toContain('010-0000-1000')
  })

  it('has one colour for each word', () => {
    const colours = (['VALID', 'INVALID', 'NOT_RECOGNISED', 'UNDETERMINED'] as const).map(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour is a control sequence.
      (word) => /\u001b\[(\d+)m/.exec(printed(answer(word), true))?.[1],
    )
    expect(new Set(colours).size).toBe(4)
    expect(colours).not.toContain(undefined)
  })

  it.each([
    ['no verdict', {}],
    ['a word nobody knows', { ...(answer('VALID') as object), findings: { word: 'FINE' } }],
    ['VALID without its checks', answer('VALID', { findings: [] })],
    ['a check nobody knows', answer('INVALID', { findings: [{ ...finding('STATUS', 'failed'), check: 'MOOD' }] })],
    [
      'a result nobody knows',
      answer('INVALID', { findings: [{ ...finding('STATUS', 'failed'), result: 'toString' }] }),
    ],
    ['as of something nobody knows', answer('VALID', { asOf: { kind: 'mood' } })],
    ['a text', 'VALID'],
  ])('is not shown in any part where it is %s', (_what, json) => {
    expect(() => verdictFromAnswer(json)).toThrow('no verdict')
  })
})
