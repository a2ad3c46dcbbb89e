import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { boxCharterName } from '@hutong/cli'
import type { Charter, LicenceIssued } from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { CallError, createLogClient, createPublisherClient, type PublishedEvent } from '@hutong/sdk'
import { charterFromBytes, decodeHubLeaf, decodePayload } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BoxProcess, boxFileOf, startBoxProcess } from '../constellation/box-process.ts'
import { hutongJson, projectFolder } from '../constellation/command-line.ts'
import { licenceOf } from '../constellation/invented.ts'

const zones = ['beijing', 'tianjin', 'langfang'] as const
const rounds = 3 * Number(process.env.HUTONG_RUNS ?? 1)
const seed = Number(process.env.HUTONG_SEED ?? Date.now() % 1_000_000)
const rowsPerImport = 2_000
/** A command needs about so long before its first event leaves, and about so long to its end; the kill falls in between. */
const importSpanMs = { from: 400, to: 1_800 }
/** In some rounds the next start is killed too, within this. */
const startSpanMs = 2_500
const startKillShare = 0.4
const roundLimitMs = 60_000

describe('kill -9 of the whole box', () => {
  let dataDir: string
  let box: BoxProcess
  const random = randomFrom(seed)
  const between = (from: number, to: number) => Math.round(from + random() * (to - from))
  const environment = () => ({ HUTONG_DATA: dataDir })
  /** Every licence of every file, by identifier. */
  const listed = new Set<string>()
  let answersKept = 0

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'killed-'))
    box = startBoxProcess(dataDir, zones.join())
    await box.ready
    console.log(`engine: SQLite, one process; ${rounds} rounds, HUTONG_SEED=${seed}`)
  })
  afterAll(async () => {
    await box[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true, force: true })
  })

  for (let round = 1; round <= rounds; round += 1) {
    const name = `at a random moment of an import, round ${round}: nothing answered is lost, nothing is there twice`
    it(name, { timeout: roundLimitMs }, async () => {
      const file = await writeRows(round)
      const killedAfterMs = between(importSpanMs.from, importSpanMs.to)
      const [acknowledged] = await Promise.all([publishOneByOne(round), importUntilKilled(file, killedAfterMs)])
      if (random() < startKillShare) await killWhileStarting()
      box = startBoxProcess(dataDir)
      await box.ready

      const args = ['licence', 'import', file, '--zone-field', 'zone']
      const { exitCode, json } = await hutongJson<Summary>(environment(), ...args)
      const told = `${json.duplicates} were in, ${json.published} were missing, ${acknowledged.length} other answers kept`
      console.log(`killed after ${killedAfterMs} ms: ${told}`)
      expect({ exitCode, ...json }).toMatchObject({ exitCode: 0, read: rowsPerImport, refusedCount: 0 })
      expect(json.published + json.duplicates).toBe(rowsPerImport)

      const { times, leaves } = await logged()
      expect([...times].filter(([, count]) => count !== 1)).toEqual([])
      expect(times.size).toBe(round * rowsPerImport)
      answersKept += acknowledged.length
      for (const { origin, index, leafHash, position } of acknowledged) {
        const leaf = leaves.get(`${origin}/${index}`)
        expect(leaf?.hash).toBe(hex(leafHash))
        if (position !== undefined) expect(leaf?.position).toBe(position)
      }
    })
  }

  it('afterwards a replay agrees with every zone', async () => {
    const { exitCode, json } = await hutongJson<Replayed>(environment(), 'audit', 'replay')
    expect(json.verifiers.map(({ zone, kind }) => [zone, kind])).toEqual(zones.map((zone) => [zone, 'agrees']))
    expect({ exitCode, outcome: json.outcome }).toEqual({ exitCode: 0, outcome: 'agrees' })
    // Without answers to hold the logs against, the rounds would have shown nothing about what was promised.
    expect(answersKept).toBeGreaterThan(0)
  })

  async function writeRows(round: number): Promise<string> {
    const charter = await charterOf(dataDir)
    const rows = Array.from({ length: rowsPerImport }, (_, at) => {
      const zone = zones[at % zones.length]!
      return rowOf(zone, licenceOf(charter, zone, `K${round}N${at}`))
    })
    for (const { ZZBS } of rows) listed.add(ZZBS)
    const table = [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]
    const file = join(dataDir, 'logs', `round-${round}.csv`)
    await writeFile(file, table.map((line) => `${line.join()}\n`).join(''))
    return file
  }

  async function importUntilKilled(file: string, afterMs: number): Promise<void> {
    const main = join(projectFolder, 'packages', 'cli', 'src', 'main.ts')
    const args = [main, 'licence', 'import', file, '--zone-field', 'zone']
    const importing = spawn(process.execPath, args, { env: { ...process.env, ...environment() }, stdio: 'ignore' })
    const ended = once(importing, 'close')
    await pause(afterMs)
    box.send('SIGKILL')
    expect(await box.ended).toMatchObject({ signal: 'SIGKILL' })
    importing.kill('SIGKILL')
    await ended
  }

  async function killWhileStarting(): Promise<void> {
    box = startBoxProcess(dataDir)
    await pause(between(0, startSpanMs))
    box.send('SIGKILL')
    await box.ended
  }

  /** A caller who keeps every answer, until the box is gone. */
  async function publishOneByOne(round: number): Promise<readonly PublishedEvent[]> {
    const { grpc, tokens } = await boxFileOf(dataDir)
    const charter = await charterOf(dataDir)
    const [zone] = zones
    using publisher = createPublisherClient(grpc, { zone, token: tokens[zone]!.client! })
    const acknowledged: PublishedEvent[] = []
    for (let at = 0; ; at += 1) {
      const item = { requestId: `W${round}N${at}`, event: licenceOf(charter, zone, `W${round}N${at}`) }
      try {
        const [outcome] = await publisher.publish([item], { waitFor: at % 2 === 0 ? 'sealed' : 'sequenced' })
        if (outcome?.kind !== 'published') throw new Error(`refused: ${outcome?.refusal.code}`)
        acknowledged.push(outcome)
      } catch (error) {
        if (error instanceof CallError && error.kind === 'unavailable') return acknowledged
        throw error
      }
    }
  }

  /** What stands in the zones' logs, as the hub has them: how often each listed licence, and the leaf at each place. */
  async function logged(): Promise<{
    readonly times: ReadonlyMap<string, number>
    readonly leaves: ReadonlyMap<string, { readonly hash: string; readonly position: bigint }>
  }> {
    const { grpc, tokens } = await boxFileOf(dataDir)
    using log = createLogClient(grpc, { token: tokens.hub!.auditor! })
    const times = new Map([...listed].map((identifier) => [identifier, 0]))
    const leaves = new Map<string, { readonly hash: string; readonly position: bigint }>()
    for await (const { record } of log.read({ fromIndex: 0n })) {
      if (record?.record?.$case !== 'entry') continue
      const { index: position, leaf: hubLeaf, entries } = record.record.value
      const reading = decodeHubLeaf(hubLeaf)
      if (reading.kind !== 'hub_leaf' || reading.leaf.entry.kind !== 'batch') continue
      const { origin, oldSize } = reading.leaf.entry
      for (const [place, { leaf, payload }] of entries.entries()) {
        leaves.set(`${origin}/${oldSize + BigInt(place)}`, { hash: hex(sha256Tree.leaf(leaf)), position })
        const identifier = issuedIn(payload)
        if (listed.has(identifier)) times.set(identifier, times.get(identifier)! + 1)
      }
    }
    return { times, leaves }
  }
})

