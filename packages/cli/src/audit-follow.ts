import { setTimeout as pause } from 'node:timers/promises'
import { type FollowEnd, type FollowFact, follow, type VerifierFinding } from '@hutong/audit'
import { createHttpServer, createLogger, createMetrics, type Logger, type Metrics } from '@hutong/service'
import { tellEvidence, writeEvidenceAndTell } from './audit-evidence.ts'
import { findingRow, printAdvice } from './audit-report.ts'
import { type AuditOptions, Sides } from './audit-sides.ts'
import type { Cli, Common } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { plain } from './print.ts'

const largestPort = 65_535

/** Options of `audit follow`. */
export interface FollowOptions extends Common, AuditOptions {
  readonly every: string
  readonly metricsPort?: string
  readonly evidence?: string
}

/** `hutong audit follow`: until something differs. */
export async function followCommand(cli: Cli, options: FollowOptions): Promise<number> {
  const compareEveryMs = wholeNumber('--every', options.every, 1, 86_400) * 1_000
  using sides = new Sides(cli, options)
  const charterSha256 = await sides.charterSha256()
  const log = createLogger({ name: 'audit', destination: { write: (line) => void cli.stderr.write(line) } })
  await using watch = new Watch(log)
  await watch.listen(options.metricsPort)
  const end = await follow({
    source: await sides.growingHub(),
    charterSha256,
    verifiers: await sides.verifiers(),
    compareEveryMs,
    nowMs: cli.nowMs,
    pause: (ms, signal) => pause(ms, undefined, { signal }),
    signal: cli.signal,
    onFact: (fact) => watch.tell(fact),
  })
  watch.differs(end)
  await writeEvidenceAndTell(end.evidence, options.evidence, (evidence) => {
    if (options.json) return cli.print.json({ ...end, evidence: undefined, evidenceFiles: evidence })
    printEnd(cli, end)
    tellEvidence(cli, end.evidence, evidence)
  })
  return exits.negative
}

/** Log lines and metrics of one watch. Nothing in them names a licence. */
class Watch implements AsyncDisposable {
  readonly #log: Logger
  readonly #metrics: Metrics = createMetrics()
  readonly #server: AsyncDisposableStack = new AsyncDisposableStack()
  readonly #position = this.#metrics.gauge('hutong_audit_position', 'leaves of H taken in')
  readonly #events = this.#metrics.gauge('hutong_audit_events', 'events of zones taken in')
  readonly #rows = this.#metrics.gauge('hutong_audit_rows', 'rows of the state digest')
  readonly #compared = this.#metrics.gauge('hutong_audit_compared_position', 'position last compared', ['zone'])
  readonly #comparisons = this.#metrics.counter('hutong_audit_comparisons_total', 'verifiers held against the replay', [
    'zone',
    'result',
  ])
  readonly #reconnects = this.#metrics.counter('hutong_audit_reconnects_total', 'connections to the hub made again')
  readonly #differences = this.#metrics.gauge('hutong_audit_differs', '1 from the first difference on')

  constructor(log: Logger) {
    this.#log = log
    this.#differences.set(0)
  }

  async listen(port: string | undefined): Promise<void> {
    if (port === undefined) return
    const server = this.#server.use(await createHttpServer({ log: this.#log, metrics: this.#metrics }))
    const { address } = await server.listen({ port: wholeNumber('--metrics-port', port, 0, largestPort) })
    this.#log.info({ address }, 'metrics')
  }

  tell(fact: FollowFact): void {
    switch (fact.kind) {
      case 'taken':
        this.#position.set(Number(fact.position))
        this.#events.set(Number(fact.events))
        this.#rows.set(fact.rows)
        return
      case 'compared':
        for (const finding of fact.findings) this.#tellFinding(finding, fact.position)
        return
      case 'reconnecting':
        this.#reconnects.inc()
        this.#log.warn({ reason: fact.reason, waitMs: fact.waitMs }, 'reconnecting')
    }
  }

  differs({ position, contradiction }: FollowEnd): void {
    this.#differences.set(1)
    this.#log.error({ position: String(position), code: contradiction?.code }, 'differs')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.disposeAsync()
  }

  #tellFinding(finding: VerifierFinding, position: bigint): void {
    const { zone, kind } = finding
    this.#comparisons.inc({ zone, result: kind })
    if (kind === 'agrees') this.#compared.set({ zone }, Number(position))
    const line = { zone, result: kind, position: String(position) }
    if (kind === 'agrees') this.#log.info(line, 'compared')
    else this.#log.warn({ ...line, ...('code' in finding && { code: finding.code }) }, 'compared')
  }
}

function printEnd({ print }: Cli, { position, contradiction, findings }: FollowEnd): void {
  print.line(print.colour('red', '不一致 DIFFERS'))
  if (contradiction !== undefined) {
    print.line(`at position ${position}: ${plain(contradiction.code)}  ${plain(contradiction.reason)}`)
  }
  if (findings.length > 0) print.table(['verifier', 'result', ''], findings.map(findingRow))
  printAdvice(print, findings)
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new CommandError(exits.usage, 'USAGE', `${option}: want a whole number from ${least} to ${most}, got "${text}"`)
}
