import { type ExportDifference, exportDifference } from './export-difference.ts'
import type { ExportFiles } from './export-files.ts'
import { headPath } from './export-layout.ts'

/** Holds every file of an export against its heads. */
export async function* checkExport(
  files: ExportFiles,
  _charterSha256: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ExportDifference> {
  signal?.throwIfAborted()
  const head = await files.read(headPath)
  // Nothing is found right before it is looked at.
  yield exportDifference(headPath, head === undefined ? 'FILE_MISSING' : 'CHECKPOINT_REFUSED', 'not looked at')
}