async function charterOf(dataDir: string): Promise<Charter> {
  const reading = charterFromBytes(await readFile(join(dataDir, boxCharterName)))
  if (reading.kind !== 'charter') throw new Error(reading.why)
  return reading.charter
}

/** The licence that a payload issues; empty for none. */
function issuedIn(payload: Uint8Array): string {
  const reading = decodePayload(payload)
  const event = reading.kind === 'payload' ? reading.payload.event : undefined
  return event?.kind === 'licence_issued' ? event.identifier : ''
}

interface Summary {
  readonly read: number
  readonly published: number
  readonly duplicates: number
  readonly refusedCount: number
}

interface Replayed {
  readonly outcome: string
  readonly verifiers: readonly { readonly zone: string; readonly kind: string }[]
}

function rowOf(zone: string, licence: LicenceIssued) {
  return {
    ZZMC: licence.name,
    ZZLXDM: licence.licenceType,
    ZZBH: licence.number,
    ZZBS: licence.identifier,
    ZZBFJG: licence.authorityName,
    ZZBFJGDM: licence.authority,
    ZZBFRQ: licence.issuedOn,
    CZZT: licence.holder.name,
    CZZTDM: licence.holder.code,
    CZZTDMLXDM: licence.holder.codeType,
    ZZYXQQSRQ: licence.validFrom,
    ZZYXQJZRQ: licence.validUntil,
    zone,
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
