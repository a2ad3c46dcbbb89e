import {
  type ExportProgress,
  recordSourceOfHub,
  type WriteExportOutcome,
  type WrittenExport,
  writeExport,
} from '@hutong/audit'
import { sha256 } from '@hutong/signing'
import type { Command } from 'commander'
import { type BoxOptions, findBox, withData } from './box.ts'
import { type Cli, type Common, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { plain, span } from './print.ts'

/** How often progress is told, in milliseconds. */
const progressPaceMs = 200

/** Adds `hutong log export`. */
export function exportVerb(cli: Cli, parent: Command): void {
  withData(
    verb(
      parent,
      'export <directory>',
      "write everything under the hub's newest cosigned head as static files, or add what is new",
      ['log export /srv/export', 'log export /srv/export --json'],
    ),
  )
    .addHelpText(
      'after',
      '\nExit codes: 0 the export is complete, 1 the hub contradicts itself, the export, or a payload its leaf; ' +
        '6 the hub gives no answer or nothing is witnessed yet; 7 the directory holds something else; 8 the disk.\n' +
        'A run that was interrupted is completed by the next one.',
    )
    .action(async (directory: string, options: Common & BoxOptions) => {
      cli.exitCode = await exportLog(cli, directory, options)
    })
}

async function exportLog(cli: Cli, directory: string, options: Common & BoxOptions): Promise<number> {
  const box = await findBox(cli, options)
  using log = box.log('auditor')
  const outcome = await writeExport(directory, {
    source: recordSourceOfHub({
      read: (request, signal) => log.read(request, signal === undefined ? {} : { signal }),
      heads: (signal) => log.heads(signal === undefined ? {} : { signal }),
    }),
    charterSha256: sha256(await box.charterBytes()),
    signal: cli.signal,
    onProgress: progressOf(cli),
  })
  cli.print.progress('')
  if (outcome.kind === 'refused') throw new CommandError(refusedExits[outcome.code], outcome.code, sentenceOf(outcome))
  if (options.json) cli.print.json(outcome)
  else if (outcome.kind === 'exported') printExported(cli, outcome)
  else printContradicted(cli, outcome.contradiction)
  return outcome.kind === 'exported' && outcome.mismatched.count === 0n ? exits.done : exits.negative
}

type Refused = Extract<WriteExportOutcome, { kind: 'refused' }>

const refusedExits: Readonly<Record<Refused['code'], number>> = {
  NOTHING_WITNESSED: exits.unavailable,
  NOT_AN_EXPORT: exits.conflict,
  OTHER_ALLIANCE: exits.conflict,
  EXPORT_DAMAGED: exits.negative,
}

const refusedSentences: Readonly<Record<Refused['code'], string>> = {
  NOTHING_WITNESSED: '枢纽尚无见证过的日志头 nothing is witnessed yet',
  NOT_AN_EXPORT: '目录中不是导出 the directory holds something else',
  OTHER_ALLIANCE: '目录中是另一联盟的导出 the directory holds an export of another alliance',
  EXPORT_DAMAGED: '已有的导出已损坏，无法续写 the export there is damaged and cannot be continued',
}

function sentenceOf({ code, reason }: Refused): string {
  return `${refusedSentences[code]}: ${reason}`
}

function progressOf(cli: Cli): (progress: ExportProgress) => void {
  const startedMs = cli.nowMs()
  let toldMs = startedMs
  return (progress) => {
    const nowMs = cli.nowMs()
    if (nowMs - toldMs < progressPaceMs) return
    toldMs = nowMs
    cli.print.progress(progressText(progress, nowMs - startedMs))
  }
}

function progressText({ position, from, size, events }: ExportProgress, elapsedMs: number): string {
  const rate = Math.round(Number(events) / Math.max(elapsedMs / 1_000, 0.001))
  const leftMs = (elapsedMs * Number(size - position)) / Math.max(Number(position - from), 1)
  return `${position} of ${size} leaves, ${events} events, ${rate}/s, ${span(leftMs)} left`
}

function printExported({ print }: Cli, outcome: WrittenExport): void {
  const { position, from, root, charters, logs, payloads, withPayloads, mismatched } = outcome
  print.line(`${print.colour('green', '已导出 EXPORTED')}  ${position} leaves of H, ${position - from} of them new`)
  print.line(`root      ${hex(root)}`)
  print.line(`charters  ${charters}`)
  print.line(
    withPayloads
      ? `payloads  ${payloads.given} new, ${payloads.absent} not given, ${payloads.redacted} redacted`
      : 'payloads  none: they were deleted from this export',
  )
  print.line()
  print.table(
    ['log', 'size'],
    logs.map(({ origin, size }) => [plain(origin), String(size)]),
  )
  if (mismatched.count === 0n) return
  print.line()
  print.line(`${mismatched.count} payloads do not open their commitments and were left out:`)
  for (const eventId of mismatched.eventIds) print.line(`  ${plain(eventId)}`)
}

function printContradicted(
  { print }: Cli,
  { code, reason, position, hub, own }: Extract<WriteExportOutcome, { kind: 'contradicted' }>['contradiction'],
): void {
  print.line(print.colour('red', '枢纽自相矛盾 THE HUB CONTRADICTS ITSELF'))
  print.line(`at position ${position}: ${plain(code)}  ${plain(reason)}`)
  for (const [side, evidence] of [
    ['hub', hub],
    ['own', own],
  ] as const) {
    for (const { what, bytes } of evidence) print.line(`  ${side}: ${plain(what)}  ${hex(bytes.subarray(0, 64))}`)
  }
  print.line('the export is what it was before; --json gives both sides whole')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
