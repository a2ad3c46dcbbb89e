import { sha256 } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import { readEvent } from './kept.ts'
import { World } from './world.ts'

const world = new World({ suite: 'Ed25519' })
world.publish('beijing', world.licence('beijing', '0001'))
world.observe('beijing')
const [licence, heartbeat] = world.copy().events as [ReadEventOf, ReadEventOf]
type ReadEventOf = ReturnType<World['copy']>['events'][0]

describe('a kept event', () => {
  it('is read as it was followed', () => {
    expect(readEvent(licence.kept)).toEqual(licence)
    expect(licence.reading).toMatchObject({ kind: 'read', subjectMatches: true })
    expect(heartbeat.reading).toMatchObject({ kind: 'read', subjectString: undefined, subjectMatches: true })
    expect(heartbeat.subject).toBe('00'.repeat(32))
  })

  it('is missing without its payload, and mismatched with another, or another salt', () => {
    const reading = (changes: Partial<typeof licence.kept>) => readEvent({ ...licence.kept, ...changes })?.reading.kind
    expect(reading({ payload: new Uint8Array(0) })).toBe('missing')
    expect(reading({ payload: heartbeat.kept.payload })).toBe('mismatch')
    expect(reading({ salt: heartbeat.kept.salt })).toBe('mismatch')
    expect(reading({ salt: new Uint8Array(0) })).toBe('mismatch')
  })

  it('is not read where the leaf is not the one that its hash or index names: our own copy is broken', () => {
    const leaf = Buffer.from(licence.kept.leaf)
    leaf[leaf.length - 1]! ^= 1
    expect(readEvent({ ...licence.kept, leaf })).toBeUndefined()
    expect(readEvent({ ...licence.kept, leaf: heartbeat.kept.leaf })).toBeUndefined()
    expect(readEvent({ ...licence.kept, index: 1n })).toBeUndefined()
    const nonsense = Uint8Array.of(1, 2, 3)
    const leafHash = sha256(Buffer.concat([Buffer.of(0), nonsense]))
    expect(readEvent({ ...licence.kept, leaf: nonsense, leafHash })).toBeUndefined()
  })
})
