import {
  type PublicKey,
  publicKeyFromBytes,
  publicKeyFromPem,
  publicKeyFromSpki,
  SUITES,
  verifySignature,
} from '@hutong/signing'
import type { Command } from 'commander'
import { type Cli, type Common, noun, verb, wordOf } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile } from './files.ts'

const keySizeMaxBytes = 8_192
const messageSizeMaxBytes = 64 * 1024 * 1024
const signatureSizeMaxBytes = 65_536
const idSizeMaxBytes = 8_191

/** `hutong crypto …`: our signature code by itself, so that suites of others can drive it. */
export function cryptoCommand(cli: Cli): Command {
  const command = noun('crypto', 'check a signature with our own code')
  verb(command, 'verify', 'exit 0 if the signature holds, 1 if it does not', [
    'crypto verify --suite SM2-SM3 --key public.pem --message m.bin --signature s.der',
    'crypto verify --suite SM2-SM3 --key public.der --message m.bin --signature s.der --id 414c494345',
  ])
    .requiredOption('--suite <suite>', `one of ${SUITES.join(', ')}`)
    .requiredOption('--key <file>', 'public key: SPKI in PEM or DER; for Ed25519 also the 32 bytes')
    .requiredOption('--message <file>', 'what was signed')
    .requiredOption('--signature <file>', 'DER for SM2 and P-256, 64 bytes for Ed25519')
    .option('--id <hex>', 'SM2 signer id in hex; absent: 1234567812345678, empty: an empty id')
    .action(async (options: VerifyOptions) => {
      cli.exitCode = await verifyFile(cli, options)
    })
  return command
}

interface VerifyOptions extends Common {
  readonly suite: string
  readonly key: string
  readonly message: string
  readonly signature: string
  readonly id?: string
}

async function verifyFile(cli: Cli, options: VerifyOptions): Promise<number> {
  const suite = wordOf('--suite', SUITES, options.suite)
  const id = options.id === undefined ? undefined : idFromHex(options.id)
  if (id !== undefined && suite !== 'SM2-SM3') throw new CommandError(exits.usage, 'USAGE', `--id: ${suite} takes none`)
  const key = publicKeyFrom(suite, await bytesOfFile(options.key, keySizeMaxBytes))
  const message = await bytesOfFile(options.message, messageSizeMaxBytes)
  const signature = await bytesOfFile(options.signature, signatureSizeMaxBytes)
  // A key that is none is a negative answer and no mistake of usage: outside suites test both through this command.
  const holds = key !== undefined && verifySignature(key, message, signature, id === undefined ? {} : { id })
  const code = key === undefined ? 'KEY_REFUSED' : holds ? 'SIGNATURE_HOLDS' : 'SIGNATURE_FAILS'
  if (options.json) cli.print.json({ holds, code, suite })
  else cli.print.line(code)
  return holds ? exits.done : exits.negative
}

function publicKeyFrom(suite: (typeof SUITES)[number], bytes: Buffer): PublicKey | undefined {
  const isPem = bytes.subarray(0, 11).toString('latin1') === '-----BEGIN '
  const key = isPem
    ? publicKeyFromPem(bytes.toString('latin1'))
    : (publicKeyFromSpki(bytes) ?? publicKeyFromBytes(suite, bytes))
  return key?.suite === suite ? key : undefined
}

function idFromHex(hex: string): Buffer {
  if (/^([0-9A-Fa-f]{2})*$/.test(hex) && hex.length <= 2 * idSizeMaxBytes) return Buffer.from(hex, 'hex')
  throw new CommandError(exits.usage, 'USAGE', `--id: want at most ${idSizeMaxBytes} bytes in hex`)
}
