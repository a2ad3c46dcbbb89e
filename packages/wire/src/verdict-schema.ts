import { checks } from '@hutong/licence'
import { eventJsonSchema } from './event-schema.ts'
import type { JsonObject } from './json.ts'
import { integerJsonSchema } from './json-integer.ts'

/** JSON Schema (2020-12) of what `verdictToJson` writes. */
export function verdictJsonSchema(): JsonObject {
  return {
    type: 'object',
    required: ['findings', 'checkedAt', 'receiptNumber'],
    properties: {
      findings: findingsSchema(),
      checkedAt: moment,
      receiptNumber: {
        ...text,
        description: '`<zone>-<running number>`, given by a counter; empty where none was given.',
      },
    },
    additionalProperties: false,
  }
}

const text = { type: 'string' }
const moment = { type: ['string', 'integer'], description: 'ISO 8601 in UTC; milliseconds where that cannot name it.' }

function findingsSchema(): JsonObject {
  const texts = [
    'code',
    'headlineZh',
    'headlineEn',
    'identifier',
    'matter',
    'receivingZone',
    'issuingZone',
    'policyName',
    'declarationEvent',
    'declaration',
    'lastEvent',
    'successor',
  ]
  return {
    type: 'object',
    required: ['word', 'findings', 'position', 'dataTime', 'policyVersion', ...texts],
    properties: {
      word: { enum: ['VALID', 'INVALID', 'NOT_RECOGNISED', 'UNDETERMINED'] },
      ...Object.fromEntries(texts.map((name) => [name, text])),
      findings: { type: 'array', items: findingSchema },
      position: { ...integerJsonSchema, description: 'How many leaves of H were looked at.' },
      dataTime: moment,
      ageMs: { type: 'integer', minimum: 0 },
      policyVersion: { type: 'integer', minimum: 0 },
      mode: { enum: ['cross_province', 'on_behalf'] },
      licence: issuedSchema(),
      asOf: {
        description: 'As asked; absent where it was about now.',
        oneOf: [asOfSchema('position', 'position', integerJsonSchema), asOfSchema('time', 'time', moment)],
      },
    },
    additionalProperties: false,
  }
}

const contactTexts = ['telephone', 'hoursZh', 'hoursEn', 'addressZh', 'addressEn']
const findingTexts = ['code', 'zh', 'en', 'nextStepZh', 'nextStepEn']
const findingSchema: JsonObject = {
  type: 'object',
  required: ['check', 'result', 'evidence', 'required', ...findingTexts],
  properties: {
    check: { enum: checks },
    result: { enum: ['passed', 'failed', 'unknown', 'skipped'] },
    ...Object.fromEntries(findingTexts.map((name) => [name, text])),
    evidence: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'value'],
        properties: { name: text, value: text },
        additionalProperties: false,
      },
    },
    contact: {
      type: 'object',
      required: contactTexts,
      properties: Object.fromEntries(contactTexts.map((name) => [name, text])),
      additionalProperties: false,
    },
    required: { type: 'boolean' },
  },
  additionalProperties: false,
}

function asOfSchema(kind: string, name: string, schema: JsonObject): JsonObject {
  return {
    type: 'object',
    required: ['kind', name],
    properties: { kind: { const: kind }, [name]: schema },
    additionalProperties: false,
  }
}

function issuedSchema(): JsonObject {
  const schemas = eventJsonSchema().oneOf as readonly JsonObject[]
  const issued = schemas.find(({ title }) => title === 'licence_issued')
  if (issued === undefined) throw new TypeError('no event issues a licence')
  return issued
}
