import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { type BoxOptions, findBox, withData } from './box.ts'
import { type Cli, type Common, verb, wordOf } from './command.ts'
import { CommandError, exitOfError, exits } from './exit.ts'
import { BoxSurroundings } from './import/box-surroundings.ts'
import { importFile } from './import/import-file.ts'
import { progressText } from './import/report.ts'
import { type ReadingFlags, readingFrom, withReading, zoneChoiceOf } from './import/verb.ts'
import { moment, plain } from './print.ts'
import { stageNames } from './publish.ts'
import { type WatchNews, type WatchSurroundings, watchFolder } from './watch/watch-folder.ts'

/** Longest settle time and pause between two looks, in seconds. */
const secondsMax = 3_600

interface WatchFlags extends Common, BoxOptions, ReadingFlags {
  readonly atomic?: true
  readonly once?: true
  readonly settle: string
  readonly poll: string
  readonly wait: string
}

/** Adds `publisher watch`. */
export function addWatch(cli: Cli, command: Command): void {
  withReading(
    withData(
      verb(
        command,
        'watch <folder>',
        'import the files put into a folder, until Ctrl-C; reports lie in done/ and refused/',
        [
          'publisher watch /srv/licences --zone beijing',
          'publisher watch /srv/licences --zone-field KZ_ZONE --settle 10',
          'publisher watch /srv/licences --zone beijing --once',
        ],
      ),
    ),
  )
    .option('--atomic', 'of each file all rows or none')
    .option(
      '--once',
      'end when the files that are there are dealt with; exit 1 if anything was refused, 6 if a peer is away',
    )
    .option('--settle <seconds>', 'take a file when nothing about it has changed for so long', '5')
    .option('--poll <seconds>', 'look at the folder so often', '2')
    .option('--wait <stage>', `wait at the end of a file for this stage: ${stageNames.join(', ')}`, 'witnessed')
    .action(async (folder: string, flags: WatchFlags) => {
      cli.exitCode = await watch(cli, folder, flags)
    })
}

async function watch(cli: Cli, folder: string, flags: WatchFlags): Promise<number> {
  const waitFor = wordOf('--wait', stageNames, flags.wait)
  zoneChoiceOf(flags)
  const options = {
    settleMs: millisecondsFrom('--settle', flags.settle),
    pollMs: Math.max(millisecondsFrom('--poll', flags.poll), 100),
    once: flags.once === true,
  }
  const surroundings: WatchSurroundings = {
    monotonicMs: () => performance.now(),
    signal: cli.signal,
    pause: (ms) => pause(ms, undefined, { signal: cli.signal }).catch(() => {}),
    tell: (news) => tell(cli, flags, news),
    async importFile(path, { statePath, refusedPath }) {
      // Found anew for each file: a box that was started again has other tokens and ports.
      const box = await findBox(cli, flags)
      using into = new BoxSurroundings(box)
      const startedAtMs = cli.nowMs()
      const told = {
        onReading: () => {},
        onRefused: () => {},
        onProgress: (progress: Parameters<typeof progressText>[0]) =>
          cli.print.progress(progressText(progress, cli.nowMs() - startedAtMs)),
      }
      const mode = flags.atomic ? 'atomic' : 'publish'
      const kept = { statePath, refusedPath, mayReplaceTable: true, isLinkAllowed: false }
      return await importFile(
        path,
        { ...readingFrom(flags, box), mode, waitFor, ...kept },
        await into.surroundings(cli, told),
      )
    },
  }
  const end = await watchFolder(folder, options, surroundings)
  if (typeof end === 'string') return options.once && end === 'refused' ? exits.negative : exits.done
  tell(cli, flags, { kind: 'waiting', code: 'AWAY', message: end.error instanceof Error ? end.error.message : '' })
  return exitOfError(end.error)
}

function tell({ print, nowMs }: Cli, { json }: Common, news: WatchNews): void {
  print.progress('')
  if (json) print.line(JSON.stringify({ atMs: nowMs(), ...news }))
  else print.line(`${moment(nowMs())}  ${newsText(news)}`)
}

function newsText(news: WatchNews): string {
  switch (news.kind) {
    case 'left':
      return `${plain(news.name)}: no plain file (a link or a directory); it is left where it is`
    case 'waiting':
      return plain(`等待 waiting, and trying again: ${news.code} ${news.message}`)
    case 'delivered': {
      const { name, folder, as, outcome } = news.delivery
      if (outcome.kind === 'refused') return plain(`${name}: ${outcome.code} ${outcome.message} → ${folder}/${as}`)
      const { published, duplicates, refusedCount } = outcome.report
      return plain(
        `${name}: ${published} published, ${duplicates} duplicates, ${refusedCount} refused → ${folder}/${as}`,
      )
    }
  }
}

function millisecondsFrom(option: string, given: string): number {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN
  if (seconds >= 0 && seconds <= secondsMax) return Math.round(seconds * 1_000)
  throw new CommandError(exits.usage, 'USAGE', `${option}: want seconds, 0 to ${secondsMax}, got "${given}"`)
}
