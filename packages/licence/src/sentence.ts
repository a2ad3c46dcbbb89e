import { type Code, catalogue, nextSteps } from './catalogue.ts'
import type { RevocationManner } from './event.ts'
import type { Refusal, Word } from './verdict.ts'

/** One text in the two languages of every screen. */
export interface Bilingual {
  readonly zh: string
  readonly en: string
}

/** A parameter of a sentence: the same in both languages, or one text for each. */
export type Parameter = string | Bilingual
export type Parameters = Readonly<Record<string, Parameter>>

/** What a person reads about a code. `nextStep…` is empty only where nothing needs to be done. */
export interface Sentence extends Bilingual {
  readonly nextStepZh: string
  readonly nextStepEn: string
}

/**
 * The sentence of a code, its {parameters} filled in.
 *
 * @throws {TypeError} a parameter that the sentence names was not given: a mistake of ours.
 */
export function sentence(code: Code, parameters: Parameters = {}): Sentence {
  const { zh, en, next } = catalogue[code]
  return {
    zh: filled(code, zh, parameters, 'zh'),
    en: filled(code, en, parameters, 'en'),
    nextStepZh: nextSteps[next].zh,
    nextStepEn: nextSteps[next].en,
  }
}

/**
 * A refusal with the sentence of its code. `field` and `expected` are parameters of the sentence as well.
 *
 * @throws {TypeError} as `sentence`.
 */
export function refusal(
  code: Code,
  about: { readonly field?: string; readonly expected?: string; readonly parameters?: Parameters } = {},
): Refusal {
  const { field = '', expected = '', parameters } = about
  const { zh, en } = sentence(code, { field, expected, ...parameters })
  return { code, field, expected, zh, en }
}

/** Whether a value is a refusal, and not what was asked for. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'code' in value && 'expected' in value && 'zh' in value
}

/** Whether a text is a code of the catalogue: for codes that come from outside or out of a store. */
export function isCode(text: string): text is Code {
  return Object.hasOwn(catalogue, text)
}

/** 注销, 撤销, 吊销. */
export const mannerWords: Readonly<Record<RevocationManner, Bilingual>> = {
  cancelled: { zh: '注销', en: 'cancelled' },
  withdrawn: { zh: '撤销', en: 'withdrawn' },
  penalty: { zh: '吊销', en: 'as a penalty' },
}

/** The headline of a verdict. */
export const wordSentences: Readonly<Record<Word, Bilingual>> = {
  VALID: { zh: '有效', en: 'valid' },
  INVALID: { zh: '无效', en: 'invalid' },
  NOT_RECOGNISED: { zh: '不受理', en: 'not recognised' },
  UNDETERMINED: { zh: '无法判定', en: 'undetermined' },
}

function filled(code: Code, text: string, parameters: Parameters, language: 'zh' | 'en'): string {
  if (!text.includes('{')) return text
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (parameter === undefined) throw new TypeError(`sentence of ${code}: want the parameter "${name}"`)
    return typeof parameter === 'string' ? parameter : parameter[language]
  })
}
