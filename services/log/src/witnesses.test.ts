import { openNote } from '@hutong/merkle'
import { createMemoryStore } from '@hutong/store'
import { readCosigned, trustFromFirstCharter } from '@hutong/verify'
import { describe, expect, it } from 'vitest'
import { type Alliance, createAlliance } from './testing/alliance.ts'
import { createTestClock, logOpener, type OpenLog, startMs } from './testing/open-log.ts'

const openLog = logOpener(createMemoryStore)
const three: Alliance = createAlliance()
const [beijing, tianjin, langfang] = three.zones as [string, string, string]

describe('before its first commit in a run the log', () => {
  it('waits until a quorum has said what it holds, leaf 0 included, and serves reading meanwhile', async () => {
    await using log = await openLog(three)
    const batch = three.publisher(beijing).seal(1, startMs)
    expect(await log.append(beijing, batch)).toEqual({ kind: 'unavailable', code: 'WAITING_FOR_WITNESSES' })
    await log.witness(beijing)
    expect(await log.append(beijing, batch)).toEqual({ kind: 'unavailable', code: 'WAITING_FOR_WITNESSES' })
    expect(await log.read(0n)).toEqual([])
    expect(await log.status()).toMatchObject({
      size: 0n,
      refuses: 'WAITING_FOR_WITNESSES',
      quorum: 2,
      witnesses: [three.cosignerName(beijing)],
    })
    expect((await log.witness(tianjin)).first?.$case).toBe('welcome')
    expect((await log.append(beijing, batch)).kind).toBe('appended')
    expect(await log.status()).toMatchObject({ size: 2n, refuses: '' })
  })

  it('writes leaf 0 as soon as the quorum is there, though nobody publishes', async () => {
    await using log = await openLog(three)
    await log.welcomeAll()
    await log.service.log.exclusively(async () => {})
    expect((await log.status()).size).toBe(1n)
  })

  it('counts a witness once, however often it comes', async () => {
    await using log = await openLog(three)
    await log.witness(beijing)
    await log.witness(beijing)
    expect((await log.status()).refuses).toBe('WAITING_FOR_WITNESSES')
  })

  it('waits again in the next run, and answers what was accepted before', async () => {
    const store = createMemoryStore()
    const publisher = three.publisher(beijing)
    const batch = publisher.seal(1, startMs)
    {
      await using log = await openLog(three, { store })
      await log.welcomeAll()
      await log.append(beijing, batch)
    }
    await using log = await openLog(three, { store })
    expect((await log.append(beijing, batch)).kind).toBe('appended')
    expect(await log.append(beijing, publisher.seal(1, startMs))).toEqual({
      kind: 'unavailable',
      code: 'WAITING_FOR_WITNESSES',
    })
  })

  it('goes on without a quorum once it has begun', async () => {
    await using log = await openLog(three)
    const streams = await log.welcomeAll()
    const publisher = three.publisher(beijing)
    await log.append(beijing, publisher.seal(1, startMs))
    for (const stream of streams) await stream.end()
    expect((await log.status()).witnesses).toEqual([])
    expect((await log.append(beijing, publisher.seal(1, startMs))).kind).toBe('appended')
  })

  it('welcomes nobody under another name, from another zone, or with a head it did not sign', async () => {
    await using log = await openLog(three)
    const foreign = await foreignHead()
    const answers = [
      await log.witness(beijing, undefined, { name: three.cosignerName(tianjin) }),
      await log.witness('nowhere', undefined, { name: three.cosignerName(beijing) }),
      await log.witness(beijing, foreign),
      await log.witness(beijing, Buffer.from('no note')),
    ].map(({ first }) => first?.$case === 'refusal' && first.value.code)
    expect(answers).toEqual(['NOT_A_WITNESS', 'NOT_A_WITNESS', 'HEAD_NOT_SIGNED', 'HEAD_NOT_SIGNED'])
    expect((await log.status()).witnesses).toEqual([])
  })

  it('refuses while its clock is off the median of the witnesses, and goes on when it is right again', async () => {
    const testClock = createTestClock()
    await using log = await openLog(three, { testClock })
    await log.witness(beijing, undefined, { clockMs: startMs + 60_001 })
    await log.witness(tianjin, undefined, { clockMs: startMs + 60_001 })
    await log.witness(langfang, undefined, { clockMs: startMs })
    const batch = three.publisher(beijing).seal(1, startMs)
    expect(await log.append(beijing, batch)).toEqual({ kind: 'unavailable', code: 'CLOCK_OFF' })
    testClock.nowMs += 2
    expect((await log.append(beijing, batch)).kind).toBe('appended')
  })

  it('notices a clock that jumps in the middle of a run', async () => {
    const testClock = createTestClock()
    await using log = await openLog(three, { testClock })
    await log.welcomeAll()
    const publisher = three.publisher(beijing)
    testClock.tick(3_600_000)
    await log.append(beijing, publisher.seal(1, startMs))
    testClock.nowMs += 60_001
    expect(await log.append(beijing, publisher.seal(1, startMs))).toEqual({ kind: 'unavailable', code: 'CLOCK_OFF' })
  })
})

