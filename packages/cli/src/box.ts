import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Charter } from '@hutong/licence'
import type { LogClient, PublisherClient, VerifierClient } from '@hutong/sdk'
import { createLogClient, createPublisherClient, createVerifierClient } from '@hutong/sdk'
import { maxCharterSizeBytes } from '@hutong/verify'
import { charterFromBytes } from '@hutong/wire'
import type { Command } from 'commander'
import { type BoxFile, type BoxRole, boxCharterName, boxFileFromJson, boxFileName } from './box-file.ts'
import type { Cli } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile, isCode } from './files.ts'

/** How long the box may take to answer over HTTP, in milliseconds. */
const httpDeadlineMs = 15_000
const httpAnswerMaxBytes = 4 * 1024 * 1024

/** Options of a command that talks to a running box. */
export interface BoxOptions {
  readonly data?: string
}

/** A running box, as found by its data directory. */
export interface Box {
  readonly dataDir: string
  readonly zones: readonly string[]
  readonly grpc: string
  readonly http: string
  /** The token of a role. @throws {CommandError} the box gave none. */
  token(owner: string, role: BoxRole): string
  publisher(zone: string, role?: BoxRole): PublisherClient
  verifier(zone: string, role?: BoxRole): VerifierClient
  log(role?: BoxRole): LogClient
  /** One request to the box's HTTP port. @throws {CommandError} it did not answer (exit 6). */
  request(
    method: 'GET' | 'POST',
    path: string,
    options: { readonly token: string; readonly body?: unknown; readonly deadlineMs?: number },
  ): Promise<{ readonly status: number; readonly body: unknown }>
  /** The bytes of charter 0, whose SHA-256 is what everybody pins. */
  charterBytes(): Promise<Uint8Array>
  /** Charter 0. */
  charter(): Promise<Charter>
}

/** Adds the option by which a command finds the box. */
export function withData(command: Command): Command {
  return command.option('--data <directory>', 'data directory of the running box (default: HUTONG_DATA, then ./data)')
}

/** The data directory that is meant: the option, HUTONG_DATA, ./data. */
export function dataDirectory(cli: Cli, options: BoxOptions): string {
  return options.data ?? (cli.env.HUTONG_DATA || 'data')
}

/** @throws {CommandError} no box runs on that data (exit 6). */
export async function findBox(cli: Cli, options: BoxOptions): Promise<Box> {
  const dataDir = dataDirectory(cli, options)
  const file = await readBoxFile(dataDir)
  if (file === undefined) throw notRunning(`no box runs on ${dataDir}: start it with npm start, or name its --data`)
  if (!isAlive(file.pid)) throw notRunning(`the box on ${dataDir} ended without saying so: start it again`)
  return boxOf(dataDir, file, cli.signal)
}

/** The description of the box; undefined where there is none. @throws {CommandError} it cannot be read or is none. */
export async function readBoxFile(dataDir: string): Promise<BoxFile | undefined> {
  const path = join(dataDir, boxFileName)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined
    throw new CommandError(exits.notAuthorised, 'BOX_FILE', `${path} may not be read`, error)
  }
  const file = boxFileFromJson(text)
  if (file === undefined) throw new CommandError(exits.usage, 'BOX_FILE', `${path} does not describe a running box`)
  return file
}

/** Whether a process of that id is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

/** @throws {CommandError} the box has no such zone (exit 2). */
export function knownZone(box: Box, zone: string, option = '--zone'): string {
  if (box.zones.includes(zone)) return zone
  throw new CommandError(
    exits.usage,
    'ZONE',
    `${option}: this box has the zones ${box.zones.join(', ')}; got "${zone}"`,
  )
}

function boxOf(dataDir: string, file: BoxFile, signal: AbortSignal): Box {
  const token = (owner: string, role: BoxRole) => {
    const found = Object.hasOwn(file.tokens, owner) ? file.tokens[owner]![role] : undefined
    if (found !== undefined) return found
    throw new CommandError(exits.notAuthorised, 'NOT_AUTHORISED', `the box gives no token to ${role} of ${owner}`)
  }
  // The hub's operator and auditor reach every zone; a zone's client is at home only there.
  const owner = (zone: string, role: BoxRole) => (role === 'auditor' ? 'hub' : zone)
  const path = join(dataDir, boxCharterName)
  return {
    dataDir,
    zones: file.zones,
    grpc: file.grpc,
    http: file.http,
    token,
    publisher: (zone, role = 'client') =>
      createPublisherClient(file.grpc, { zone, token: token(owner(zone, role), role) }),
    verifier: (zone, role = 'client') =>
      createVerifierClient(file.grpc, { zone, token: token(owner(zone, role), role) }),
    log: (role = 'auditor') => createLogClient(file.grpc, { token: token('hub', role) }),
    request: (method, path, options) => request(file.http, signal, method, path, options),
    charterBytes: () => bytesOfFile(path, maxCharterSizeBytes),
    async charter() {
      const reading = charterFromBytes(await bytesOfFile(path, maxCharterSizeBytes))
      if (reading.kind === 'charter') return reading.charter
      throw new CommandError(exits.usage, 'CHARTER_UNREADABLE', `${path}: ${reading.why}`)
    },
  }
}

async function request(
  address: string,
  signal: AbortSignal,
  method: 'GET' | 'POST',
  path: string,
  options: { readonly token: string; readonly body?: unknown; readonly deadlineMs?: number },
): Promise<{ readonly status: number; readonly body: unknown }> {
  const deadline = AbortSignal.timeout(options.deadlineMs ?? httpDeadlineMs)
  try {
    const response = await fetch(`http://${address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.token}`,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      redirect: 'error',
      signal: AbortSignal.any([signal, deadline]),
    })
    const text = await response.text()
    if (text.length > httpAnswerMaxBytes) throw new CommandError(exits.unavailable, 'ANSWER', 'an answer too large')
    return { status: response.status, body: jsonOf(text) }
  } catch (error) {
    if (error instanceof CommandError) throw error
    signal.throwIfAborted()
    throw new CommandError(
      exits.unavailable,
      'PEER_UNAVAILABLE',
      `${address} did not answer; trying again is safe`,
      error,
    )
  }
}

/** What a problem (RFC 9457) of the box's HTTP port comes to. */
export function problemError(status: number, body: unknown): CommandError {
  const { code = `HTTP_${status}`, detail = '', detail_en = '' } = (body ?? {}) as Record<string, unknown>
  const exitCode = code === 'NOT_YET' ? exits.unavailable : (httpExits.get(status) ?? exits.unavailable)
  return new CommandError(exitCode, String(code), `${code}: ${detail} ${detail_en}`.trim())
}

const httpExits: ReadonlyMap<number, number> = new Map([
  [400, exits.usage],
  [401, exits.notAuthorised],
  [403, exits.notAuthorised],
  [404, exits.notFound],
  [409, exits.conflict],
])

function jsonOf(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandError(exits.unavailable, 'ANSWER', 'the box answered something that is not JSON', error)
  }
}

function notRunning(message: string): CommandError {
  return new CommandError(exits.unavailable, 'BOX_NOT_RUNNING', message)
}
