import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runHere } from './run-cli.ts'

// The example of C2SP signed-note, made by golang.org/x/mod/sumdb/note.
const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const other = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const note =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n" +
  '\n' +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

let folder: string
let file: string
let altered: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-cli-note-'))
  file = join(folder, 'note')
  altered = join(folder, 'altered')
  writeFileSync(file, note)
  writeFileSync(altered, note.replace('answer', 'Answer'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('hutong note verify', () => {
  it('names who has signed', async () => {
    expect(await runHere(['note', 'verify', file, '--vkey', vkey])).toEqual({
      exitCode: 0,
      stdout: 'NOTE_HOLDS  PeterNeumann\n',
      stderr: '',
    })
  })

  it('takes several keys, of which one has signed', async () => {
    expect((await runHere(['note', 'verify', file, '--vkey', other, '--vkey', vkey])).exitCode).toBe(0)
  })

  it('answers 1 to an altered text, and says why in JSON', async () => {
    const { exitCode, stdout } = await runHere(['note', 'verify', altered, '--vkey', vkey, '--json'])
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ holds: false, code: 'SIGNATURE_INVALID' })
  })

  it('answers 1 where no given key has signed', async () => {
    const { exitCode, stdout } = await runHere(['note', 'verify', file, '--vkey', other])
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^NO_KNOWN_SIGNATURE /)
  })

  it('answers 2 to a vkey that is none, and where there is none', async () => {
    expect((await runHere(['note', 'verify', file, '--vkey', vkey.replace('c74f20a3', 'c74f20a4')])).exitCode).toBe(2)
    expect((await runHere(['note', 'verify', file])).exitCode).toBe(2)
  })
})
