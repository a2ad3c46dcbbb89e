import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { boxCharterName } from '@hutong/cli'
import { sha256Tree } from '@hutong/merkle'
import { CallError, createLogClient, createPublisherClient, type PublishedEvent } from '@hutong/sdk'
import { charterFromBytes, decodeHubLeaf } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BoxProcess, boxFileOf, startBoxProcess } from '../constellation/box-process.ts'
import { startEmbedded } from '../constellation/embedded.ts'
import { licenceOf } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

/** A box that is asked to stop is gone within this (X20). */
const drainLimitMs = 10_000

describe('a box as a process', () => {
  let dataDir: string
  let box: BoxProcess

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'box-'))
    box = startBoxProcess(dataDir, 'beijing,tianjin,langfang')
    await box.ready
    console.log('engine: SQLite, one process')
  })
  afterAll(async () => {
    await box[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('refuses data that another one has, by its name, and the other goes on (X5)', async () => {
    await using second = startBoxProcess(dataDir)
    expect(await second.ended).toMatchObject({ exitCode: 7 })
    expect(second.said()).toContain(`${dataDir} is in use by another box`)
    expect((await boxFileOf(dataDir)).pid).toBe(box.pid)
    expect(await publishUntilGone('X5', 1)).toHaveLength(1)
  })

  it('told to stop under load it drains within ten seconds and has lost nothing that it answered (X20)', async () => {
    const answers = Promise.all(['A', 'B', 'C', 'D'].map((name) => publishUntilGone(`X20${name}`)))
    await pause(1_000)
    const toldMs = performance.now()
    box.send('SIGTERM')
    expect(await box.ended).toEqual({ exitCode: 0, signal: null })
    const tookMs = performance.now() - toldMs
    console.log(`drained in ${Math.round(tookMs)} ms`)
    expect(tookMs).toBeLessThan(drainLimitMs)
    const acknowledged = (await answers).flat()
    expect(acknowledged.length).toBeGreaterThan(0)

    box = startBoxProcess(dataDir)
    await box.ready
    await until('all are in the hub’s log', leaves, (found) =>
      acknowledged.every(({ origin, index, leafHash }) => found.get(`${origin}/${index}`) === hex(leafHash)),
    )
  })

  /** One event after the other, until there are so many or nobody answers any more. */
  async function publishUntilGone(name: string, many = Number.POSITIVE_INFINITY): Promise<readonly PublishedEvent[]> {
    const { grpc, tokens } = await boxFileOf(dataDir)
    const reading = charterFromBytes(await readFile(join(dataDir, boxCharterName)))
    if (reading.kind !== 'charter') throw new Error(reading.why)
    using publisher = createPublisherClient(grpc, { zone: 'beijing', token: tokens.beijing!.client! })
    const acknowledged: PublishedEvent[] = []
    while (acknowledged.length < many) {
      const serial = `${name}N${acknowledged.length}`
      const item = { requestId: serial, event: licenceOf(reading.charter, 'beijing', serial) }
      try {
        const [outcome] = await publisher.publish([item], { waitFor: 'sealed' })
        if (outcome?.kind !== 'published') return acknowledged
        acknowledged.push(outcome)
      } catch (error) {
        if (error instanceof CallError) return acknowledged
        throw error
      }
    }
    return acknowledged
  }

  /** The hash of every zone leaf that the hub has, by event id. */
  async function leaves(): Promise<ReadonlyMap<string, string>> {
    const { grpc, tokens } = await boxFileOf(dataDir)
    using log = createLogClient(grpc, { token: tokens.hub!.auditor! })
    const found = new Map<string, string>()
    for await (const { record } of log.read({ fromIndex: 0n })) {
      if (record?.record?.$case !== 'entry') continue
      const hubLeaf = decodeHubLeaf(record.record.value.leaf)
      if (hubLeaf.kind !== 'hub_leaf' || hubLeaf.leaf.entry.kind !== 'batch') continue
      const { origin, oldSize } = hubLeaf.leaf.entry
      for (const [place, { leaf }] of record.record.value.entries.entries()) {
        found.set(`${origin}/${oldSize + BigInt(place)}`, hex(sha256Tree.leaf(leaf)))
      }
    }
    return found
  }
})

describe('clocks', () => {
  it.each([3_600_000, -3_600_000])(
    'a zone whose clock is %d ms off seals nothing and says so, the others go on (X9)',
    async (offMs) => {
      let wrongMs = 0
      await using world = await startEmbedded({
        zones: ['beijing', 'tianjin', 'langfang', 'xiqing'],
        settings: { publisher: { hubPollMs: 200 } },
        faults: { zoneClock: (zone, clock) => () => clock() + (zone === 'xiqing' ? wrongMs : 0) },
      })
      const licence = (zone: string) => licenceOf(world.box.alliance.charter, zone, 'X9')
      wrongMs = offMs
      await until(
        'it refuses',
        () => world.publisherStatus('xiqing'),
        ({ refuses }) => refuses === 'CLOCK_OFF',
      )
      const { size } = await world.publisherStatus('xiqing')
      await expect(world.issue('xiqing', licence('xiqing'), 'sealed')).rejects.toMatchObject({ code: 'CLOCK_OFF' })
      expect((await world.publisherStatus('xiqing')).size).toBe(size)
      expect(await world.issue('beijing', licence('beijing'))).toMatchObject({ stage: 'witnessed' })
      wrongMs = 0
      await until(
        'it goes on',
        () => world.issue('xiqing', licence('xiqing')),
        ({ kind }) => kind === 'published',
      )
    },
  )
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
