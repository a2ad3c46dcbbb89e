import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ReplayReport } from '@hutong/audit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { licenceOf } from '../constellation/invented.ts'

// What somebody with the file of a verifier in hand can do to one event, so that the verifier cannot read it any more.

describe('a row that was damaged behind a verifier’s back', () => {
  let world: EmbeddedConstellation
  let rows: EventRows
  let eventId: string
  let key: string

  beforeAll(async () => {
    world = await startEmbedded({ zones: ['beijing', 'tianjin'] })
    console.log(`engine: ${world.engine}`)
    const { charter } = world.box.alliance
    for (const serial of ['D1', 'D2', 'D3']) await world.issue('beijing', licenceOf(charter, 'beijing', serial))
    const outcome = await world.issue('beijing', licenceOf(charter, 'beijing', 'D4'))
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.code)
    eventId = `${outcome.origin}/${outcome.index}`
    rows = new EventRows(join(world.folder('tianjin'), 'verifier.sqlite'))
    key = rows.keyOf(outcome.origin, outcome.index)
  })
  afterAll(async () => {
    rows[Symbol.dispose]()
    await world[Symbol.asyncDispose]()
  })

  it.each<[string, (value: Buffer) => Buffer]>([
    ['a byte of its leaf is flipped', (value) => flipped(value, value.readUInt16BE(0) + 4)],
    ['its leaf hashes to something else', (value) => flipped(value, value.readUInt16BE(0) + 4 + 60)],
    ['its encoding is broken', (value) => flipped(value, 2)],
    ['it is cut off', (value) => value.subarray(0, 30)],
    ['it is empty', () => Buffer.alloc(0)],
    ['its payload is altered', (value) => flipped(value, value.length - 20)],
  ])('is found and named where %s', async (_, damage) => {
    const before = rows.valueAt(key)
    rows.put(key, damage(before))
    const spoilt = await world.auditReplay()
    rows.put(key, before)
    const [, , subject] = /^(\w+)\/([0-9a-f]{64})\//.exec(key)!
    expect(spoilt.outcome).toBe('differs')
    expect(found(spoilt)).toMatchObject({
      zone: 'tianjin',
      kind: 'row_differs',
      difference: { kind: 'altered', zone: 'beijing', subject, events: [{ eventId }] },
    })
    expect((await world.auditReplay()).outcome).toBe('agrees')
  })
})

function found({ verifiers }: ReplayReport): ReplayReport['verifiers'][number] | undefined {
  return verifiers.find(({ kind }) => kind !== 'agrees')
}

/** The event rows of a verifier's file. */
class EventRows implements Disposable {
  readonly #database: DatabaseSync

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 5_000 })
  }

  keyOf(origin: string, index: bigint): string {
    const where = 'WHERE instr(value, CAST(? AS BLOB)) > 0'
    const row = this.#database
      .prepare(`SELECT key FROM collection_events ${where}`)
      .get(`"origin":"${origin}","index":"${index}"`)
    return row!.key as string
  }

  valueAt(key: string): Buffer {
    const row = this.#database.prepare('SELECT value FROM collection_events WHERE key = ?').get(key)
    return Buffer.from(row!.value as Uint8Array)
  }

  put(key: string, value: Uint8Array): void {
    this.#database.prepare('UPDATE collection_events SET value = ? WHERE key = ?').run(value, key)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

function flipped(bytes: Uint8Array, at: number): Buffer {
  const altered = Buffer.from(bytes)
  altered[at]! ^= 1
  return altered
}
