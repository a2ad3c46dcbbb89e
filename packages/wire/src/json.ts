import type { Charter, Event, Findings, Verdict } from '@hutong/licence'

/** What JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

export type JsonObject = { readonly [name: string]: JsonValue }

/**
 * An event for people and for `--json`; `eventFromJson` is its inverse. Names are the domain's; bytes are lower-case hex,
 * integers beyond 2^53 - 1 decimal strings, moments ISO 8601 in UTC under their name without `Ms`; what is absent is left out.
 */
export function eventToJson(event: Event): JsonObject {
  return objectToJson(event)
}

/** A charter for people, written like an event. What is signed are its bytes, never this. */
export function charterToJson(charter: Charter): JsonObject {
  return objectToJson(charter)
}

/** A verdict for people and for `--json`, written like an event. */
export function verdictToJson(verdict: Verdict): JsonObject {
  return objectToJson(verdict)
}

/** The findings of a verdict alone, written like an event. */
export function findingsToJson(findings: Findings): JsonObject {
  return objectToJson(findings)
}

// Moments by name; what ends in Ms besides is a span of time and stays a number.
const moments: ReadonlySet<string> = new Set([
  'effectiveFromMs',
  'effectiveUntilMs',
  'checkedAtMs',
  'dataTimeMs',
  'timeMs',
])

/** The last moment that ISO 8601 can name in JavaScript. */
const lastNameableMs = 8_640_000_000_000_000

function objectToJson(object: object): JsonObject {
  const json: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue
    if (typeof value === 'number' && moments.has(name)) json[name.slice(0, -2)] = momentToJson(value)
    else json[name] = valueToJson(value)
  }
  return json
}

function valueToJson(value: unknown): JsonValue {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(valueToJson)
  if (typeof value === 'object' && value !== null) return objectToJson(value)
  return value as string | number | boolean
}

function momentToJson(milliseconds: number): JsonValue {
  return milliseconds <= lastNameableMs ? new Date(milliseconds).toISOString() : milliseconds
}
