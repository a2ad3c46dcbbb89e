import { inspect, styleText } from 'node:util'
import Table from 'cli-table3'

/** What text can be written to; a terminal or not. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export type Colour = 'green' | 'red' | 'blue' | 'yellow' | 'dim' | 'bold'

/** Writes answers to stdout and what is going on to stderr; the latter only where a person looks at it. */
export interface Print {
  /** One line of an answer. */
  line(text?: string): void
  /** One JSON document: an answer under `--json`. */
  json(value: unknown): void
  /** Rows under a heading, columns aligned also where letters are two columns wide. */
  table(heading: readonly string[], rows: readonly (readonly string[])[]): void
  /** What went wrong, on stderr. */
  complain(text: string): void
  /** What is going on, over what was last said; nothing where stderr is no terminal. An empty text clears it. */
  progress(text: string): void
  colour(colour: Colour, text: string): string
}

export function createPrint(stdout: Output, stderr: Output, env: Readonly<Record<string, string | undefined>>): Print {
  const isColoured = stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  return {
    line: (text = '') => void stdout.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, jsonValue, 2)}\n`),
    table: (heading, rows) => void stdout.write(`${tableOf(heading, rows)}\n`),
    complain: (text) => void stderr.write(`${text}\n`),
    progress: (text) => void (stderr.isTTY === true && stderr.write(`\r\u001b[K${text}`)),
    colour: (colour, text) => (isColoured ? styleText(colour, text, { validateStream: false }) : text),
  }
}

/** Text from outside for one line of a terminal: what could move the cursor or turn the writing round is shown as a dot. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u00b7').toWellFormed()
}

/** A moment in China Standard Time, with its offset. */
export function moment(atMs: number): string {
  if (!Number.isFinite(atMs) || Math.abs(atMs) > latestMs) return inspect(atMs)
  return `${new Date(atMs + chinaOffsetMs).toISOString().slice(0, 19).replace('T', ' ')} +08:00`
}

/** A span of time in the largest unit that says enough. */
export function span(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 120_000) return `${Math.round(milliseconds / 1_000)} s`
  if (milliseconds < 7_200_000) return `${Math.round(milliseconds / 60_000)} min`
  return `${Math.round(milliseconds / 3_600_000)} h`
}

const chinaOffsetMs = 8 * 3_600_000
const latestMs = 8_000_000_000_000_000

function tableOf(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...heading], style: { head: [], border: [], compact: true }, chars: noFrame })
  for (const row of rows) table.push([...row])
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const noFrame = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
}

function jsonValue(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
  // JSON.stringify has called Buffer's own toJSON before it asks here.
  if (isBufferJson(value)) return Buffer.from(value.data).toString('hex')
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

function isBufferJson(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
}
