import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { followEntry, startFollowing } from '@hutong/verify'
import { World } from '@hutong/verify/world'
import { decodeRecord, encodeRecord } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { FoldBook } from './fold-book.ts'

const files = [{ sha256: new Uint8Array(32).fill(1), sm3: new Uint8Array(32).fill(2), sizeBytes: 3n, mediaType: 'x/y' }]

describe('a book of folds', () => {
  it('holds no bytes of the records it was made from', () => {
    const world = new World({ suite: 'Ed25519' })
    world.publishBatch('beijing', [world.licence('beijing', 'A', { files }), world.licence('beijing', 'B', { files })])
    world.publish('beijing', { ...world.licence('beijing', 'C', { files }), authority: world.authority('tianjin') })
    const folds = bookOf(world.records.map(encodeRecord), world.pinnedSha256).folds()
    expect(folds).toHaveLength(3)
    for (const { licence, refusedIssue } of folds) {
      const held = licence.kind === 'none' ? refusedIssue!.licence : licence.licence
      expect(held.files).toEqual(files)
      for (const bytes of [held.files[0]!.sha256, held.files[0]!.sm3]) {
        expect(bytes.buffer.byteLength).toBe(32)
      }
    }
  })

  it('stays below 4 KiB a licence over 20,000 of them', () => {
    const licences = 20_000
    const world = new World({ suite: 'Ed25519' })
    for (let at = 0; at < licences; at += 250) {
      const serials = Array.from({ length: 250 }, (_, place) => `S${at + place}`)
      world.publishBatch(
        'beijing',
        serials.map((serial) => world.licence('beijing', serial, { files })),
      )
    }
    const records = world.records.map(encodeRecord)
    const before = memoryBytes()
    const book = bookOf(records, world.pinnedSha256)
    const perLicence = (memoryBytes() - before) / licences
    expect(book.folds()).toHaveLength(licences)
    console.info(`a fold of one licence: ${Math.round(perLicence)} bytes`)
    expect(perLicence).toBeLessThan(4096)
  })
})

/** Reads each record out of a copy of its own, as the network would hand it over. */
function bookOf(records: readonly Uint8Array[], pinnedSha256: Uint8Array): FoldBook {
  const book = new FoldBook()
  let state = startFollowing(pinnedSha256)
  for (const record of records) {
    const reading = decodeRecord(Uint8Array.from(record))
    if (reading.kind !== 'record' || reading.record.kind !== 'entry') throw new Error('no entry')
    const followed = followEntry(state, reading.record)
    if (followed.kind === 'refused') throw new Error(followed.reason)
    state = followed.state
    for (const event of followed.events) book.take(event, state.trust!)
  }
  return book
}

/** What is in use once nothing is left to collect. */
function memoryBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
