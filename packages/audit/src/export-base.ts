import { startFollowing } from '@hutong/verify'
import type { ExportFolder } from './export-folder.ts'
import { halfSuffix } from './export-folder.ts'
import { claimedCheckpoint, readExportedHead } from './export-head.ts'
import { headPath, payloadsFolder, unfinishedPath } from './export-layout.ts'
import { decodeStanding, type ResumedExport, resumeFollowing } from './export-resume.ts'

/** What an export begins with. */
export interface ExportBase {
  readonly kind: 'base'
  /** The completed export in the directory; of nothing where there is none. */
  readonly finished: ResumedExport
  /** Its head; undefined where there is none. */
  readonly head: Uint8Array | undefined
  /** Where this run goes on: the completed export, or what a run that did not end had secured. */
  readonly from: ResumedExport
  /** Whether a run before this one did not end. */
  readonly isUnfinished: boolean
  /** False where the payloads of what is there were deleted: then they stay away. */
  readonly withPayloads: boolean
}

/** Why a directory is not exported into. */
export interface DirectoryRefused {
  readonly kind: 'refused'
  /** NOT_AN_EXPORT: it holds something else. OTHER_ALLIANCE: an export of another alliance. EXPORT_DAMAGED: it cannot be continued. */
  readonly code: 'NOT_AN_EXPORT' | 'OTHER_ALLIANCE' | 'EXPORT_DAMAGED'
  /** For people, in English: the file and what is wrong with it. */
  readonly reason: string
}

/** Looks at what lies in the directory, which is made where it is not there. */
export async function openBase(
  folder: ExportFolder,
  charterSha256: Uint8Array,
): Promise<ExportBase | DirectoryRefused> {
  const nothing: ResumedExport = { kind: 'resumed', state: startFollowing(charterSha256), checkpoints: new Map() }
  const names = await folder.prepare()
  const { files } = folder
  const mark = await files.read(unfinishedPath)
  const head = await files.read(headPath)
  if (mark === undefined && head === undefined && names.some((name) => name !== `${unfinishedPath}${halfSuffix}`)) {
    return refused('NOT_AN_EXPORT', 'the directory is not empty and holds no export')
  }
  const finished = head === undefined ? nothing : await resumeHead(folder, head, charterSha256)
  if (finished.kind === 'refused') return finished
  // What a run before this one secured counts as far as it can still be read; else it is fetched again.
  const standing = mark && decodeStanding(mark)
  const secured = standing && (await resumeFollowing(files, standing, charterSha256))
  const goesOn = secured?.kind === 'resumed' && secured.state.position > finished.state.position
  const from = goesOn ? secured : finished
  const hasPayloads = from.state.logs.size === 0 || (await holdsPayloads(folder))
  return { kind: 'base', finished, head, from, isUnfinished: mark !== undefined, withPayloads: hasPayloads }
}

/** An empty folder is what deleting all that is in it leaves. */
async function holdsPayloads({ files }: ExportFolder): Promise<boolean> {
  return (await files.list()).some((path) => path.startsWith(`${payloadsFolder}/`))
}

async function resumeHead(
  folder: ExportFolder,
  head: Uint8Array,
  charterSha256: Uint8Array,
): Promise<ResumedExport | DirectoryRefused> {
  const claimed = claimedCheckpoint(head)
  if (claimed === undefined) return refused('EXPORT_DAMAGED', `${headPath}: it is no checkpoint`)
  const resumed = await resumeFollowing(folder.files, { position: claimed.size, root: claimed.root }, charterSha256)
  if (resumed.kind === 'unfit') {
    const code = resumed.reason.startsWith('CHARTER_NOT_PINNED') ? 'OTHER_ALLIANCE' : 'EXPORT_DAMAGED'
    return refused(code, `${resumed.path}: ${resumed.reason}`)
  }
  const { trust } = resumed.state
  const signed = trust === undefined ? undefined : readExportedHead(trust, head, claimed.size)
  if (signed?.kind === 'cosigned') return resumed
  return refused('EXPORT_DAMAGED', `${headPath}: ${signed?.reason ?? 'there is no charter'}`)
}

function refused(code: DirectoryRefused['code'], reason: string): DirectoryRefused {
  return { kind: 'refused', code, reason }
}
