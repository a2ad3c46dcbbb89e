import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Code, catalogue } from './catalogue.ts'
import { isCode, isRefusal, mannerWords, refusal, sentence, wordSentences } from './sentence.ts'
import { noDeclaration, noLicence } from './state.ts'

const page = join(import.meta.dirname, '../../../docs/words.md')
const codes = Object.keys(catalogue) as Code[]
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

describe('catalogue', () => {
  it('says every reason of docs/words.md in its words', (ctx) => {
    if (!existsSync(page)) return ctx.skip('docs/words.md: not there')
    const rows = [
      ...readFileSync(page, 'utf8').matchAll(/^\|[^|]*\|(?:[^|]*\|)? ([A-Z]+(?:_[A-Z]+)*) \| (.+) \| (.+) \|$/gm),
    ]
    expect(rows.length).toBeGreaterThan(40)
    for (const [, code = '', zh = '', en = ''] of rows) {
      expect(isCode(code), code).toBe(true)
      // This sentence alone names the manner instead of listing the three.
      if (code === 'REVOKED') continue
      const entry = catalogue[code as Code]
      expect([code, entry.zh, entry.en]).toEqual([code, zh.replaceAll(',', '，').replaceAll(':', '：'), en])
    }
  })

  it('has every refusal that docs/words.md names', (ctx) => {
    if (!existsSync(page)) return ctx.skip('docs/words.md: not there')
    const [, section = ''] = readFileSync(page, 'utf8').split('\n## Refusals\n')
    const named = section.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? []
    expect(named.length).toBeGreaterThan(6)
    expect(named.filter((code) => !isCode(code))).toEqual([])
  })

  it.each(codes)('%s is in form and asks for the same parameters in both languages', (code) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z0-9]+)*$/)
    expect(names(catalogue[code].zh)).toEqual(names(catalogue[code].en))
    expect(catalogue[code].zh).toMatch(/\p{Script=Han}/u)
    expect(catalogue[code].en).not.toMatch(/\p{Script=Han}/u)
  })
})

describe('sentence', () => {
  it('fills parameters in, one text for both languages or one for each', () => {
    expect(sentence('REVOKED', { manner: mannerWords.penalty })).toEqual({
      zh: '已吊销',
      en: 'revoked: as a penalty',
      nextStepZh: '请向颁发机构核实（电话与办公时间见联系方式）。',
      nextStepEn: 'Ask the issuing authority (telephone and hours are given as its contact).',
    })
    expect(sentence('WITNESSED', { q: '2', time: '10:00' }).zh).toBe('已由2区见证，数据截至10:00')
  })

  it('puts a parameter in as it is, whatever is in it', () => {
    expect(sentence('ALTERED', { part: '{part} $& $1' }).en).toBe('altered after sealing: {part} $& $1')
  })

  it('throws when a parameter is missing, also one that every object has', () => {
    expect(() => sentence('SIGNED')).toThrow(TypeError)
    expect(() => sentence('SIGNED', Object.create({ zone: 'x' }))).toThrow(TypeError)
  })

  it('has no next step where nothing needs to be done', () => {
    expect(sentence('STANDS')).toEqual({ zh: '事件成立', en: 'the event stands', nextStepZh: '', nextStepEn: '' })
  })

  it('never says 有效 beside what is not valid', () => {
    const bad: readonly Code[] = ['REVOKED', 'SUSPENDED', 'EXPIRED', 'TOO_OLD', 'NOT_DECLARED', 'HOLDER_DIFFERS']
    const texts = bad.map((code) => Object.values(sentence(code, { manner: '注销' })).join(''))
    expect(texts.filter((text) => text.includes('有效') || /\bvalid\b/.test(text))).toEqual([])
    expect(wordSentences.VALID.zh).toBe('有效')
  })
})

describe('refusal', () => {
  it('carries code, field, what was expected, and both sentences', () => {
    expect(refusal('TEXT_TOO_LONG', { field: 'event.x', expected: 'at most 3' })).toEqual({
      code: 'TEXT_TOO_LONG',
      field: 'event.x',
      expected: 'at most 3',
      zh: 'event.x 过长',
      en: 'event.x is too long',
    })
  })
})

describe('isRefusal', () => {
  it('tells a refusal from a state and from nothing', () => {
    expect(isRefusal(refusal('CONFLICT'))).toBe(true)
    for (const other of [noLicence, noDeclaration, undefined, null, 'CONFLICT', 3]) expect(isRefusal(other)).toBe(false)
  })
})

describe('isCode', () => {
  it('knows the catalogue and nothing else', () => {
    expect(isCode('TOO_OLD')).toBe(true)
    for (const other of ['', 'TOO_YOUNG', 'toString', '__proto__']) expect(isCode(other)).toBe(false)
  })
})
