import { formatTlogProof, parseTlogProof } from '@hutong/merkle'
import { hubLeafProof, proofEventOf } from '@hutong/verify/proof-world'
import { type Published, revoked, suspended, World } from '@hutong/verify/world'
import { beforeEach, describe, expect, it } from 'vitest'
import { exportProof, type ProofSources } from './export-proof.ts'
import { verifyProof } from './offline.ts'

const nothing = Buffer.alloc(0)

let world: World
let events: Published[]

beforeEach(() => {
  world = new World({ suite: 'Ed25519' })
  const licence = world.licence('beijing', '0001')
  events = [licence, suspended(licence), revoked(licence)].map((event) => world.publish('beijing', event))
})

/** A verifier and a hub that answer out of the world as the services do; `at` is the size of the cosigned head. */
function sources(options: { readonly at?: bigint; readonly withoutPayload?: bigint } = {}): ProofSources {
  const { at = world.size, withoutPayload } = options
  return {
    charter: world.charters[0]!.bytes,
    verifier: {
      async licenceEvents() {
        const told = events.map(({ origin, index, position, place, entry }) => ({
          ...{ origin, index, position, place, leaf: Buffer.from(entry.leaf), salt: Buffer.from(entry.salt) },
          payload: index === withoutPayload ? nothing : Buffer.from(entry.payload),
        }))
        return { events: told, position: world.size, zone: 'beijing' }
      },
    },
    log: {
      async heads() {
        return { head: Buffer.from(world.head()), cosigned: Buffer.from(world.cosignedHead({ size: at })) }
      },
      async charters(fromNumber) {
        const charters = world.charters.slice(Number(fromNumber)).map(({ bytes, position }) => ({
          ...{ charter: Buffer.from(bytes), leaf: Buffer.from(world.records[Number(position)]!.leaf), index: position },
          inclusionProof: [],
        }))
        return { charters, head: Buffer.from(world.head()) }
      },
      async inclusionProof(index, size) {
        const proof = parsed(await hubLeafProof(world, index, world.cosignedHead({ size }), size))
        return { proof: proof.hashes.map((hash) => Buffer.from(hash)) }
      },
      async receipt(_origin, index) {
        const published = events.find((event) => event.index === index)!
        const { position } = published
        if (position >= at) return { witnessed: false, position, batchProof: '', eventProof: '' }
        const { leaf, eventProof, batchProof } = await proofEventOf(
          world,
          published,
          world.cosignedHead({ size: at }),
          at,
        )
        const withLeaf = formatTlogProof({ ...parsed(eventProof), extra: leaf })
        return { witnessed: true, position, batchProof: text(batchProof), eventProof: text(withLeaf) }
      },
    },
  }
}

function parsed(proof: Uint8Array) {
  const read = parseTlogProof(proof)
  if (read.kind === 'refused') throw new Error(read.reason)
  return read
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const asked = '1.2.3'

describe('the export of a proof', () => {
  it('gives a file that holds up to the last event', async () => {
    const exported = await exportProof(sources(), asked)
    expect(exported).toMatchObject({ kind: 'exported', verdict: { index: events[2]!.index } })
    if (exported.kind !== 'exported') return
    expect(verifyProof(exported.bytes, world.charters[0]!.bytes)).toEqual(exported.verdict)
  })

  it('ends at the event asked for', async () => {
    const exported = await exportProof(sources(), asked, { upTo: events[1]!.index })
    expect(exported).toMatchObject({ kind: 'exported', verdict: { index: events[1]!.index } })
    expect(await exportProof(sources(), asked, { upTo: 77n })).toEqual({ kind: 'no_such_event', index: 77n })
  })

  it('carries the charters below the head', async () => {
    world.changeCharter((charter) => ({ ...charter, heartbeatMs: 30_000 }))
    const before = world.size
    world.changeCharter((charter) => ({ ...charter, heartbeatMs: 20_000 }))
    expect(await exportProof(sources(), asked)).toMatchObject({ kind: 'exported', verdict: { charter: 2n } })
    expect(await exportProof(sources({ at: before }), asked)).toMatchObject({ verdict: { charter: 1n } })
  })

  it('waits for the witnesses of the last event, and says which', async () => {
    const { origin, index } = events[2]!
    expect(await exportProof(sources({ at: world.size - 1n }), asked)).toEqual({ kind: 'not_witnessed', origin, index })
  })

  it('is not made without a payload', async () => {
    const { origin, index } = events[1]!
    const made = await exportProof(sources({ withoutPayload: index }), asked)
    expect(made).toEqual({ kind: 'payload_missing', origin, index })
  })

  it('is not given where a verifier keeps an event back', async () => {
    const { verifier, ...rest } = sources()
    const forgetful = {
      async licenceEvents() {
        const told = await verifier.licenceEvents('')
        return { ...told, events: told.events.filter((_, at) => at !== 1) }
      },
    }
    expect(await exportProof({ ...rest, verifier: forgetful }, asked)).toMatchObject({
      kind: 'fails',
      code: 'EVENT_LEFT_OUT',
    })
  })

  it('is not given under another charter 0', async () => {
    const charter = new World({ suite: 'Ed25519', zones: ['a', 'b', 'c'] }).charters[0]!.bytes
    expect(await exportProof({ ...sources(), charter }, asked)).toMatchObject({ kind: 'fails' })
  })
})
