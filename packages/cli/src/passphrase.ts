import type { Cli } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { textOfFile, textOfStdin } from './files.ts'

const passphraseMaxBytes = 1_024
/** A passphrase that is to protect a key has at least so many characters. */
const passphraseLeast = 12

/**
 * A passphrase out of a file, or out of stdin where the name is `-`: an argument could be read by everybody on the machine. One end of
 * line after it does not belong to it.
 *
 * @throws {CommandError} the file cannot be read or is too large, or the passphrase has several lines; it is never repeated.
 */
export async function readPassphrase(cli: Cli, file: string): Promise<string> {
  const text =
    file === '-' ? await textOfStdin(cli.stdin, passphraseMaxBytes) : await textOfFile(file, passphraseMaxBytes)
  const passphrase = text.replace(/\r?\n$/, '')
  if (/\p{Cc}/u.test(passphrase))
    throw new CommandError(exits.usage, 'PASSPHRASE', `${file}: want one line, of text alone`)
  return passphrase
}

/** The same for a key file that is written: printable ASCII, for outside of it readers disagree, and not short. */
export async function readNewPassphrase(cli: Cli, file: string): Promise<string> {
  const passphrase = await readPassphrase(cli, file)
  if (passphrase.length >= passphraseLeast && /^[\x20-\x7e]*$/.test(passphrase)) return passphrase
  const wanted = `want at least ${passphraseLeast} characters, printable ASCII alone`
  throw new CommandError(exits.usage, 'PASSPHRASE', `${file}: ${wanted}`)
}
