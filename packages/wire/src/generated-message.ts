import { firstInformativeField } from './strict-reader.ts'

/**
 * Names the first field below 1000 that a generated decoder did not know, at any depth; undefined for none.
 * Generated messages keep such fields under `_unknownFields`, by tag; a known field of the wrong wire type lands there too.
 */
export function unknownFieldIn(message: object): string | undefined {
  for (const [name, value] of Object.entries(message)) {
    if (name === '_unknownFields') {
      const low = Object.keys(value ?? {}).find((tag) => Number(tag) >>> 3 < firstInformativeField)
      if (low !== undefined) return `unknown field ${Number(low) >>> 3}`
    } else {
      const below = unknownBelow(value)
      if (below !== undefined) return below
    }
  }
  return undefined
}

/**
 * @throws {RangeError} a text holds a lone surrogate: UTF-8 cannot carry it, and the encoder would silently write another character.
 */
export function assertTexts(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new RangeError('a text with a lone surrogate')
  } else if (Array.isArray(value)) {
    for (const element of value) assertTexts(element)
  } else if (isMessage(value)) {
    for (const key in value) assertTexts(value[key as keyof typeof value])
  }
}

function unknownBelow(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    for (const element of value) {
      const below = unknownBelow(element)
      if (below !== undefined) return below
    }
    return undefined
  }
  return isMessage(value) ? unknownFieldIn(value) : undefined
}

function isMessage(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}
