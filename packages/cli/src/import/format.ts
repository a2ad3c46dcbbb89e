/** How the rows of a file are written down. */
export const formats = ['csv', 'ndjson', 'json'] as const
export type Format = (typeof formats)[number]

/** A format and how it came to be known. */
export interface FormatChoice {
  readonly format: Format
  readonly by: 'option' | 'name' | 'content'
}

/**
 * In which format a file is, judged by its first text; its name decides only for one object to a line, of which a document on one
 * line, or a broken first line, could not be told apart. Undefined: there is nothing in it.
 */
export function formatOf(path: string, first: string, told?: Format): FormatChoice | undefined {
  const start = first.trimStart()
  if (start === '') return undefined
  if (told !== undefined) return { format: told, by: 'option' }
  if (start.startsWith('[')) return { format: 'json', by: 'content' }
  if (/\.(ndjson|jsonl)$/i.test(path)) return { format: 'ndjson', by: 'name' }
  if (!start.startsWith('{')) return { format: 'csv', by: 'content' }
  return { format: isObjectToALine(start) ? 'ndjson' : 'json', by: 'content' }
}

/** The first line is a whole object, and none whose member is a list of objects: that would be a document on one line. */
function isObjectToALine(start: string): boolean {
  try {
    const object: unknown = JSON.parse(start.slice(0, (start.indexOf('\n') + 1 || start.length + 1) - 1))
    return !Object.values(object as object).some((one) => Array.isArray(one) && typeof one[0] === 'object')
  } catch {
    // Not whole on its line: a document over several.
    return false
  }
}
