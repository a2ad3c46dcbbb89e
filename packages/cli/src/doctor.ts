import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { CallError, type LogClient } from '@hutong/sdk'
import { assertKnownAnswers } from '@hutong/signing'
import { Command } from 'commander'
import { type Box, type BoxOptions, dataDirectory, findBox, withData } from './box.ts'
import { boxFileName } from './box-file.ts'
import { asVerb, type Cli, type Common } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { isCode } from './files.ts'
import { plain, span } from './print.ts'
import { remedyOf } from './remedy.ts'

const nodeLeast = 24
/** Below this a first import fills the disk; and below a fifth of it nothing is sure to be written any more. In bytes. */
const diskWarnBytes = 5 * 1024 ** 3
const diskBadBytes = 1024 ** 3
/** Leaves of H that a zone may be behind before it is told. */
const lagWarnLeaves = 64n
/** Batches that may wait in an outbox before it is told. */
const outboxWarnBatches = 64
/** How long one service may take to say how it stands, in milliseconds. */
const statusDeadlineMs = 3_000

/** `hutong doctor`: what is wrong with this machine and the box. */
export function doctorCommand(cli: Cli): Command {
  const summary = 'look at versions, cryptography, disk, keys, clocks, quorum and lag; exit 1 if something is wrong'
  return withData(asVerb(new Command('doctor'), summary, ['doctor', 'doctor --json'])).action(
    async (options: Common & BoxOptions) => {
      cli.exitCode = await examine(cli, options)
    },
  )
}

/** One thing that was looked at. `unsure` is nothing broken, but something a person should know. */
export interface Symptom {
  /** Such as `disk`, `clock hub`. */
  readonly what: string
  readonly state: 'well' | 'unsure' | 'bad'
  readonly says: string
  /** What to do; there for everything that is not well. */
  readonly advice?: string
}

async function examine(cli: Cli, options: Common & BoxOptions): Promise<number> {
  const dataDir = dataDirectory(cli, options)
  const symptoms = [node(), cryptography(), await folder(dataDir), await disk(dataDir), await keys(dataDir)]
  symptoms.push(...(await running(cli, options)))
  const well = symptoms.every(({ state }) => state !== 'bad')
  if (options.json) cli.print.json({ well, symptoms })
  else {
    cli.print.table(
      ['', 'what', ''],
      symptoms.map(({ what, state, says, advice }) => [
        cli.print.colour(colours[state], marks[state]),
        what,
        plain(says) + (advice === undefined ? '' : `\n→ ${advice}`),
      ]),
    )
  }
  return well ? exits.done : exits.negative
}

const marks = { well: 'ok', unsure: 'look', bad: 'BAD' } as const
const colours = { well: 'green', unsure: 'yellow', bad: 'red' } as const

const well = (what: string, says: string): Symptom => ({ what, state: 'well', says })
const unsure = (what: string, says: string, advice: string): Symptom => ({ what, state: 'unsure', says, advice })
const bad = (what: string, says: string, advice: string): Symptom => ({ what, state: 'bad', says, advice })

function node(): Symptom {
  const { node: version, icu, sqlite } = process.versions
  const says = `Node ${version}, SQLite ${sqlite ?? 'none'}, ICU ${icu ?? 'none'}`
  return Number(version.split('.')[0]) >= nodeLeast
    ? well('versions', says)
    : bad('versions', says, `run it with Node ${nodeLeast} or newer: ./hutong brings its own`)
}

function cryptography(): Symptom {
  const openssl = `OpenSSL ${process.versions.openssl}`
  try {
    assertKnownAnswers()
    return well('cryptography', `known answers hold, ${openssl}`)
  } catch (error) {
    return bad('cryptography', `${openssl}: ${messageOf(error)}`, 'sign and verify nothing with this Node')
  }
}

async function folder(dataDir: string): Promise<Symptom> {
  try {
    await access(dataDir, constants.R_OK | constants.W_OK)
    return well('data', dataDir)
  } catch {
    const says = `${dataDir} is not there, or may not be read and written`
    return bad('data', says, 'npm start makes ./data; name another with --data')
  }
}

