import { formatVkey, isKeyName, verifierKey } from '@hutong/merkle'
import { generateKey, SUITES } from '@hutong/signing'
import type { Command } from 'commander'
import { type Cli, type Common, noun, verb, wordOf } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { writeNewFile } from './files.ts'

/** `hutong keys …`: private keys as files, public keys as vkeys. */
export function keysCommand(cli: Cli): Command {
  const command = noun('keys', 'make keys')
  verb(command, 'generate', 'write a new private key (PKCS#8, mode 0600) and print its vkey', [
    'keys generate --suite SM2-SM3 --name jjj.hutong.example/z/beijing/1 --out beijing.pem',
    'keys generate --suite Ed25519 --cosigner --name jjj.hutong.example/w/beijing --out witness.pem',
  ])
    .requiredOption('--suite <suite>', `one of ${SUITES.join(', ')}`)
    .requiredOption('--name <name>', "what it signs as: a log's origin, a cosigner's or an admin's name")
    .requiredOption('--out <file>', 'where the private key goes; a file that is there is left as it is')
    .option('--cosigner', 'a key for cosignatures (Ed25519 only)')
    .action(async (options: GenerateOptions) => {
      cli.exitCode = await generate(cli, options)
    })
  return command
}

interface GenerateOptions extends Common {
  readonly suite: string
  readonly name: string
  readonly out: string
  readonly cosigner?: true
}

async function generate(cli: Cli, options: GenerateOptions): Promise<number> {
  const suite = wordOf('--suite', SUITES, options.suite)
  if (options.cosigner && suite !== 'Ed25519') {
    throw new CommandError(exits.usage, 'USAGE', '--cosigner: cosignatures are made with Ed25519')
  }
  if (!isKeyName(options.name)) throw new CommandError(exits.usage, 'USAGE', '--name: no white space, plus or control')
  const { privateKeyPem, publicKey } = generateKey(suite)
  await writeNewFile(options.out, privateKeyPem, 0o600)
  const vkey = formatVkey(verifierKey(options.name, publicKey, { cosignature: options.cosigner === true }))
  if (options.json) cli.print.json({ vkey, suite, file: options.out })
  else cli.print.line(vkey)
  return exits.done
}
