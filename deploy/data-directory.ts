import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { boxFileName } from '@hutong/cli'
import type { Zone } from '@hutong/licence'
import { type Alliance, type CharterLimits, readAlliance, syncFolder, writeAlliance } from './alliance-files.ts'
import { BoxError } from './box-error.ts'
import { lockData, lockFileName } from './data-lock.ts'
import { defaultZones, demonstrationZones } from './demonstration.ts'

/** What the box keeps, and the right to write it. */
export interface DataDirectory extends Disposable {
  /** Absolute. */
  readonly path: string
  readonly alliance: Alliance
  /** The folder of the hub, and of a zone; made when they are not there. */
  readonly hubPath: string
  zonePath(zone: string): string
}

const allianceName = 'alliance'
/** A first start that did not come to its end. */
const unfinishedName = 'init.tmp'
const notState: ReadonlySet<string> = new Set([
  lockFileName,
  `${lockFileName}-journal`,
  unfinishedName,
  'logs',
  boxFileName,
])

/**
 * Opens the data of a box, for this process alone. The first start writes keys, charter 0 and configuration into `init.tmp` and renames it:
 * that is the commit, and half of it is thrown away at the next start. Later starts read what the first one wrote.
 *
 * @param zones which zones are asked for; undefined: those of the data, and at the first start three of them.
 * @throws {BoxError} DATA_IN_USE, ZONES_DIFFER, UNKNOWN_ZONE, ALLIANCE_MISSING, ALLIANCE_DAMAGED; nothing was changed.
 */
export function openDataDirectory(options: {
  readonly dataDir: string
  readonly zones: readonly string[] | 'all' | undefined
  readonly limits: CharterLimits
  readonly nowMs: number
}): DataDirectory {
  const path = resolve(options.dataDir)
  const known = demonstrationZones()
  const asked = askedZones(known, options.zones)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  const lock = lockData(path)
  try {
    const folder = join(path, allianceName)
    rmSync(join(path, unfinishedName), { recursive: true, force: true })
    if (!existsSync(folder)) {
      refuseToReplaceKeys(path)
      begin(path, asked ?? pick(known, defaultZones), options)
    }
    const alliance = readAlliance(folder)
    if (asked !== undefined) refuseOtherZones(path, alliance.configuration.zones, asked)
    return {
      path,
      alliance,
      hubPath: madeFolder(path, 'hub'),
      zonePath: (zone) => madeFolder(path, 'z', zone),
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    }
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}

function askedZones(known: readonly Zone[], asked: readonly string[] | 'all' | undefined): readonly Zone[] | undefined {
  if (asked === undefined || asked === 'all') return asked && known
  const stranger = asked.find((id) => !known.some((zone) => zone.id === id))
  if (stranger === undefined && asked.length > 0) return pick(known, asked)
  const names = known.map(({ id }) => id).join(', ')
  throw new BoxError(2, 'UNKNOWN_ZONE', `--zones: want some of ${names}, or all; got "${stranger ?? ''}"`)
}

function pick(known: readonly Zone[], ids: readonly string[]): readonly Zone[] {
  return known.filter(({ id }) => ids.includes(id))
}

function begin(
  path: string,
  zones: readonly Zone[],
  { limits, nowMs }: { limits: CharterLimits; nowMs: number },
): void {
  const unfinished = join(path, unfinishedName)
  mkdirSync(unfinished, { mode: 0o700 })
  writeAlliance(unfinished, zones, limits, nowMs)
  renameSync(unfinished, join(path, allianceName))
  syncFolder(path)
}

// New keys over logs that other keys have signed would end every one of them.
function refuseToReplaceKeys(path: string): void {
  const found = readdirSync(path).find((name) => !notState.has(name))
  if (found === undefined) return
  const message = `${path} holds ${found} and no ${allianceName}: its keys are missing, or it is no data of a box`
  throw new BoxError(7, 'ALLIANCE_MISSING', message)
}

function refuseOtherZones(path: string, held: readonly string[], asked: readonly Zone[]): void {
  if (held.length === asked.length && asked.every(({ id }) => held.includes(id))) return
  const names = asked.map(({ id }) => id).join(',')
  const message = `${path} was made for the zones ${held.join(',')}, not ${names}: name another --data, or leave --zones out`
  throw new BoxError(7, 'ZONES_DIFFER', message)
}

function madeFolder(...parts: readonly string[]): string {
  const folder = join(...parts)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}