async function disk(dataDir: string): Promise<Symptom> {
  try {
    const { bavail, bsize } = await statfs(dataDir)
    const free = bavail * bsize
    const says = `${(free / 1024 ** 3).toFixed(1)} GiB free`
    if (free < diskBadBytes) return bad('disk', says, 'make room: a full disk corrupts nothing, but stops everything')
    return free < diskWarnBytes ? unsure('disk', says, 'make room before a large import') : well('disk', says)
  } catch (error) {
    return unsure('disk', messageOf(error), 'the free space could not be told')
  }
}

/** Private keys and the tokens of the box are for their owner's eyes. */
async function keys(dataDir: string): Promise<Symptom> {
  const open: string[] = []
  let looked = 0
  try {
    const keyFolder = join(dataDir, 'alliance', 'keys')
    const names = await readdir(keyFolder).catch(noneWhereAbsent)
    for (const path of [...names.map((name) => join(keyFolder, name)), join(dataDir, boxFileName)]) {
      const mode = await modeOf(path)
      if (mode === undefined) continue
      looked += 1
      if ((mode & 0o077) !== 0) open.push(`${path} ${(mode & 0o777).toString(8)}`)
    }
  } catch (error) {
    return unsure('keys', messageOf(error), 'the modes could not be told')
  }
  if (open.length === 0) return well('keys', `${looked} files, none open to others`)
  const says = `others may read ${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`
  return bad('keys', says, 'chmod 600 them; if others use this machine, take them for known and rotate them')
}

