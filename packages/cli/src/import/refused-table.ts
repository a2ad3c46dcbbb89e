import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Refusal } from '@hutong/licence'
import { stringify } from 'csv-stringify'
import { CommandError, exits } from '../exit.ts'
import { isCode } from '../files.ts'
import { type FieldName, fieldNames, guardedCell, reportNames } from './fields.ts'
import { linesOf } from './lines.ts'
import type { RowSource } from './row.ts'
import type { RefusedRow } from './tally.ts'

/** Extension fields that have a column of their own, at most; those of further names stand in HUTONG_TEXT. */
const extensionColumnsMax = 256

/**
 * The refused rows of an import as a table for people: why, then the fields as they were, to be mended and imported again. Rows are first
 * kept as they come, in a file beside (`.part`), because only the last one tells which columns there are. Both hold personal data: 0600.
 */
export class RefusedTable implements AsyncDisposable {
  readonly #path: string
  readonly #part: FileHandle
  #waiting: string[] = []

  readonly #zoneField: string | undefined

  private constructor(path: string, zoneField: string | undefined, part: FileHandle) {
    this.#path = path
    this.#zoneField = zoneField
    this.#part = part
  }

  /**
   * Opens the table for rows after `settled`; what a dead run had kept beyond is dropped. `zoneField` has a column even where no row could
   * be read: else the table could not be imported.
   *
   * @throws {CommandError} FILE_EXISTS: the table is there already, and nothing is being resumed.
   */
  static async open(path: string, { settled, mayReplace, zoneField }: TableOptions): Promise<RefusedTable> {
    if (!mayReplace && (await exists(path))) {
      throw new CommandError(exits.conflict, 'FILE_EXISTS', `${path} is there already and is left as it is`)
    }
    const kept: string[] = []
    if (settled > 0 && (await exists(partOf(path)))) {
      for await (const one of keptRows(path)) if (one.item <= settled) kept.push(`${JSON.stringify(one)}\n`)
    }
    const next = `${partOf(path)}.next`
    const part = await open(next, 'w', 0o600)
    await part.writeFile(kept.join(''))
    await part.sync()
    await rename(next, partOf(path))
    return new RefusedTable(path, zoneField, part)
  }

  add({ item, line, refusal }: RefusedRow, source: RowSource): void {
    const row: KeptRow = { item, line, refusal, source }
    this.#waiting.push(`${JSON.stringify(row)}\n`)
  }

  /** What was added is on the disk. */
  async flush(): Promise<void> {
    const text = this.#waiting.join('')
    if (text === '') return
    this.#waiting = []
    await this.#part.writeFile(text)
    await this.#part.sync()
  }

  /** Writes the table, in place of one that is there; returns whether there was anything to write. */
  async finish(): Promise<boolean> {
    await this.flush()
    const columns = await columnsOf(keptRows(this.#path), this.#zoneField)
    if (columns === undefined) {
      await rm(partOf(this.#path), { force: true })
      return false
    }
    const next = `${this.#path}.next`
    const rows = stringify({
      bom: true,
      header: true,
      columns: [...reportNames, ...columns.names],
      record_delimiter: 'windows',
    })
    await pipeline(cellsOf(keptRows(this.#path), columns), rows, createWriteStream(next, { mode: 0o600, flush: true }))
    await rename(next, this.#path)
    await rm(partOf(this.#path), { force: true })
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#part.close()
  }
}

interface TableOptions {
  readonly settled: number
  readonly mayReplace: boolean
  readonly zoneField: string | undefined
}

interface KeptRow {
  readonly item: number
  readonly line: number
  readonly refusal: Refusal
  readonly source: RowSource
}

interface Columns {
  readonly names: readonly string[]
  /** 0 pinyin, 1 English: the set of the first row that has one. */
  readonly set: 0 | 1
  readonly extensions: readonly string[]
}

const partOf = (path: string) => `${path}.part`

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
}

async function* keptRows(path: string): AsyncGenerator<KeptRow> {
  const text = createReadStream(partOf(path), { encoding: 'utf8' })
  for await (const line of linesOf(text, keptRowSizeMax)) {
    const row = rowFromJson(line.text)
    // Half a line is what a dying run was writing: the state does not count it.
    if (row === undefined) return
    yield row
  }
}

/** JSON of a row: each character of it takes six at most. */
const keptRowSizeMax = 8 * 131_072

function rowFromJson(text: string): KeptRow | undefined {
  try {
    return JSON.parse(text) as KeptRow
  } catch {
    // Told by the caller: it is no row.
    return undefined
  }
}

async function columnsOf(rows: AsyncIterable<KeptRow>, zoneField: string | undefined): Promise<Columns | undefined> {
  let set: 0 | 1 | undefined
  const others = new Set(zoneField === undefined || spellings.has(zoneField) ? [] : [zoneField])
  let isEmpty = true
  for await (const { source } of rows) {
    isEmpty = false
    if (source.kind !== 'fields') continue
    for (const name of source.names) {
      const spelling = spellings.get(name)
      if (spelling !== undefined) set ??= spelling.set
      else if (!isReportName(name) && others.size < extensionColumnsMax) others.add(name)
    }
  }
  if (isEmpty) return undefined
  const names = Object.values(fieldNames).map((both) => both[set ?? 0]!)
  return { names: [...names, ...others], set: set ?? 0, extensions: [...others] }
}

async function* cellsOf(rows: AsyncIterable<KeptRow>, columns: Columns): AsyncGenerator<readonly string[]> {
  for await (const { line, refusal, source } of rows) {
    const values = valuesByName(source, columns)
    // Of what could not be read at all every cell is empty.
    const absent = source.kind === 'text' ? [] : columns.names.filter((name) => !values.has(name))
    const extra = source.kind === 'text' ? source.text : restOf(source, columns)
    const report = [String(line), refusal.code, refusal.field, refusal.expected, refusal.zh, absent.join(' '), extra]
    yield [...report, ...columns.names.map((name) => values.get(name) ?? '')].map(guardedCell)
  }
}

/** The values under the names of the table, whichever of the two sets the row used. */
function valuesByName(source: RowSource, { set }: Columns): ReadonlyMap<string, string> {
  if (source.kind === 'text') return new Map()
  return new Map(
    source.names.slice(0, source.values.length).map((name, at) => {
      const spelling = spellings.get(name)
      return [spelling === undefined ? name : fieldNames[spelling.field][set], source.values[at]!]
    }),
  )
}

/** What has no column: cells beyond the heading, and fields beyond the columns there are. */
function restOf({ names, values }: RowSource & { kind: 'fields' }, columns: Columns): string {
  const hasColumn = (name: string) => spellings.has(name) || isReportName(name) || columns.extensions.includes(name)
  const rest = values.filter((_, at) => names[at] === undefined || !hasColumn(names[at]))
  return rest.length === 0 ? '' : JSON.stringify(rest)
}

function isReportName(name: string): boolean {
  return (reportNames as readonly string[]).includes(name)
}

const spellings: ReadonlyMap<string, { readonly field: FieldName; readonly set: 0 | 1 }> = new Map(
  Object.entries(fieldNames).flatMap(([field, both]) =>
    both.map((name, set) => [name, { field: field as FieldName, set: set as 0 | 1 }] as const),
  ),
)
