import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvidenceFile } from '@hutong/audit'
import type { Cli } from './command.ts'
import { CommandError } from './exit.ts'
import { writeNewFile } from './files.ts'

/**
 * Writes evidence, and what was found is told before the disk's failure is: nobody shall miss a difference because there was no space to
 * prove it. @throws as `writeEvidence`, after `tell`.
 */
export async function writeEvidenceAndTell(
  files: readonly EvidenceFile[],
  folder: string | undefined,
  tell: (paths: readonly string[]) => void,
): Promise<void> {
  let failure: unknown
  const paths = await writeEvidence(files, folder).catch((error: unknown) => {
    failure = error
    return []
  })
  tell(paths)
  if (failure !== undefined) throw failure
}

/** Says where evidence lies, or how it is had. */
export function tellEvidence({ print }: Cli, files: readonly EvidenceFile[], paths: readonly string[]): void {
  for (const path of paths) print.line(`证据 evidence: ${path}`)
  if (files.length > 0 && paths.length === 0) {
    print.line(`有可供第三方核验的证据 ${files.length} 份 evidence for third parties: name a folder with --evidence`)
  }
}

/**
 * Writes evidence into a folder, made where there is none; the paths, none where no folder was named. The same evidence has the same
 * name, so that finding it twice writes it once.
 */
async function writeEvidence(files: readonly EvidenceFile[], folder: string | undefined): Promise<readonly string[]> {
  if (folder === undefined || files.length === 0) return []
  await mkdir(folder, { recursive: true })
  const paths: string[] = []
  for (const { name, bytes } of files) {
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
    const path = join(folder, `${digest}-${name}`)
    try {
      await writeNewFile(path, bytes, 0o644)
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== 'FILE_EXISTS') throw error
      // Another that only bears its name, half written or damaged, is no evidence.
      if (Buffer.compare(await readFile(path), bytes) !== 0) throw error
    }
    paths.push(path)
  }
  return paths
}
