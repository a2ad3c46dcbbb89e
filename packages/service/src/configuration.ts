import { EXIT_USAGE } from './failure.ts'

/** Where configuration is read from: the process's environment, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Something in the configuration that a person must change; the process has not started. */
export class ConfigurationError extends Error {
  readonly exitCode: number = EXIT_USAGE
  readonly field: string
  readonly expectation: string

  /** `got` is shown to the reader: leave it out for a secret. */
  constructor(field: string, expectation: string, got?: string) {
    super(`${field}: want ${expectation}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}`)
    this.name = 'ConfigurationError'
    this.field = field
    this.expectation = expectation
  }
}

/** A text that is not empty. Absent means `fallback`; absent without one, or empty, is an error. */
export function text(env: Environment, name: string, fallback?: string): string {
  return read(env, name, fallback, 'a text', (found) => (found.trim() === '' ? undefined : found))
}

/** A text or nothing. Present and empty is an error: somebody meant to write something. */
export function optionalText(env: Environment, name: string): string | undefined {
  return env[name] === undefined ? undefined : text(env, name)
}

/** Like `text`, for what must not be shown: no error repeats its value. */
export function secret(env: Environment, name: string, fallback?: string): string {
  const found = env[name] ?? fallback
  if (found === undefined || found.trim() === '') throw new ConfigurationError(name, 'a secret')
  return found
}

/** A whole number of milliseconds below 10^9 (11 days). Absent means `fallback`; present and unreadable is an error. */
export function milliseconds(env: Environment, name: string, fallback?: number): number {
  return read(env, name, fallback, 'whole milliseconds', (found) =>
    /^\d{1,9}$/.test(found) ? Number(found) : undefined,
  )
}

/** A whole decimal number from `least` to `most`, both allowed. Absent means `fallback`, which must lie there too. */
export function integer(env: Environment, name: string, least: number, most: number, fallback?: number): number {
  const within = (value: number) => Number.isSafeInteger(value) && value >= least && value <= most
  if (fallback !== undefined && !within(fallback)) throw new RangeError(`${name}: fallback ${fallback} out of range`)
  return read(env, name, fallback, `a whole number from ${least} to ${most}`, (found) =>
    /^-?\d{1,16}$/.test(found) && within(Number(found)) ? Number(found) : undefined,
  )
}

/** A TCP port, 0 for any free one. */
export function port(env: Environment, name: string, fallback?: number): number {
  return integer(env, name, 0, 65_535, fallback)
}

/** `true` or `false`, nothing else: a mistyped "yes" must not switch anything on or off. */
export function flag(env: Environment, name: string, fallback?: boolean): boolean {
  const values: Readonly<Record<string, boolean>> = { true: true, false: false }
  return read(env, name, fallback, '"true" or "false"', (found) =>
    Object.hasOwn(values, found) ? values[found] : undefined,
  )
}

/** One of the words given. */
export function oneOf<const Word extends string>(
  env: Environment,
  name: string,
  words: readonly [Word, ...Word[]],
  fallback?: Word,
): Word {
  return read(env, name, fallback, `one of ${words.join(', ')}`, (found) => words.find((word) => word === found))
}

/** Words separated by commas, at least one, none empty, none twice. */
export function list(env: Environment, name: string, fallback?: readonly string[]): readonly string[] {
  return read(env, name, fallback, 'different words separated by commas', (found) => {
    const words = found.split(',').map((word) => word.trim())
    return words.includes('') || new Set(words).size !== words.length ? undefined : words
  })
}

/** `host:port` of a peer; an IPv6 host in brackets. */
export function address(env: Environment, name: string, fallback?: string): string {
  return read(env, name, fallback, 'host:port', (found) => {
    const match = /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5})$/.exec(found)
    const number = Number(match?.[2])
    return number >= 1 && number <= 65_535 ? found : undefined
  })
}

function read<Value>(
  env: Environment,
  name: string,
  fallback: Value | undefined,
  expectation: string,
  parse: (found: string) => Value | undefined,
): Value {
  const found = env[name]
  if (found === undefined && fallback !== undefined) return fallback
  const value = found === undefined ? undefined : parse(found)
  if (value === undefined) throw new ConfigurationError(name, expectation, found)
  return value
}
