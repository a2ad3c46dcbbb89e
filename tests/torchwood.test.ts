import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTlogProof } from '@hutong/merkle'
import { hubLeafProof, proofEventOf } from '@hutong/verify/proof-world'
import { World } from '@hutong/verify/world'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hutong } from './constellation/command-line.ts'
import { buildTorchwood, type NoTorchwood, type Torchwood, torchwoodLimitMs } from './torchwood/torchwood.ts'

/** An alliance in which SM2 decides: what a foreign tool reads is the Ed25519 line beside it. */
const world = new World({ suite: 'SM2-SM3', zones: ['beijing', 'tianjin', 'langfang', 'xiqing'] })
const serials = ['0001', '0002', '0003', '0004', '0005']
const published = world.publishBatch(
  'beijing',
  serials.map((serial) => world.licence('beijing', serial)),
)
for (const zone of world.zones) world.observe(zone)

describe('a receipt, checked by torchwood', () => {
  let built: Torchwood | NoTorchwood
  let folder: string
  /** The policies as `hutong receipt policy` prints them. */
  let ofHub: string
  let ofZone: string

  beforeAll(async () => {
    built = await buildTorchwood()
    folder = await mkdtemp(join(tmpdir(), 'receipt-policy-'))
    const charter = join(folder, 'charter-0.bin')
    await writeFile(charter, world.charters[0]!.bytes)
    const policy = async (...args: string[]) =>
      (await hutong({}, 'receipt', 'policy', '--charter', charter, ...args)).stdout
    ofHub = await policy()
    ofZone = await policy('--zone', 'beijing')
  }, torchwoodLimitMs)
  afterAll(async () => {
    if (built?.kind === 'built') await built[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach((ctx) => {
    if (built.kind === 'absent') ctx.skip(`torchwood: ${built.reason}`)
  })
  const check: Torchwood['check'] = (...args) => (built as Torchwood).check(...args)

  it('has its batch in the cosigned log of the hub, under the policy of the charter', async () => {
    for (let position = 0n; position < world.size; position++) {
      expect(await check(ofHub, await hubLeafProof(world, position))).toMatchObject({ included: true })
    }
  })

  it('has its event in the log of the zone', async () => {
    for (const event of published) {
      const { eventProof, leaf } = await proofEventOf(world, event)
      const hash = Buffer.from(event.leafHash).toString('base64')
      expect(await check(ofZone, eventProof, leaf)).toEqual({ included: true, said: `included ${hash}\n` })
    }
  })

  it('is refused with another leaf, under another policy, and where too few have cosigned', async () => {
    const { eventProof, batchProof } = await proofEventOf(world, published[1]!)
    expect(await check(ofZone, eventProof, published[2]!.entry.leaf)).toMatchObject({ included: false })
    expect(await check(ofHub, eventProof, published[1]!.entry.leaf)).toMatchObject({ included: false })
    expect(await check(ofZone, batchProof)).toMatchObject({ included: false })
    // Four witnesses, of whom three are a quorum.
    const heads = [
      ['beijing', 'tianjin'],
      ['beijing', 'tianjin', 'xiqing'],
    ].map((zones) => world.cosignedHead({ zones }))
    const answers = []
    for (const head of heads) answers.push((await check(ofHub, await hubLeafProof(world, 1n, head))).included)
    expect(answers).toEqual([false, true])
  })

  it('is refused with a byte of it flipped, wherever our own reader refuses it', async () => {
    const proof = await hubLeafProof(world, 1n)
    const parsed = parseTlogProof(proof)
    if (parsed.kind === 'refused') throw new Error(parsed.reason)
    const text = Buffer.from(proof).toString('latin1')
    for (const at of [0, text.indexOf('extra ') + 20, text.indexOf('\nindex ') + 7, text.indexOf('\n\n') - 5]) {
      const flipped = Buffer.from(proof)
      flipped[at]! ^= 1
      expect([at, (await check(ofHub, flipped)).included]).toEqual([at, false])
    }
  })
})
