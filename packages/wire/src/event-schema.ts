import { kinds, type Members, patterns, readEvent } from './event-json.ts'
import type { JsonObject, JsonValue } from './json.ts'

/**
 * JSON Schema (2020-12) of what `eventFromJson` takes, for documents and for validation. It is made by asking the reader itself what it
 * asks for, so the two cannot drift apart. The reader is narrower in what no schema says: half a surrogate pair, a day or an hour
 * that does not exist, a moment before 1970, decimal digits beyond 2^63 - 1.
 */
export function eventJsonSchema(): JsonObject {
  const oneOf = kinds.map((kind) => {
    const schema = described((members) => readEvent(members, kind))
    const { properties = {}, required = [] } = schema as { properties?: JsonObject; required?: readonly string[] }
    return {
      title: kind,
      ...schema,
      properties: { kind: { const: kind }, ...properties },
      required: ['kind', ...required],
    }
  })
  return { type: 'object', required: ['kind'], oneOf }
}

/** An object as its reader asks for it; where a choice decides what is asked for besides, one schema for each choice. */
function described(reader: (members: Members) => unknown): JsonObject {
  const ask = (choice?: string) => {
    const description = new Description(choice)
    reader(description)
    return description
  }
  const first = ask()
  const { choices } = first
  const branches = choices.map((choice) => ask(choice).schema())
  const [branch = first.schema()] = branches
  if (new Set(branches.map((each) => JSON.stringify(each))).size <= 1) return first.withChoices(branch)
  return { oneOf: choices.map((choice, at) => first.withChoices(branches[at]!, [choice])) }
}

/** Notes what a reader asks for, and answers with what it will not look at. */
class Description implements Members {
  path = ''
  readonly faults: never[] = []
  choices: readonly string[] = []
  readonly #choice: string | undefined
  #choosing = ''
  readonly #properties: Record<string, JsonValue> = {}
  readonly #required = new Set<string>()

  constructor(choice: string | undefined) {
    this.#choice = choice
  }

  schema(): JsonObject {
    return {
      type: 'object',
      properties: this.#properties,
      required: [...this.#required],
      additionalProperties: false,
    }
  }

  /** `schema` with the member that chooses, among `choices`. */
  withChoices(schema: JsonObject, choices: readonly string[] = this.choices): JsonObject {
    if (choices.length === 0) return schema
    const properties = schema.properties as JsonObject
    const chosen = choices.length === 1 ? { const: choices[0]! } : { enum: choices }
    return { ...schema, properties: { ...properties, [this.#choosing]: chosen } }
  }

  /** Only where something is absent that must not be. */
  fault<T>(name: string, _expected: string, instead: T): T {
    this.#required.add(name)
    return instead
  }

  text(name: string): string {
    return this.#note(name, { type: 'string' }, '')
  }

  texts(name: string): string[] {
    return this.#note(name, { type: 'array', items: { type: 'string' } }, [])
  }

  truth(name: string): boolean {
    return this.#note(name, { type: 'boolean' }, false)
  }

  count(name: string): number {
    return this.#note(name, { type: 'integer', minimum: 0, maximum: 0xffff_ffff }, 0)
  }

  integer(name: string): bigint {
    const number = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
    const digits = { type: 'string', pattern: patterns.integer.source }
    return this.#note(name, { oneOf: [number, digits] }, 0n)
  }

  bytes(name: string): Uint8Array {
    return this.#note(name, { type: 'string', pattern: patterns.bytes.source }, new Uint8Array())
  }

  moment(name: string): undefined {
    const examples = ['2026-11-24T08:00:00Z', '2026-11-24T16:00:00+08:00']
    const written = { type: 'string', pattern: patterns.moment.source, examples }
    const milliseconds = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }
    return this.#note(name, { oneOf: [written, milliseconds] }, undefined)
  }

  oneOf<T extends string>(name: string, choices: Readonly<Record<T, number>>): T {
    if (this.choices.length > 0) throw new TypeError(`${name}: a second choice in one object is not described here`)
    this.choices = Object.keys(choices)
    this.#choosing = name
    this.#required.add(name)
    return this.#note(name, {}, (this.#choice ?? this.choices[0]) as T)
  }

  object<T>(name: string, reader: (members: Members) => T): T {
    const schema = described(reader)
    const branches = (schema.oneOf ?? [schema]) as readonly JsonObject[]
    if (branches.some(({ required }) => (required as readonly string[]).length > 0)) this.#required.add(name)
    return this.#note(name, schema, reader(new Description(undefined)))
  }

  list<T>(name: string, reader: (members: Members) => T): T[] {
    return this.#note(name, { type: 'array', items: described(reader) }, [])
  }

  #note<T>(name: string, schema: JsonObject, answer: T): T {
    this.#properties[name] = schema
    return answer
  }
}
