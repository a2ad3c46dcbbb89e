import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  formatCheckpoint,
  formatVkey,
  growLog,
  type NoteSigner,
  noteSigner,
  rootOfLeafHashes,
  sha256Tree,
  signNote,
} from '@hutong/merkle'
import { generateKey, signerFromPem } from '@hutong/signing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildGoReader, type GoReader, goReaderLimitMs, type NoGoReader } from './go-reader/reader.ts'

const origin = 'reader.hutong.example/z/beijing/1'

describe('a log in tiles, read by Go’s own reader', () => {
  let built: GoReader | NoGoReader
  let folder: string
  let log: WrittenLog

  beforeAll(async () => {
    built = await buildGoReader()
    folder = await mkdtemp(join(tmpdir(), 'tiles-'))
    log = await writeLog(folder)
  }, goReaderLimitMs)
  afterAll(async () => {
    if (built.kind === 'built') await built[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach((ctx) => {
    if (built.kind === 'absent') ctx.skip(`go-reader: ${built.reason}`)
  })
  const read = (vkey = log.vkey) => (built as GoReader).read(folder, vkey)

  it('is accepted at each size it has had', async () => {
    for (const { size, checkpoint } of log.checkpoints) {
      await withFile('checkpoint', checkpoint, async () => {
        expect(await read()).toEqual({ accepted: true, said: `accepted ${origin} ${size}\n` })
      })
    }
  })

  it('is refused after one flipped byte in any of its files, and a file is named', async () => {
    expect(log.paths).toEqual(expect.arrayContaining(['tile/0/000', 'tile/1/000.p/2', 'tile/entries/002.p/88']))
    for (const path of log.paths) {
      const content = await readFile(join(folder, path))
      // In the checkpoint within its text: a line of a suite that Go does not know is one that it passes over.
      content[path === 'checkpoint' ? 3 : content.length >> 1]! ^= 1
      await withFile(path, content, async () => {
        const { accepted, said } = await read()
        expect({ path, accepted }).toEqual({ path, accepted: false })
        expect(said).toContain(path)
      })
    }
  })

  it('is refused with an entry cut off, with one too many and without a file', async () => {
    const path = 'tile/entries/002.p/88'
    const content = await readFile(join(folder, path))
    for (const spoilt of [content.subarray(0, -1), Buffer.concat([content, Buffer.from([0, 0])])]) {
      await withFile(path, spoilt, async () => expect(await read()).toMatchObject({ accepted: false }))
    }
    await withFile('tile/1/000.p/2', undefined, async () => {
      expect((await read()).said).toContain('tile/1/000.p/2')
    })
  })

  it('is refused under the key of another log', async () => {
    expect(await read(formatVkey(ed25519Signer().key))).toMatchObject({ accepted: false })
  })

  it('is refused where the checkpoint is signed over another root', async () => {
    const root = rootOfLeafHashes(sha256Tree, [sha256Tree.leaf(Buffer.from('another'))])
    const text = formatCheckpoint({ origin, size: BigInt(leaves.length), root })
    await withFile('checkpoint', signNote(text, log.signers), async () => {
      expect((await read()).said).toMatch(/^checkpoint: root /)
    })
  })

  /** Puts other bytes (none: no file) in a file's place for as long as `look` takes. */
  async function withFile(path: string, content: Uint8Array | undefined, look: () => Promise<void>): Promise<void> {
    const whole = await readFile(join(folder, path))
    try {
      if (content === undefined) await rm(join(folder, path))
      else await writeFile(join(folder, path), content)
      await look()
    } finally {
      await writeFile(join(folder, path), whole)
    }
  }
})

interface WrittenLog {
  readonly vkey: string
  readonly signers: readonly NoteSigner[]
  readonly checkpoints: readonly { readonly size: bigint; readonly checkpoint: Uint8Array }[]
  /** Its files, those of the earlier size left out. */
  readonly paths: readonly string[]
}

/** Leaves of every length class: empty, short, and longer than one hash block. */
const leaves = Array.from({ length: 600 }, (_, at) => Buffer.from(`leaf ${at} `.repeat(at % 40)))
const firstSize = 300

/** A log that grew twice; the deciding signature is SM2's, beside it the Ed25519 line that foreign readers know. */
async function writeLog(folder: string): Promise<WrittenLog> {
  const ed25519 = ed25519Signer()
  const signers = [noteSigner(origin, signerFromPem(generateKey('SM2-SM3').privateKeyPem)), ed25519]
  const checkpoints: { size: bigint; checkpoint: Uint8Array }[] = []
  const paths = new Set<string>(['checkpoint'])
  for (const [from, to] of [
    [0, firstSize],
    [firstSize, leaves.length],
  ] as const) {
    const readLogFile = (path: string) => readFile(join(folder, path)).catch(() => undefined)
    const { files, superseded } = await growLog(sha256Tree, BigInt(from), leaves.slice(from, to), readLogFile)
    for (const path of superseded) paths.delete(path)
    for (const { path, content } of files) {
      paths.add(path)
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    const hashes = leaves.slice(0, to).map((leaf) => sha256Tree.leaf(leaf))
    const root = rootOfLeafHashes(sha256Tree, hashes)
    const checkpoint = signNote(formatCheckpoint({ origin, size: BigInt(to), root }), signers)
    checkpoints.push({ size: BigInt(to), checkpoint })
    await writeFile(join(folder, 'checkpoint'), checkpoint)
  }
  return { vkey: formatVkey(ed25519.key), signers, checkpoints, paths: [...paths] }
}

function ed25519Signer(): NoteSigner {
  return noteSigner(origin, signerFromPem(generateKey('Ed25519').privateKeyPem))
}
