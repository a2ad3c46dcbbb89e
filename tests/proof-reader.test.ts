import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { projectFolder } from './constellation/command-line.ts'

const vectors = join(projectFolder, 'packages', 'verify', 'vectors', 'proof')
const script = join(import.meta.dirname, 'proof-reader', 'check.py')
const readLimitMs = 30_000

interface Event {
  leaf: string
  salt: string
  payload: string
  eventProof: string
  batchProof: string
}
interface File {
  firstCharter: string
  charters: { charter: string; proof: string }[]
  events: [Event, Event, Event, Event]
}

describe('a proof of a licence, read by Python with nothing of ours', () => {
  let absent: string | undefined
  let folder: string
  let text: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'proof-reader-'))
    text = await readFile(join(vectors, 'proof.json'), 'utf8')
    const fits = promisify(execFile)('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)'])
    absent = await fits.then(
      () => undefined,
      () => 'python3 3.9 or newer: not installed here',
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  beforeEach((ctx) => {
    if (absent !== undefined) ctx.skip(absent)
  })

  /** What the script says to the frozen proof, changed. */
  async function read(change: (file: File) => void = () => {}): Promise<string> {
    const file = JSON.parse(text) as File
    change(file)
    await writeFile(join(folder, 'proof.json'), `${JSON.stringify(file)}\n`)
    const paths = [join(folder, 'proof.json'), join(vectors, 'charter-0.bin')]
    return promisify(execFile)('python3', [script, ...paths], { timeout: readLimitMs }).then(
      ({ stdout }) => stdout,
      ({ stderr }: { stderr: string }) => stderr,
    )
  }

  it('is sound: index and kind of each event', async () => {
    expect(await read()).toBe('3 1\n5 3\n6 4\n8 5\n')
  })

  it.each<[string, (file: File) => void, string]>([
    ['without its second event', ({ events }) => events.splice(1, 1), 'an event was left out'],
    ['without its first event', ({ events }) => events.shift(), 'an event was left out'],
    ['with the payload of another event', ({ events: [a, b] }) => Object.assign(a, { payload: b.payload }), 'payload'],
    [
      'with the leaf of another event',
      ({ events: [a, b] }) => Object.assign(a, { leaf: b.leaf }),
      "not in the zone's log",
    ],
    [
      'in the batch of another event',
      ({ events: [a, b] }) => Object.assign(a, { batchProof: b.batchProof }),
      'zone checkpoint',
    ],
    ['with another charter', ({ charters: [one] }) => Object.assign(one!, { charter: 'AAAA' }), 'another charter'],
  ])('is refused %s', async (_what, change, said) => {
    expect(await read(change)).toContain(said)
  })
})
