import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTlogProof, parsePolicy, parseTlogProof, verifyTlogProof } from '@hutong/merkle'
import { hubLeafProof, proofEventOf, proofFileOf } from '@hutong/verify/proof-world'
import { amended, corrected, renewed, resumed, revoked, suspended, World } from '@hutong/verify/world'
import { proofFileToBytes } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runHere } from './run-cli.ts'

/** Words that a proof must never use, in whatever letters (formats F10). */
const verdictWords = /valid|not.?recognised|undetermined|有效|无效|不受理|无法判定/i

const world = new World({ suite: 'SM2-SM3' })
const licence = world.licence('beijing', '0001')
const next = amended(licence, { name: '变更后的许可证' })
const events = [
  ...[licence, suspended(licence), resumed(licence), corrected(licence, { number: 'N-2' })],
  ...[next, renewed(next.licence, '2060-01-01'), revoked(next.licence)],
].map((event) => world.publish('beijing', event))
const sha256 = Buffer.from(world.pinnedSha256).toString('hex')

let folder: string
const at = (name: string) => join(folder, name)
const charter = () => ['--charter', at('charter-0.bin')]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-cli-proof-'))
  const file = await proofFileOf(world, events)
  const whole = Buffer.from(proofFileToBytes(file))
  const altered = Buffer.from(whole)
  altered[whole.indexOf('"payload":"') + 40]! ^= 1
  const { leaf, eventProof, batchProof } = await proofEventOf(world, events[1]!)
  const parsed = parseTlogProof(eventProof)
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  const written: Record<string, Uint8Array> = {
    'charter-0.bin': world.charters[0]!.bytes,
    'other.bin': new World({ suite: 'SM2-SM3', zones: ['hebei', 'henan', 'shanxi'] }).charters[0]!.bytes,
    'whole.json': whole,
    'altered.json': altered,
    'gap.json': proofFileToBytes({ ...file, events: file.events.filter((_, place) => place !== 1) }),
    batch: batchProof,
    event: formatTlogProof({ ...parsed, extra: leaf }),
    'batch-of-another': await hubLeafProof(world, events[2]!.position),
  }
  for (const [name, bytes] of Object.entries(written)) writeFileSync(at(name), bytes)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('hutong proof verify', () => {
  it('says up to which event it holds, what was logged, and no word of a verdict', async () => {
    const { exitCode, stdout, stderr } = await runHere(['proof', 'verify', at('whole.json'), ...charter()])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^PROOF HOLDS up to event test\.hutong\.example\/z\/beijing\/1\/6, at 2026-06-01T00:00:00\.000Z; what came after it, also before this file was made, is not covered\n证明成立，截至事件 /,
    )
    expect(stdout).toContain('licence_revoked')
    expect(stdout).toContain('periodUntil: 2056-01-01')
    expect(stdout).not.toMatch(verdictWords)
  })

  it('says the same in JSON', async () => {
    const pinned = ['--charter-sha256', sha256]
    const { exitCode, stdout } = await runHere(['proof', 'verify', at('whole.json'), ...charter(), ...pinned, '--json'])
    expect(exitCode).toBe(0)
    expect(stdout).not.toMatch(verdictWords)
    const told = JSON.parse(stdout)
    expect(told).toMatchObject({ holds: true, index: 6, laterEventsCovered: false, zone: 'beijing' })
    expect(told.events.map(({ kind, stands }: { kind: string; stands: boolean }) => [kind, stands])).toEqual([
      ['licence_issued', true],
      ['licence_suspended', true],
      ['licence_resumed', true],
      ['licence_corrected', true],
      ['licence_amended', true],
      ['licence_renewed', true],
      ['licence_revoked', true],
    ])
    expect(told.events[4].content).toMatchObject({ licence: { periodUntil: '2056-01-01' } })
    expect(told.events[0].content).toMatchObject({ identifier: licence.identifier, periodFrom: '2025-01-02' })
  })

  it.each([
    ['an altered byte', ['altered.json'], 'charter-0.bin', /^PROOF FAILS: \w+ events\[0\]\.payload /],
    ['a middle event left out', ['gap.json'], 'charter-0.bin', /^PROOF FAILS: EVENT_LEFT_OUT events\[1\] /],
    ['another charter', ['whole.json'], 'other.bin', /^PROOF FAILS: QUORUM_MISSED firstCharter /],
    ['something else altogether', ['batch'], 'charter-0.bin', /^PROOF FAILS: PROOF_UNREADABLE proof /],
  ])('answers 1 to %s', async (_what, [file], charterName, said) => {
    const { exitCode, stdout } = await runHere(['proof', 'verify', at(file!), '--charter', at(charterName)])
    expect([exitCode, said.test(stdout)]).toEqual([1, true])
    expect(stdout).not.toMatch(verdictWords)
  })

  it('answers 1 where the charter is not the one pinned, and 2 where no digest is given or no file is there', async () => {
    const verify = (...args: string[]) => runHere(['proof', 'verify', ...args])
    expect(await verify(at('whole.json'), ...charter(), '--charter-sha256', '0'.repeat(64))).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^PROOF FAILS: CHARTER_REFUSED charter /),
    })
    expect((await verify(at('whole.json'), ...charter(), '--charter-sha256', 'abc')).exitCode).toBe(2)
    expect((await verify(at('nothing.json'), ...charter())).exitCode).toBe(2)
    expect((await verify(at('whole.json'))).exitCode).toBe(2)
  })
})

describe('hutong receipt', () => {
  it('verify says which event, where, and when', async () => {
    const { exitCode, stdout } = await runHere(['receipt', 'verify', at('batch'), at('event'), ...charter()])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(
      /^RECEIPT HOLDS {2}test\.hutong\.example\/z\/beijing\/1\/1 {2}position 2, 2026-06-01 08:00:00/,
    )
    const batch = await runHere(['receipt', 'verify', at('batch'), ...charter(), '--json'])
    expect(JSON.parse(batch.stdout)).toMatchObject({ holds: true, oldSize: 1, newSize: 2, position: 2 })
  })

  it('verify answers 1 to the texts of two events, and to the texts in the other order', async () => {
    const { exitCode, stdout } = await runHere(['receipt', 'verify', at('batch-of-another'), at('event'), ...charter()])
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/^RECEIPT FAILS: EVENT_NOT_IN_BATCH eventProof /)])
    expect((await runHere(['receipt', 'verify', at('event'), at('batch'), ...charter()])).exitCode).toBe(1)
  })

  it('policy prints what a reader of tlog-policy needs', async () => {
    for (const [args, file] of [
      [[], 'batch'],
      [['--zone', 'beijing'], 'event'],
    ] as const) {
      const { exitCode, stdout } = await runHere(['receipt', 'policy', ...charter(), ...args])
      expect(exitCode).toBe(0)
      const policy = parsePolicy(stdout)
      if (policy.kind === 'refused') throw new Error(policy.reason)
      const proof = file === 'batch' ? await hubLeafProof(world, 2n) : await eventProof()
      const read = parseTlogProof(proof)
      if (read.kind === 'refused') throw new Error(read.reason)
      expect(verifyTlogProof(policy, read.extra!, proof)).toMatchObject({ kind: 'included' })
    }
    expect((await runHere(['receipt', 'policy', ...charter(), '--zone', 'nowhere'])).exitCode).toBe(2)
  })
})

async function eventProof(): Promise<Uint8Array> {
  const { leaf, eventProof: bare } = await proofEventOf(world, events[1]!)
  const read = parseTlogProof(bare)
  if (read.kind === 'refused') throw new Error(read.reason)
  return formatTlogProof({ ...read, extra: leaf })
}