describe('a log restored from an older copy', () => {
  it('refuses when a witness holds a head beyond its tree', async () => {
    const older = createMemoryStore()
    const head = await headOfLater(older)
    await using log = await openLog(three, { store: older })
    await log.witness(beijing)
    await log.witness(langfang, head)
    expect(await log.append(beijing, three.publisher(beijing).seal(1, startMs))).toEqual({
      kind: 'unavailable',
      code: 'ADOPT_NEEDED',
    })
    expect(await log.status()).toMatchObject({ size: 0n, refuses: 'ADOPT_NEEDED' })
    await log.witness(langfang)
    expect((await log.status()).refuses).toBe('ADOPT_NEEDED')
  })

  it('refuses when a witness holds a head of a size it has with another root', async () => {
    const head = await headOfLater(createMemoryStore())
    const store = createMemoryStore()
    {
      await using log = await openLog(three, { store })
      await log.welcomeAll()
      const publisher = three.publisher(tianjin)
      for (let at = 0; at < 5; at++) await log.append(tianjin, publisher.seal(1, startMs))
    }
    await using log = await openLog(three, { store })
    await log.welcomeAll()
    await log.witness(beijing, head)
    expect((await log.status()).refuses).toBe('ADOPT_NEEDED')
  })

  it('refuses when a cosignature comes for a head of its own that it does not have', async () => {
    const head = await headOfLater(createMemoryStore())
    await using log = await openLog(three)
    const [first] = await log.welcomeAll()
    expect(await first!.cosign(three.cosigned(beijing, head, startMs))).toMatchObject({
      $case: 'refusal',
      value: { code: 'ADOPT_NEEDED' },
    })
    expect((await log.status()).refuses).toBe('ADOPT_NEEDED')
  })
})

