import { formatTlogProof, parseTlogProof } from '@hutong/merkle'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Receipt, verifyReceipt } from './proof-receipt.ts'
import { hubLeafProof, proofEventOf } from './proof-world.ts'
import { type Published, revoked, World } from './world.ts'

const world = new World({ suite: 'SM2-SM3' })
const charter = world.charters[0]!.bytes
const licence = world.licence('beijing', '0001')
const [issued, revocation] = world.publishBatch('beijing', [licence, revoked(licence)]) as [Published, Published]
const later = world.publish('beijing', world.licence('beijing', '0002'))

/** As the hub gives it: the event's leaf in `extra` too. */
async function receiptOf(published: Published): Promise<Required<Receipt>> {
  const { leaf, eventProof, batchProof } = await proofEventOf(world, published)
  const parsed = parseTlogProof(eventProof)
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return { batchProof, eventProof: formatTlogProof({ ...parsed, extra: leaf }) }
}

function code(receipt: Receipt, bytes = charter, pinned?: Uint8Array): string {
  const checked = verifyReceipt(receipt, bytes, pinned)
  return checked.kind === 'holds' ? 'holds' : `${checked.code} ${checked.where}`
}

let receipt: Required<Receipt>

beforeAll(async () => {
  receipt = await receiptOf(revocation)
})

describe('a receipt', () => {
  it('shows the batch and the event in it', () => {
    expect(verifyReceipt(receipt, charter, world.pinnedSha256)).toMatchObject({
      kind: 'holds',
      zone: 'beijing',
      origin: 'test.hutong.example/z/beijing/1',
      oldSize: 0n,
      newSize: 2n,
      position: 1n,
      receivedAtMs: Date.UTC(2026, 5, 1),
      event: { index: 1n, loggedAtMs: Date.UTC(2026, 5, 1) },
    })
  })

  it('shows the batch alone where the event is not given', () => {
    const checked = verifyReceipt({ batchProof: receipt.batchProof }, charter)
    expect(checked).toMatchObject({ kind: 'holds', newSize: 2n, event: undefined })
  })

  it('fails with the batch of another event', async () => {
    const { batchProof } = await receiptOf(later)
    expect(code({ ...receipt, batchProof })).toBe('EVENT_NOT_IN_BATCH eventProof')
  })

  it('fails with the leaf of another event, and without one', () => {
    const parsed = parseTlogProof(receipt.eventProof)
    if (parsed.kind === 'refused') throw new Error(parsed.reason)
    const eventProof = formatTlogProof({ ...parsed, extra: issued.entry.leaf })
    expect(code({ ...receipt, eventProof })).toBe('NOT_INCLUDED eventProof')
    const { index, hashes, signedCheckpoint } = parsed
    expect(code({ ...receipt, eventProof: formatTlogProof({ index, hashes, signedCheckpoint }) })).toBe(
      'PROOF_UNREADABLE eventProof',
    )
  })

  it('fails for the leaf of a charter, under another charter, and without a quorum', async () => {
    expect(code({ batchProof: await hubLeafProof(world, 0n) })).toBe('HUB_LEAF_REFUSED batchProof')
    expect(code(receipt, charter, new Uint8Array(32))).toBe('CHARTER_REFUSED charter')
    expect(code({ batchProof: await hubLeafProof(world, 1n, world.cosignedHead({ zones: ['tianjin'] })) })).toBe(
      'QUORUM_MISSED batchProof',
    )
  })

  it('fails with any byte flipped', () => {
    const held: string[] = []
    for (const name of ['batchProof', 'eventProof'] as const) {
      for (let at = 0; at < receipt[name].length; at += 7) {
        const flipped = Buffer.from(receipt[name])
        flipped[at]! ^= 1
        if (code({ ...receipt, [name]: flipped }) === 'holds') held.push(`${name} ${at}`)
      }
    }
    expect(held).toEqual([])
  })
})
