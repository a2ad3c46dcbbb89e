import { describe, expect, it } from 'vitest'
import { followEntry, startFollowing } from './follow.ts'
import { decodeFollowState, encodeFollowState, FollowStateError } from './follow-state.ts'
import { suspended, World } from './world.ts'

const world = new World()
const licence = world.licence('beijing', '0001')
world.publish('beijing', licence)
world.publish('tianjin', world.declaration('tianjin'))
world.changeCharter((charter) => charter)
const charters = world.charters.map(({ position, charter, bytes, note }) => ({
  position,
  number: charter.number,
  bytes,
  note,
}))
const { state } = world.copy()
const encoded = encodeFollowState(state)
const text = Buffer.from(encoded).toString('utf8')

describe('a follow state', () => {
  it('is what was written, and following goes on from it', () => {
    const decoded = decodeFollowState(encoded, charters)
    expect(Buffer.from(encodeFollowState(decoded))).toEqual(Buffer.from(encoded))
    expect(decoded).toMatchObject({ position: 4n, receivedAtMs: state.receivedAtMs })
    expect(decoded.trust?.charters.map(({ position }) => position)).toEqual([0n, 3n])
    world.publish('beijing', suspended(licence))
    const next = world.records[4]!
    const [from, kept] = [followEntry(decoded, next), followEntry(state, next)]
    if (from.kind === 'refused' || kept.kind === 'refused') throw new Error('refused')
    expect(Buffer.from(encodeFollowState(from.state))).toEqual(Buffer.from(encodeFollowState(kept.state)))
  })

  it('is one also before leaf 0', () => {
    const start = startFollowing(world.pinnedSha256)
    expect(encodeFollowState(decodeFollowState(encodeFollowState(start), []))).toEqual(encodeFollowState(start))
  })

  it.each([
    ['no JSON', text.slice(0, -1)],
    ['nothing', ''],
    ['null', 'null'],
    ['another version', text.replace('"version":1', '"version":2')],
    ['a position that is none', text.replace('"position":"4"', '"position":"-4"')],
    ['a position as a number', text.replace('"position":"4"', '"position":4')],
    ['a position that its edge has not', text.replace('"position":"4"', '"position":"5"')],
    ['no edge', text.replace(/"hubEdge":"[^"]*"/, '"hubEdge":""')],
    ['a half edge', text.replace(/"hubEdge":"[^"]{40}/, '"hubEdge":"')],
    ['no logs', text.replace(/"logs":\[.*\]/, '"logs":null')],
    ['a log without its edge', text.replace(/"edge":"[^"]*",/, '')],
    ['a time that is none', text.replace(/"receivedAtMs":\d+/, '"receivedAtMs":"now"')],
    ['another pin', text.replace(/"pinnedSha256":"[^"]{4}/, '"pinnedSha256":"AAAA')],
  ])('is refused as ours, damaged: %s', (_, damaged) => {
    expect(damaged).not.toBe(text)
    expect(() => decodeFollowState(Buffer.from(damaged, 'utf8'), charters)).toThrow(FollowStateError)
  })

  it('is refused without its charters, or with others', () => {
    const [zero, one] = charters as [(typeof charters)[0], (typeof charters)[0]]
    expect(() => decodeFollowState(encoded, [])).toThrow(FollowStateError)
    expect(() => decodeFollowState(encoded, [one])).toThrow(FollowStateError)
    expect(() => decodeFollowState(encoded, [zero, zero])).toThrow(FollowStateError)
    expect(() => decodeFollowState(encoded, [zero, { ...one, note: zero.note }])).toThrow(FollowStateError)
    expect(() => decodeFollowState(encoded, [zero, { ...one, position: 4n }])).toThrow(FollowStateError)
    const start = encodeFollowState(startFollowing(world.pinnedSha256))
    expect(() => decodeFollowState(start, [zero])).toThrow(FollowStateError)
  })
})