function noneWhereAbsent(error: unknown): readonly string[] {
  if (isCode(error, 'ENOENT')) return []
  throw error
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function running(cli: Cli, options: BoxOptions): Promise<readonly Symptom[]> {
  let box: Box
  try {
    box = await findBox(cli, options)
  } catch (error) {
    if (error instanceof CommandError) return [bad('box', error.message, remedyOf(error).en)]
    throw error
  }
  using log = box.log()
  const { maxClockOffsetMs } = await box.charter()
  const hub = await hubSymptoms(cli, log, maxClockOffsetMs)
  const zones = await Promise.all(box.zones.map((zone) => zoneSymptoms(cli, box, zone, hub.size)))
  return [well('box', `gRPC ${box.grpc}, HTTP ${box.http}`), ...hub.symptoms, ...zones.flat()]
}

async function hubSymptoms(
  cli: Cli,
  log: LogClient,
  maxClockOffsetMs: number,
): Promise<{ readonly symptoms: readonly Symptom[]; readonly size: bigint | undefined }> {
  const askedMs = cli.nowMs()
  try {
    const status = await log.status({ signal: cli.signal, deadlineMs: statusDeadlineMs })
    const heardMs = cli.nowMs()
    const symptoms = [
      clock(Number(status.clockMs), askedMs, heardMs, maxClockOffsetMs),
      quorum(status.witnesses, status.quorum, status.refuses, status.refusesEn),
      witnessed(status.size, status.cosignedSize),
    ]
    return { symptoms, size: status.size }
  } catch (error) {
    return { symptoms: [silent('hub', error, cli.signal)], size: undefined }
  }
}

/** The hub's clock against this machine's: the answer was made somewhere between asking and hearing. */
function clock(hubMs: number, askedMs: number, heardMs: number, maxOffsetMs: number): Symptom {
  const offsetMs = hubMs < askedMs ? hubMs - askedMs : hubMs > heardMs ? hubMs - heardMs : 0
  const says = `${offsetMs === 0 ? 'no' : span(Math.abs(offsetMs))} offset to the hub's, ${span(maxOffsetMs)} allowed`
  if (Math.abs(offsetMs) > maxOffsetMs) return bad('clock', says, 'set the clocks (NTP): nothing is sealed beyond that')
  return Math.abs(offsetMs) > maxOffsetMs / 2 ? unsure('clock', says, 'set the clocks (NTP)') : well('clock', says)
}

function quorum(witnesses: readonly string[], wanted: number, refuses: string, refusesEn: string): Symptom {
  const says = `${witnesses.length} witnesses here, ${wanted} wanted${refuses === '' ? '' : `; ${refuses}: ${refusesEn}`}`
  if (refuses !== '') return bad('quorum', says, 'start the zones that are missing: hutong dev status')
  if (witnesses.length < wanted) {
    return bad('quorum', says, 'start the zones that are missing: until then nothing new is witnessed')
  }
  const spare = 'one more away, and nothing new is witnessed'
  return witnesses.length === wanted && wanted > 0 ? unsure('quorum', says, spare) : well('quorum', says)
}

function witnessed(size: bigint, cosignedSize: bigint): Symptom {
  const lag = size - cosignedSize
  const says = `${cosignedSize} of ${size} leaves of H witnessed`
  return lag > lagWarnLeaves
    ? unsure('witnessed', says, 'cosignatures come late: look which zones are behind')
    : well('witnessed', says)
}

async function zoneSymptoms(
  cli: Cli,
  box: Box,
  zone: string,
  hubSize: bigint | undefined,
): Promise<readonly Symptom[]> {
  using verifier = box.verifier(zone)
  using publisher = box.publisher(zone)
  const call = { signal: cli.signal, deadlineMs: statusDeadlineMs }
  const [verifying, publishing] = await Promise.allSettled([verifier.status(call), publisher.status(call)])
  return [
    verifying.status === 'fulfilled'
      ? verifierSymptom(zone, verifying.value, hubSize)
      : silent(`verifier ${zone}`, verifying.reason, cli.signal),
    publishing.status === 'fulfilled'
      ? publisherSymptom(zone, publishing.value)
      : silent(`publisher ${zone}`, publishing.reason, cli.signal),
  ]
}

function verifierSymptom(
  zone: string,
  status: { position: bigint; fault: string; missingPayloads: readonly string[]; waiting: number },
  hubSize: bigint | undefined,
): Symptom {
  const what = `verifier ${zone}`
  const lag = hubSize === undefined ? 0n : hubSize > status.position ? hubSize - status.position : 0n
  const missing = status.missingPayloads.length
  const says = `at position ${status.position}, ${lag} leaves behind, ${missing} payloads missing`
  if (status.fault !== '')
    return bad(what, `${says}; ${status.fault}`, 'hutong audit replay names what contradicts what')
  if (missing > 0) return unsure(what, says, 'those licences answer UNDETERMINED until the payloads have come')
  return lag > lagWarnLeaves ? unsure(what, says, 'it catches up by itself; verdicts age meanwhile') : well(what, says)
}

function publisherSymptom(
  zone: string,
  status: { size: bigint; outbox: number; refuses: string; refusesEn: string },
): Symptom {
  const what = `publisher ${zone}`
  const says = `${status.size} leaves, ${status.outbox} batches waiting for the hub`
  if (status.refuses !== '') {
    const advice = publisherAdvice.get(status.refuses) ?? 'it goes on by itself when that is over'
    return bad(what, `${says}; ${status.refuses}: ${status.refusesEn}`, advice)
  }
  return status.outbox > outboxWarnBatches
    ? unsure(what, says, 'the hub is away or slow; nothing is lost')
    : well(what, says)
}

const publisherAdvice: ReadonlyMap<string, string> = new Map([
  ['ADOPT_NEEDED', 'hutong publisher adopt --zone … --dry-run shows what it had signed and lost'],
  ['CLOCK_OFF', 'set the clock (NTP)'],
  ['KEY_MISMATCH', 'its key files are not those of the charter: give it the right ones'],
])

function silent(what: string, error: unknown, signal: AbortSignal): Symptom {
  signal.throwIfAborted()
  if (!(error instanceof CallError)) throw error
  const advice = stopped.has(error.code) ? 'start it again: hutong dev start …' : 'look into its log; nothing is lost'
  return bad(what, error.message, advice)
}

const stopped: ReadonlySet<string> = new Set(['HUB_NOT_RUNNING', 'ZONE_NOT_RUNNING'])

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
