import { World } from '@hutong/verify/world'
import { type DigestRequest, type ReadRequest, recordToWire } from '@hutong/wire'
import { describe, expect, it } from 'vitest'
import { recordSourceOfHub, verifierPeer } from './index.ts'

const nothing = Buffer.alloc(0)

describe('the hub as a source', () => {
  it('asks for all records with their payloads and for none that are still to come', async () => {
    const world = new World({ suite: 'Ed25519' })
    const asked: ReadRequest[] = []
    const source = recordSourceOfHub({
      async *read(request) {
        asked.push(request)
        for (const record of world.records) yield { record: recordToWire(record) }
      },
      heads: async () => ({ head: nothing, cosigned: nothing }),
    })
    expect(await all(source.records(7n))).toEqual(world.records)
    expect(asked).toEqual([{ fromIndex: 7n, follow: false, withoutPayloads: false }])
  })

  it('hands on what is no record as that, and does not stop', async () => {
    const source = recordSourceOfHub({
      async *read() {
        yield { record: undefined }
        yield { record: { record: undefined } }
        yield { record: recordToWire({ kind: 'head', checkpoint: Uint8Array.of(1) }) }
      },
      heads: async () => ({ head: nothing, cosigned: nothing }),
    })
    const kinds = (await all(source.records(0n))).map(({ kind }) => kind)
    expect(kinds).toEqual(['unreadable', 'unreadable', 'head'])
  })
})

describe('a verifier as a peer', () => {
  const refusal = { code: 'NOT_YET', field: '', expected: '', zh: '未到', en: 'not yet' }
  const digest = { position: 3n, root: nothing, rows: 1n, digest: nothing, row: nothing }

  it('passes the question on and a refusal back', async () => {
    const asked: DigestRequest[] = []
    const answers = [
      { ...digest, refusal: undefined },
      { ...digest, refusal },
    ]
    const peer = verifierPeer('tianjin', {
      status: async () => ({ position: 3n, head: nothing }),
      digest: async (request) => {
        asked.push(request)
        return answers[asked.length - 1]!
      },
    })
    expect(await peer.standing()).toMatchObject({ position: 3n })
    expect(await peer.digest(3n, 4n, 1n)).toMatchObject({ kind: 'digest', ...digest })
    expect(await peer.digest(3n, 0n, 0n)).toEqual({ kind: 'refused', code: 'NOT_YET', reason: 'not yet' })
    expect(asked[0]).toEqual({ position: 3n, from: 4n, count: 1n })
  })
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
