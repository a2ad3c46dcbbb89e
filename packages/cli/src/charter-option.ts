import { maxCharterSizeBytes } from '@hutong/verify'
import type { Command } from 'commander'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile } from './files.ts'

/** How a check that asks nobody is told whom to trust. */
export interface GivenCharter {
  readonly charter: string
  readonly charterSha256?: string
}

/** Adds the options by which a check gets charter 0. */
export function charterOption(command: Command): Command {
  return command
    .requiredOption('--charter <file>', 'the bytes of charter 0 of the alliance')
    .option('--charter-sha256 <hex>', 'the SHA-256 by which you pin it: another charter is refused')
}

/** @throws {CommandError} the file cannot be read, or the digest is none; exit 2. */
export async function givenCharter({
  charter,
  charterSha256,
}: GivenCharter): Promise<{ readonly bytes: Uint8Array; readonly pinnedSha256: Uint8Array | undefined }> {
  if (charterSha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(charterSha256)) {
    throw new CommandError(exits.usage, 'USAGE', '--charter-sha256: want 64 hex digits')
  }
  const bytes = await bytesOfFile(charter, maxCharterSizeBytes)
  return { bytes, pinnedSha256: charterSha256 === undefined ? undefined : Buffer.from(charterSha256, 'hex') }
}
