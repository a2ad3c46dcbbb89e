import type { JsonObject } from './json.ts'

/** An index, size or position in JSON: a number, and beyond 2^53 - 1, where JSON's readers differ, decimal digits. */
export function integerToJson(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

/** JSON Schema of what `integerToJson` writes. */
export const integerJsonSchema: JsonObject = {
  oneOf: [
    { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    { type: 'string', pattern: '^[1-9][0-9]{15,18}$' },
  ],
}
