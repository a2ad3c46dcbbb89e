import {
  type ReplayProgress,
  type ReplayReport,
  recordSourceOfHub,
  replay,
  reportToJson,
  verifierPeer,
} from '@hutong/audit'
import { sha256 } from '@hutong/signing'
import type { Command } from 'commander'
import { type Box, type BoxOptions, findBox, withData } from './box.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { exits } from './exit.ts'
import { plain, span } from './print.ts'

/** How often progress is told, in milliseconds. */
const progressPaceMs = 200
/** How long a verifier may take for a digest, in milliseconds: it folds everything it holds anew, and all are asked at once. */
const digestDeadlineMs = 600_000

/** `hutong audit …`: looking from outside. */
export function auditCommand(cli: Cli): Command {
  const command = noun('audit', 'replay everything and compare')
  withData(
    verb(
      command,
      'replay',
      'rebuild everything from the hub; hold roots against its heads, state against every verifier',
      ['audit replay', 'audit replay --json'],
    ),
  )
    .addHelpText('after', '\nExit codes: 0 everything agrees, 1 something differs, 6 something could not be compared')
    .action(async (options: Common & BoxOptions) => {
      cli.exitCode = await replayAll(cli, options)
    })
  return command
}

async function replayAll(cli: Cli, options: Common & BoxOptions): Promise<number> {
  const box = await findBox(cli, options)
  using log = box.log('auditor')
  using verifiers = new Verifiers(box)
  const report = await replay({
    source: recordSourceOfHub({
      read: (request, signal) => log.read(request, signal === undefined ? {} : { signal }),
      heads: (signal) => log.heads(signal === undefined ? {} : { signal }),
    }),
    charterSha256: sha256(await box.charterBytes()),
    verifiers: verifiers.peers(),
    signal: cli.signal,
    onProgress: progressOf(cli),
  })
  cli.print.progress('')
  if (options.json) cli.print.json(reportToJson(report))
  else printReport(cli, report)
  return outcomeExits[report.outcome]
}

const outcomeExits: Readonly<Record<ReplayReport['outcome'], number>> = {
  agrees: exits.done,
  differs: exits.negative,
  incomplete: exits.unavailable,
}

/** A verifier client for each zone, open as long as the replay. */
class Verifiers implements Disposable {
  readonly #clients: readonly { readonly zone: string; readonly client: ReturnType<Box['verifier']> }[]

  constructor(box: Box) {
    this.#clients = box.zones.map((zone) => ({ zone, client: box.verifier(zone, 'auditor') }))
  }

  peers(): ReturnType<typeof verifierPeer>[] {
    return this.#clients.map(({ zone, client }) =>
      verifierPeer(zone, {
        status: (signal) => client.status(signal === undefined ? {} : { signal }),
        digest: (slice, signal) =>
          client.digest(slice, { deadlineMs: digestDeadlineMs, ...(signal === undefined ? {} : { signal }) }),
      }),
    )
  }

  [Symbol.dispose](): void {
    for (const { client } of this.#clients) client[Symbol.dispose]()
  }
}

function progressOf(cli: Cli): (progress: ReplayProgress) => void {
  const startedMs = cli.nowMs()
  let toldMs = startedMs
  return (progress) => {
    const nowMs = cli.nowMs()
    if (nowMs - toldMs < progressPaceMs) return
    toldMs = nowMs
    cli.print.progress(progressText(progress, nowMs - startedMs))
  }
}

function progressText({ position, size, events }: ReplayProgress, elapsedMs: number): string {
  const rate = Number(events) / Math.max(elapsedMs / 1_000, 0.001)
  const left =
    position === 0n || size === undefined ? undefined : (elapsedMs * Number(size - position)) / Number(position)
  return `${position} of ${size ?? '?'} leaves, ${events} events, ${Math.round(rate)}/s, ${left === undefined ? '' : `${span(left)} left`}`
}

function printReport({ print }: Cli, report: ReplayReport): void {
  const { outcome, position, root, counts, digest, contradiction, verifiers } = report
  print.line(print.colour(outcome === 'agrees' ? 'green' : outcome === 'differs' ? 'red' : 'yellow', words[outcome]))
  print.line(`${counts.leaves} leaves of H, ${counts.events} events, ${counts.heads} heads`)
  print.line(`root    ${hex(root)} at position ${position}`)
  if (digest !== undefined)
    print.line(`digest  ${hex(digest.digest)} over ${digest.rows} rows at position ${digest.position}`)
  print.line()
  print.table(
    ['log', 'size', 'root'],
    report.logs.map(({ origin, size, root: logRoot }) => [plain(origin), String(size), hex(logRoot)]),
  )
  print.line()
  print.table(['verifier', 'result', ''], verifiers.map(verifierRow))
  if (contradiction !== undefined) {
    print.line()
    print.line(
      `first difference at position ${contradiction.position}: ${plain(contradiction.code)}  ${plain(contradiction.reason)}`,
    )
    for (const [side, evidence] of [
      ['hub', contradiction.hub],
      ['own', contradiction.own],
    ] as const) {
      for (const { what, bytes } of evidence) print.line(`  ${side}: ${plain(what)}  ${hex(bytes.subarray(0, 64))}`)
    }
    print.line('--json gives both sides whole')
  }
  for (const { kind, eventId, position: at, saidRedacted } of report.payloads) {
    print.line(`payload ${kind}: ${plain(eventId)} at position ${at}${saidRedacted ? ', said to be redacted' : ''}`)
  }
}

const words: Readonly<Record<ReplayReport['outcome'], string>> = {
  agrees: '一致 AGREES',
  differs: '不一致 DIFFERS',
  incomplete: '未能全部比对 INCOMPLETE',
}

function verifierRow(finding: ReplayReport['verifiers'][number]): readonly string[] {
  const { zone, kind } = finding
  switch (kind) {
    case 'agrees':
      return [zone, 'agrees', `at position ${finding.position}`]
    case 'not_compared':
      return [zone, 'not compared', `${plain(finding.code)}  ${plain(finding.reason)}`]
    case 'root_differs':
      return [zone, 'DIFFERS', `another root at position ${finding.position}: ${hex(finding.verifier)}`]
    case 'inconsistent':
      return [zone, 'DIFFERS', `its answers do not fit each other: ${plain(finding.reason)}`]
    case 'row_differs': {
      const { kind: how, index, zone: of, subject, events } = finding.difference
      const named = events.map(({ eventId, position }) => eventId ?? `position ${position}`).join(', ')
      return [
        zone,
        'DIFFERS',
        `row ${index} ${how}: ${plain(of)} subject ${subject}${named === '' ? '' : `, ${plain(named)}`}`,
      ]
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
