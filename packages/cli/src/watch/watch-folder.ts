import { CallError } from '@hutong/sdk'
import { CommandError, exits } from '../exit.ts'
import { isCode } from '../files.ts'
import type { ImportReport } from '../import/import-file.ts'
import { type Delivery, Desk, type FileOutcome, type Step } from './desk.ts'
import { Inbox } from './inbox.ts'

/** How long nothing is tried after something was away, in milliseconds; it doubles up to the longest. */
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** A file that is written to while it is imported is tried again so often. */
const changedTriesMax = 10

/** A fault of the file as such: it goes to `refused`, and the next one has its turn. */
const fileFaults: ReadonlySet<string> = new Set(['FILE', 'ENCODING', 'FORMAT', 'HEADING'])
/** The file was not complete after all. */
const changedFaults: ReadonlySet<string> = new Set(['FILE_CHANGED', 'STATE_OF_ANOTHER_FILE'])

export interface WatchOptions {
  /** How long nothing about a file may have changed before it is taken, in milliseconds. */
  readonly settleMs: number
  /** How often the folder is looked at, in milliseconds. */
  readonly pollMs: number
  /** Ends when every file that was there is dealt with, instead of waiting for more. */
  readonly once: boolean
}

/** What a watcher needs of the world. */
export interface WatchSurroundings {
  /** Imports one file; every time anew, for what it needs may have been away meanwhile. */
  importFile(path: string, kept: { readonly statePath: string; readonly refusedPath: string }): Promise<ImportReport>
  readonly monotonicMs: () => number
  /** Waits; returns at once where nobody wants to wait any more. */
  readonly pause: (ms: number) => Promise<void>
  readonly signal: AbortSignal
  tell(news: WatchNews): void
  /** Told of each step, for those who want to see what is true in between. */
  reached?(step: Step): void
}

/** What a watcher has to say. */
export type WatchNews =
  | { readonly kind: 'delivered'; readonly delivery: Delivery }
  /** Something is away; it is tried again. */
  | { readonly kind: 'waiting'; readonly code: string; readonly message: string }
  /** No plain file: left where it is. */
  | { readonly kind: 'left'; readonly name: string }

/** How a watcher ended: whether all it took is in, some of it was refused, or something was away with work left to do. */
export type WatchEnd = 'done' | 'refused' | { readonly kind: 'away'; readonly error: unknown }

/**
 * Imports the files that are put into a folder, one at a time, and lays each with its report into `done` or `refused`. Nothing is imported
 * twice and nothing is lost, whenever it dies: request ids make a repeated row a duplicate, and the desk knows how far a file has come.
 *
 * The folder is looked at every few seconds rather than listened to: notices of changes do not come over network drives, where zone systems
 * put their files, and what is complete can be told only by looking twice.
 *
 * @throws {CommandError} the folder cannot be used, or is watched already.
 */
export async function watchFolder(
  folder: string,
  options: WatchOptions,
  surroundings: WatchSurroundings,
): Promise<WatchEnd> {
  using desk = await Desk.open(folder, (step) => surroundings.reached?.(step))
  const left = (name: string) => surroundings.tell({ kind: 'left', name })
  const inbox = new Inbox(folder, options.settleMs, surroundings.monotonicMs, left)
  let end: WatchEnd = 'done'
  let pauseMs = firstPauseMs
  while (!surroundings.signal.aborted) {
    try {
      const delivery = (await finishCurrent(desk, surroundings)) ?? (await takeNext(desk, inbox, surroundings))
      pauseMs = firstPauseMs
      if (delivery === 'waiting')
        await surroundings.pause(options.once ? Math.min(options.pollMs, options.settleMs) : options.pollMs)
      else if (delivery !== 'empty' && delivery.folder === 'refused') end = 'refused'
      else if (delivery === 'empty') {
        if (options.once) return end
        await surroundings.pause(options.pollMs)
      }
    } catch (error) {
      if (surroundings.signal.aborted) return end
      if (!isAway(error)) throw error
      if (options.once) return { kind: 'away', error }
      surroundings.tell({ kind: 'waiting', code: codeOf(error), message: error.message })
      await surroundings.pause(pauseMs)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }
  return end
}

/** Goes on with what lies on the desk, also what a dead watcher left there. Undefined: it is empty. */
async function finishCurrent(desk: Desk, surroundings: WatchSurroundings): Promise<Delivery | undefined> {
  const delivered = await desk.deliver()
  if (delivered !== undefined) return told(desk, delivered, surroundings)
  const current = await desk.current()
  if (current === undefined) {
    await desk.clear()
    return undefined
  }
  await desk.report(current.name, await outcomeOf(current.path, desk, surroundings))
  return told(desk, (await desk.deliver())!, surroundings)
}

/** `waiting`: there are files that are not complete yet. */
async function takeNext(
  desk: Desk,
  inbox: Inbox,
  surroundings: WatchSurroundings,
): Promise<Delivery | 'waiting' | 'empty'> {
  const { settled, waiting } = await inbox.look()
  for (const name of settled) {
    if ((await desk.claim(name)) === undefined) continue
    const delivery = await finishCurrent(desk, surroundings)
    if (delivery !== undefined) return delivery
  }
  return waiting > 0 ? 'waiting' : 'empty'
}

async function told(desk: Desk, delivery: Delivery, surroundings: WatchSurroundings): Promise<Delivery> {
  surroundings.tell({ kind: 'delivered', delivery })
  await desk.clear()
  return delivery
}

async function outcomeOf(path: string, desk: Desk, surroundings: WatchSurroundings): Promise<FileOutcome> {
  for (let tries = 1; ; tries += 1) {
    try {
      const kept = { statePath: desk.statePath, refusedPath: desk.tablePath }
      return { kind: 'imported', report: await surroundings.importFile(path, kept) }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      const { code, message } = error
      const isChanged = changedFaults.has(code)
      if (!fileFaults.has(code) && !isChanged) throw error
      // Where the file lies at the moment is of no use to whoever reads the report.
      if (!isChanged || tries >= changedTriesMax)
        return { kind: 'refused', code, message: message.replace(`${path}: `, '') }
      // What is in is in; from the beginning it is found again as duplicates.
      await desk.clear()
      await surroundings.pause(firstPauseMs)
      surroundings.signal.throwIfAborted()
    }
  }
}

/** Nothing is wrong with the file, and it can be tried again: a peer or the box is away, or the disk. */
function isAway(error: unknown): error is Error {
  if (error instanceof CallError) return true
  if (error instanceof CommandError)
    return error.exitCode === exits.unavailable || error.exitCode === exits.notAuthorised
  return ['EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'EBUSY'].some((code) => isCode(error, code))
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'AWAY'
}
