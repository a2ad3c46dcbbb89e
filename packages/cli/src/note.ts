import { formatVkey, maxNoteSizeBytes, openNote } from '@hutong/merkle'
import { keysFromVkeys } from '@hutong/sdk'
import type { Command } from 'commander'
import { type Cli, type Common, gathered, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile } from './files.ts'
import { plain } from './print.ts'

/** `hutong note …`: signed notes (C2SP signed-note). */
export function noteCommand(cli: Cli): Command {
  const command = noun('note', 'check a signed note')
  verb(command, 'verify <file>', 'exit 0 if a line of a given key holds and none fails, 1 if not', [
    'note verify checkpoint --vkey PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  ])
    .requiredOption('--vkey <vkey>', 'a key that is known; may be given several times', gathered)
    .action(async (file: string, options: Common & { vkey: readonly string[] }) => {
      cli.exitCode = await verifyNote(cli, file, options)
    })
  return command
}

async function verifyNote(cli: Cli, file: string, options: Common & { vkey: readonly string[] }): Promise<number> {
  const keys = keysFromVkeys(options.vkey)
  if ('kind' in keys) throw new CommandError(exits.usage, 'USAGE', `--vkey: ${keys.reason}`)
  const opened = openNote(await bytesOfFile(file, maxNoteSizeBytes + 1), keys)
  if (opened.kind === 'refused') {
    if (options.json) cli.print.json({ holds: false, code: opened.code, reason: opened.reason })
    else cli.print.line(`${opened.code}  ${opened.reason}`)
    return exits.negative
  }
  const signers = opened.verified.map(({ key, time }) => ({
    name: key.name,
    vkey: formatVkey(key),
    ...(time === undefined ? {} : { timeSeconds: time }),
  }))
  if (options.json) cli.print.json({ holds: true, code: 'NOTE_HOLDS', signers, text: opened.text })
  else for (const { name } of signers) cli.print.line(`NOTE_HOLDS  ${plain(name)}`)
  return exits.done
}
