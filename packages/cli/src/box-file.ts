/** Where a running box says how it is reached, in its data directory; mode 0600, gone after a clean stop. */
export const boxFileName = 'box.json'
/** Charter 0 of a box, in its data directory. */
export const boxCharterName = 'alliance/charter-0.bin'

/** Whose token: one for each zone and each role that a person takes at the command line. */
export type BoxRole = 'client' | 'operator' | 'auditor'

/** How a running box is reached. */
export interface BoxFile {
  readonly pid: number
  /** host:port, loopback. */
  readonly grpc: string
  readonly http: string
  readonly startedAt: string
  readonly zones: readonly string[]
  /** Drawn at each start. By owner (a zone, or `hub` whose callers reach every zone), then by role. */
  readonly tokens: Readonly<Record<string, Readonly<Partial<Record<BoxRole, string>>>>>
}

/** The description as a file. */
export function boxFileToJson(box: BoxFile): string {
  return `${JSON.stringify(box, undefined, 2)}\n`
}

/** The description in a file's text; undefined where it is none. */
export function boxFileFromJson(text: string): BoxFile | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return isBoxFile(json) ? json : undefined
  } catch {
    // Half a file is no file: the box writes it whole, so this one was written by something else.
    return undefined
  }
}

function isBoxFile(json: unknown): json is BoxFile {
  if (typeof json !== 'object' || json === null) return false
  const { pid, grpc, http, startedAt, zones, tokens } = json as Record<keyof BoxFile, unknown>
  return (
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    isLoopbackAddress(grpc) &&
    isLoopbackAddress(http) &&
    typeof startedAt === 'string' &&
    Array.isArray(zones) &&
    zones.every((zone) => typeof zone === 'string') &&
    typeof tokens === 'object' &&
    tokens !== null &&
    Object.values(tokens).every(isTokens)
  )
}

// Tokens go to this address unprotected: whoever wrote the file, it must not lead beyond this machine.
function isLoopbackAddress(value: unknown): value is string {
  return typeof value === 'string' && /^127\.0\.0\.1:[1-9]\d{0,4}$/.test(value)
}

function isTokens(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((token) => typeof token === 'string')
}
