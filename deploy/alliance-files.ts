import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type CharterDraft, cosignerName, firstCharter, firstOrigin } from '@hutong/cli'
import type { Charter, Zone } from '@hutong/licence'
import { formatVkey, type NoteSigner, noteSigner, signNote, verifierKey } from '@hutong/merkle'
import { generateKey, type Signer, type Suite, sha256, signerFromPem } from '@hutong/signing'
import { charterNoteText, trustFromFirstCharter } from '@hutong/verify'
import { BoxError } from './box-error.ts'
import { demonstrationAlliance, demonstrationNames } from './demonstration.ts'

/** How fast and how strict the alliance of a box is; fixed by its charter at the first start. All in milliseconds. */
export interface CharterLimits {
  readonly heartbeatMs: number
  readonly maxClockOffsetMs: number
  /** T1. */
  readonly freshMs: number
  /** T2. */
  readonly usableMs: number
  readonly declarationLeadMs: number
  readonly declarationMinimumMs: number
}

export const boxCharterLimits: CharterLimits = {
  heartbeatMs: 15_000,
  maxClockOffsetMs: 60_000,
  freshMs: 30_000,
  usableMs: 120_000,
  declarationLeadMs: 0,
  declarationMinimumMs: 72 * 3_600_000,
}

/** What the first start decided, out of its files. */
export interface Alliance {
  readonly configuration: Configuration
  readonly charter: Charter
  readonly charterBytes: Uint8Array
  /** The admins' note on charter 0. */
  readonly charterNote: Uint8Array
  /** The hub's keys: SM2, which decides, and Ed25519. */
  readonly hubSigners: readonly NoteSigner[]
  /** The same of a zone's log. */
  zoneSigners(zone: string): readonly NoteSigner[]
  /** A zone's witness. */
  cosigner(zone: string): { readonly name: string; readonly signer: Signer }
}

/** What is written beside the charter. */
export interface Configuration {
  readonly version: 1
  readonly alliance: string
  readonly zones: readonly string[]
  /** When the first start was, ISO 8601. */
  readonly createdAt: string
}

const configurationName = 'configuration.json'
const charterName = 'charter-0.bin'
const charterNoteName = 'charter-0.note'
const keysName = 'keys'
const admins = ['admin-1', 'admin-2', 'admin-3'] as const
const adminThreshold = 2
const decidingSuite = 'SM2-SM3'

/**
 * Writes a new alliance into `folder`: keys (PKCS#8, mode 0600), charter 0 with the admins' note, configuration. Everything is on the
 * disk on return; nothing of it counts before the folder is renamed to its place.
 */
export function writeAlliance(folder: string, zones: readonly Zone[], limits: CharterLimits, startedMs: number): void {
  mkdirSync(join(folder, keysName), { recursive: true, mode: 0o700 })
  const keys: CharterDraft['keys'][number][] = []
  const make = (
    file: string,
    suite: Suite,
    key: { name: string; role: 'log' | 'cosigner' | 'admin'; owner: string },
  ) => {
    const { privateKeyPem, publicKey } = generateKey(suite)
    writeDurably(join(folder, keysName, `${file}.pem`), privateKeyPem, 0o600)
    const vkey = formatVkey(verifierKey(key.name, publicKey, { cosignature: key.role === 'cosigner' }))
    keys.push({ vkey, role: key.role, owner: key.owner })
    return privateKeyPem
  }
  for (const owner of ['hub', ...zones.map(({ id }) => id)]) {
    const name = firstOrigin(demonstrationAlliance, owner)
    make(keyFile(owner, decidingSuite), decidingSuite, { name, role: 'log', owner })
    make(keyFile(owner, 'Ed25519'), 'Ed25519', { name, role: 'log', owner })
  }
  for (const { id } of zones) {
    make(cosignerFile(id), 'Ed25519', { name: cosignerName(demonstrationAlliance, id), role: 'cosigner', owner: id })
  }
  const adminSigners = admins.map((owner) => {
    const name = `${demonstrationAlliance}/a/${owner}`
    return noteSigner(name, signerFromPem(make(owner, decidingSuite, { name, role: 'admin', owner })))
  })
  const { charter, bytes } = firstCharter({
    alliance: demonstrationAlliance,
    ...demonstrationNames,
    demonstration: true,
    zones,
    logs: ['hub', ...zones.map(({ id }) => id)].map((owner) => ({ owner, suite: decidingSuite })),
    keys,
    auditors: ['auditor'],
    adminThreshold,
    ...limits,
  })
  const note = signNote(charterNoteText({ ...charter, sha256: sha256(bytes) }), adminSigners)
  writeDurably(join(folder, charterName), bytes, 0o644)
  writeDurably(join(folder, charterNoteName), note, 0o644)
  const configuration: Configuration = {
    version: 1,
    alliance: charter.alliance,
    zones: zones.map(({ id }) => id),
    createdAt: new Date(startedMs).toISOString(),
  }
  writeDurably(join(folder, configurationName), `${JSON.stringify(configuration, undefined, 2)}\n`, 0o644)
  syncFolder(join(folder, keysName))
  syncFolder(folder)
}

