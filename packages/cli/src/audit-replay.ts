import { access } from 'node:fs/promises'
import {
  type ExportDifference,
  type ReplayProgress,
  type ReplayReport,
  ReplayState,
  replay,
  reportToJson,
} from '@hutong/audit'
import { tellEvidence, writeEvidenceAndTell } from './audit-evidence.ts'
import { printDifferences, printReport } from './audit-report.ts'
import { type AuditOptions, Sides } from './audit-sides.ts'
import type { Cli, Common } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { writeNewFile } from './files.ts'
import { span } from './print.ts'

/** How often progress is told, in milliseconds. */
const progressPaceMs = 200
/** So many differences of an export are named; the rest is counted. */
const differencesNamedMax = 256

/** Options of `audit replay`. */
export interface ReplayOptions extends Common, AuditOptions {
  readonly from?: string
  readonly verifiers?: true
  readonly state?: string
  readonly evidence?: string
  readonly html?: string
}

/** `hutong audit replay`: of the hub, or of an exported directory. */
export async function replayCommand(cli: Cli, options: ReplayOptions): Promise<number> {
  try {
    return await replayAsAsked(cli, options)
  } catch (error) {
    const exitCode = error instanceof Error ? stateExits.get(error.name) : undefined
    if (exitCode === undefined || !(error instanceof Error)) throw error
    throw new CommandError(exitCode, 'REPLAY_STATE', `${options.state ?? 'temporary files'}: ${error.message}`, error)
  }
}

/** What the file of a state, or of what memory does not hold, can end a replay with: by name, for the store's own errors do not come here. */
const stateExits: ReadonlyMap<string, number> = new Map([
  ['ReplayStateError', exits.conflict],
  ['FollowStateError', exits.conflict],
  ['StoreFormatError', exits.conflict],
  ['StaleWriterError', exits.conflict],
  ['StoreFullError', exits.localDisk],
  ['StoreBrokenError', exits.localDisk],
  ['StoreUnavailableError', exits.localDisk],
])

async function replayAsAsked(cli: Cli, options: ReplayOptions): Promise<number> {
  // Said before the work is done, not after.
  if (options.html !== undefined) await refuseExisting(options.html)
  using sides = new Sides(cli, options)
  const charterSha256 = await sides.charterSha256()
  const isHub = options.from === undefined || options.from === 'hub'
  const exported = isHub ? undefined : await sides.export(options.from!, charterSha256)
  const checked = await differencesOf(cli, exported)
  await using state = options.state === undefined ? undefined : await ReplayState.open(options.state)
  const replayed = await replay({
    source: exported?.source ?? (await sides.hub()),
    isSnapshot: !isHub,
    charterSha256,
    verifiers: isHub || options.verifiers ? await sides.verifiers() : [],
    ...(state && { state }),
    signal: cli.signal,
    onProgress: progressOf(cli),
  })
  const report: ReplayReport = checked.count === 0 ? replayed : { ...replayed, outcome: 'differs' }
  cli.print.progress('')
  await writeEvidenceAndTell(report.evidence, options.evidence, (evidence) => {
    if (options.json) {
      const files = { differences: checked.named, differencesCount: checked.count, evidenceFiles: evidence }
      return cli.print.json({ ...reportToJson({ ...report, evidence: [] }), ...files })
    }
    printReport(cli, report)
    printDifferences(cli, checked.named, checked.count)
    tellEvidence(cli, report.evidence, evidence)
  })
  if (options.html !== undefined) {
    const { reportToHtml } = await import('./audit-html.ts')
    await writeHtml(options.html, reportToHtml(report, checked.count, cli.nowMs()))
  }
  return outcomeExits[report.outcome]
}

/** The exit code of what was compared. */
export const outcomeExits: Readonly<Record<ReplayReport['outcome'], number>> = {
  agrees: exits.done,
  differs: exits.negative,
  incomplete: exits.unavailable,
}

/** Tells how far a replay is, now and then. */
export function progressOf(cli: Cli): (progress: ReplayProgress) => void {
  const startedMs = cli.nowMs()
  let toldMs = startedMs
  let fromEvents: bigint | undefined
  return (progress) => {
    const nowMs = cli.nowMs()
    fromEvents ??= progress.events
    if (nowMs - toldMs < progressPaceMs) return
    toldMs = nowMs
    cli.print.progress(progressText(progress, fromEvents, nowMs - startedMs))
  }
}

function progressText({ position, size, events }: ReplayProgress, fromEvents: bigint, elapsedMs: number): string {
  const rate = Number(events - fromEvents) / Math.max(elapsedMs / 1_000, 0.001)
  const left =
    position === 0n || size === undefined ? undefined : (elapsedMs * Number(size - position)) / Number(position)
  return `${position} of ${size ?? '?'} leaves, ${events} events, ${Math.round(rate)}/s, ${left === undefined ? '' : `${span(left)} left`}`
}

interface Checked {
  readonly named: readonly ExportDifference[]
  readonly count: number
}

/** Every file of an export against its heads. */
async function differencesOf(
  cli: Cli,
  exported: { check(signal: AbortSignal): AsyncIterable<ExportDifference> } | undefined,
): Promise<Checked> {
  const named: ExportDifference[] = []
  let count = 0
  if (exported === undefined) return { named, count }
  cli.print.progress('checking files')
  for await (const difference of exported.check(cli.signal)) {
    count += 1
    if (named.length < differencesNamedMax) named.push(difference)
  }
  return { named, count }
}

/** @throws {CommandError} something is there. */
async function refuseExisting(path: string): Promise<void> {
  try {
    await access(path)
  } catch {
    // Not there, or not to be seen: writing it will say which.
    return
  }
  throw new CommandError(exits.conflict, 'FILE_EXISTS', `${path} is there already and is left as it is`)
}

async function writeHtml(path: string, html: string): Promise<void> {
  try {
    await writeNewFile(path, html, 0o644)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new CommandError(exits.usage, 'FILE', `${path}: no such folder`, error)
    }
    throw error
  }
}
