import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { checkLog, type LogFiles } from '@hutong/merkle'
import { keysFromVkeys } from '@hutong/sdk'
import type { Command } from 'commander'
import { type Cli, type Common, gathered, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { isCode } from './files.ts'
import { plain } from './print.ts'

/** Files that a directory of a log may hold at most: enough for 2^32 entries of 256 to a file, and a bound all the same. */
const filesMax = 34_000_000

/** `hutong tlog …`: directories of logs (C2SP tlog-tiles). */
export function tlogCommand(cli: Cli): Command {
  const command = noun('tlog', 'check a directory of static tiles')
  verb(command, 'check <directory>', 'read every file of an exported log; exit 0 if all is as its checkpoint says', [
    'tlog check data/hub/tiles/z/beijing --vkey PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  ])
    .requiredOption('--vkey <vkey>', 'a key of the log, once for each: a line by a key not given is a fault', gathered)
    .action(async (directory: string, options: Common & { vkey: readonly string[] }) => {
      cli.exitCode = await check(cli, directory, options)
    })
  return command
}

async function check(cli: Cli, directory: string, options: Common & { vkey: readonly string[] }): Promise<number> {
  const keys = keysFromVkeys(options.vkey)
  if ('kind' in keys) throw new CommandError(exits.usage, 'USAGE', `--vkey: ${keys.reason}`)
  const { checkpoint, faults, isComplete } = await checkLog(filesUnder(directory), keys)
  if (options.json) cli.print.json({ sound: faults.length === 0, checkpoint, faults, isComplete })
  else {
    for (const { path, code, reason } of faults) cli.print.line(`${code}  ${plain(path)}  ${plain(reason)}`)
    if (!isComplete) cli.print.line('the check stopped here: there may be more')
    if (faults.length === 0 && checkpoint !== undefined) {
      cli.print.line(`SOUND  ${checkpoint.origin}  ${checkpoint.size} entries`)
      cli.print.line(`root   ${Buffer.from(checkpoint.root).toString('hex')}`)
    }
  }
  return faults.length === 0 ? exits.done : exits.negative
}

/** The files of a log below a directory. */
export function filesUnder(directory: string): LogFiles {
  return {
    async read(path) {
      try {
        return await readFile(join(directory, path))
      } catch (error) {
        if (isCode(error, 'ENOENT') || isCode(error, 'EISDIR') || isCode(error, 'ENOTDIR')) return undefined
        throw error
      }
    },
    async list() {
      const found = await readdir(directory, { recursive: true, withFileTypes: true })
      if (found.length > filesMax) throw new CommandError(exits.usage, 'DIRECTORY', `${directory}: too many files`)
      return found
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    },
  }
}
