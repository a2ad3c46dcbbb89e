import type { AsOf } from '@hutong/licence'
import { asOfFromJson } from '@hutong/wire'
import type { Command } from 'commander'
import { CommandError, exits } from './exit.ts'

/** The option by which a question is about then and not about now. */
export interface AsOfOption {
  readonly asOf?: string
}

const shape = '--as-of <position|time>'
const summary =
  'as it was then: a position of H, or a time in ISO 8601 (without a zone China Standard Time; a date: up to its end)'

/** Adds the option. */
export function withAsOf(command: Command): Command {
  return command.option(shape, summary)
}

/** Adds it where there is no answer about now. */
export function requireAsOf(command: Command): Command {
  return command.requiredOption(shape, summary)
}

/** What the option says; undefined where it was left out. @throws {CommandError} it is neither a position nor a time (exit 2). */
export function asOfFrom({ asOf: text }: AsOfOption): AsOf | undefined {
  if (text === undefined) return undefined
  const asOf = /^\d+$/.test(text) ? asOfFromJson({ position: text }) : timeFrom(text)
  if (asOf !== undefined) return asOf
  throw new CommandError(
    exits.usage,
    'AS_OF',
    `--as-of: want a position such as 120, or a time such as 2026-03-01T09:00 or 2026-03-01; got "${text}"`,
  )
}

/** The same as a member of a JSON body; no member where the question is about the present. */
export function asOfInBody(asOf: AsOf | undefined): {
  readonly asOf?: { readonly position?: string; readonly time?: string }
} {
  switch (asOf?.kind) {
    case undefined:
      return {}
    case 'position':
      return { asOf: { position: String(asOf.position) } }
    case 'time':
      return { asOf: { time: new Date(asOf.timeMs).toISOString() } }
  }
}

function timeFrom(text: string): AsOf | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,3})?(Z|[+-]\d\d:\d\d)?)?$/.exec(text)
  if (parts === null) return undefined
  const [, date, minutes, seconds = ':00', fraction = '.000', zone = '+08:00'] = parts
  // The last moment of the day: what was written on it counts.
  const clock = minutes === undefined ? '23:59:59.999' : `${minutes}${seconds}${fraction.padEnd(4, '0')}`
  return asOfFromJson({ time: `${date}T${clock}${zone}` })
}
