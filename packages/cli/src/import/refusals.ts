import { type Bilingual, type Code, isCode, type Refusal, refusal } from '@hutong/licence'

/** Codes that only an import gives. Closed. */
export type OwnCode = 'FIELD_NAMES' | 'NOT_TEXT' | 'NOT_IN_ENCODING' | 'FILE_CUT'

/** What is wrong with a file as such, beyond the catalogue's codes. */
const ownSentences: Readonly<Record<OwnCode, Bilingual>> = {
  FIELD_NAMES: {
    zh: '字段名不正确、重复，或混用了拼音与英文两套字段名',
    en: 'a field name is unknown, repeated, or of the other of the two sets',
  },
  NOT_TEXT: { zh: '该字段的值应为文本', en: 'the value of this field is not text' },
  NOT_IN_ENCODING: {
    zh: '此处的字节不符合文件的编码，其后内容未读取',
    en: 'the bytes here are not of the encoding of the file; the rest was not read',
  },
  FILE_CUT: { zh: '文件在此处被截断', en: 'the file was cut off here' },
}

/** A refusal with the sentences of its code. */
export function importRefusal(
  code: Code | OwnCode,
  about: { readonly field?: string; readonly expected?: string } = {},
): Refusal {
  if (isCode(code)) return refusal(code, about)
  return { code, field: about.field ?? '', expected: about.expected ?? '', ...ownSentences[code] }
}