/**
 * Reads what an earlier start wrote, and holds the keys against the charter.
 *
 * @throws {BoxError} ALLIANCE_DAMAGED a file is missing or is not what it was; the message names it.
 */
export function readAlliance(folder: string): Alliance {
  const configuration = readConfiguration(join(folder, configurationName))
  const charterBytes = bytesOf(join(folder, charterName))
  const trust = trustFromFirstCharter(charterBytes)
  if ('kind' in trust) throw damaged(join(folder, charterName), trust.reason)
  const { charter } = trust.charters[0]
  if (charter.zones.map(({ id }) => id).join() !== configuration.zones.join()) {
    throw damaged(join(folder, configurationName), 'its zones are not those of the charter')
  }
  const vkeys = new Set(charter.keys.map(({ vkey }) => vkey))
  const signer = (file: string): Signer => signerOf(join(folder, keysName, `${file}.pem`))
  const logSigners = (owner: string): readonly NoteSigner[] =>
    ([decidingSuite, 'Ed25519'] as const).map((suite) => {
      const file = keyFile(owner, suite)
      const one = noteSigner(firstOrigin(charter.alliance, owner), signer(file))
      if (!vkeys.has(formatVkey(one.key))) throw damaged(join(folder, keysName, file), 'the charter knows another key')
      return one
    })
  const alliance: Alliance = {
    configuration,
    charter,
    charterBytes,
    charterNote: bytesOf(join(folder, charterNoteName)),
    hubSigners: logSigners('hub'),
    zoneSigners: logSigners,
    cosigner: (zone) => ({ name: cosignerName(charter.alliance, zone), signer: signer(cosignerFile(zone)) }),
  }
  for (const zone of configuration.zones) {
    alliance.zoneSigners(zone)
    alliance.cosigner(zone)
  }
  return alliance
}

function keyFile(owner: string, suite: Suite): string {
  return `${owner}-${suite === 'Ed25519' ? 'ed25519' : 'sm2'}`
}

function cosignerFile(zone: string): string {
  return `${zone}-cosigner`
}

function readConfiguration(path: string): Configuration {
  const text = bytesOf(path).toString('utf8')
  try {
    const { version, alliance, zones, createdAt } = JSON.parse(text) as Partial<Configuration>
    if (version !== 1) throw damaged(path, `version ${version}; this program reads version 1`)
    if (typeof alliance === 'string' && Array.isArray(zones) && typeof createdAt === 'string') {
      return { version, alliance, zones: zones.map(String), createdAt }
    }
  } catch (error) {
    if (error instanceof BoxError) throw error
    throw damaged(path, 'not JSON', error)
  }
  throw damaged(path, 'not a configuration')
}

function signerOf(path: string): Signer {
  const pem = bytesOf(path).toString('latin1')
  try {
    return signerFromPem(pem)
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : 'no key', error)
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw damaged(path, 'missing or unreadable', error)
  }
}

function damaged(path: string, why: string, cause?: unknown): BoxError {
  return new BoxError(7, 'ALLIANCE_DAMAGED', `${path}: ${why}`, cause)
}

function writeDurably(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, 'wx', mode)
  try {
    const bytes = Buffer.from(content)
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes sure that the names in a folder are on the disk. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
