import { generateKey, signerFromPem } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import {
  countVerdicts,
  fromBase64,
  fromHex,
  readVectorFolder,
  readVectors,
  readVectorText,
  type VectorCase,
  vectorCounts,
} from '../vectors/read.ts'
import { formatCheckpoint } from './checkpoint.ts'
import { rootOfLeafHashes } from './edge.ts'
import { checkLog, type LogCheck, type LogFiles, maxLogFaults } from './log-check.ts'
import { growLog } from './log-growth.ts'
import { noteSigner, signNote } from './note.ts'
import { sha256Tree } from './tree-hash.ts'
import { parseVkey, type VerifierKey } from './verifier-key.ts'

interface Tampering extends VectorCase {
  readonly path: string
  readonly op: 'flip' | 'truncate' | 'append' | 'delete' | 'replace'
  readonly byte?: number
  readonly bit?: number
  readonly to?: number
  readonly bytes?: string
  readonly content_b64?: string
}

const vectors = readVectors<{
  readonly tampered: readonly Tampering[]
  readonly invalid_paths: readonly { readonly expect: 'reject' }[]
  readonly paths: readonly unknown[]
}>('tiles.json')
const key = vectorKey('tiles/vkey')

/** Left over from size 200: allowed in a live log, too many in an export. */
const leftOver = ['tile/0/000.p/200', 'tile/entries/000.p/200']

describe('the logs of the vectors', () => {
  it.each([
    ['tiles/log-at-200', 'tiles/vkey'],
    ['tiles/log-sm3', 'tiles/vkey-sm3'],
  ])('%s is sound', async (folder, vkey) => {
    const checked = await checkLog(filesOf(readVectorFolder(folder)), [vectorKey(vkey)])
    expect(checked).toMatchObject({ faults: [], isComplete: true })
  })

  it('tiles/log is sound without the two files that its size does not need, and not with them', async () => {
    const withThem = await checkLog(filesOf(readVectorFolder('tiles/log')), [key])
    expect(withThem.faults.map(({ path, code }) => `${code} ${path}`).sort()).toEqual(
      leftOver.map((path) => `SUPERFLUOUS ${path}`),
    )
    expect(await checkLog(filesOf(exportOfVectors()), [key])).toMatchObject({ faults: [], isComplete: true })
  })

  it.each(vectors.tampered)('tiles/log with $path changed ($id) is at fault there and nowhere else', async (one) => {
    const files = exportOfVectors()
    tamper(files, one)
    const { faults } = await checkLog(filesOf(files), [key])
    expect(faults.map(({ path }) => path)).toEqual([one.path])
  })

  it('were all judged, with the tile paths', () => {
    const { accept, reject } = vectorCounts('tiles.json')
    expect(vectors.paths).toHaveLength(accept)
    expect(countVerdicts([...vectors.tampered, ...vectors.invalid_paths])).toEqual({ accept: 0, reject })
  })
})

