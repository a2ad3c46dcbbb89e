import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { suspended, World } from '@hutong/verify/world'
import { encodeRecord } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// A replay in a process of its own; it prints a line after each leaf, and the report at the end.
const script = `
import { readFileSync, writeSync } from 'node:fs'
import { decodeRecord } from '@hutong/wire'
import { replay, ReplayState, reportToJson } from './src/index.ts'
const [story, path] = process.argv.slice(1)
const { records, head, cosigned, pinned } = JSON.parse(readFileSync(story))
const bytes = (text) => Buffer.from(text, 'base64')
const source = {
  heads: async () => ({ head: bytes(head), cosigned: bytes(cosigned) }),
  async *records(from) {
    for (const record of records.slice(Number(from))) yield decodeRecord(bytes(record)).record
    yield { kind: 'head', checkpoint: bytes(head) }
    yield { kind: 'cosigned', checkpoint: bytes(cosigned) }
  },
}
await using state = path === undefined ? undefined : await ReplayState.open(path, 3n)
const onProgress = ({ position }) => writeSync(1, position + '\\n')
const options = { source, charterSha256: bytes(pinned), verifiers: [], onProgress, ...(state && { state }) }
writeSync(1, JSON.stringify(reportToJson(await replay(options))) + '\\n')
`
const leaves = 81
const kills = 4

describe('a replay that is killed with kill -9', () => {
  let folder: string
  let story: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'replay-kill-'))
    story = join(folder, 'story.json')
    await writeFile(story, told())
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('goes on and comes to the same report, wherever it died', async () => {
    const whole = lines(await text(started([story]).stdout)).at(-1)!
    const path = join(folder, 'state.sqlite')
    for (let kill = 0; kill < kills; kill++) {
      const at = 1 + Math.floor(Math.random() * leaves)
      const seen = await killedAt([story, path], at)
      console.log(`killed at leaf ${at}; it had begun at ${seen[0]}`)
    }
    const last = lines(await text(started([story, path]).stdout))
    expect(JSON.parse(last.at(-1)!)).toEqual(JSON.parse(whole))
  })
})

function told(): string {
  const world = new World({ suite: 'Ed25519' })
  for (let at = 0; at < leaves >> 1; at++) {
    const licences = Array.from({ length: 5 }, (_, place) => world.licence('beijing', `S${at}X${place}`))
    world.publishBatch('beijing', licences)
    world.publish('beijing', suspended(world.licence('beijing', `S${at >> 1}X1`)))
  }
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  return JSON.stringify({
    records: world.records.map((record) => base64(encodeRecord(record))),
    head: base64(world.head()),
    cosigned: base64(world.cosignedHead()),
    pinned: base64(world.pinnedSha256),
  })
}

function started(args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, ['--input-type=module', '--eval', script, '--', ...args], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Kills it when it has taken so many leaves; what it had printed by then. */
async function killedAt(args: readonly string[], at: number): Promise<readonly string[]> {
  const child = started(args)
  const seen: string[] = []
  let rest = ''
  for await (const chunk of child.stdout) {
    rest += chunk
    seen.push(...lines(rest.slice(0, rest.lastIndexOf('\n') + 1)))
    rest = rest.slice(rest.lastIndexOf('\n') + 1)
    if (Number(seen.at(-1)) >= at) child.kill('SIGKILL')
  }
  return seen
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
