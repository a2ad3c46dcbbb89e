import { stat } from 'node:fs/promises'
import { checkExport } from './export-check.ts'
import type { ExportDifference } from './export-difference.ts'
import { type ExportFiles, filesOfDirectory } from './export-files.ts'
import { unfinishedPath } from './export-layout.ts'
import { recordSourceOfExport } from './export-records.ts'
import type { RecordSource } from './ports.ts'

/** An export, opened to be read. Nothing in it is believed: `check` and a replay of `source` together prove it. */
export interface Export {
  readonly kind: 'export'
  /** The records up to its head, as the hub would stream them. What cannot be read is a record `unreadable` that names the file. */
  readonly source: RecordSource
  /**
   * Everything in the directory that is not as its heads say, file by file: also what a replay of the records alone would not notice. None
   * at all: every byte is what the heads commit to, but for payloads that are absent. Ends early, after naming what is at fault,
   * where nothing further could be believed. Throws the signal's reason, and what the disk throws.
   */
  check(signal?: AbortSignal): AsyncIterable<ExportDifference>
}

/** Why a directory is not opened: NO_EXPORT, there is no such directory; EXPORT_UNFINISHED, an export into it was not completed. */
export interface ExportRefused {
  readonly kind: 'refused'
  readonly code: 'NO_EXPORT' | 'EXPORT_UNFINISHED'
  readonly zh: string
  readonly en: string
}

/** Options of `openExport`. */
export interface OpenExportOptions {
  /** SHA-256 of charter 0, 32 bytes. Left out: the one in the export is believed. */
  readonly charterSha256?: Uint8Array
}

/** Opens an exported directory (formats F11). A directory without a head is opened too: what it lacks is a difference. */
export async function openExport(directory: string, options: OpenExportOptions = {}): Promise<Export | ExportRefused> {
  const found = await stat(directory).catch(() => undefined)
  return found?.isDirectory() ? openExportFiles(filesOfDirectory(directory), options) : refusals.NO_EXPORT
}

/** The same over files from anywhere. */
export async function openExportFiles(
  files: ExportFiles,
  { charterSha256 }: OpenExportOptions = {},
): Promise<Export | ExportRefused> {
  if ((await files.read(unfinishedPath)) !== undefined) return refusals.EXPORT_UNFINISHED
  return {
    kind: 'export',
    source: recordSourceOfExport(files),
    check: (signal) => checkExport(files, charterSha256, signal),
  }
}

const refusals = {
  NO_EXPORT: { kind: 'refused', code: 'NO_EXPORT', zh: '没有这个目录', en: 'there is no such directory' },
  EXPORT_UNFINISHED: {
    kind: 'refused',
    code: 'EXPORT_UNFINISHED',
    zh: '导出尚未完成，请再次执行导出',
    en: 'the export into this directory was not completed; run it again',
  },
} as const
