import type { LicenceIssued } from '@hutong/licence'
import { eventFromJson } from '@hutong/wire'
import type { Cli } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { textOfFile, textOfStdin } from './files.ts'

const eventFileMaxBytes = 256 * 1024

/**
 * The licence in a JSON file, as the event that issues it, or on standard input ("-").
 * @throws {CommandError} it cannot be read, is too large, or is no such event; exit 2.
 */
export async function licenceFromFile(cli: Cli, file: string): Promise<LicenceIssued> {
  const text =
    file === '-' ? await textOfStdin(cli.stdin, eventFileMaxBytes) : await textOfFile(file, eventFileMaxBytes)
  const reading = eventFromJson(jsonFrom(text, file))
  if (reading.kind === 'unreadable') {
    throw new CommandError(exits.usage, 'EVENT', `${file}: ${reading.field}: want ${reading.expected}`)
  }
  if (reading.event.kind === 'licence_issued') return reading.event
  throw new CommandError(exits.usage, 'EVENT', `${file}: want kind "licence_issued", got "${reading.event.kind}"`)
}

function jsonFrom(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandError(exits.usage, 'NOT_JSON', `${file}: not JSON`, error)
  }
}
