import { sha256 } from '@hutong/signing'
import { type GivenCharter, givenCharter } from './charter-option.ts'
import { CommandError, exits } from './exit.ts'

/** Charter 0 and its SHA-256. @throws {CommandError} it cannot be read, or is not the one that was pinned (exit 2). */
export async function pinnedCharter(
  options: GivenCharter,
): Promise<{ readonly bytes: Uint8Array; readonly sha256: Uint8Array }> {
  const { bytes, pinnedSha256 } = await givenCharter(options)
  const digest = sha256(bytes)
  if (pinnedSha256 === undefined || Buffer.compare(digest, pinnedSha256) === 0) return { bytes, sha256: digest }
  throw new CommandError(exits.usage, 'CHARTER_NOT_PINNED', `${options.charter} is not the charter that is pinned`)
}