describe('cosignatures', () => {
  it('of a quorum make a cosigned head that every zone can check', async () => {
    await using log = await openLog(three)
    const [one, two] = await log.welcomeAll()
    const head = await headAfter(log, three.publisher(beijing).seal(1, startMs))
    expect(await one!.cosign(three.cosigned(beijing, head, startMs))).toEqual({ $case: 'takenSize', value: 2n })
    expect((await log.status()).cosignedSize).toBe(0n)
    await two!.cosign(three.cosigned(tianjin, head, startMs))
    expect((await log.status()).cosignedSize).toBe(2n)
    const cosigned = (await log.read(0n)).find((record) => record.kind === 'cosigned')!
    const trust = trustFromFirstCharter(three.charter)
    if ('kind' in trust) throw new Error(trust.reason)
    expect(readCosigned(trust, cosigned.checkpoint, 0n)).toMatchObject({ kind: 'cosigned', checkpoint: { size: 2n } })
  })

  it('of one witness twice are no quorum', async () => {
    await using log = await openLog(three)
    const [one] = await log.welcomeAll()
    const head = await headAfter(log, three.publisher(beijing).seal(1, startMs))
    await one!.cosign(three.cosigned(beijing, head, startMs))
    await one!.cosign(three.cosigned(beijing, head, startMs + 1_000))
    expect((await log.status()).cosignedSize).toBe(0n)
  })

  it('for less than what is cosigned already are taken and ignored', async () => {
    await using log = await openLog(three)
    const [one, two, other] = await log.welcomeAll()
    const publisher = three.publisher(beijing)
    const early = await headAfter(log, publisher.seal(1, startMs))
    const late = await headAfter(log, publisher.seal(1, startMs))
    await one!.cosign(three.cosigned(beijing, late, startMs))
    await two!.cosign(three.cosigned(tianjin, late, startMs))
    expect(await other!.cosign(three.cosigned(langfang, early, startMs))).toEqual({ $case: 'takenSize', value: 2n })
    expect((await log.status()).cosignedSize).toBe(3n)
  })

  it('under another key, of nobody, from the future, or over another text are refused', async () => {
    await using log = await openLog(three)
    const [one] = await log.welcomeAll()
    const publisher = three.publisher(beijing)
    const early = Buffer.from(three.cosigned(beijing, await headAfter(log, publisher.seal(1, startMs)), startMs))
    const head = await headAfter(log, publisher.seal(1, startMs))
    const ofAnother = Buffer.concat([head, early.subarray(early.lastIndexOf('—'))])
    const answers = [
      await one!.cosign(three.cosigned(tianjin, head, startMs)),
      await one!.cosign(head),
      await one!.cosign(three.cosigned(beijing, head, startMs + 61_000)),
      await one!.cosign(ofAnother),
      await one!.cosign(Buffer.from('no note')),
    ].map((answer) => answer?.$case === 'refusal' && answer.value.code)
    expect(answers).toEqual([
      'COSIGNATURE_INVALID',
      'COSIGNATURE_INVALID',
      'CLOCK_OFF',
      'COSIGNATURE_INVALID',
      'HEAD_NOT_SIGNED',
    ])
  })

  it('bring no line of anybody else into what is published', async () => {
    await using log = await openLog(three)
    const [one, two] = await log.welcomeAll()
    const head = await headAfter(log, three.publisher(beijing).seal(1, startMs))
    const padded = Buffer.concat([
      three.cosigned(beijing, head, startMs),
      Buffer.from('— example.org/other AAAAAAAA\n'),
    ])
    await one!.cosign(padded)
    await two!.cosign(three.cosigned(tianjin, head, startMs))
    const cosigned = (await log.read(0n)).find((record) => record.kind === 'cosigned')!
    const note = openNote(
      cosigned.checkpoint,
      three.hubSigners.map(({ key }) => key),
    )
    expect(note.kind === 'note' && note.unknown.map(({ name }) => name)).toEqual([
      three.cosignerName(beijing),
      three.cosignerName(tianjin),
    ])
  })

  it('are kept across a restart', async () => {
    const store = createMemoryStore()
    {
      await using log = await openLog(three, { store })
      const [one, two] = await log.welcomeAll()
      const head = await headAfter(log, three.publisher(beijing).seal(1, startMs))
      await one!.cosign(three.cosigned(beijing, head, startMs))
      await two!.cosign(three.cosigned(tianjin, head, startMs))
    }
    await using log = await openLog(three, { store })
    expect((await log.status()).cosignedSize).toBe(2n)
  })

  it('before a hello, or a second hello, end the stream', async () => {
    await using log = await openLog(three)
    const refused = await log.witness('nowhere', undefined, { name: three.cosignerName(beijing) })
    expect(refused.first?.$case).toBe('refusal')
    expect(await refused.cosign(Buffer.from('x'))).toBeUndefined()
  })
})

async function headAfter(log: OpenLog, batch: Parameters<OpenLog['append']>[1]): Promise<Uint8Array> {
  const answer = await log.append(beijing, batch)
  if (answer.kind !== 'appended') throw new Error(answer.code)
  return answer.head
}

/** A head this hub signed in a life that its data remembers nothing of. */
async function headOfLater(older: ReturnType<typeof createMemoryStore>): Promise<Uint8Array> {
  await older.position('log')
  await using log = await openLog(three)
  await log.welcomeAll()
  const publisher = three.publisher(beijing)
  await log.append(beijing, publisher.seal(1, startMs))
  return headAfter(log, publisher.seal(1, startMs))
}

async function foreignHead(): Promise<Uint8Array> {
  const other = createAlliance({ quorum: 0 })
  await using log = await openLog(other)
  return headAfter(log, other.publisher(beijing).seal(1, startMs))
}