describe('a check', () => {
  const signer = noteSigner('log.example', signerFromPem(generateKey('Ed25519').privateKeyPem))
  const leaves = Array.from({ length: 600 }, (_, at) => Buffer.from(`leaf ${at}`))

  it('names every one of several altered tiles', async () => {
    const files = await logOf(leaves)
    for (const path of ['tile/0/001', 'tile/1/000.p/2']) files.get(path)![40]! ^= 1
    expect(faultsOf(await checkLog(filesOf(files), [signer.key]))).toEqual([
      'ALTERED tile/0/001',
      'ALTERED tile/1/000.p/2',
    ])
  })

  it('names an altered tile and an altered bundle elsewhere', async () => {
    const files = await logOf(leaves)
    files.get('tile/0/001')![40]! ^= 1
    files.get('tile/entries/000')![5]! ^= 1
    expect(faultsOf(await checkLog(filesOf(files), [signer.key]))).toEqual([
      'ALTERED tile/0/001',
      'ALTERED tile/entries/000',
    ])
  })

  it('names the checkpoint of a log that signed another root over the same files', async () => {
    const files = await logOf(leaves)
    const text = formatCheckpoint({ origin: 'log.example', size: 600n, root: new Uint8Array(32) })
    files.set('checkpoint', signNote(text, [signer]))
    expect(faultsOf(await checkLog(filesOf(files), [signer.key]))).toEqual(['ALTERED checkpoint'])
  })

  it('names files missing from the middle, and what is none of a log', async () => {
    const files = await logOf(leaves)
    files.delete('tile/entries/001')
    files.delete('tile/0/000')
    files.set('tile/0/003', new Uint8Array(8192))
    files.set('README', new Uint8Array(1))
    files.set('tile/2/000.p/1', new Uint8Array(32))
    expect(faultsOf(await checkLog(filesOf(files), [signer.key]))).toEqual([
      'MISSING tile/0/000',
      'MISSING tile/entries/001',
      'SUPERFLUOUS README',
      'SUPERFLUOUS tile/0/003',
      'SUPERFLUOUS tile/2/000.p/1',
    ])
  })

  it('takes a log without leaves', async () => {
    expect(await checkLog(filesOf(await logOf([])), [signer.key])).toMatchObject({ faults: [], isComplete: true })
  })

  it('names a line by a key that was not given', async () => {
    const other = noteSigner('other.example', signerFromPem(generateKey('Ed25519').privateKeyPem))
    const files = await logOf(leaves.slice(0, 3))
    const text = checkpointText(leaves.slice(0, 3))
    files.set('checkpoint', signNote(text, [signer, other]))
    expect(faultsOf(await checkLog(filesOf(files), [signer.key]))).toEqual(['UNKNOWN_SIGNATURE checkpoint'])
    expect(faultsOf(await checkLog(filesOf(files), [signer.key, other.key]))).toEqual([])
    expect(faultsOf(await checkLog(filesOf(files), [other.key]))).toEqual(['REFUSED checkpoint'])
    expect(faultsOf(await checkLog(filesOf(files), []))).toEqual(['REFUSED checkpoint'])
  })

  it('of a checkpoint that claims an impossible number of leaves stops at its bound', async () => {
    const text = formatCheckpoint({ origin: 'log.example', size: 2n ** 63n - 1n, root: new Uint8Array(32) })
    const checked = await checkLog(filesOf(new Map([['checkpoint', signNote(text, [signer])]])), [signer.key])
    expect(checked.isComplete).toBe(false)
    expect(checked.faults).toHaveLength(maxLogFaults)
  })

  it('lets a failure of the reader through: it says nothing about the log', async () => {
    const files = filesOf(await logOf(leaves))
    const failing: LogFiles = {
      list: files.list,
      read: async (path) => {
        if (path.startsWith('tile/')) throw new Error('disk')
        return files.read(path)
      },
    }
    await expect(checkLog(failing, [signer.key])).rejects.toThrow('disk')
  })

  async function logOf(entries: readonly Uint8Array[]): Promise<Map<string, Uint8Array>> {
    const { files } = await growLog(sha256Tree, 0n, entries, async () => undefined)
    const all = new Map(files.map(({ path, content }) => [path, content]))
    return all.set('checkpoint', signNote(checkpointText(entries), [signer]))
  }

  function checkpointText(entries: readonly Uint8Array[]): string {
    const root = rootOfLeafHashes(
      sha256Tree,
      entries.map((entry) => sha256Tree.leaf(entry)),
    )
    return formatCheckpoint({ origin: 'log.example', size: BigInt(entries.length), root })
  }
})

function faultsOf({ faults }: LogCheck): string[] {
  return faults.map(({ code, path }) => `${code} ${path}`).sort()
}

function filesOf(files: ReadonlyMap<string, Uint8Array>): LogFiles {
  return { read: async (path) => files.get(path), list: async () => [...files.keys()] }
}

function exportOfVectors(): Map<string, Uint8Array> {
  const files = readVectorFolder('tiles/log')
  for (const path of leftOver) files.delete(path)
  return files
}

function tamper(files: Map<string, Uint8Array>, { path, op, byte, bit, to, bytes, content_b64 }: Tampering): void {
  const content = files.get(path)!
  switch (op) {
    case 'flip':
      content[byte!]! ^= 1 << bit!
      return
    case 'truncate':
      files.set(path, content.subarray(0, to!))
      return
    case 'append':
      files.set(path, Buffer.concat([content, fromHex(bytes!)]))
      return
    case 'delete':
      files.delete(path)
      return
    case 'replace':
      files.set(path, fromBase64(content_b64!))
  }
}

function vectorKey(file: string): VerifierKey {
  const parsed = parseVkey(readVectorText(file))
  if (parsed.kind === 'refused') throw new Error(parsed.reason)
  return parsed.key
}
