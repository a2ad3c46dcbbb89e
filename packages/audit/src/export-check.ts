import {
  type Checkpoint,
  checkLogFiles,
  type LogFault,
  type LogFilesCheck,
  openNote,
  type Refusal,
} from '@hutong/merkle'
import { logKeysAt, type Refused, readZoneCheckpoint, type Trust } from '@hutong/verify'
import { checkPayloads } from './export-check-payloads.ts'
import { type ExportDifference, type ExportDifferenceCode, exportDifference } from './export-difference.ts'
import { placeOfFault } from './export-fault-place.ts'
import { type ExportFiles, filesBelow } from './export-files.ts'
import { claimedCheckpoint, keysOfHead, noteOf, readExportedHead, withoutForeignLines } from './export-head.ts'
import { charterPath, headPath, logFolder, payloadsFolder } from './export-layout.ts'
import { type NamedLog, readAnyCharters, readCharters, type WalkedHub, walkHub } from './export-walk.ts'

/**
 * Holds every file of an export against its head. First what hashes alone can tell: the tree of H, the zones' trees that its leaves name,
 * the payloads; then charters and signatures. It ends where what it has found leaves nothing to hold the rest against.
 */
export async function* checkExport(
  files: ExportFiles,
  charterSha256: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ExportDifference> {
  const paths = await files.list()
  const listed: ExportFiles = { list: async () => paths, read: files.read }
  const note = await files.read(headPath)
  if (note === undefined) return yield exportDifference(headPath, 'FILE_MISSING', 'an export has a head')
  const head = claimedCheckpoint(note)
  if (head === undefined) return yield exportDifference(headPath, 'CHECKPOINT_REFUSED', 'it is no checkpoint')

  const tree = await checkTree(listed, 'h', head, signal)
  yield* tree.differences
  const hub = await walkHub(listed, head.size, signal)
  if (!tree.areEntriesProven || !hub.isComplete) {
    // Signed as it is, and yet the rest cannot be held against it.
    if (tree.differences.length === 0) yield exportDifference('h', 'FILE_MALFORMED', 'a leaf of H that cannot be read')
    yield* doubtfulHead(note, head, await readAnyCharters(listed, hub.charters, charterSha256))
    return
  }
  const logs = [...hub.logs.values()]
  yield* unexpectedFiles(paths, hub)
  for (const log of logs) yield* (await checkTree(listed, logFolder(log.zone), log, signal)).differences
  yield* checkPayloads(listed, logs, signal)

  const { trust, fault } = await readCharters(listed, hub.charters, charterSha256)
  if (fault !== undefined) yield exportDifference(fault.path, charterCodes[fault.code], fault.reason)
  if (fault !== undefined || trust === undefined) return
  yield* checkHead(trust, note, head)
  for (const log of logs) yield* checkZoneCheckpoint(trust, log, await files.read(`${logFolder(log.zone)}/checkpoint`))
}

const charterCodes = { MISSING: 'FILE_MISSING', ALTERED: 'FILE_ALTERED', REFUSED: 'CHARTER_REFUSED' } as const

/** The tiles and bundles of one log against a root, whoever signed it. */
async function checkTree(
  files: ExportFiles,
  folder: string,
  checkpoint: Checkpoint,
  signal: AbortSignal | undefined,
): Promise<Pick<LogFilesCheck, 'areEntriesProven'> & { readonly differences: readonly ExportDifference[] }> {
  const below = filesBelow(files, folder)
  const read: ExportFiles['read'] = (path) => {
    signal?.throwIfAborted()
    return below.read(path)
  }
  const { faults, areEntriesProven } = await checkLogFiles({ ...below, read }, checkpoint)
  const differences: ExportDifference[] = []
  for (const fault of faults) differences.push(await differenceOf(below, folder, checkpoint, fault))
  return { areEntriesProven, differences }
}

async function differenceOf(
  below: ExportFiles,
  folder: string,
  { origin, size }: Checkpoint,
  fault: LogFault,
): Promise<ExportDifference> {
  const place = await placeOfFault(below, origin, size, fault)
  return exportDifference(`${folder}/${fault.path}`, faultCodes[fault.code], fault.reason, place)
}

const faultCodes: Readonly<Record<LogFault['code'], ExportDifferenceCode>> = {
  MISSING: 'FILE_MISSING',
  SUPERFLUOUS: 'FILE_SUPERFLUOUS',
  MALFORMED: 'FILE_MALFORMED',
  ALTERED: 'FILE_ALTERED',
  REFUSED: 'CHECKPOINT_REFUSED',
  UNKNOWN_SIGNATURE: 'SIGNATURE_LINE_UNKNOWN',
}

/** Names the head beside a tree that is at fault, unless it is signed by a key that is known: else the head may be what was altered. */
function* doubtfulHead(note: Uint8Array, { size }: Checkpoint, trust: Trust | undefined): Generator<ExportDifference> {
  const opened = trust === undefined ? undefined : openNote(note, keysOfHead(trust, size))
  if (opened?.kind === 'note') return
  const reason = opened?.reason ?? 'no charter says who may sign it'
  yield exportDifference(headPath, 'CHECKPOINT_REFUSED', reason)
}

/** The hub's signature, a quorum of cosignatures, and not one line more. */
function* checkHead(trust: Trust, note: Uint8Array, head: Checkpoint): Generator<ExportDifference> {
  const opened = openNote(note, keysOfHead(trust, head.size))
  if (opened.kind === 'refused') return yield refusedCheckpoint(headPath, opened)
  const read = readExportedHead(trust, note, head.size)
  if (read.kind === 'refused') return yield refusedCheckpoint(headPath, read)
  for (const { name } of opened.unknown) yield unknownLine(headPath, note, name)
  if (opened.unknown.length > 0) return
  const offset = firstDifference(noteOf(opened), note)
  if (offset === undefined) return
  yield exportDifference(headPath, 'FILE_NOT_CANONICAL', 'a line stands twice', { offset })
}

/** What lies beside the logs' folders and is not asked for; payloads have a check of their own. */
function* unexpectedFiles(paths: readonly string[], { charters, logs }: WalkedHub): Generator<ExportDifference> {
  const expected = new Set(charters.map(({ number }) => charterPath(number)))
  const folders = ['h', payloadsFolder, ...[...logs.values()].map(({ zone }) => logFolder(zone))]
  for (const path of paths) {
    if (expected.has(path) || folders.some((folder) => path.startsWith(`${folder}/`))) continue
    yield exportDifference(path, 'FILE_SUPERFLUOUS', 'no leaf of H asks for this file')
  }
}

/** The zone's checkpoint is the one in the last leaf of H about the log, without lines of keys that the charter does not name. */
function* checkZoneCheckpoint(trust: Trust, log: NamedLog, note: Uint8Array | undefined): Generator<ExportDifference> {
  const path = `${logFolder(log.zone)}/checkpoint`
  if (note === undefined) return yield exportDifference(path, 'FILE_MISSING', 'a log has a checkpoint')
  const signed = readZoneCheckpoint(trust, log.origin, log.checkpoint, log.position)
  if (signed.kind === 'refused') return yield refusedCheckpoint(path, signed)
  const { keys } = logKeysAt(trust, log.origin, log.position)!
  const wanted = withoutForeignLines(log.checkpoint, keys)
  if ('kind' in wanted) return yield refusedCheckpoint(path, wanted)
  const offset = firstDifference(wanted, note)
  if (offset === undefined) return
  const opened = openNote(note, keys)
  if (opened.kind === 'refused') return yield refusedCheckpoint(path, opened, offset)
  for (const { name } of opened.unknown) yield unknownLine(path, note, name)
  if (opened.unknown.length > 0) return
  yield exportDifference(path, 'FILE_ALTERED', `not the checkpoint in leaf ${log.position} of H`, { offset })
}

function refusedCheckpoint(path: string, { reason }: Refusal | Refused, offset?: number): ExportDifference {
  return exportDifference(path, 'CHECKPOINT_REFUSED', reason, offset === undefined ? undefined : { offset })
}

function unknownLine(path: string, note: Uint8Array, name: string): ExportDifference {
  const offset = Buffer.from(note).indexOf(`\n\u2014 ${name} `)
  return exportDifference(path, 'SIGNATURE_LINE_UNKNOWN', `a line by ${name}`, { offset: offset + 1 })
}

/** Where two files begin to differ; undefined where they do not. */
function firstDifference(wanted: Uint8Array, given: Uint8Array): number | undefined {
  if (Buffer.compare(wanted, given) === 0) return undefined
  const at = wanted.findIndex((byte, place) => given[place] !== byte)
  return at < 0 ? wanted.length : at
}
