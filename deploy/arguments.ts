import { parseArgs } from 'node:util'
import { BoxError } from './box-error.ts'

/** What `npm start` was told. */
export interface BoxArguments {
  readonly help: boolean
  readonly dataDir: string
  readonly isDefaultData: boolean
  readonly port: number | undefined
  readonly zones: readonly string[] | 'all' | undefined
}

export const usage = `usage: npm start [-- --data DIR --port N --zones a,b,c|all]
  --data   where everything is kept (default: HUTONG_DATA, then ./data)
  --port   gRPC; HTTP is one above (default: 4980)
  --zones  which zones; only at the first start on a data directory (default: beijing,tianjin,langfang)
`

/** @throws {BoxError} USAGE: an unknown option, or a value that cannot be. */
export function boxArguments(args: readonly string[], env: Readonly<Record<string, string | undefined>>): BoxArguments {
  const { data, port, zones, help = false } = parsed(args)
  const dataDir = data ?? (env.HUTONG_DATA || 'data')
  if (dataDir === '') throw wrong('--data: want a directory')
  return {
    help,
    dataDir,
    isDefaultData: dataDir === (env.HUTONG_DATA || 'data'),
    port: port === undefined ? undefined : portFrom(port),
    zones: zones === undefined || zones === 'all' ? zones : zonesFrom(zones),
  }
}

function parsed(args: readonly string[]): { data?: string; port?: string; zones?: string; help?: boolean } {
  try {
    const options = {
      data: { type: 'string' },
      port: { type: 'string' },
      zones: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
}

function portFrom(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_534) return port
  throw wrong(`--port: want a number from 0 to 65534, got "${text}"`)
}

function zonesFrom(text: string): readonly string[] {
  const zones = text.split(',')
  if (!zones.includes('') && new Set(zones).size === zones.length) return zones
  throw wrong(`--zones: want different names separated by commas, or all; got "${text}"`)
}

function wrong(message: string): BoxError {
  return new BoxError(2, 'USAGE', `${message}\n${usage}`)
}
