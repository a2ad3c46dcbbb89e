import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli, runHere } from './run-cli.ts'

// Logs in tiles that other implementations made; merkle's README of the vectors names them.
const vectors = join(import.meta.dirname, '../../merkle/vectors/tiles')
const vkey = readFileSync(join(vectors, 'vkey'), 'utf8').trim()

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-cli-tlog-'))
  cpSync(join(vectors, 'log-at-200'), folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const check = (...more: string[]) => runHere(['tlog', 'check', folder, '--vkey', vkey, ...more])

describe('hutong tlog check', () => {
  it('answers 0 to a sound log, in a process of its own', async () => {
    const { exitCode, stdout } = await runCli(['tlog', 'check', folder, '--vkey', vkey])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^SOUND {2}jjj\.hutong\.example\/z\/baodi\/1 {2}200 entries\n/)
  })

  it('names an altered file', async () => {
    const path = join(folder, 'tile/entries/000.p/200')
    const bytes = readFileSync(path)
    bytes[2]! ^= 1
    writeFileSync(path, bytes)
    const { exitCode, stdout } = await check('--json')
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout).faults).toContainEqual(
      expect.objectContaining({ path: 'tile/entries/000.p/200', code: 'ALTERED' }),
    )
  })

  it('names a missing file, and one too many', async () => {
    rmSync(join(folder, 'tile/0/000.p/200'))
    writeFileSync(join(folder, 'tile/stray'), '')
    const { exitCode, stdout } = await check()
    expect(exitCode).toBe(1)
    expect(stdout).toContain('MISSING  tile/0/000.p/200')
    expect(stdout).toContain('SUPERFLUOUS  tile/stray')
  })

  it('believes no checkpoint that the key has not signed', async () => {
    appendFileSync(join(folder, 'checkpoint'), 'x')
    expect((await check()).exitCode).toBe(1)
  })

  it('answers 1 to a directory without a log and 2 to a key that is none', async () => {
    expect((await runHere(['tlog', 'check', join(folder, 'nothing'), '--vkey', vkey])).exitCode).toBe(1)
    expect((await runHere(['tlog', 'check', folder, '--vkey', 'none'])).exitCode).toBe(2)
  })
})
